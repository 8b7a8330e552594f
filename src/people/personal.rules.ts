import type { Personal } from '#people/capture.ts'

const maxTraits = 200
const maxTextLength = 10_000

/** Held values with the newer ones over them. An empty value never blanks one that is held. */
export function mergePersonal(held: Personal, newer: Personal): Personal {
  const merged: Personal = { ...held }
  let count = Object.keys(merged).length
  for (const [name, raw] of Object.entries(newer)) {
    const value = typeof raw === 'string' ? raw.trim().slice(0, maxTextLength) : raw
    if (isEmpty(value) || name === '__proto__') continue
    if (!Object.hasOwn(merged, name)) {
      if (count >= maxTraits) continue
      count += 1
    }
    merged[name] = value
  }
  return merged
}

/** The survivor's values, its gaps filled from a person that was merged into it. */
export function fillPersonal(survivor: Personal, merged: Personal): Personal {
  return mergePersonal(merged, survivor)
}

export function isSamePersonal(a: Personal, b: Personal): boolean {
  const names = Object.keys(a)
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => JSON.stringify(a[name]) === JSON.stringify(b[name]))
  )
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === ''
}
