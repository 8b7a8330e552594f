import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { suppressionsQuery, type SuppressionRow } from '#console/pages/privacy/privacy.queries.ts'
import { shortId } from '#console/pages/sync/RecordName.tsx'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { PagedTable } from '#console/ui/PagedTable.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import type { Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

/** Erased addresses that do not come back by an import or a sync; of each only a keyed hash is kept. */
export function Suppressions() {
  const suppressions = useInfiniteQuery(suppressionsQuery())
  return (
    <Panel
      title="Addresses that do not come back"
      hint="Imports and syncs that would bring an erased person back are refused. The hub keeps no address, only a keyed hash."
      flush
    >
      <PagedTable<SuppressionRow>
        query={suppressions}
        caption="Suppressed addresses, by the request that erased them"
        what="suppressions"
        columns={columns}
        rowKey={({ id }) => id}
        empty={
          <EmptyState title="Nobody was erased on request">
            An address is kept from coming back once an erasure of its person is approved.
          </EmptyState>
        }
      />
    </Panel>
  )
}

const columns: Column<SuppressionRow>[] = [
  {
    title: 'Erased by',
    isHeader: true,
    cell: ({ requestId }) => (
      <Link to="/privacy/$requestId" params={{ requestId }} data-row-link>
        Erasure {shortId(requestId)}
      </Link>
    ),
  },
  { title: 'Since', cell: ({ suppressedAt }) => <Moment at={suppressedAt} /> },
  {
    title: 'State',
    cell: ({ liftedAt, liftReason }) =>
      liftedAt === null ? (
        <Badge tone="warn">Kept out</Badge>
      ) : (
        <span className={text.wrapped}>
          <Badge tone="plain">
            Lifted <Moment at={liftedAt} />
          </Badge>{' '}
          {liftReason}
        </span>
      ),
  },
]
