import { z } from 'zod'
import { PageQuery } from '#core/page.ts'
import { CalendarDate, Instant } from '#core/time.ts'

/** Whom a quota is for: `workspace` as a whole, one key, client or person by id, or each person of a role. */
export const QuotaSubject = z
  .string()
  .regex(/^(?:workspace|(?:key|cli|usr)_[A-Za-z0-9]{1,60}|role\.[a-z][a-z0-9_-]{1,39})$/)
  .meta({
    description:
      'workspace, the id of a key, OAuth client or person, or role.<name> for each person of a role',
    example: 'role.sales',
  })

const Allowance = z.int().min(1).max(1_000_000_000_000).nullable()

export const QuotaRef = z.object({ subject: QuotaSubject })

export const SetQuota = QuotaRef.extend({
  perDay: Allowance.default(null).meta({
    description: 'Requests a day (UTC); null for any number',
  }),
  perMonth: Allowance.default(null).meta({
    description: 'Requests a calendar month (UTC); null for any number',
  }),
}).refine((quota) => quota.perDay !== null || quota.perMonth !== null, {
  message: 'Give a number a day or a month; to lift a quota, delete it.',
  path: ['perDay'],
})

/** How far a quota is used up in the period that runs now. */
const QuotaPeriod = z.object({
  limit: z.int(),
  used: z.int().meta({ description: 'Admitted, as told by all processes a second or two ago' }),
  remaining: z.int(),
  resetsAt: Instant,
  state: z.enum(['open', 'warning', 'exceeded']).meta({ description: 'Warning from 80 %' }),
})

export const Quota = z.object({
  subject: QuotaSubject,
  perDay: Allowance,
  perMonth: Allowance,
  day: QuotaPeriod.nullable().meta({
    description: 'Null: no quota a day, or one of a role, which each person has for themselves',
  }),
  month: QuotaPeriod.nullable(),
  version: z.int(),
  updatedAt: Instant,
})
export type Quota = z.output<typeof Quota>

export const ListQuotas = PageQuery

export const UsageQuery = PageQuery.extend({
  subject: QuotaSubject.optional().meta({
    description: 'Only this key, client, person or workspace',
  }),
  from: CalendarDate.optional().meta({ description: 'First day (UTC)' }),
  to: CalendarDate.optional().meta({ description: 'Last day (UTC)' }),
})

/** Requests of one day. A request of a client that acts for a person counts for both, and each counts for the workspace. */
export const UsageDay = z.object({
  day: CalendarDate,
  subject: z.string(),
  requests: z.int(),
  refused: z.int().meta({ description: 'Refused because a quota was used up' }),
})
export type UsageDay = z.output<typeof UsageDay>
