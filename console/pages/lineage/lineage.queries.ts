import { queryOptions } from '@tanstack/react-query'
import type { z } from 'zod'
import { Lineage, type LineageStep, type LineageUse } from '#sync/lineage.schema.ts'
import { read } from '#console/api.ts'

export type Step = z.output<typeof LineageStep>
export type Use = z.output<typeof LineageUse>

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
