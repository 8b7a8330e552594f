import { DAY_MS, HOUR_MS } from '#core/time.ts'
import type { Subscriber, Timer } from '#jobs/job.ts'
import { createQuotaOperations } from '#levels/quota.operations.ts'
import { forgetUsage, inheritQuotas } from '#levels/quota.store.ts'
import type { Module } from '#module.ts'

/** Thirteen months, so that a month can be compared with the same one of the year before. */
const USAGE_KEPT_MS = 400 * DAY_MS

/**
 * Quotas, service levels and the scorecard.
 * @param roleNames  the roles that every workspace has.
 */
export function createLevels(roleNames: readonly string[]): Module {
  return {
    name: 'levels',
    operations: [...createQuotaOperations(roleNames)],
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
    await store.system(async (tx) => {
      await forgetUsage(tx, new Date(nowMs - USAGE_KEPT_MS).toISOString().slice(0, 10))
    })
  },
}
