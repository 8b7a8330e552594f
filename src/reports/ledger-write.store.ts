import { sql, type RawBuilder } from 'kysely'
import type { ChangeCause } from '#reports/change.rules.ts'
import type { DaySum } from '#reports/credit-day.rules.ts'
import { arrayText } from '#reports/ledger-journey.store.ts'
import type { CreditPack, LedgerDeal } from '#reports/ledger.rules.ts'
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

/** A pack that was taken out of the ledger. */
export interface GonePack {
  opportunityId: string
  windowDays: number
  model: string
  journeyId: number
  skip: number
  closedOn: string
  currency: string
  /** As PostgreSQL writes arrays. */
  shares: string
  amounts: string
  baselineShare: number | null
  baselineMinor: number | null
}

/**
 * Takes rows out of the ledger and keeps them as what it said up to `now`; answers the packs among them.
 * Two statements a group, whatever the number of deals; there are few groups, as causes and windows are few.
 */
export async function supersede(
  tx: Transaction,
  { windowDays, cause, models, known }: ChangeGroup,
  now: Date,
): Promise<GonePack[]> {
  const rows = sql`opportunity_id = any(${known}::text[]) and window_days = ${windowDays}`
  const gone = (table: string, filter: RawBuilder<unknown>, columns: RawBuilder<unknown>) => sql`
    gone as (delete from ${sql.table(table)} where ${filter} returning *), kept as (
      insert into ${sql.table(`${table}_past`)} (${columns}, superseded_at, superseded_cause)
      select ${columns}, ${now}::timestamptz, ${cause}::text from gone)`
  const ofModels = models === null ? rows : sql`${rows} and model = any(${models}::text[])`
  const packs = await tx.query(sql<GonePack>`
    with ${gone('credit_packs', ofModels, PACK_COLUMNS)}
    select opportunity_id, window_days, model, journey_id, skip, closed_on, currency, shares::text as shares, amounts::text as amounts,
      baseline_share, baseline_minor from gone`)
  if (models === null)
    await tx.execute(sql`with ${gone('attribution_deals', rows, DEAL_COLUMNS)} select 1 from gone`)
  return packs
}

const PACK_COLUMNS = sql`workspace_id, opportunity_id, window_days, model, journey_id, skip, closed_at, closed_on, currency, shares, amounts,
  baseline_share, baseline_minor, recorded_at, cause`
const DEAL_COLUMNS = sql`workspace_id, window_days, opportunity_id, closed_at, amount_minor, currency, has_amount, touches,
  recorded_at, cause, journey, versions, journey_id, skip`

/** A won deal in one window, to be written. */
export interface DealRow {
  opportunityId: string
  windowDays: number
  /** How many touches lie in the window; 0: uncredited. */
  touches: number
  cause: ChangeCause
  journey: string
  /** The kept journey and how many of its touches come before the window; null: there is no touch. */
  journeyId: number | null
  skip: number | null
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
      o.amount_minor is not null, r.touches, ${now}::timestamptz, r.cause, r.journey, ${JSON.stringify(versions)}::jsonb,
      r.journey_id, r.skip
    from unnest(
      ${rows.map((row) => row.opportunityId)}::text[],
      ${rows.map((row) => row.windowDays)}::int[],
      ${rows.map((row) => row.touches)}::int[],
      ${rows.map((row) => row.cause)}::text[],
      ${rows.map((row) => row.journey)}::text[],
      ${rows.map((row) => row.journeyId)}::bigint[],
      ${rows.map((row) => row.skip)}::int[]
    ) as r (opportunity_id, window_days, touches, cause, journey, journey_id, skip)
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

/** A pack to be kept, with the kept journey that it is aligned with. */
export interface KeptPack extends CreditPack {
  journeyId: number
  /** How many touches of the journey come before the window. */
  skip: number
  cause: ChangeCause
  closedOn: string
}

export async function insertPacks(
  tx: Transaction,
  deals: readonly LedgerDeal[],
  packs: readonly KeptPack[],
  now: Date,
): Promise<void> {
  if (packs.length === 0) return
  await tx.execute(sql`
    insert into credit_packs (${PACK_COLUMNS})
    select ${tx.workspaceId}, opportunity_id, window_days, model, journey_id, skip, to_timestamp(closed_at_ms / 1000), closed_on,
      currency, shares::float8[], amounts::bigint[], baseline_share, baseline_minor, ${now}::timestamptz, cause
    from unnest(
      ${packs.map((pack) => deals[pack.deal]!.opportunityId)}::text[],
      ${packs.map((pack) => pack.windowDays)}::int[],
      ${packs.map((pack) => pack.model)}::text[],
      ${packs.map((pack) => pack.journeyId)}::bigint[],
      ${packs.map((pack) => pack.skip)}::int[],
      ${packs.map((pack) => deals[pack.deal]!.closedAtMs)}::float8[],
      ${packs.map((pack) => pack.closedOn)}::date[],
      ${packs.map((pack) => deals[pack.deal]!.currency)}::text[],
      ${packs.map((pack) => arrayText(pack.shares))}::text[],
      ${packs.map((pack) => arrayText(pack.amounts))}::text[],
      ${packs.map((pack) => (pack.baseline > 0 ? pack.baseline : null))}::float8[],
      ${packs.map((pack) => (pack.baseline > 0 ? pack.baselineMinor : null))}::bigint[],
      ${packs.map((pack) => pack.cause)}::text[]
    ) as r (opportunity_id, window_days, model, journey_id, skip, closed_at_ms, closed_on, currency, shares, amounts,
      baseline_share, baseline_minor, cause)`)
}

/** Adds to the sums by day, or takes away from them. */
export async function addToDays(tx: Transaction, sums: readonly DaySum[]): Promise<void> {
  if (sums.length === 0) return
  await tx.execute(sql`
    insert into credit_days (workspace_id, window_days, model, kind, key, currency, closed_on, amount_minor, share, deals)
    select ${tx.workspaceId}, r.*
    from unnest(
      ${sums.map((sum) => sum.windowDays)}::int[],
      ${sums.map((sum) => sum.model)}::text[],
      ${sums.map((sum) => sum.kind)}::text[],
      ${sums.map((sum) => sum.key)}::text[],
      ${sums.map((sum) => sum.currency)}::text[],
      ${sums.map((sum) => sum.closedOn)}::date[],
      ${sums.map((sum) => sum.amountMinor)}::bigint[],
      ${sums.map((sum) => sum.share)}::float8[],
      ${sums.map((sum) => sum.deals)}::int[]
    ) as r
    on conflict (workspace_id, window_days, model, kind, key, currency, closed_on) do update set
      amount_minor = credit_days.amount_minor + excluded.amount_minor,
      -- A sum that no deal is left in is nothing exactly, whatever the rounding of what was added before.
      share = case when credit_days.deals + excluded.deals = 0 then 0 else credit_days.share + excluded.share end,
      deals = credit_days.deals + excluded.deals`)
}

/** Empty sums of a model or a window that is kept no more go. */
export async function dropEmptyDays(tx: Transaction): Promise<void> {
  await tx.execute(sql`
    delete from credit_days d where deals = 0 and (
      not exists (select 1 from attribution_windows w where w.window_days = d.window_days)
      or not exists (select 1 from attribution_models m where m.model = d.model and m.retired_at is null))`)
}
