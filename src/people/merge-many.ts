import { Problem } from '#core/problem.ts'
import type { PersonDuplicate } from '#people/duplicate.schema.ts'
import { findDuplicates } from '#people/duplicate.store.ts'
import { planMerges, type WishedPair } from '#people/merge-many.rules.ts'
import { mergeRefusal, previewValues } from '#people/merge.rules.ts'
import type { DuplicateMerge, DuplicateMergePreview } from '#people/merge.schema.ts'
import { findMergesOf, findSides, findStanding, type MergeSide } from '#people/merge.store.ts'
import { layMerges, type MergeOutcome } from '#people/merge.ts'
import { briefsOf } from '#people/person-list.store.ts'
import { openPersonal } from '#people/person.store.ts'
import { fillPersonal } from '#people/personal.rules.ts'
import type { Transaction } from '#store/store.ts'

/** A pair to be merged; `intoId` null: who stays goes by the rule. */
export interface PairWish {
  duplicateId: string
  intoId: string | null
}

/** What a pair comes to, before anything is done. */
type Decided =
  | { kind: 'refused'; pair: PersonDuplicate | null; problem: Problem }
  | { kind: 'already_one'; pair: PersonDuplicate; intoId: string }
  | { kind: 'together'; pair: PersonDuplicate; intoId: string }
  | { kind: 'merge'; pair: PersonDuplicate; intoId: string; fromId: string; isShared: boolean }

interface Plan {
  /** One for each wish, in its order. */
  decided: Decided[]
  /** Indexes of those that are merges, in the order in which they are to be made. */
  order: number[]
  sides: Map<string, MergeSide>
}

/** An outcome of each wish, in its order, and the merges that were made, each with its pair. */
export interface ManyMerged {
  outcomes: (DuplicateMerge | Problem)[]
  merges: (MergeOutcome & { duplicateId: string })[]
}

/**
 * Merges pairs, each as if alone: what cannot be merged is refused and leaves the others. Where pairs share people, everybody goes into
 * one. A number of statements that does not grow with the pairs.
 */
export async function mergePairs(
  tx: Transaction,
  wishes: readonly PairWish[],
  by: string,
  now: Date,
): Promise<ManyMerged> {
  const { decided, order, sides } = await planPairs(tx, wishes, 'change')
  const toMake = order.flatMap((index) => {
    const one = decided[index]!
    if (one.kind !== 'merge') return []
    const { pair, intoId, fromId } = one
    return [{ index, duplicateId: pair.id, into: sides.get(intoId)!, from: sides.get(fromId)! }]
  })
  const made = await layMerges(tx, toMake, by, now)
  const merges = made.map((one, i) => ({ ...one, duplicateId: toMake[i]!.duplicateId }))
  const mergeOf = new Map(toMake.map(({ index }, i) => [index, made[i]!.merge]))
  const known = await findMergesOf(
    tx,
    decided.flatMap(({ kind, pair }) =>
      kind === 'already_one' ? [pair.personId, pair.otherPersonId] : [],
    ),
  )
  const outcomes = decided.map((one, index): DuplicateMerge | Problem => {
    if (one.kind === 'refused') return one.problem
    const { kind, pair, intoId } = one
    const { id, personId, otherPersonId } = pair
    const its = { id, personId, otherPersonId, intoId: `per_${intoId.slice(4)}` as const }
    if (kind === 'merge') {
      const { id: mergeId, fromId, moved } = mergeOf.get(index)!
      return { ...its, result: 'merged', mergeId, fromId, moved, isShared: one.isShared }
    }
    const merge = [known.get(personId), known.get(otherPersonId)].find(
      (held) => held && [personId, otherPersonId].includes(held.intoId),
    )
    const rest = { mergeId: merge?.id ?? null, fromId: merge?.fromId ?? null, moved: null }
    return { ...its, ...rest, result: kind, isShared: kind === 'together' }
  })
  return { outcomes, merges }
}

/** Values that differ which a preview shows of a pair; it counts the others. */
const MOST_SHOWN = 6

/** What merging the pairs at once would do, without doing it. */
export async function previewPairs(
  tx: Transaction,
  wishes: readonly PairWish[],
): Promise<DuplicateMergePreview[]> {
  const { decided, order, sides } = await planPairs(tx, wishes, 'read')
  const values = new Map([...sides].map(([id, one]) => [id, openPersonal(tx, id, one.personal)]))
  const briefOf = await briefsOf(
    tx,
    decided.flatMap((one) => {
      if (one.kind === 'refused') return []
      return one.kind === 'merge' ? [one.intoId, one.fromId] : [one.intoId]
    }),
  )
  const differing = new Map<
    number,
    Pick<DuplicateMergePreview, 'differs' | 'differing' | 'fills'>
  >()
  for (const index of order) {
    const one = decided[index]!
    if (one.kind !== 'merge') continue
    const [into, from] = [values.get(one.intoId)!, values.get(one.fromId)!]
    const rows = previewValues(into, from)
    const differs = rows.flatMap(({ field, source, stays, setAside }) =>
      source === 'into' && setAside !== null && JSON.stringify(setAside) !== JSON.stringify(stays)
        ? [{ field, stays, setAside }]
        : [],
    )
    differing.set(index, {
      differs: differs.slice(0, MOST_SHOWN),
      differing: differs.length,
      fills: rows.filter(({ source }) => source === 'from').length,
    })
    values.set(one.intoId, fillPersonal(into, from))
  }
  return decided.map((one, index) => {
    const none = { differs: [], differing: 0, fills: 0, ...differing.get(index) }
    const { pair } = one
    const id = pair?.id ?? (`dup_${wishes[index]!.duplicateId.slice(4)}` as const)
    const named = {
      id,
      personId: pair?.personId ?? null,
      otherPersonId: pair?.otherPersonId ?? null,
      confidence: pair?.confidence ?? null,
    }
    if (one.kind === 'refused')
      return {
        ...named,
        ...none,
        result: 'refused',
        refusal: one.problem.message,
        isShared: false,
        into: null,
        from: null,
      }
    return {
      ...named,
      ...none,
      result: one.kind,
      refusal: null,
      isShared: one.kind === 'merge' ? one.isShared : one.kind === 'together',
      into: briefOf(one.intoId),
      from: one.kind === 'merge' ? briefOf(one.fromId) : null,
    }
  })
}

async function planPairs(
  tx: Transaction,
  wishes: readonly PairWish[],
  use: 'change' | 'read',
): Promise<Plan> {
  const pairs = await findDuplicates(
    tx,
    wishes.map(({ duplicateId }) => duplicateId),
  )
  const sides = await findSides(
    tx,
    [...pairs.values()].flatMap(({ personId, otherPersonId }) => [personId, otherPersonId]),
    use,
  )
  const standing = await findStanding(
    tx,
    [...sides.values()].flatMap(({ id, mergedInto }) => (mergedInto === null ? [] : [id])),
  )
  const decided: (Decided | null)[] = []
  const open: (WishedPair & { index: number; pair: PersonDuplicate })[] = []
  for (const [index, wish] of wishes.entries()) {
    const judged = judge(wish, pairs.get(wish.duplicateId) ?? null, sides, standing)
    if ('stays' in judged) {
      open.push({ ...judged, index })
      decided.push(null)
    } else decided.push(judged)
  }
  const plan = planMerges(open, (id) => sides.get(id)!.identified)
  plan.pairs.forEach((planned, at) => {
    const { index, pair } = open[at]!
    decided[index] = { ...planned, pair }
  })
  // Who stands for two that are one already may go into another by the pairs itself.
  const goesTo = new Map(
    plan.pairs.flatMap((one) => (one.kind === 'merge' ? [[one.fromId, one.intoId]] : [])),
  )
  return {
    decided: decided.flatMap((one): Decided[] => {
      if (one === null) return []
      return one.kind === 'already_one'
        ? [{ ...one, intoId: goesTo.get(one.intoId) ?? one.intoId }]
        : [one]
    }),
    order: plan.order.map((at) => open[at]!.index),
    sides,
  }
}

/** Whether a pair can be merged, looked at by itself. */
function judge(
  { intoId }: PairWish,
  pair: PersonDuplicate | null,
  sides: ReadonlyMap<string, MergeSide>,
  standing: ReadonlyMap<string, string>,
): Decided | (WishedPair & { pair: PersonDuplicate }) {
  if (pair === null) {
    const detail = 'There is no pair with this id any more: read the list again.'
    return { kind: 'refused', pair, problem: new Problem('resource.not_found', detail) }
  }
  const ids = [pair.personId, pair.otherPersonId]
  if (intoId !== null && !ids.some((id) => id === intoId)) {
    const detail = 'Name one of the two people of the pair.'
    const errors = [{ pointer: '/intoId', detail }]
    return { kind: 'refused', pair, problem: new Problem('request.invalid', detail, { errors }) }
  }
  const rootOf = (id: string) => standing.get(id) ?? id
  const [one, other] = [sides.get(pair.personId)!, sides.get(pair.otherPersonId)!]
  if (rootOf(one.id) === rootOf(other.id))
    return { kind: 'already_one', pair, intoId: rootOf(one.id) }
  const refuse = (detail: string): Decided => ({
    kind: 'refused',
    pair,
    problem: new Problem('merge.refused', detail),
  })
  if (pair.status === 'dismissed')
    return refuse('Somebody said that they are two people: who knows better merges them alone.')
  // As a single merge proposes it: the first of the pair, unless only the other can stand for both.
  const proposed = one.identified || !other.identified ? one : other
  const stays = intoId === null ? proposed : sides.get(intoId)!
  const goes = stays === one ? other : one
  const refusal = mergeRefusal(stays, goes)
  if (refusal !== null) return refuse(refusal)
  return { pair, stays: stays.id, goes: goes.id, isNamed: intoId !== null }
}
