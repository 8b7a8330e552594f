import type { FrozenFigures } from '#reports/weekly.schema.ts'
import { formatCount, formatExact, formatShare } from '#console/format.ts'
import { ReceiptLink } from '#console/pages/campaigns/ReceiptLink.tsx'
import { Amount } from '#console/ui/Amount.tsx'
import { Change } from '#console/ui/Change.tsx'
import { Figure, Figures } from '#console/ui/Figures.tsx'

/** What the week brought, each figure against the week before. */
export function Headline({ figures }: { figures: FrozenFigures }) {
  const { current, previous, currency, pipeline } = figures
  const { won, winRate } = current.closed
  const { leads } = current.leads
  const { mqls } = current.conversion.period.total
  const mqlsBefore = previous?.conversion.period.total.mqls
  return (
    <Figures>
      <Figure
        label="Won"
        definition="Amount of the deals that closed as won in the week; opens to the deals"
        more={
          <>
            {formatCount(won.deals)} deals ·{' '}
            <Against
              now={won.amountMinor}
              before={previous?.closed.won.amountMinor}
              format={(value) => `${currency} ${formatExact(value, currency)}`}
            />
          </>
        }
      >
        <ReceiptLink receipt="won">
          <Amount minor={won.amountMinor} currency={currency} />
        </ReceiptLink>
      </Figure>
      <Figure
        label="Win rate"
        definition="Won of all deals that closed in the week, with a 95 % interval"
        more={
          winRate.low === null
            ? 'No deal closed'
            : `${formatShare(winRate.low)} to ${formatShare(winRate.high)} · n = ${formatCount(winRate.denominator)}`
        }
      >
        {formatShare(winRate.rate)}
      </Figure>
      <Figure
        label="Leads"
        definition="Captured in the week; opens to the leads"
        more={<Against now={leads} before={previous?.leads.leads} format={(n) => formatCount(n)} />}
      >
        <ReceiptLink receipt="leads">{formatCount(leads)}</ReceiptLink>
      </Figure>
      <Figure
        label="Qualified"
        definition="Leads that qualified in the week, whenever they were captured"
        more={<Against now={mqls} before={mqlsBefore} format={(n) => formatCount(n)} />}
      >
        {formatCount(mqls)}
      </Figure>
      <Figure
        label="Open pipeline"
        definition="Open deals when the report was made"
        more={`${formatCount(pipeline.deals)} deals · ${formatShare(pipeline.influencedShare)} touched by campaigns`}
      >
        <Amount minor={pipeline.amountMinor} currency={currency} />
      </Figure>
    </Figures>
  )
}

/** Against the week before; the change is relative to it. */
function Against({
  now,
  before,
  format,
}: {
  now: number
  before: number | undefined
  format: (value: number) => string
}) {
  const change = before === undefined || before === 0 ? null : now / before - 1
  return <Change change={change} previous={before === undefined ? '—' : format(before)} />
}
