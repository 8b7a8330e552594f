import { z } from 'zod'
import { CurrencyCode } from '#core/money.ts'
import { PageQuery } from '#core/page.ts'
import { CalendarDate, Instant } from '#core/time.ts'
import { RestatementCause } from '#reports/credit.schema.ts'
import { isPeriodSound, LensQuery, PERIOD_FAULT } from '#reports/lens.schema.ts'

/** A figure: what one campaign, channel or bucket has under the filters. */
const Figure = LensQuery.extend({
  since: Instant.meta({ description: 'The moment before the change' }),
  until: Instant.optional().meta({ description: 'The moment after it; now unless given' }),
  bucket: z.enum(['credited', 'baseline', 'uncredited', 'won']).default('credited').meta({
    description: 'Which part of what was won: credited to touches, baseline, uncredited, or all',
  }),
  campaignId: z.string().max(64).optional().meta({
    description: 'Of `credited`: this campaign, or none for touches without one',
  }),
  channel: z.string().max(60).optional().meta({ description: 'Of `credited`: this channel' }),
  week: CalendarDate.optional().meta({ description: 'Any day of the week of the close' }),
})
const isOneSource = ({ campaignId, channel, bucket }: z.output<typeof Figure>) =>
  (campaignId === undefined || channel === undefined) &&
  (bucket === 'credited' || (campaignId === undefined && channel === undefined))
const SOURCE_FAULT = 'Ask for a campaign or a channel, and only of what is credited.'

export const ChangeQuery = Figure.extend(PageQuery.shape)
  .refine(isPeriodSound, { error: PERIOD_FAULT, path: ['to'] })
  .refine(isOneSource, { error: SOURCE_FAULT, path: ['bucket'] })
  .refine(({ since, until }) => until === undefined || since <= until, {
    error: 'A change ends at or after the moment it begins.',
    path: ['until'],
  })
export type ChangeQuery = z.output<typeof ChangeQuery>

export const ChangeCause = z.enum(['deal_won', ...RestatementCause.options]).meta({
  description: 'deal_won: a new deal; late_deal: one that closed in a week that had ended',
})

/** Why a figure moved between two moments: before and the causes sum to after, to the cent. */
export const ChangeReport = z.object({
  model: z.string(),
  window: z.string(),
  currency: CurrencyCode,
  since: Instant,
  until: Instant,
  beforeMinor: z.int(),
  afterMinor: z.int(),
  deltaMinor: z.int(),
  causes: z.array(
    z.object({ cause: ChangeCause, deltaMinor: z.int(), deltaDeals: z.number(), deals: z.int() }),
  ),
  data: z
    .array(
      z.object({
        opportunityId: z.string(),
        cause: ChangeCause,
        deltaMinor: z.int(),
        deltaDeals: z.number(),
        receipt: z.string(),
      }),
    )
    .meta({ description: 'The deals behind the causes, those that moved most first' }),
  nextCursor: z.string().nullable(),
})
