import { z } from 'zod'
import { Id } from '#core/id.ts'
import { PageQuery } from '#core/page.ts'
import { Instant } from '#core/time.ts'
import { ConnectionId, RunId } from './connection.schema.ts'
import { FieldRef } from './field.schema.ts'

const BackfillId = Id('bkf')

const Direction = z.enum(['in', 'out']).meta({
  description:
    'in: what the connected system has is taken in. out: what the hub has is written there',
})
const share = z
  .number()
  .int()
  .min(1)
  .max(100)
  .meta({ description: 'Percent of a day’s calls that it may take; the rest is live sync’s' })

export const NewBackfill = FieldRef.extend({ direction: Direction, share: share.default(50) })
export const EstimateQuery = FieldRef.extend({
  direction: Direction,
  share: z.coerce.number().int().min(1).max(100).default(50),
})

export const BackfillEstimate = z.object({
  connectionId: ConnectionId,
  stream: z.string(),
  field: z.string(),
  direction: Direction,
  records: z.int().meta({ description: 'Linked records that are looked at' }),
  toWrite: z.int().meta({ description: 'Records that would be written; of `in` it is not known' }),
  basis: z
    .enum(['counted', 'sampled'])
    .meta({ description: 'sampled: from five hundred records chosen evenly' }),
  endpoints: z.array(z.object({ endpoint: z.string(), calls: z.int() })),
  calls: z.int(),
  checkCalls: z
    .int()
    .meta({ description: 'That the next run takes to read back what was written' }),
  today: z.object({
    allowed: z.int().nullable().meta({ description: 'Calls a day; null: no allowance is set' }),
    taken: z.int(),
    perDay: z.int().meta({ description: 'Of them, what the backfill may take a day' }),
    left: z.int().meta({ description: 'Of its share, today' }),
  }),
  callMs: z.int().nullable().meta({
    description:
      'What a call took in the last runs; null: none was measured, half a second is assumed',
  }),
  durationMs: z.int(),
  days: z.int().meta({ description: 'On which it works; 1: today' }),
  endsAt: Instant.meta({ description: 'If nothing else holds it up' }),
  refusal: z.string().nullable().meta({ description: 'Why it cannot be started' }),
})

export const BackfillView = z.object({
  id: BackfillId,
  connectionId: ConnectionId,
  runId: RunId.meta({ description: 'Its outcomes, record by record' }),
  stream: z.string(),
  entity: z.string(),
  field: z.string(),
  direction: Direction,
  share,
  state: z.enum(['running', 'paused', 'done', 'cancelled', 'failed']),
  total: z.int(),
  done: z.int(),
  calls: z.int().meta({ description: 'That it made so far' }),
  callsLeft: z.int().nullable().meta({
    description: 'At what its records took so far, or as was estimated; null: not known',
  }),
  today: z.object({
    calls: z.int().meta({ description: 'That it made in this day of `callDayZone`' }),
    perDay: z.int().meta({ description: 'That backfills of the connection may make a day' }),
  }),
  endsAt: Instant.nullable().meta({
    description: 'When it is through, if nothing else holds it up; null unless it is under way',
  }),
  movedAt: Instant.nullable().meta({ description: 'When it last came further' }),
  waitsFor: z
    .enum(['live_sync', 'calls', 'connection', 'plan', 'vendor'])
    .nullable()
    .meta({ description: 'Why it stands still' }),
  resumeAt: Instant.nullable(),
  fault: z.string().nullable(),
  askedBy: z.string(),
  askedAt: Instant,
  endedAt: Instant.nullable(),
  version: z.int(),
})

export const BackfillRef = z.object({ backfillId: BackfillId })
export const BackfillQuery = PageQuery.extend({
  connectionId: ConnectionId.optional(),
  state: BackfillView.shape.state.optional(),
})
