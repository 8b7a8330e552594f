import { sql } from 'kysely'
import { HOLDS, type Probe, type Uptime } from '#levels/probe.rules.ts'
import type { SystemTransaction, Transaction } from '#store/store.ts'

export interface ProbeRow extends Probe {
  durationMs: number
  fault: string | null
}

/** Keeps what is new of them. @returns how many were. */
export function insertProbes(
  tx: Transaction,
  prober: string,
  probes: readonly ProbeRow[],
): Promise<number> {
  return tx.execute(sql`
    insert into probes (prober, at, every_ms, ok, duration_ms, fault)
    select ${prober}, r.at, r."everyMs", r.ok, r."durationMs", r.fault
    from jsonb_to_recordset(${JSON.stringify(probes)}::jsonb)
      as r(at timestamptz, "everyMs" integer, ok boolean, "durationMs" integer, fault text)
    order by r.at
    on conflict do nothing`)
}

export interface ProberUptime extends Uptime {
  prober: string
  firstAt: Date
  lastAt: Date
}

/** The same as `uptimeOf`, for each prober with a probe in the window or before it; a prober that began in it counts from then. */
export function readUptime(tx: Transaction, from: Date, to: Date): Promise<ProberUptime[]> {
  return tx.query(sql<ProberUptime>`
    with recursive probers as (
      (select prober from probes order by prober limit 1)
      union all
      select (select p.prober from probes p where p.prober > probers.prober order by p.prober limit 1)
      from probers where probers.prober is not null
    ), looked as (
      select p.prober, p.at, p.ok, coalesce(p.next_at, ${to}::timestamptz) as next_at,
        least(p.next_at, ${to}::timestamptz, p.at + p.every_ms * ${HOLDS}::float8 * interval '1 millisecond') as held_until
      from probers n
      cross join lateral (
        select prober, at, ok, every_ms, lead(at) over (order by at) as next_at from probes
        where prober = n.prober and at < ${to}
          and at >= coalesce((select max(b.at) from probes b where b.prober = n.prober and b.at <= ${from}), ${from})) p
    ), timed as (
      select prober, at, ok,
        greatest(0, extract(epoch from held_until - greatest(at, ${from}::timestamptz)))::float8 as held_s,
        greatest(0, extract(epoch from next_at - greatest(held_until, ${from}::timestamptz)))::float8 as gap_s
      from looked
    )
    select prober, min(at) as first_at, max(at) as last_at, coalesce(sum(held_s) filter (where ok), 0) as up_s,
      coalesce(sum(held_s) filter (where not ok), 0) as down_s, sum(gap_s) as gap_s
    from timed group by prober order by prober limit 100`)
}

export async function forgetProbes(tx: SystemTransaction, before: Date): Promise<void> {
  await tx.execute(sql`delete from probes where at < ${before}`)
}
