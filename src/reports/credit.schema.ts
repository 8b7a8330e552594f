import { z } from 'zod'
import { CurrencyCode } from '#core/money.ts'
import { Page, PageQuery } from '#core/page.ts'
import { CalendarDate, Instant } from '#core/time.ts'
import {
  AsOf,
  AttributionModel,
  AttributionWindow,
  Credit,
  isPeriodSound,
  Lens,
  LensQuery,
  PERIOD_FAULT,
  Won,
} from '#reports/lens.schema.ts'
import { CostReason } from '#reports/campaign-report.schema.ts'

const NO_CAMPAIGN = 'none'
const CampaignFilter = z
  .string()
  .max(64)
  .optional()
  .meta({ description: `A campaign, or ${NO_CAMPAIGN} for touches without one` })
const RecordId = z.string().min(1).max(64)
const soundPeriod = { error: PERIOD_FAULT, path: ['to'] }

export const ListCreditsQuery = LensQuery.extend({
  ...AsOf.shape,
  ...PageQuery.shape,
  campaignId: CampaignFilter,
  channel: z.string().max(60).optional(),
  week: CalendarDate.optional().meta({ description: 'Any day of the week of the close' }),
  opportunityId: RecordId.optional(),
  touchpointId: RecordId.optional(),
  bucket: z.enum(['touches', 'baseline']).optional().meta({
    description:
      'Only lines of touches, or only what the model says would have come anyway; both unless given',
  }),
}).refine(isPeriodSound, soundPeriod)

/** One line of the ledger: what one touch got of one deal. Touch, person and channel are null in a line of the baseline. */
export const CreditLine = z.object({
  opportunityId: z.string(),
  touchpointId: z.string().nullable(),
  personId: z.string().nullable(),
  campaignId: z.string().nullable(),
  channel: z.string().nullable(),
  closedAt: Instant,
  model: AttributionModel,
  share: z.number(),
  creditedMinor: z.int(),
  currency: CurrencyCode,
})

/** The lines, and what all lines under the filters sum to, whatever the page. */
export const CreditPage = Page(CreditLine).extend({ total: Credit.extend({ lines: z.int() }) })

export const ReceiptQuery = z.object({
  opportunityId: RecordId,
  window: AttributionWindow.default('90'),
})

const ByModel = z
  .record(AttributionModel, z.int())
  .meta({ description: 'Minor units by model; 0 where a model gives nothing' })

/** A deal with every touch before its close and what each got; the sums are the amount under every model. */
export const Receipt = z.object({
  opportunityId: z.string(),
  status: z.enum(['open', 'won', 'lost']),
  amountMinor: z.int().nullable(),
  currency: CurrencyCode,
  openedAt: Instant,
  closedAt: Instant.nullable(),
  window: AttributionWindow,
  isCredited: z.boolean(),
  touches: z.array(
    z.object({
      touchpointId: z.string(),
      personId: z.string(),
      kind: z.string(),
      channel: z.string(),
      campaignId: z.string().nullable(),
      campaignName: z.string().nullable(),
      occurredAt: Instant,
      isInWindow: z.boolean(),
      creditedMinor: ByModel,
      shares: z.record(AttributionModel, z.number()),
    }),
  ),
  sums: ByModel.meta({
    description:
      'Credit of all touches and baseline by model: each equals the amount when the deal is credited',
  }),
  baseline: ByModel.meta({ description: 'What each model says would have come anyway' }),
  uncreditedMinor: z.int(),
  note: z.string().nullable(),
})
export type Receipt = z.output<typeof Receipt>

export const ListDealsQuery = LensQuery.extend({
  ...AsOf.shape,
  ...PageQuery.shape,
  credited: z
    .enum(['true', 'false'])
    .optional()
    .meta({ description: 'Only deals with, or without, a touch in the window' }),
  week: CalendarDate.optional(),
}).refine(isPeriodSound, soundPeriod)

/** A won deal in the ledger. */
export const LedgerDealLine = z.object({
  opportunityId: z.string(),
  closedAt: Instant,
  amountMinor: z.int(),
  hasAmount: z.boolean(),
  currency: CurrencyCode,
  touches: z.int().meta({ description: 'In the window; 0: the deal is uncredited' }),
})
export const LedgerDealPage = Page(LedgerDealLine).extend({
  total: z.object({ deals: z.int(), amountMinor: z.int() }),
})

export const SummaryQuery = LensQuery.extend(AsOf.shape).refine(isPeriodSound, soundPeriod)

const ModelLine = Credit.extend({ model: AttributionModel })

export const ChannelReport = Lens.extend({
  channels: z.array(
    Credit.extend({
      channel: z.string(),
      label: z.string(),
      models: z.array(ModelLine),
      receipts: z.string(),
    }),
  ),
  workspace: Won,
})

export const ListCampaignCreditQuery = LensQuery.extend({
  ...AsOf.shape,
  ...PageQuery.shape,
}).refine(isPeriodSound, soundPeriod)

/** A campaign with its credit; `campaignId` is null in the row of touches without a campaign. */
export const CampaignLine = Credit.extend({
  campaignId: z.string().nullable(),
  name: z.string(),
  channel: z.string().nullable(),
  status: z.string().nullable(),
  isDeleted: z.boolean(),
  costMinor: z.int().nullable(),
  costReason: CostReason.nullable(),
  roi: z.number().nullable(),
  receipts: z.string(),
})
export const CampaignPage = Lens.extend({
  data: z.array(CampaignLine.extend({ creditedByModel: ByModel })),
  nextCursor: z.string().nullable(),
  workspace: Won,
})

export const ListRestatementsQuery = PageQuery.extend({
  campaignId: CampaignFilter,
  model: AttributionModel.default('linear'),
  window: AttributionWindow.default('90'),
  week: CalendarDate.optional(),
  currency: CurrencyCode.optional(),
})

export const RestatementCause = z
  .enum([
    'late_deal',
    'deal_deleted',
    'deal_not_won',
    'close_date_changed',
    'amount_changed',
    'touches_changed',
    'people_merged',
    'model_changed',
    'model_refit',
    'window_added',
    'window_removed',
    'model_published',
    'model_retired',
  ])
  .meta({ description: 'Why; touches_changed: a late or moved touch' })

/** What moved a figure of a week that had ended, and why. */
export const RestatementLine = z.object({
  id: z.string(),
  restatedAt: Instant,
  week: CalendarDate,
  bucket: z.enum(['campaign', 'no_campaign', 'baseline', 'uncredited']),
  campaignId: z.string().nullable(),
  currency: CurrencyCode,
  cause: RestatementCause,
  deltaMinor: z.int(),
  deltaDeals: z.number(),
  opportunityIds: z.array(z.string()),
})
export const RestatementPage = Page(RestatementLine).extend({
  total: z.object({ deltaMinor: z.int(), rows: z.int() }),
})

export const Windows = z.object({
  windows: z
    .array(AttributionWindow)
    .min(1)
    .max(6)
    .meta({ description: 'The windows for which a ledger is kept', example: ['90', 'all'] }),
})

export const Recomputed = z.object({
  deals: z
    .int()
    .meta({ description: 'Deals to be computed again; attribution answers say how many are left' }),
})
