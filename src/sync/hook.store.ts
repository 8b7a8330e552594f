import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import type { SystemTransaction, Transaction } from '#store/store.ts'
import type { HookEvent } from './connector.ts'

/** Whose connection it is; null when there is none of this vendor. */
export async function findHookOwner(
  tx: SystemTransaction,
  vendor: string,
  connectionId: string,
): Promise<string | null> {
  const row = await tx.find(sql<{ workspaceId: string }>`
    select workspace_id from connections where id = ${connectionId} and vendor = ${vendor}`)
  return row?.workspaceId ?? null
}

/**
 * Notes the records that a vendor's message names to be looked at again: those of events that are new, but for
 * writes of ours whose result is known already. Other events are never judged by their age: an edit between our last read
 * and our last write is older than what we know of the record, and was not seen. One statement.
 * @returns how many records.
 */
export async function noteHookEvents(
  tx: Transaction,
  connectionId: string,
  events: readonly HookEvent[],
  now: Date,
): Promise<number> {
  const given = events.map(({ key, ...event }) => ({
    ...event,
    digest: createHash('sha256').update(key).digest('hex'),
  }))
  return tx.execute(sql`
    with given as (
      select stream, "externalId" as external_id, at, "isOwnEcho" as is_own_echo, decode(digest, 'hex') as digest
      from jsonb_to_recordset(${JSON.stringify(given)}::jsonb)
        as r(stream text, "externalId" text, at timestamptz, "isOwnEcho" boolean, digest text)),
    fresh as (
      insert into sync_hook_events (connection_id, digest, received_at)
      select distinct ${connectionId}, digest, ${now}::timestamptz from given order by digest
      on conflict do nothing
      returning digest)
    insert into sync_revisits (connection_id, stream, external_id, since)
    select distinct ${connectionId}, g.stream, g.external_id, ${now}::timestamptz
    from given g
    join fresh using (digest)
    join sync_streams s on s.connection_id = ${connectionId} and s.name = g.stream
    left join sync_links l on l.connection_id = s.connection_id and l.entity = s.entity and l.external_id = g.external_id
    where not coalesce(g.is_own_echo and g.at <= l.external_modified_at, false)
    order by g.stream, g.external_id
    on conflict (connection_id, stream, external_id, wants_entity, wants_external_id) do update
    set noted_in = excluded.noted_in`)
}

/** Forgets messages of before; answers how many. */
export function trimHookEvents(
  tx: SystemTransaction,
  before: Date,
  limit: number,
): Promise<number> {
  return tx.execute(sql`
    delete from sync_hook_events where (connection_id, digest) in (
      select connection_id, digest from sync_hook_events where received_at < ${before} limit ${limit})`)
}
