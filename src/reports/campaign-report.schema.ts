import { z } from 'zod'
import { Id } from '#core/id.ts'
import { CurrencyCode } from '#core/money.ts'
import { CalendarDate } from '#core/time.ts'
import {
  AsOf,
  AttributionModel,
  Credit,
  isPeriodSound,
  Lens,
  LensQuery,
  PERIOD_FAULT,
  Won,
} from '#reports/lens.schema.ts'

export const AttributionUnit = z.enum(['revenue', 'deals'])

export const CampaignReportQuery = LensQuery.extend({
  ...AsOf.shape,
  campaignId: Id('cmp'),
  unit: AttributionUnit.default('revenue').meta({
    description: 'What `value` holds: won amount in minor units, or won deals in fractions',
  }),
  compare: z
    .enum(['models'])
    .optional()
    .meta({ description: 'models: each week under every model' }),
}).refine(isPeriodSound, { error: PERIOD_FAULT, path: ['to'] })

export const CostReason = z
  .enum(['no_budget', 'no_dates', 'other_currency', 'not_in_period'])
  .meta({ description: 'Why there is no cost, and so no return' })

/** What a campaign costs: its budget, spread evenly over its days. */
export const CampaignCost = z.object({
  budgetMinor: z.int().nullable(),
  budgetCurrency: CurrencyCode.nullable(),
  costMinor: z
    .int()
    .nullable()
    .meta({ description: 'The part of the budget that falls into the period' }),
  reason: CostReason.nullable(),
  roi: z
    .number()
    .nullable()
    .meta({ description: '(credited − cost) ⁄ cost; null without a cost above 0' }),
})

export const CampaignHead = z.object({
  id: Id('cmp'),
  key: z.string(),
  name: z.string(),
  channel: z.string(),
  status: z.string(),
  startsOn: CalendarDate.nullable(),
  endsOn: CalendarDate.nullable(),
})

export const ModelCredit = Credit.extend({ model: AttributionModel })

export const CampaignWeek = Credit.extend({
  week: CalendarDate.meta({ description: 'Monday of the ISO week in which the deals closed' }),
  value: z.number(),
  isPartial: z.boolean().meta({ description: 'The week is not over, or the period cuts it' }),
  costMinor: z.int().nullable(),
  roi: z.number().nullable(),
  restatedMinor: z
    .int()
    .meta({ description: 'By how much the week moved after it had ended, all together' }),
  models: z.array(ModelCredit).optional(),
})

export const CampaignReport = Lens.extend({
  campaign: CampaignHead,
  unit: AttributionUnit,
  totals: Credit.extend({
    value: z.number(),
    share: z
      .number()
      .nullable()
      .meta({ description: 'Of all that was won, in the unit; null when nothing was won' }),
  }),
  models: z.array(ModelCredit),
  weeks: z.array(CampaignWeek),
  workspace: Won,
  reach: z
    .object({ touches: z.int(), people: z.int() })
    .meta({ description: 'All touches of the campaign, whenever' }),
  cost: CampaignCost,
  notes: z.array(z.string()),
  links: z.object({
    credits: z.string().meta({ description: 'Every credited amount behind the total' }),
    uncredited: z.string().meta({ description: 'The deals behind the uncredited amount' }),
    restatements: z.string(),
  }),
})
export type CampaignReport = z.output<typeof CampaignReport>
