import { sql } from 'kysely'
import type { Queries, Transaction } from '#store/store.ts'
import type { ReadBack } from './connection.schema.ts'

export type ConnectionState = 'active' | 'needs_login' | 'paused'

export interface ConnectionRow {
  id: string
  vendor: string
  name: string
  account: string | null
  state: ConnectionState
  dailyCalls: number | null
  callDayZone: string
  livePercent: number
  planAbove: number | null
  readBack: ReadBack
  credentialsAt: Date | null
  /** A calendar date. */
  credentialsEndOn: string | null
  createdAt: Date
  updatedAt: Date
  version: number
}

const columns = sql.raw(
  `id, vendor, name, account, state, daily_calls, call_day_zone, live_percent, plan_above, read_back, credentials_at,
  credentials_end_on::text, created_at, updated_at, version`,
)

function settingsContext(id: string): string {
  return `connections.settings:${id}`
}

export function findConnection(tx: Queries, id: string): Promise<ConnectionRow | null> {
  return tx.find(sql<ConnectionRow>`select ${columns} from connections where id = ${id}`)
}

/** A page of connections in the order of their creation, one row more than `limit` when there are more. */
export function listConnections(
  tx: Transaction,
  limit: number,
  afterId: string,
): Promise<ConnectionRow[]> {
  return tx.query(sql<ConnectionRow>`
    select ${columns} from connections where id > ${afterId} order by id limit ${limit + 1}`)
}

/** Adds the connection and its lease; false when the workspace has one of this name. */
export async function insertConnection(
  tx: Transaction,
  connection: ConnectionRow,
  settings: Record<string, unknown>,
): Promise<boolean> {
  const { id, vendor, name, account, state, callDayZone, livePercent, planAbove, readBack } =
    connection
  const { credentialsAt, credentialsEndOn, createdAt } = connection
  const rows = await tx.execute(sql`
    insert into connections (id, vendor, name, settings, account, state, call_day_zone, live_percent, plan_above, read_back,
      credentials_at, credentials_end_on, created_at, updated_at)
    values (${id}, ${vendor}, ${name}, ${tx.sealer.seal(settings, settingsContext(id))}, ${account}, ${state}, ${callDayZone},
      ${livePercent}, ${planAbove}, ${readBack}, ${credentialsAt}, ${credentialsEndOn}::date, ${createdAt}, ${createdAt})
    on conflict (workspace_id, name) do nothing`)
  if (rows === 1) await tx.execute(sql`insert into sync_leases (connection_id) values (${id})`)
  return rows === 1
}

/** The settings in the clear, credentials among them. `lock` keeps the row for the change that follows. */
export async function readSettings(
  tx: Transaction,
  id: string,
  lock: 'lock' | 'read' = 'read',
): Promise<Record<string, unknown> | null> {
  const row = await tx.find(sql<{ settings: Buffer }>`
    select settings from connections where id = ${id} ${lock === 'lock' ? sql`for no key update` : sql``}`)
  return row && tx.sealer.open<Record<string, unknown>>(row.settings, settingsContext(id))
}

/** Writes what is given; false when the new name is taken. */
export async function updateConnection(
  tx: Transaction,
  id: string,
  changes: {
    name?: string | undefined
    state?: ConnectionState | undefined
    account?: string | undefined
    settings?: Record<string, unknown> | undefined
    dailyCalls?: number | null | undefined
    callDayZone?: string | undefined
    livePercent?: number | undefined
    planAbove?: number | null | undefined
    readBack?: ReadBack | undefined
    credentialsAt?: Date | undefined
    credentialsEndOn?: string | null | undefined
  },
  now: Date,
): Promise<boolean> {
  const settings = changes.settings ? tx.sealer.seal(changes.settings, settingsContext(id)) : null
  const rows = await tx.execute(sql`
    update connections
    set name = coalesce(${changes.name ?? null}, name), state = coalesce(${changes.state ?? null}, state),
      account = coalesce(${changes.account ?? null}, account), settings = coalesce(${settings}::bytea, settings),
      daily_calls = case when ${changes.dailyCalls !== undefined}::boolean then ${changes.dailyCalls ?? null}::integer else daily_calls end,
      plan_above = case when ${changes.planAbove !== undefined}::boolean then ${changes.planAbove ?? null}::integer else plan_above end,
      call_day_zone = coalesce(${changes.callDayZone ?? null}, call_day_zone),
      live_percent = coalesce(${changes.livePercent ?? null}, live_percent), read_back = coalesce(${changes.readBack ?? null}, read_back),
      credentials_at = coalesce(${changes.credentialsAt ?? null}::timestamptz, credentials_at),
      credentials_end_on = case when ${changes.credentialsEndOn !== undefined}::boolean then ${changes.credentialsEndOn ?? null}::date
        else credentials_end_on end,
      updated_at = ${now}, version = version + 1
    where id = ${id} and not exists
      (select 1 from connections other where other.name = ${changes.name ?? null} and other.id <> ${id})`)
  return rows === 1
}

/** Removes the connection with its streams, runs, links and pending records; the records themselves stay. */
export async function deleteConnection(tx: Transaction, id: string): Promise<void> {
  await tx.execute(sql`delete from connections where id = ${id}`)
}

/** The vendor does not accept the credentials any more; false when that was known. */
export async function markNeedsLogin(tx: Transaction, id: string, now: Date): Promise<boolean> {
  const rows = await tx.execute(sql`
    update connections set state = 'needs_login', updated_at = ${now}, version = version + 1
    where id = ${id} and state = 'active'`)
  return rows === 1
}

/** What was last seen to at the vendor. */
export async function findPreparation(
  tx: Transaction,
  connectionId: string,
): Promise<string | null> {
  const row = await tx.find(sql<{ prepared: string | null }>`
    select prepared from connections where id = ${connectionId}`)
  return row?.prepared ?? null
}

export async function keepPreparation(
  tx: Transaction,
  connectionId: string,
  done: string,
): Promise<void> {
  await tx.execute(sql`update connections set prepared = ${done} where id = ${connectionId}`)
}
