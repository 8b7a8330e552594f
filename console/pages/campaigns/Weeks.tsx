import { SegmentedControl, Skeleton } from '@mantine/core'
import { useLocalStorage } from '@mantine/hooks'
import { lazy, Suspense } from 'react'
import type { CampaignReport } from '#reports/campaign-report.schema.ts'
import { formatDate, formatFraction, formatShare } from '#console/format.ts'
import { ReceiptLink } from '#console/pages/campaigns/ReceiptLink.tsx'
import { Amount } from '#console/ui/Amount.tsx'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import classes from './Campaigns.module.css'

const WeeklyChart = lazy(() => import('#console/pages/campaigns/WeeklyChart.tsx'))

type Week = CampaignReport['weeks'][number]

/** Credit by week of the close, as a chart or as a table with the same figures. */
export function Weeks({ report }: { report: CampaignReport }) {
  const [view, setView] = useLocalStorage<'chart' | 'table'>({
    key: 'throughline.weeks',
    defaultValue: 'chart',
  })
  const { weeks, unit, timeZone } = report
  return (
    <Panel
      title={unit === 'revenue' ? 'Revenue by week' : 'Deals by week'}
      hint={`By the week in which the deals closed; weeks begin on Monday, ${timeZone}.`}
      flush={view === 'table'}
      actions={
        <SegmentedControl
          size="xs"
          aria-label="Show the weeks as"
          value={view}
          onChange={setView}
          data={[
            { value: 'chart', label: 'Chart' },
            { value: 'table', label: 'Table' },
          ]}
        />
      }
    >
      {weeks.every(({ n }) => n === 0) ? (
        <EmptyState title="No week with credit in this period">
          Choose a longer period or window, or another model.
        </EmptyState>
      ) : view === 'chart' ? (
        <>
          <Suspense fallback={<Skeleton height={260} />}>
            <WeeklyChart report={report} />
          </Suspense>
          <Legend weeks={weeks} />
        </>
      ) : (
        <Table
          caption="Credit by week of the close"
          rows={[...weeks].reverse()}
          columns={columnsOf(report)}
          rowKey={({ week }) => week}
          empty={null}
        />
      )}
    </Panel>
  )
}

function Legend({ weeks }: { weeks: readonly Week[] }) {
  const partial = weeks.filter(({ isPartial }) => isPartial)
  return (
    <p className={classes.legend}>
      <span>
        <i className={classes.swatch} aria-hidden /> Whole week
      </span>
      {partial.length > 0 && (
        <span>
          <i className={classes.swatch} data-hatched aria-hidden /> Partial: of{' '}
          {partial.map(({ week }) => formatDate(week, { year: false })).join(' and ')}, not over or
          cut by the period
        </span>
      )}
      <span>Choose a bar to open its receipt; the table has the same by keyboard.</span>
    </p>
  )
}

function columnsOf({ currency, links }: CampaignReport): Column<Week>[] {
  return [
    {
      title: 'Week of',
      isHeader: true,
      cell: ({ week, isPartial }) => (
        <>
          {formatDate(week)} {isPartial && <Badge tone="plain">Partial</Badge>}
        </>
      ),
    },
    {
      title: 'Revenue',
      align: 'end',
      cell: ({ week, creditedMinor, n }) =>
        n === 0 ? (
          <Amount minor={0} currency={currency} />
        ) : (
          <ReceiptLink receipt={week}>
            <Amount minor={creditedMinor} currency={currency} />
          </ReceiptLink>
        ),
    },
    { title: 'Deals', align: 'end', cell: ({ deals }) => formatFraction(deals) },
    { title: 'n', align: 'end', cell: ({ n }) => n },
    {
      title: 'Cost',
      align: 'end',
      cell: ({ costMinor }) => <Amount minor={costMinor} currency={currency} />,
    },
    { title: 'Return', align: 'end', cell: ({ roi }) => formatShare(roi) },
    {
      title: 'Restated',
      align: 'end',
      hint: 'By how much the week moved after it had ended',
      cell: ({ week, restatedMinor }) =>
        restatedMinor === 0 ? (
          '—'
        ) : (
          <a
            href={`${links.restatements}&week=${week}&format=csv`}
            title="What moved it and why, as CSV"
            className={classes.receiptLink}
          >
            <Amount minor={restatedMinor} currency={currency} />
          </a>
        ),
    },
  ]
}
