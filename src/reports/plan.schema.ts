import { z } from 'zod'
import { CurrencyCode } from '#core/money.ts'
import { Page, PageQuery } from '#core/page.ts'
import { CalendarDate, Instant } from '#core/time.ts'
import { Rate } from '#reports/performance.schema.ts'

export const Quarter = z
  .string()
  .regex(/^\d{4}-Q[1-4]$/, 'A quarter is written 2027-Q1.')
  .meta({ example: '2027-Q1' })

const Assumption = z.number().positive().optional()

/** What is to be won of one segment, and what is assumed where the past is not to go on. */
export const SegmentTarget = z.object({
  channel: z.string().max(60).nullable().meta({
    description: 'The segment: leads of this channel; null: all that no other segment names',
  }),
  targetMinor: z.int().min(0).meta({ description: 'To be won in the quarter, in minor units' }),
  assume: z
    .object({
      leadToWon: Assumption.refine((rate) => rate === undefined || rate <= 1, 'At most 1.'),
      leadToOpportunity: Assumption.refine((rate) => rate === undefined || rate <= 1, 'At most 1.'),
      averageWonMinor: Assumption,
      costPerLeadMinor: Assumption,
    })
    .default({})
    .meta({ description: 'In place of what was measured' }),
})

export const PutPlan = z.object({
  quarter: Quarter,
  currency: CurrencyCode.optional(),
  basisDays: z.int().min(30).max(730).default(365).meta({
    description: 'How many days before today are measured',
  }),
  leadsPerOwner: z.int().min(1).optional().meta({
    description: 'Leads that one owner can follow up in a quarter, for the check of capacity',
  }),
  segments: z
    .array(SegmentTarget)
    .min(1)
    .max(50)
    .refine(
      (segments) => new Set(segments.map(({ channel }) => channel)).size === segments.length,
      'Name each segment once.',
    ),
})
export type PutPlan = z.output<typeof PutPlan>

const Need = z.object({
  channel: z.string().nullable(),
  targetMinor: z.int(),
  measured: z.object({
    leadToWon: Rate,
    leadToOpportunity: Rate,
    averageWonMinor: z.int().nullable(),
    medianDaysToWon: z.number().nullable(),
    costPerLeadMinor: z.int().nullable().meta({
      description: 'Budgets of the channel’s campaigns that fall into the days measured, by lead',
    }),
  }),
  deals: z.int().nullable(),
  opportunities: z.int().nullable(),
  pipelineMinor: z.int().nullable().meta({
    description: 'To be opened so that the target is won at the measured rates',
  }),
  leads: z.int().nullable(),
  leadsLow: z.int().nullable().meta({
    description: 'Leads at the upper and the lower bound of the measured rate (95 %)',
  }),
  leadsHigh: z.int().nullable(),
  spendMinor: z.int().nullable(),
  leadsBy: CalendarDate.nullable().meta({
    description: 'Half of the deals take longer than from this day to the end of the quarter',
  }),
  warnings: z.array(z.string()),
})
export type Need = z.output<typeof Need>

export const Plan = z.object({
  quarter: Quarter,
  version: z.int(),
  currency: CurrencyCode,
  basisDays: z.int(),
  leadsPerOwner: z.int().nullable(),
  segments: z.array(SegmentTarget),
  needs: z.array(Need),
  total: z.object({
    targetMinor: z.int(),
    pipelineMinor: z.int().nullable(),
    leads: z.int().nullable(),
    spendMinor: z.int().nullable(),
  }),
  capacity: z.object({
    owners: z.int(),
    leads: z.int().nullable(),
    isEnough: z.boolean().nullable(),
  }),
  createdAt: Instant,
  createdBy: z.string(),
})
export type Plan = z.output<typeof Plan>

export const PlanQuery = z.object({
  quarter: Quarter,
  version: z.coerce
    .number()
    .int()
    .min(1)
    .optional()
    .meta({ description: 'The newest unless given' }),
})
export const PlanListQuery = PageQuery.extend({ quarter: Quarter })
/** Versions of plans, without what they need. */
export const PlanPage = Page(
  Plan.pick({
    quarter: true,
    version: true,
    currency: true,
    total: true,
    createdAt: true,
    createdBy: true,
  }),
)

export const ListQuartersQuery = PageQuery

/** What came in, by the channel of the lead: of a deal, that of the first lead among its people. */
const Actual = z.object({
  wonMinor: z.int().meta({ description: 'Of deals that closed as won in the quarter' }),
  wonDeals: z.int(),
  opportunities: z.int().meta({ description: 'Opened in the quarter' }),
  pipelineMinor: z.int().meta({ description: 'Amount of what was opened in the quarter' }),
  leads: z.int().meta({ description: 'Captured in the quarter' }),
  spendMinor: z.int().meta({
    description: 'Budgets of the channel’s campaigns that fall into the quarter until today',
  }),
})
export type Actual = z.output<typeof Actual>

const Planned = Need.pick({
  targetMinor: true,
  deals: true,
  opportunities: true,
  pipelineMinor: true,
  leads: true,
  spendMinor: true,
})

/** How far a quarter has come against its plan; segments and what is outside them are together all that came in. */
export const PlanProgress = z.object({
  quarter: Quarter,
  version: z.int(),
  currency: CurrencyCode,
  from: CalendarDate,
  to: CalendarDate,
  elapsed: z.number().meta({ description: 'The part of the quarter that is over, in [0, 1]' }),
  segments: z.array(z.object({ channel: z.string().nullable(), planned: Planned, actual: Actual })),
  outside: Actual.meta({
    description: 'Of channels that no segment names; nothing where a segment takes all others',
  }),
  total: Actual,
})
export type PlanProgress = z.output<typeof PlanProgress>

export const ComparePlansQuery = z.object({
  quarter: Quarter,
  from: z.coerce.number().int().min(1),
  to: z.coerce.number().int().min(1),
})

/** What differs between two versions of a plan, field by field. */
export const PlanDiff = z.object({
  quarter: Quarter,
  from: z.int(),
  to: z.int(),
  changes: z.array(
    z.object({
      channel: z.string().nullable(),
      field: z.string(),
      before: z.number().nullable(),
      after: z.number().nullable(),
    }),
  ),
})
