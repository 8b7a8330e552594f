import { z } from 'zod'
import { Id } from '#core/id.ts'
import { CurrencyCode } from '#core/money.ts'
import { Page, PageQuery } from '#core/page.ts'
import { Instant } from '#core/time.ts'

export const Target = z.enum(['lead_qualified', 'lead_won', 'opportunity_won']).meta({
  description:
    'lead_qualified: sales opens a deal with the person in time. lead_won: a deal with the person is won in time. ' +
    'opportunity_won: an open deal is won.',
})
export type Target = z.infer<typeof Target>

export const ModelStatus = z.enum(['training', 'candidate', 'promoted', 'retired', 'refused'])
export type ModelStatus = z.infer<typeof ModelStatus>

const Share = z.number().min(0).max(1)

const Quality = z.object({
  rows: z.int(),
  positives: z.int(),
  auc: Share.meta({
    description: 'Chance that a case that came to the outcome is above one that did not',
  }),
  logLoss: z.number(),
  brier: Share,
  calibrationError: Share.meta({
    description: 'Mean distance of predicted and observed, by ten bins',
  }),
  topDecileLift: z
    .number()
    .meta({ description: 'Rate among the highest tenth over the rate of all' }),
})

const Bin = z.object({
  rows: z.int(),
  positives: z.int(),
  predicted: Share.meta({ description: 'The mean of what was predicted' }),
})

const Leak = z.object({
  name: z.string(),
  reason: z.enum([
    'predicts_alone',
    'filled_with_outcome',
    'pure_levels',
    'given_later',
    'overwritten_later',
  ]),
  severity: z
    .enum(['leak', 'suspect'])
    .meta({ description: 'What is a leak was left out of the training.' }),
  auc: Share,
  detail: z.string(),
})

const BackTest = z
  .object({
    cutAt: z.string(),
    trainRows: z.int(),
    quality: Quality,
    calibration: z.array(Bin).meta({ description: 'Ten bins of equal width, lowest first' }),
    lift: z.array(Bin).meta({ description: 'Ten parts of equal size, highest first' }),
    rules: z
      .object({ auc: Share, topDecileLift: z.number(), lift: z.array(Bin), rows: z.int() })
      .nullable()
      .meta({ description: 'The rule score on the same cases, computed as of their moments' }),
    besideRules: z.object({ auc: Share, topDecileLift: z.number() }).nullable(),
  })
  .meta({
    description:
      'Fitted on cases whose outcome was known at the cut, judged on cases after it. Nothing in it saw the future.',
  })

const ForecastTest = z.object({
  cutAt: z.string(),
  days: z.int(),
  currency: CurrencyCode,
  deals: z.int(),
  expectedMinor: z.int(),
  lowMinor: z.int(),
  highMinor: z.int(),
  actualMinor: z.int(),
})

export const Report = z.object({
  rows: z.int(),
  positives: z.int(),
  fromAt: z.string(),
  toAt: z.string(),
  choice: z.object({
    kind: z.enum(['logistic', 'boosting', 'blend']),
    logisticWeight: Share,
    penalty: z.object({ lambda: z.number(), mix: z.number() }).nullable(),
    trees: z.object({ rounds: z.int(), maxLeaves: z.int() }).nullable(),
    calibration: z.enum(['none', 'platt', 'isotonic']),
    logLoss: z.object({
      logistic: z.number().nullable(),
      boosting: z.number().nullable(),
      chosen: z.number(),
    }),
  }),
  crossValidated: Quality,
  backTest: BackTest,
  leaks: z.array(Leak),
  leftOut: z.array(z.object({ name: z.string(), why: z.enum(['constant', 'leak']) })),
  importance: z.array(z.object({ name: z.string(), meanAbsLogOdds: z.number() })),
  forecastTests: z.array(ForecastTest).meta({
    description: 'Of opportunity_won: what a forecast made then would have said, and what came',
  }),
})
export type Report = z.infer<typeof Report>
export type ForecastTest = z.infer<typeof ForecastTest>

export const LearnedModelSummary = z.object({
  id: Id('mdl'),
  target: Target,
  horizonDays: z.int().nullable().meta({ description: 'Days within which the outcome counts' }),
  status: ModelStatus,
  requestedAt: Instant,
  requestedBy: z.string(),
  trainedAt: Instant.nullable(),
  refusal: z
    .string()
    .nullable()
    .meta({ description: 'Why there is no model, and what is missing' }),
  promotedAt: Instant.nullable(),
  promotedBy: z.string().nullable(),
  version: z.int(),
})

export const LearnedModelDetail = LearnedModelSummary.extend({ report: Report.nullable() })

export const ModelPage = Page(
  LearnedModelSummary.extend({
    rows: z.int().nullable(),
    auc: Share.nullable().meta({ description: 'Of the back-test' }),
    calibrationError: Share.nullable(),
    topDecileLift: z.number().nullable(),
  }),
)

export const ModelQuery = PageQuery.extend({
  target: Target.optional(),
  status: ModelStatus.optional(),
})
export type ModelQuery = z.infer<typeof ModelQuery>

export const ModelPath = z.object({ modelId: Id('mdl') })

export const NewTraining = z.object({
  target: Target,
  horizonDays: z.int().min(7).max(730).default(90).meta({
    description: 'Days within which the outcome must come; of no effect on opportunity_won.',
  }),
})

const Reason = z.object({
  feature: z.string(),
  label: z.string(),
  value: z.union([z.string(), z.number()]).nullable(),
  points: z.int(),
})

export const Probability = z.object({
  target: Target,
  modelId: Id('mdl'),
  probability: Share,
  low: Share,
  high: Share.meta({
    description: 'With low: meant to hold the true probability nine times of ten',
  }),
  scoredAt: Instant,
  points: z.int().meta({
    description:
      'The log-odds in thousandths: probability = 1 ÷ (1 + e^(−points ÷ 1000)). base and the points of all reasons sum to it.',
  }),
  base: z.int().meta({ description: 'The log-odds of the average case, in thousandths' }),
  reasons: z.array(Reason).meta({ description: 'Largest first' }),
})
export type Probability = z.infer<typeof Probability>

export const LeadProbabilities = z.object({
  id: Id('lead'),
  ownerId: Id('own').nullable(),
  rules: z.object({
    score: z.int().meta({ description: 'What counts: an override while it holds' }),
    computed: z.int(),
    fit: z.int(),
    engagement: z.int(),
    modelVersion: z.int(),
  }),
  learned: z
    .array(Probability)
    .meta({ description: 'One for each promoted model; none for an outcome that has come' }),
})

export const OpportunityProbability = z.object({
  id: Id('opp'),
  ownerId: Id('own').nullable(),
  learned: Probability.nullable().meta({
    description: 'Null while no model is promoted, and when the opportunity is closed',
  }),
})

export const LeadPath = z.object({ leadId: Id('lead') })
export const OpportunityPath = z.object({ opportunityId: Id('opp') })

export const LeadScoreQuery = PageQuery.extend({ target: Target.exclude(['opportunity_won']) })

export const ScorePage = Page(
  z.object({
    id: z.string(),
    ownerId: Id('own').nullable(),
    modelId: Id('mdl'),
    probability: Share,
    low: Share,
    high: Share,
    scoredAt: Instant,
  }),
)

export const ForecastQuery = z.object({
  months: z.coerce.number().int().min(1).max(12).default(3),
})

export const Forecast = z.object({
  asOf: Instant,
  method: z.enum(['learned', 'crm_stage']).meta({
    description: 'crm_stage: no model is promoted, so that the CRM’s own stage probabilities count',
  }),
  modelId: Id('mdl').nullable(),
  openDeals: z.int(),
  dealsWithoutAmount: z.int(),
  note: z.string(),
  cells: z.array(
    z.object({
      startsAt: Instant,
      endsAt: Instant,
      currency: CurrencyCode,
      deals: z.int(),
      expectedMinor: z.int(),
      lowMinor: z.int(),
      highMinor: z.int(),
    }),
  ),
  tests: z
    .array(ForecastTest)
    .meta({ description: 'How earlier forecasts of the model would have done' }),
})

export const Suggestions = z.object({
  judged: z.int().meta({ description: 'Leads whose reason says something of how good they were' }),
  missing: z.int().meta({ description: 'Judgements still missing before anything is suggested' }),
  modelVersion: z.int(),
  suggestions: z.array(
    z.object({
      part: z.enum(['fit', 'engagement']),
      ruleId: z.string(),
      label: z.string(),
      points: z.int(),
      suggestedPoints: z.int(),
      lowPoints: z.int(),
      highPoints: z
        .int()
        .meta({ description: 'With low: what the judgements say, nine times of ten' }),
      accepted: z.int(),
      rejected: z.int(),
      reasons: z.array(z.object({ reason: z.string(), leads: z.int() })),
    }),
  ),
})
