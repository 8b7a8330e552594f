import { z } from 'zod'
import { CurrencyCode } from '#core/money.ts'
import { CalendarDate, Instant } from '#core/time.ts'

/** The rules that every workspace begins with. */
export const BuiltInModel = z.enum(['first', 'last', 'linear', 'position', 'time_decay'])
export type BuiltInModel = z.infer<typeof BuiltInModel>

/** A model that the workspace keeps a ledger for: one that it began with, or one of its own. */
export const AttributionModel = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,39}$/, 'A model is named by lower-case letters, digits and _.')
  .meta({
    description:
      'How a deal is divided among the touches before its close: all to the first, all to the last, evenly (linear), ' +
      '40 % first, 40 % last and 20 % between (position), halving with every 7 days before the last (time_decay), or a model ' +
      'of the workspace (GET /api/v1/attribution/models).',
    example: 'linear',
  })
export type AttributionModel = z.infer<typeof AttributionModel>

/** Days before the close that count, or `all`. */
export const AttributionWindow = z
  .string()
  .regex(/^(all|[1-9]\d{0,3})$/, 'A window is a number of days such as 90, or all.')
  .refine((window) => window === 'all' || Number(window) <= 3650, 'A window has at most 3650 days.')
  .meta({
    description: 'How many days before the close a touch still counts, or all',
    example: '90',
  })

const MAX_PERIOD_DAYS = 3660

/** Which close dates count; both ends included, in the time zone of the workspace. */
export const PeriodQuery = z.object({
  from: CalendarDate.optional().meta({ description: 'First day of the close' }),
  to: CalendarDate.optional().meta({ description: 'Last day of the close, included' }),
})

/** How every attribution report is asked for. */
export const LensQuery = PeriodQuery.extend({
  model: AttributionModel.default('linear'),
  window: AttributionWindow.default('90'),
  currency: CurrencyCode.optional().meta({
    description:
      'Deals of this currency; the currency of the workspace unless given. Nothing is converted.',
  }),
})
export type LensQuery = z.infer<typeof LensQuery>

/** A report as it stood at an instant. */
export const AsOf = z.object({
  asOf: Instant.optional().meta({
    description:
      'The figures as the ledger had them at this moment, with the models and windows of then. Names and budgets of campaigns ' +
      'are those of now. Before the ledger began there is no history, and the answer says since when there is.',
  }),
})

/** True unless the period runs backwards or for more than ten years. */
export function isPeriodSound({ from, to }: z.infer<typeof PeriodQuery>): boolean {
  if (from === undefined || to === undefined) return true
  const days = (Date.parse(to) - Date.parse(from)) / 86_400_000
  return days >= 0 && days <= MAX_PERIOD_DAYS
}
export const PERIOD_FAULT = 'A period ends on or after its first day, within ten years of it.'

/** How fresh the ledger is: a deal is dirty while a change that bears upon it is not yet in the figures. */
export const Freshness = z.object({
  computedAt: Instant.nullable().meta({
    description: 'When the ledger was last brought up to date',
  }),
  dirtyDeals: z.int().meta({ description: 'Deals whose changes are not yet in the figures' }),
  oldestDirtyAt: Instant.nullable(),
  isStale: z.boolean().meta({ description: 'True when a change waits for more than 5 minutes' }),
})

/** The filters that an answer was made with. */
export const Lens = z.object({
  model: AttributionModel,
  window: AttributionWindow,
  currency: CurrencyCode,
  from: CalendarDate.nullable(),
  to: CalendarDate.nullable(),
  timeZone: z.string().meta({ description: 'In which days and weeks are cut' }),
  modelVersion: z.string().meta({
    description: 'Version of the model’s definition; after a dot, the fit it is of',
  }),
  asOf: Instant.nullable().meta({ description: 'Null: as of now' }),
  freshness: Freshness,
})

export const CREDITED = 'Won amount credited, in minor units'
export const DEALS = 'Won deals, in fractions: the shares of credit added up'
export const N = 'Won deals with credit in this figure, each counted once'

/** An amount of credit. */
export const Credit = z.object({
  creditedMinor: z.int().meta({ description: CREDITED }),
  deals: z.number().meta({ description: DEALS }),
  n: z.int().meta({ description: N }),
})
export type Credit = z.infer<typeof Credit>

export const OtherCurrency = z.object({
  currency: CurrencyCode,
  deals: z.int(),
  amountMinor: z.int(),
})

/** All won deals under the same filters: credited, baseline and uncredited together are the total, to the cent. */
export const Won = z.object({
  wonMinor: z.int(),
  wonDeals: z.int(),
  creditedMinor: z.int(),
  creditedDeals: z.int(),
  uncreditedMinor: z.int().meta({ description: 'Won without any touch in the window' }),
  uncreditedDeals: z.int(),
  baselineMinor: z.int().meta({
    description: 'What the model says would have come anyway; 0 for rules, which know no such part',
  }),
  uncreditedShare: z
    .number()
    .nullable()
    .meta({ description: 'Of the won amount; null when nothing was won' }),
  dealsWithoutAmount: z
    .int()
    .meta({ description: 'Won deals whose CRM has no amount; they count as 0' }),
  otherCurrencies: z
    .array(OtherCurrency)
    .meta({ description: 'Won deals of other currencies in the period: not in these figures' }),
})
export type Won = z.infer<typeof Won>
