import { sql } from 'kysely'
import { Problem } from '#core/problem.ts'
import type { Transaction } from '#store/store.ts'
import { emptyBase, openMergeBase, sealBase } from './base.ts'
import { insertChanges, type ChangeDraft } from './change.store.ts'
import { findConflicts, saveConflicts, type Choice, type ConflictRow } from './conflict.store.ts'
import type { Entity, EntityWrite, FieldValue } from './entity.ts'
import { markDue } from './merged-page.ts'
import { isSame } from './merge.ts'
import { oursOf, type FieldChange } from './merge-record.ts'
import { recordOwnWork } from '#jobs/own-work.ts'

export interface Deciding {
  entities: ReadonlyMap<string, Entity>
  actor: string
  now: Date
}

export interface Decided {
  choice: Choice
  /** With `value`: what both sides are to have. */
  value?: FieldValue
  note: string | null
}

/**
 * Decides conflicts: the hub gets the chosen value at once, the CRM with the next push. Set-based: a handful of statements
 * a connection and entity, whatever the number of conflicts.
 * @returns the conflicts as they are now, in the order of their ids.
 * @throws Problem `conflict.settled` when one of them is not open any more.
 */
export async function resolveConflicts(
  tx: Transaction,
  deciding: Deciding,
  ids: readonly string[],
  decided: Decided,
): Promise<ConflictRow[]> {
  const conflicts = await findConflicts(tx, ids)
  const settled = conflicts.find((conflict) => conflict.state !== 'open')
  if (settled) {
    throw new Problem('conflict.settled', `The conflict ${settled.id} was decided already.`)
  }
  await takePresent(tx, deciding, conflicts)
  for (const group of groupsOf(conflicts)) await decideGroup(tx, deciding, group, decided)
  const { actor, now } = deciding
  const after = conflicts.map((conflict) => ({
    ...conflict,
    sides: {
      ...conflict.sides,
      chosen: chosenOf(conflict, decided),
      before: conflict.sides.ours,
    },
    state: 'resolved' as const,
    choice: decided.choice,
    note: decided.note,
    updatedAt: now,
    resolvedAt: now,
    resolvedBy: actor,
  }))
  await saveConflicts(tx, after)
  return after.map((conflict) => ({ ...conflict, version: conflict.version + 1 }))
}

/** The hub's values as they are at this moment: what was typed here while the conflict waited is not undone by deciding. */
async function takePresent(
  tx: Transaction,
  { entities }: Deciding,
  conflicts: readonly ConflictRow[],
): Promise<void> {
  for (const group of groupsOf(conflicts)) {
    const entity = entities.get(group[0]!.entity)
    const ids = [...new Set(group.map((one) => one.localId))]
    const records = new Map(
      ((await entity?.load?.(tx, ids)) ?? []).map((record) => [record.localId, record]),
    )
    for (const conflict of group) {
      const record = records.get(conflict.localId)
      const shape = entity?.fields?.find((one) => one.name === conflict.field)
      if (!record) continue
      const field = {
        name: conflict.field,
        entity: shape?.entity ?? null,
        many: shape?.many ?? false,
      }
      conflict.sides = { ...conflict.sides, ours: oursOf(record, field) }
    }
  }
}

function chosenOf({ sides }: ConflictRow, { choice, value }: Decided): FieldValue {
  if (choice === 'hub') return sides.ours
  return choice === 'crm' ? sides.theirs : (value ?? null)
}

function groupsOf(conflicts: readonly ConflictRow[]): ConflictRow[][] {
  return [...Map.groupBy(conflicts, (one) => `${one.connectionId}:${one.entity}`).values()]
}

async function decideGroup(
  tx: Transaction,
  { entities, actor, now }: Deciding,
  group: readonly ConflictRow[],
  decided: Decided,
): Promise<void> {
  const { connectionId, entity: name } = group[0]!
  await lockConnection(tx, connectionId)
  const chosen = new Map(group.map((one) => [one.id, chosenOf(one, decided)]))
  const changed = group.filter((one) => !isSame(one.sides.ours, chosen.get(one.id)))
  await writeHere(tx, entities.get(name), changed, chosen, now)
  await moveBases(tx, group, chosen)
  const due = group.filter((one) => !isSame(one.sides.theirs, chosen.get(one.id)))
  const place = { connectionId, entity: name }
  if (due.length > 0) {
    await markDue(
      tx,
      place,
      due.map((one) => one.localId),
      now,
    )
  }
  const drafts = group.map((one) =>
    draftOf(one, 'chosen', decided.choice, chosen.get(one.id) ?? null, now),
  )
  await insertChanges(tx, { ...place, runId: null, actor }, drafts, now)
  await closeItems(tx, group)
}

/** Keeps a run that is under way from merging the same records at the same time. */
async function lockConnection(tx: Transaction, connectionId: string): Promise<void> {
  await tx.find(sql`select 1 from sync_leases where connection_id = ${connectionId} for update`)
}

function draftOf(
  { localId, externalId, field, sides }: ConflictRow,
  verdict: FieldChange['verdict'],
  reason: string,
  value: FieldValue,
  now: Date,
): ChangeDraft {
  const change: FieldChange = {
    field,
    verdict,
    reason,
    contested: true,
    policy: 'ask',
    base: value,
    ours: sides.ours,
    theirs: sides.theirs,
    oursAt: now.toISOString(),
    theirsAt: now.toISOString(),
  }
  return { localId, externalId, changes: [change] }
}

/** Gives the records here the values that were chosen. */
async function writeHere(
  tx: Transaction,
  entity: Entity | undefined,
  conflicts: readonly ConflictRow[],
  chosen: ReadonlyMap<string, FieldValue>,
  now: Date,
): Promise<void> {
  if (conflicts.length === 0) return
  if (!entity?.write) {
    throw new Problem('conflict.not_writable', 'The hub itself does not write these records.')
  }
  const writes = [...Map.groupBy(conflicts, (one) => one.localId).values()].map((own) =>
    writeOf(entity, own, chosen),
  )
  const { events } = await entity.write(tx, writes, now)
  await recordOwnWork(tx, { events }, now)
}

/** What gives a record these values: of each field by its `id`. */
export function writeOf(
  entity: Entity,
  own: readonly Pick<ConflictRow, 'id' | 'field' | 'localId' | 'externalId'>[],
  chosen: ReadonlyMap<string, FieldValue>,
): EntityWrite {
  const values: EntityWrite['values'] = {}
  const references: EntityWrite['references'] = {}
  for (const { id, field } of own) {
    const value = chosen.get(id) ?? null
    const shape = entity.fields?.find((one) => one.name === field)
    if (!shape?.entity) values[field] = value
    else {
      const ids = Array.isArray(value) ? value : value === null ? [] : [String(value)]
      references[field] = ids.map((named) => {
        const [localId = '', role = null] = named.split(' ', 2)
        return { localId, externalId: '', role }
      })
    }
  }
  const { localId, externalId } = own[0]!
  return { localId, externalId, deleted: false, modifiedAt: null, values, references }
}

/** The vendor's side is acknowledged as it is; the chosen value counts as the hub's change to it. */
async function moveBases(
  tx: Transaction,
  group: readonly ConflictRow[],
  chosen: ReadonlyMap<string, FieldValue>,
): Promise<void> {
  const { connectionId, entity } = group[0]!
  const localIds = [...new Set(group.map((one) => one.localId))]
  const links = await tx.query(sql<{ localId: string; base: Buffer | null }>`
    select local_id, base from sync_links
    where connection_id = ${connectionId} and entity = ${entity} and local_id = any(${localIds}) for no key update`)
  const rows = links.map(({ localId, base: sealed }) => {
    const base = openMergeBase(tx, connectionId, entity, localId, sealed) ?? emptyBase()
    for (const conflict of group) {
      if (conflict.localId !== localId) continue
      const { field, sides } = conflict
      const isAgreed = isSame(sides.theirs, chosen.get(conflict.id))
      base.ours[field] = isAgreed ? (chosen.get(conflict.id) ?? null) : sides.theirs
      base.theirs[field] = sides.theirsKey
    }
    const kept = sealBase(tx, connectionId, entity, localId, base)
    return { localId, base: `\\x${kept.toString('hex')}` }
  })
  await saveBases(tx, connectionId, entity, rows)
}

async function saveBases(
  tx: Transaction,
  connectionId: string,
  entity: string,
  rows: readonly { localId: string; base: string }[],
): Promise<void> {
  await tx.execute(sql`
    update sync_links l set base = r.base
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r("localId" text, base bytea)
    where l.connection_id = ${connectionId} and l.entity = ${entity} and l.local_id = r."localId"`)
}

/** The item of the error inbox that the conflict had opened, once none of its record is open any more. */
async function closeItems(tx: Transaction, group: readonly ConflictRow[]): Promise<void> {
  const rows = group.map(({ id, connectionId, stream, externalId }) => ({
    id,
    connectionId,
    stream,
    externalId,
  }))
  await tx.execute(sql`
    delete from sync_errors e
    using jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as r(id text, "connectionId" text, stream text, "externalId" text)
    where e.connection_id = r."connectionId" and e.stream = r.stream and e.record = r."externalId"
      and e.code = 'merge.both_changed'
      and not exists (
        select from sync_conflicts c
        where c.connection_id = e.connection_id and c.external_id = e.record and c.state = 'open'
          and c.id <> all(${group.map(({ id }) => id)}::text[]))`)
}

/**
 * Takes a decision back: the conflict is open again with both values, and the hub has what it had before unless it was
 * changed since. A value that has reached the CRM stays there until somebody decides anew.
 * @throws Problem `conflict.not_resolved`, `conflict.changed_since`.
 */
export async function undoDecision(
  tx: Transaction,
  { entities, actor, now }: Deciding,
  id: string,
): Promise<ConflictRow | null> {
  const [conflict] = await findConflicts(tx, [id])
  if (!conflict) return null
  if (conflict.state !== 'resolved') {
    throw new Problem('conflict.not_resolved', 'Only a decision can be taken back.')
  }
  const { connectionId, entity: name, localId, field, sides } = conflict
  await lockConnection(tx, connectionId)
  const entity = entities.get(name)
  const [record] = (await entity?.load?.(tx, [localId])) ?? []
  const shape = entity?.fields?.find((one) => one.name === field)
  const known = { name: field, entity: shape?.entity ?? null, many: shape?.many ?? false }
  const present = record ? oursOf(record, known) : null
  if (!record || !isSame(present, sides.chosen)) {
    throw new Problem(
      'conflict.changed_since',
      'The field was changed since the decision: undoing it would lose that change.',
    )
  }
  const { chosen, before, ...open } = sides
  const restored: ConflictRow = {
    ...conflict,
    sides: { ...open, ours: before ?? null },
    state: 'open',
    choice: null,
    updatedAt: now,
    resolvedAt: null,
    resolvedBy: null,
  }
  // The conflict is reopened before the record is written: what follows must find the field in dispute.
  await saveConflicts(tx, [restored])
  if (!isSame(chosen, before)) {
    await writeHere(tx, entity, [restored], new Map([[id, before ?? null]]), now)
  }
  await reopenBase(tx, restored)
  const place = { connectionId, entity: name, runId: null, actor }
  await insertChanges(tx, place, [draftOf(restored, 'undone', 'undo', before ?? null, now)], now)
  return { ...restored, version: restored.version + 1 }
}

/** Both sides count as changed again since what they had last agreed on. */
async function reopenBase(tx: Transaction, conflict: ConflictRow): Promise<void> {
  const { connectionId, entity, localId, field, sides } = conflict
  const link = await tx.find(sql<{ base: Buffer | null }>`
    select base from sync_links
    where connection_id = ${connectionId} and entity = ${entity} and local_id = ${localId} for no key update`)
  if (!link) return
  const base = openMergeBase(tx, connectionId, entity, localId, link.base) ?? emptyBase()
  if (sides.base) {
    base.ours[field] = sides.base.ours
    base.theirs[field] = sides.base.theirs
  } else {
    delete base.ours[field]
    delete base.theirs[field]
  }
  const sealed = sealBase(tx, connectionId, entity, localId, base)
  await saveBases(tx, connectionId, entity, [{ localId, base: `\\x${sealed.toString('hex')}` }])
}
