import { z } from 'zod'
import { Id } from '#core/id.ts'
import { Instant } from '#core/time.ts'

const Text = z.string().trim().min(1).max(200)

/** What a lead must be for a rule to take it: every given field holds; within a list any value does. */
export const RoutingCondition = z.object({
  countries: z
    .array(z.string().trim().min(2).max(60))
    .min(1)
    .max(250)
    .optional()
    .meta({
      description: 'ISO 3166-1 alpha-2 codes or names of countries',
      example: ['DE', 'AT', 'CH'],
    }),
  regions: z.array(Text).min(1).max(500).optional(),
  industries: z.array(Text).min(1).max(200).optional(),
  employeesMin: z.int().min(0).optional(),
  employeesMax: z.int().min(0).optional(),
  domains: z
    .array(z.string().trim().min(3).max(253))
    .min(1)
    .max(5000)
    .optional()
    .meta({ description: 'Named accounts, by company domain; subdomains belong to them.' }),
  channels: z.array(z.string().min(1).max(60)).min(1).max(100).optional(),
  scoreMin: z.int().min(0).max(100).optional(),
  isCustomer: z.boolean().optional(),
})
export type RoutingCondition = z.infer<typeof RoutingCondition>

const assignmentFields = {
  ownerIds: z.array(Id('own')).max(500).meta({ description: 'In order of preference.' }),
  strategy: z
    .enum(['single', 'round_robin'])
    .meta({ description: 'single: the first owner who is available. round_robin: in turn.' }),
  slaMinutes: z
    .int()
    .min(1)
    .max(43_200)
    .default(1440)
    .meta({ description: 'Minutes from the assignment within which the owner is to follow up.' }),
  followUp: z.enum(['mql', 'always', 'never']).default('mql').meta({
    description: 'For which leads a follow-up task is made: qualified ones, all, or none.',
  }),
}

export const RoutingRule = z.object({
  id: z
    .string()
    .regex(/^[a-z0-9_]{1,60}$/, 'A rule id is lower-case letters, digits and underscores.')
    .refine((id) => id !== 'fallback', 'The id `fallback` is taken by the last rule.'),
  name: Text,
  when: RoutingCondition,
  ...assignmentFields,
})
export type RoutingRule = z.infer<typeof RoutingRule>

/** Rules are asked from the top; the first whose condition holds and who has an available owner gets the lead. */
export const RoutingRules = z.object({
  rules: z.array(RoutingRule).max(200),
  fallback: z.object(assignmentFields).meta({
    description:
      'Gets what no rule took. Its owners take leads beyond their daily capacity rather than leave one without an owner.',
  }),
})
export type RoutingRules = z.infer<typeof RoutingRules>

/** The published rules; version 0 is the built-in start: no rules and no fallback owner. */
export const PublishedRouting = RoutingRules.extend({
  version: z.int(),
  publishedAt: Instant.nullable(),
  publishedBy: z.string().nullable(),
})
export type PublishedRouting = z.infer<typeof PublishedRouting>

/** Why this owner: kept with the lead. */
export const RouteReason = z.object({
  ruleId: z.string().nullable().meta({ description: 'Null: no rule could assign it.' }),
  ruleVersion: z.int(),
  why: z.string(),
})
export type RouteReason = z.infer<typeof RouteReason>

export const RoutingTrial = RoutingRules.partial().extend({
  limit: z
    .int()
    .min(1)
    .max(5000)
    .default(1000)
    .meta({ description: 'How many recent leads to try.' }),
})

const Count = z.object({ id: z.string().nullable(), leads: z.int() })

export const RoutingTrialResult = z.object({
  leads: z.int().meta({ description: 'How many were tried.' }),
  moving: z.int().meta({ description: 'How many would have another owner than they have.' }),
  unassigned: z.int(),
  byRule: z.array(Count),
  byOwner: z.array(Count),
  moves: z
    .array(
      z.object({
        leadId: Id('lead'),
        fromOwnerId: Id('own').nullable(),
        toOwnerId: Id('own').nullable(),
        ruleId: z.string().nullable(),
        why: z.string(),
      }),
    )
    .meta({ description: 'The first 200 of them.' }),
})
