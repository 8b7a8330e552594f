import type { ExperimentDetail } from '#reports/experiment.schema.ts'
import { formatCount, formatShare } from '#console/format.ts'
import { describeWeeks, formatPercent } from '#console/pages/experiments/experiment-words.ts'
import { useSession } from '#console/session.ts'
import { Amount } from '#console/ui/Amount.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import text from '#console/ui/Text.module.css'

/** The arithmetic of this very design, as it was when it was planned. */
export function SpokeForIt({ experiment: { proposal } }: { experiment: ExperimentDetail }) {
  const { currency } = useSession()
  if (proposal === null) {
    return (
      <Panel title="What spoke for it">
        <EmptyState title="Nothing was weighed">
          When it was planned there was no fitted data-driven model, no budget of the channel or
          nothing won, so that its worth was not worked out.
        </EmptyState>
      </Panel>
    )
  }
  const facts = [
    ['Value', <Amount key="value" minor={proposal.valueMinor} currency={currency} />],
    ['Cost', <Amount key="cost" minor={proposal.costMinor} currency={currency} />],
    ['Net', <Amount key="net" minor={proposal.netMinor} currency={currency} />],
    ['Doubt before', `± ${formatPercent(proposal.deviationBefore)} of revenue`],
    ['Doubt after, as expected', `± ${formatPercent(proposal.deviationAfter)} of revenue`],
    ['Power', formatShare(proposal.power)],
    [
      'Power of 80 % takes',
      proposal.weeksForPower === null
        ? 'No effect is believed'
        : describeWeeks(proposal.weeksForPower),
    ],
    [
      'People left out',
      `${formatCount(proposal.peopleHeldOut)}, about ${formatCount(Math.round(proposal.expectedConversionsHeldOut))} convert`,
    ],
    [
      'The others',
      `${formatCount(proposal.peopleOthers)}, about ${formatCount(Math.round(proposal.expectedConversionsOthers))} convert`,
    ],
  ] as const
  return (
    <Panel
      title="What spoke for it"
      hint="As it was worked out when the experiment was planned: what a better division of the budget would bring in the year after, less what the test costs."
    >
      <dl className={text.facts}>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </Panel>
  )
}
