import { sql } from 'kysely'
import type { Timer } from '#jobs/job.ts'
import type { SystemTransaction } from '#store/store.ts'

/** How long a holder that went silent keeps others out; living ones renew it three times in this time. */
export const HOLD_S = 30

/** Makes sure that each timer has a row; the first due time of a new or changed one is an interval from now. */
export async function ensureTimers(
  tx: SystemTransaction,
  timers: readonly Timer[],
  now: Date,
): Promise<void> {
  const rows = timers.map(({ name, everyMs }) => ({
    name,
    everyMs,
    nextDueAt: new Date(now.getTime() + everyMs),
  }))
  await tx.execute(sql`
    insert into timers as known (name, every_ms, next_due_at)
    select r.name, r."everyMs", r."nextDueAt"
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(name text, "everyMs" bigint, "nextDueAt" timestamptz)
    order by r.name
    on conflict (name) do update set every_ms = excluded.every_ms, next_due_at = least(known.next_due_at, excluded.next_due_at)
    where known.every_ms <> excluded.every_ms`)
}

export interface TimerState {
  name: string
  nextDueAt: Date
}

/** When each of the timers is due, the soonest first. */
export function listTimers(tx: SystemTransaction, names: readonly string[]): Promise<TimerState[]> {
  return tx.query(sql<TimerState>`
    select name, next_due_at from timers where name = any(${[...names]}::text[]) order by next_due_at, name`)
}

/** Takes hold of a timer for the due time that was seen; false when it has run meanwhile or a living process holds it. */
export async function takeTimer(
  tx: SystemTransaction,
  { name, nextDueAt }: TimerState,
  holder: string,
): Promise<boolean> {
  const taken = await tx.execute(sql`
    update timers set holder = ${holder}, held_until = clock_timestamp() + make_interval(secs => ${HOLD_S})
    where name = ${name} and date_trunc('milliseconds', next_due_at) = ${nextDueAt} and (held_until is null or held_until < clock_timestamp())`)
  return taken > 0
}

/** Renews the hold; false when another process has taken over. */
export async function holdTimer(
  tx: SystemTransaction,
  name: string,
  holder: string,
): Promise<boolean> {
  const held = await tx.execute(sql`
    update timers set held_until = clock_timestamp() + make_interval(secs => ${HOLD_S})
    where name = ${name} and holder = ${holder}`)
  return held > 0
}

/** Lets go of a timer and sets when it is due next. False when another process has taken over meanwhile. */
export async function releaseTimer(
  tx: SystemTransaction,
  {
    name,
    holder,
    nextDueAt,
    ranAt,
  }: { name: string; holder: string; nextDueAt: Date; ranAt: Date | null },
): Promise<boolean> {
  const released = await tx.execute(sql`
    update timers set holder = null, held_until = null, next_due_at = ${nextDueAt},
      last_run_at = coalesce(${ranAt}::timestamptz, last_run_at),
      failures = case when ${ranAt}::timestamptz is null then failures + 1 else 0 end
    where name = ${name} and holder = ${holder}`)
  return released > 0
}
