import { sql } from 'kysely'
import { expiryOf } from '#access/device.rules.ts'
import type { Queries, SystemTransaction, Transaction } from '#store/store.ts'

/** Whether this person signed in from the browser of this cookie before. */
export async function isDeviceOf(
  tx: SystemTransaction,
  tokenHash: Buffer,
  userId: string,
  now: Date,
): Promise<boolean> {
  const row = await tx.find(sql<{ n: number }>`
    select count(*)::int as n from user_devices
    where token_hash = ${tokenHash} and user_id = ${userId} and expires_at > ${now}`)
  return row?.n === 1
}

/** Whether the hub gave this cookie to a browser and still knows it, whoever signed in there. */
export async function isDevice(
  tx: SystemTransaction,
  tokenHash: Buffer,
  now: Date,
): Promise<boolean> {
  const row = await tx.find(sql<{ isThere: boolean }>`
    select exists (select from user_devices where token_hash = ${tokenHash} and expires_at > ${now}) as is_there`)
  return row?.isThere === true
}

export interface DeviceSignIn {
  /** Of the row, if the device is new. */
  id: string
  tokenHash: Buffer
  workspaceId: string
  userId: string
  name: string
  now: Date
  /** The methods, where they confirm the device. */
  confirmedBy: readonly string[] | null
}

/**
 * Keeps that somebody signed in from a browser.
 * @returns the device, and how many others the person had before.
 */
export async function keepDevice(
  tx: SystemTransaction,
  { id, tokenHash, workspaceId, userId, name, now, confirmedBy }: DeviceSignIn,
): Promise<{ id: string; isNew: boolean; others: number }> {
  const confirmedAt = confirmedBy === null ? null : now
  const row = await tx.find(sql<{ id: string; others: number }>`
    insert into user_devices as d
      (id, token_hash, workspace_id, user_id, name, created_at, last_seen_at, expires_at, confirmed_at, confirmed_by)
    values (${id}, ${tokenHash}, ${workspaceId}, ${userId}, ${name}, ${now}, ${now}, ${expiryOf(now)}, ${confirmedAt}, ${confirmedBy})
    on conflict (token_hash, user_id) do update set
      name = excluded.name, last_seen_at = excluded.last_seen_at, expires_at = excluded.expires_at,
      confirmed_at = coalesce(excluded.confirmed_at, d.confirmed_at), confirmed_by = coalesce(excluded.confirmed_by, d.confirmed_by)
    returning d.id, (
      select count(*)::int from user_devices o
      where o.user_id = ${userId} and o.token_hash <> ${tokenHash} and o.expires_at > ${now}) as others`)
  return { id: row?.id ?? id, isNew: row?.id === id, others: row?.others ?? 0 }
}

export async function confirmDevice(
  tx: Queries,
  deviceId: string,
  methods: readonly string[],
  now: Date,
): Promise<void> {
  await tx.execute(
    sql`update user_devices set confirmed_at = ${now}, confirmed_by = ${methods} where id = ${deviceId}`,
  )
}

export interface DeviceRow {
  id: string
  name: string
  createdAt: Date
  lastSeenAt: Date
  confirmedAt: Date | null
  confirmedBy: string[] | null
}

/** The devices of a user, the last seen first. */
export async function listDevices(
  tx: Transaction,
  userId: string,
  limit: number,
): Promise<DeviceRow[]> {
  return tx.query(sql<DeviceRow>`
    select id, name, created_at, last_seen_at, confirmed_at, confirmed_by from user_devices
    where user_id = ${userId} order by last_seen_at desc, id limit ${limit}`)
}

/** Forgets a device; false when it is none of this user. */
export async function deleteDevice(tx: Transaction, userId: string, id: string): Promise<boolean> {
  const touched = await tx.execute(
    sql`delete from user_devices where id = ${id} and user_id = ${userId}`,
  )
  return touched === 1
}

export async function deleteDevices(tx: Transaction, userId: string): Promise<void> {
  await tx.execute(sql`delete from user_devices where user_id = ${userId}`)
}
