import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { requestKinds, requestStates } from '#console/pages/privacy/privacy-words.ts'
import type { Request } from '#console/pages/privacy/privacy.queries.ts'
import { Due } from '#console/pages/privacy/Requests.tsx'
import { requestsOfQuery } from '#console/pages/people/people.queries.ts'
import { shortId } from '#console/pages/sync/RecordName.tsx'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { LockedNote } from '#console/ui/LockedPane.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { PagedTable } from '#console/ui/PagedTable.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import type { Column } from '#console/ui/Table.tsx'

/** What the person asked about their own data. */
export function PersonRequests({ personId }: { personId: string }) {
  const { can } = useSession()
  const isOpen = can('privacy:read')
  const requests = useInfiniteQuery({ ...requestsOfQuery(personId), enabled: isOpen })
  return (
    <Panel title="What they asked about their data" flush={isOpen}>
      {isOpen ? (
        <PagedTable<Request>
          query={requests}
          caption="Requests of the person"
          what="requests"
          columns={columns}
          rowKey={({ id }) => id}
          empty={
            <EmptyState title="They have asked for nothing">
              A request for access or erasure is taken under{' '}
              <Link to="/privacy" className="tl-link">
                Privacy
              </Link>
              , by the id of this person: {personId}.
            </EmptyState>
          }
        />
      ) : (
        <LockedNote what="What they asked" scope="privacy:read" />
      )}
    </Panel>
  )
}

const columns: Column<Request>[] = [
  {
    title: 'Request',
    isHeader: true,
    cell: ({ id, kind }) => (
      <Link to="/privacy/$requestId" params={{ requestId: id }} className="tl-link">
        {requestKinds[kind].label} {shortId(id)}
      </Link>
    ),
  },
  {
    title: 'State',
    cell: ({ state }) => (
      <Badge tone={requestStates[state].tone}>{requestStates[state].label}</Badge>
    ),
  },
  { title: 'Came', cell: ({ requestedAt }) => <Moment at={requestedAt} /> },
  { title: 'Due', align: 'end', cell: (request) => <Due request={request} /> },
]
