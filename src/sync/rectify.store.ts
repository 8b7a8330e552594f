import { sql } from 'kysely'
import type { Transaction } from '#store/store.ts'
import type { EntityRecord, FieldValue } from './entity.ts'

/** A record at a connected system that is to have what was put right here. */
export interface RectificationRow {
  requestId: string
  connectionId: string
  entity: string
  localId: string
  stream: string | null
  /** Sealed: what the fields are to be there. */
  expected: Buffer | null
  base: Buffer | null
  /** A conflict about one of the fields waits for a person. */
  hasConflict: boolean
  /** The newest run that wrote one of the fields since. */
  runId: string | null
}

export type Expected = Record<string, FieldValue>

const context = (id: string, connectionId: string, localId: string) =>
  `sync_rectifications.expected:${id}:${connectionId}:${localId}`

export function openExpected(tx: Transaction, row: RectificationRow): Expected {
  const { expected, requestId, connectionId, localId } = row
  return expected === null
    ? {}
    : tx.sealer.open(expected, context(requestId, connectionId, localId))
}

/** Notes for every linked record of these what it is to have. One statement to read the links, one to write. */
export async function insertRectifications(
  tx: Transaction,
  requestId: string,
  entities: readonly string[],
  records: readonly EntityRecord[],
  fields: readonly string[],
  now: Date,
): Promise<void> {
  const byId = new Map(records.map((record) => [record.localId, record]))
  const links = await tx.query(sql<{
    connectionId: string
    entity: string
    localId: string
    externalId: string
  }>`
    select connection_id, entity, local_id, external_id from sync_links
    where workspace_id = ${tx.workspaceId} and local_id = any(${[...byId.keys()]}::text[])
      and entity = any(${[...entities]}::text[]) and external_id <> '' and deleted_at is null`)
  const rows = links.map((link) => {
    const { values } = byId.get(link.localId)!
    const expected = Object.fromEntries(fields.map((name) => [name, values[name] ?? null]))
    const sealed = tx.sealer.seal(expected, context(requestId, link.connectionId, link.localId))
    return { ...link, expected: sealed.toString('base64') }
  })
  await tx.execute(sql`
    insert into sync_rectifications (request_id, connection_id, entity, local_id, external_id, workspace_id, expected, asked_at)
    select ${requestId}, r."connectionId", r.entity, r."localId", r."externalId", ${tx.workspaceId},
      decode(r.expected, 'base64'), ${now}
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as r("connectionId" text, entity text, "localId" text, "externalId" text, expected text)`)
}

/** What connected systems do not have yet, the least often looked at first, so that what waits for a person keeps nothing back; locked. @param connectionId  null for all. */
export function listOpenRectifications(
  tx: Transaction,
  connectionId: string | null,
  limit: number,
): Promise<RectificationRow[]> {
  return tx.query(sql<RectificationRow>`
    select r.request_id, r.connection_id, r.entity, r.local_id, r.expected, l.base,
      (select s.name from sync_streams s where s.connection_id = r.connection_id and s.entity = r.entity
        order by s.position limit 1) as stream,
      exists (select from sync_conflicts c where c.connection_id = r.connection_id and c.entity = r.entity
        and c.local_id = r.local_id and c.state = 'open' and c.field = any(q.fields)) as has_conflict,
      (select c.run_id from sync_changes c where c.workspace_id = r.workspace_id and c.entity = r.entity
        and c.local_id = r.local_id and c.connection_id = r.connection_id and c.at >= r.asked_at and c.fields && q.fields
        order by c.id desc limit 1) as run_id
    from sync_rectifications r join privacy_requests q on q.id = r.request_id
    left join sync_links l on l.connection_id = r.connection_id and l.entity = r.entity and l.local_id = r.local_id
      and l.deleted_at is null
    where r.workspace_id = ${tx.workspaceId} and r.state <> 'done'
      and (${connectionId}::text is null or r.connection_id = ${connectionId})
    order by r.attempts, r.asked_at, r.request_id, r.local_id limit ${limit} for update of r`)
}

export interface Receipt extends Pick<
  RectificationRow,
  'requestId' | 'connectionId' | 'entity' | 'localId'
> {
  state: 'waiting' | 'done' | 'by_hand'
  detail: string | null
}

export async function saveReceipts(
  tx: Transaction,
  receipts: readonly Receipt[],
  now: Date,
): Promise<void> {
  if (receipts.length === 0) return
  await tx.execute(sql`
    update sync_rectifications e set state = r.state, detail = r.detail, attempts = e.attempts + 1,
      done_at = case when r.state = 'done' then ${now}::timestamptz end
    from jsonb_to_recordset(${JSON.stringify(receipts)}::jsonb)
      as r("requestId" text, "connectionId" text, entity text, "localId" text, state text, detail text)
    where e.request_id = r."requestId" and e.connection_id = r."connectionId" and e.entity = r.entity
      and e.local_id = r."localId"`)
}
