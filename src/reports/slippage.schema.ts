import { z } from 'zod'
import { Id } from '#core/id.ts'
import { CurrencyCode } from '#core/money.ts'
import { Page, PageQuery } from '#core/page.ts'
import { CalendarDate, Instant } from '#core/time.ts'
import { OtherCurrency } from '#reports/lens.schema.ts'
import { Rate } from '#reports/performance.schema.ts'

/** What became of a deal that was expected to close in a period. */
export const SlippageOutcome = z.enum(['won', 'lost', 'slipped', 'pending'])
export type SlippageOutcome = z.infer<typeof SlippageOutcome>

const MAX_PERIOD_DAYS = 3660
const Period = z.object({
  from: CalendarDate.meta({ description: 'First day of the period' }),
  to: CalendarDate.meta({ description: 'Last day of the period, included; may lie ahead' }),
  ownerId: Id('own').optional(),
  pipelineId: Id('pip').optional(),
  currency: CurrencyCode.optional().meta({
    description: 'Deals of this currency; the currency of the workspace unless given',
  }),
})
const isSound = ({ from, to }: { from: string; to: string }) => {
  const days = (Date.parse(to) - Date.parse(from)) / 86_400_000
  return days >= 0 && days <= MAX_PERIOD_DAYS
}
const FAULT = {
  error: 'A period ends on or after its first day, within ten years of it.',
  path: ['to'],
}

export const SlippageQuery = Period.refine(isSound, FAULT)
export type SlippageQuery = z.output<typeof SlippageQuery>

export const SlippageDealsQuery = Period.extend({
  ...PageQuery.shape,
  outcome: SlippageOutcome.optional(),
}).refine(isSound, FAULT)
export type SlippageDealsQuery = z.output<typeof SlippageDealsQuery>

const Amount = z.object({ deals: z.int(), amountMinor: z.int() })

/** What was expected to close in a period, as it was known when the period began, and what became of it. */
export const Slippage = z.object({
  definition: z.string(),
  from: CalendarDate,
  to: CalendarDate,
  timeZone: z.string(),
  currency: CurrencyCode,
  knownSince: Instant.nullable().meta({
    description:
      'Since when expected days are kept here. A period that began before is told by what was known then of few deals',
  }),
  expected: Amount.meta({ description: 'Open when the period began, and expected to close in it' }),
  won: Amount,
  lost: Amount,
  slipped: Amount.meta({
    description: 'Still open at its end, or expected on a later day by now, or on none',
  }),
  pending: Amount.meta({ description: 'Open, and still expected within the period' }),
  withoutDay: Amount.meta({
    description:
      'Open when the period began, with no expected day that was known then: in none of the figures',
  }),
  slipRate: Rate.meta({ description: 'Slipped of those whose outcome is known' }),
  pushes: z
    .object({
      deals: z.int(),
      later: z.int(),
      earlier: z.int(),
      medianDaysLater: z.number().nullable(),
    })
    .meta({
      description:
        'Changes of the expected day of any open deal within the period: to a later day, or to an earlier one',
    }),
  owners: z
    .array(
      z.object({
        ownerId: Id('own').nullable(),
        expected: Amount,
        slipped: Amount,
        slipRate: Rate,
      }),
    )
    .meta({ description: 'The 50 with most that slipped' }),
  otherCurrencies: z.array(OtherCurrency),
})

/** A deal that was expected to close in the period. */
export const SlippageDealPage = Page(
  z.object({
    opportunityId: Id('opp'),
    name: z.string().meta({ personal: 'custom' }),
    ownerId: Id('own').nullable(),
    status: z.enum(['open', 'won', 'lost']),
    amountMinor: z.int().nullable(),
    currency: CurrencyCode,
    outcome: SlippageOutcome,
    expectedOn: CalendarDate.meta({ description: 'As it was known when the period began' }),
    closesOn: CalendarDate.nullable().meta({
      description: 'Expected by the end of the period, or by now while it lasts',
    }),
    closedAt: Instant.nullable(),
    pushes: z.int().meta({ description: 'Changes to a later day within the period' }),
  }),
)
