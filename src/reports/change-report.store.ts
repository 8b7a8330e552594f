import { sql, type RawBuilder } from 'kysely'
import type { z } from 'zod'
import { decodeCursor } from '#core/page.ts'
import type { ChangeQuery, ChangeCause } from '#reports/change-report.schema.ts'
import { inPeriod, type Lens } from '#reports/lens.store.ts'
import type { Transaction } from '#store/store.ts'

type Cause = z.output<typeof ChangeCause>

/** A change asked for: the lens, the figure, and the two moments. */
export interface Change {
  lens: Lens
  query: ChangeQuery
  since: Date
  until: Date
}

/**
 * Every row that came in (since, until] as a gain and every row that went as a loss, with its cause. As rows are never
 * changed in place, the sum over them is what the figure was at `until` less what it was at `since`, for any filter.
 */
function deltas({ lens, query, since, until }: Change): RawBuilder<unknown> {
  const { table, filter } = figureOf(lens, query)
  const [name, past] = [sql.table(table), sql.table(`${table}_past`)]
  const share = table === 'credit_totals' ? sql`share` : sql`1::float8`
  const isIn = (column: string) =>
    sql`${sql.ref(column)} > ${since} and ${sql.ref(column)} <= ${until}`
  const gain = sql`opportunity_id, closed_at, recorded_at as moved_at, cause, amount_minor as delta_minor, ${share} as delta_share`
  const loss = sql`opportunity_id, closed_at, superseded_at, superseded_cause, -amount_minor, -${share}`
  return sql`
    select ${gain} from ${name} where ${isIn('recorded_at')} and ${filter}
    union all select ${gain} from ${past} where ${isIn('recorded_at')} and ${filter}
    union all select ${loss} from ${past} where ${isIn('superseded_at')} and ${filter}`
}

/** The table and the rows of it that make up a figure. */
function figureOf(lens: Lens, { bucket, campaignId, channel, week }: ChangeQuery) {
  const zone = lens.answer.timeZone
  const inWeek =
    week === undefined
      ? sql``
      : sql`and date_trunc('week', closed_at at time zone ${zone}) = date_trunc('week', ${week}::date::timestamp)`
  const common = sql`window_days = ${lens.windowDays} and currency = ${lens.answer.currency} ${inPeriod(lens)} ${inWeek}`
  if (bucket === 'uncredited' || bucket === 'won') {
    const uncredited = bucket === 'uncredited' ? sql`and touches = 0` : sql``
    return { table: 'attribution_deals' as const, filter: sql`${common} ${uncredited}` }
  }
  const kind = bucket === 'baseline' ? 'baseline' : channel === undefined ? 'campaign' : 'channel'
  const key = channel ?? (campaignId === 'none' ? '' : campaignId)
  const ofKey = key === undefined ? sql`` : sql`and key = ${key}`
  return {
    table: 'credit_totals' as const,
    filter: sql`${common} and model = ${lens.answer.model} and kind = ${kind} ${ofKey}`,
  }
}

/** A deal that was won is late when its week had ended; what nets to nothing is left out. */
function perDeal(change: Change): RawBuilder<unknown> {
  const zone = change.lens.answer.timeZone
  return sql`
    select opportunity_id, cause, sum(delta_minor)::bigint as delta_minor, round(sum(delta_share)::numeric, 9)::float8 as delta_deals
    from (
      select opportunity_id, delta_minor, delta_share,
        case when cause = 'deal_won' and moved_at >= (date_trunc('week', closed_at at time zone ${zone}) + interval '7 days')
          at time zone ${zone} then 'late_deal' else cause end as cause
      from (${deltas(change)}) delta
    ) named group by opportunity_id, cause
    having sum(delta_minor) <> 0 or abs(sum(delta_share)) > 1e-9`
}

export function sumCauses(
  tx: Transaction,
  change: Change,
): Promise<{ cause: Cause; deltaMinor: number; deltaDeals: number; deals: number }[]> {
  return tx.query(sql`
    select cause, sum(delta_minor)::bigint as delta_minor, round(sum(delta_deals)::numeric, 9)::float8 as delta_deals,
      count(*) as deals
    from (${perDeal(change)}) deal group by cause order by abs(sum(delta_minor)) desc, cause`)
}

export interface MovedDeal {
  opportunityId: string
  cause: Cause
  deltaMinor: number
  deltaDeals: number
}

/** One more than the page, those that moved most first. */
export function listMovedDeals(tx: Transaction, change: Change): Promise<MovedDeal[]> {
  const { cursor, limit } = change.query
  const [size, id, cause] = cursor === undefined ? [] : decodeCursor(cursor, 3)
  const after =
    id === undefined
      ? sql``
      : sql`where (-abs(delta_minor), opportunity_id, cause) > (${-Number(size)}::bigint, ${id}::identifier, ${cause}::text)`
  return tx.query(sql<MovedDeal>`
    select * from (${perDeal(change)}) deal ${after}
    order by -abs(delta_minor), opportunity_id, cause limit ${limit + 1}`)
}

/** The figure as it stood at an instant. */
export async function readFigure(tx: Transaction, change: Change, at: Date): Promise<number> {
  const { table, filter } = figureOf(change.lens, change.query)
  const row = await tx.find(sql<{ amountMinor: number }>`
    select coalesce(sum(amount_minor), 0)::bigint as amount_minor from (
      select amount_minor from ${sql.table(table)} where recorded_at <= ${at} and ${filter}
      union all
      select amount_minor from ${sql.table(`${table}_past`)}
      where recorded_at <= ${at} and superseded_at > ${at} and ${filter}
    ) row`)
  return row!.amountMinor
}
