import type { ReactNode } from 'react'
import type { Need, Plan } from '#reports/plan.schema.ts'
import { formatCount, formatCounted, formatDate, formatShare } from '#console/format.ts'
import { nameOfSegment } from '#console/pages/plans/plan-words.ts'
import { Amount } from '#console/ui/Amount.tsx'
import { Badge } from '#console/ui/Badge.tsx'
import { Figure, Figures } from '#console/ui/Figures.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

/** From the targets back to deals, pipeline, leads and spend, and the rates by which that was worked out. */
export function NeedsView({ plan }: { plan: Plan }) {
  const { total, currency, needs } = plan
  const warned = needs.filter(({ warnings }) => warnings.length > 0)
  return (
    <>
      <Figures>
        <Figure label="Target" definition="To be won in the quarter">
          <Amount minor={total.targetMinor} currency={currency} />
        </Figure>
        <Figure
          label="Pipeline"
          definition="To be opened so that the target is won at the measured rates"
        >
          <Amount minor={total.pipelineMinor} currency={currency} none="Not known" />
        </Figure>
        <Figure label="Leads" more={capacityOf(plan)}>
          {total.leads === null ? 'Not known' : formatCount(total.leads)}
        </Figure>
        <Figure label="Spend" definition="Leads × cost per lead">
          <Amount minor={total.spendMinor} currency={currency} none="Not known" />
        </Figure>
      </Figures>
      {warned.length > 0 && (
        <Panel title="Not to be relied on yet">
          <ul className={text.list}>
            {warned.flatMap(({ channel, warnings }) =>
              warnings.map((warning) => (
                <li key={`${channel} ${warning}`}>
                  {nameOfSegment(channel)}: {warning}
                </li>
              )),
            )}
          </ul>
        </Panel>
      )}
      <Panel
        title="What each segment needs"
        hint="Read from the right to the left it is how the quarter comes about: spend brings leads, leads open opportunities, and some of them are won."
        flush
      >
        <Table<Need>
          caption="Needs by segment"
          rows={needs}
          columns={needColumns(currency)}
          rowKey={({ channel }) => channel ?? 'all others'}
          empty={null}
        />
      </Panel>
      <Panel
        title="By which rates"
        hint={`Measured in the ${formatCount(plan.basisDays)} days before the version was made, with 95 % intervals. What was assumed instead is marked.`}
        flush
      >
        <Table<Need>
          caption="Rates that the needs follow from"
          rows={needs}
          columns={rateColumns(plan)}
          rowKey={({ channel }) => channel ?? 'all others'}
          empty={null}
        />
      </Panel>
    </>
  )
}

function capacityOf({ capacity: { owners, leads, isEnough } }: Plan) {
  const team = formatCounted(owners, 'owners')
  if (leads === null) return `${team}; what one can follow up is not set`
  return isEnough === false ? (
    <Badge tone="warn">
      More than the {formatCount(leads)} that {team} can follow up
    </Badge>
  ) : (
    `${team} can follow up ${formatCount(leads)}`
  )
}

const count = (value: number | null) => (value === null ? '—' : formatCount(value))

function needColumns(currency: string): Column<Need>[] {
  return [
    { title: 'Segment', isHeader: true, cell: ({ channel }) => nameOfSegment(channel) },
    {
      title: 'Target',
      align: 'end',
      cell: ({ targetMinor }) => <Amount minor={targetMinor} currency={currency} />,
    },
    { title: 'Deals', align: 'end', cell: ({ deals }) => count(deals) },
    { title: 'Opportunities', align: 'end', cell: ({ opportunities }) => count(opportunities) },
    {
      title: 'Pipeline',
      align: 'end',
      cell: ({ pipelineMinor }) => <Amount minor={pipelineMinor} currency={currency} />,
    },
    {
      title: 'Leads',
      align: 'end',
      hint: 'At the bounds of the measured rate below (95 %)',
      cell: ({ leads, leadsLow, leadsHigh }) => (
        <>
          {count(leads)}
          {leadsLow !== leads && (
            <span className={text.line}>
              {count(leadsLow)} to {leadsHigh === null ? 'any number' : count(leadsHigh)}
            </span>
          )}
        </>
      ),
    },
    {
      title: 'Leads by',
      hint: 'Half of the deals take longer than from this day to the end of the quarter',
      cell: ({ leadsBy }) => (leadsBy === null ? '—' : formatDate(leadsBy)),
    },
    {
      title: 'Spend',
      align: 'end',
      cell: ({ spendMinor }) => <Amount minor={spendMinor} currency={currency} />,
    },
  ]
}

function rateColumns({ currency, segments }: Plan): Column<Need>[] {
  const assumedOf = ({ channel }: Need) =>
    segments.find((segment) => segment.channel === channel)?.assume ?? {}
  return [
    { title: 'Segment', isHeader: true, cell: ({ channel }) => nameOfSegment(channel) },
    {
      title: 'Leads that are won',
      cell: (need) => <RateOf rate={need.measured.leadToWon} assumed={assumedOf(need).leadToWon} />,
    },
    {
      title: 'Leads that open an opportunity',
      cell: (need) => (
        <RateOf
          rate={need.measured.leadToOpportunity}
          assumed={assumedOf(need).leadToOpportunity}
        />
      ),
    },
    {
      title: 'Average deal',
      align: 'end',
      cell: (need) => (
        <AmountOf
          minor={need.measured.averageWonMinor}
          assumed={assumedOf(need).averageWonMinor}
          currency={currency}
        />
      ),
    },
    {
      title: 'Cost per lead',
      align: 'end',
      cell: (need) => (
        <AmountOf
          minor={need.measured.costPerLeadMinor}
          assumed={assumedOf(need).costPerLeadMinor}
          currency={currency}
        />
      ),
    },
    {
      title: 'Days to won',
      align: 'end',
      hint: 'Median, from the capture of the lead',
      cell: ({ measured }) =>
        measured.medianDaysToWon === null ? '—' : measured.medianDaysToWon.toFixed(0),
    },
  ]
}

function RateOf({
  rate: { rate, low, high, denominator, isSmall },
  assumed,
}: {
  rate: Need['measured']['leadToWon']
  assumed: number | undefined
}) {
  if (assumed !== undefined) return <Assumed>{formatShare(assumed)}</Assumed>
  return (
    <>
      {formatShare(rate)} {isSmall && <Badge tone="warn">Few</Badge>}
      <span className={text.line}>
        {low !== null && `${formatShare(low)} to ${formatShare(high)} · `}n ={' '}
        {formatCount(denominator)}
      </span>
    </>
  )
}

function AmountOf({
  minor,
  assumed,
  currency,
}: {
  minor: number | null
  assumed: number | undefined
  currency: string
}) {
  if (assumed === undefined) return <Amount minor={minor} currency={currency} />
  return (
    <Assumed>
      <Amount minor={assumed} currency={currency} />
    </Assumed>
  )
}

function Assumed({ children }: { children: ReactNode }) {
  return (
    <>
      {children} <Badge tone="info">Assumed</Badge>
    </>
  )
}
