import { z } from 'zod'
import { PageQuery } from '#core/page.ts'
import { Instant } from '#core/time.ts'
import { ConnectionId, RunId } from './connection.schema.ts'

const Counts = z.record(z.string(), z.record(z.string(), z.int()))

export const RunView = z.object({
  id: RunId,
  connectionId: ConnectionId,
  streams: z.array(z.string()),
  cause: z.enum(['schedule', 'catch_up', 'manual', 'retry', 'change', 'plan', 'undo', 'backfill']),
  dueAt: Instant,
  slots: z.int().meta({ description: 'Due times that this run answers for' }),
  state: z.enum(['queued', 'running', 'succeeded', 'partial', 'failed']),
  counts: Counts.meta({ description: 'Records by stream and outcome' }),
  calls: z.int().meta({ description: 'Calls made to the connected system' }),
  queuedAt: Instant,
  startedAt: Instant.nullable(),
  endedAt: Instant.nullable(),
  fault: z
    .object({
      stream: z.string().nullable(),
      kind: z.string(),
      detail: z.string().nullable(),
      title: z.string(),
      whatToDo: z.string(),
    })
    .nullable(),
  retryAt: Instant.nullable(),
})
export type RunView = z.infer<typeof RunView>

export const NewRun = z.object({
  connectionId: ConnectionId,
  streams: z.array(z.string().max(100)).min(1).max(20).optional(),
  reconcile: z.boolean().default(false).meta({ description: 'Also compare both sides whole' }),
})

export const RunQuery = PageQuery.extend({
  connectionId: ConnectionId.optional(),
  state: RunView.shape.state.optional(),
})

export const RunDetail = RunView.extend({
  causes: z.array(
    z.object({
      stream: z.string(),
      outcome: z.string(),
      code: z.string(),
      title: z.string(),
      whatToDo: z.string(),
      records: z.int(),
    }),
  ),
})

export const OutcomeKind = z.enum([
  'created',
  'updated',
  'unchanged',
  'deleted',
  'skipped',
  'refused',
  'conflict',
])

export const RecordQuery = PageQuery.extend({
  runId: RunId,
  stream: z.string().max(100).optional(),
  outcome: OutcomeKind.optional(),
  code: z.string().max(200).optional(),
})

export const RecordOutcome = z.object({
  stream: z.string(),
  direction: z.enum(['pull', 'push']),
  entity: z.string(),
  localId: z.string().nullable(),
  externalId: z.string().nullable(),
  outcome: OutcomeKind,
  code: z.string().nullable(),
  detail: z.string().nullable(),
  at: Instant,
})
export type RecordOutcome = z.infer<typeof RecordOutcome>

export const JourneyQuery = z.object({
  entity: z.string().max(100),
  localId: z.string().max(64),
})

/** A record's path through all runs, where it is linked, and what is still to be sent. */
export const Journey = z.object({
  links: z.array(
    z.object({
      connectionId: ConnectionId,
      externalId: z.string(),
      linkedAt: Instant,
      externalModifiedAt: Instant.nullable(),
      deletedAt: Instant.nullable(),
    }),
  ),
  pending: z.array(
    z.object({
      connectionId: ConnectionId,
      since: Instant,
      attempts: z.int(),
      nextAttemptAt: Instant.nullable(),
      heldCode: z.string().nullable(),
    }),
  ),
  outcomes: z.array(
    RecordOutcome.omit({ entity: true, localId: true }).extend({
      runId: RunId,
      connectionId: ConnectionId,
    }),
  ),
})
