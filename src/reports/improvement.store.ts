import { sql, type RawBuilder } from 'kysely'
import { decodeCursor, type PageQuery } from '#core/page.ts'
import type { ImprovementQuery, ImprovementSpan, LeadOutcome } from '#reports/improvement.schema.ts'
import type { Transaction } from '#store/store.ts'

type Spans = Pick<ImprovementQuery, 'baselineFrom' | 'baselineTo' | 'from' | 'to'>

function spans({ baselineFrom, baselineTo, from, to }: Spans, timeZone: string) {
  return sql`(
    select which, from_on::timestamp at time zone ${timeZone} as from_at, (to_on + 1)::timestamp at time zone ${timeZone} as to_at
    from (values ('baseline', ${baselineFrom}::date, ${baselineTo}::date), ('current', ${from}::date, ${to}::date))
      as given (which, from_on, to_on)
  ) span`
}

/** The leads of each span that are old enough, and what each counts as. */
function leadsOfSpans(query: ImprovementQuery, timeZone: string, now: Date): RawBuilder<unknown> {
  const matured = sql`interval '1 day' * ${query.maturityDays}::int`
  return sql`(
    select span.which, l.id, l.captured_at, l.mql_at, coalesce(l.mql_at <= l.captured_at + ${matured}, false) as is_qualified,
      case when l.disposition is not null then l.status <> 'disqualified' end as is_accepted
    from ${spans(query, timeZone)} join leads l on l.captured_at >= span.from_at and l.captured_at < span.to_at
      and l.captured_at <= ${now}::timestamptz - ${matured} and l.merged_into is null
  ) lead`
}

/** The deals won in each span, with the days from opened to won: at least an hour each. */
function dealsOfSpans(query: Spans, timeZone: string): RawBuilder<unknown> {
  return sql`(
    select span.which, o.id, o.name, o.opened_at, o.closed_at, o.amount_minor, o.currency,
      greatest(extract(epoch from o.closed_at - o.opened_at) / 86400, 1.0 / 24)::float8 as days
    from ${spans(query, timeZone)} join opportunities o on o.status = 'won' and o.deleted_at is null
      and o.closed_at >= span.from_at and o.closed_at < span.to_at
  ) won`
}

export interface QualityRow {
  which: ImprovementSpan
  leads: number
  qualified: number
  accepted: number
  decided: number
}

/** How many leads of each span qualified in time, and how many sales took. */
export function listLeadQuality(
  tx: Transaction,
  query: ImprovementQuery,
  timeZone: string,
  now: Date,
): Promise<QualityRow[]> {
  return tx.query(sql<QualityRow>`
    select which, count(*) as leads, count(*) filter (where is_qualified) as qualified,
      count(*) filter (where is_accepted) as accepted, count(is_accepted) as decided
    from ${leadsOfSpans(query, timeZone, now)} group by which`)
}

export interface ImprovementLeadRow {
  leadId: `lead_${string}`
  capturedAt: Date
  qualifiedAt: Date | null
  isQualified: boolean
  isAccepted: boolean | null
}

const LEADS_OF = {
  qualified: sql`is_qualified`,
  not_qualified: sql`not is_qualified`,
  decided: sql`is_accepted is not null`,
  accepted: sql`is_accepted`,
  not_accepted: sql`not is_accepted`,
} satisfies Record<LeadOutcome, RawBuilder<unknown>>

/** One more than a page of the leads of a span, the newest first. */
export function listImprovementLeads(
  tx: Transaction,
  query: ImprovementQuery & {
    span: ImprovementSpan
    outcome?: LeadOutcome | undefined
  } & PageQuery,
  timeZone: string,
  now: Date,
): Promise<ImprovementLeadRow[]> {
  const { span, outcome, limit, cursor } = query
  const [at, id] = cursor === undefined ? [] : decodeCursor(cursor, 2)
  return tx.query(sql<ImprovementLeadRow>`
    select id as lead_id, captured_at, mql_at as qualified_at, is_qualified, is_accepted
    from ${leadsOfSpans(query, timeZone, now)}
    where which = ${span} ${outcome === undefined ? sql`` : sql`and ${LEADS_OF[outcome]}`}
      ${id === undefined ? sql`` : sql`and (captured_at, id::text) < (${String(at)}::timestamptz, ${String(id)}::text)`}
    order by captured_at desc, id::text desc limit ${limit + 1}`)
}

export interface CycleRow {
  which: ImprovementSpan
  n: number
  medianDays: number | null
  mean: number | null
  variance: number | null
}

/** How long the deals won in each span took. */
export function listCycles(
  tx: Transaction,
  query: ImprovementQuery,
  timeZone: string,
): Promise<CycleRow[]> {
  return tx.query(sql<CycleRow>`
    select which, count(*) as n, percentile_cont(0.5) within group (order by days) as median_days,
      avg(ln(days))::float8 as mean, var_samp(ln(days))::float8 as variance
    from ${dealsOfSpans(query, timeZone)} group by which`)
}

export interface ImprovementDealRow {
  opportunityId: `opp_${string}`
  name: Buffer
  openedAt: Date
  closedAt: Date
  days: number
  amountMinor: number | null
  currency: string
}

/** One more than a page of the deals won in a span, those that took longest first. */
export function listImprovementDeals(
  tx: Transaction,
  query: Spans & { span: ImprovementSpan } & PageQuery,
  timeZone: string,
): Promise<ImprovementDealRow[]> {
  const { span, limit, cursor } = query
  const [days, id] = cursor === undefined ? [] : decodeCursor(cursor, 2)
  return tx.query(sql<ImprovementDealRow>`
    select id as opportunity_id, name, opened_at, closed_at, days, amount_minor, currency
    from ${dealsOfSpans(query, timeZone)}
    where which = ${span}
      ${id === undefined ? sql`` : sql`and (days, id::text) < (${Number(days)}::float8, ${String(id)}::text)`}
    order by days desc, id::text desc limit ${limit + 1}`)
}
