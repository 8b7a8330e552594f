import { sql } from 'kysely'
import { DAY_MS, HOUR_MS } from '#core/time.ts'
import type { Timer } from '#jobs/job.ts'

/** How long an answer replays under its idempotency key; the documentation says so too. */
const ANSWERS_KEPT_MS = DAY_MS
const SESSIONS_KEPT_MS = 30 * DAY_MS

/** What is over an hour after its time. */
const ENDED = [
  ['sign_in_challenges', 'expires_at'],
  ['sign_in_failures', 'window_ends_at'],
  ['user_devices', 'expires_at'],
  ['rate_windows', 'ends_at'],
  ['oauth_artifacts', 'expires_at'],
  ['oauth_revocations', 'expires_at'],
] as const

/** Lets go of kept answers, used sign-in links and ended sessions once nobody can need them. */
export const tidyTimer: Timer = {
  name: 'access.tidy',
  everyMs: HOUR_MS,
  async run({ store, clock }) {
    const nowMs = clock.now().getTime()
    await store.system(async (tx) => {
      await tx.execute(
        sql`delete from idempotency_keys where created_at < ${new Date(nowMs - ANSWERS_KEPT_MS)}`,
      )
      await tx.execute(
        sql`delete from sign_in_links where expires_at < ${new Date(nowMs - DAY_MS)}`,
      )
      for (const [table, column] of ENDED)
        await tx.execute(
          sql`delete from ${sql.table(table)} where ${sql.ref(column)} < ${new Date(nowMs - HOUR_MS)}`,
        )
      await tx.execute(
        sql`delete from sessions where expires_at < ${new Date(nowMs - SESSIONS_KEPT_MS)}`,
      )
    })
  },
}
