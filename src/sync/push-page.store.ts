import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import type { Transaction } from '#store/store.ts'
import { openMergeBase } from './base.ts'
import { findDisputed } from './conflict.store.ts'
import type { PushChange, PushResult, Stream, VendorProperties } from './connector.ts'
import type { Entity, EntityRecord, FieldValue } from './entity.ts'
import type { StreamRules } from './field-rules.ts'
import { oursOf } from './merge-record.ts'
import { planPush, referencesOf, type PushPlan, type VendorIds } from './push-plan.ts'

const SEED_PAGE = 5000

/** Where the reading of pending records goes on. */
export interface PendingKey {
  firstSeq: number
  localId: string
}

interface LinkPart {
  externalId: string | null
  fingerprint: Buffer | null
  base: Buffer | null
  deletedAt: Date | null
  goneTo: string | null
  /** The vendor has it under another entity of the same ids: who is a contact there is no new lead. */
  isElsewhere: boolean
}

/** A record that is to be sent, with its link. */
export interface PendingRow extends PendingKey, LinkPart {
  changedIn: string
  /** When the first unsent change was accepted. */
  since: Date
  attempts: number
}

/** What became of a record of the page. */
export interface Delivery {
  change: Pick<PushChange, 'record' | 'externalId'> & { deleted?: boolean }
  result:
    | PushResult
    | { kind: 'unchanged' }
    /** `staysDue`: what it waits for comes without an event of its own. */
    | { kind: 'skipped'; code: string; detail: string; staysDue?: boolean }
    /** Nothing of this stream's: taken off the list without an outcome. */
    | { kind: 'passed' }
}

export interface PushPage {
  /** To be sent, in order. */
  changes: PushChange[]
  /** Those that need no call. */
  settled: Delivery[]
  pending: ReadonlyMap<string, { changedIn: string; attempts: number; since?: Date }>
  fingerprints: ReadonlyMap<string, Buffer>
  /** What each change of a merged stream sends. */
  plans: ReadonlyMap<string, PushPlan>
  /** Fields that wait for a person, with the hub's present values. */
  disputed: readonly { localId: string; field: string; ours: FieldValue }[]
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

/** How many records are due, counted up to `limit`. */
export async function countPending(
  tx: Transaction,
  connectionId: string,
  entity: string,
  limit: number,
): Promise<number> {
  const row = await tx.find(sql<{ count: number }>`
    select count(*)::integer as count from (
      select from sync_pending where connection_id = ${connectionId} and entity = ${entity} and held_code is null
      limit ${limit}) as due`)
  return row?.count ?? 0
}

/** The next page of pending records with what they have to send. Five statements, however many records. */
export async function loadPage(
  tx: Transaction,
  connectionId: string,
  stream: Stream & Required<Pick<Stream, 'toVendor'>>,
  entity: Entity,
  rules: StreamRules | null,
  after: PendingKey | null,
  now: Date,
  limit: number,
): Promise<PushPage> {
  const rows = await listPending(tx, connectionId, entity.name, after, now, limit)
  return pageOfRows(tx, connectionId, stream, entity, rules, rows)
}

/** What these records have to send. Three statements, however many records. */
export async function pageOfRows(
  tx: Transaction,
  connectionId: string,
  stream: Stream & Required<Pick<Stream, 'toVendor'>>,
  entity: Entity,
  rules: StreamRules | null,
  rows: readonly PendingRow[],
): Promise<PushPage> {
  const ids = rows.map((row) => row.localId)
  const records = new Map(
    ((await entity.load?.(tx, ids)) ?? []).map((record) => [record.localId, record]),
  )
  const named = await findNamed(tx, connectionId, [...records.values()])
  const place = { connectionId, entity: entity.name }
  const disputed = rules && ids.length > 0 ? await findDisputed(tx, place, ids) : null
  const fingerprints = new Map<string, Buffer>()
  const plans = new Map<string, PushPlan>()
  const page: PushPage = {
    changes: [],
    settled: [],
    pending: new Map(rows.map((row) => [row.localId, row])),
    fingerprints,
    plans,
    disputed: [],
    last: rows.at(-1) ?? null,
  }
  const waiting: PushPage['disputed'][number][] = []
  for (const row of rows) {
    const { localId, externalId } = row
    const record = records.get(localId)
    const early = earlyDelivery(stream, row, record ?? null)
    if (early) {
      if (early === 'delete') page.changes.push(deletion(row))
      else page.settled.push(early)
      continue
    }
    if (!record) continue
    if (!rules) {
      planWhole(stream, row, record, named, page, fingerprints)
      continue
    }
    const isNewThere = externalId === null || row.deletedAt !== null
    const base = openMergeBase(tx, connectionId, entity.name, localId, row.base)
    const none = new Set<string>()
    const state = { isNewThere, base, disputed: disputed?.get(localId) ?? none }
    const plan = planPush(stream, rules, record, named, state)
    plans.set(localId, plan)
    waiting.push(...presentOf(record, rules, state.disputed))
    const { properties } = plan
    fingerprints.set(localId, fingerprintOf(properties))
    if (!plan.isHeldUp && (Object.keys(properties).length > 0 || isNewThere)) {
      page.changes.push({
        key: localId,
        record,
        externalId: isNewThere ? null : externalId,
        properties,
      })
    } else page.settled.push({ change: { record, externalId }, result: restOf(plan) })
  }
  return { ...page, disputed: waiting }
}

function presentOf(
  record: EntityRecord,
  rules: StreamRules,
  disputed: ReadonlySet<string>,
): PushPage['disputed'] {
  return [...disputed].flatMap((name) => {
    const field = rules.fields.get(name)
    return field ? [{ localId: record.localId, field: name, ours: oursOf(record, field) }] : []
  })
}

/** What is decided without looking at values; null when the record is to be sent. */
function earlyDelivery(
  stream: Stream,
  { localId, externalId, deletedAt, goneTo, isElsewhere }: PendingRow,
  record: EntityRecord | null,
): Delivery | 'delete' | null {
  const change = { record: record ?? { localId, values: {} }, externalId }
  const skip = (code: string, detail: string): Delivery => ({
    change,
    result: { kind: 'skipped', code, detail },
  })
  if (goneTo !== null) {
    return goneTo === ''
      ? skip('record.deleted_there', 'It was deleted in the connected system; nothing was sent.')
      : skip('record.merged_there', `It is part of ${goneTo} there; nothing was sent.`)
  }
  if (externalId === null && (stream.onlyLinked || isElsewhere))
    return { change, result: { kind: 'passed' } }
  if (externalId === null && record?.withheld !== undefined)
    return skip(record.withheld, 'It was not made there.')
  if (record) return null
  if (stream.pushesDeletes && externalId !== null && deletedAt === null) return 'delete'
  return skip('record.gone', 'The record is gone here; nothing was sent.')
}

function deletion({ localId, externalId }: PendingRow): PushChange {
  return {
    key: localId,
    record: { localId, values: {} },
    externalId,
    properties: {},
    deleted: true,
  }
}

/** An owner whom the CRM does not have is no fault of the lead: the outcome says so, and the record is not held for it. */
function restOf({ waiting, isHeldUp = false }: PushPlan): Delivery['result'] {
  if (waiting.length === 0) return { kind: 'unchanged' }
  const detail = `These name records that are not there yet: ${waiting.join(', ')}.`
  return { kind: 'skipped', code: 'reference.unknown', detail, staysDue: isHeldUp }
}

/** A record that one side alone writes goes as a whole, unless the vendor has exactly that. */
function planWhole(
  stream: Required<Pick<Stream, 'toVendor'>>,
  { localId, externalId, deletedAt, fingerprint: known }: PendingRow,
  record: EntityRecord,
  named: VendorIds,
  page: PushPage,
  fingerprints: Map<string, Buffer>,
): void {
  const properties = stream.toVendor(record, referencesOf(record, named))
  const fingerprint = fingerprintOf(properties)
  fingerprints.set(localId, fingerprint)
  if (deletedAt === null && known?.equals(fingerprint)) {
    page.settled.push({ change: { record, externalId }, result: { kind: 'unchanged' } })
  } else
    page.changes.push({
      key: localId,
      record,
      externalId: deletedAt ? null : externalId,
      properties,
    })
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
    select local_id, first_seq, changed_in::text as changed_in, attempts, since from sync_pending
    where connection_id = ${connectionId} and entity = ${entity} and held_code is null
      and (first_seq, local_id) > (${after?.firstSeq ?? -1}::bigint, ${after?.localId ?? ''}::text)
      and (next_attempt_at is null or next_attempt_at <= ${now})
    order by first_seq, local_id
    limit ${limit}`)
  const ids = pending.map((row) => row.localId)
  const links = await tx.query(sql<LinkPart & { localId: string }>`
    select wanted.id as local_id, l.external_id, l.fingerprint, l.base, l.deleted_at, l.gone_to,
      o.local_id is not null as is_elsewhere
    from unnest(${ids}::text[]) as wanted(id)
    left join lateral (
      select * from sync_links
      where connection_id = ${connectionId} and entity = ${entity} and local_id = wanted.id limit 1) l on true
    left join lateral (
      select local_id from sync_links
      where connection_id = ${connectionId} and entity <> ${entity} and local_id = wanted.id and deleted_at is null
      limit 1) o on true
    where l.local_id is not null or o.local_id is not null`)
  const linkOf = new Map(links.map((link) => [link.localId, link]))
  const none: LinkPart = {
    externalId: null,
    fingerprint: null,
    base: null,
    deletedAt: null,
    goneTo: null,
    isElsewhere: false,
  }
  return pending.map((row) => ({ ...row, ...(linkOf.get(row.localId) ?? none) }))
}

/**
 * By entity and our id: the vendor's id. Who is there both as a lead and as the contact that it became is named as the contact:
 * our id is the same, and what shares it with the entity that is named goes first.
 */
async function findNamed(
  tx: Transaction,
  connectionId: string,
  records: readonly EntityRecord[],
): Promise<Map<string, string>> {
  const named = new Map<string, { entity: string; localId: string }>()
  for (const record of records) {
    const links = Object.values(record.links ?? {}).flat()
    for (const reference of [...Object.values(record.references ?? {}), ...links]) {
      named.set(`${reference.entity}:${reference.localId}`, reference)
    }
  }
  if (named.size === 0) return new Map()
  const rows = await tx.query(sql<{
    named: string
    entity: string
    localId: string
    externalId: string
  }>`
    select r.entity as named, l.entity, l.local_id, l.external_id
    from jsonb_to_recordset(${JSON.stringify([...named.values()])}::jsonb) as r(entity text, "localId" text)
    join sync_links l on l.connection_id = ${connectionId} and l.local_id = r."localId"
    where l.deleted_at is null
    order by l.entity <> r.entity`)
  const ids = new Map<string, string>()
  for (const { named: as, entity, localId, externalId } of rows) {
    ids.set(`${entity}:${localId}`, externalId)
    ids.set(`${as}:${localId}`, externalId)
  }
  return ids
}

export function fingerprintOf(properties: VendorProperties): Buffer {
  const sorted = Object.entries(properties).sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256').update(JSON.stringify(sorted)).digest()
}
