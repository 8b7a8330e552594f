import type { Experiment } from '#reports/experiment.schema.ts'
import { formatCount, formatShare } from '#console/format.ts'
import { formatPercent } from '#console/pages/experiments/experiment-words.ts'
import type { Result } from '#console/pages/experiments/experiments.queries.ts'
import { LiftRange } from '#console/pages/experiments/LiftRange.tsx'
import { Figure, Figures } from '#console/ui/Figures.tsx'
import { Moment } from '#console/ui/Moment.tsx'

/** The lift with its interval, and the two rates that it is made of. */
export function Outcome({
  experiment: { closedAt },
  result,
}: {
  experiment: Pick<Experiment, 'closedAt'>
  result: Result
}) {
  const { lift, low, high, peopleHeldOut, conversionsHeldOut, peopleOthers, conversionsOthers } =
    result
  return (
    <Figures>
      <Figure
        label="Missing without it"
        definition="1 − rate of those left out ⁄ rate of the others: the part of conversions that the channel brings"
        more={`${formatPercent(low)} to ${formatPercent(high)}, 90 % interval`}
      >
        {formatPercent(lift)}
      </Figure>
      <Figure label="What it says" more={<LiftRange {...result} />}>
        {verdictOf(low, high)}
      </Figure>
      <Figure
        label="Left out"
        more={`${formatCount(conversionsHeldOut)} of ${formatCount(peopleHeldOut)} people`}
      >
        {formatShare(conversionsHeldOut / peopleHeldOut)}
      </Figure>
      <Figure
        label="The others"
        more={`${formatCount(conversionsOthers)} of ${formatCount(peopleOthers)} people`}
      >
        {formatShare(conversionsOthers / peopleOthers)}
      </Figure>
      <Figure label="Recorded">
        <Moment at={closedAt} />
      </Figure>
    </Figures>
  )
}

function verdictOf(low: number, high: number): string {
  if (low > 0) return 'It brings something'
  if (high < 0) return 'It takes something away'
  return 'Not clear from nothing'
}
