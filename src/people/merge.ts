import { newId } from '#core/id.ts'
import { Problem } from '#core/problem.ts'
import type { EventDraft } from '#jobs/job.ts'
import {
  effectiveConsents,
  joinConsents,
  MERGE_SOURCE,
  type ConsentRecord,
} from '#people/consent.rules.ts'
import { insertConsents, listConsents } from '#people/consent.store.ts'
import { openSetAside } from '#people/layer.store.ts'
import { mergeRefusal, orderPair, previewValues } from '#people/merge.rules.ts'
import type { MergePreview, PersonMerge } from '#people/merge.schema.ts'
import {
  closeMerge,
  countMoves,
  findMerge,
  findMergesOf,
  findSides,
  findTopMerge,
  insertMerges,
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
type Said = Omit<ConsentRecord, 'hasProof'> & { proof: object | null }

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
    const merge = (await findMergesOf(tx, [from.id])).get(from.id)
    if (merge !== undefined) return { merge, events: [] }
  }
  const refusal = mergeRefusal(into, from)
  if (refusal !== null) throw new Problem('merge.refused', refusal)
  const [outcome] = await layMerges(tx, [{ into, from }], by, now)
  return outcome!
}

/**
 * Puts people over others, in this order. The caller holds all of them, they stand for themselves, and nobody who goes into another stays
 * over somebody. A number of statements that does not grow with the merges.
 */
export async function layMerges(
  tx: Transaction,
  merges: readonly { into: MergeSide; from: MergeSide }[],
  by: string,
  now: Date,
): Promise<MergeOutcome[]> {
  if (merges.length === 0) return []
  const sides = new Map(
    merges.flatMap(({ into, from }) => [into, from]).map((one) => [one.id, one]),
  )
  const moved = await countMoves(
    tx,
    merges.map(({ from }) => from.id),
  )
  const records = await readRecords(tx, [...sides.keys()])
  const values = new Map([...sides].map(([id, one]) => [id, openPersonal(tx, id, one.personal)]))
  const made = merges.map(({ into, from }) => {
    const [ours, theirs] = [records.get(into.id) ?? [], records.get(from.id) ?? []]
    const joined = joinConsents(ours, theirs)
    const guards = joined
      .filter(({ isGuarded }) => isGuarded)
      .map(({ purpose, channel, after: status }) => {
        const said = {
          purpose,
          channel,
          status,
          source: MERGE_SOURCE,
          proof: null,
          occurredAt: now,
        }
        return { id: newId('cns'), personId: into.id, homeId: null, ...said }
      })
    // Who goes in next meets what this one made of the survivor.
    records.set(into.id, [...ours, ...theirs, ...guards.map(toRecord)])
    const [intoValues, fromValues] = [values.get(into.id)!, values.get(from.id)!]
    values.set(into.id, fillPersonal(intoValues, fromValues))
    const named = { id: newId('mrg'), fromId: from.id, intoId: into.id, moved: moved.get(from.id)! }
    return { ...named, fromValues, intoValues, guards, joined }
  })
  await moveRows(tx, made)
  const guards = made.flatMap((one) => one.guards)
  if (guards.length > 0) await insertConsents(tx, guards, now)
  await insertMerges(
    tx,
    made.map((one) => ({ ...one, consentIds: one.guards.map(({ id }) => id) })),
    by,
    now,
  )
  const survivors = [...new Set(made.map(({ intoId }) => intoId))]
  await writeSides(
    tx,
    [
      ...made.map(({ fromId, intoId }) => ({ id: fromId, mergedInto: intoId, personal: null })),
      ...survivors.map((id) => ({ id, mergedInto: null, personal: values.get(id)! })),
    ],
    now,
  )
  await settleConflicts(
    tx,
    made.map(({ fromId, intoId }) => orderPair(intoId, fromId)),
    'merged',
  )
  // What holds of a survivor in the end is told once.
  const lastOf = new Map(made.map(({ intoId }, i) => [intoId, i]))
  return made.map(({ id, fromId, intoId, moved: its, joined }, i) => ({
    merge: {
      id,
      fromId,
      intoId,
      moved: its,
      mergedBy: by,
      mergedAt: now,
      undoneBy: null,
      undoneAt: null,
    },
    events: [
      { event: 'person.merged', subjectId: fromId, data: { into: intoId, mergeId: id } },
      ...(lastOf.get(intoId) === i ? joined : []).map(({ purpose, channel, after: status }) =>
        consentChanged(intoId, { purpose, channel, status }),
      ),
    ],
  }))
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
  const records = await readRecords(tx, [into.id, from.id])
  const events = [
    { event: 'person.unmerged', subjectId: from.id, data: { from: into.id, mergeId: id } },
    ...[into, from].flatMap((side) =>
      effectiveConsents(records.get(side.id) ?? []).map((consent) =>
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
  const records = await readRecords(tx, [into.id, from.id])
  const moves = await countMoves(tx, [from.id])
  return {
    intoId,
    fromId,
    refusal: mergeRefusal(into, from),
    values: previewValues(
      openPersonal(tx, into.id, into.personal),
      openPersonal(tx, from.id, from.personal),
    ),
    moves: moves.get(from.id)!,
    consents: joinConsents(records.get(into.id) ?? [], records.get(from.id) ?? []).map(
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

/** The consents of these people by person, oldest first. */
async function readRecords(
  tx: Transaction,
  personIds: readonly string[],
): Promise<Map<string, ConsentRecord[]>> {
  const byPerson = Map.groupBy(await listConsents(tx, personIds), ({ personId }) => personId)
  return new Map([...byPerson].map(([id, rows]) => [id, rows.map(toRecord)]))
}

function toRecord({ purpose, channel, status, source, proof, occurredAt }: Said): ConsentRecord {
  return { purpose, channel, status, source, occurredAt, hasProof: proof !== null }
}

function consentChanged(
  personId: string,
  { purpose, channel, status }: { purpose: string; channel: string; status: string },
): EventDraft {
  return { event: 'consent.changed', subjectId: personId, data: { purpose, channel, status } }
}
