import { z } from 'zod'
import { Id } from '#core/id.ts'
import { Instant } from '#core/time.ts'

export const ConnectionId = Id('con')
export const RunId = Id('run')

const PlanAbove = z.int().min(0).max(100_000_000).nullable().meta({
  description:
    'A run that would write more records than this makes a change plan instead, which waits to be approved; 0: every run; null: never',
})

export const ReadBack = z.enum(['full', 'sample', 'off']).meta({
  description:
    'How much of what a run wrote is read back: all of it; one record in twenty and at least a hundred; none. What was not read back is ' +
    'not proved, and its certificate says so. The call plan tells what each costs',
})
export type ReadBack = z.infer<typeof ReadBack>

const CredentialsEndOn = z.iso.date().nullable().meta({
  description:
    'The last day on which the credentials work, where somebody knows it: it is told of two weeks before. null: they do not end',
})

const LivePercent = z.int().min(0).max(90).meta({
  description:
    'Of `dailyCalls`, in percent: what only changes that are sent at once may use, so that scheduled runs never stand in their way',
})

/** A connection as callers see it: secrets never come back, only that they are set. */
export const Connection = z.object({
  id: ConnectionId,
  vendor: z.string(),
  name: z.string().min(1).max(200),
  account: z
    .string()
    .nullable()
    .meta({ description: 'How the connected system names the account' }),
  state: z.enum(['active', 'needs_login', 'paused']),
  dailyCalls: z.int().nullable().meta({
    description:
      'Calls that it may make a day of `callDayZone`; null: as many as the connected system lets it',
  }),
  callDayZone: z.string().meta({
    description:
      'The zone in whose days calls are counted; as the connected system counts its own where it tells, else UTC',
  }),
  livePercent: LivePercent,
  planAbove: PlanAbove,
  readBack: ReadBack,
  settings: z
    .record(z.string(), z.unknown())
    .meta({ description: 'Without secrets; a secret that is set shows as true' }),
  credentialsAt: Instant.nullable().meta({ description: 'When credentials were last given' }),
  credentialsEndOn: CredentialsEndOn,
  createdAt: Instant,
  updatedAt: Instant,
  version: z.int(),
})
export type Connection = z.infer<typeof Connection>

export const NewConnection = z.object({
  vendor: z.string().min(1).max(50).meta({ example: 'hubspot' }),
  name: z.string().trim().min(1).max(200).meta({ example: 'Sales CRM' }),
  settings: z.record(z.string(), z.unknown()).meta({ example: { token: 'pat-eu1-…' } }),
  livePercent: LivePercent.default(10),
  planAbove: PlanAbove.default(null),
  readBack: ReadBack.default('full'),
  credentialsEndOn: CredentialsEndOn.default(null),
})

export const ConnectionChange = z.object({
  connectionId: ConnectionId,
  name: z.string().trim().min(1).max(200).optional(),
  state: z.enum(['active', 'paused']).optional(),
  settings: z
    .record(z.string(), z.unknown())
    .optional()
    .meta({ description: 'Only what changes; null removes a setting' }),
  dailyCalls: z.int().min(1).max(100_000_000).nullable().optional(),
  callDayZone: z
    .string()
    .max(100)
    .optional()
    .meta({ description: 'An IANA name', example: 'Europe/Amsterdam' }),
  livePercent: LivePercent.optional(),
  planAbove: PlanAbove.optional(),
  readBack: ReadBack.optional(),
  credentialsEndOn: CredentialsEndOn.optional().meta({
    description: 'With new settings that do not say so, it is not known any more',
  }),
})

export const TestAnswer = z.object({ account: z.string(), durationMs: z.number() })

export const CallPriority = z.enum(['high', 'normal', 'low']).meta({
  description:
    'Who borrows first, late in the connection’s day, of what other streams did not use: high from 18:00 on, normal from 20:00, low from 22:00',
})
export type CallPriority = z.infer<typeof CallPriority>

export const StreamView = z.object({
  name: z.string(),
  entity: z.string(),
  direction: z.enum(['pull', 'push', 'both']),
  everyMinutes: z.int(),
  cadenceReason: z.string(),
  paused: z.boolean(),
  nextRunAt: Instant,
  lastRunAt: Instant.nullable(),
  lastSuccessAt: Instant.nullable(),
  reconciledAt: Instant,
  callPercent: z.int().nullable().meta({
    description:
      'Of what `dailyCalls` leaves to scheduled runs, in percent, what this stream may use and no other; null: what no stream has for itself',
  }),
  callPriority: CallPriority,
  version: z.int(),
})
export type StreamView = z.infer<typeof StreamView>

export const StreamChange = z.object({
  connectionId: ConnectionId,
  stream: z.string().max(100),
  paused: z.boolean().optional(),
  everyMinutes: z.int().min(1).max(44_640).optional(),
  cadenceReason: z.string().trim().min(1).max(500).optional(),
  callPercent: z.int().min(0).max(100).nullable().optional(),
  callPriority: CallPriority.optional(),
})
