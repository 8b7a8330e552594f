import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import type { PlanProgress } from '#reports/plan.schema.ts'
import { formatCount, formatDate, formatShare } from '#console/format.ts'
import { nameOfSegment } from '#console/pages/plans/plan-words.ts'
import { progressQuery } from '#console/pages/plans/plans.queries.ts'
import { Amount } from '#console/ui/Amount.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { Figure, Figures } from '#console/ui/Figures.tsx'
import { Meter } from '#console/ui/Meter.tsx'
import { PageSkeleton } from '#console/ui/PageSkeleton.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

type Row = PlanProgress['segments'][number]

/** What came in against what was planned; the mark on each bar is the part of the quarter that is over. */
export function ProgressView({
  quarter,
  version,
}: {
  quarter: string
  version: string | undefined
}) {
  const progress = useQuery(progressQuery(quarter, version))
  if (progress.isError) return <Problem error={progress.error} />
  if (!progress.data) return <PageSkeleton />
  const { segments, total, outside, currency, from, to, elapsed } = progress.data
  const targetMinor = segments.reduce((sum, { planned }) => sum + planned.targetMinor, 0)
  return (
    <>
      <Figures>
        <Figure
          label="Won"
          definition="Amount of the deals that closed as won in the quarter"
          more={
            <>
              {formatShare(targetMinor === 0 ? null : total.wonMinor / targetMinor)} of{' '}
              <Amount minor={targetMinor} currency={currency} />
            </>
          }
        >
          <Amount minor={total.wonMinor} currency={currency} />
        </Figure>
        <Figure label="The quarter" more={`${formatDate(from)} – ${formatDate(to)}`}>
          {elapsed === 0 ? 'Ahead' : elapsed === 1 ? 'Over' : `${formatShare(elapsed)} over`}
        </Figure>
        <Figure
          label="Pipeline opened"
          definition="Amount of the deals that were opened in the quarter"
          more={`${formatCount(total.opportunities)} opportunities`}
        >
          <Amount minor={total.pipelineMinor} currency={currency} />
        </Figure>
        <Figure label="Leads" definition="Captured in the quarter">
          {formatCount(total.leads)}
        </Figure>
        <Figure
          label="Spent"
          definition="Budgets of campaigns, spread over their days, that fall into the quarter until today"
        >
          <Amount minor={total.spendMinor} currency={currency} />
        </Figure>
      </Figures>
      <Panel
        title="By segment"
        hint={`The mark on a bar is where the quarter stands today. A deal counts for the channel of the first lead among its people.`}
        flush
      >
        <Table<Row>
          caption="Actual against plan, by segment"
          rows={segments}
          columns={columnsOf(currency, elapsed)}
          rowKey={({ channel }) => channel ?? 'all others'}
          empty={null}
        />
        {isSomething(outside) && (
          <p className={text.pad}>
            <span className={text.soft}>
              Outside the plan, of channels that no segment names:{' '}
              <Amount minor={outside.wonMinor} currency={currency} /> won with{' '}
              {formatCount(outside.wonDeals)} deals, {formatCount(outside.leads)} leads.
            </span>
          </p>
        )}
      </Panel>
    </>
  )
}

function isSomething(outside: PlanProgress['outside']): boolean {
  return Object.values(outside).some((value) => value > 0)
}

function columnsOf(currency: string, elapsed: number): Column<Row>[] {
  const money = (minor: number) => <Amount minor={minor} currency={currency} />
  return [
    { title: 'Segment', isHeader: true, cell: ({ channel }) => nameOfSegment(channel) },
    {
      title: 'Won of the target',
      cell: ({ planned, actual }) => (
        <Against
          actual={actual.wonMinor}
          planned={planned.targetMinor}
          elapsed={elapsed}
          format={money}
        />
      ),
    },
    {
      title: 'Pipeline opened',
      cell: ({ planned, actual }) => (
        <Against
          actual={actual.pipelineMinor}
          planned={planned.pipelineMinor}
          elapsed={elapsed}
          format={money}
        />
      ),
    },
    {
      title: 'Leads',
      cell: ({ planned, actual }) => (
        <Against
          actual={actual.leads}
          planned={planned.leads}
          elapsed={elapsed}
          format={formatCount}
        />
      ),
    },
    {
      title: 'Spent',
      cell: ({ planned, actual }) => (
        <Against
          actual={actual.spendMinor}
          planned={planned.spendMinor}
          elapsed={elapsed}
          format={money}
        />
      ),
    },
  ]
}

function Against({
  actual,
  planned,
  elapsed,
  format,
}: {
  actual: number
  planned: number | null
  elapsed: number
  format: (value: number) => ReactNode
}) {
  return (
    <Meter share={planned ? actual / planned : 0} mark={elapsed}>
      {format(actual)}
      <span className={text.line}>
        {planned === null ? 'need not known' : <>of {format(planned)}</>}
      </span>
    </Meter>
  )
}
