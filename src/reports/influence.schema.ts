import { z } from 'zod'
import { CurrencyCode } from '#core/money.ts'
import { Page, PageQuery } from '#core/page.ts'
import { isPeriodSound, PERIOD_FAULT, PeriodQuery } from '#reports/lens.schema.ts'

const Amount = z.object({ deals: z.int(), amountMinor: z.int() })

export const InfluenceQuery = PeriodQuery.extend({
  ...PageQuery.shape,
  status: z.enum(['open', 'won', 'lost', 'all']).default('open').meta({
    description:
      'Deals in this state. A deal keeps its campaigns when it closes; the period is that of the close, and open deals are in none',
  }),
  currency: CurrencyCode.optional(),
}).refine(isPeriodSound, { error: PERIOD_FAULT, path: ['to'] })
export type InfluenceQuery = z.output<typeof InfluenceQuery>

/** Which campaigns touched deals. The classes count each deal once and sum to the deals table; the rows of campaigns overlap. */
export const InfluenceReport = Page(
  z.object({
    campaignId: z.string(),
    name: z.string(),
    influenced: Amount.meta({ description: 'A deal that several touched stands in each of them' }),
    sourced: Amount,
  }),
).extend({
  status: z.string(),
  currency: CurrencyCode,
  total: Amount.meta({ description: 'All deals of this state, as the deals table has them' }),
  sourced: Amount.meta({
    description: 'Its people’s very first touch was a campaign’s, before it was opened',
  }),
  influenced: Amount.meta({ description: 'Not sourced; a campaign touched it before its close' }),
  untouched: Amount,
  overlap: z.number().nullable().meta({
    description:
      'How often a touched amount stands in rows of campaigns on average; 1 would be without overlap',
  }),
  dealsWithoutAmount: z.int(),
})
