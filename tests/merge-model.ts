// What people, their merges and what they did come to, in plain words over plain maps: a merge that was undone was never made.
import type { Random } from '#core/random.ts'
import type { ConsentStatus } from '#people/capture.ts'

export const PEOPLE = 4

export type Step =
  | { kind: 'edit'; person: number; field: string; value: string }
  | { kind: 'touch'; person: number }
  | { kind: 'login'; person: number; login: number }
  | { kind: 'visit'; visitor: number }
  | { kind: 'named_visit'; person: number; visitor: number }
  | { kind: 'consent'; person: number; status: ConsentStatus; daysAgo: number }
  | { kind: 'merge'; into: number; from: number }
  | { kind: 'unmerge'; nth: number }
  | { kind: 'merge_many'; pairs: { one: number; other: number; stays: number | null }[] }

const statuses: readonly ConsentStatus[] = ['granted', 'pending', 'denied', 'withdrawn']

export function drawStep(random: Random, at: number): Step {
  const person = random.integer(PEOPLE)
  const visitor = random.integer(3)
  switch (random.weighted([4, 2, 1, 1, 1, 2, 5, 3, 2])) {
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
    case 7:
      return { kind: 'unmerge', nth: random.integer(6) }
    default:
      return {
        kind: 'merge_many',
        pairs: Array.from({ length: 1 + random.integer(4) }, () => {
          const one = random.integer(PEOPLE - 1)
          const other = one + 1 + random.integer(PEOPLE - 1 - one)
          return { one, other, stays: random.pick([null, one, other]) }
        }),
      }
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

export function holds(said: readonly Said[]): ConsentStatus | null {
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
export class Model {
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
    if (step.kind === 'unmerge' || step.kind === 'merge_many') return
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
