/** A pair of people who stand for themselves; `stays` by the rule or as somebody said. */
export interface WishedPair {
  stays: string
  goes: string
  isNamed: boolean
}

/**
 * What a pair comes to. `merge`: `fromId` goes into `intoId`; `together`: the other pairs make one of them already. `isShared`: other pairs name
 * its people too, and `intoId` stands for all of them.
 */
export type PairPlan =
  | { kind: 'merge'; intoId: string; fromId: string; isShared: boolean }
  | { kind: 'together'; intoId: string; isShared: true }

export interface MergesPlan {
  /** One for each pair, in its order. */
  pairs: PairPlan[]
  /** Indexes of the pairs that are merges, in the order in which they are to be made. */
  order: number[]
}

/**
 * Who goes into whom so that each pair becomes one person. Everybody goes straight into who stands for the whole group, so that nobody is
 * under somebody who goes in as well. Who that is: somebody who is known, before visitors; who goes in by none of the pairs, where there is
 * such a person; who was named to stay; who is known longest. The order of the pairs decides nothing.
 *
 * O(pairs · log pairs).
 */
export function planMerges(
  pairs: readonly WishedPair[],
  isIdentified: (id: string) => boolean,
): MergesPlan {
  const neighbours = neighboursOf(pairs)
  const groups = groupsOf(neighbours)
  const going = new Set(pairs.map(({ goes }) => goes))
  const named = new Set(pairs.flatMap(({ stays, isNamed }) => (isNamed ? [stays] : [])))
  const planned = new Map<number, PairPlan>()
  const order: number[] = []
  const survivorOf = new Map<string, string>()
  for (const group of groups) {
    const rules = [isIdentified, (id: string) => !going.has(id), (id: string) => named.has(id)]
    const survivor = bestOf(group, rules)
    for (const id of group) survivorOf.set(id, survivor)
    for (const { index, fromId } of walk(survivor, neighbours)) {
      order.push(index)
      planned.set(index, { kind: 'merge', intoId: survivor, fromId, isShared: group.length > 2 })
    }
  }
  return {
    order,
    pairs: pairs.map(
      ({ stays }, index) =>
        planned.get(index) ?? { kind: 'together', intoId: survivorOf.get(stays)!, isShared: true },
    ),
  }
}

type Neighbours = ReadonlyMap<string, readonly { id: string; index: number }[]>

/** Whom each person is in a pair with, by id, each once. */
function neighboursOf(pairs: readonly WishedPair[]): Neighbours {
  const found = new Map<string, { id: string; index: number }[]>()
  pairs.forEach(({ stays, goes }, index) => {
    for (const [one, other] of [
      [stays, goes],
      [goes, stays],
    ] as const)
      found.set(one, [...(found.get(one) ?? []), { id: other, index }])
  })
  const sorted = [...found].map(
    ([id, all]) => [id, all.toSorted((a, b) => (a.id < b.id ? -1 : 1))] as const,
  )
  return new Map(sorted.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** The people that hang together by pairs, those of each group by id. */
function groupsOf(neighbours: Neighbours): string[][] {
  const seen = new Set<string>()
  return [...neighbours.keys()].flatMap((id) => {
    if (seen.has(id)) return []
    const group = [id, ...walk(id, neighbours).map(({ fromId }) => fromId)].toSorted()
    for (const one of group) seen.add(one)
    return [group]
  })
}

/** Everybody who hangs together with a person, the nearest first, each with the pair that led to it. */
function walk(start: string, neighbours: Neighbours): { index: number; fromId: string }[] {
  const seen = new Set([start])
  const found: { index: number; fromId: string }[] = []
  visit(start)
  for (let next = 0; next < found.length; next += 1) visit(found[next]!.fromId)
  return found

  function visit(at: string): void {
    for (const { id, index } of neighbours.get(at) ?? []) {
      if (seen.has(id)) continue
      seen.add(id)
      found.push({ index, fromId: id })
    }
  }
}

/** The first by the rules, each of which only counts where the ones before it leave several. */
function bestOf(ids: readonly string[], rules: readonly ((id: string) => boolean)[]): string {
  let left = ids
  for (const rule of rules) {
    const fit = left.filter(rule)
    if (fit.length > 0) left = fit
  }
  return left[0]!
}
