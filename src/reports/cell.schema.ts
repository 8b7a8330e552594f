import { z } from 'zod'
import { CurrencyCode } from '#core/money.ts'
import { Page, PageQuery } from '#core/page.ts'
import { CalendarDate, Instant } from '#core/time.ts'
import {
  AttributionModel,
  AttributionWindow,
  isPeriodSound,
  Lens,
  LensQuery,
  PERIOD_FAULT,
} from '#reports/lens.schema.ts'

/** Every record of a page is asked where each of its fields came from. */
const CellPageQuery = PageQuery.extend({
  limit: z.coerce.number().int().min(1).max(100).default(50).meta({ description: 'Rows a page' }),
})

export const CellQuery = LensQuery.extend({
  ...CellPageQuery.shape,
  campaignId: z
    .string()
    .max(64)
    .optional()
    .meta({ description: 'The row of this campaign, or none for touches without one' }),
  channel: z.string().min(1).max(60).optional().meta({ description: 'The row of this channel' }),
})
  .refine(isPeriodSound, { error: PERIOD_FAULT, path: ['to'] })
  .refine(({ campaignId, channel }) => (campaignId === undefined) !== (channel === undefined), {
    error: 'Name the campaign or the channel of the cell, one of both.',
    path: ['campaignId'],
  })
export type CellQuery = z.output<typeof CellQuery>

/** As the contract `Origin` of the sync engine says it. */
export const CellOrigin = z.object({
  kind: z.enum(['sync', 'import', 'call']),
  at: Instant,
  connectionId: z.string().nullable(),
  system: z.string().nullable(),
  vendor: z.string().nullable(),
  sourceRecord: z.string().nullable().meta({ description: 'Id of the record it came from' }),
  properties: z
    .array(z.string())
    .nullable()
    .meta({ description: 'Of the connected system, as the field is mapped now' }),
  runId: z.string().nullable(),
  importId: z.string().nullable(),
  principalId: z.string().nullable(),
  principalKind: z.string().nullable(),
  operation: z.string().nullable(),
  requestId: z.string().nullable(),
})
export type CellOrigin = z.output<typeof CellOrigin>

/** A record that the figures of a cell are made of, with the fields of it that bear on them. */
export const CellRecord = z.object({
  kind: z.enum(['deal', 'touch', 'campaign']),
  part: z.enum(['amount', 'credited', 'beside', 'cost']).meta({
    description:
      'amount: a deal whose amount is credited. credited: a touch whose credit is in the figure. beside: another touch of the ' +
      'deal in the window, with which the model divides it. cost: the campaign, whose budget is its cost',
  }),
  record: z.string(),
  opportunityId: z.string().nullable().meta({ description: 'The deal that it is part of' }),
  source: z.string().nullable().meta({ description: 'Of a touch: who told of it' }),
  fields: z.array(z.object({ field: z.string(), origin: CellOrigin.nullable() })),
})
export type CellRecord = z.output<typeof CellRecord>

const Facet = z.looseObject({ _producer: z.string(), _schemaURL: z.string() })
/** A dataset of OpenLineage 2-0-2. */
export const CellDataset = z.object({
  namespace: z.string(),
  name: z.string(),
  facets: z.record(z.string(), Facet),
})
export type CellDataset = z.output<typeof CellDataset>

export const CellLineage = Lens.extend({
  campaignId: z.string().nullable(),
  channel: z.string().nullable(),
  total: z.object({
    deals: z.int(),
    records: z.int().meta({ description: 'Deals and their touches, on all pages' }),
  }),
  campaign: CellRecord.nullable().meta({ description: 'Whose budget is the cost of the cell' }),
  data: z.array(CellRecord).meta({
    description: 'Each deal, the latest close first, followed by its touches in the window',
  }),
  nextCursor: z.string().nullable(),
  dataset: CellDataset.meta({
    description: 'The report as OpenLineage tells it, with the facets schema and columnLineage',
  }),
})

export const RecordCellsQuery = CellPageQuery.extend({
  record: z
    .string()
    .regex(/^(?:opp|tch|cmp)_[0-9a-z]{1,60}$/)
    .meta({ description: 'A deal (opp_…), a touchpoint (tch_…) or a campaign (cmp_…)' }),
  field: z.string().min(1).max(200).meta({ description: 'A field of it, such as amountMinor' }),
  model: AttributionModel.optional(),
  window: AttributionWindow.optional(),
})
export type RecordCellsQuery = z.output<typeof RecordCellsQuery>

/** A cell of a report: the row of a campaign or channel, in a week of closes. */
export const RecordCell = z.object({
  campaignId: z.string().nullable().meta({ description: 'none: touches without a campaign' }),
  channel: z.string().nullable(),
  name: z.string(),
  model: AttributionModel,
  window: AttributionWindow,
  currency: CurrencyCode,
  from: CalendarDate.meta({ description: 'Monday of the week of the close' }),
  to: CalendarDate,
  deals: z.int().meta({ description: 'Deals by which the record is part of the cell' }),
  lineage: z.string().meta({ description: 'Where the cell leads back to its records' }),
  receipts: z.string(),
})
export type RecordCell = z.output<typeof RecordCell>
export const RecordCellPage = Page(RecordCell)
