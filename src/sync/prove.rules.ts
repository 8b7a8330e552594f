import { createHmac } from 'node:crypto'
import { baseOf, type MergeBase } from './base.ts'
import type { ReadBack } from './connection.schema.ts'
import type { Candidate, FieldValue } from './entity.ts'
import type { MergedField, StreamRules } from './field-rules.ts'
import { isBlank, isSame } from './merge.ts'

/** What both sides agreed on about a field; null: nothing yet. */
export type Agreed = { ours: FieldValue; theirs: FieldValue } | null

/** A linked record as the hub believes it to be at the vendor. */
export interface Believed {
  localId: string
  externalId: string
  base: MergeBase | null
  /** When the vendor had changed it last, as far as the hub knows. */
  knownAt: Date | null
  /** Written and not read back since. */
  isUnproved: boolean
  /** By field of the last write, what was agreed on before it; null: nothing was, the record is new there or was read back. */
  before: Record<string, Agreed> | null
}

export type Judgement =
  | { kind: 'right' }
  /** Not as believed, and somebody's edit there may be why: the next pull takes it in. */
  | { kind: 'changed_there' }
  /** Written, and the vendor does not have it. */
  | { kind: 'missing' }
  /** It was there once and is not any more. */
  | { kind: 'gone' }
  /** These fields of our last write are as they were before it. */
  | { kind: 'lost'; fields: readonly string[] }

/** Of records in a sample: one in so many, and at least so many of them. */
const SAMPLED_ONE_IN = 20
const SAMPLED_AT_LEAST = 100

/** How many of so many written records are read back. Pure. */
export function readBackOf(readBack: ReadBack, records: number): number {
  if (readBack === 'off') return 0
  if (readBack === 'full') return records
  return Math.min(records, Math.max(SAMPLED_AT_LEAST, Math.ceil(records / SAMPLED_ONE_IN)))
}

/**
 * What a run may claim. Something that is not there says more than what nobody looked at; and what nobody looked at is never called
 * complete.
 */
export function verdictOf(
  streams: readonly { missing: number; lost: number; unreadCount: number }[],
): 'complete' | 'incomplete' | 'not_proved' | 'not_checked' {
  if (streams.length === 0) return 'not_checked'
  if (streams.some(({ missing, lost }) => missing + lost > 0)) return 'incomplete'
  return streams.some(({ unreadCount }) => unreadCount > 0) ? 'not_proved' : 'complete'
}

/** The fields that the hub writes on a stream: what it only reads cannot have been lost on the way there. */
export function writtenFields(rules: StreamRules | null): MergedField[] {
  if (!rules) return []
  return [...rules.fields.values()].filter(
    ({ direction, policy }) => direction !== 'pull' && policy !== 'off',
  )
}

/**
 * Whether a record is there as the hub believes. Pure.
 *
 * A field counts as lost only when nothing but a loss explains it: it is exactly as it was before our write, and the vendor has
 * not changed the record since we knew it. Everything else is an edit there or the vendor's own spelling, which is no fault.
 *
 * @param seen  null: the vendor has no such record.
 */
export function judge(
  fields: readonly MergedField[],
  believed: Believed,
  seen: Candidate | null,
): Judgement {
  const { base, before, knownAt, isUnproved } = believed
  if (seen === null) return { kind: isUnproved && before === null ? 'missing' : 'gone' }
  if (seen.deleted) return { kind: 'gone' }
  const isUntouched = knownAt !== null && seen.modifiedAt !== null && seen.modifiedAt <= knownAt
  const lost: string[] = []
  let isChanged = false
  for (const field of fields) {
    const wanted = believedValue(field, base)
    const found = seenValue(field, seen)
    if (wanted === undefined || found === undefined || isSame(wanted, found)) continue
    const was = before?.[field.name]
    if (was === undefined || !isUntouched) isChanged = true
    else if (isSame(plain(field, was?.theirs ?? null), found)) lost.push(field.name)
    else isChanged = true
  }
  if (lost.length > 0) return { kind: 'lost', fields: lost }
  return { kind: isChanged ? 'changed_there' : 'right' }
}

/** The base as it was before the write that was lost: what is here counts as unsent again. */
export function withoutLost(
  base: MergeBase,
  before: Record<string, Agreed>,
  lost: readonly string[],
): MergeBase {
  const ours = { ...base.ours }
  const theirs = { ...base.theirs }
  for (const name of lost) {
    const was = before[name]
    if (was) {
      ours[name] = was.ours
      theirs[name] = was.theirs
    } else {
      delete ours[name]
      delete theirs[name]
    }
  }
  return { ...base, ours, theirs }
}

/** Undefined: nothing was agreed on. */
function believedValue(field: MergedField, base: MergeBase | null): FieldValue | undefined {
  const agreed = baseOf(base, field.name)
  return agreed === null ? undefined : plain(field, agreed.theirs)
}

/** Undefined: not read. */
function seenValue(field: MergedField, candidate: Candidate): FieldValue | undefined {
  if (!field.entity) {
    const value = candidate.values[field.name]
    return value === undefined ? undefined : plain(field, value)
  }
  const named = candidate.references[field.name]
  if (!named) return undefined
  return field.many ? [...named.externalIds].sort() : (named.externalIds[0] ?? null)
}

/** Of references the vendor's ids alone: which of our records they are is not the vendor's to know. Moments in one spelling. */
function plain(field: MergedField, value: FieldValue): FieldValue {
  if (value === null) return null
  if (field.entity) {
    const idOf = (key: string) => key.split('=')[0]!
    return Array.isArray(value) ? value.map(idOf).sort() : idOf(String(value))
  }
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\dT\d\d:/.test(value)) return value
  const at = new Date(value)
  return Number.isNaN(at.getTime()) ? value : at.toISOString()
}

/** At 100,000 records, some 400 a bucket: one wrong record is narrowed to them. */
export const BUCKETS = 256

const MASK = (1n << 128n) - 1n

/** Counts and hashes of one side, bucket by bucket; the same in any order. Fixed in size, whatever the number of records. */
export class Tally {
  readonly #key: Buffer
  readonly #fields: readonly MergedField[]
  readonly #counts = new Uint32Array(BUCKETS)
  readonly #hashes = Array.from({ length: BUCKETS }, () => 0n)

  /** @param key  random, the same for both sides: a hash of few records must not let their values be guessed. */
  constructor(key: Buffer, fields: readonly MergedField[]) {
    this.#key = key
    this.#fields = fields
  }

  /** @param readAlso  where given, only fields that it has count: those that the vendor showed. */
  addBelieved({ externalId, base }: Believed, readAlso: Candidate | null): void {
    this.#add(externalId, (field) =>
      readAlso && seenValue(field, readAlso) === undefined ? undefined : believedValue(field, base),
    )
  }

  /** @param base  only what was agreed on counts. */
  addSeen(candidate: Candidate, base: MergeBase | null): void {
    this.#add(candidate.externalId, (field) =>
      believedValue(field, base) === undefined ? undefined : seenValue(field, candidate),
    )
  }

  get count(): number {
    return this.#counts.reduce((sum, count) => sum + count, 0)
  }

  /** 32 hexadecimal digits. */
  get hash(): string {
    const sum = this.#hashes.reduce((total, hash) => (total + hash) & MASK, 0n)
    return sum.toString(16).padStart(32, '0')
  }

  /** How many buckets differ from those of the other side. */
  differing(other: Tally): number {
    return this.#hashes.filter(
      (hash, i) => hash !== other.#hashes[i] || this.#counts[i] !== other.#counts[i],
    ).length
  }

  #add(externalId: string, valueOf: (field: MergedField) => FieldValue | undefined): void {
    const values = this.#fields.flatMap((field) => {
      const value = valueOf(field)
      return value === undefined || isBlank(value) ? [] : [[field.name, value]]
    })
    const text = JSON.stringify([externalId, values])
    const digest = createHmac('sha256', this.#key).update(text).digest()
    const bucket = digest32(externalId) % BUCKETS
    this.#counts[bucket]! += 1
    const hash = digest.readBigUInt64BE(0) * (1n << 64n) + digest.readBigUInt64BE(8)
    this.#hashes[bucket] = (this.#hashes[bucket]! + hash) & MASK
  }
}

/** FNV-1a: which bucket a record falls into, by the vendor's id, which both sides know. */
function digest32(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  }
  return (hash ^ (hash >>> 15)) >>> 0
}
