import { DAY_MS, HOUR_MS } from '#core/time.ts'
import type { Subscriber, Timer } from '#jobs/job.ts'
import type { KpiSource } from '#levels/kpi.ts'
import { levelKpis } from '#levels/level.kpis.ts'
import { createLevelOperations } from '#levels/level.operations.ts'
import { forgetCalls } from '#levels/level.store.ts'
import { probeOperations } from '#levels/probe.operations.ts'
import { forgetProbes } from '#levels/probe.store.ts'
import { createQuotaOperations } from '#levels/quota.operations.ts'
import { forgetUsage, inheritQuotas } from '#levels/quota.store.ts'
import { createScorecard } from '#levels/scorecard.operations.ts'
import type { Module } from '#module.ts'

/** Thirteen months, so that a month can be compared with the same one of the year before. */
const USAGE_KEPT_MS = 400 * DAY_MS
/** One window of 30 days, and room to look back from its edge. */
const LEVELS_KEPT_MS = 35 * DAY_MS
const MINUTES_KEPT_MS = 26 * HOUR_MS

/**
 * Quotas, service levels and the scorecard.
 * @param roleNames  the roles that every workspace has.
 * @param routeOf  method and path template of an operation; null for what has none.
 * @param kpiSources  what other modules measure.
 */
export function createLevels(
  roleNames: readonly string[],
  routeOf: (operation: string) => string | null,
  kpiSources: readonly KpiSource[],
): Module {
  return {
    name: 'levels',
    operations: [
      ...createQuotaOperations(roleNames),
      ...createLevelOperations(routeOf),
      ...probeOperations,
      createScorecard([levelKpis, ...kpiSources]),
    ],
    entities: [],
    jobs: [],
    subscribers: [rotationSubscriber],
    timers: [tidyTimer],
  }
}

const rotationSubscriber: Subscriber = {
  name: 'levels.rotation',
  events: ['api_key.rotated'],
  async handle(events, tx) {
    await inheritQuotas(
      tx,
      events.map((event) => event.subjectId),
    )
  },
}

const tidyTimer: Timer = {
  name: 'levels.tidy',
  everyMs: HOUR_MS,
  async run({ store, clock }) {
    const nowMs = clock.now().getTime()
    const before = (keptMs: number) => new Date(nowMs - keptMs)
    await store.system(async (tx) => {
      await forgetCalls(tx, { minutes: before(MINUTES_KEPT_MS), hours: before(LEVELS_KEPT_MS) })
      await forgetProbes(tx, before(LEVELS_KEPT_MS))
      await forgetUsage(tx, before(USAGE_KEPT_MS).toISOString().slice(0, 10))
    })
  },
}
