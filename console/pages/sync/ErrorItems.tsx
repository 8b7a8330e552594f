import { Skeleton } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import {
  errorItemsExport,
  errorItemsQuery,
  type ErrorRow,
  type GroupKey,
} from '#console/pages/sync/sync.queries.ts'
import { RecordName } from '#console/pages/sync/RecordName.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { MoreRows } from '#console/ui/MoreRows.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import classes from './Sync.module.css'

/** The records of an error group; each leads to its path through all runs. */
export function ErrorItems({ group, title }: { group: GroupKey; title: string }) {
  const items = useInfiniteQuery(errorItemsQuery(group))
  if (items.isError) return <Problem error={items.error} />
  if (!items.data) return <Skeleton height={140} />
  const rows = items.data.pages.flatMap(({ data }) => data)
  return (
    <div className={classes.items}>
      <Table
        caption={`Records: ${title}`}
        rows={rows}
        columns={columns}
        rowKey={({ record }) => record}
        empty={<p className={classes.soft}>None is left.</p>}
      />
      <div className={classes.itemsFoot}>
        <MoreRows
          count={rows.length}
          what="records"
          hasNextPage={items.hasNextPage}
          isFetchingNextPage={items.isFetchingNextPage}
          fetchNextPage={items.fetchNextPage}
        />
        <ExportMenu {...errorItemsExport(group)} />
      </div>
    </div>
  )
}

const columns: Column<ErrorRow>[] = [
  {
    title: 'Record',
    isHeader: true,
    cell: ({ entity, localId, externalId }) => (
      <RecordName entity={entity} localId={localId} externalId={externalId} />
    ),
  },
  { title: 'What the system said', cell: ({ detail }) => <Wrapped>{detail ?? '—'}</Wrapped> },
  { title: 'Times', align: 'end', cell: ({ occurrences }) => occurrences },
  { title: 'Since', cell: ({ firstAt }) => <Moment at={firstAt} /> },
]

function Wrapped({ children }: { children: string }) {
  return <span className={classes.wrapped}>{children}</span>
}
