import { isIdentifying, strengthRank, type IdentityKind } from '#people/identity.rules.ts'
import type { IdentityKey } from '#people/resolve.rules.ts'

const prefixes: Record<string, IdentityKind> = {
  e: 'email',
  u: 'user_id',
  a: 'anonymous_id',
  x: 'external_id',
}

/** `e1 a2` → an e-mail and an anonymous id. */
export function identities(text: string): IdentityKey[] {
  return text.split(' ').map((key) => ({ key, kind: prefixes[key[0]!]!, source: '' }))
}

/** Which captures share a person, whatever its id. */
export function groupsOf(ids: readonly (string | number)[]): number[] {
  return ids.map((id) => ids.indexOf(id))
}

// The reference: one capture at a time over plain maps, after the words of the rule.
export function placeNaively(captures: readonly string[]): number[] {
  const owner = new Map<string, number>()
  const identified = new Set<number>()
  const labels = new Map<number, Set<string>>()
  const captured: number[] = []
  let last = 0
  for (const text of captures) {
    const keys = identities(text).sort((a, b) => strengthRank(a.kind) - strengthRank(b.kind))
    const knownKeys = keys.filter(({ key }) => owner.has(key))
    const strong = knownKeys.find(({ kind }) => isIdentifying(kind))
    const owners = [...new Set(knownKeys.map(({ key }) => owner.get(key)!))]
    let person = strong === undefined ? undefined : owner.get(strong.key)!
    if (person === undefined) {
      const named = owners.find((id) => identified.has(id))
      const clash = keys.some(
        ({ key, kind }) =>
          !owner.has(key) &&
          isIdentifying(kind) &&
          named !== undefined &&
          labels.get(named)?.has(kind),
      )
      if (named !== undefined) person = clash ? undefined : named
      else if (owners.length > 0) person = Math.min(...owners)
    }
    person ??= last += 1
    for (const other of owners) {
      if (other === person || identified.has(other)) continue
      for (const [key, id] of owner) if (id === other) owner.set(key, person)
      captured.forEach((id, i) => {
        if (id === other) captured[i] = person
      })
    }
    for (const { key, kind } of keys) {
      if (owner.has(key)) continue
      owner.set(key, person)
      if (!isIdentifying(kind)) continue
      identified.add(person)
      labels.set(person, (labels.get(person) ?? new Set()).add(kind))
    }
    captured.push(person)
  }
  return captured
}
