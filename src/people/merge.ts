import { newId } from '#core/id.ts'
import { Problem } from '#core/problem.ts'
import type { EventDraft } from '#jobs/job.ts'
import { effectiveConsents, joinConsents, MERGE_SOURCE } from '#people/consent.rules.ts'
import { insertConsents, listConsents, type ConsentRow } from '#people/consent.store.ts'
import { openSetAside } from '#people/layer.store.ts'
import { mergeRefusal, orderPair, previewValues } from '#people/merge.rules.ts'
import type { MergePreview, PersonMerge } from '#people/merge.schema.ts'
import {
  closeMerge,
  countMoves,
  findMerge,
  findMergeOf,
  findSides,
  findTopMerge,
  insertMerge,
  moveRows,
  moveRowsBack,
  settleConflicts,
  writeSides,
  type MergeSide,
} from '#people/merge.store.ts'
import { openPersonal } from '#people/person.store.ts'
import { fillPersonal } from '#people/personal.rules.ts'
import type { Transaction } from '#store/store.ts'

type PersonId = `per_${string}`

/** A merge as it stands, and what to tell of it; no events when there was nothing to do. */
export interface MergeOutcome {
  merge: PersonMerge
  events: EventDraft[]
}

/**
 * Puts one person over another as a layer that can be taken off: rows move and remember for whom they came, values that the
 * survivor has stay, gaps are filled, and both sides' own values are set aside. Of consents the more restrictive holds.
 *
 * @throws Problem `resource.not_found`, `merge.refused` with what to do instead.
 */
export async function mergeByHand(
  tx: Transaction,
  { into: intoId, from: fromId, by }: { into: PersonId; from: PersonId; by: string },
  now: Date,
): Promise<MergeOutcome> {
  const { into, from } = await getSides(tx, intoId, fromId, 'change')
  if (from.mergedInto === into.id) {
    const merge = await findMergeOf(tx, from.id)
    if (merge !== null) return { merge, events: [] }
  }
  const refusal = mergeRefusal(into, from)
  if (refusal !== null) throw new Problem('merge.refused', refusal)
  const moved = await countMoves(tx, from.id)
  const records = await readRecords(tx, into.id, from.id)
  const joined = joinConsents(records.into, records.from)
  await moveRows(tx, from.id, into.id)
  const guards = joined
    .filter(({ isGuarded }) => isGuarded)
    .map(({ purpose, channel, after: status }) => {
      const said = { purpose, channel, status, source: MERGE_SOURCE, proof: null, occurredAt: now }
      return { id: newId('cns'), personId: into.id, homeId: null, ...said }
    })
  if (guards.length > 0) await insertConsents(tx, guards, now)
  const fromValues = openPersonal(tx, from.id, from.personal)
  const intoValues = openPersonal(tx, into.id, into.personal)
  const id = newId('mrg')
  const consentIds = guards.map((guard) => guard.id)
  const named = { id, fromId: from.id, intoId: into.id, moved }
  await insertMerge(tx, { ...named, fromValues, intoValues, consentIds, by }, now)
  const survivor = { id: into.id, mergedInto: null, personal: fillPersonal(intoValues, fromValues) }
  await writeSides(tx, [{ id: from.id, mergedInto: into.id, personal: null }, survivor], now)
  await settleConflicts(tx, [orderPair(into.id, from.id)], 'merged')
  const merge = { ...named, mergedBy: by, mergedAt: now, undoneBy: null, undoneAt: null }
  const events = [
    { event: 'person.merged', subjectId: from.id, data: { into: into.id, mergeId: id } },
    ...joined.map(({ purpose, channel, after: status }) =>
      consentChanged(into.id, { purpose, channel, status }),
    ),
  ]
  return { merge, events }
}

/**
 * Takes a merge off again. Both people stand as if it had not been made; what came since stays with whom it names, with the
 * survivor when it names neither.
 *
 * @throws Problem `resource.not_found`; `resource.gone` when the person was erased; `merge.undo_later_first` naming the merge that
 *   rests on this one.
 */
export async function undoMerge(
  tx: Transaction,
  { mergeId, by }: { mergeId: string; by: string },
  now: Date,
): Promise<MergeOutcome> {
  const { fromId, intoId } = await getMerge(tx, mergeId)
  const { into, from } = await getSides(tx, intoId, fromId, 'change')
  const { fromValues, intoValues, consentIds, ...merge } = await getMerge(tx, mergeId)
  if (merge.undoneAt !== null) return { merge, events: [] }
  if (fromValues === null || intoValues === null || from.erasedAt !== null)
    throw new Problem('resource.gone', 'The person was erased: nothing is left to restore.')
  const top = await findTopMerge(tx, mergeId)
  if (top !== mergeId)
    throw new Problem(
      'merge.undo_later_first',
      `Undo ${top} first: it was made on top of this one.`,
    )
  await moveRowsBack(tx, from.id, into.id)
  const id = merge.id
  const sides = [
    { id: from.id, personal: openSetAside(tx, { id, side: 'from' }, fromValues) },
    { id: into.id, personal: openSetAside(tx, { id, side: 'into' }, intoValues) },
  ]
  await closeMerge(tx, { id, consentIds }, by, now)
  await writeSides(
    tx,
    sides.map((side) => ({ ...side, mergedInto: null })),
    now,
  )
  await settleConflicts(tx, [orderPair(into.id, from.id)], 'open')
  const records = await readRecords(tx, into.id, from.id)
  const events = [
    { event: 'person.unmerged', subjectId: from.id, data: { from: into.id, mergeId: id } },
    ...[into, from].flatMap((side) =>
      effectiveConsents(records[side === into ? 'into' : 'from']).map((consent) =>
        consentChanged(side.id, consent),
      ),
    ),
  ]
  return { merge: { ...merge, undoneBy: by, undoneAt: now }, events }
}

/** What a merge would do, without doing it. @throws Problem `resource.not_found` */
export async function previewMerge(
  tx: Transaction,
  intoId: PersonId,
  fromId: PersonId,
): Promise<MergePreview> {
  const { into, from } = await getSides(tx, intoId, fromId, 'read')
  const records = await readRecords(tx, into.id, from.id)
  return {
    intoId,
    fromId,
    refusal: mergeRefusal(into, from),
    values: previewValues(
      openPersonal(tx, into.id, into.personal),
      openPersonal(tx, from.id, from.personal),
    ),
    moves: await countMoves(tx, from.id),
    consents: joinConsents(records.into, records.from).map(
      ({ isGuarded: _guarded, ...consent }) => consent,
    ),
  }
}

async function getSides(
  tx: Transaction,
  intoId: string,
  fromId: string,
  use: 'change' | 'read',
): Promise<{ into: MergeSide; from: MergeSide }> {
  const sides = await findSides(tx, [intoId, fromId], use)
  const [into, from] = [sides.get(intoId), sides.get(fromId)]
  if (into === undefined || from === undefined)
    throw new Problem('resource.not_found', 'There is no person with one of these ids.')
  return { into, from }
}

async function getMerge(tx: Transaction, id: string) {
  const merge = await findMerge(tx, id)
  if (merge === null) throw new Problem('resource.not_found', 'There is no merge with this id.')
  return merge
}

async function readRecords(tx: Transaction, intoId: string, fromId: string) {
  const rows = await listConsents(tx, [intoId, fromId])
  const of = (id: string) => rows.filter(({ personId }) => personId === id).map(toRecord)
  return { into: of(intoId), from: of(fromId) }
}

function toRecord({ proof, ...row }: ConsentRow) {
  return { ...row, hasProof: proof !== null }
}

function consentChanged(
  personId: string,
  { purpose, channel, status }: { purpose: string; channel: string; status: string },
): EventDraft {
  return { event: 'consent.changed', subjectId: personId, data: { purpose, channel, status } }
}
