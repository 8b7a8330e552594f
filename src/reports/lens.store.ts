import { sql, type RawBuilder } from 'kysely'
import type { z } from 'zod'
import { Problem } from '#core/problem.ts'
import { MINUTE_MS } from '#core/time.ts'
import { ledgerTable } from '#reports/ledger-table.ts'
import type { Freshness, Lens as LensAnswer, LensQuery, Won } from '#reports/lens.schema.ts'
import { listModelRows, versionOf, type ModelRow } from '#reports/model.store.ts'
import type { Transaction } from '#store/store.ts'

/** The filters of a report, resolved against the workspace. */
export interface Lens {
  answer: z.output<typeof LensAnswer>
  windowDays: number
  /** Moments between which a deal closed, the second excluded; null: no bound. */
  fromAt: Date | null
  toAt: Date | null
  /** Monday of the present week. */
  thisWeek: string
  today: string
  /** The models that the ledger is, or was, kept for, by name. */
  models: readonly string[]
  hasBaseline: boolean
  /** Null: now. */
  asOf: Date | null
}

/** A change that waits longer than this makes the figures stale. */
const STALE_MS = 5 * MINUTE_MS

/** The workspace as reports see it: its settings, the bounds of a period in its time zone, the state of the ledger. */
export interface Setting {
  currency: string
  timeZone: string
  windows: number[]
  historySince: Date | null
  freshness: z.output<typeof Freshness>
  from: string | null
  to: string | null
  fromAt: Date | null
  toAt: Date | null
  thisWeek: string
  today: string
}

/**
 * Resolves what a report is asked for.
 *
 * @param defaultDays  how many days up to today the period has when none is given; null: it has no bounds.
 * @throws Problem `attribution.window_unknown` when no ledger is kept for the window, `attribution.model_unknown` when none is
 *   for the model, `attribution.model_unready` while it waits for its first fit, `attribution.no_history` for a moment before
 *   the ledger began.
 */
export async function resolveLens(
  tx: Transaction,
  query: LensQuery & { asOf?: Date | undefined },
  now: Date,
  defaultDays: number | null = null,
): Promise<Lens> {
  const asOf = query.asOf !== undefined && query.asOf < now ? query.asOf : null
  const setting = await readSetting(tx, query, asOf ?? now, defaultDays)
  const { from, to, fromAt, toAt, timeZone, thisWeek, today, historySince } = setting
  const { model, window, currency = setting.currency } = query
  if (asOf !== null) requireHistory(asOf, historySince)
  const windows = asOf === null ? setting.windows : await listWindowsAt(tx, asOf)
  const windowDays = windowDaysOf(window)
  if (!windows.includes(windowDays)) throw windowUnknown(window, windows)
  const rows = await listModelRows(tx, { asOf })
  const { row, version } = modelOf(rows, model)
  const freshness =
    asOf === null
      ? setting.freshness
      : { computedAt: asOf, dirtyDeals: 0, oldestDirtyAt: null, isStale: false }
  const head = { model, window, currency, from, to, timeZone, modelVersion: version, asOf }
  return {
    answer: { ...head, freshness },
    windowDays,
    fromAt,
    toAt,
    thisWeek,
    today,
    asOf,
    models: rows.filter((each) => versionOf(each) !== null).map((each) => each.model),
    hasBaseline: row.hasBaseline,
  }
}

function requireHistory(asOf: Date, since: Date | null): void {
  if (since !== null && asOf >= since) return
  throw new Problem(
    'attribution.no_history',
    since === null
      ? 'The ledger was never computed, so that it has no history.'
      : `The ledger has a history since ${since.toISOString()}. Ask for that moment or a later one.`,
    { errors: [{ pointer: '/asOf', detail: 'Use a later moment.' }] },
  )
}

async function listWindowsAt(tx: Transaction, at: Date): Promise<number[]> {
  const rows = await tx.query(sql<{ windowDays: number }>`
    select distinct window_days from attribution_window_spans
    where kept_from <= ${at} and (kept_until is null or kept_until > ${at}) order by window_days`)
  return rows.map((row) => row.windowDays)
}

function modelOf(rows: readonly ModelRow[], model: string): { row: ModelRow; version: string } {
  const row = rows.find((each) => each.model === model)
  if (!row) {
    const kept = rows.map((each) => each.model).join(', ')
    throw new Problem(
      'attribution.model_unknown',
      `No ledger is kept for the model ${model}, only for ${kept}. Publish it with PUT /api/v1/attribution/models/${model}; ` +
        'the figures follow within minutes.',
      { errors: [{ pointer: '/model', detail: `Use one of ${kept}.` }] },
    )
  }
  const version = versionOf(row)
  if (version !== null) return { row, version }
  throw new Problem(
    'attribution.model_unready',
    `The model ${model} waits for its first fit, which runs in the background. Try again in a minute.`,
  )
}

export async function readSetting(
  tx: Transaction,
  { from, to }: { from?: string | undefined; to?: string | undefined },
  now: Date,
  defaultDays: number | null = null,
): Promise<Setting> {
  const row = await tx.find(sql<Omit<Setting, 'freshness'> & Omit<Setting['freshness'], 'isStale'>>`
    with workspace as (
      select currency, time_zone, (${now}::timestamptz at time zone time_zone)::date as today, ${defaultDays}::int as days,
        ${from ?? null}::date as given_from, ${to ?? null}::date as given_to
      from workspaces where id = ${tx.workspaceId}
    ), bounds as (
      select currency, time_zone, today,
        coalesce(given_from, coalesce(given_to, today) - days + 1) as "from",
        coalesce(given_to, greatest(today, given_from) + days * 0) as "to"
      from workspace
    )
    select b.*, "from"::timestamp at time zone time_zone as from_at,
      ("to" + 1)::timestamp at time zone time_zone as to_at, date_trunc('week', today::timestamp)::date as this_week,
      (select computed_at from attribution_state) as computed_at,
      (select history_since from attribution_state) as history_since,
      array(select window_days from attribution_windows order by window_days) as windows,
      (select count(*) from attribution_dirty) as dirty_deals,
      (select min(since) from attribution_dirty) as oldest_dirty_at
    from bounds b`)
  if (!row) throw new Error('A transaction of no workspace.')
  const { computedAt, dirtyDeals, oldestDirtyAt, ...setting } = row
  const isStale = oldestDirtyAt !== null && now.getTime() - oldestDirtyAt.getTime() > STALE_MS
  return { ...setting, freshness: { computedAt, dirtyDeals, oldestDirtyAt, isStale } }
}

/** 0 stands for all time. */
export function windowDaysOf(window: string): number {
  return window === 'all' ? 0 : Number(window)
}

export function windowOf(windowDays: number): string {
  return windowDays === 0 ? 'all' : String(windowDays)
}

function windowUnknown(window: string, kept: readonly number[]): Problem {
  return new Problem(
    'attribution.window_unknown',
    `No ledger is kept for the window ${window}, only for ${kept.map(windowOf).join(', ')}. ` +
      'Add it with PUT /api/v1/attribution/windows; the figures follow within minutes.',
    { errors: [{ pointer: '/window', detail: `Use one of ${kept.map(windowOf).join(', ')}.` }] },
  )
}

/** The close lies in the period; begins with `and`, for a statement over a table with `closed_at`. */
export function inPeriod(
  { fromAt, toAt }: Pick<Lens, 'fromAt' | 'toAt'>,
  closedAt = sql`closed_at`,
): RawBuilder<unknown> {
  const from = fromAt ? sql`and ${closedAt} >= ${fromAt}` : sql``
  const to = toAt ? sql`and ${closedAt} < ${toAt}` : sql``
  return sql`${from} ${to}`
}

/** All won deals under the lens, with what has no credit and what other currencies hold. */
export async function readWon(
  tx: Transaction,
  lens: Lens,
  also: RawBuilder<unknown> = sql``,
): Promise<Won> {
  const rows = await tx.query(sql<{
    currency: string
    deals: number
    amountMinor: number
    uncreditedDeals: number
    uncreditedMinor: number
    dealsWithoutAmount: number
  }>`
    select currency, count(*) as deals, sum(amount_minor)::bigint as amount_minor,
      count(*) filter (where touches = 0) as uncredited_deals,
      coalesce(sum(amount_minor) filter (where touches = 0), 0)::bigint as uncredited_minor,
      count(*) filter (where not has_amount) as deals_without_amount
    from ${ledgerTable('attribution_deals', lens)}
    where window_days = ${lens.windowDays} ${inPeriod(lens)} ${also}
    group by currency order by currency`)
  const none = {
    deals: 0,
    amountMinor: 0,
    uncreditedDeals: 0,
    uncreditedMinor: 0,
    dealsWithoutAmount: 0,
  }
  const own = rows.find((row) => row.currency === lens.answer.currency) ?? none
  const baselineMinor = lens.hasBaseline ? await sumBaseline(tx, lens, also) : 0
  return {
    wonMinor: own.amountMinor,
    wonDeals: own.deals,
    creditedMinor: own.amountMinor - own.uncreditedMinor - baselineMinor,
    creditedDeals: own.deals - own.uncreditedDeals,
    uncreditedMinor: own.uncreditedMinor,
    uncreditedDeals: own.uncreditedDeals,
    baselineMinor,
    uncreditedShare: own.amountMinor === 0 ? null : own.uncreditedMinor / own.amountMinor,
    dealsWithoutAmount: own.dealsWithoutAmount,
    otherCurrencies: rows
      .filter((row) => row.currency !== lens.answer.currency)
      .map(({ currency, deals, amountMinor }) => ({ currency, deals, amountMinor })),
  }
}

async function sumBaseline(
  tx: Transaction,
  lens: Lens,
  also: RawBuilder<unknown>,
): Promise<number> {
  const row = await tx.find(sql<{ amountMinor: number }>`
    select coalesce(sum(amount_minor), 0)::bigint as amount_minor from ${ledgerTable('credit_totals', lens)}
    where kind = 'baseline' and model = ${lens.answer.model} and window_days = ${lens.windowDays}
      and currency = ${lens.answer.currency} ${inPeriod(lens)} ${also}`)
  return row!.amountMinor
}
