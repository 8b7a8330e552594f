import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { requestKinds, requestStates } from '#console/pages/privacy/privacy-words.ts'
import { requestsQuery, type Kind, type Request } from '#console/pages/privacy/privacy.queries.ts'
import type { PrivacySearch } from '#console/pages/privacy/privacy.search.ts'
import { shortId } from '#console/pages/sync/RecordName.tsx'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { FilterSelect } from '#console/ui/Filters.tsx'
import { Moment, useNowMs } from '#console/ui/Moment.tsx'
import { PagedTable } from '#console/ui/PagedTable.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import type { Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

const kinds = Object.entries(requestKinds) as [Kind, { label: string }][]

/** Requests, the newest first; what is due soon or late says so. */
export function Requests({
  search: { kind },
  onChange,
}: {
  search: PrivacySearch
  onChange: (fields: Partial<PrivacySearch>) => void
}) {
  const requests = useInfiniteQuery(requestsQuery(kind))
  return (
    <Panel
      title="What people asked"
      hint="An answer is due a month after the request came. An erasure takes the approval of another person than who took it."
      flush
      actions={
        <FilterSelect
          label="Kind"
          value={kind ?? ''}
          options={[
            { value: '' as const, label: 'All' },
            ...kinds.map(([value, { label }]) => ({ value, label })),
          ]}
          onChange={(value) => onChange({ kind: value === '' ? undefined : value })}
        />
      }
    >
      <PagedTable<Request>
        query={requests}
        caption="Requests of people about their data"
        what="requests"
        columns={columns}
        rowKey={({ id }) => id}
        empty={
          <EmptyState title="Nobody has asked yet">
            Take a request here, by the person’s id, with how their identity was proved.
          </EmptyState>
        }
      />
    </Panel>
  )
}

const columns: Column<Request>[] = [
  {
    title: 'Request',
    isHeader: true,
    cell: ({ id, kind }) => (
      <Link to="/privacy/$requestId" params={{ requestId: id }} data-row-link>
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
  { title: 'Person', cell: ({ personId }) => <span className={text.id}>{shortId(personId)}</span> },
  { title: 'Came', cell: ({ requestedAt }) => <Moment at={requestedAt} /> },
  { title: 'Due', cell: (request) => <Due request={request} /> },
  {
    title: 'Note',
    cell: ({ note }) => <span className={text.wrapped}>{note}</span>,
  },
]

/** When an answer is due; late in words, not only in colour. */
export function Due({ request: { state, dueAt } }: { request: Request }) {
  const nowMs = useNowMs()
  const isOpen = state === 'received' || state === 'waiting'
  if (isOpen && dueAt.getTime() < nowMs)
    return (
      <Badge tone="bad">
        Late: was due <Moment at={dueAt} />
      </Badge>
    )
  return <Moment at={dueAt} />
}
