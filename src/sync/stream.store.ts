import { sql } from 'kysely'
import type { Transaction } from '#store/store.ts'
import type { CallPriority } from './connection.schema.ts'
import type { FieldDirection } from './connector.ts'

export interface StreamViewRow {
  connectionId: string
  name: string
  entity: string
  direction: FieldDirection
  everyMinutes: number
  cadenceReason: string
  paused: boolean
  nextRunAt: Date
  lastRunAt: Date | null
  lastSuccessAt: Date | null
  reconciledAt: Date
  callPercent: number | null
  callPriority: CallPriority
  version: number
}

const columns = sql.raw(
  `connection_id, name, entity, direction, every_minutes, cadence_reason, paused, next_run_at, last_run_at,
  last_success_at, reconciled_at, call_percent, call_priority, version`,
)

/** The streams of a connection, in the order of a whole run. */
export function listStreams(tx: Transaction, connectionId: string): Promise<StreamViewRow[]> {
  return tx.query(sql<StreamViewRow>`
    select ${columns} from sync_streams where connection_id = ${connectionId} order by position, name`)
}

/** What the streams of a connection have of its calls, in percent. */
export async function sumShares(tx: Transaction, connectionId: string): Promise<number> {
  const row = await tx.find(sql<{ percent: number }>`
    select coalesce(sum(call_percent), 0)::int as percent from sync_streams where connection_id = ${connectionId}`)
  return row?.percent ?? 0
}

/**
 * Changes a stream. A new cadence counts from now: the next run comes after one of its intervals, or earlier when it was
 * due earlier.
 * @returns null when there is no such stream.
 */
export function updateStream(
  tx: Transaction,
  connectionId: string,
  name: string,
  changes: {
    paused?: boolean | undefined
    everyMinutes?: number | undefined
    cadenceReason?: string | undefined
    callPercent?: number | null | undefined
    callPriority?: CallPriority | undefined
  },
  now: Date,
): Promise<StreamViewRow | null> {
  const everyMinutes = changes.everyMinutes ?? null
  return tx.find(sql<StreamViewRow>`
    update sync_streams
    set paused = coalesce(${changes.paused ?? null}, paused),
      every_minutes = coalesce(${everyMinutes}, every_minutes),
      cadence_reason = coalesce(${changes.cadenceReason ?? null}, cadence_reason),
      next_run_at = case when ${everyMinutes}::integer is null then next_run_at
        else least(next_run_at, ${now}::timestamptz + ${everyMinutes} * interval '1 minute') end,
      call_percent = case when ${changes.callPercent !== undefined}::boolean then ${changes.callPercent ?? null}::smallint else call_percent end,
      call_priority = coalesce(${changes.callPriority ?? null}, call_priority),
      version = version + 1
    where connection_id = ${connectionId} and name = ${name}
    returning ${columns}`)
}
