// Random merges, edits and unmerges of people against a plain model: what a merge that is undone leaves behind is what there
// would be had it never been made.
import { sql } from 'kysely'
import { Problem } from '#core/problem.ts'
import { seededRandom, type Random } from '#core/random.ts'
import { MINUTE_MS } from '#core/time.ts'
import { captureAll } from '#people/capture.store.ts'
import type { Capture, ConsentStatus, Personal } from '#people/capture.ts'
import { effectiveConsents } from '#people/consent.rules.ts'
import { listConsents } from '#people/consent.store.ts'
import { mergeByHand, undoMerge } from '#people/merge.ts'
import { openPersonal } from '#people/person.store.ts'
import type { Store, Transaction } from '#store/store.ts'

const PEOPLE = 4
const STARTED_MS = Date.parse('2026-11-01T00:00:00Z')

type Step =
  | { kind: 'edit'; person: number; field: string; value: string }
  | { kind: 'touch'; person: number }
  | { kind: 'login'; person: number; login: number }
  | { kind: 'visit'; visitor: number }
  | { kind: 'named_visit'; person: number; visitor: number }
  | { kind: 'consent'; person: number; status: ConsentStatus; daysAgo: number }
  | { kind: 'merge'; into: number; from: number }
  | { kind: 'unmerge'; nth: number }

const statuses: readonly ConsentStatus[] = ['granted', 'pending', 'denied', 'withdrawn']

function drawStep(random: Random, at: number): Step {
  const person = random.integer(PEOPLE)
  const visitor = random.integer(3)
  switch (random.weighted([4, 2, 1, 1, 1, 2, 5, 3])) {
    case 0:
      return {
        kind: 'edit',
        person,
        field: random.pick(['jobTitle', 'phone', 'city']),
        value: `v${at}`,
      }
    case 1:
      return { kind: 'touch', person }
    case 2:
      return { kind: 'login', person, login: at }
    case 3:
      return { kind: 'visit', visitor }
    case 4:
      return { kind: 'named_visit', person, visitor }
    case 5:
      return { kind: 'consent', person, status: random.pick(statuses), daysAgo: random.integer(3) }
    case 6:
      return { kind: 'merge', into: person, from: random.integer(PEOPLE) }
    default:
      return { kind: 'unmerge', nth: random.integer(6) }
  }
}

/** A consent as the model keeps it; those of a merge stand last among those of their moment only by their status. */
interface Said {
  status: ConsentStatus
  at: number
  byMerge: boolean
}

/** What there is after a history. Person `n` is its own root until it is merged. */
interface World {
  parent: (number | null)[]
  values: Record<string, string>[]
  said: Said[][]
  guards: Said[][]
  /** Who each touch, login and visitor is of; a visitor that nobody named is none of the people: null. */
  touches: Map<number, { person: number | null; visitor: number | null }>
  logins: Map<number, number>
  visitors: Map<number, number>
}

const restriction = (status: ConsentStatus): number => statuses.indexOf(status)

function holds(said: readonly Said[]): ConsentStatus | null {
  let held: ConsentStatus | null = null
  const ordered = said.toSorted(
    (a, b) => a.at - b.at || restriction(a.status) - restriction(b.status),
  )
  for (const { status, byMerge } of ordered) {
    if (held === null || status === 'withdrawn' || status === 'granted') held = status
    else if (status === 'denied' && held !== 'withdrawn') held = status
    else if (status === 'pending' && byMerge && held === 'granted') held = status
  }
  return held
}

/** One sequence of steps in the model: the steps that count, and which of them were merges. */
class Model {
  readonly history: { step: Step; at: number; isUndone: boolean }[] = []

  rootOf({ parent }: World, person: number): number {
    let root = person
    while (parent[root] != null) root = parent[root]!
    return root
  }

  /** The world without the merges that were undone. */
  replay(): World {
    const each = <T>(make: () => T) => Array.from({ length: PEOPLE }, make)
    const world: World = {
      parent: each(() => null),
      values: each(() => ({})),
      said: each(() => []),
      guards: each(() => []),
      touches: new Map(),
      logins: new Map(),
      visitors: new Map(),
    }
    world.values.forEach((values, i) => (values['email'] = String(i)))
    for (const { step, at, isUndone } of this.history) if (!isUndone) this.apply(world, step, at)
    return world
  }

  apply(world: World, step: Step, at: number): void {
    if (step.kind === 'unmerge') return
    if (step.kind === 'visit') {
      const { visitor } = step
      world.touches.set(at, { person: world.visitors.get(visitor) ?? null, visitor })
      return
    }
    if (step.kind === 'merge') {
      const { into, from } = step
      const [ours, theirs] = [this.allSaid(world, into), this.allSaid(world, from)]
      world.values[into] = { ...world.values[from], ...world.values[into] }
      world.parent[from] = into
      const strictest = [holds(ours), holds(theirs)].reduce((a, b) =>
        a === null || (b !== null && restriction(b) > restriction(a)) ? b : a,
      )
      const joined = holds([...ours, ...theirs])
      if (strictest !== null && joined !== null && restriction(strictest) > restriction(joined))
        world.guards[into]!.push({ status: strictest, at, byMerge: true })
      return
    }
    const { person } = step
    const values = world.values[this.rootOf(world, person)]!
    values['email'] = String(person)
    if (step.kind === 'edit') values[step.field] = step.value
    if (step.kind === 'touch') world.touches.set(at, { person, visitor: null })
    if (step.kind === 'login') world.logins.set(step.login, person)
    if (step.kind === 'consent') {
      const { status, daysAgo } = step
      world.said[person]!.push({ status, at: at - daysAgo * 1440, byMerge: false })
    }
    if (step.kind === 'named_visit') {
      const { visitor } = step
      world.touches.set(at, { person, visitor: null })
      if (world.visitors.has(visitor)) return
      world.visitors.set(visitor, person)
      for (const touch of world.touches.values())
        if (touch.person === null && touch.visitor === visitor) touch.person = person
    }
  }

  allSaid(world: World, root: number): Said[] {
    const under = world.parent.flatMap((_, i) => (this.rootOf(world, i) === root ? [i] : []))
    return under.flatMap((i) => [...world.said[i]!, ...world.guards[i]!])
  }

  mergeSteps() {
    return this.history.flatMap((entry) =>
      entry.step.kind === 'merge' ? [{ entry, into: entry.step.into, from: entry.step.from }] : [],
    )
  }

  /** The latest merge that rests on this one, itself when none does. */
  topOf(at: number): number {
    const standing = this.mergeSteps().filter(({ entry }) => !entry.isUndone)
    const { into } = standing.find(({ entry }) => entry.at === at)!
    const above = standing.filter(
      (one) => one.entry.at > at && (one.into === into || one.from === into),
    )
    return Math.max(at, ...above.map((one) => this.topOf(one.entry.at)))
  }
}

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
  const { outcomes } = await captureAll(tx, captures, new Date(STARTED_MS))
  outcomes.forEach(({ personId }, i) =>
    sequences[Math.floor(i / PEOPLE)]!.personIds.push(personId as `per_${string}`),
  )
}

function capture(name: string, person: number | null, more: Partial<Capture>): Capture {
  const email = { kind: 'email' as const, value: `${name}p${person}@example.com` }
  const base = { source: 'test', personal: {}, consents: [], touch: null }
  const identities = [...(person === null ? [] : [email]), ...(more.identities ?? [])]
  return { ...base, ...more, identities }
}

function toCapture(name: string, step: Step, at: number): Capture | null {
  const touch = {
    kind: 'page_view',
    channel: null,
    occurredAt: timeOf(at),
    messageId: `${name} ${at}`,
  }
  const visitorOf = (visitor: number) => ({
    kind: 'anonymous_id' as const,
    value: `${name}a${visitor}`,
  })
  switch (step.kind) {
    case 'edit':
      return capture(name, step.person, { personal: { [step.field]: step.value } })
    case 'touch':
      return capture(name, step.person, { touch })
    case 'login':
      return capture(name, step.person, {
        identities: [{ kind: 'user_id', value: `${name}u${step.login}` }],
      })
    case 'visit':
      return capture(name, null, { touch, identities: [visitorOf(step.visitor)] })
    case 'named_visit':
      return capture(name, step.person, { touch, identities: [visitorOf(step.visitor)] })
    case 'consent': {
      const occurredAt = timeOf(at - step.daysAgo * 1440)
      const { status } = step
      const consent = { purpose: 'marketing', channel: 'email', status, proof: { at }, occurredAt }
      return capture(name, step.person, { consents: [consent] })
    }
    case 'merge':
    case 'unmerge':
      return null
  }
}

const timeOf = (at: number) => new Date(STARTED_MS + at * MINUTE_MS)

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
