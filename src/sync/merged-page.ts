import { sql } from 'kysely'
import type { Transaction } from '#store/store.ts'
import { openMergeBase } from './base.ts'
import { insertChanges, type ChangeDraft } from './change.store.ts'
import { openConflicts, settleConflicts } from './conflict.store.ts'
import type { Stream } from './connector.ts'
import type { Run } from './engine.ts'
import type { Candidate, Entity, EntityRecord, EntityWrite } from './entity.ts'
import type { StreamRules } from './field-rules.ts'
import type { Match } from './match.ts'
import { isSame } from './merge.ts'
import { mergeRecord, oursOf } from './merge-record.ts'
import { resolve, settled, unresolvedText, type PageFacts, type Passage } from './passage.ts'

/** What the merge of a page needs of our side. */
export interface OurSide {
  records: ReadonlyMap<string, EntityRecord>
  /** By record: when events said that its fields changed. */
  told: ReadonlyMap<string, Record<string, string>>
}

/** Our records of the page, and when their fields changed. Two statements beside the module's own. */
export async function loadOurs(
  tx: Transaction,
  connectionId: string,
  entity: Entity,
  matches: readonly Match[],
): Promise<OurSide> {
  const ids = [
    ...new Set(matches.flatMap((match) => (match.kind === 'known' ? match.localId : []))),
  ]
  if (ids.length === 0) return { records: new Map(), told: new Map() }
  const records = (await entity.load?.(tx, ids)) ?? []
  const told = await tx.query(sql<{ localId: string; fields: Record<string, string> }>`
    select local_id, fields from sync_pending
    where connection_id = ${connectionId} and entity = ${entity.name} and local_id = any(${ids})`)
  return {
    records: new Map(records.map((record) => [record.localId, record])),
    told: new Map(told.map((row) => [row.localId, row.fields])),
  }
}

/** Decides about one candidate of a stream that is merged field by field. */
export function decideMerged(
  facts: PageFacts,
  rules: StreamRules,
  ours: OurSide,
  candidate: Candidate,
  match: Match,
  keepsHistory: boolean,
): Passage {
  const localId = match.kind === 'known' ? match.localId : null
  const link = match.kind === 'known' ? match.link : null
  const record = localId === null ? null : (ours.records.get(localId) ?? null)
  if (localId !== null && record === null) {
    const detail = 'The record was removed or merged here; nothing was taken in.'
    return settled(candidate, localId, 'skipped', 'record.gone', detail)
  }
  // An index that lags behind shows a record as it was before our last write: a newer state follows.
  const known = link?.externalModifiedAt
  if (known && candidate.modifiedAt && candidate.modifiedAt < known) {
    return settled(candidate, localId, 'unchanged', 'record.stale')
  }
  const { tx, connectionId, entity } = facts
  const references = resolve(candidate, facts.links)
  const waitsFor = record === null ? missingOf(rules, references) : {}
  if (Object.keys(waitsFor).length > 0)
    return { ...settled(candidate, localId, 'skipped', ...unresolvedText(waitsFor)), waitsFor }
  const base =
    localId === null || !link ? null : openMergeBase(tx, connectionId, entity, localId, link.base)
  const told = (localId === null ? null : ours.told.get(localId)) ?? {}
  const merged = mergeRecord({ rules, candidate, references, record, base, told })
  // Who came last, and whether the value there is an unacknowledged write of ours, only the history tells.
  if (keepsHistory && !candidate.clocks && merged.changes.some((one) => one.contested)) {
    return { ...settled(candidate, localId, 'unchanged', 'merge.needs_history'), isDeferred: true }
  }
  const isOther = merged.taken.length > 0 || Object.keys(merged.references).length > 0
  const isWritten = isOther || record === null || Boolean(link?.deletedAt)
  const judged = Object.entries(references).filter(([field]) => rules.fields.has(field))
  const unresolved = unresolvedText(Object.fromEntries(judged))
  const result = settled(candidate, localId, 'unchanged', ...unresolved)
  if (merged.asked.length > 0) {
    const detail = `Changed on both sides: ${merged.asked.map((one) => one.field).join(', ')}.`
    Object.assign(result, settled(candidate, localId, 'conflict', 'merge.both_changed', detail))
  }
  const isNewLink = localId !== null && link === null
  result.merged = { ...merged, isBaseChanged: merged.isBaseChanged || isNewLink }
  if (isWritten) {
    const { externalId, deleted, modifiedAt } = candidate
    const { values } = merged
    result.write = {
      localId,
      externalId,
      deleted,
      modifiedAt,
      values,
      references: merged.references,
    }
    if (merged.asked.length === 0) result.outcome = null
  }
  return result
}

/** The records that a new one cannot be without, and that are not known here. */
function missingOf(
  rules: StreamRules,
  references: EntityWrite['references'],
): EntityWrite['references'] {
  const missing = [...rules.fields.values()].flatMap(({ name, required }) => {
    const named = references[name]
    return required && named?.some(({ localId }) => localId === null) ? [[name, named]] : []
  })
  return Object.fromEntries(missing)
}

/** Puts into the bases what our side has after the module wrote it: modules trim and normalise. One load for the page. */
export async function noteWritten(
  tx: Transaction,
  entity: Entity,
  rules: StreamRules,
  passages: readonly Passage[],
): Promise<void> {
  const due = passages.filter((one) => one.write !== null && one.merged && one.outcome?.localId)
  if (due.length === 0) return
  const ids = [...new Set(due.map((one) => one.outcome!.localId!))]
  const records = new Map(
    ((await entity.load?.(tx, ids)) ?? []).map((record) => [record.localId, record]),
  )
  for (const { merged, outcome } of due) {
    const record = records.get(outcome!.localId!)
    if (!record || !merged) continue
    const refused: string[] = []
    for (const name of merged.taken) {
      const field = rules.fields.get(name)!
      const ours = oursOf(record, field)
      const wanted = field.entity ? ours : (merged.values[name] ?? null)
      if (!isSame(ours, wanted) && !isRendering(ours, wanted)) refused.push(name)
      merged.base.ours[name] = ours
      for (const change of merged.changes) if (change.field === name) change.wrote = ours
    }
    if (refused.length > 0 && outcome!.code === null) {
      outcome!.code = 'field.not_taken'
      outcome!.detail = `Not taken over here: ${refused.join(', ')}.`
    }
  }
}

/** The same value in another spelling: case and spaces aside. */
function isRendering(a: unknown, b: unknown): boolean {
  if (typeof a !== 'string' || typeof b !== 'string') return false
  const plain = (text: string) => text.toLowerCase().replace(/[\s().-]/g, '')
  if (plain(a) === plain(b)) return true
  const times = [Date.parse(a), Date.parse(b)]
  return times[0] === times[1] && !Number.isNaN(times[0])
}

/** The history, the inbox and what is due to the vendor, after a page was merged. One statement a table. */
export async function keepMerged(
  tx: Transaction,
  run: Run,
  stream: Stream,
  rules: StreamRules,
  passages: readonly Passage[],
  now: Date,
): Promise<void> {
  const kept = passages.flatMap(({ merged, outcome, candidate }) =>
    merged && outcome?.localId && outcome.outcome !== 'refused'
      ? [{ merged, localId: outcome.localId, externalId: candidate.externalId }]
      : [],
  )
  const place = { connectionId: run.connectionId, entity: stream.entity, runId: run.id }
  const changes = kept.flatMap(({ merged, localId, externalId }): ChangeDraft[] =>
    merged.changes.length > 0 ? [{ localId, externalId, changes: merged.changes }] : [],
  )
  await insertChanges(tx, place, changes, now)
  const asked = kept.flatMap(({ merged, ...record }) =>
    merged.asked.map((sides) => ({ ...record, sides })),
  )
  await openConflicts(tx, { ...place, stream: stream.name }, asked, now)
  const isQuiet = (merged: NonNullable<Passage['merged']>) => (field: string) =>
    !merged.asked.some((one) => one.field === field)
  const agreed = kept.flatMap(({ merged, localId }) =>
    merged.agreed.filter(isQuiet(merged)).map((field) => ({ localId, field })),
  )
  await settleConflicts(tx, place, agreed, now)
  const canPush = [...rules.fields.values()].some((field) => field.direction !== 'pull')
  const due = kept.flatMap(({ merged, localId }) => (merged.isDue ? [localId] : []))
  if (canPush && due.length > 0 && stream.push) await markDue(tx, place, due, now)
}

/** Queues records to be sent, behind what is queued already. */
export async function markDue(
  tx: Transaction,
  place: { connectionId: string; entity: string },
  localIds: readonly string[],
  now: Date,
): Promise<void> {
  await tx.execute(sql`
    insert into sync_pending as known (connection_id, entity, local_id, first_seq, last_seq, since)
    select ${place.connectionId}, ${place.entity}, id, 0, 0, ${now} from unnest(${[...new Set(localIds)]}::text[]) as ids(id)
    order by id
    on conflict (local_id, connection_id, entity) do update
    set held_code = null, next_attempt_at = null, attempts = 0, changed_in = pg_current_xact_id()
    where known.held_code is not null`)
}
