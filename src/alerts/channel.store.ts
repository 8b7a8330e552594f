import { sql } from 'kysely'
import type { Transaction } from '#store/store.ts'
import type { Channel } from './channel.schema.ts'
import type { Route } from './route.rules.ts'

/** Whom a channel reaches; in the clear here and nowhere else. */
export type Target =
  | { kind: 'email'; to: string[] }
  | { kind: 'slack'; url: string }
  | { kind: 'webhook'; url: string; secret: string }

const targetContext = (id: string) => `alert_channels.target:${id}`

type ChannelRow = Omit<Channel, 'to' | 'url'> & { target: Buffer }

const columns = sql`c.id, c.name, c.kind, c.target, c.state, c.disabled_reason, c.min_severity, c.watches,
  to_char(c.quiet_from, 'HH24:MI') as quiet_from, to_char(c.quiet_to, 'HH24:MI') as quiet_to, c.failing_since,
  c.created_at, c.updated_at, c.version,
  (select count(*)::int from alert_messages m where m.channel_id = c.id and m.state = 'pending') as pending,
  (select count(*)::int from alert_messages m where m.channel_id = c.id and m.state = 'failed') as failed,
  (select m.last_error from alert_messages m where m.channel_id = c.id and m.state in ('pending', 'failed')
    and m.last_error is not null order by m.id limit 1) as last_error`

function viewOf(tx: Transaction, { target: sealed, ...row }: ChannelRow): Channel {
  const target = tx.sealer.open<Target>(sealed, targetContext(row.id))
  return {
    ...row,
    to: target.kind === 'email' ? target.to : null,
    url: target.kind === 'email' ? null : shownUrl(target),
  }
}

/** What leads into a chat system is a secret by itself. */
function shownUrl({ kind, url }: { kind: 'slack' | 'webhook'; url: string }): string {
  return kind === 'webhook' ? url : new URL(url).origin
}

export async function listChannels(
  tx: Transaction,
  after: string,
  limit: number,
): Promise<Channel[]> {
  const rows = await tx.query(sql<ChannelRow>`
    select ${columns} from alert_channels c where c.id > ${after} order by c.id limit ${limit}`)
  return rows.map((row) => viewOf(tx, row))
}

export async function findChannel(tx: Transaction, id: string): Promise<Channel | null> {
  const row = await tx.find(
    sql<ChannelRow>`select ${columns} from alert_channels c where c.id = ${id}`,
  )
  return row && viewOf(tx, row)
}

export async function countChannels(tx: Transaction): Promise<number> {
  const row = await tx.find(
    sql<{ channels: number }>`select count(*)::int as channels from alert_channels`,
  )
  return row?.channels ?? 0
}

export interface ChannelSettings {
  name: string
  minSeverity: Channel['minSeverity']
  watches: readonly string[]
  quietFrom: string | null
  quietTo: string | null
}

/** Adds a channel; false when the workspace has one of this name. */
export async function insertChannel(
  tx: Transaction,
  id: string,
  settings: ChannelSettings,
  target: Target,
  now: Date,
): Promise<boolean> {
  const { name, minSeverity, watches, quietFrom, quietTo } = settings
  const rows = await tx.execute(sql`
    insert into alert_channels (id, name, kind, target, min_severity, watches, quiet_from, quiet_to, created_at, updated_at)
    values (${id}, ${name}, ${target.kind}, ${tx.sealer.seal(target, targetContext(id))}, ${minSeverity},
      ${[...watches]}, ${quietFrom}::time, ${quietTo}::time, ${now}, ${now})
    on conflict (workspace_id, name) do nothing`)
  return rows === 1
}

/** Writes the settings and, when given, whom it reaches. False when another channel has the name. */
export async function updateChannel(
  tx: Transaction,
  id: string,
  settings: ChannelSettings & { state: Channel['state']; disabledReason: string | null },
  target: Target | null,
  now: Date,
): Promise<boolean> {
  const { name, minSeverity, watches, quietFrom, quietTo, state, disabledReason } = settings
  const sealed = target && tx.sealer.seal(target, targetContext(id))
  const rows = await tx.execute(sql`
    update alert_channels set name = ${name}, min_severity = ${minSeverity}, watches = ${[...watches]},
      quiet_from = ${quietFrom}::time, quiet_to = ${quietTo}::time, state = ${state}, disabled_reason = ${disabledReason},
      target = coalesce(${sealed}::bytea, target), updated_at = ${now}, version = version + 1
    where id = ${id}
      and not exists (select 1 from alert_channels o where o.name = ${name} and o.id <> ${id})`)
  return rows === 1
}

export async function deleteChannel(tx: Transaction, id: string): Promise<void> {
  await tx.execute(sql`delete from alert_channels where id = ${id}`)
}

/** Who may have to be told. */
export function listRoutes(tx: Transaction): Promise<Route[]> {
  return tx.query(sql<Route>`
    select id, min_severity, watches from alert_channels where state = 'enabled' order by id limit 200`)
}

export async function openTarget(
  tx: Transaction,
  id: string,
): Promise<{ state: Channel['state']; target: Target } | null> {
  const row = await tx.find(sql<{ state: Channel['state']; target: Buffer }>`
    select state, target from alert_channels where id = ${id}`)
  return (
    row && {
      state: row.state,
      target: tx.sealer.open<Target>(row.target, targetContext(id)),
    }
  )
}

/** Switches a channel off whose receiver said that it is gone for good. */
export async function disableChannel(
  tx: Transaction,
  id: string,
  reason: string,
  now: Date,
): Promise<void> {
  await tx.execute(sql`
    update alert_channels set state = 'disabled', disabled_reason = ${reason}, updated_at = ${now}, version = version + 1
    where id = ${id}`)
}
