import type { Personal } from '#people/capture.ts'
import type { MergePreview } from '#people/merge.schema.ts'
import { fillPersonal } from '#people/personal.rules.ts'

interface Side {
  id: string
  identified: boolean
  mergedInto: string | null
  erasedAt: Date | null
}

/** Why one person cannot go into another, with what to do instead; null when it can. */
export function mergeRefusal(into: Side, from: Side): string | null {
  if (into.id === from.id) return 'Both ids name one person: there is nothing to merge.'
  if (into.erasedAt !== null || from.erasedAt !== null)
    return 'One of them was erased: nobody knows any more who that was.'
  for (const side of [into, from])
    if (side.mergedInto !== null)
      return `${side.id} was merged into ${side.mergedInto}: use that one, or undo that merge first.`
  if (!into.identified)
    return from.identified
      ? 'An anonymous visitor cannot stand for somebody who is known: merge the other way round.'
      : 'Nothing names either of them yet: they become one by themselves once one identifier comes with both.'
  return null
}

/** Field by field what stays once one person went into another, and what is set aside. */
export function previewValues(into: Personal, from: Personal): MergePreview['values'] {
  const merged = fillPersonal(into, from)
  return Object.keys(merged)
    .toSorted()
    .map((field) => {
      const isOurs = Object.hasOwn(into, field)
      const other = isOurs ? from[field] : undefined
      const source = isOurs ? ('into' as const) : ('from' as const)
      return { field, stays: merged[field] ?? null, source, setAside: other ?? null }
    })
}

export function orderPair(a: string, b: string): [string, string] {
  return a < b ? [a, b] : [b, a]
}
