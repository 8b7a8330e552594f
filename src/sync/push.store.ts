import { sql } from 'kysely'
import { MINUTE_MS } from '#core/time.ts'
import type { Transaction } from '#store/store.ts'
import { baseOf, emptyBase, openMergeBase, sealBase, type MergeBase } from './base.ts'
import { insertChanges, type ChangeDraft } from './change.store.ts'
import { refreshConflicts } from './conflict.store.ts'
import type { Stream } from './connector.ts'
import type { Run } from './engine.ts'
import type { FieldValue } from './entity.ts'
import type { FieldChange } from './merge-record.ts'
import { writeOutcomes, type Outcome } from './outcome.store.ts'
import type { Agreed } from './prove.rules.ts'
import { listBefore, noteUnproved } from './prove.store.ts'
import type { Delivery, PushPage } from './push-page.store.ts'

/** Failing deliveries of one record before it is held back for a person. */
const MAX_ATTEMPTS = 5
/** So long a record rests that waits for another one to be there. */
const WAIT_MS = 10 * MINUTE_MS

/** Links, pending rows, outcomes and items of a page, in the caller's transaction. */
export async function settlePage(
  tx: Transaction,
  run: Pick<Run, 'id' | 'connectionId'>,
  stream: Stream,
  page: PushPage,
  deliveries: readonly Delivery[],
  now: Date,
): Promise<void> {
  const conflicts = { connectionId: run.connectionId, entity: stream.entity }
  await refreshConflicts(tx, conflicts, page.disputed, now)
  if (deliveries.length === 0) return
  await lockPending(tx, run.connectionId, stream.entity, deliveries)
  await writeLinks(tx, run, stream, page, deliveries, now)
  const refused = deliveries.filter((delivery) => delivery.result.kind === 'refused')
  // A record that was found in the way stays due: it is merged first.
  const done = deliveries.filter(
    ({ result }) => result.kind !== 'refused' && result.kind !== 'exists' && !staysDue(result),
  )
  await removePending(tx, run.connectionId, stream.entity, page, done)
  await holdPending(tx, run.connectionId, stream.entity, page, refused, now)
  const later = deliveries.filter(({ result }) => staysDue(result))
  await postponePending(tx, run.connectionId, stream.entity, page, later, now)
  const place = {
    runId: run.id,
    connectionId: run.connectionId,
    stream: stream.name,
    entity: stream.entity,
    direction: 'push' as const,
  }
  await writeOutcomes(tx, place, deliveries.flatMap(outcomeOf), now)
}

function staysDue(result: Delivery['result']): boolean {
  return result.kind === 'skipped' && result.staysDue === true
}

function outcomeOf({ change, result }: Delivery): Outcome[] {
  const ids = { localId: change.record.localId, externalId: change.externalId }
  switch (result.kind) {
    case 'written': {
      const written = result.created ? 'created' : 'updated'
      const outcome = change.deleted ? 'deleted' : written
      return [{ ...ids, externalId: result.externalId, outcome, code: null, detail: null }]
    }
    case 'unchanged':
      return [{ ...ids, outcome: 'unchanged', code: null, detail: null }]
    case 'skipped':
      return [{ ...ids, outcome: 'skipped', code: result.code, detail: result.detail }]
    case 'refused': {
      const outcome = result.fault === 'conflict' ? 'conflict' : 'refused'
      return [{ ...ids, outcome, code: result.code, detail: result.detail }]
    }
    case 'exists': // its outcome follows when it was merged
    case 'passed':
      return []
  }
}

/** Two of ours at one vendor record would be a wrong link: the newer one, which the vendor has just confirmed, stays. */
async function writeLinks(
  tx: Transaction,
  run: Pick<Run, 'id' | 'connectionId'>,
  stream: Stream,
  page: PushPage,
  deliveries: readonly Delivery[],
  now: Date,
): Promise<void> {
  const { connectionId } = run
  const { entity } = stream
  const { bases, before } = await agreedBases(tx, run, entity, page, deliveries, now)
  const rows = deliveries.flatMap(({ change, result }) => {
    if (result.kind !== 'written' && result.kind !== 'exists') return []
    const { localId } = change.record
    const isDeleted = change.deleted === true
    const fingerprint = result.kind === 'written' ? page.fingerprints.get(localId) : undefined
    return [
      {
        localId,
        externalId: result.externalId,
        fingerprint: fingerprint ? `\\x${fingerprint.toString('hex')}` : null,
        base: bases.get(localId) ?? null,
        modifiedAt: (result.kind === 'written' ? result.now?.modifiedAt : null) ?? null,
        deletedAt: isDeleted ? now : null,
        goneTo: isDeleted ? '' : null,
      },
    ]
  })
  if (rows.length === 0) return
  const recordset = sql`jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
    as r("localId" text, "externalId" text, fingerprint bytea, base bytea, "modifiedAt" timestamptz,
      "deletedAt" timestamptz, "goneTo" text)`
  await tx.execute(sql`
    delete from sync_links l using ${recordset}
    where l.connection_id = ${connectionId} and l.entity = ${entity} and l.external_id = r."externalId"
      and l.local_id <> r."localId"`)
  await tx.execute(sql`
    insert into sync_links as known (connection_id, entity, local_id, external_id, fingerprint, base, external_modified_at,
      deleted_at, gone_to, linked_at)
    select ${connectionId}, ${entity}, "localId", "externalId", fingerprint, base, "modifiedAt", "deletedAt", "goneTo", ${now}
    from ${recordset}
    on conflict (local_id, connection_id, entity) do update
    set external_id = excluded.external_id, fingerprint = excluded.fingerprint, deleted_at = excluded.deleted_at,
      gone_to = excluded.gone_to, base = coalesce(excluded.base, known.base),
      external_modified_at = coalesce(excluded.external_modified_at, known.external_modified_at)`)
  if (!stream.fetch) return
  const written = deliveries.flatMap(({ change, result }) => {
    if (result.kind !== 'written' || change.deleted) return []
    const { localId } = change.record
    return [{ localId, before: result.created ? null : (before.get(localId) ?? {}) }]
  })
  await noteUnproved(tx, connectionId, entity, written)
}

/**
 * What both sides agree on after the writes, sealed: the fields that were sent, over the base as it is now. Updates are noted
 * in the history. Two statements.
 */
async function agreedBases(
  tx: Transaction,
  run: Pick<Run, 'id' | 'connectionId'>,
  entity: string,
  page: PushPage,
  deliveries: readonly Delivery[],
  now: Date,
): Promise<AgreedBases> {
  const written = deliveries.flatMap(({ change, result }) => {
    const plan = page.plans.get(change.record.localId)
    return result.kind === 'written' && plan ? [{ change, result, plan }] : []
  })
  const bases = new Map<string, string>()
  const before: AgreedBases['before'] = new Map()
  if (written.length === 0) return { bases, before }
  const { connectionId } = run
  const ids = written.map(({ change }) => change.record.localId)
  const kept = await tx.query(sql<{ localId: string; base: Buffer | null }>`
    select local_id, base from sync_links
    where connection_id = ${connectionId} and entity = ${entity} and local_id = any(${ids})
    for no key update`)
  const baseOfRecord = new Map(kept.map((row) => [row.localId, row.base]))
  const unproved = await listBefore(tx, connectionId, entity, ids)
  const drafts: ChangeDraft[] = []
  for (const { change, result, plan } of written) {
    const { localId } = change.record
    const known = openMergeBase(
      tx,
      connectionId,
      entity,
      localId,
      baseOfRecord.get(localId) ?? null,
    )
    const isUpdate = change.externalId !== null && known !== null
    const base = isUpdate ? known : { ...emptyBase(), createdAt: now.toISOString() }
    const changes: FieldChange[] = []
    // What was written before and not read back yet counts from before that.
    if (isUpdate) {
      const agreed = [...plan.sent.keys()].map((field) => [field, baseOf(base, field)])
      before.set(localId, { ...Object.fromEntries(agreed), ...unproved.get(localId) })
    }
    for (const [field, { ours, key }] of plan.sent) {
      const told = key === ours ? result.now?.values[field] : undefined
      const wrote = told === undefined ? key : told
      if (isUpdate && plan.isUndo) changes.push(undoneChange(field, base, wrote, now))
      else if (isUpdate) changes.push(sentChange(field, base, ours, wrote, now))
      base.ours[field] = ours
      base.theirs[field] = wrote
    }
    if (changes.length > 0) drafts.push({ localId, externalId: result.externalId, changes })
    bases.set(localId, `\\x${sealBase(tx, connectionId, entity, localId, base).toString('hex')}`)
  }
  await insertChanges(tx, { connectionId, entity, runId: run.id }, drafts, now)
  return { bases, before }
}

interface AgreedBases {
  /** Sealed, as hexadecimal text, by record. */
  bases: ReadonlyMap<string, string>
  /** What was agreed on before the writes, by record that is not new there. */
  before: Map<string, Record<string, Agreed>>
}

function sentChange(
  field: string,
  base: MergeBase,
  ours: FieldValue,
  wrote: FieldValue,
  now: Date,
): FieldChange {
  return {
    field,
    verdict: 'sent',
    reason: 'only_hub_changed',
    contested: false,
    policy: '',
    base: base.ours[field] ?? null,
    ours,
    theirs: base.theirs[field] ?? null,
    oursAt: now.toISOString(),
    theirsAt: null,
    wrote,
    ...(field in base.theirs ? {} : { isUnread: true }),
  }
}

function undoneChange(field: string, base: MergeBase, wrote: FieldValue, now: Date): FieldChange {
  const ours = base.ours[field] ?? null
  const sent = sentChange(field, base, ours, wrote, now)
  return { ...sent, verdict: 'undone', reason: 'undo', side: 'there' }
}

/** In the order of their ids, as changes take them: neither waits for the other in a circle. */
async function lockPending(
  tx: Transaction,
  connectionId: string,
  entity: string,
  deliveries: readonly Delivery[],
): Promise<void> {
  const ids = deliveries.map(({ change }) => change.record.localId)
  await tx.execute(sql`
    select from sync_pending
    where connection_id = ${connectionId} and entity = ${entity} and local_id = any(${ids}::text[])
    order by local_id for update`)
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

/** What waits for another record is looked at again a little later, for as long as it takes: nothing failed. */
async function postponePending(
  tx: Transaction,
  connectionId: string,
  entity: string,
  page: PushPage,
  deliveries: readonly Delivery[],
  now: Date,
): Promise<void> {
  if (deliveries.length === 0) return
  const rows = deliveries.map(({ change: { record } }) => ({
    localId: record.localId,
    changedIn: page.pending.get(record.localId)?.changedIn ?? '0',
  }))
  await tx.execute(sql`
    update sync_pending p set next_attempt_at = ${new Date(now.getTime() + WAIT_MS)}
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r("localId" text, "changedIn" xid8)
    where p.connection_id = ${connectionId} and p.entity = ${entity} and p.local_id = r."localId"
      and p.changed_in = r."changedIn"`)
}
