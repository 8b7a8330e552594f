import { sql } from 'kysely'
import type { SystemTransaction, Transaction } from '#store/store.ts'

/** A message on its way. */
export interface Claim {
  id: string
  alertId: string | null
  notice: string
  /** With the one that is about to be made. */
  attempts: number
}

export interface NewMessage {
  id: string
  channelId: string
  alertId: string | null
  historyId: string | null
  kind: 'fired' | 'resolved' | 'test'
  notice: string
  dueAt: Date
}

/**
 * Whether a message is held back: its alert is muted, or the channel has quiet hours and it is not critical.
 * Speaks of the message `m`, its channel `c`, its alert `a` (null for a test) and the workspace `w`.
 */
function isHeld(now: Date) {
  const time = sql`(${now}::timestamptz at time zone w.time_zone)::time`
  return sql`coalesce(
    exists (
      select 1 from alert_mutes u where u.workspace_id = m.workspace_id and u.watch = a.watch
        and coalesce(u.key, a.key) = a.key and u.until > ${now})
    or (a.severity <> 'critical' and c.quiet_from is not null and case when c.quiet_from <= c.quiet_to
      then ${time} >= c.quiet_from and ${time} < c.quiet_to
      else ${time} >= c.quiet_from or ${time} < c.quiet_to end), false)`
}

const around = sql`
  join alert_channels c on c.id = m.channel_id join workspaces w on w.id = m.workspace_id
  left join alerts a on a.id = m.alert_id`

/** A channel is told of a change once: a second message of the same change is not kept. */
export async function insertMessages(
  tx: Transaction,
  messages: readonly NewMessage[],
  now: Date,
): Promise<void> {
  if (messages.length === 0) return
  await tx.execute(sql`
    insert into alert_messages (id, channel_id, alert_id, history_id, kind, notice, due_at, created_at)
    select id, "channelId", "alertId", "historyId", kind, notice, "dueAt", ${now}
    from jsonb_to_recordset(${JSON.stringify(messages)}::jsonb) as r(id text, "channelId" text, "alertId" text,
      "historyId" text, kind text, notice text, "dueAt" timestamptz)
    on conflict (channel_id, history_id) do nothing`)
}

/** Who was told, or is to be told, that these alerts fired. `isUnheard`: it is held back and was never tried. */
export function listTold(
  tx: Transaction,
  alertIds: readonly string[],
  now: Date,
): Promise<{ id: string; channelId: string; alertId: string; isUnheard: boolean }[]> {
  return tx.query(sql<{ id: string; channelId: string; alertId: string; isUnheard: boolean }>`
    select m.id, m.channel_id, m.alert_id, (m.state = 'pending' and m.attempts = 0 and ${isHeld(now)}) as is_unheard
    from alert_messages m ${around}
    where m.alert_id = any(${[...alertIds]}::text[]) and m.kind = 'fired' and m.state <> 'skipped'
    order by m.id`)
}

export async function skipMessages(tx: Transaction, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await tx.execute(sql`
    update alert_messages set state = 'skipped', due_at = null where id = any(${[...ids]}::text[])`)
}

/**
 * These alerts are back: that they were over is not told any more, and who was not told that they began is told now.
 */
export async function retractResolved(
  tx: Transaction,
  alertIds: readonly string[],
  now: Date,
): Promise<void> {
  if (alertIds.length === 0) return
  await tx.execute(sql`
    update alert_messages m set state = case m.kind when 'resolved' then 'skipped' else 'pending' end,
      due_at = case m.kind when 'resolved' then null else ${now}::timestamptz end
    where m.alert_id = any(${[...alertIds]}::text[]) and m.attempts = 0
      and ((m.kind = 'resolved' and m.state = 'pending') or (m.kind = 'fired' and m.state = 'skipped'))`)
}

/**
 * Takes due messages of a channel, the oldest first, and keeps others from them until `until`: a process that dies on the
 * way leaves them due again then, under the same id. What came before about the same alert goes first.
 */
export function claimDue(
  tx: Transaction,
  channelId: string,
  limit: number,
  now: Date,
  until: Date,
): Promise<Claim[]> {
  return tx.query(sql<Claim>`
    with due as (
      select m.id from alert_messages m ${around}
      where m.channel_id = ${channelId} and m.state = 'pending' and m.due_at <= ${now} and not ${isHeld(now)}
        and not exists (
          select 1 from alert_messages e
          where e.channel_id = m.channel_id and e.alert_id = m.alert_id and e.state = 'pending' and e.id < m.id)
      order by m.due_at, m.id limit ${limit} for update of m skip locked
    )
    update alert_messages m set attempts = m.attempts + 1, due_at = ${until}
    from due where m.id = due.id
    returning m.id, m.alert_id, m.notice, m.attempts`)
}

export interface Settlement {
  id: string
  state: 'pending' | 'delivered' | 'failed'
  dueAt: Date | null
  status: number | null
  error: string | null
}

/** Writes what became of claimed messages, and how the channel fares. */
export async function settleClaims(
  tx: Transaction,
  channelId: string,
  settled: readonly Settlement[],
  now: Date,
): Promise<void> {
  const isReached = settled.some(({ state }) => state === 'delivered')
  await tx.execute(sql`
    with fared as (
      update alert_channels set failing_since = ${isReached ? null : sql`coalesce(failing_since, ${now})`}
      where id = ${channelId} and (failing_since is null) <> ${isReached}
    )
    update alert_messages m set state = r.state, due_at = r."dueAt", last_attempt_at = ${now}, last_status = r.status,
      last_error = r.error, delivered_at = case when r.state = 'delivered' then ${now}::timestamptz end
    from jsonb_to_recordset(${JSON.stringify(settled)}::jsonb) as r(id text, state text, "dueAt" timestamptz,
      status integer, error text)
    where m.id = r.id`)
}

/** Holds everything else of a channel back that asked for fewer requests. */
export async function holdBack(tx: Transaction, channelId: string, until: Date): Promise<void> {
  await tx.execute(sql`
    update alert_messages set due_at = ${until}
    where channel_id = ${channelId} and state = 'pending' and due_at < ${until}`)
}

/** Enabled channels with something due that nothing holds back, in every workspace. */
export function listDueChannels(
  tx: SystemTransaction,
  now: Date,
  limit: number,
): Promise<{ workspaceId: string; channelId: string }[]> {
  return tx.query(sql<{ workspaceId: string; channelId: string }>`
    select distinct m.workspace_id, m.channel_id from alert_messages m ${around}
    where c.state = 'enabled' and m.state = 'pending' and m.due_at <= ${now} and not ${isHeld(now)}
    order by m.channel_id limit ${limit}`)
}

/** Makes messages that were given up due again, from their first attempt on. @returns how many. */
export function retryFailed(tx: Transaction, channelId: string, now: Date): Promise<number> {
  return tx.execute(sql`
    update alert_messages set state = 'pending', attempts = 0, due_at = ${now}
    where channel_id = ${channelId} and state = 'failed'`)
}

export interface SentRow {
  messageId: `msg_${string}`
  channelId: `alc_${string}`
  channel: string
  kind: NewMessage['kind']
  state: 'pending' | 'delivered' | 'failed' | 'skipped'
  attempts: number
  dueAt: Date | null
  lastStatus: number | null
  lastError: string | null
  deliveredAt: Date | null
}

export function listSent(tx: Transaction, alertId: string): Promise<SentRow[]> {
  return tx.query(sql<SentRow>`
    select m.id as message_id, m.channel_id, c.name as channel, m.kind, m.state, m.attempts, m.due_at, m.last_status,
      m.last_error, m.delivered_at
    from alert_messages m join alert_channels c on c.id = m.channel_id
    where m.alert_id = ${alertId} order by m.id desc limit 100`)
}
