import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { formatCount, formatDay, formatWord } from '#console/format.ts'
import classes from '#console/pages/campaigns/Receipt.module.css'
import { leadStates } from '#console/pages/leads/lead-words.ts'
import type { LeadRow } from '#console/pages/leads/leads.queries.ts'
import { nameOf } from '#console/pages/people/PersonName.tsx'
import { weekLeadsExport, weekLeadsQuery } from '#console/pages/weekly/weekly.queries.ts'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { LockedNote } from '#console/ui/LockedPane.tsx'
import { PagedTable } from '#console/ui/PagedTable.tsx'
import type { Column } from '#console/ui/Table.tsx'

/** The leads behind the count of a week. They are shown as they are now: leads keep no past of their own. */
export function WeekLeads({
  week,
  counted,
}: {
  week: { from: string; to: string; timeZone: string }
  /** The figure that was opened. */
  counted: number
}) {
  const { can, timeZone } = useSession()
  const isOpen = can('leads:read')
  const leads = useInfiniteQuery({ ...weekLeadsQuery(week), enabled: isOpen })
  if (!isOpen) return <LockedNote what="Leads" scope="leads:read" />
  return (
    <>
      <div className={classes.head}>
        <div>
          <p className={classes.amount}>{formatCount(counted)}</p>
          <p className={classes.rule}>Counted when the report was made; listed as they are now.</p>
        </div>
        <ExportMenu {...weekLeadsExport(week)} />
      </div>
      <div className={classes.table}>
        <PagedTable<LeadRow>
          query={leads}
          caption="Leads captured in the week"
          what="leads"
          columns={columnsOf(timeZone)}
          rowKey={({ id }) => id}
          empty={<EmptyState title="No lead was captured in this week" />}
        />
      </div>
    </>
  )
}

function columnsOf(timeZone: string): Column<LeadRow>[] {
  return [
    {
      title: 'Lead',
      isHeader: true,
      cell: (lead) => (
        <Link to="/leads/$leadId" params={{ leadId: lead.id }} title={lead.id} data-row-link>
          {nameOf(lead, 'Lead')}
        </Link>
      ),
    },
    { title: 'Captured', cell: ({ capturedAt }) => formatDay(capturedAt, timeZone) },
    { title: 'Channel', cell: ({ channel }) => formatWord(channel) },
    {
      title: 'Status',
      cell: ({ status }) => (
        <Badge tone={leadStates[status].tone}>{leadStates[status].label}</Badge>
      ),
    },
  ]
}
