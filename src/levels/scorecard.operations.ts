import { z } from 'zod'
import { defineOperation, type Operation } from '#gateway/operation.ts'
import { Scorecard } from '#levels/scorecard.schema.ts'
import type { Kpi, KpiSource, Measured } from '#levels/kpi.ts'

/** The scorecard lists what modules measure and judges it by its targets; it measures nothing itself. */
export function createScorecard(sources: readonly KpiSource[]): Operation {
  return defineOperation({
    id: 'getScorecard',
    method: 'GET',
    path: '/api/v1/scorecard',
    scope: 'levels:read',
    tag: 'Service levels',
    summary: 'Every figure that the hub is held to, as measured, with its definition and target',
    input: z.object({}),
    output: Scorecard,
    async perform(_, { tx, now }) {
      const data = []
      for (const source of sources) {
        const measured = await source.measure(tx, now)
        data.push(...source.kpis.map((kpi) => judge(kpi, measured[kpi.id])))
      }
      return { asOf: now, data }
    },
  })
}

function judge(kpi: Kpi, measured: Measured | undefined) {
  const value = measured?.value ?? null
  const note = measured && 'reason' in measured ? measured.reason : (measured?.note ?? null)
  return {
    ...kpi,
    value,
    note,
    targets: kpi.targets.map((target) => ({
      ...target,
      met:
        value === null
          ? null
          : target.comparison === 'at_most'
            ? value <= target.value
            : value >= target.value,
    })),
  }
}
