import { sql } from 'kysely'
import type { ImprovementQuery } from '#reports/improvement.schema.ts'
import type { Transaction } from '#store/store.ts'

type Which = 'baseline' | 'current'

function spans({ baselineFrom, baselineTo, from, to }: ImprovementQuery, timeZone: string) {
  return sql`(
    select which, from_on::timestamp at time zone ${timeZone} as from_at, (to_on + 1)::timestamp at time zone ${timeZone} as to_at
    from (values ('baseline', ${baselineFrom}::date, ${baselineTo}::date), ('current', ${from}::date, ${to}::date))
      as given (which, from_on, to_on)
  ) span`
}

export interface QualityRow {
  which: Which
  leads: number
  qualified: number
  accepted: number
  decided: number
}

/** Leads of each span that are old enough, and those of them that qualified and were taken in time. */
export function listLeadQuality(
  tx: Transaction,
  query: ImprovementQuery,
  timeZone: string,
  now: Date,
): Promise<QualityRow[]> {
  const matured = sql`interval '1 day' * ${query.maturityDays}::int`
  return tx.query(sql<QualityRow>`
    select span.which, count(*) as leads,
      count(*) filter (where l.mql_at <= l.captured_at + ${matured}) as qualified,
      count(*) filter (where l.disposition is not null and l.status <> 'disqualified') as accepted,
      count(*) filter (where l.disposition is not null) as decided
    from ${spans(query, timeZone)} join leads l on l.captured_at >= span.from_at and l.captured_at < span.to_at
      and l.captured_at <= ${now}::timestamptz - ${matured} and l.merged_into is null
    group by span.which`)
}

export interface CycleRow {
  which: Which
  n: number
  medianDays: number | null
  mean: number | null
  variance: number | null
}

/** Days from opened to won of the deals won in each span, at least an hour each. */
export function listCycles(
  tx: Transaction,
  query: ImprovementQuery,
  timeZone: string,
): Promise<CycleRow[]> {
  return tx.query(sql<CycleRow>`
    select which, count(*) as n, percentile_cont(0.5) within group (order by days) as median_days,
      avg(ln(days))::float8 as mean, var_samp(ln(days))::float8 as variance
    from (
      select span.which, greatest(extract(epoch from o.closed_at - o.opened_at) / 86400, 1.0 / 24)::float8 as days
      from ${spans(query, timeZone)} join opportunities o on o.status = 'won' and o.deleted_at is null
        and o.closed_at >= span.from_at and o.closed_at < span.to_at
    ) won group by which`)
}
