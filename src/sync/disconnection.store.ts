import { sql } from 'kysely'
import type { SystemTransaction, Transaction } from '#store/store.ts'
import type { ConnectionRow } from './connection.store.ts'
import { pauseMs } from './disconnection.rules.ts'

export interface DisconnectionRow {
  connectionId: string
  vendor: string
  name: string
  address: string
  state: 'waiting' | 'by_hand'
  attempts: number
  nextAttemptAt: Date
  detail: string | null
  deletedAt: Date
}

/** With what it takes to ask the connected system. */
export interface TakenDisconnection extends DisconnectionRow {
  settings: Record<string, unknown>
}

const columns = sql.raw(
  'connection_id, vendor, name, address, state, attempts, next_attempt_at, detail, deleted_at',
)

function settingsContext(connectionId: string): string {
  return `sync_disconnections.settings:${connectionId}`
}

/** Keeps what it takes to take the connection's webhooks away, before the connection goes. */
export async function insertDisconnection(
  tx: Transaction,
  { id, vendor, name }: Pick<ConnectionRow, 'id' | 'vendor' | 'name'>,
  address: string,
  settings: Record<string, unknown>,
  { now, beginsAt }: { now: Date; beginsAt: Date },
): Promise<void> {
  await tx.execute(sql`
    insert into sync_disconnections (connection_id, vendor, name, address, settings, next_attempt_at, deleted_at)
    values (${id}, ${vendor}, ${name}, ${address}, ${tx.sealer.seal(settings, settingsContext(id))}, ${beginsAt}, ${now})`)
}

/** Those that are due, of all workspaces. */
export function listDueDisconnections(
  tx: SystemTransaction,
  now: Date,
  limit: number,
): Promise<{ workspaceId: string; connectionId: string }[]> {
  return tx.query(sql<{ workspaceId: string; connectionId: string }>`
    select workspace_id, connection_id from sync_disconnections
    where state = 'waiting' and next_attempt_at <= ${now} order by next_attempt_at limit ${limit}`)
}

export function listDisconnections(
  tx: Transaction,
  limit: number,
  afterId: string,
): Promise<DisconnectionRow[]> {
  return tx.query(sql<DisconnectionRow>`
    select ${columns} from sync_disconnections where connection_id > ${afterId} order by connection_id limit ${limit + 1}`)
}

/**
 * Begins a try and counts it, so that nobody else begins one and a process that dies in it has had it.
 * @returns null when it is done, not due yet, or another's.
 */
export async function takeDisconnection(
  tx: Transaction,
  connectionId: string,
  now: Date,
): Promise<TakenDisconnection | null> {
  const row = await tx.find(sql<DisconnectionRow & { settings: Buffer }>`
    select ${columns}, settings from sync_disconnections
    where connection_id = ${connectionId} and state = 'waiting' and next_attempt_at <= ${now} for update`)
  if (!row) return null
  const attempts = row.attempts + 1
  await tx.execute(sql`
    update sync_disconnections set attempts = ${attempts}, next_attempt_at = ${new Date(now.getTime() + pauseMs(attempts))}
    where connection_id = ${connectionId}`)
  const settings = tx.sealer.open<Record<string, unknown>>(
    row.settings,
    settingsContext(connectionId),
  )
  return { ...row, attempts, settings }
}

/** Keeps changed settings, such as a rotated refresh token; false when nothing is kept of this connection. */
export async function keepDisconnectionSettings(
  tx: Transaction,
  connectionId: string,
  changes: Record<string, unknown>,
): Promise<boolean> {
  const row = await tx.find(sql<{ settings: Buffer }>`
    select settings from sync_disconnections where connection_id = ${connectionId} and state = 'waiting' for update`)
  if (!row) return false
  const context = settingsContext(connectionId)
  const known = tx.sealer.open<Record<string, unknown>>(row.settings, context)
  await tx.execute(sql`
    update sync_disconnections set settings = ${tx.sealer.seal({ ...known, ...changes }, context)}
    where connection_id = ${connectionId}`)
  return true
}

/** What the system said, and when it is asked again. */
export async function putOffDisconnection(
  tx: Transaction,
  connectionId: string,
  detail: string,
  nextAttemptAt: Date,
): Promise<void> {
  await tx.execute(sql`
    update sync_disconnections set detail = ${detail}, next_attempt_at = ${nextAttemptAt}
    where connection_id = ${connectionId} and state = 'waiting'`)
}

/** Leaves the webhooks to a person; the credentials go. False when that was known. */
export async function leaveToPeople(
  tx: Transaction,
  connectionId: string,
  detail: string,
): Promise<boolean> {
  const rows = await tx.execute(sql`
    update sync_disconnections set state = 'by_hand', settings = null, detail = ${detail}
    where connection_id = ${connectionId} and state = 'waiting'`)
  return rows === 1
}

/** Ends it, with all that was kept. Null when there is none. */
export function deleteDisconnection(
  tx: Transaction,
  connectionId: string,
): Promise<DisconnectionRow | null> {
  return tx.find(sql<DisconnectionRow>`
    delete from sync_disconnections where connection_id = ${connectionId} returning ${columns}`)
}
