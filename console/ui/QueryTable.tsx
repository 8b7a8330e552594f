import { Skeleton } from '@mantine/core'
import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'

/** A whole answer of the API as a table: on its way, refused, empty or there. */
export function QueryTable<Row>({
  query,
  caption,
  columns,
  rowKey,
  empty,
}: {
  query: UseQueryResult<readonly Row[]>
  caption: string
  columns: readonly Column<Row>[]
  rowKey: (row: Row) => string
  empty: ReactNode
}) {
  if (query.isError) return <Problem error={query.error} />
  if (!query.data) return <Skeleton height={160} m={18} w="auto" />
  return (
    <Table caption={caption} rows={query.data} columns={columns} rowKey={rowKey} empty={empty} />
  )
}
