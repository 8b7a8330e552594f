import { z } from 'zod'
import { CalendarDate, Instant } from '#core/time.ts'
import { CampaignLine } from '#reports/credit.schema.ts'
import {
  Credit,
  isPeriodSound,
  Lens,
  LensQuery,
  OtherCurrency,
  PERIOD_FAULT,
  Won,
} from '#reports/lens.schema.ts'

export const PerformanceQuery = LensQuery.extend({
  ownerId: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .meta({ description: 'Deals and leads of this owner' }),
  channel: z
    .string()
    .max(60)
    .optional()
    .meta({ description: 'Deals touched through the channel, leads captured in it, credit of it' }),
  compare: z
    .enum(['previous'])
    .optional()
    .meta({ description: 'previous: the same figures for the period of equal length before' }),
}).refine(isPeriodSound, { error: PERIOD_FAULT, path: ['to'] })
export type PerformanceQuery = z.output<typeof PerformanceQuery>

export const Rate = z.object({
  numerator: z.int(),
  denominator: z.int(),
  rate: z.number().nullable(),
  low: z.number().nullable().meta({
    description: '95 % interval (Wilson); null where the two counts are of different records',
  }),
  high: z.number().nullable(),
  isSmall: z.boolean().meta({ description: 'Fewer than 30: do not rely on it' }),
})

const Amount = z.object({ deals: z.int(), amountMinor: z.int() })

/** Deals of one state; sourced, influenced and untouched ones together are all of them, each counted once. */
export const DealGroup = Amount.extend({
  sourced: Amount.meta({
    description:
      "The very first touch of the deal's people was a campaign's, before the deal was opened",
  }),
  influenced: Amount.meta({
    description: 'Not sourced, and a campaign touched it before its close',
  }),
  untouched: Amount.meta({ description: 'No campaign touched it' }),
  dealsWithoutAmount: z.int(),
  otherCurrencies: z.array(OtherCurrency),
})
export type DealGroup = z.output<typeof DealGroup>

const Influence = z.object({
  influenced: Amount.meta({
    description: 'Open deals it touched; a deal that several touched stands in each of them',
  }),
  sourced: Amount,
})

export const CycleDays = z.object({
  n: z.int(),
  medianDays: z.number().nullable(),
  isSmall: z.boolean(),
})

/** Deals that closed in the period. */
export const ClosedDeals = z.object({
  won: DealGroup,
  lost: DealGroup,
  winRate: Rate.meta({ description: 'Won of all that closed in the period' }),
  averageWonMinor: z.int().nullable(),
  cycle: CycleDays.meta({ description: 'Days from opened to won' }),
})

export const Revenue = z.object({
  workspace: Won,
  campaigns: z
    .array(CampaignLine)
    .meta({ description: 'The 50 with the most credit; all at /attribution/campaigns' }),
  channels: z.array(Credit.extend({ channel: z.string(), receipts: z.string() })),
})

export const LeadFigures = z.object({
  leads: z.int(),
  mqls: z.int(),
  mqlRate: Rate,
  accepted: z.int().meta({ description: 'Leads of the period that sales took' }),
  rejected: z.int(),
  acceptance: Rate.meta({ description: 'Accepted of those that sales decided on' }),
  daysToMql: CycleDays,
})

/** From lead to won; each lead counts once at each step. */
export const Conversion = z.object({
  leads: z.int(),
  mqls: z.int(),
  opportunities: z.int().meta({
    description: 'Leads whose person got an opportunity that was opened at or after the capture',
  }),
  won: z.int(),
  leadToMql: Rate,
  leadToOpportunity: Rate,
  opportunityToWon: Rate,
  leadToWon: Rate,
})
const ByChannel = Conversion.extend({ channel: z.string() })

export const StageVelocity = z.object({
  pipelineId: z.string(),
  stageId: z.string(),
  label: z.string(),
  position: z.int(),
  n: z.int().meta({ description: 'Stays in the stage that ended in the period' }),
  medianDays: z.number().nullable(),
  meanDays: z.number().nullable(),
  p90Days: z.number().nullable(),
  isSmall: z.boolean(),
})

/** What the period has; the same for the period before under `previous`. */
export const PeriodFigures = z.object({
  from: CalendarDate,
  to: CalendarDate,
  closed: ClosedDeals,
  revenue: Revenue,
  leads: LeadFigures,
  conversion: z.object({
    cohort: z
      .object({ total: Conversion, channels: z.array(ByChannel) })
      .meta({ description: 'Of the leads captured in the period, how many came so far until now' }),
    period: z.object({ total: Conversion, channels: z.array(ByChannel) }).meta({
      description: 'How many reached each step within the period, whenever they were captured',
    }),
  }),
  stages: z.array(StageVelocity),
})

export const PerformanceReport = Lens.extend({
  ownerId: z.string().nullable(),
  channel: z.string().nullable(),
  pipeline: DealGroup.extend({
    asOf: Instant.meta({ description: 'Open deals are those open now, whatever the period' }),
    influencedShare: z
      .number()
      .nullable()
      .meta({ description: 'Sourced and influenced of the open amount' }),
    campaigns: z.array(Influence.extend({ campaignId: z.string(), name: z.string() })),
    channels: z.array(Influence.extend({ channel: z.string() })),
  }),
  current: PeriodFigures,
  previous: PeriodFigures.nullable(),
  leadVelocity: z.object({
    months: z.array(
      z.object({
        month: CalendarDate.meta({ description: 'First day of the month' }),
        mqls: z.int(),
        growth: z
          .number()
          .nullable()
          .meta({ description: 'Against the month before; null when that had none' }),
        isPartial: z.boolean(),
      }),
    ),
    growth: z.number().nullable().meta({
      description: 'Lead velocity rate: MQLs of the last full month against the one before',
    }),
  }),
  pipelineVelocityMinorPerDay: z
    .int()
    .nullable()
    .meta({ description: 'Open deals × win rate × average won amount ⁄ median cycle in days' }),
  definitions: z.record(z.string(), z.string()).meta({ description: 'What each figure means' }),
  notes: z.array(z.string()),
})
export type PerformanceReport = z.output<typeof PerformanceReport>
export type PeriodFigures = z.output<typeof PeriodFigures>
