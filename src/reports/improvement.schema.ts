import { z } from 'zod'
import { CalendarDate } from '#core/time.ts'
import { Rate } from '#reports/performance.schema.ts'

export const ImprovementQuery = z
  .object({
    baselineFrom: CalendarDate,
    baselineTo: CalendarDate,
    from: CalendarDate,
    to: CalendarDate,
    maturityDays: z.coerce
      .number()
      .int()
      .min(0)
      .max(365)
      .default(30)
      .meta({
        description:
          'A lead counts as qualified when it was within so many days of its capture. Leads of less age are left out, so that the ' +
          'present is not at a disadvantage',
      }),
  })
  .refine(({ baselineFrom, baselineTo, from, to }) => baselineFrom <= baselineTo && from <= to, {
    error: 'A period ends on or after its first day.',
    path: ['to'],
  })
  .refine(({ baselineTo, from }) => baselineTo < from, {
    error: 'The baseline ends before the present period begins.',
    path: ['from'],
  })
export type ImprovementQuery = z.output<typeof ImprovementQuery>

const Change = z.object({
  change: z
    .number()
    .nullable()
    .meta({ description: 'Relative to the baseline: 0.2 is a fifth more' }),
  low: z.number().nullable().meta({ description: '95 % interval of the change' }),
  high: z.number().nullable(),
  isClear: z.boolean().meta({ description: 'The interval leaves out no change at all' }),
  isSmall: z.boolean().meta({ description: 'Fewer than 30 records on a side: do not rely on it' }),
})

const Days = z.object({
  n: z.int(),
  medianDays: z.number().nullable(),
  geometricMeanDays: z.number().nullable(),
})

/** Whether lead quality rose and the sales cycle fell since the baseline. */
export const Improvement = z.object({
  leadQuality: z.object({
    definition: z.string(),
    baseline: Rate,
    current: Rate,
    change: Change,
  }),
  acceptance: z.object({ definition: z.string(), baseline: Rate, current: Rate, change: Change }),
  salesCycle: z.object({ definition: z.string(), baseline: Days, current: Days, change: Change }),
  notes: z.array(z.string()),
})
