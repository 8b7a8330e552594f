import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { leadStates } from '#console/pages/leads/lead-words.ts'
import type { LeadRow } from '#console/pages/leads/leads.queries.ts'
import { LeadOwner } from '#console/pages/leads/LeadOwner.tsx'
import { leadsOfQuery } from '#console/pages/people/people.queries.ts'
import { shortId } from '#console/pages/sync/RecordName.tsx'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { PagedTable } from '#console/ui/PagedTable.tsx'
import type { Column } from '#console/ui/Table.tsx'

/** The leads of a person: their own, and those of people merged into them, each with its records at CRMs. */
export function LeadsOfPerson({ personId }: { personId: string }) {
  const leads = useInfiniteQuery(leadsOfQuery(personId))
  return (
    <PagedTable<LeadRow>
      query={leads}
      caption="Leads of the person"
      what="leads"
      columns={columns}
      rowKey={({ id }) => id}
      empty={
        <EmptyState title="Not a lead">
          They become one with the first form, sign-up or import as a lead.
        </EmptyState>
      }
    />
  )
}

const columns: Column<LeadRow>[] = [
  {
    title: 'Lead',
    isHeader: true,
    cell: ({ id }) => (
      <Link to="/leads/$leadId" params={{ leadId: id }} className="tl-link" title={id}>
        {shortId(id)}
      </Link>
    ),
  },
  {
    title: 'Status',
    cell: ({ status }) => <Badge tone={leadStates[status].tone}>{leadStates[status].label}</Badge>,
  },
  { title: 'Score', align: 'end', cell: ({ score }) => score },
  { title: 'Owner', cell: ({ ownerId }) => <LeadOwner ownerId={ownerId} /> },
  {
    title: 'At CRMs',
    cell: ({ id }) => (
      <Link
        to="/sync/records/$entity/$localId"
        params={{ entity: 'lead', localId: id }}
        className="tl-link"
      >
        Its records and path through sync
      </Link>
    ),
  },
  { title: 'Captured', align: 'end', cell: ({ capturedAt }) => <Moment at={capturedAt} /> },
]
