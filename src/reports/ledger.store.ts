import { sql } from 'kysely'
import type { ChangedDeal, KnownDeal } from '#reports/change.rules.ts'
import { dirtyOrder } from '#reports/dirty.store.ts'
import type { LedgerTouch } from '#reports/ledger.rules.ts'
import { seedModels } from '#reports/model.store.ts'
import type { LedgerCell, Restatement } from '#reports/restatement.rules.ts'
import type { Transaction } from '#store/store.ts'

/** A dirty deal as a refresh finds it. */
export interface DirtyDeal extends ChangedDeal {
  marks: number
  /** The day of the close in the workspace's time zone; null while open. */
  closedOn: string | null
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
      select opportunity_id, marks, since, closed_at, reasons from attribution_dirty order by ${dirtyOrder} limit ${limit}
    )
    select page.opportunity_id, page.marks, page.reasons, o.deleted_at is not null as is_deleted,
      o.status = 'won' and o.deleted_at is null and o.closed_at is not null as is_won,
      o.amount_minor, o.currency,
      (extract(epoch from o.opened_at) * 1000)::float8 as opened_at_ms,
      (extract(epoch from o.closed_at) * 1000)::float8 as closed_at_ms,
      (o.closed_at at time zone w.time_zone)::date as closed_on,
      (select (extract(epoch from min(l.captured_at)) * 1000)::float8 from opportunity_people op
        join leads l on l.person_id = op.person_id where op.opportunity_id = o.id and l.merged_into is null) as lead_at_ms,
      (select count(*) from (
        select 1 from opportunity_people op join touchpoints t on t.person_id = op.person_id
        where op.opportunity_id = o.id and o.deleted_at is null limit ${TOUCH_COUNT_CAP}
      ) touch) as touch_count
    from page
    join opportunities o on o.id = page.opportunity_id
    join workspaces w on w.id = ${tx.workspaceId}
    order by page.since, page.closed_at, page.opportunity_id`)
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
      select d.i, d.until, coalesce(op.home_id, op.person_id) as person_id
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

/** The won deals among these that the ledger has, by deal and window. */
export async function readKnownDeals(
  tx: Transaction,
  opportunityIds: readonly string[],
): Promise<Map<string, Map<number, KnownDeal>>> {
  const rows = await tx.query(sql<KnownDeal & { opportunityId: string; windowDays: number }>`
    select opportunity_id, window_days, amount_minor, has_amount, currency, journey, versions, journey_id, skip,
      (extract(epoch from closed_at) * 1000)::float8 as closed_at_ms
    from attribution_deals where opportunity_id = any(${opportunityIds})`)
  const known = new Map<string, Map<number, KnownDeal>>()
  for (const { opportunityId, windowDays, ...row } of rows) {
    const windows = known.get(opportunityId) ?? new Map<number, KnownDeal>()
    known.set(opportunityId, windows.set(windowDays, row))
  }
  return known
}

/** Of these deals, those that the ledger has as uncredited. */
export function readUncredited(
  tx: Transaction,
  opportunityIds: readonly string[],
): Promise<Omit<LedgerCell, 'cause'>[]> {
  return tx.query(sql<Omit<LedgerCell, 'cause'>>`
    select opportunity_id, date_trunc('week', closed_at at time zone w.time_zone)::date as week, window_days, 'all' as model,
      'uncredited' as bucket, null as campaign_id, d.currency, amount_minor, 1 as share
    from attribution_deals d join workspaces w on w.id = ${tx.workspaceId}
    where opportunity_id = any(${opportunityIds}) and touches = 0`)
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
    update attribution_state set computed_at = ${now}, history_since = coalesce(history_since, ${now})
    where not exists (select 1 from attribution_dirty)`)
}

/** Keeps a ledger for exactly these windows. Answers whether any came or went: then all deals are to be computed. */
export async function replaceWindows(
  tx: Transaction,
  windows: readonly number[],
  now: Date,
): Promise<boolean> {
  const removed = await tx.execute(sql`
    delete from attribution_windows where window_days <> all(${windows}::int[])`)
  const added = await tx.execute(sql`
    insert into attribution_windows (workspace_id, window_days)
    select ${tx.workspaceId}, unnest(${windows}::int[]) on conflict do nothing`)
  await tx.execute(sql`
    update attribution_window_spans set kept_until = ${now}
    where kept_until is null and window_days <> all(${windows}::int[])`)
  await tx.execute(sql`
    insert into attribution_window_spans (workspace_id, window_days, kept_from)
    select ${tx.workspaceId}, unnest(${windows}::int[]), ${now}::timestamptz on conflict do nothing`)
  await tx.execute(sql`
    delete from attribution_restatements where window_days <> all(${windows}::int[])`)
  return added > 0 || removed > 0
}

/** The windows a new workspace starts with: 90 days and all time. */
const FIRST_WINDOWS = [90, 0]

/** Lays what the ledger of a new workspace needs. Run again, it leaves windows and models as they were set since. */
export async function seedReports(tx: Transaction): Promise<void> {
  await tx.execute(sql`
    with added as (
      insert into attribution_windows (workspace_id, window_days)
      select ${tx.workspaceId}, unnest(${FIRST_WINDOWS}::int[])
      where not exists (select 1 from attribution_state) returning workspace_id, window_days
    )
    insert into attribution_window_spans (workspace_id, window_days, kept_from)
    select a.workspace_id, a.window_days, w.created_at from added a join workspaces w on w.id = a.workspace_id`)
  await seedModels(tx)
  await tx.execute(sql`
    insert into attribution_state (workspace_id) values (${tx.workspaceId}) on conflict do nothing`)
}
