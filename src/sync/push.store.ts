import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { MINUTE_MS } from '#core/time.ts'
import type { Transaction } from '#store/store.ts'
import type { PushChange, PushResult, Stream, VendorProperties } from './connector.ts'
import type { Run } from './engine.ts'
import type { Entity, EntityRecord } from './entity.ts'
import { writeOutcomes, type Outcome } from './outcome.store.ts'

const SEED_PAGE = 5000
/** Failing deliveries of one record before it is held back for a person. */
const MAX_ATTEMPTS = 5

/** Where the reading of pending records goes on. */
export interface PendingKey {
  firstSeq: number
  localId: string
}

interface LinkPart {
  externalId: string | null
  fingerprint: Buffer | null
  deletedAt: Date | null
}

interface PendingRow extends PendingKey, LinkPart {
  changedIn: string
  attempts: number
}

/** What became of a record of the page. */
export interface Delivery {
  change: Pick<PushChange, 'record' | 'externalId'>
  result: PushResult | { kind: 'unchanged' } | { kind: 'skipped'; code: string; detail: string }
}

export interface PushPage {
  /** To be sent, in order. */
  changes: PushChange[]
  /** Those that need no call. */
  settled: Delivery[]
  pending: ReadonlyMap<string, { changedIn: string; attempts: number }>
  fingerprints: ReadonlyMap<string, Buffer>
  /** The last key of the page; null when nothing is pending any more. */
  last: PendingKey | null
}

/**
 * Queues the next 5,000 records that existed before the connection, ahead of all changes.
 * @returns true when all are queued.
 */
export async function seedPending(
  tx: Transaction,
  connectionId: string,
  stream: Stream,
  entity: Entity,
  now: Date,
): Promise<boolean> {
  const row = await tx.find(sql<{ seed: { seededTo: string | null; done: boolean } | null }>`
    select seed from sync_streams where connection_id = ${connectionId} and name = ${stream.name}`)
  if (row?.seed?.done || !entity.listIds) return true
  const ids = await entity.listIds(tx, row?.seed?.seededTo ?? null, SEED_PAGE)
  const done = ids.length < SEED_PAGE
  await tx.execute(sql`
    insert into sync_pending (connection_id, entity, local_id, first_seq, last_seq, since)
    select ${connectionId}, ${entity.name}, id, 0, 0, ${now} from unnest(${ids}::text[]) as ids(id)
    on conflict (local_id, connection_id, entity) do update set first_seq = 0`)
  const seed = JSON.stringify({ seededTo: ids.at(-1) ?? row?.seed?.seededTo ?? null, done })
  await tx.execute(sql`
    update sync_streams set seed = ${seed}::jsonb
    where connection_id = ${connectionId} and name = ${stream.name}`)
  return done
}

/** What was last seen to at the vendor; with `done`, keeps that instead. */
export async function findPlan(
  tx: Transaction,
  connectionId: string,
  done?: string,
): Promise<string | null> {
  const row =
    done === undefined
      ? await tx.find(sql<{ prepared: string | null }>`
          select prepared from connections where id = ${connectionId}`)
      : await tx.find(sql<{ prepared: string | null }>`
          update connections set prepared = ${done} where id = ${connectionId} returning prepared`)
  return row?.prepared ?? null
}

/** The next page of pending records with their present properties. Four statements, however many records. */
export async function loadPage(
  tx: Transaction,
  connectionId: string,
  stream: Stream & Required<Pick<Stream, 'toVendor'>>,
  entity: Entity,
  after: PendingKey | null,
  now: Date,
  limit: number,
): Promise<PushPage> {
  const rows = await listPending(tx, connectionId, entity.name, after, now, limit)
  const records = new Map(
    (
      await (entity.load?.(
        tx,
        rows.map((row) => row.localId),
      ) ?? [])
    ).map((record) => [record.localId, record]),
  )
  const named = await findNamed(tx, connectionId, [...records.values()])
  const page = {
    changes: [] as PushChange[],
    settled: [] as Delivery[],
    pending: new Map(rows.map((row) => [row.localId, row])),
    fingerprints: new Map<string, Buffer>(),
    last: rows.at(-1) ?? null,
  }
  for (const row of rows) {
    const { localId, externalId } = row
    const record = records.get(localId)
    if (!record) {
      const detail = 'The record is gone here; nothing was sent.'
      const gone = { record: { localId, values: {} }, externalId }
      page.settled.push({ change: gone, result: { kind: 'skipped', code: 'record.gone', detail } })
      continue
    }
    const properties = stream.toVendor(record, referencesOf(record, named))
    const fingerprint = fingerprintOf(properties)
    page.fingerprints.set(localId, fingerprint)
    if (row.deletedAt === null && row.fingerprint?.equals(fingerprint)) {
      page.settled.push({ change: { record, externalId }, result: { kind: 'unchanged' } })
    } else {
      page.changes.push({ key: localId, record, externalId, properties })
    }
  }
  return page
}

/** In the order of their first unsent change. Links are looked up key by key: a plan that missing statistics cannot spoil. */
async function listPending(
  tx: Transaction,
  connectionId: string,
  entity: string,
  after: PendingKey | null,
  now: Date,
  limit: number,
): Promise<PendingRow[]> {
  const pending = await tx.query(sql<Omit<PendingRow, keyof LinkPart>>`
    select local_id, first_seq, changed_in::text as changed_in, attempts from sync_pending
    where connection_id = ${connectionId} and entity = ${entity} and held_code is null
      and (first_seq, local_id) > (${after?.firstSeq ?? -1}::bigint, ${after?.localId ?? ''}::text)
      and (next_attempt_at is null or next_attempt_at <= ${now})
    order by first_seq, local_id
    limit ${limit}`)
  const ids = pending.map((row) => row.localId)
  const links = await tx.query(sql<LinkPart & { localId: string }>`
    select l.local_id, l.external_id, l.fingerprint, l.deleted_at
    from unnest(${ids}::text[]) as wanted(id)
    cross join lateral (
      select * from sync_links
      where connection_id = ${connectionId} and entity = ${entity} and local_id = wanted.id limit 1) l`)
  const linkOf = new Map(links.map((link) => [link.localId, link]))
  const none = { externalId: null, fingerprint: null, deletedAt: null }
  return pending.map((row) => ({ ...row, ...(linkOf.get(row.localId) ?? none) }))
}

/** By entity and our id: the vendor's id. */
async function findNamed(
  tx: Transaction,
  connectionId: string,
  records: readonly EntityRecord[],
): Promise<Map<string, string>> {
  const named = new Map<string, { entity: string; localId: string }>()
  for (const record of records) {
    for (const reference of Object.values(record.references ?? {})) {
      named.set(`${reference.entity}:${reference.localId}`, reference)
    }
  }
  if (named.size === 0) return new Map()
  const rows = await tx.query(sql<{ entity: string; localId: string; externalId: string }>`
    select l.entity, l.local_id, l.external_id
    from jsonb_to_recordset(${JSON.stringify([...named.values()])}::jsonb) as r(entity text, "localId" text)
    join sync_links l on l.connection_id = ${connectionId} and l.entity = r.entity and l.local_id = r."localId"
    where l.deleted_at is null`)
  return new Map(rows.map((row) => [`${row.entity}:${row.localId}`, row.externalId]))
}

function referencesOf(
  record: EntityRecord,
  named: ReadonlyMap<string, string>,
): Record<string, string> {
  const references: Record<string, string> = {}
  for (const [field, { entity, localId }] of Object.entries(record.references ?? {})) {
    const externalId = named.get(`${entity}:${localId}`)
    if (externalId !== undefined) references[field] = externalId
  }
  return references
}

function fingerprintOf(properties: VendorProperties): Buffer {
  const sorted = Object.entries(properties).sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256').update(JSON.stringify(sorted)).digest()
}

/** Links, pending rows, outcomes and items of a page, in the caller's transaction. */
export async function settlePage(
  tx: Transaction,
  run: Pick<Run, 'id' | 'connectionId'>,
  stream: Stream,
  page: PushPage,
  deliveries: readonly Delivery[],
  now: Date,
): Promise<void> {
  if (deliveries.length === 0) return
  await writeLinks(tx, run.connectionId, stream.entity, page, deliveries, now)
  const refused = deliveries.filter((delivery) => delivery.result.kind === 'refused')
  const done = deliveries.filter((delivery) => delivery.result.kind !== 'refused')
  await removePending(tx, run.connectionId, stream.entity, page, done)
  await holdPending(tx, run.connectionId, stream.entity, page, refused, now)
  const place = {
    runId: run.id,
    connectionId: run.connectionId,
    stream: stream.name,
    entity: stream.entity,
    direction: 'push' as const,
  }
  await writeOutcomes(tx, place, deliveries.map(outcomeOf), now)
}

function outcomeOf({ change, result }: Delivery): Outcome {
  const ids = { localId: change.record.localId, externalId: change.externalId }
  if (result.kind === 'written') {
    const outcome = result.created ? 'created' : 'updated'
    return { ...ids, externalId: result.externalId, outcome, code: null, detail: null }
  }
  if (result.kind === 'unchanged') {
    return { ...ids, outcome: 'unchanged', code: null, detail: null }
  }
  const { code, detail } = result
  if (result.kind === 'skipped') return { ...ids, outcome: 'skipped', code, detail }
  return { ...ids, outcome: result.fault === 'conflict' ? 'conflict' : 'refused', code, detail }
}

/** Two of ours at one vendor record would be a wrong link: the newer one, which the vendor has just confirmed, stays. */
async function writeLinks(
  tx: Transaction,
  connectionId: string,
  entity: string,
  page: PushPage,
  deliveries: readonly Delivery[],
  now: Date,
): Promise<void> {
  const rows = deliveries.flatMap(({ change, result }) => {
    if (result.kind !== 'written') return []
    const { localId } = change.record
    const fingerprint = page.fingerprints.get(localId)
    return [
      { localId, externalId: result.externalId, fingerprint: `\\x${fingerprint?.toString('hex')}` },
    ]
  })
  if (rows.length === 0) return
  const recordset = sql`jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
    as r("localId" text, "externalId" text, fingerprint bytea)`
  await tx.execute(sql`
    delete from sync_links l using ${recordset}
    where l.connection_id = ${connectionId} and l.entity = ${entity} and l.external_id = r."externalId"
      and l.local_id <> r."localId"`)
  await tx.execute(sql`
    insert into sync_links (connection_id, entity, local_id, external_id, fingerprint, linked_at)
    select ${connectionId}, ${entity}, "localId", "externalId", fingerprint, ${now} from ${recordset}
    on conflict (local_id, connection_id, entity) do update
    set external_id = excluded.external_id, fingerprint = excluded.fingerprint, deleted_at = null`)
}

/** Takes delivered records off the list; one that changed since it was read stays, at the place of that change. */
async function removePending(
  tx: Transaction,
  connectionId: string,
  entity: string,
  page: PushPage,
  deliveries: readonly Delivery[],
): Promise<void> {
  if (deliveries.length === 0) return
  const rows = deliveries.map(({ change }) => {
    const { localId } = change.record
    return { localId, changedIn: page.pending.get(localId)?.changedIn ?? '0' }
  })
  const recordset = sql`jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r("localId" text, "changedIn" xid8)`
  const removed = await tx.execute(sql`
    delete from sync_pending p using ${recordset}
    where p.connection_id = ${connectionId} and p.entity = ${entity} and p.local_id = r."localId"
      and p.changed_in = r."changedIn"`)
  if (removed === rows.length) return
  await tx.execute(sql`
    update sync_pending p set first_seq = p.last_seq from ${recordset}
    where p.connection_id = ${connectionId} and p.entity = ${entity} and p.local_id = r."localId"
      and p.changed_in <> r."changedIn"`)
}

/**
 * A refused record waits for a change or for someone's retry; one that merely could not be delivered is tried again
 * after 1, 2, 4 … minutes and held at the fifth time.
 */
async function holdPending(
  tx: Transaction,
  connectionId: string,
  entity: string,
  page: PushPage,
  deliveries: readonly Delivery[],
  now: Date,
): Promise<void> {
  const rows = deliveries.flatMap(({ change, result }) => {
    if (result.kind !== 'refused') return []
    const { localId } = change.record
    const { changedIn = '0', attempts = 0 } = page.pending.get(localId) ?? {}
    const mayPass = result.fault === 'transient' && attempts + 1 < MAX_ATTEMPTS
    const nextAttemptAt = mayPass ? new Date(now.getTime() + MINUTE_MS * 2 ** attempts) : null
    return [{ localId, changedIn, code: mayPass ? null : result.code, nextAttemptAt }]
  })
  if (rows.length === 0) return
  await tx.execute(sql`
    update sync_pending p
    set held_code = r.code, next_attempt_at = r."nextAttemptAt", attempts = p.attempts + 1
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as r("localId" text, "changedIn" xid8, code text, "nextAttemptAt" timestamptz)
    where p.connection_id = ${connectionId} and p.entity = ${entity} and p.local_id = r."localId"
      and p.changed_in = r."changedIn"`)
}
