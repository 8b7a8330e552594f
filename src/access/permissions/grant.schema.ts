import { z } from 'zod'
import { Id } from '#core/id.ts'
import { PageQuery } from '#core/page.ts'
import { Instant } from '#core/time.ts'

export const PermissionGrant = z.object({
  id: Id('grt'),
  subject: z
    .string()
    .regex(/^(usr|key|cli)_[0-9a-f]{32}$|^role:[a-z][a-z0-9_-]{1,39}$/)
    .meta({ description: 'A user, key or client by id, or role:<name>', example: 'role:sales' }),
  effect: z.enum(['allow', 'deny']),
  scope: z
    .string()
    .regex(/^(\*|[a-z_]{1,40}):(\*|[a-z_]{1,20})$|^\*$/)
    .meta({ description: 'A scope, or a pattern: leads:*, *:read, *', example: 'leads:*' }),
  node: z
    .string()
    .max(100)
    .regex(
      /^org$|^domain:[a-z]{2,20}$|^team:[a-z][a-z0-9_-]{1,39}$|^record:[a-z]{2,6}_[0-9a-z-]{1,58}$/,
    )
    .meta({ description: 'org, domain:<name>, team:<name> or record:<id>', example: 'team:emea' }),
  createdAt: Instant,
  createdBy: z.string(),
})
export type PermissionGrant = z.infer<typeof PermissionGrant>

export const NewGrant = PermissionGrant.pick({
  subject: true,
  effect: true,
  scope: true,
  node: true,
})
export const GrantRef = z.object({ grantId: Id('grt') })
export const ListGrants = PageQuery.extend({ subject: z.string().max(64).optional() })

export const Team = z.object({
  name: z.string().regex(/^[a-z][a-z0-9_-]{1,39}$/),
  ownerIds: z.array(z.string().max(64)).max(500),
})
export const TeamRef = Team.pick({ name: true })

const Time = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/)

export const ContextRuleFields = z.object({
  name: z.string().min(1).max(100),
  effect: z.enum(['deny', 'step_up']),
  scopes: z.array(PermissionGrant.shape.scope).min(1).max(50),
  roles: z.array(z.string().max(40)).max(20).default([]),
  dataClass: z.enum(['any', 'personal']).default('any'),
  networks: z.array(z.string().max(50)).max(50).default([]),
  hours: z
    .object({
      days: z.array(z.int().min(1).max(7)).min(1).max(7),
      from: Time,
      to: Time,
      timeZone: z.string().max(60),
    })
    .nullable()
    .default(null),
  purposes: z.array(z.string().min(1).max(60)).max(20).default([]),
  devices: z.enum(['known', 'confirmed']).nullable().default(null).meta({
    description:
      'known: a browser from which the person first signed in at least seven days ago, or a confirmed one. confirmed: one where they proved themselves by a second factor. Asked of people and of what acts for them, which has no device; keys and clients of the workspace are not asked.',
  }),
})
export const AccessRule = ContextRuleFields.extend({ id: Id('crl'), createdAt: Instant })
export const AccessRuleRef = z.object({ ruleId: Id('crl') })

export const ExplainQuery = z.object({
  principal: z.string().max(64).meta({ description: 'A user, key or client by id' }),
  scope: z.string().max(60),
  record: z.string().max(64).optional(),
  team: z.string().max(40).optional().meta({ description: 'A team that the record belongs to' }),
})

/** Why somebody may or may not: the decision, what decided it, and everything that was looked at. */
export const Explanation = z.object({
  principal: z.string(),
  roles: z.array(z.string()),
  scope: z.string(),
  allowed: z.boolean(),
  because: z.enum(['role', 'grant', 'denial', 'default']),
  detail: z.string(),
  path: z.array(z.string()).meta({ description: 'From the organisation down to the record' }),
  decidedBy: NewGrant.nullable(),
  considered: z.array(NewGrant.extend({ applies: z.boolean() })),
  rolesWithScope: z.array(z.string()),
  personalValues: z.enum(['clear', 'masked']),
  contextRules: z.array(
    z.object({
      name: z.string(),
      effect: z.string(),
      holdsOnly: z.array(z.string()).meta({
        description: 'The circumstances that it asks of this one, in words; none: it always asks',
      }),
    }),
  ),
})
