import { z } from 'zod'
import { PageQuery } from '#core/page.ts'
import { Instant } from '#core/time.ts'

export const WindowName = z.enum(['5m', '30m', '1h', '6h', '1d', '7d', '30d'])

const Milliseconds = z.number().nullable()
const Part = z.number().nullable()

export const Level = z.object({
  calls: z.int(),
  refused: z.int().meta({ description: 'For the caller’s fault: 4xx' }),
  limited: z.int().meta({ description: 'By a rate limit or a quota: 429; they are not timed' }),
  faults: z.int().meta({ description: 'Ours: 5xx; of a connected system: its own, or no answer' }),
  errorRate: Part.meta({
    description: 'Faults of all calls that were neither refused nor limited',
  }),
  p50Ms: Milliseconds,
  p90Ms: Milliseconds.meta({
    description:
      'So long did nine in ten calls take at most. Times are kept to two digits, rounded up',
  }),
  p95Ms: Milliseconds,
  p99Ms: Milliseconds,
})

export const LevelsQuery = PageQuery.extend({
  window: WindowName.default('1h').meta({
    description: 'Back from now; beyond a day it goes by whole hours',
  }),
})

export const Levels = z.object({
  window: WindowName,
  from: Instant,
  to: Instant,
  total: Level.meta({
    description: 'All calls to the API; not those to connected systems, nor whole exports',
  }),
  data: z.array(
    Level.extend({
      operation: z.string().meta({
        description: 'The operation; with .csv for exports, vendor.<name> for calls to a system',
      }),
      route: z.string().nullable().meta({ example: 'GET /api/v1/leads' }),
    }),
  ),
  nextCursor: z.string().nullable(),
})

export const Objectives = z.object({
  window: WindowName,
  data: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      definition: z.string(),
      target: z.number().meta({ description: 'The share that must be good' }),
      total: z.number().meta({ description: 'Calls, or seconds of uptime, that were counted' }),
      bad: z.number(),
      good: Part.meta({ description: 'The share that was good; null: nothing was counted' }),
      met: z.boolean().nullable(),
      budgetLeft: Part.meta({
        description: 'The part that is left of what may be bad in the window; below 0: overdrawn',
      }),
      burn: z
        .object({ '5m': Part, '30m': Part, '1h': Part, '6h': Part })
        .meta({ description: 'How fast the budget is used up; at 1 it lasts just the window' }),
      alert: z.enum(['fast', 'slow']).nullable().meta({
        description: 'fast: above 14.4 in 1 h and 5 min; slow: above 6 in 6 h and 30 min',
      }),
    }),
  ),
})
