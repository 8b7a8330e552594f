// Random merges, edits and unmerges of people against a plain model: what a merge that is undone leaves behind is what there
// would be had it never been made.
import { sql } from 'kysely'
import { Problem } from '#core/problem.ts'
import { seededRandom, type Random } from '#core/random.ts'
import { captureAll } from '#people/capture.store.ts'
import type { ConsentStatus, Personal } from '#people/capture.ts'
import { effectiveConsents } from '#people/consent.rules.ts'
import { listConsents } from '#people/consent.store.ts'
import { mergePairs } from '#people/merge-many.ts'
import { mergeByHand, undoMerge } from '#people/merge.ts'
import { openPersonal } from '#people/person.store.ts'
import type { Store, Transaction } from '#store/store.ts'
import { capture, timeOf, toCapture } from '#tests/merge-captures.ts'
import { drawStep, holds, Model, PEOPLE, type Step } from '#tests/merge-model.ts'

/** One sequence with its people in the hub. */
interface Sequence {
  name: string
  random: Random
  model: Model
  personIds: `per_${string}`[]
  /** Merges by the step that made them. */
  mergeIds: Map<number, string>
}

export interface MergeRun {
  sequences: number
  steps: number
  merges: number
  /** Merges among those that were made many at once. */
  atOnce: number
  unmerges: number
  refusals: number
  /** Facts that were compared with the model. */
  facts: number
  /** What differs from the model, in words; at most 20. */
  faults: string[]
  wrong: number
}

/** Runs sequences in step with one another, so that captures of all of them share transactions. */
export async function runMerges(
  store: Store,
  workspaceId: string,
  { seed, sequences, steps }: { seed: number; sequences: number; steps: number },
): Promise<MergeRun> {
  const run: MergeRun = {
    sequences,
    steps: 0,
    merges: 0,
    atOnce: 0,
    unmerges: 0,
    refusals: 0,
    facts: 0,
    faults: [],
    wrong: 0,
  }
  const all = Array.from({ length: sequences }, (_, i): Sequence => ({
    name: `s${seed}n${i}`,
    random: seededRandom(seed, i),
    model: new Model(),
    personIds: [],
    mergeIds: new Map(),
  }))
  const inWorkspace = <T>(work: (tx: Transaction) => Promise<T>) =>
    store.transaction(workspaceId, work)
  for (const some of chunksOf(all, 200)) {
    await inWorkspace((tx) => begin(tx, some))
    for (let at = 1; at <= steps; at += 1) await inWorkspace((tx) => takeStep(tx, some, at, run))
    await inWorkspace((tx) => compare(tx, some, run, 'after all steps'))
    await inWorkspace((tx) => undoAll(tx, some, steps + 1, run))
    await inWorkspace((tx) => compare(tx, some, run, 'after all was undone'))
  }
  return run
}

async function begin(tx: Transaction, sequences: readonly Sequence[]): Promise<void> {
  const captures = sequences.flatMap(({ name }) =>
    Array.from({ length: PEOPLE }, (_, person) => capture(name, person, {})),
  )
  const { outcomes } = await captureAll(tx, captures, timeOf(0))
  outcomes.forEach(({ personId }, i) =>
    sequences[Math.floor(i / PEOPLE)]!.personIds.push(personId as `per_${string}`),
  )
  const pairs = sequences.flatMap(({ personIds }) =>
    personIds.flatMap((one) =>
      personIds
        .filter((other) => other > one)
        .map((other) => ({ id: pairOf(one, other), one, other })),
    ),
  )
  await tx.execute(sql`
    insert into person_duplicates (id, workspace_id, person_id, other_person_id, confidence, reasons, found_at)
    select r.id, ${tx.workspaceId}, r.one, r.other, 0.5, '{phone}', ${timeOf(0)}::timestamptz
    from jsonb_to_recordset(${JSON.stringify(pairs)}::jsonb) as r(id text, one text, other text)`)
}

async function takeStep(
  tx: Transaction,
  sequences: readonly Sequence[],
  at: number,
  run: MergeRun,
) {
  const drawn = sequences.map((sequence) => ({ sequence, step: drawStep(sequence.random, at) }))
  run.steps += drawn.length
  const captures = drawn.flatMap(({ sequence, step }) => toCapture(sequence.name, step, at) ?? [])
  await captureAll(tx, captures, timeOf(at))
  for (const { sequence, step } of drawn) {
    if (step.kind === 'merge') await merge(tx, sequence, step, at, run)
    else if (step.kind === 'merge_many') await mergeMany(tx, sequence, step, at, run)
    else if (step.kind === 'unmerge') {
      const merges = sequence.model.mergeSteps()
      const chosen = merges[step.nth % Math.max(1, merges.length)]
      if (chosen) await unmerge(tx, sequence, chosen.entry, at, run)
    } else sequence.model.history.push({ step, at, isUndone: false })
  }
}

async function merge(
  tx: Transaction,
  { name, model, personIds, mergeIds }: Sequence,
  step: Step & { kind: 'merge' },
  at: number,
  run: MergeRun,
): Promise<void> {
  const { into, from } = step
  const { parent } = model.replay()
  const isRepeat = parent[from] === into
  const isRefused = !isRepeat && (into === from || parent[into] !== null || parent[from] !== null)
  const sides = { into: personIds[into]!, from: personIds[from]!, by: 'test' }
  const outcome = await orRefusal(mergeByHand(tx, sides, timeOf(at)))
  note(
    run,
    outcome instanceof Problem === isRefused,
    `${name} step ${at}: merge ${from} into ${into}`,
  )
  if (outcome instanceof Problem) run.refusals += 1
  if (isRefused || isRepeat || outcome instanceof Problem) return
  run.merges += 1
  mergeIds.set(at, outcome.merge.id)
  model.history.push({ step, at, isUndone: false })
}

/** An id for each two people, whichever comes first. */
function pairOf(one: string, other: string): string {
  const [first, second] = [one, other].toSorted()
  return `dup_${first!.slice(-20)}${second!.slice(-12)}`
}

/** Merges pairs at once. What may be merged is looked at pair by pair in the model; whoever hangs together by those becomes one. */
async function mergeMany(
  tx: Transaction,
  { name, model, personIds, mergeIds }: Sequence,
  step: Step & { kind: 'merge_many' },
  at: number,
  run: MergeRun,
): Promise<void> {
  const before = model.replay()
  const stands = (person: number) => before.parent[person] === null
  const { outcomes, merges } = await mergePairs(
    tx,
    step.pairs.map(({ one, other, stays }) => ({
      duplicateId: pairOf(personIds[one]!, personIds[other]!),
      intoId: stays === null ? null : personIds[stays]!,
    })),
    'test',
    timeOf(at),
  )
  merges.forEach(({ merge: { id, fromId, intoId } }, i) => {
    const turn = at + (i + 1) / 1000
    const [from, into] = [personIds.indexOf(fromId), personIds.indexOf(intoId)]
    mergeIds.set(turn, id)
    model.history.push({ step: { kind: 'merge', from, into }, at: turn, isUndone: false })
  })
  run.merges += merges.length
  run.atOnce += merges.length
  const after = model.replay()
  const groups = personIds.map((_, person) => model.rootOf(before, person))
  for (const [i, { one, other }] of step.pairs.entries()) {
    const outcome = outcomes[i]!
    const wasOne = model.rootOf(before, one) === model.rootOf(before, other)
    const isRefused = !wasOne && !(stands(one) && stands(other))
    const what = `${name} step ${at}: pair ${one} ${other}`
    note(run, outcome instanceof Problem === isRefused, what)
    if (isRefused) run.refusals += 1
    if (isRefused || outcome instanceof Problem) continue
    note(run, (outcome.result === 'already_one') === wasOne, `${what} was one`)
    note(run, outcome.intoId === personIds[model.rootOf(after, one)], `${what} stays`)
    note(run, outcome.intoId === personIds[model.rootOf(after, other)], `${what} goes`)
    const [mine, theirs] = [groups[one]!, groups[other]!]
    groups.forEach((group, person) => {
      if (group === theirs) groups[person] = mine
    })
  }
  // Nobody is one with anybody but by the pairs.
  personIds.forEach((_, a) =>
    personIds.forEach((__, b) => {
      const isOne = model.rootOf(after, a) === model.rootOf(after, b)
      note(run, isOne === (groups[a] === groups[b]), `${name} step ${at}: ${a} and ${b} are one`)
    }),
  )
}

async function unmerge(
  tx: Transaction,
  { name, model, mergeIds }: Sequence,
  entry: Model['history'][number],
  at: number,
  run: MergeRun,
): Promise<void> {
  const top = entry.isUndone ? entry.at : model.topOf(entry.at)
  const undone = undoMerge(tx, { mergeId: mergeIds.get(entry.at)!, by: 'test' }, timeOf(at))
  const outcome = await orRefusal(undone)
  const isRefused = outcome instanceof Problem
  note(run, isRefused === (top !== entry.at), `${name} step ${at}: unmerge of step ${entry.at}`)
  if (isRefused) {
    run.refusals += 1
    note(run, outcome.message.includes(mergeIds.get(top)!), `${name} step ${at}: names ${top}`)
    return
  }
  if (!entry.isUndone) run.unmerges += 1
  entry.isUndone = true
}

async function orRefusal<T>(work: Promise<T>): Promise<T | Problem> {
  return work.catch((error: unknown) => {
    if (error instanceof Problem) return error
    throw error
  })
}

/** Undoes what still holds, the latest first. */
async function undoAll(tx: Transaction, sequences: readonly Sequence[], at: number, run: MergeRun) {
  for (const sequence of sequences)
    for (const { entry } of sequence.model.mergeSteps().toReversed())
      if (!entry.isUndone) await unmerge(tx, sequence, entry, at, run)
}

function note(run: MergeRun, isRight: boolean, what: string): void {
  run.facts += 1
  if (isRight) return
  run.wrong += 1
  if (run.faults.length < 20) run.faults.push(what)
}

/** Compares all that is kept of the people with the model. */
async function compare(
  tx: Transaction,
  sequences: readonly Sequence[],
  run: MergeRun,
  when: string,
) {
  const held = await readAll(tx, sequences)
  for (const { name, model, personIds } of sequences) {
    const world = model.replay()
    const idOf = (person: number | null) =>
      person === null ? null : personIds[model.rootOf(world, person)]!
    const say = (what: string, got: unknown, want: unknown) => {
      const [a, b] = [JSON.stringify(got), JSON.stringify(want)]
      note(run, a === b, `${name} ${when}: ${what} is ${a} and should be ${b}`)
    }
    personIds.forEach((id, person) => {
      const row = held.people.get(id)!
      const { parent } = world
      say(
        `${person} stands under`,
        row.mergedInto,
        parent[person] == null ? null : personIds[parent[person]],
      )
      if (parent[person] != null) return
      const { email, ...values } = world.values[person]!
      say(
        `values of ${person}`,
        sorted(row.values),
        sorted({ ...values, email: `${name}p${email}@example.com` }),
      )
      say(
        `consent of ${person}`,
        held.consents.get(id) ?? null,
        holds(model.allSaid(world, person)),
      )
    })
    for (const [at, { person }] of world.touches) {
      const owner = held.touches.get(`${name} ${at}`)!
      say(`touch ${at}`, personIds.includes(owner as `per_${string}`) ? owner : null, idOf(person))
    }
    for (const [login, person] of world.logins)
      say(`login ${login}`, held.names.get(`${name}u${login}`), idOf(person))
    for (const [visitor, person] of world.visitors)
      say(`visitor ${visitor}`, held.names.get(`${name}a${visitor}`), idOf(person))
    personIds.forEach((_, person) =>
      say(`address ${person}`, held.names.get(`${name}p${person}@example.com`), idOf(person)),
    )
  }
}

const sorted = (values: Record<string, unknown>) =>
  Object.entries(values).toSorted(([a], [b]) => (a < b ? -1 : 1))

interface Held {
  people: Map<string, { mergedInto: string | null; values: Personal }>
  consents: Map<string, ConsentStatus>
  touches: Map<string, string>
  names: Map<string, string>
}

async function readAll(tx: Transaction, sequences: readonly Sequence[]): Promise<Held> {
  const personIds = sequences.flatMap((sequence) => sequence.personIds)
  const messages = sequences.flatMap(({ name, model }) =>
    model.history.map(({ at }) => `${name} ${at}`),
  )
  const ids = sql`any(${personIds}::text[])`
  const people = await tx.query(sql<{
    id: string
    mergedInto: string | null
    personal: Buffer | null
  }>`
    select id, merged_into, personal from people where id = ${ids}`)
  const touches = await tx.query(sql<{ messageId: string; personId: string }>`
    select message_id, person_id from touchpoints
    where workspace_id = ${tx.workspaceId} and source = 'test' and message_id = any(${messages}::text[])`)
  const identities = await tx.query(
    sql<{
      kind: string
      index: string
      value: Buffer
      personId: string
    }>`select kind, encode(value_index, 'hex') as index, value, person_id from identities where person_id = ${ids}`,
  )
  const consents = Map.groupBy(await listConsents(tx, personIds), ({ personId }) => personId)
  return {
    people: new Map(
      people.map(({ id, mergedInto, personal }) => [
        id,
        { mergedInto, values: openPersonal(tx, id, personal) },
      ]),
    ),
    touches: new Map(touches.map(({ messageId, personId }) => [messageId, personId])),
    names: new Map(
      identities.map(({ kind, index, value, personId }) => [
        tx.sealer.open<string>(value, `identities.value:${kind}::${index}`),
        personId,
      ]),
    ),
    consents: new Map(
      [...consents].map(([id, rows]) => {
        const records = rows.map(({ proof, ...row }) => ({ ...row, hasProof: proof !== null }))
        return [id, effectiveConsents(records)[0]!.status]
      }),
    ),
  }
}

function* chunksOf<T>(all: readonly T[], size: number): Generator<T[]> {
  for (let i = 0; i < all.length; i += size) yield all.slice(i, i + size)
}
