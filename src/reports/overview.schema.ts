import { z } from 'zod'
import { CurrencyCode } from '#core/money.ts'
import { Instant } from '#core/time.ts'
import { Freshness, OtherCurrency } from '#reports/lens.schema.ts'

/** A figure of the last 30 days against the 30 days before. */
const Step = z.object({
  current: z.int(),
  previous: z.int(),
  change: z
    .number()
    .nullable()
    .meta({ description: 'current ⁄ previous − 1; null when there was none before' }),
})

/** The chain from the first touch to the money, in figures. */
export const Overview = z.object({
  asOf: Instant,
  days: z.int().meta({ description: 'Length of each of the two periods' }),
  currency: CurrencyCode,
  touches: Step,
  people: Step.meta({ description: 'People first seen' }),
  leads: Step.meta({ description: 'Leads captured' }),
  mqls: Step.meta({ description: 'Leads that became marketing-qualified' }),
  synced: Step.meta({ description: 'Leads that arrived in a connected system' }),
  openPipeline: z.object({
    deals: Step,
    amountMinor: Step.meta({
      description: 'Open now, and open 30 days ago, at the amounts of today',
    }),
  }),
  won: z.object({ deals: Step, amountMinor: Step }),
  otherCurrencies: z
    .array(OtherCurrency)
    .meta({ description: 'Deals won in the last 30 days in other currencies: not in the amounts' }),
  freshness: Freshness,
})
export type Overview = z.output<typeof Overview>
