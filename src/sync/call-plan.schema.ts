import { z } from 'zod'
import { Instant } from '#core/time.ts'
import { CallPriority, ConnectionId, ReadBack } from './connection.schema.ts'

const Part = z.object({
  calls: z.int().meta({ description: 'Of the allowance, a day' }),
  taken: z.int(),
})

/** What the next run of a connection will take of its calls, and how they are shared. */
export const CallPlan = z.object({
  connectionId: ConnectionId,
  today: z.object({
    allowed: z.int().nullable().meta({ description: 'Calls a day; null: no allowance is set' }),
    taken: z.int().meta({ description: 'Of the allowance; only counted while there is one' }),
    resetsAt: Instant,
    live: Part.nullable().meta({ description: 'What only changes that go at once may use' }),
    common: Part.nullable().meta({
      description: 'What no stream has for itself: of all streams without a share',
    }),
    streams: z
      .array(
        z.object({
          stream: z.string(),
          percent: z.int().nullable(),
          priority: CallPriority,
          calls: z
            .int()
            .nullable()
            .meta({ description: 'Its share; null: it has none of its own' }),
          taken: z.int(),
          left: z.int().meta({ description: 'What it may still take now' }),
        }),
      )
      .meta({ description: 'Empty without an allowance' }),
  }),
  allowance: z.object({
    leastCalls: z.int().meta({
      description:
        'The least `dailyCalls` with which every stream gets its look each day, and those that send get a record through',
    }),
    warning: z.string().nullable().meta({
      description: 'What is wrong with an allowance below it; null: nothing, or there is none',
    }),
    recordsADay: z
      .array(z.object({ stream: z.string(), records: z.int() }))
      .nullable()
      .meta({
        description:
          'About how many records of each stream that sends get through a day within the allowance, once it is prepared and if it alone has some; null: no allowance',
      }),
  }),
  nextRun: z.object({
    base: z.int().meta({ description: 'Calls of a run in which nothing is due' }),
    baseFrom: z.enum(['last_quiet_run', 'counted', 'assumed']).meta({
      description:
        'Measured; or for some stream computed from the number of records there, as the vendor tells it; or two calls a stream; with what a pass asks of the account',
    }),
    prepareCalls: z.int().meta({
      description:
        'To make what the hub keeps there, such as fields, once and before the first write',
    }),
    streams: z.array(
      z.object({
        stream: z.string(),
        paused: z.boolean().meta({ description: 'Not in the sums below: what it would take' }),
        recordsThere: z
          .int()
          .nullable()
          .meta({ description: 'Before its first pull, when the vendor was asked' }),
        pullCalls: z.int().meta({ description: 'To read what is there; part of `base`' }),
        pullFrom: z.enum(['last_quiet_run', 'counted', 'assumed']),
        newThere: z.int().meta({ description: 'Records that are due and not there yet' }),
        changed: z.int().meta({ description: 'Records that are due and there' }),
        calls: z.int().meta({ description: 'To write what is due' }),
        checkCalls: z.int().meta({ description: 'To read back what was written' }),
      }),
    ),
    calls: z.int(),
    checkCalls: z.int(),
    readBack: z.object({
      mode: ReadBack,
      full: z.int().meta({ description: 'What reading all of it back would take' }),
      sample: z.int().meta({ description: 'What a sample would take' }),
    }),
    days: z.int().nullable().meta({ description: 'That it takes within the allowance; 1: today' }),
  }),
})
export type CallPlan = z.output<typeof CallPlan>
