import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { formatCount, formatDate } from '#console/format.ts'
import { OwnerName } from '#console/pages/conflicts/OwnerName.tsx'
import { CalendarButton } from '#console/pages/weekly/CalendarButton.tsx'
import { NewWeeklyButton } from '#console/pages/weekly/NewWeeklyButton.tsx'
import {
  weekliesExport,
  weekliesQuery,
  type WeekRow,
} from '#console/pages/weekly/weekly.queries.ts'
import { useSession } from '#console/session.ts'
import { Amount } from '#console/ui/Amount.tsx'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { LockedPane } from '#console/ui/LockedPane.tsx'
import { Meter } from '#console/ui/Meter.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { PagedTable } from '#console/ui/PagedTable.tsx'
import { PageHead } from '#console/ui/PageHead.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import type { Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

/** A report a week, frozen: what it brought, and what is still to be talked about. */
export function WeekliesPage() {
  const { can } = useSession()
  const isOpen = can('performance:read')
  const weeklies = useInfiniteQuery({ ...weekliesQuery, enabled: isOpen })
  if (!isOpen) return <LockedPane what="Weekly reports" scope="performance:read" />
  const rows = weeklies.data?.pages.flatMap(({ data }) => data) ?? []
  return (
    <>
      <PageHead
        title="Weekly reports"
        subtitle="Made every Monday for the week before. Its figures never change, so that all who meet about them see the same; what moves later is on the agenda of the next one."
        actions={
          <>
            <CalendarButton />
            <NewWeeklyButton />
            <ExportMenu {...weekliesExport} />
          </>
        }
      />
      <Panel title="Weeks" hint="The newest first." flush>
        <PagedTable<WeekRow>
          query={weeklies}
          caption="Weekly reports, the newest first"
          what="reports"
          columns={columnsOf(rows)}
          rowKey={({ id }) => id}
          empty={
            <EmptyState title="No week was reported yet" action={<NewWeeklyButton />}>
              The first report is made on Monday, once the ledger is computed. Or make one of a week
              that is over now.
            </EmptyState>
          }
        />
      </Panel>
    </>
  )
}

function columnsOf(rows: readonly WeekRow[]): Column<WeekRow>[] {
  const most = Math.max(1, ...rows.map(({ wonMinor }) => wonMinor))
  return [
    {
      title: 'Week of',
      isHeader: true,
      cell: ({ id, week }) => (
        <Link to="/reports/weekly/$reportId" params={{ reportId: id }} data-row-link>
          {formatDate(week)}
        </Link>
      ),
    },
    {
      title: 'Won',
      hint: 'Amount of the deals that closed as won in the week; the bar is against the best week shown',
      cell: ({ wonMinor, currency }) => (
        <Meter share={wonMinor / most}>
          <Amount minor={wonMinor} currency={currency} />
        </Meter>
      ),
    },
    { title: 'Deals', align: 'end', cell: ({ wonDeals }) => formatCount(wonDeals) },
    { title: 'Leads', align: 'end', cell: ({ leads }) => formatCount(leads) },
    {
      title: 'Qualified',
      align: 'end',
      hint: 'Leads that qualified in the week, whenever they were captured',
      cell: ({ mqls }) => formatCount(mqls),
    },
    {
      title: 'Agenda',
      hint: 'Items that came up in the week',
      cell: ({ items, openItems }) =>
        items === 0 ? (
          <span className={text.soft}>Nothing came up</span>
        ) : openItems === 0 ? (
          <Badge tone="good">All {formatCount(items)} done</Badge>
        ) : (
          <Badge tone="warn">
            {formatCount(openItems)} of {formatCount(items)} open
          </Badge>
        ),
    },
    { title: 'Comments', align: 'end', cell: ({ comments }) => formatCount(comments) },
    {
      title: 'Made',
      cell: ({ createdAt, createdBy }) => (
        <>
          <Moment at={createdAt} />{' '}
          <span className={text.soft}>
            <OwnerName owner={createdBy} verb="by" />
          </span>
        </>
      ),
    },
  ]
}
