import { strengthRank } from '#people/identity.rules.ts'
import type { IdentityKey } from '#people/resolve.rules.ts'

/** An identity as it is known: of whom it is now, and whom it named before that one was merged by hand. */
export interface KnownHome {
  personId: string
  homeId: string | null
}

/**
 * Whom each capture names among those who were merged into its person by hand, by its strongest identifier; null: the person
 * itself. What a capture brings anew belongs to whom it names, so that it goes along when the merge is undone.
 *
 * @param personIds  the person of each capture, after the merges of anonymous people.
 * @returns also by key the home that the captures taught of it.
 */
export function homesOf(
  captures: readonly (readonly IdentityKey[])[],
  known: ReadonlyMap<string, KnownHome>,
  personIds: readonly string[],
): { homes: (string | null)[]; homeByKey: ReadonlyMap<string, string | null> } {
  const homeByKey = new Map<string, string | null>()
  if (![...known.values()].some(({ homeId }) => homeId !== null))
    return { homes: captures.map(() => null), homeByKey }
  const homeOf = (keys: readonly IdentityKey[], capture: number) => {
    const byStrength = keys.toSorted((a, b) => strengthRank(a.kind) - strengthRank(b.kind))
    for (const { key } of byStrength) {
      const held = known.get(key)
      if (held !== undefined && held.personId === personIds[capture]) return held.homeId
      const learned = homeByKey.get(key)
      if (learned !== undefined) return learned
    }
    return undefined
  }
  captures.forEach((keys, capture) => {
    const home = homeOf(keys, capture)
    if (home === undefined) return
    for (const { key } of keys) if (!homeByKey.has(key)) homeByKey.set(key, home)
  })
  // A visitor that a later capture of the batch made known has this home from its first step on.
  return { homes: captures.map((keys, capture) => homeOf(keys, capture) ?? null), homeByKey }
}
