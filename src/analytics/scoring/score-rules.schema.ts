import { z } from 'zod'

const AttributeName = z.string().min(1).max(60).meta({ example: 'employees' })
const Comparable = z.union([z.string().max(200), z.number(), z.boolean()])
const not = z.boolean().optional().meta({ description: 'True turns the answer around.' })

/** One question to one attribute of a lead. Texts compare without regard to case and outer blanks. */
export const Test = z.discriminatedUnion('is', [
  z.object({ attribute: AttributeName, is: z.literal('equal'), value: Comparable, not }),
  z.object({
    attribute: AttributeName,
    is: z.literal('in'),
    values: z.array(Comparable).min(1).max(500),
    not,
  }),
  z.object({
    attribute: AttributeName,
    is: z.literal('containing'),
    values: z.array(z.string().min(1).max(200)).min(1).max(100),
    not,
  }),
  z.object({ attribute: AttributeName, is: z.literal('present'), not }),
  z.object({
    attribute: AttributeName,
    is: z.literal('between'),
    min: z.number().optional(),
    max: z.number().optional(),
    not,
  }),
])
export type Test = z.infer<typeof Test>

/** One test, all of several, or any of several. */
export const Condition = z.union([
  Test,
  z.object({ all: z.array(Test).min(1).max(20) }),
  z.object({ any: z.array(Test).min(1).max(20) }),
])
export type Condition = z.infer<typeof Condition>

const ruleFields = {
  id: z
    .string()
    .regex(/^[a-z0-9_]{1,60}$/, 'A rule id is lower-case letters, digits and underscores.'),
  label: z.string().min(1).max(120),
  points: z.int().min(-100).max(100),
}

/** Who the lead is: the points are given once when the condition holds. */
export const FitRule = z.object({ ...ruleFields, when: Condition })
export type FitRule = z.infer<typeof FitRule>

/** What the lead did: the points are given for each matching touch and fade with its age. */
export const EngagementRule = z.object({
  ...ruleFields,
  kinds: z
    .array(z.string().min(1).max(60))
    .max(100)
    .optional()
    .meta({ description: 'Touch kinds that match; every kind when left out.' }),
  channels: z
    .array(z.string().min(1).max(60))
    .max(100)
    .optional()
    .meta({ description: 'Channels that match; every channel when left out.' }),
  cap: z
    .int()
    .min(1)
    .max(1000)
    .optional()
    .meta({ description: 'The most points, taken without sign, that the rule gives.' }),
  halfLifeDays: z.number().positive().max(3650).nullable().optional().meta({
    description: 'Days in which the points halve; null: never. The common one when left out.',
  }),
})
export type EngagementRule = z.infer<typeof EngagementRule>

/** How leads are scored: rules as data, which users edit, rehearse and publish. */
export const ScoreRules = z
  .object({
    fit: z.array(FitRule).max(200),
    engagement: z.array(EngagementRule).max(200),
    halfLifeDays: z
      .number()
      .positive()
      .max(3650)
      .nullable()
      .meta({ description: 'Days in which engagement points halve; null: never.' }),
    fitWeightPercent: z
      .int()
      .min(0)
      .max(100)
      .meta({ description: 'How much of the total is fit; the rest is engagement.' }),
    mqlThreshold: z
      .int()
      .min(1)
      .max(100)
      .meta({ description: 'The total from which a lead is marketing-qualified.' }),
  })
  .refine(
    ({ fit, engagement }) =>
      new Set([...fit, ...engagement].map((rule) => rule.id)).size ===
      fit.length + engagement.length,
    'Each rule id is used once.',
  )
export type ScoreRules = z.infer<typeof ScoreRules>
