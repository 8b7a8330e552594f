import { sql } from 'kysely'
import { newId } from '#core/id.ts'
import { DAY_MS } from '#core/time.ts'
import type { SystemTransaction, Transaction } from '#store/store.ts'
import type { KnownAlert } from './alert.rules.ts'
import type { Alert } from './alert.schema.ts'
import type { AlertFacts } from './notice.rules.ts'
import type { Finding, Watch } from './watch.ts'

/** Longer than any watch takes what comes back for the same. */
const RECENT_MS = DAY_MS
const MAX_KNOWN = 10_000

/** Alerts that are open, and those that are over for less than a day. */
export function listKnown(tx: Transaction, now: Date): Promise<KnownAlert[]> {
  return tx.query(sql<KnownAlert>`
    select id, watch, key, state, since, resolved_at from alerts
    where state in ('waiting', 'firing') or (state = 'resolved' and resolved_at > ${new Date(now.getTime() - RECENT_MS)})
    order by id limit ${MAX_KNOWN}`)
}

export interface NewAlert {
  watch: Watch
  finding: Finding
  state: 'waiting' | 'firing'
}

/** Adds alerts. @returns their ids, in order. */
export async function insertAlerts(
  tx: Transaction,
  alerts: readonly NewAlert[],
  now: Date,
): Promise<string[]> {
  if (alerts.length === 0) return []
  const rows = alerts.map(({ watch, finding, state }) => ({
    ...finding,
    id: newId('alr'),
    watch: watch.name,
    title: watch.title,
    severity: watch.severity,
    ownerRole: watch.role,
    state,
    firedAt: state === 'firing' ? now : null,
    openings: state === 'firing' ? 1 : 0,
  }))
  await tx.execute(sql`
    insert into alerts (id, watch, key, title, severity, owner_role, summary, link, values, state, since, fired_at,
      last_seen_at, openings)
    select id, watch, key, title, severity, "ownerRole", left(summary, 500), left(link, 500), values, state, ${now},
      "firedAt", ${now}, openings
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(id text, watch text, key text, title text, severity text,
      "ownerRole" text, summary text, link text, values jsonb, state text, "firedAt" timestamptz, openings integer)`)
  return rows.map(({ id }) => id)
}

/** What waited has lasted: it fires, with what is found of it now. */
export async function fireAlerts(
  tx: Transaction,
  alerts: readonly { id: string; finding: Finding }[],
  now: Date,
): Promise<void> {
  if (alerts.length === 0) return
  const rows = alerts.map(({ id, finding }) => ({ ...finding, id }))
  await tx.execute(sql`
    update alerts a set state = 'firing', fired_at = ${now}, last_seen_at = ${now}, openings = 1,
      summary = left(r.summary, 500), link = left(r.link, 500), values = r.values, version = a.version + 1
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(id text, summary text, link text, values jsonb)
    where a.id = r.id`)
}

export async function reopenAlerts(
  tx: Transaction,
  ids: readonly string[],
  now: Date,
): Promise<void> {
  if (ids.length === 0) return
  await tx.execute(sql`
    update alerts set state = 'firing', resolved_at = null, last_seen_at = ${now}, openings = openings + 1,
      version = version + 1
    where id = any(${[...ids]}::text[])`)
}

export async function resolveAlerts(
  tx: Transaction,
  ids: readonly string[],
  now: Date,
): Promise<void> {
  if (ids.length === 0) return
  await tx.execute(sql`
    update alerts set state = 'resolved', resolved_at = ${now}, version = version + 1
    where id = any(${[...ids]}::text[])`)
}

export async function forgetAlerts(tx: Transaction, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await tx.execute(
    sql`delete from alerts where id = any(${[...ids]}::text[]) and state = 'waiting'`,
  )
}

export async function noteSeen(tx: Transaction, ids: readonly string[], now: Date): Promise<void> {
  if (ids.length === 0) return
  await tx.execute(sql`update alerts set last_seen_at = ${now} where id = any(${[...ids]}::text[])`)
}

export interface HistoryEntry {
  alertId: string
  what: 'fired' | 'resolved' | 'reopened' | 'acknowledged'
  by?: string
  note?: string | null
}

/** @returns the ids of the entries, in order. */
export async function insertHistory(
  tx: Transaction,
  entries: readonly HistoryEntry[],
  now: Date,
): Promise<string[]> {
  if (entries.length === 0) return []
  const rows = entries.map((entry) => ({ ...entry, id: newId('alh') }))
  await tx.execute(sql`
    insert into alert_history (id, alert_id, what, at, by, note)
    select id, "alertId", what, ${now}, by, note from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as r(id text, "alertId" text, what text, by text, note text)`)
  return rows.map(({ id }) => id)
}

export function readFacts(tx: Transaction, ids: readonly string[]): Promise<AlertFacts[]> {
  return tx.query(sql<AlertFacts>`
    select id, watch, key, severity, title, summary, link, values, fired_at, resolved_at from alerts
    where id = any(${[...ids]}::text[]) order by id`)
}

const columns = sql`a.id, a.watch, a.key, a.title, a.severity, a.owner_role, a.summary, a.link, a.values, a.state, a.since,
  a.fired_at, a.resolved_at, a.last_seen_at, a.openings, a.acknowledged_at, a.acknowledged_by, a.note, a.version`

type AlertRow = Omit<Alert, 'messages'> & Alert['messages']

export interface AlertFilter {
  id?: string
  status: 'open' | 'acknowledged' | 'resolved' | 'waiting' | 'all'
  watch?: string | undefined
  severity?: string | undefined
  ownerRole?: string | undefined
}

const states: Record<AlertFilter['status'], readonly string[]> = {
  open: ['firing'],
  acknowledged: ['firing'],
  resolved: ['resolved'],
  waiting: ['waiting'],
  all: ['waiting', 'firing', 'resolved'],
}

/** Alerts, the newest first, with how their messages fare. */
export async function listAlerts(
  tx: Transaction,
  { id, status, watch, severity, ownerRole }: AlertFilter,
  before: string | null,
  limit: number,
  now: Date,
): Promise<Alert[]> {
  const rows = await tx.query(sql<AlertRow>`
    select ${columns}, u.until as muted_until, coalesce(m.delivered, 0) as delivered, coalesce(m.pending, 0) as pending,
      coalesce(m.failed, 0) as failed, m.last_error
    from alerts a
    left join lateral (
      select max(u.until) as until from alert_mutes u
      where u.watch = a.watch and coalesce(u.key, a.key) = a.key and u.until > ${now}) u on true
    left join lateral (
      select (count(*) filter (where state = 'delivered'))::int as delivered,
        (count(*) filter (where state = 'pending'))::int as pending,
        (count(*) filter (where state = 'failed'))::int as failed,
        max(last_error) filter (where state in ('pending', 'failed')) as last_error
      from alert_messages where alert_id = a.id) m on true
    where a.state = any(${[...states[status]]}::text[]) and (${before}::text is null or a.id < ${before})
      and (${id ?? null}::text is null or a.id = ${id ?? null})
      and (${status} <> 'acknowledged' or a.acknowledged_at is not null)
      and (${watch ?? null}::text is null or a.watch = ${watch ?? null})
      and (${severity ?? null}::text is null or a.severity = ${severity ?? null})
      and (${ownerRole ?? null}::text is null or a.owner_role = ${ownerRole ?? null})
    order by a.id desc limit ${limit}`)
  return rows.map(({ delivered, pending, failed, lastError, ...row }) => ({
    ...row,
    messages: { delivered, pending, failed, lastError },
  }))
}

export function listHistory(
  tx: Transaction,
  alertId: string,
): Promise<{ what: HistoryEntry['what']; at: Date; by: string | null; note: string | null }[]> {
  return tx.query(sql`
    select what, at, by, note from alert_history where alert_id = ${alertId} order by id desc limit 200`)
}

export async function acknowledge(
  tx: Transaction,
  id: string,
  { by, note }: { by: string; note: string | null },
  now: Date,
): Promise<void> {
  await tx.execute(sql`
    update alerts set acknowledged_at = ${now}, acknowledged_by = ${by}, note = ${note}, version = version + 1
    where id = ${id}`)
}

export function listWorkspaces(
  tx: SystemTransaction,
  after: string,
  limit: number,
): Promise<{ id: string }[]> {
  return tx.query(sql<{ id: string }>`
    select id from workspaces where id > ${after} order by id limit ${limit}`)
}

export async function readWorkspaceName(tx: Transaction): Promise<string> {
  const row = await tx.find(sql<{ name: string }>`
    select name from workspaces where id = ${tx.workspaceId}`)
  return row?.name ?? ''
}

/** Lets go of alerts that were over before `before`, and of mutes that had ended by then. */
export async function deleteOld(tx: SystemTransaction, before: Date): Promise<void> {
  await tx.execute(sql`delete from alerts where state = 'resolved' and resolved_at < ${before}`)
  await tx.execute(sql`delete from alert_mutes where until < ${before}`)
}
