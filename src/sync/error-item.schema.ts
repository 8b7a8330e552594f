import { z } from 'zod'
import { PageQuery } from '#core/page.ts'
import { Instant } from '#core/time.ts'
import { ConnectionId, RunId } from './connection.schema.ts'

export const ErrorQuery = PageQuery.extend({
  connectionId: ConnectionId.optional(),
  stream: z.string().max(100).optional(),
  code: z.string().max(200).optional(),
  state: z.enum(['open', 'ignored']).default('open'),
})

export const ErrorItem = z.object({
  connectionId: ConnectionId,
  stream: z.string(),
  record: z.string().meta({ description: 'Id of the side that it comes from; empty for a stream' }),
  entity: z.string(),
  localId: z.string().nullable(),
  externalId: z.string().nullable(),
  code: z.string(),
  title: z.string(),
  whatToDo: z.string(),
  detail: z.string().nullable(),
  state: z.enum(['open', 'ignored']),
  owner: z.string().nullable(),
  reason: z.string().nullable(),
  occurrences: z.int(),
  firstAt: Instant,
  lastAt: Instant,
  lastRunId: RunId,
})
export type ErrorItem = z.infer<typeof ErrorItem>

/** All items of a cause, or with `records` only those. */
const ErrorGroup = z.object({
  connectionId: ConnectionId,
  stream: z.string().max(100),
  code: z.string().max(200),
  records: z.array(z.string().max(200)).min(1).max(500).optional(),
})
export const ErrorRetry = ErrorGroup
export const ErrorIgnore = ErrorGroup.extend({ reason: z.string().trim().min(1).max(500) })
export const ErrorAssign = ErrorGroup.extend({
  owner: z
    .string()
    .trim()
    .min(1)
    .max(200)
    .nullable()
    .meta({ description: 'Who sees to it; null for nobody' }),
})
export const Affected = z.object({ items: z.int() })

export const ErrorGroupView = z.object({
  stream: z.string(),
  code: z.string(),
  title: z.string(),
  whatToDo: z.string(),
  fixedBy: z.string(),
  count: z.int(),
  oldestAt: Instant,
  property: z
    .string()
    .nullable()
    .meta({ description: 'The CRM’s field that most of the refusals name; null: they name none' }),
})

export const ConnectionHealth = z.object({
  connectionId: ConnectionId,
  name: z.string(),
  vendor: z.string(),
  state: z.enum(['active', 'needs_login', 'paused']),
  lastRun: z
    .object({ id: RunId, state: z.string(), endedAt: Instant.nullable(), calls: z.int() })
    .nullable(),
  nextRunAt: Instant.nullable(),
  lastSuccessAt: Instant.nullable().meta({ description: 'The oldest last success of its streams' }),
  isStale: z.boolean().meta({ description: 'A stream is older than its cadence' }),
  streams: z.array(
    z.object({
      name: z.string(),
      direction: z.enum(['pull', 'push', 'both']),
      paused: z.boolean(),
      everyMinutes: z.int(),
      ageMinutes: z.int().nullable(),
      isStale: z.boolean(),
      nextRunAt: Instant,
    }),
  ),
  pending: z.object({ count: z.int(), held: z.int(), oldestAt: Instant.nullable() }),
  callsToday: z.int(),
  errors: z.array(ErrorGroupView),
})
export const Health = z.object({ data: z.array(ConnectionHealth) })
