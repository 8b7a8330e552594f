import { z } from 'zod'
import { CurrencyCode } from '#core/money.ts'
import { Page, PageQuery } from '#core/page.ts'
import { CalendarDate, Instant } from '#core/time.ts'
import {
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
  ...PageQuery.shape,
  campaignId: CampaignFilter,
  channel: z.string().max(60).optional(),
  week: CalendarDate.optional().meta({ description: 'Any day of the week of the close' }),
  opportunityId: RecordId.optional(),
  touchpointId: RecordId.optional(),
}).refine(isPeriodSound, soundPeriod)

/** One line of the ledger: what one touch got of one deal. */
export const CreditLine = z.object({
  opportunityId: z.string(),
  touchpointId: z.string(),
  personId: z.string(),
  campaignId: z.string().nullable(),
  channel: z.string(),
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

const ByModel = z.object({
  first: z.int(),
  last: z.int(),
  linear: z.int(),
  position: z.int(),
  time_decay: z.int(),
})

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
      shares: z.object({
        first: z.number(),
        last: z.number(),
        linear: z.number(),
        position: z.number(),
        time_decay: z.number(),
      }),
    }),
  ),
  sums: ByModel.meta({
    description: 'Credit of all touches by model: each equals the amount when the deal is credited',
  }),
  uncreditedMinor: z.int(),
  note: z.string().nullable(),
})
export type Receipt = z.output<typeof Receipt>

export const ListDealsQuery = LensQuery.extend({
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

export const SummaryQuery = LensQuery.refine(isPeriodSound, soundPeriod)

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

export const ListCampaignCreditQuery = LensQuery.extend(PageQuery.shape).refine(
  isPeriodSound,
  soundPeriod,
)

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

/** What moved a figure of a week that had ended, and why. */
export const RestatementLine = z.object({
  id: z.string(),
  restatedAt: Instant,
  week: CalendarDate,
  bucket: z.enum(['campaign', 'no_campaign', 'uncredited']),
  campaignId: z.string().nullable(),
  currency: CurrencyCode,
  cause: z
    .enum([
      'late_deal',
      'deal_deleted',
      'deal_not_won',
      'close_date_changed',
      'amount_changed',
      'touches_changed',
    ])
    .meta({ description: 'Why; touches_changed: a late or moved touch, or merged people' }),
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
