import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { formatExact } from '#console/format.ts'
import { LeadOwner } from '#console/pages/leads/LeadOwner.tsx'
import { dealsOfQuery, type Deal } from '#console/pages/people/people.queries.ts'
import { Badge, type Tone } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { FieldValue } from '#console/ui/FieldValue.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { PagedTable } from '#console/ui/PagedTable.tsx'
import type { Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

const states: Readonly<Record<Deal['status'], { label: string; tone: Tone }>> = {
  open: { label: 'Open', tone: 'info' },
  won: { label: 'Won', tone: 'good' },
  lost: { label: 'Lost', tone: 'bad' },
}

/** The deals that a person has to do with, the last opened first. */
export function DealsOfPerson({ personId }: { personId: string }) {
  const deals = useInfiniteQuery(dealsOfQuery(personId))
  return (
    <PagedTable<Deal>
      query={deals}
      caption="Deals of the person"
      what="deals"
      columns={columns}
      rowKey={({ id }) => id}
      empty={
        <EmptyState title="No deal">
          Deals come from the CRM. They are joined by the people that the CRM names for them.
        </EmptyState>
      }
    />
  )
}

const columns: Column<Deal>[] = [
  {
    title: 'Deal',
    isHeader: true,
    cell: ({ id, name }) => (
      <Link
        to="/sync/records/$entity/$localId"
        params={{ entity: 'opportunity', localId: id }}
        className="tl-link"
        title="Its path through sync"
      >
        <FieldValue value={name} />
      </Link>
    ),
  },
  {
    title: 'Status',
    cell: ({ status }) => <Badge tone={states[status].tone}>{states[status].label}</Badge>,
  },
  {
    title: 'Amount',
    align: 'end',
    cell: ({ amountMinor, currency }) =>
      amountMinor === null ? (
        <span className={text.soft}>None</span>
      ) : (
        `${formatExact(amountMinor, currency)} ${currency}`
      ),
  },
  { title: 'Owner', cell: ({ ownerId }) => <LeadOwner ownerId={ownerId} /> },
  {
    title: 'Chance',
    cell: ({ id, status }) =>
      status === 'open' ? (
        <Link to="/scores/deals/$opportunityId" params={{ opportunityId: id }} className="tl-link">
          Chance to win
        </Link>
      ) : (
        <span className={text.soft}>Decided</span>
      ),
  },
  { title: 'Opened', align: 'end', cell: ({ openedAt }) => <Moment at={openedAt} /> },
  { title: 'Closed', align: 'end', cell: ({ closedAt }) => <Moment at={closedAt} /> },
]
