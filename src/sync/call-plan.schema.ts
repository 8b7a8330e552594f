import { z } from 'zod'
import { Instant } from '#core/time.ts'
import { ConnectionId } from './connection.schema.ts'

export const CallPlan = z.object({
  connectionId: ConnectionId,
  today: z.object({
    allowed: z.int().nullable().meta({ description: 'Calls a day; null: no allowance is set' }),
    taken: z.int().meta({ description: 'Of the allowance; only counted while there is one' }),
    resetsAt: Instant,
  }),
  nextRun: z.object({
    base: z.int().meta({ description: 'Calls of a run in which nothing is due' }),
    baseFrom: z
      .enum(['last_quiet_run', 'assumed'])
      .meta({ description: 'Measured, or two calls a stream and a few for the account' }),
    streams: z.array(
      z.object({
        stream: z.string(),
        newThere: z.int().meta({ description: 'Records that are due and not there yet' }),
        changed: z.int().meta({ description: 'Records that are due and there' }),
        calls: z.int(),
        checkCalls: z.int().meta({ description: 'To read back what was written' }),
      }),
    ),
    calls: z.int(),
    checkCalls: z.int(),
    days: z.int().nullable().meta({ description: 'That it takes within the allowance; 1: today' }),
  }),
})
