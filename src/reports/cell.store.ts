import { sql, type RawBuilder } from 'kysely'
import { decodeCursor } from '#core/page.ts'
import type { CellQuery, RecordCellsQuery } from '#reports/cell.schema.ts'
import { inPeriod, windowDaysOf, type Lens } from '#reports/lens.store.ts'
import type { Transaction } from '#store/store.ts'

/** A deal of a cell, or a touch that its credit is divided among. */
export interface CellLine {
  opportunityId: string
  /** Empty in the line of the deal itself. */
  touchpointId: string
  isCredited: boolean
  source: string | null
  closedAtMicros: number
}

type Row = Pick<CellQuery, 'campaignId' | 'channel'>

/** The numbers of the sources that the row of the cell counts. */
function sourcesOf({ campaignId, channel }: Row): RawBuilder<unknown> {
  if (channel !== undefined)
    return sql`select number from attribution_sources where channel = ${channel}`
  return campaignId === 'none'
    ? sql`select number from attribution_sources where campaign_id is null`
    : sql`select number from attribution_sources where campaign_id = ${campaignId}`
}

/** Only deals that the campaign or channel touched can be in its row: fewer packs are opened. */
function touchedBy({ campaignId, channel }: Row): RawBuilder<unknown> {
  if (campaignId === 'none') return sql``
  const [kind, key] = channel === undefined ? ['campaign', campaignId] : ['channel', channel]
  return sql`and p.opportunity_id in (
    select t.opportunity_id from deal_touches t where t.kind = ${kind} and t.key = ${key})`
}

/** The packs of the deals that have credit in the cell. */
function packsOf(lens: Lens, row: Row, also = sql``): RawBuilder<unknown> {
  return sql`
    select p.opportunity_id, p.closed_at, p.skip, p.shares, p.journey_id
    from credit_packs p join ledger_journeys j on j.id = p.journey_id
    where p.window_days = ${lens.windowDays} and p.model = ${lens.answer.model} and p.currency = ${lens.answer.currency}
      ${inPeriod(lens, sql`p.closed_at`)} ${touchedBy(row)} ${also}
      and exists (
        select from unnest(j.sources[p.skip + 1:], p.shares) t (source, share)
        where t.share > 0 and t.source in (${sourcesOf(row)}))`
}

/** One more than the page: the deals of the cell, the latest close first, each before its touches in the window. */
export function listCellLines(tx: Transaction, lens: Lens, query: CellQuery): Promise<CellLine[]> {
  const [micros, opportunityId, touchpointId] =
    query.cursor === undefined ? [] : decodeCursor(query.cursor, 3)
  const at = sql`timestamptz 'epoch' + ${Number(micros ?? 0)}::bigint * interval '1 microsecond'`
  const from =
    micros === undefined
      ? sql``
      : sql`and (p.closed_at, p.opportunity_id) <= (${at}, ${opportunityId}::identifier)`
  const after =
    micros === undefined
      ? sql``
      : sql`where (closed_at, opportunity_id) < (${at}, ${opportunityId}::identifier) or touchpoint_id > ${touchpointId}::identifier`
  // A deal has a line at least, so that no more of them can be on the page.
  return tx.query(sql<CellLine>`
    with deal as materialized (
      ${packsOf(lens, query, from)} order by p.closed_at desc, p.opportunity_id desc limit ${query.limit + 2}
    ), line as (
      select opportunity_id, closed_at, ''::identifier as touchpoint_id, true as is_credited from deal
      union all
      select d.opportunity_id, d.closed_at, t.touchpoint_id::identifier, t.share > 0 and t.source in (${sourcesOf(query)})
      from deal d join ledger_journeys j on j.id = d.journey_id
      cross join lateral unnest(j.touchpoint_ids[d.skip + 1:], j.sources[d.skip + 1:], d.shares)
        as t (touchpoint_id, source, share)
    ), page as (
      select * from line ${after} order by closed_at desc, opportunity_id desc, touchpoint_id limit ${query.limit + 1}
    )
    select p.opportunity_id, p.touchpoint_id, p.is_credited, t.source,
      (extract(epoch from p.closed_at) * 1000000)::bigint as closed_at_micros
    from page p left join touchpoints t on t.id = p.touchpoint_id
    order by p.closed_at desc, p.opportunity_id desc, p.touchpoint_id`)
}

/** How many deals the cell has, and how many records they and their touches are. */
export async function countCellLines(
  tx: Transaction,
  lens: Lens,
  query: CellQuery,
): Promise<{ deals: number; records: number }> {
  const row = await tx.find(sql<{ deals: number; records: number }>`
    select count(*) as deals, count(*) + coalesce(sum(cardinality(shares)), 0)::bigint as records
    from (${packsOf(lens, query)}) deal`)
  return row!
}

export interface RecordCellRow {
  kind: 'campaign' | 'channel'
  /** Empty: touches without a campaign. */
  key: string
  name: string | null
  model: string
  windowDays: number
  currency: string
  week: string
  deals: number
}

/** One more than the page: the cells that have credit by this deal, touch or campaign, the latest week first. */
export function listRecordCells(
  tx: Transaction,
  query: RecordCellsQuery,
  timeZone: string,
): Promise<RecordCellRow[]> {
  const { record, model, window, limit, cursor } = query
  const ofModel = model === undefined ? sql`` : sql`and model = ${model}`
  const ofWindow = window === undefined ? sql`` : sql`and window_days = ${windowDaysOf(window)}`
  const filter = sql`${ofModel} ${ofWindow}`
  return tx.query(sql<RecordCellRow>`
    with cell as (${record.startsWith('cmp_') ? cellsOfCampaign(record, filter) : cellsOfDeals(record, filter, timeZone)})
    select c.kind, c.key, c.model, c.window_days, c.currency, c.week, c.deals,
      case c.kind when 'channel' then (select label from channels where key = c.key)
        else (select name from campaigns where id = c.key) end as name
    from cell c ${cursor === undefined ? sql`` : afterCell(cursor)}
    order by c.week desc, c.kind, c.key, c.model, c.window_days, c.currency limit ${limit + 1}`)
}

function afterCell(cursor: string): RawBuilder<unknown> {
  const [week, kind, key, model, windowDays, currency] = decodeCursor(cursor, 6)
  return sql`where c.week < ${week}::date or (c.week = ${week}::date
    and (c.kind, c.key, c.model, c.window_days, c.currency)
      > (${kind}::text, ${key}::text, ${model}::text, ${windowDays}::int, ${currency}::text))`
}

function cellsOfCampaign(campaignId: string, filter: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`
    select kind, key, model, window_days, currency, date_trunc('week', closed_on::timestamp)::date as week,
      sum(deals)::int as deals
    from credit_days where kind = 'campaign' and key = ${campaignId} and deals > 0 ${filter}
    group by kind, key, model, window_days, currency, week`
}

/** By the deal itself, or by the deals of the person whose touch it is that were divided with it in the window. */
function cellsOfDeals(
  record: string,
  filter: RawBuilder<unknown>,
  timeZone: string,
): RawBuilder<unknown> {
  const isTouch = record.startsWith('tch_')
  const deals = isTouch
    ? sql`with recursive family (person_id) as (
        select person_id from touchpoints where id = ${record}
        union
        select p.id from family f join people p on p.merged_into = f.person_id
      ) select op.opportunity_id from family f
        join opportunity_people op on op.person_id = f.person_id or op.home_id = f.person_id`
    : sql`select ${record}::text as opportunity_id`
  const withTouch = isTouch ? sql`and ${record}::text = any(j.touchpoint_ids[p.skip + 1:])` : sql``
  return sql`
    select t.kind, t.key, p.model, p.window_days, p.currency,
      date_trunc('week', p.closed_at at time zone ${timeZone})::date as week, count(*)::int as deals
    from (select distinct opportunity_id from (${deals}) named) d
    join credit_packs p on p.opportunity_id = d.opportunity_id ${filter}
    join ledger_journeys j on j.id = p.journey_id ${withTouch}
    cross join lateral (
      select distinct v.kind, v.key
      from unnest(j.sources[p.skip + 1:], p.shares) u (source, share)
      join attribution_sources s on s.number = u.source
      cross join lateral (values ('campaign', coalesce(s.campaign_id::text, '')), ('channel', s.channel)) v (kind, key)
      where u.share > 0
    ) t
    group by t.kind, t.key, p.model, p.window_days, p.currency, week`
}
