import { sql } from 'kysely'
import type { RuleModel } from '#analytics/attribution/rules.ts'
import type { LedgerDeal, LedgerRows, LedgerTouch } from '#reports/ledger.rules.ts'
import type { DealFacts, LedgerCell, Restatement } from '#reports/restatement.rules.ts'
import type { Transaction } from '#store/store.ts'

/** A dirty deal as a refresh finds it. */
export interface DirtyDeal extends LedgerDeal {
  marks: number
  isDeleted: boolean
  /** Monday of the week of the close in the workspace's time zone; null while open. */
  week: string | null
  touchCount: number
}

/** Counting the touches of a deal stops here: more do not change how a page is cut. */
const TOUCH_COUNT_CAP = 100_000

/**
 * Locks the workspace's ledger until the transaction ends, so that two refreshes do not interleave.
 *
 * @returns Monday of the week in which it was last up to date: figures of weeks before were final. Null when it never was.
 */
export async function lockLedger(tx: Transaction): Promise<string | null> {
  const state = await tx.find(sql<{ firstOpenWeek: string | null }>`
    select date_trunc('week', s.computed_at at time zone w.time_zone)::date as first_open_week
    from attribution_state s join workspaces w on w.id = s.workspace_id for update of s`)
  return state?.firstOpenWeek ?? null
}

/** The windows for which a ledger is kept, in days, ascending; 0 stands for all time. */
export async function listWindows(tx: Transaction): Promise<number[]> {
  const rows = await tx.query(sql<{ windowDays: number }>`
    select window_days from attribution_windows order by window_days`)
  return rows.map((row) => row.windowDays)
}

/** The dirty deals that wait longest, each with how many touches its people have. */
export function listDirtyDeals(tx: Transaction, limit: number): Promise<DirtyDeal[]> {
  return tx.query(sql<DirtyDeal>`
    with page as (
      select opportunity_id, marks, since from attribution_dirty order by since, opportunity_id limit ${limit}
    )
    select page.opportunity_id, page.marks, o.deleted_at is not null as is_deleted,
      o.status = 'won' and o.deleted_at is null and o.closed_at is not null as is_won,
      o.amount_minor, o.currency,
      (extract(epoch from o.opened_at) * 1000)::float8 as opened_at_ms,
      (extract(epoch from o.closed_at) * 1000)::float8 as closed_at_ms,
      date_trunc('week', o.closed_at at time zone w.time_zone)::date as week,
      (select count(*) from (
        select 1 from opportunity_people op join touchpoints t on t.person_id = op.person_id
        where op.opportunity_id = o.id and o.deleted_at is null limit ${TOUCH_COUNT_CAP}
      ) touch) as touch_count
    from page
    join opportunities o on o.id = page.opportunity_id
    join workspaces w on w.id = ${tx.workspaceId}
    order by page.since, page.opportunity_id`)
}

/**
 * The touches of the people of these deals up to their close (open deals: up to now), by deal and time.
 * A person that was merged stands for the one it was merged into, so that no touch is lost on the way.
 */
export function listDealTouches(
  tx: Transaction,
  opportunityIds: readonly string[],
  now: Date,
): Promise<LedgerTouch[]> {
  return tx.query(sql<LedgerTouch>`
    with recursive deals as (
      select o.id, d.i, coalesce(o.closed_at, ${now}::timestamptz) as until
      from unnest(${opportunityIds}::text[]) with ordinality as d (id, i)
      join opportunities o on o.id = d.id
      where o.deleted_at is null
    ), members as (
      select d.i, d.until, op.person_id
      from deals d join opportunity_people op on op.opportunity_id = d.id
      union
      select m.i, m.until, p.merged_into
      from members m join people p on p.id = m.person_id
      where p.merged_into is not null
    )
    select (m.i - 1)::int as deal, t.id as touchpoint_id, t.person_id, t.campaign_id, t.channel,
      (extract(epoch from t.occurred_at) * 1000)::float8 as occurred_at_ms
    from members m
    join touchpoints t on t.person_id = m.person_id and t.occurred_at <= m.until
    order by m.i, t.occurred_at, t.id`)
}

/** What the ledger said: its cells, and for each won deal the facts behind them and the windows it had rows for. */
export interface LedgerBefore {
  cells: LedgerCell[]
  facts: Map<string, DealFacts & { windows: number[] }>
}

/** What the ledger says of these deals before it is made anew. */
export async function readLedger(
  tx: Transaction,
  opportunityIds: readonly string[],
): Promise<LedgerBefore> {
  const zone = (await tx.find(sql<{ timeZone: string }>`
    select time_zone from workspaces where id = ${tx.workspaceId}`))!.timeZone
  const cells = await tx.query(sql<LedgerCell>`
    select s.opportunity_id, date_trunc('week', s.closed_at at time zone ${zone})::date as week, s.window_days, m.model,
      case when s.key = '' then 'no_campaign' else 'campaign' end as bucket, nullif(s.key, '') as campaign_id, s.currency,
      m.amount_minor, m.share
    from credit_sums s
    cross join lateral (values ('first', first_minor, first_share), ('last', last_minor, last_share),
      ('linear', linear_minor, linear_share), ('position', position_minor, position_share),
      ('time_decay', time_decay_minor, time_decay_share)) as m (model, amount_minor, share)
    where s.opportunity_id = any(${opportunityIds}) and s.kind = 'campaign' and m.share > 0`)
  const deals = await tx.query(sql<
    DealFacts & { opportunityId: string; windowDays: number; touches: number }
  >`
    select opportunity_id, window_days, touches, amount_minor, currency,
      date_trunc('week', closed_at at time zone ${zone})::date as week,
      (extract(epoch from closed_at) * 1000)::float8 as closed_at_ms
    from attribution_deals where opportunity_id = any(${opportunityIds})`)
  const facts: LedgerBefore['facts'] = new Map()
  for (const {
    opportunityId,
    windowDays,
    touches,
    week,
    closedAtMs,
    amountMinor,
    currency,
  } of deals) {
    const known = facts.get(opportunityId)?.windows ?? []
    facts.set(opportunityId, {
      week,
      closedAtMs,
      amountMinor,
      currency,
      windows: [...known, windowDays],
    })
    if (touches > 0) continue
    const bucket = { model: 'all', bucket: 'uncredited' as const, campaignId: null, share: 1 }
    cells.push({ ...bucket, opportunityId, week, windowDays, amountMinor, currency })
  }
  return { cells, facts }
}

/** Replaces all rows of these deals by the new ones; a fixed number of statements, whatever the number of rows. */
export async function replaceLedger(
  tx: Transaction,
  deals: readonly LedgerDeal[],
  touches: readonly LedgerTouch[],
  { dealRows, creditRows, sumRows, dealTouchRows }: LedgerRows,
): Promise<void> {
  const ids = deals.map((deal) => deal.opportunityId)
  for (const table of [
    'credits',
    'attribution_deals',
    'credit_sums',
    'deal_touches',
    'deal_reach',
    'stage_stays',
  ]) {
    await tx.execute(sql`delete from ${sql.table(table)} where opportunity_id = any(${ids})`)
  }
  await tx.execute(sql`
    insert into attribution_deals
      (workspace_id, window_days, opportunity_id, closed_at, amount_minor, currency, has_amount, touches)
    select ${tx.workspaceId}, r.window_days, o.id, o.closed_at, coalesce(o.amount_minor, 0), o.currency,
      o.amount_minor is not null, r.touches
    from unnest(
      ${dealRows.map((row) => ids[row.deal]!)}::text[],
      ${dealRows.map((row) => row.windowDays)}::int[],
      ${dealRows.map((row) => row.touches)}::int[]
    ) as r (opportunity_id, window_days, touches)
    join opportunities o on o.id = r.opportunity_id`)
  await insertCredits(tx, deals, touches, creditRows)
  await insertSums(tx, deals, sumRows)
  await insertDealTouches(tx, ids, dealTouchRows)
  await tx.execute(sql`
    insert into stage_stays (workspace_id, opportunity_id, stage_id, entered_at, left_at)
    select ${tx.workspaceId}, o.id, s.stage_id, s.entered_at,
      coalesce(lead(s.entered_at) over (partition by o.id order by s.entered_at), o.closed_at)
    from opportunities o join opportunity_stages s on s.opportunity_id = o.id
    where o.id = any(${ids}) and o.deleted_at is null`)
}

async function insertDealTouches(
  tx: Transaction,
  ids: readonly string[],
  rows: LedgerRows['dealTouchRows'],
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

/*
 * What goes in goes as whole rows, one array a column, and is joined with nothing: a plan for arrays of unknown length, or
 * for a table that was empty when it was last analysed, would join them row by row.
 */

async function insertSums(
  tx: Transaction,
  deals: readonly LedgerDeal[],
  rows: LedgerRows['sumRows'],
): Promise<void> {
  const minor = (model: RuleModel) => sql`${rows.map((row) => row.amountMinor[model])}::bigint[]`
  const share = (model: RuleModel) => sql`${rows.map((row) => row.share[model])}::float8[]`
  await tx.execute(sql`
    insert into credit_sums (workspace_id, opportunity_id, window_days, kind, key, closed_at, currency, first_minor,
      last_minor, linear_minor, position_minor, time_decay_minor, first_share, last_share, linear_share, position_share,
      time_decay_share)
    select ${tx.workspaceId}, opportunity_id, window_days, kind, key, to_timestamp(closed_at_ms / 1000), currency,
      first_minor, last_minor, linear_minor, position_minor, time_decay_minor, first_share, last_share, linear_share,
      position_share, time_decay_share
    from unnest(
      ${rows.map((row) => deals[row.deal]!.opportunityId)}::text[],
      ${rows.map((row) => row.windowDays)}::int[],
      ${rows.map((row) => row.kind)}::text[],
      ${rows.map((row) => row.key)}::text[],
      ${rows.map((row) => deals[row.deal]!.closedAtMs)}::float8[],
      ${rows.map((row) => deals[row.deal]!.currency)}::text[],
      ${minor('first')}, ${minor('last')}, ${minor('linear')}, ${minor('position')}, ${minor('time_decay')},
      ${share('first')}, ${share('last')}, ${share('linear')}, ${share('position')}, ${share('time_decay')}
    ) as r (opportunity_id, window_days, kind, key, closed_at_ms, currency, first_minor, last_minor, linear_minor,
      position_minor, time_decay_minor, first_share, last_share, linear_share, position_share, time_decay_share)`)
}

async function insertCredits(
  tx: Transaction,
  deals: readonly LedgerDeal[],
  touches: readonly LedgerTouch[],
  rows: LedgerRows['creditRows'],
): Promise<void> {
  const touchOf = (row: LedgerRows['creditRows'][number]) => touches[row.touch]!
  const dealOf = (row: LedgerRows['creditRows'][number]) => deals[touchOf(row).deal]!
  await tx.execute(sql`
    insert into credits (workspace_id, window_days, model, opportunity_id, touchpoint_id, person_id, campaign_id, channel,
      closed_at, share, amount_minor, currency)
    select ${tx.workspaceId}, window_days, model, opportunity_id, touchpoint_id, person_id, campaign_id, channel,
      to_timestamp(closed_at_ms / 1000), share, amount_minor, currency
    from unnest(
      ${rows.map((row) => row.windowDays)}::int[],
      ${rows.map((row) => row.model)}::text[],
      ${rows.map((row) => dealOf(row).opportunityId)}::text[],
      ${rows.map((row) => touchOf(row).touchpointId)}::text[],
      ${rows.map((row) => touchOf(row).personId)}::text[],
      ${rows.map((row) => touchOf(row).campaignId)}::text[],
      ${rows.map((row) => touchOf(row).channel)}::text[],
      ${rows.map((row) => dealOf(row).closedAtMs)}::float8[],
      ${rows.map((row) => row.share)}::float8[],
      ${rows.map((row) => row.amountMinor)}::bigint[],
      ${rows.map((row) => dealOf(row).currency)}::text[]
    ) as r (window_days, model, opportunity_id, touchpoint_id, person_id, campaign_id, channel, closed_at_ms, share,
      amount_minor, currency)`)
}

export async function insertRestatements(
  tx: Transaction,
  rows: readonly Restatement[],
  now: Date,
): Promise<void> {
  if (rows.length === 0) return
  await tx.execute(sql`
    insert into attribution_restatements (workspace_id, restated_at, week, window_days, model, bucket, campaign_id,
      currency, cause, delta_minor, delta_share, opportunity_ids)
    select ${tx.workspaceId}, ${now}::timestamptz, r.week, r."windowDays", r.model, r.bucket, r."campaignId", r.currency, r.cause,
      r."deltaMinor", r."deltaShare", r."opportunityIds"
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r (week date, "windowDays" int, model text, bucket text,
      "campaignId" text, currency text, cause text, "deltaMinor" bigint, "deltaShare" float8, "opportunityIds" text[])`)
}

/**
 * Takes off the marks that were answered; a deal that was marked again in the meantime stays dirty. Once none is left, the
 * ledger is up to date as of `now`: only then are its figures ones that something can restate.
 */
export async function clearDirty(
  tx: Transaction,
  deals: readonly { opportunityId: string; marks: number }[],
  now: Date,
): Promise<void> {
  await tx.execute(sql`
    delete from attribution_dirty d
    using unnest(${deals.map((deal) => deal.opportunityId)}::text[], ${deals.map((deal) => deal.marks)}::int[])
      as r (opportunity_id, marks)
    where d.opportunity_id = r.opportunity_id and d.marks = r.marks`)
  await tx.execute(sql`
    update attribution_state set computed_at = ${now} where not exists (select 1 from attribution_dirty)`)
}

/** Keeps a ledger for exactly these windows; what other windows held is deleted. Answers whether any is new. */
export async function replaceWindows(
  tx: Transaction,
  windows: readonly number[],
): Promise<boolean> {
  const gone = sql`window_days <> all(${windows}::int[])`
  await tx.execute(sql`delete from credits where ${gone}`)
  await tx.execute(sql`delete from credit_sums where ${gone}`)
  await tx.execute(sql`delete from attribution_deals where ${gone}`)
  await tx.execute(sql`delete from attribution_restatements where ${gone}`)
  await tx.execute(sql`delete from attribution_windows where ${gone}`)
  const added = await tx.execute(sql`
    insert into attribution_windows (workspace_id, window_days)
    select ${tx.workspaceId}, unnest(${windows}::int[]) on conflict do nothing`)
  return added > 0
}

/** The windows a new workspace starts with: 90 days and all time. */
const FIRST_WINDOWS = [90, 0]

/** Lays what the ledger of a new workspace needs. Run again, it leaves the windows as they were set since. */
export async function seedReports(tx: Transaction): Promise<void> {
  await tx.execute(sql`
    insert into attribution_windows (workspace_id, window_days)
    select ${tx.workspaceId}, unnest(${FIRST_WINDOWS}::int[])
    where not exists (select 1 from attribution_state)`)
  await tx.execute(sql`
    insert into attribution_state (workspace_id) values (${tx.workspaceId}) on conflict do nothing`)
}
