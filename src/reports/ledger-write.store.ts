import { sql, type RawBuilder } from 'kysely'
import type { ChangeCause } from '#reports/change.rules.ts'
import type {
  CreditRow,
  DealColumns,
  DealTouchRow,
  LedgerDeal,
  LedgerTouch,
  TotalRow,
} from '#reports/ledger.rules.ts'
import type { Transaction } from '#store/store.ts'

/** Deals whose rows of one window change for one cause. */
export interface ChangeGroup {
  windowDays: number
  cause: ChangeCause
  /** The models whose rows are replaced; null: all, and the deals' own rows with them. */
  models: readonly string[] | null
  /** The deals that have such rows. */
  known: readonly string[]
}

/**
 * Takes rows out of the ledger and keeps them as what it said up to `now`.
 * Three statements a group, whatever the number of deals; there are few groups, as causes and windows are few.
 */
export async function supersede(tx: Transaction, group: ChangeGroup, now: Date): Promise<void> {
  const { windowDays, cause, models, known } = group
  const ofModels = models === null ? sql`` : sql`and model = any(${models}::text[])`
  const which = sql`opportunity_id = any(${known}::text[]) and window_days = ${windowDays}`
  const move = (table: string, columns: RawBuilder<unknown>, filter: RawBuilder<unknown>) =>
    tx.execute(sql`
      with gone as (delete from ${sql.table(table)} where ${filter} returning *)
      insert into ${sql.table(`${table}_past`)} (${columns}, superseded_at, superseded_cause)
      select ${columns}, ${now}::timestamptz, ${cause}::text from gone`)
  await tx.execute(sql`
    with gone as (delete from credits where ${which} ${ofModels} returning *)
    insert into credits_past (${CREDIT_COLUMNS}, superseded_at) select ${CREDIT_COLUMNS}, ${now}::timestamptz from gone`)
  await move('credit_totals', TOTAL_COLUMNS, sql`${which} ${ofModels}`)
  if (models === null) await move('attribution_deals', DEAL_COLUMNS, which)
}

const CREDIT_COLUMNS = sql`workspace_id, window_days, model, opportunity_id, touchpoint_id, person_id, campaign_id, channel,
  closed_at, share, amount_minor, currency, recorded_at`
const TOTAL_COLUMNS = sql`workspace_id, opportunity_id, window_days, model, kind, key, closed_at, currency, amount_minor, share,
  recorded_at, cause`
const DEAL_COLUMNS = sql`workspace_id, window_days, opportunity_id, closed_at, amount_minor, currency, has_amount, touches,
  recorded_at, cause, journey, versions`

/** A won deal in one window, to be written. */
export interface DealRow {
  opportunityId: string
  windowDays: number
  /** How many touches lie in the window; 0: uncredited. */
  touches: number
  cause: ChangeCause
  journey: string
}

/** @param versions  by model, the version that the credit of these deals is of. */
export async function insertDealRows(
  tx: Transaction,
  rows: readonly DealRow[],
  versions: Readonly<Record<string, string>>,
  now: Date,
): Promise<void> {
  if (rows.length === 0) return
  await tx.execute(sql`
    insert into attribution_deals (${DEAL_COLUMNS})
    select ${tx.workspaceId}, r.window_days, o.id, o.closed_at, coalesce(o.amount_minor, 0), o.currency,
      o.amount_minor is not null, r.touches, ${now}::timestamptz, r.cause, r.journey, ${JSON.stringify(versions)}::jsonb
    from unnest(
      ${rows.map((row) => row.opportunityId)}::text[],
      ${rows.map((row) => row.windowDays)}::int[],
      ${rows.map((row) => row.touches)}::int[],
      ${rows.map((row) => row.cause)}::text[],
      ${rows.map((row) => row.journey)}::text[]
    ) as r (opportunity_id, window_days, touches, cause, journey)
    join opportunities o on o.id = r.opportunity_id`)
}

/** Notes that the credit of these deals in a window is now of these versions. */
export async function updateVersions(
  tx: Transaction,
  opportunityIds: readonly string[],
  windowDays: number,
  versions: Readonly<Record<string, string>>,
): Promise<void> {
  await tx.execute(sql`
    update attribution_deals set versions = ${JSON.stringify(versions)}::jsonb
    where opportunity_id = any(${opportunityIds}::text[]) and window_days = ${windowDays}`)
}

/*
 * What goes in goes as whole rows, one array a column, and is joined with nothing: a plan for arrays of unknown length, or
 * for a table that was empty when it was last analysed, would join them row by row.
 */

/** @param causeOf  why a row came to be. */
export async function insertTotals(
  tx: Transaction,
  deals: readonly LedgerDeal[],
  rows: readonly TotalRow[],
  causeOf: (row: TotalRow) => ChangeCause,
  now: Date,
): Promise<void> {
  if (rows.length === 0) return
  await tx.execute(sql`
    insert into credit_totals (workspace_id, opportunity_id, window_days, model, kind, key, closed_at, currency, amount_minor,
      share, recorded_at, cause)
    select ${tx.workspaceId}, opportunity_id, window_days, model, kind, key, to_timestamp(closed_at_ms / 1000), currency,
      amount_minor, share, ${now}::timestamptz, cause
    from unnest(
      ${rows.map((row) => deals[row.deal]!.opportunityId)}::text[],
      ${rows.map((row) => row.windowDays)}::int[],
      ${rows.map((row) => row.model)}::text[],
      ${rows.map((row) => row.kind)}::text[],
      ${rows.map((row) => row.key)}::text[],
      ${rows.map((row) => deals[row.deal]!.closedAtMs)}::float8[],
      ${rows.map((row) => deals[row.deal]!.currency)}::text[],
      ${rows.map((row) => row.amountMinor)}::bigint[],
      ${rows.map((row) => row.share)}::float8[],
      ${rows.map(causeOf)}::text[]
    ) as r (opportunity_id, window_days, model, kind, key, closed_at_ms, currency, amount_minor, share, cause)`)
}

/** The touch and the person of a line of the baseline: none. */
const NONE = ''

export async function insertCredits(
  tx: Transaction,
  deals: readonly LedgerDeal[],
  touches: readonly LedgerTouch[],
  rows: readonly CreditRow[],
  now: Date,
): Promise<void> {
  if (rows.length === 0) return
  const touchOf = ({ touch }: CreditRow) => (touch === null ? null : touches[touch]!)
  await tx.execute(sql`
    insert into credits (${CREDIT_COLUMNS})
    select ${tx.workspaceId}, window_days, model, opportunity_id, touchpoint_id, person_id, campaign_id, channel,
      to_timestamp(closed_at_ms / 1000), share, amount_minor, currency, ${now}::timestamptz
    from unnest(
      ${rows.map((row) => row.windowDays)}::int[],
      ${rows.map((row) => row.model)}::text[],
      ${rows.map((row) => deals[row.deal]!.opportunityId)}::text[],
      ${rows.map((row) => touchOf(row)?.touchpointId ?? NONE)}::text[],
      ${rows.map((row) => touchOf(row)?.personId ?? NONE)}::text[],
      ${rows.map((row) => touchOf(row)?.campaignId ?? null)}::text[],
      ${rows.map((row) => touchOf(row)?.channel ?? NONE)}::text[],
      ${rows.map((row) => deals[row.deal]!.closedAtMs)}::float8[],
      ${rows.map((row) => row.share)}::float8[],
      ${rows.map((row) => row.amountMinor)}::bigint[],
      ${rows.map((row) => deals[row.deal]!.currency)}::text[]
    ) as r (window_days, model, opportunity_id, touchpoint_id, person_id, campaign_id, channel, closed_at_ms, share,
      amount_minor, currency)`)
}

/** Replaces what is kept of these deals beside their credit: what touched them, their journeys and their stays in stages. */
export async function replaceDealFacts(
  tx: Transaction,
  deals: readonly LedgerDeal[],
  touches: readonly LedgerTouch[],
  dealTouchRows: readonly DealTouchRow[],
  { offsets, columns }: DealColumns,
): Promise<void> {
  const ids = deals.map((deal) => deal.opportunityId)
  for (const table of ['deal_touches', 'deal_reach', 'stage_stays', 'attribution_journeys'])
    await tx.execute(sql`delete from ${sql.table(table)} where opportunity_id = any(${ids})`)
  await insertDealTouches(tx, ids, dealTouchRows)
  await tx.execute(sql`
    insert into stage_stays (workspace_id, opportunity_id, stage_id, entered_at, left_at)
    select ${tx.workspaceId}, o.id, s.stage_id, s.entered_at,
      coalesce(lead(s.entered_at) over (partition by o.id order by s.entered_at), o.closed_at)
    from opportunities o join opportunity_stages s on s.opportunity_id = o.id
    where o.id = any(${ids}) and o.deleted_at is null`)
  const sources = await numberSources(tx, touches)
  const won = deals.flatMap((deal, i) => (deal.isWon && deal.closedAtMs !== null ? [i] : []))
  const packed = won.map((i) => {
    const [from, to] = [offsets[i]!, offsets[i + 1]!]
    const numbers = touches.slice(from, to).map((touch) => sources.get(sourceKey(touch))!)
    return packJourney(
      columns.touchedAtMs.subarray(from, to),
      Uint32Array.from(numbers),
      columns.person.subarray(from, to),
    )
  })
  await tx.execute(sql`
    insert into attribution_journeys (workspace_id, opportunity_id, closed_at, amount_minor, currency, opened_at, lead_at, touches)
    select ${tx.workspaceId}, o.id, o.closed_at, coalesce(o.amount_minor, 0), o.currency, o.opened_at,
      to_timestamp(r.lead_at_ms / 1000), r.touches
    from unnest(
      ${won.map((i) => ids[i]!)}::text[],
      ${won.map((i) => deals[i]!.leadAtMs)}::float8[],
      ${packed}::bytea[]
    ) as r (opportunity_id, lead_at_ms, touches)
    join opportunities o on o.id = r.opportunity_id`)
}

/** A journey as bytes: n times, n sources, n people, each little-endian as this machine has them. */
export function packJourney(
  times: Float64Array,
  sources: Uint32Array,
  people: Uint16Array,
): Buffer {
  const parts = [times, sources, people].map((column) =>
    Buffer.from(column.buffer, column.byteOffset, column.byteLength),
  )
  return Buffer.concat(parts)
}

/** How many bytes a touch takes in a packed journey. */
export const TOUCH_BYTES = 8 + 4 + 2

function sourceKey({ campaignId, channel }: Pick<LedgerTouch, 'campaignId' | 'channel'>): string {
  return `${campaignId ?? ''} ${channel}`
}

/** The numbers of the campaigns and channels of these touches, new ones given now; the caller holds the lock of the ledger. */
async function numberSources(
  tx: Transaction,
  touches: readonly LedgerTouch[],
): Promise<Map<string, number>> {
  const pairs = [...new Map(touches.map((touch) => [sourceKey(touch), touch])).values()]
  if (pairs.length === 0) return new Map()
  const table = sql`unnest(
    ${pairs.map((touch) => touch.campaignId)}::text[], ${pairs.map((touch) => touch.channel)}::text[]
  ) as r (campaign_id, channel)`
  await tx.execute(sql`
    insert into attribution_sources (workspace_id, number, campaign_id, channel)
    select ${tx.workspaceId}, (select coalesce(max(number), -1) from attribution_sources) + row_number() over (), r.campaign_id,
      r.channel
    from ${table}
    where not exists (
      select 1 from attribution_sources s where s.channel = r.channel and s.campaign_id is not distinct from r.campaign_id)`)
  const rows = await tx.query(sql<{ campaignId: string | null; channel: string; number: number }>`
    select s.campaign_id, s.channel, s.number from ${table}
    join attribution_sources s on s.channel = r.channel and coalesce(s.campaign_id, '') = coalesce(r.campaign_id, '')`)
  return new Map(rows.map((row) => [sourceKey(row), row.number]))
}

async function insertDealTouches(
  tx: Transaction,
  ids: readonly string[],
  rows: readonly DealTouchRow[],
): Promise<void> {
  await tx.execute(sql`
    insert into deal_touches (workspace_id, opportunity_id, kind, key, touches, is_source, is_open)
    select ${tx.workspaceId}, r.*
    from unnest(
      ${rows.map((row) => ids[row.deal]!)}::text[],
      ${rows.map((row) => row.kind)}::text[],
      ${rows.map((row) => row.key)}::text[],
      ${rows.map((row) => row.touches)}::int[],
      ${rows.map((row) => row.isSource)}::boolean[],
      ${rows.map((row) => row.isOpen)}::boolean[]
    ) as r`)
  await tx.execute(sql`
    insert into deal_reach (workspace_id, opportunity_id, touches, is_influenced, is_sourced)
    select ${tx.workspaceId}, opportunity_id, coalesce(sum(touches) filter (where kind = 'channel'), 0),
      bool_or(kind = 'campaign'), bool_or(kind = 'campaign' and is_source)
    from deal_touches where opportunity_id = any(${ids}) group by opportunity_id`)
}
