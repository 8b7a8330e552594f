import { z } from 'zod'
import { CurrencyCode } from '#core/money.ts'
import { CalendarDate } from '#core/time.ts'
import { AttributionModel, AttributionWindow } from '#reports/lens.schema.ts'
import { LineageQuery } from '#sync/lineage.schema.ts'

const text = z.string().min(1).max(64).optional().catch(undefined)

/** A field of a record, or a cell of a report: the row of a campaign or channel, under a model, in a period. */
export const LineageSearch = z.object({
  record: LineageQuery.shape.record.optional().catch(undefined),
  field: LineageQuery.shape.field.optional().catch(undefined),
  campaignId: text,
  channel: text,
  model: AttributionModel.optional().catch(undefined),
  window: AttributionWindow.optional().catch(undefined),
  currency: CurrencyCode.optional().catch(undefined),
  from: CalendarDate.optional().catch(undefined),
  to: CalendarDate.optional().catch(undefined),
})
export type LineageSearch = z.infer<typeof LineageSearch>

export type CellSearch = Omit<LineageSearch, 'record' | 'field'>

/** The cell that the address names, if it names one. */
export function cellOf({ record: _, field: __, ...cell }: LineageSearch): CellSearch | null {
  return (cell.campaignId === undefined) === (cell.channel === undefined) ? null : cell
}
