import { z } from 'zod'
import { Instant } from '#core/time.ts'
import { WindowName } from '#levels/level.schema.ts'

export const PROBES_AT_ONCE = 1000

const ProberName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,39}$/)
  .meta({ description: 'What the prober calls itself', example: 'office' })

export const NewProbes = z.object({
  prober: ProberName,
  probes: z
    .array(
      z.object({
        at: Instant,
        everyMs: z.int().min(100).max(3_600_000).meta({ description: 'The prober’s interval' }),
        ok: z.boolean().meta({ description: 'Whether the answer was correct' }),
        durationMs: z.int().min(0).max(3_600_000),
        fault: z
          .enum(['unreachable', 'timeout', 'not_ready', 'read_refused', 'read_wrong'])
          .nullable()
          .default(null),
      }),
    )
    .min(1)
    .max(PROBES_AT_ONCE),
})

export const TakenProbes = z.object({
  prober: ProberName,
  taken: z.int(),
  known: z.int().meta({ description: 'Told before: nothing was changed' }),
})

export const UptimeQuery = z.object({ window: WindowName.default('30d') })

export const UptimeReport = z.object({
  window: WindowName,
  from: Instant,
  to: Instant,
  definition: z.string(),
  uptime: z.number().nullable().meta({ description: 'Null: nobody has looked' }),
  data: z.array(
    z.object({
      prober: z.string(),
      uptime: z.number().nullable(),
      upS: z.number().meta({ description: 'Seconds with a correct answer' }),
      downS: z.number().meta({ description: 'Seconds with a wrong one, or none' }),
      gapS: z.number().meta({ description: 'Seconds in which nobody looked; they count as down' }),
      firstAt: Instant,
      lastAt: Instant,
    }),
  ),
})
