import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import type { z } from 'zod'
import { CellLineage, RecordCellPage } from '#reports/cell.schema.ts'
import { Lineage, type LineageStep, type LineageUse } from '#sync/lineage.schema.ts'
import { read } from '#console/api.ts'
import { listQuery } from '#console/list-query.ts'
import type { CellSearch } from '#console/pages/lineage/lineage.search.ts'

export type Step = z.output<typeof LineageStep>
export type Use = z.output<typeof LineageUse>
export type CellRecordRow = z.output<typeof CellLineage>['data'][number]
export type RecordCellRow = z.output<typeof RecordCellPage>['data'][number]

const CELLS = '/api/v1/lineage/cells'

export function lineageExport(record: string, field: string) {
  return { path: '/api/v1/lineage', fields: { record, field }, isList: false }
}

export function lineageQuery(record: string, field: string) {
  const { path, fields } = lineageExport(record, field)
  return queryOptions({
    queryKey: ['lineage', record, field],
    queryFn: ({ signal }) => read(Lineage, path, fields, signal),
  })
}

export function cellExport(cell: CellSearch) {
  return { path: CELLS, fields: { ...cell }, isList: false }
}

/** The records of a cell, a page at a time; what the cell is stands on every page. */
export function cellQuery(cell: CellSearch) {
  return infiniteQueryOptions({
    queryKey: ['lineage', 'cell', cell],
    queryFn: ({ pageParam, signal }) =>
      read(CellLineage, CELLS, { ...cell, limit: 50, cursor: pageParam }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
  })
}

export function recordCellsQuery(record: string, field: string) {
  const path = `/api/v1/lineage/records/${encodeURIComponent(record)}/cells`
  return listQuery(['lineage'], RecordCellPage, path, { field })
}
