import { sql, type RawBuilder } from 'kysely'
import type { z } from 'zod'
import type { CampaignLineRow } from '#reports/campaign-line.rules.ts'
import type { ComparedRow } from '#reports/compare.rules.ts'
import type {
  CreditLine,
  LedgerDealLine,
  ListCampaignCreditQuery,
  ListCreditsQuery,
  ListDealsQuery,
} from '#reports/credit.schema.ts'
import { creditDays } from '#reports/credit-day.store.ts'
import { creditOfRows, type ModelCredits } from '#reports/credit-sums.ts'
import { ledgerTable } from '#reports/ledger-table.ts'
import type { Credit } from '#reports/lens.schema.ts'
import { inPeriod, type Lens } from '#reports/lens.store.ts'
import { decodeCursor } from '#core/page.ts'
import type { Transaction } from '#store/store.ts'

/** The close in epoch microseconds: a cursor needs all its digits, a Date has milliseconds. */
interface Positioned {
  closedAtMicros: number
}
const closedAtMicros = sql`(extract(epoch from closed_at) * 1000000)::bigint as closed_at_micros`

/** A campaign filter; `none` stands for touches without a campaign. */
export function ofCampaign(campaignId: string | undefined): RawBuilder<unknown> {
  if (campaignId === undefined) return sql``
  return campaignId === 'none' ? sql`and campaign_id is null` : sql`and campaign_id = ${campaignId}`
}

/** Lines of the baseline have no touch, lines of touches without a campaign have one. */
function ofBucket(
  bucket: 'touches' | 'baseline' | undefined,
  campaignId: string | undefined,
): RawBuilder<unknown> {
  if (bucket === 'baseline') return sql`and touchpoint_id = ''`
  return bucket === 'touches' || campaignId === 'none' ? sql`and touchpoint_id <> ''` : sql``
}

function equal(column: string, value: string | undefined): RawBuilder<unknown> {
  return value === undefined ? sql`` : sql`and ${sql.ref(column)} = ${value}`
}

function inWeek(week: string | undefined, lens: Lens): RawBuilder<unknown> {
  if (week === undefined) return sql``
  const start = sql`date_trunc('week', ${week}::date::timestamp)`
  const zone = lens.answer.timeZone
  return sql`and closed_at >= ${start} at time zone ${zone} and closed_at < (${start} + interval '7 days') at time zone ${zone}`
}

function creditFilter(lens: Lens, query: z.output<typeof ListCreditsQuery>): RawBuilder<unknown> {
  const { campaignId, channel, week, opportunityId, touchpointId, bucket } = query
  return sql`window_days = ${lens.windowDays} and model = ${lens.answer.model} and currency = ${lens.answer.currency}
    ${inPeriod(lens)} ${ofCampaign(campaignId)} ${ofBucket(bucket, campaignId)} ${equal('channel', channel)}
    ${inWeek(week, lens)} ${touchedBy(lens, 'campaign', campaignId === 'none' ? undefined : campaignId)}
    ${touchedBy(lens, 'channel', channel)}
    ${equal('opportunity_id', opportunityId)} ${equal('touchpoint_id', touchpointId)}`
}

/** Only deals that the campaign or channel touched can have lines of it; which those were in the past is not kept. */
function touchedBy(
  { asOf }: Lens,
  kind: 'campaign' | 'channel',
  key: string | undefined,
): RawBuilder<unknown> {
  if (key === undefined || asOf !== null) return sql``
  return sql`and opportunity_id in (
    select t.opportunity_id from deal_touches t where t.kind = ${kind} and t.key = ${key})`
}

/** One more than the page, latest close first. */
export function listCredits(
  tx: Transaction,
  lens: Lens,
  query: z.output<typeof ListCreditsQuery>,
): Promise<(z.output<typeof CreditLine> & Positioned & { position: string })[]> {
  const after = query.cursor === undefined ? sql`` : afterPosition(query.cursor, 3)
  return tx.query(sql<z.output<typeof CreditLine> & Positioned & { position: string }>`
    select opportunity_id, touchpoint_id as position, nullif(touchpoint_id, '') as touchpoint_id,
      nullif(person_id, '') as person_id, campaign_id, nullif(channel, '') as channel, closed_at, ${closedAtMicros},
      model, share, amount_minor as credited_minor, currency
    from ${ledgerTable('credits', lens)} where ${creditFilter(lens, query)} ${after}
    order by closed_at desc, opportunity_id desc, credits.touchpoint_id desc limit ${query.limit + 1}`)
}

function afterPosition(cursor: string, length: 2 | 3): RawBuilder<unknown> {
  const [micros, opportunityId, touchpointId] = decodeCursor(cursor, length)
  const at = sql`timestamptz 'epoch' + ${Number(micros)}::bigint * interval '1 microsecond'`
  return length === 2
    ? sql`and (closed_at, opportunity_id) < (${at}, ${opportunityId}::identifier)`
    : sql`and (closed_at, opportunity_id, credits.touchpoint_id)
        < (${at}, ${opportunityId}::identifier, ${touchpointId}::identifier)`
}

export async function sumCredits(
  tx: Transaction,
  lens: Lens,
  query: z.output<typeof ListCreditsQuery>,
): Promise<Credit & { lines: number }> {
  const row = await tx.find(sql<Credit & { lines: number }>`
    select coalesce(sum(amount_minor), 0)::bigint as credited_minor, count(distinct opportunity_id) as n, count(*) as lines,
      coalesce(round(sum(share)::numeric, 9), 0)::float8 as deals
    from ${ledgerTable('credits', lens)} where ${creditFilter(lens, query)}`)
  return row!
}

/** Won deals of the ledger, one more than the page, latest close first. */
export function listLedgerDeals(
  tx: Transaction,
  lens: Lens,
  query: z.output<typeof ListDealsQuery>,
): Promise<(z.output<typeof LedgerDealLine> & Positioned)[]> {
  const after = query.cursor === undefined ? sql`` : afterPosition(query.cursor, 2)
  return tx.query(sql<z.output<typeof LedgerDealLine> & Positioned>`
    select opportunity_id, closed_at, ${closedAtMicros}, amount_minor, has_amount, currency, touches
    from ${ledgerTable('attribution_deals', lens)} where ${dealFilter(lens, query)} ${after}
    order by closed_at desc, opportunity_id desc limit ${query.limit + 1}`)
}

export async function sumLedgerDeals(
  tx: Transaction,
  lens: Lens,
  query: z.output<typeof ListDealsQuery>,
): Promise<{ deals: number; amountMinor: number }> {
  const row = await tx.find(sql<{ deals: number; amountMinor: number }>`
    select count(*) as deals, coalesce(sum(amount_minor), 0)::bigint as amount_minor
    from ${ledgerTable('attribution_deals', lens)} where ${dealFilter(lens, query)}`)
  return row!
}

function dealFilter(
  lens: Lens,
  { credited, week }: z.output<typeof ListDealsQuery>,
): RawBuilder<unknown> {
  const touched = { true: sql`and touches > 0`, false: sql`and touches = 0` }
  return sql`window_days = ${lens.windowDays} and currency = ${lens.answer.currency} ${inPeriod(lens)}
    ${inWeek(week, lens)} ${credited === undefined ? sql`` : touched[credited]}`
}

/** Under each key, the credit by model: rows (key, models). */
function creditByModel(lens: Lens, kind: 'campaign' | 'channel'): RawBuilder<unknown> {
  return sql`
    select key, jsonb_object_agg(model, credit) as models,
      coalesce(max(credited_minor) filter (where model = ${lens.answer.model}), 0) as credited_minor
    from (
      select key, model, ${creditOfRows} as credit, sum(amount_minor)::bigint as credited_minor
      from ${creditDays(lens)} where kind = ${kind} and model = any(${lens.models}::text[]) group by key, model
    ) part group by key`
}

/** All models over all won deals, by channel. */
export function listChannelCredit(
  tx: Transaction,
  lens: Lens,
): Promise<{ channel: string; label: string; models: ModelCredits }[]> {
  return tx.query(sql`
    select s.key as channel, coalesce(c.label, s.key) as label, s.models
    from (${creditByModel(lens, 'channel')}) s left join channels c on c.key = s.key`)
}

/** A campaign with its credit under every model. */
export type CampaignCreditRow = Omit<CampaignLineRow, keyof Credit> & {
  models: ModelCredits | null
}

/** Campaigns by credit, one more than the page; with them the touches without a campaign, and deleted campaigns with credit. */
export function listCampaignCreditRows(
  tx: Transaction,
  lens: Lens,
  query: z.output<typeof ListCampaignCreditQuery>,
): Promise<CampaignCreditRow[]> {
  const [credited, id] = query.cursor === undefined ? [] : decodeCursor(query.cursor, 2)
  const after =
    id === undefined
      ? sql``
      : sql`where (credited_minor, id) < (${Number(credited)}::bigint, ${id}::identifier)`
  return tx.query(sql<CampaignCreditRow>`
    with total as (${creditByModel(lens, 'campaign')}), line as (
      select coalesce(c.id, t.key)::identifier as id, nullif(coalesce(c.id, t.key), '') as campaign_id, c.name, c.channel,
        c.status, c.budget_minor, c.currency, c.starts_on, c.ends_on, c.deleted_at is not null as is_deleted,
        coalesce(t.credited_minor, 0) as credited_minor, t.models
      from campaigns c full join total t on t.key = c.id
      where c.deleted_at is null or t.key is not null
    )
    select * from line ${after} order by credited_minor desc, id desc limit ${query.limit + 1}`)
}

/** All models over all won deals, by campaign, deleted ones and the touches without one included. */
export function listComparedCampaigns(tx: Transaction, lens: Lens): Promise<ComparedRow[]> {
  return tx.query(sql<ComparedRow>`
    select nullif(t.key, '') as key, case t.key when '' then 'No campaign' else coalesce(c.name, 'Unknown campaign') end as label,
      t.models as credits
    from (${creditByModel(lens, 'campaign')}) t left join campaigns c on c.id = t.key`)
}

/** What each model says would have come anyway. */
export async function sumBaselines(tx: Transaction, lens: Lens): Promise<Map<string, number>> {
  const rows = await tx.query(sql<{ model: string; amountMinor: number }>`
    select model, sum(amount_minor)::bigint as amount_minor from ${creditDays(lens)}
    where kind = 'baseline' and model = any(${lens.models}::text[]) group by model`)
  return new Map(rows.map((row) => [row.model, row.amountMinor]))
}
