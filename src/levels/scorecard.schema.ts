import { z } from 'zod'
import { Instant } from '#core/time.ts'

export const Scorecard = z.object({
  asOf: Instant,
  data: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      definition: z.string(),
      window: z.string(),
      unit: z.enum(['share', 'milliseconds', 'minutes']),
      value: z.number().nullable(),
      note: z
        .string()
        .nullable()
        .meta({ description: 'Why there is no value, or what to know of it' }),
      targets: z.array(
        z.object({
          level: z.enum(['now', 'later']),
          comparison: z.enum(['at_most', 'at_least']),
          value: z.number(),
          met: z.boolean().nullable().meta({ description: 'Null while there is no value' }),
        }),
      ),
    }),
  ),
})
