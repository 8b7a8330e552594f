import { z } from 'zod'
import { Id } from '#core/id.ts'
import { CurrencyCode } from '#core/money.ts'
import { Page, PageQuery } from '#core/page.ts'
import { CalendarDate, Instant } from '#core/time.ts'
import { Rate } from '#reports/performance.schema.ts'

const Spans = z.object({
  baselineFrom: CalendarDate,
  baselineTo: CalendarDate,
  from: CalendarDate,
  to: CalendarDate,
})
const Maturity = z.coerce
  .number()
  .int()
  .min(0)
  .max(365)
  .default(30)
  .meta({
    description:
      'A lead counts as qualified when it was within so many days of its capture. Leads of less age are left out, so that the ' +
      'present is not at a disadvantage',
  })
type Spans = z.output<typeof Spans>
const endsAfterStart = ({ baselineFrom, baselineTo, from, to }: Spans) =>
  baselineFrom <= baselineTo && from <= to
const ENDS_BEFORE_START = { error: 'A period ends on or after its first day.', path: ['to'] }
const isApart = ({ baselineTo, from }: Spans) => baselineTo < from
const NOT_APART = {
  error: 'The baseline ends before the present period begins.',
  path: ['from'],
}

export const ImprovementQuery = Spans.extend({ maturityDays: Maturity })
  .refine(endsAfterStart, ENDS_BEFORE_START)
  .refine(isApart, NOT_APART)
export type ImprovementQuery = z.output<typeof ImprovementQuery>

/** One of the two periods that are compared. */
export const ImprovementSpan = z.enum(['baseline', 'current'])
export type ImprovementSpan = z.infer<typeof ImprovementSpan>

/** What a lead counts as: qualified in time, or not; decided on by sales, and then taken or refused. */
export const LeadOutcome = z.enum([
  'qualified',
  'not_qualified',
  'decided',
  'accepted',
  'not_accepted',
])
export type LeadOutcome = z.infer<typeof LeadOutcome>

export const ImprovementLeadsQuery = Spans.extend({
  maturityDays: Maturity,
  span: ImprovementSpan,
  outcome: LeadOutcome.optional(),
  ...PageQuery.shape,
})
  .refine(endsAfterStart, ENDS_BEFORE_START)
  .refine(isApart, NOT_APART)
export type ImprovementLeadsQuery = z.output<typeof ImprovementLeadsQuery>

export const ImprovementDealsQuery = Spans.extend({ span: ImprovementSpan, ...PageQuery.shape })
  .refine(endsAfterStart, ENDS_BEFORE_START)
  .refine(isApart, NOT_APART)
export type ImprovementDealsQuery = z.output<typeof ImprovementDealsQuery>

/** A lead that the figures of a period count. */
export const ImprovementLeadPage = Page(
  z.object({
    leadId: Id('lead'),
    capturedAt: Instant,
    qualifiedAt: Instant.nullable(),
    isQualified: z
      .boolean()
      .meta({ description: 'Qualified within the days that are asked for after its capture' }),
    isAccepted: z
      .boolean()
      .nullable()
      .meta({ description: 'Taken by sales; null while sales has not decided' }),
  }),
)

/** A deal that the sales cycle of a period counts. */
export const ImprovementDealPage = Page(
  z.object({
    opportunityId: Id('opp'),
    name: z.string().meta({ personal: 'custom' }),
    openedAt: Instant,
    closedAt: Instant,
    days: z.number().meta({ description: 'From opened to won, an hour at least' }),
    amountMinor: z.int().nullable(),
    currency: CurrencyCode,
  }),
)

const Change = z.object({
  change: z
    .number()
    .nullable()
    .meta({ description: 'Relative to the baseline: 0.2 is a fifth more' }),
  low: z.number().nullable().meta({ description: '95 % interval of the change' }),
  high: z.number().nullable(),
  isClear: z.boolean().meta({ description: 'The interval leaves out no change at all' }),
  isSmall: z.boolean().meta({ description: 'Fewer than 30 records on a side: do not rely on it' }),
})

const Days = z.object({
  n: z.int(),
  medianDays: z.number().nullable(),
  geometricMeanDays: z.number().nullable(),
})

/** Whether lead quality rose and the sales cycle fell since the baseline. */
export const Improvement = z.object({
  leadQuality: z.object({
    definition: z.string(),
    baseline: Rate,
    current: Rate,
    change: Change,
  }),
  acceptance: z.object({ definition: z.string(), baseline: Rate, current: Rate, change: Change }),
  salesCycle: z.object({ definition: z.string(), baseline: Days, current: Days, change: Change }),
  notes: z.array(z.string()),
})
