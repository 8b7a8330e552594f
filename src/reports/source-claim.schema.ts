import { z } from 'zod'
import { CurrencyCode } from '#core/money.ts'
import { PageQuery } from '#core/page.ts'
import { Instant } from '#core/time.ts'
import { isPeriodSound, Lens, LensQuery, PERIOD_FAULT } from '#reports/lens.schema.ts'

/** Who is asked where a deal came from. `resolved`: what people settled on. */
export const Speaker = z.enum(['customer', 'rep', 'crm', 'resolved'])

export const SubjectId = z
  .string()
  .regex(/^(lead|opp)_[0-9a-zA-Z]{1,60}$/, 'A lead or an opportunity')
  .meta({ description: 'A lead or an opportunity' })

export const PutClaim = z
  .object({
    subjectId: SubjectId,
    speaker: Speaker,
    channel: z.string().max(60).nullable().default(null).meta({
      description:
        'A channel of the workspace. Left out, the answer is looked up among the names of channels; null when none is in it',
    }),
    answer: z.string().trim().max(500).optional().meta({
      description: 'In their own words, such as the answer to “How did you hear about us?”',
      personal: 'contact',
    }),
  })
  .refine(({ channel, answer }) => channel !== null || answer !== undefined, {
    error: 'Give a channel, or an answer in words.',
    path: ['channel'],
  })

export const Claim = z.object({
  subjectId: z.string(),
  speaker: Speaker,
  channel: z.string().nullable(),
  answer: z.string().nullable().meta({ personal: 'contact' }),
  claimedAt: Instant,
  claimedBy: z.string(),
})
export const ClaimQuery = z.object({ subjectId: SubjectId })
export const ClaimList = z.object({ data: z.array(Claim), nextCursor: z.string().nullable() })

const Voice = z.enum(['model', 'crm', 'customer', 'rep'])

export const DisagreementQuery = LensQuery.extend({
  ...PageQuery.shape,
  show: z.enum(['open', 'resolved', 'all']).default('open').meta({
    description: 'Deals that are still disputed, those that were settled, or both',
  }),
}).refine(isPeriodSound, { error: PERIOD_FAULT, path: ['to'] })

/** Where those who should know say that won deals came from. */
export const Disagreement = Lens.extend({
  agreement: z.array(
    z.object({
      voice: Voice,
      other: Voice,
      deals: z.int().meta({ description: 'Won deals of which both say something' }),
      agree: z.int(),
      rate: z.number().nullable(),
      matrix: z.array(z.object({ voice: z.string(), other: z.string(), deals: z.int() })),
    }),
  ),
  data: z
    .array(
      z.object({
        opportunityId: z.string(),
        amountMinor: z.int(),
        currency: CurrencyCode,
        closedAt: Instant,
        model: z.string().nullable().meta({ description: 'The channel with the most credit' }),
        crm: z.string().nullable().meta({
          description: 'The CRM’s own source; where it has none, the channel of the first lead',
        }),
        customer: z.string().nullable(),
        rep: z.string().nullable(),
        resolved: z.string().nullable(),
        receipt: z.string(),
      }),
    )
    .meta({ description: 'Deals of which two say different things, the largest first' }),
  nextCursor: z.string().nullable(),
})
