import { sql } from 'kysely'
import type { SystemTransaction, Transaction } from '#store/store.ts'
import type { Delivery } from './webhook.schema.ts'

export interface Message {
  id: string
  event: string
  payload: string
  occurredAt: Date
}

/** A message on its way to one endpoint. */
export interface Claim {
  messageId: string
  event: string
  payload: string
  /** With the one that is about to be made. */
  attempts: number
}

export interface Settlement {
  messageId: string
  attemptId: string
  state: Delivery['state']
  at: Date
  nextAttemptAt: Date | null
  status: number | null
  error: string | null
  durationMs: number
}

/** Keeps messages and owes each to every enabled or resting endpoint that wants its event. @returns those endpoints. */
export async function insertMessages(
  tx: Transaction,
  messages: readonly Message[],
): Promise<string[]> {
  const rows = JSON.stringify(messages)
  const owed = await tx.query(sql<{ endpointId: string }>`
    with given as (
      select * from jsonb_to_recordset(${rows}::jsonb) as r(id text, event text, payload text, "occurredAt" timestamptz)
    ), wanted as (
      select g.*, e.id as endpoint_id from given g join webhook_endpoints e on exists (
        select 1 from unnest(e.events) as s
        where s = '*' or s = g.event or (s like '%.*' and starts_with(g.event, left(s, -1))))
    ), kept as (
      insert into webhook_messages (id, event, payload, occurred_at)
      select distinct id, event, payload, "occurredAt" from wanted returning id
    ), owed as (
      insert into webhook_deliveries (endpoint_id, message_id, next_attempt_at)
      select w.endpoint_id, w.id, w."occurredAt" from wanted w join kept k on k.id = w.id
      returning endpoint_id
    )
    select distinct endpoint_id from owed`)
  return owed.map(({ endpointId }) => endpointId)
}

/**
 * Takes due messages of an endpoint, oldest first, and keeps others from them until `until`: a process that dies on the
 * way leaves them due again then, under the same message id.
 */
export async function claimDue(
  tx: Transaction,
  endpointId: string,
  limit: number,
  now: Date,
  until: Date,
): Promise<Claim[]> {
  return tx.query(sql<Claim>`
    with due as (
      select d.message_id from webhook_deliveries d
      where d.endpoint_id = ${endpointId} and d.state = 'pending' and d.next_attempt_at <= ${now}
      order by d.next_attempt_at, d.message_id limit ${limit} for update skip locked
    )
    update webhook_deliveries d set attempts = d.attempts + 1, next_attempt_at = ${until}
    from due join webhook_messages m on m.id = due.message_id
    where d.endpoint_id = ${endpointId} and d.message_id = due.message_id
    returning d.message_id, m.event, m.payload, d.attempts`)
}

/** Writes what became of claimed messages, the log of attempts, and how the endpoint fares. */
export async function settleClaims(
  tx: Transaction,
  endpointId: string,
  settled: readonly Settlement[],
  now: Date,
): Promise<void> {
  const rows = JSON.stringify(settled)
  const isReached = settled.some(({ state }) => state === 'delivered')
  await tx.execute(sql`
    with r as (
      select * from jsonb_to_recordset(${rows}::jsonb) as r("messageId" text, "attemptId" text, state text, at timestamptz,
        "nextAttemptAt" timestamptz, status integer, error text, "durationMs" integer)
    ), logged as (
      insert into webhook_attempts (id, endpoint_id, message_id, at, status, duration_ms, error)
      select "attemptId", ${endpointId}, "messageId", at, status, "durationMs", error from r
    ), fared as (
      update webhook_endpoints set failing_since = ${isReached ? null : sql`coalesce(failing_since, ${now})`}
      where id = ${endpointId} and (failing_since is null) <> ${isReached}
    )
    update webhook_deliveries d set state = r.state, next_attempt_at = r."nextAttemptAt", last_attempt_at = r.at,
      last_status = r.status, last_error = r.error, delivered_at = case when r.state = 'delivered' then r.at end
    from r where d.endpoint_id = ${endpointId} and d.message_id = r."messageId"`)
}

/** Holds everything else of an endpoint back that asked for fewer requests. */
export async function holdBack(tx: Transaction, endpointId: string, until: Date): Promise<void> {
  await tx.execute(sql`
    update webhook_deliveries set next_attempt_at = ${until}
    where endpoint_id = ${endpointId} and state = 'pending' and next_attempt_at < ${until}`)
}

/** Enabled endpoints with something due, in every workspace. */
export async function listDueEndpoints(
  tx: SystemTransaction,
  now: Date,
  limit: number,
): Promise<{ workspaceId: string; endpointId: string }[]> {
  return tx.query(sql<{ workspaceId: string; endpointId: string }>`
    select e.workspace_id, e.id as endpoint_id from webhook_endpoints e
    where e.state = 'enabled' and exists (
      select 1 from webhook_deliveries d where d.endpoint_id = e.id and d.state = 'pending' and d.next_attempt_at <= ${now})
    order by e.id limit ${limit}`)
}

export async function listDeliveries(
  tx: Transaction,
  filter: { endpointId: string; state?: string | undefined; event?: string | undefined },
  before: string | null,
  limit: number,
): Promise<Delivery[]> {
  return tx.query(sql<Delivery>`
    select d.message_id, m.event, m.occurred_at, d.state, d.attempts, d.next_attempt_at, d.last_attempt_at, d.last_status,
      d.last_error, d.delivered_at
    from webhook_deliveries d join webhook_messages m on m.id = d.message_id
    where d.endpoint_id = ${filter.endpointId} and (${before}::text is null or d.message_id < ${before})
      and (${filter.state ?? null}::text is null or d.state = ${filter.state ?? null})
      and (${filter.event ?? null}::text is null or m.event = ${filter.event ?? null})
    order by d.message_id desc limit ${limit}`)
}

export async function findPayload(
  tx: Transaction,
  endpointId: string,
  messageId: string,
): Promise<{
  payload: string
  log: { at: Date; status: number | null; durationMs: number; error: string | null }[]
} | null> {
  const message = await tx.find(sql<{ payload: string }>`
    select m.payload from webhook_messages m join webhook_deliveries d on d.message_id = m.id
    where d.endpoint_id = ${endpointId} and m.id = ${messageId}`)
  if (!message) return null
  const log = await tx.query(sql<{
    at: Date
    status: number | null
    durationMs: number
    error: string | null
  }>`
    select at, status, duration_ms, error from webhook_attempts
    where endpoint_id = ${endpointId} and message_id = ${messageId} order by id desc limit 50`)
  return { ...message, log }
}

/** Makes deliveries due again, from their first attempt on; those that are pending stay as they are. @returns how many. */
export async function replayDeliveries(
  tx: Transaction,
  endpointId: string,
  which: {
    messageIds?: readonly string[] | undefined
    since?: Date | undefined
    until?: Date | undefined
  },
  now: Date,
): Promise<number> {
  const { since = now, until } = which
  const before = until === undefined ? sql`` : sql`and occurred_at < ${until}`
  const chosen =
    which.messageIds === undefined
      ? sql`state = 'failed' and message_id in (select id from webhook_messages where occurred_at >= ${since} ${before})`
      : sql`message_id = any(${[...which.messageIds]})`
  return tx.execute(sql`
    update webhook_deliveries set state = 'pending', attempts = 0, next_attempt_at = ${now}, delivered_at = null
    where endpoint_id = ${endpointId} and state <> 'pending' and ${chosen}`)
}

/** Owes a message to this endpoint alone, whatever it wants to hear of. */
export async function insertTestMessage(
  tx: Transaction,
  endpointId: string,
  { id, event, payload, occurredAt }: Message,
): Promise<void> {
  await tx.execute(sql`
    insert into webhook_messages (id, event, payload, occurred_at) values (${id}, ${event}, ${payload}, ${occurredAt})`)
  await tx.execute(sql`
    insert into webhook_deliveries (endpoint_id, message_id, next_attempt_at) values (${endpointId}, ${id}, ${occurredAt})`)
}
