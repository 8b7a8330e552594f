import { sql } from 'kysely'
import type { Transaction } from '#store/store.ts'

/** Counts of one period; whether deals were open is asked at its end. */
export interface OverviewRow {
  which: 'current' | 'previous'
  touches: number
  people: number
  leads: number
  mqls: number
  synced: number
}

export interface OverviewDealRow {
  which: 'current' | 'previous'
  currency: string
  openDeals: number
  openMinor: number
  wonDeals: number
  wonMinor: number
}

/** What happened in the 30 days before `now`, and in the 30 before those. */
export function listOverviewCounts(
  tx: Transaction,
  now: Date,
  days: number,
): Promise<OverviewRow[]> {
  const touches = sql`(select count(*) from touchpoints t where t.occurred_at > from_at and t.occurred_at <= to_at)`
  const people = sql`(select count(*) from people p where p.merged_into is null and p.created_at > from_at and p.created_at <= to_at)`
  const leads = sql`(select count(*) from leads l where l.merged_into is null and l.captured_at > from_at and l.captured_at <= to_at)`
  const mqls = sql`(select count(*) from leads l where l.merged_into is null and l.mql_at > from_at and l.mql_at <= to_at)`
  const synced = sql`(select count(distinct s.local_id) from sync_links s where s.entity = 'lead' and s.linked_at > from_at and s.linked_at <= to_at)`
  return tx.query(sql<OverviewRow>`
    select which, ${touches} as touches, ${people} as people, ${leads} as leads, ${mqls} as mqls, ${synced} as synced
    from ${periods(now, days)}`)
}

/** Deals by currency; those of the previous period as if asked at its end, at the amounts of today. */
export function listOverviewDeals(
  tx: Transaction,
  now: Date,
  days: number,
): Promise<OverviewDealRow[]> {
  return tx.query(sql<OverviewDealRow>`
    select which, o.currency,
      count(*) filter (where is_open) as open_deals,
      coalesce(sum(o.amount_minor) filter (where is_open), 0)::bigint as open_minor,
      count(*) filter (where is_won) as won_deals,
      coalesce(sum(o.amount_minor) filter (where is_won), 0)::bigint as won_minor
    from ${periods(now, days)}
    cross join lateral (
      select currency, amount_minor,
        opened_at <= to_at and (closed_at is null or closed_at > to_at) as is_open,
        status = 'won' and closed_at > from_at and closed_at <= to_at as is_won
      from opportunities where deleted_at is null
    ) o
    where is_open or is_won group by which, o.currency order by which, o.currency`)
}

function periods(now: Date, days: number) {
  const at = sql`${now}::timestamptz`
  const length = sql`${days}::int * interval '1 day'`
  return sql`(values ('current', ${at} - ${length}, ${at}), ('previous', ${at} - 2 * ${length}, ${at} - ${length}))
    as period (which, from_at, to_at)`
}
