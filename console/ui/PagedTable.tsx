import { Skeleton } from '@mantine/core'
import type { InfiniteData, UseInfiniteQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { MoreRows } from '#console/ui/MoreRows.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'

/** A list of the API as a table: on its way, refused, empty, and page after page. */
export function PagedTable<Row>({
  query,
  caption,
  what,
  columns,
  rowKey,
  empty,
}: {
  query: UseInfiniteQueryResult<InfiniteData<{ data: Row[]; nextCursor: string | null }>>
  caption: string
  /** What the rows are, in the plural. */
  what: string
  columns: readonly Column<Row>[]
  rowKey: (row: Row) => string
  empty: ReactNode
}) {
  if (query.isError) return <Problem error={query.error} />
  if (!query.data) return <Skeleton height={200} m={18} w="auto" />
  const rows = query.data.pages.flatMap(({ data }) => data)
  return (
    <>
      <Table caption={caption} rows={rows} columns={columns} rowKey={rowKey} empty={empty} />
      <MoreRows
        count={rows.length}
        what={what}
        hasNextPage={query.hasNextPage}
        isFetchingNextPage={query.isFetchingNextPage}
        fetchNextPage={query.fetchNextPage}
      />
    </>
  )
}
