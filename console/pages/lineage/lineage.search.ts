import { z } from 'zod'
import { LineageQuery } from '#sync/lineage.schema.ts'

export const LineageSearch = z.object({
  record: LineageQuery.shape.record.optional().catch(undefined),
  field: LineageQuery.shape.field.optional().catch(undefined),
})
