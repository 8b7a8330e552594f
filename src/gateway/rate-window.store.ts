import { sql } from 'kysely'
import type { SystemTransaction } from '#store/store.ts'

/** What one process wants of a window. */
export interface LeaseWish {
  /** Hexadecimal. */
  key: string
  limit: number
  /** Requests that wait for the answer: they get what there is. */
  waiting: number
  /** How much to hold beyond them. */
  size: number
}

export interface LeaseGrant {
  key: string
  round: number
  granted: number
  /** By all processes, this grant included. */
  taken: number
  leftMs: number
}

export interface LeaseReturn {
  key: string
  round: number
  back: number
}

/** Nobody holds more than this part of what is left, so that little is out of others' reach. */
const SHARE = 16

/**
 * Takes from windows; one that is over begins anew. All in the database's time, so that processes agree. A key that is not answered has no
 * window yet.
 * @param isNew  some of the keys may have none: it is made.
 */
export async function takeLeases(
  tx: SystemTransaction,
  wishes: readonly LeaseWish[],
  windowMs: number,
  isNew: boolean,
): Promise<LeaseGrant[]> {
  const rows = sql`jsonb_to_recordset(${JSON.stringify(wishes)}::jsonb)
    as r(key text, "limit" integer, waiting integer, size integer)`
  if (isNew)
    await tx.execute(sql`
      insert into rate_windows (key, ends_at) select decode(r.key, 'hex'), '-infinity' from ${rows}
      order by r.key on conflict do nothing`)
  if (wishes.length > 1)
    await tx.query(sql`
      select 1 from rate_windows w join ${rows} on w.key = decode(r.key, 'hex') order by w.key for update of w`)
  const taken = sql`(case when w.ends_at <= c.now then 0 else w.taken end)`
  const granted = sql`greatest(0, least(r."limit" - ${taken}, greatest(r.waiting, least(r.size, (r."limit" - ${taken}) / ${SHARE}))))`
  const endsAt = sql`(case when w.ends_at <= c.now then c.now + ${windowMs} * interval '1 millisecond' else w.ends_at end)`
  return tx.query(sql<LeaseGrant>`
    update rate_windows w set
      round = w.round + (w.ends_at <= c.now)::integer, ends_at = ${endsAt}, taken = ${taken} + ${granted}, granted = ${granted}
    from ${rows}, (select clock_timestamp() as now) c where w.key = decode(r.key, 'hex')
    returning encode(w.key, 'hex') as key, w.round, w.granted, w.taken, ceil(extract(epoch from w.ends_at - c.now) * 1000)::integer as left_ms`)
}

/** Gives back what was not used, as long as its window goes on. */
export async function returnLeases(
  tx: SystemTransaction,
  leases: readonly LeaseReturn[],
): Promise<void> {
  const rows = sql`jsonb_to_recordset(${JSON.stringify(leases)}::jsonb) as r(key text, round integer, back integer)`
  await tx.query(sql`
    select 1 from rate_windows w join ${rows} on w.key = decode(r.key, 'hex') order by w.key for update of w`)
  await tx.execute(sql`
    update rate_windows w set taken = w.taken - r.back from ${rows}
    where w.key = decode(r.key, 'hex') and w.round = r.round`)
}
