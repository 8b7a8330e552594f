import type { FieldValue } from './entity.ts'

export type Values = Record<string, FieldValue>

/** Who may change a field: only the vendor, only the hub, or both. */
export type FieldPolicy = 'theirs' | 'ours' | 'both'

export type Merged =
  /** The vendor has nothing new for us. */
  | { kind: 'keep' }
  /** These fields are to be written here; `values` is the whole agreed record afterwards. */
  | { kind: 'take'; fields: string[]; values: Values }
  /** Both sides changed these fields to different values: a person decides, nothing is written. */
  | { kind: 'conflict'; fields: string[] }

/**
 * Three-way merge of one record, field by field.
 *
 * @param base  what both sides last agreed on; null when they never did.
 * @param ours  the present values here; null when the vendor alone writes the record.
 * @param theirs  what the vendor has now. Fields that it does not mention are left alone.
 */
export function merge(
  base: Values | null,
  ours: Values | null,
  theirs: Values,
  policyOf: (field: string) => FieldPolicy,
): Merged {
  const taken: string[] = []
  const disputed: string[] = []
  for (const [field, value] of Object.entries(theirs)) {
    const isChangedThere = base === null || !isSame(base[field], value)
    if (!isChangedThere) continue
    const policy = policyOf(field)
    if (policy === 'ours') continue
    if (policy === 'theirs' || ours === null) {
      taken.push(field)
      continue
    }
    if (isSame(ours[field], value)) continue
    const isChangedHere = base === null || !isSame(base[field], ours[field])
    if (isChangedHere) disputed.push(field)
    else taken.push(field)
  }
  if (disputed.length > 0) return { kind: 'conflict', fields: disputed }
  if (taken.length === 0) return { kind: 'keep' }
  const values: Values = { ...(ours ?? base) }
  for (const field of taken) values[field] = theirs[field] ?? null
  return { kind: 'take', fields: taken, values }
}

/** Equality of values; absent and null are the same. */
function isSame(a: FieldValue | undefined, b: FieldValue | undefined): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, i) => item === b[i])
  }
  return (a ?? null) === (b ?? null)
}
