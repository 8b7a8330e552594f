import { z } from 'zod'
import { CurrencyCode } from '#core/money.ts'
import { Page, PageQuery } from '#core/page.ts'
import { CalendarDate, Instant } from '#core/time.ts'
import { AttributionModel } from '#reports/lens.schema.ts'

const Part = z.number().gt(0).lt(1)
const Weeks = z.int().min(1).max(104)

const Proposal = z.object({
  channel: z.string(),
  holdoutShare: z.number(),
  weeks: z.int(),
  peopleHeldOut: z.int(),
  peopleOthers: z.int(),
  expectedConversionsHeldOut: z.number(),
  expectedConversionsOthers: z.number(),
  measurementDeviation: z
    .number()
    .meta({ description: 'Of the lift, if the believed effect is true' }),
  deviationBefore: z.number(),
  deviationAfter: z.number().meta({
    description: 'Precisions add up: 1 ⁄ after² = 1 ⁄ before² + 1 ⁄ measurement²',
  }),
  power: z.number().meta({
    description: 'Probability to tell the believed effect from none at 5 %, two-sided',
  }),
  weeksForPower: z.int().nullable().meta({
    description: 'Weeks of the same holdout for a power of 80 %; null when no effect is believed',
  }),
  value: z.number().meta({
    description: 'By how much regret of the allocation is expected to fall, as a part of revenue',
  }),
  valueMinor: z
    .int()
    .meta({ description: 'The same over the weeks of the horizon after the test' }),
  costMinor: z.int().meta({
    description: 'Revenue that those left out would have brought, less what is not spent on them',
  }),
  netMinor: z.int().meta({ description: 'valueMinor − costMinor: what proposals are ordered by' }),
})

export const ProposeQuery = z.object({
  model: AttributionModel.optional().meta({
    description: 'A data-driven model of the workspace; the one fitted last unless given',
  }),
  currency: CurrencyCode.optional(),
  basisDays: z.coerce.number().int().min(28).max(730).default(182).meta({
    description: 'How many days before today give spend and revenue a week',
  }),
  horizonWeeks: z.coerce.number().int().min(4).max(260).default(52).meta({
    description: 'For how long what is learnt will be used, the test included',
  }),
  maxWeeks: z.coerce.number().int().min(1).max(104).default(12),
  maxHoldout: z.coerce.number().gt(0).max(0.5).default(0.2),
  exponent: z.coerce.number().min(0.1).max(0.9).default(0.5).meta({
    description: 'Revenue of a channel grows with its spend to this power',
  }),
  moveLimit: z.coerce.number().min(0.05).max(1).default(0.5).meta({
    description: 'How far a budget may be moved up or down, as a part of it',
  }),
})
export type ProposeQuery = z.output<typeof ProposeQuery>

export const Proposals = z.object({
  model: AttributionModel,
  fitId: z.string(),
  currency: CurrencyCode,
  audience: z.object({
    weeklyPeople: z.number().meta({ description: 'Journeys of the fit, by week' }),
    conversionRate: z.number(),
    weeklyRevenueMinor: z.int(),
  }),
  beliefs: z.array(
    z.object({
      channel: z.string(),
      effect: z.number().meta({ description: 'Part of revenue that would be missing without it' }),
      deviation: z.number().meta({ description: 'From the model’s 90 % interval' }),
      isMeasured: z.boolean().meta({
        description: 'An experiment narrowed it. Of others the model’s own error counts besides',
      }),
      weeklySpendMinor: z.int(),
    }),
  ),
  leftOut: z.array(
    z.object({
      channel: z.string(),
      reason: z.enum(['no_budget', 'planned']).meta({
        description: 'no_budget: nothing hangs on it; planned: a test of it is under way',
      }),
    }),
  ),
  data: z.array(Proposal).meta({ description: 'The worthiest test of each channel, best first' }),
})

export const Experiment = z.object({
  id: z.templateLiteral(['xpr_', z.string()]),
  channel: z.string(),
  state: z.enum(['planned', 'done', 'cancelled']),
  holdoutShare: z.number(),
  weeks: z.int(),
  startsOn: CalendarDate,
  proposal: Proposal.nullable(),
  result: z
    .object({
      peopleHeldOut: z.int(),
      conversionsHeldOut: z.int(),
      peopleOthers: z.int(),
      conversionsOthers: z.int(),
      lift: z.number().meta({ description: '1 − rate of those left out ÷ rate of the others' }),
      variance: z.number(),
      low: z.number().meta({ description: '90 % interval of the lift' }),
      high: z.number(),
    })
    .nullable(),
  createdAt: Instant,
  createdBy: z.string(),
  closedAt: Instant.nullable(),
})
export type Experiment = z.output<typeof Experiment>

const FittedShare = z
  .object({ fittedAt: Instant, low: z.number(), high: z.number() })
  .nullable()
  .meta({ description: '90 % interval of the channel’s part of revenue, as the fit has it' })

/** An experiment with what its result made of the models that weigh experiments. */
export const ExperimentDetail = Experiment.extend({
  effects: z
    .array(
      z.object({
        model: AttributionModel,
        name: z.string(),
        before: FittedShare.meta({ description: 'The last fit without the result' }),
        after: FittedShare.meta({
          description: 'The first fit with it; null while the model waits for that fit',
        }),
        until: Instant.nullable().meta({
          description:
            'When the model was fitted again for other reasons: credit up to then moved by the result alone',
        }),
      }),
    )
    .meta({ description: 'By data-driven model; empty while there is no result' }),
})
export type ExperimentDetail = z.output<typeof ExperimentDetail>

export const NewExperiment = z.object({
  channel: z.string().min(1).max(60),
  holdoutShare: Part.max(0.9),
  weeks: Weeks,
  startsOn: CalendarDate,
})

const Arm = z.int().min(1).max(1_000_000_000)
const Conversions = z.int().min(1).max(1_000_000_000).meta({
  description: 'At least one: a rate of 0 has no ratio',
})
export const ExperimentPath = z.object({ experimentId: z.templateLiteral(['xpr_', z.string()]) })
export const RecordResult = ExperimentPath.extend({
  peopleHeldOut: Arm,
  conversionsHeldOut: Conversions,
  peopleOthers: Arm,
  conversionsOthers: Conversions,
}).refine(
  (arms) =>
    arms.conversionsHeldOut <= arms.peopleHeldOut && arms.conversionsOthers <= arms.peopleOthers,
  'No more people convert than there are.',
)
export const ListExperimentsQuery = PageQuery.extend({
  state: z.enum(['planned', 'done', 'cancelled']).optional(),
})
export const ExperimentPage = Page(Experiment)
