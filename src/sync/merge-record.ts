import { baseOf, emptyBase, type MergeBase } from './base.ts'
import type {
  Candidate,
  EntityRecord,
  EntityWrite,
  FieldValue,
  FieldVersion,
  NamedRecord,
} from './entity.ts'
import type { MergedField, StreamRules } from './field-rules.ts'
import {
  decideField,
  isBlank,
  isSame,
  nextBase,
  SKEW_MS,
  type Decision,
  type FieldSides,
} from './merge.ts'

/** Each side keeps what it has; what the vendor has is known from then on. */
const STAYS: Decision = { verdict: 'agree', reason: 'not_synced', contested: false }

/** What became of one field, kept sealed in the history. */
export interface FieldChange {
  field: string
  /** `covered`: a value at the vendor that a write of ours covered before it was seen. */
  verdict: Decision['verdict'] | 'sent' | 'covered' | 'chosen' | 'undone'
  reason: string
  contested: boolean
  policy: string
  base: FieldValue
  ours: FieldValue
  theirs: FieldValue
  oursAt: string | null
  theirsAt: string | null
  /** Who made the vendor's value, in the vendor's words. */
  by?: string | null
  /** What stands there after the write, as the side that was written has it. */
  wrote?: FieldValue
  /** Of a write there: what it covered was never read. */
  isUnread?: boolean
  /** Of an undo: which side it wrote. `ours` and `theirs` are what both sides had before. */
  side?: 'here' | 'there'
}

export interface Disputed {
  field: string
  base: { ours: FieldValue; theirs: FieldValue } | null
  ours: FieldValue
  theirs: FieldValue
  /** The vendor's value in its own rendering. */
  theirsKey: FieldValue
  oursAt: Date | null
  theirsAt: Date | null
}

/** What the merge of one record comes to. Pure: nothing is written yet. */
export interface MergedPart {
  base: MergeBase
  /** Fields whose base takes our value as the module wrote it. */
  taken: readonly string[]
  asked: readonly Disputed[]
  /** Fields on which both sides agree now: an open conflict about them is settled. */
  agreed: readonly string[]
  /** The hub has values that the vendor is to get. */
  isDue: boolean
  changes: readonly FieldChange[]
  isBaseChanged: boolean
  values: EntityWrite['values']
  references: EntityWrite['references']
}

export interface MergeInput {
  rules: StreamRules
  candidate: Candidate
  /** The candidate's references with our ids. */
  references: EntityWrite['references']
  /** Null for a record that is new here. */
  record: EntityRecord | null
  base: MergeBase | null
  /** When events said that a field of ours changed. */
  told: Record<string, string>
}

/** Merges one record, field by field. Pure. */
export function mergeRecord(input: MergeInput): MergedPart {
  const { rules, candidate, record } = input
  const base: MergeBase = input.base
    ? { ...input.base, ours: { ...input.base.ours }, theirs: { ...input.base.theirs } }
    : emptyBase()
  const taken: string[] = []
  const agreed: string[] = []
  const asked: Disputed[] = []
  const changes: FieldChange[] = []
  const values: EntityWrite['values'] = {}
  const references: EntityWrite['references'] = {}
  let isDue = false
  let isBaseChanged = false
  for (const field of rules.fields.values()) {
    const sides = sidesOf(input, field)
    if (!sides) continue
    const decided = field.fixed && record !== null ? STAYS : decideField(field, sides)
    const joined = field.many ? joinedOf(decided, sides) : null
    const decision: Decision = joined ? { ...decided, verdict: 'take', reason: 'joined' } : decided
    // What was joined is not what the vendor has: the difference still counts as changed here.
    const next = nextBase(decision, sides, joined ? (sides.theirs ?? null) : sides.ours)
    if (next && !isSameBase(baseOf(input.base, field.name), next)) {
      base.ours[field.name] = next.ours
      base.theirs[field.name] = next.theirs
      isBaseChanged = true
    }
    if (joined) {
      references[field.name] = namedOf(joined, input.references[field.name] ?? [])
      isDue = true
    } else if (decision.verdict === 'take') {
      taken.push(field.name)
      if (field.entity) references[field.name] = input.references[field.name] ?? []
      else values[field.name] = sides.theirs ?? null
    }
    if (decision.verdict === 'agree' && decision.reason === 'equal') agreed.push(field.name)
    if (decision.verdict === 'send') isDue = true
    if (decision.verdict === 'ask') asked.push(disputed(field, sides))
    const isNews = record !== null && (decision.verdict === 'take' || decision.contested)
    if (isNews) changes.push(changeOf(field, sides, decision))
  }
  const covered = record === null ? [] : coveredIn(rules, candidate, input.base)
  changes.push(...covered)
  if (covered.length > 0) isBaseChanged = true
  if (candidate.modifiedAt) base.seenAt = candidate.modifiedAt.toISOString()
  if (candidate.raw && JSON.stringify(candidate.raw) !== JSON.stringify(base.raw)) {
    base.raw = { ...base.raw, ...candidate.raw }
    isBaseChanged = true
  }
  return { base, taken, asked, agreed, isDue, changes, isBaseChanged, values, references }
}

/**
 * What a field names when both sides added to it or took from it: all that was added and nothing that was taken away. Null when
 * one side's value is that already, or when they gave somebody different roles.
 */
function joinedOf({ verdict, contested }: Decision, sides: FieldSides): string[] | null {
  const { base, ours, theirs } = sides
  const isContest = contested && (verdict === 'take' || verdict === 'send')
  if (!isContest || base === null) return null
  const [was, here, there] = [base.ours ?? [], ours ?? [], theirs ?? []]
  if (!Array.isArray(was) || !Array.isArray(here) || !Array.isArray(there)) return null
  const joined = new Set([...there, ...here.filter((item) => !was.includes(item))])
  for (const item of was) if (!here.includes(item)) joined.delete(item)
  const all = [...joined].sort()
  const isOnce = new Set(all.map(idOf)).size === all.length
  return isOnce && !isSame(all, here) && !isSame(all, there) ? all : null
}

const idOf = (item: string): string => item.split(' ', 1)[0]!

function namedOf(items: readonly string[], theirs: readonly NamedRecord[]): NamedRecord[] {
  return items.map((item) => {
    const localId = idOf(item)
    const externalId = theirs.find((one) => one.localId === localId)?.externalId ?? ''
    return { localId, externalId, role: item.slice(localId.length + 1) || null }
  })
}

/** A field as both sides have it; null when it cannot be judged yet. */
export function sidesOf(input: MergeInput, field: MergedField): FieldSides | null {
  const { candidate, record, told } = input
  const { name } = field
  const theirs = theirsOf(input, field)
  if (theirs === null) return null
  const ours = oursOf(record, field)
  if (theirs.value === undefined && record === null) return null
  const toldAt = told[name]
  const oursAt = toldAt ? new Date(toldAt) : (record?.clocks?.[name] ?? record?.changedAt ?? null)
  const agreed = baseOf(input.base, name) ?? filledIn(input, ours, theirs)
  const base = withUsual(field, withoutEcho(agreed, theirs, candidate.history?.[name]?.[0]), ours)
  // A record that is new here has no values that could stand against the vendor's.
  return {
    base: record === null ? null : base,
    ours,
    theirs: theirs.value,
    ...(theirs.value === undefined ? {} : { theirsKey: theirs.key }),
    oursAt,
    theirsAt: candidate.clocks?.[name] ?? candidate.modifiedAt,
  }
}

/**
 * The base of a field that was not sent when we made the record there, such as an owner whom the vendor does not know: the
 * value that the vendor filled in stands against ours, but nobody chose it. Within the tolerance of clocks a person's very
 * first edit cannot be told from it.
 */
function filledIn(
  { base, candidate: { modifiedAt } }: MergeInput,
  ours: FieldValue,
  theirs: { value: FieldValue | undefined; key: FieldValue },
): FieldSides['base'] {
  if (!base?.createdAt || !modifiedAt || theirs.value === undefined || isBlank(ours)) return null
  const isUntouched = modifiedAt.getTime() <= Date.parse(base.createdAt) + SKEW_MS
  return isUntouched ? { ours: null, theirs: theirs.key } : null
}

/**
 * A write of ours whose answer was lost shows as a change there. By the vendor's own history it is ours: the vendor's side
 * has not changed.
 */
function withoutEcho(
  base: FieldSides['base'],
  theirs: { value: FieldValue | undefined; key: FieldValue },
  latest: FieldVersion | undefined,
): FieldSides['base'] {
  const isEcho = base && latest?.isOurs && theirs.value !== undefined
  return isEcho && isSame(latest.value, theirs.value)
    ? { ours: base.ours, theirs: theirs.key }
    : base
}

/** A blank there and the usual value of a record that was new here are agreed on: nobody chose either. */
export function withUsual(
  { usual }: Pick<MergedField, 'usual'>,
  base: FieldSides['base'],
  ours: FieldValue,
): FieldSides['base'] {
  const isUsual = usual !== undefined && ours === usual
  return isUsual && base && isBlank(base.ours) && isBlank(base.theirs) ? { ...base, ours } : base
}

/** Our value of a field; of a reference, the id or the sorted ids that it names. */
export function oursOf(
  record: EntityRecord | null,
  field: Pick<MergedField, 'name' | 'entity' | 'many'> & { roles?: boolean },
): FieldValue {
  if (!record) return null
  if (!field.entity) return record.values[field.name] ?? null
  if (field.many) {
    return (record.links?.[field.name] ?? [])
      .map(({ localId, role }) => (role && field.roles !== false ? `${localId} ${role}` : localId))
      .sort()
  }
  return record.references?.[field.name]?.localId ?? null
}

/** Null when the field cannot be judged yet: it names a single record that is not known here. */
export function theirsOf(
  { candidate, references }: Pick<MergeInput, 'candidate' | 'references'>,
  field: MergedField,
): { value: FieldValue | undefined; key: FieldValue } | null {
  if (!field.entity) {
    const value = candidate.values[field.name]
    return { value, key: value ?? null }
  }
  const named = references[field.name]
  if (!named) return { value: undefined, key: null }
  const withRole = (id: string, role: string | null | undefined) =>
    role && field.roles ? `${id} ${role}` : id
  if (!field.many) {
    const [first] = named
    if (!first) return { value: null, key: null }
    return first.localId === null
      ? null
      : { value: first.localId, key: `${first.externalId}=${first.localId}` }
  }
  const known = named.flatMap(({ localId, role }) =>
    localId === null ? [] : [withRole(localId, role)],
  )
  const key = named.map(({ externalId, localId, role }) =>
    withRole(`${externalId}=${localId ?? ''}`, role),
  )
  return { value: [...new Set(known)].sort(), key: key.sort() }
}

function isSameBase(
  before: FieldSides['base'],
  next: { ours: FieldValue; theirs: FieldValue },
): boolean {
  return before !== null && isSame(before.ours, next.ours) && isSame(before.theirs, next.theirs)
}

function disputed(field: MergedField, sides: FieldSides): Disputed {
  const { base, ours, oursAt, theirsAt } = sides
  const theirs = sides.theirs ?? null
  return {
    field: field.name,
    base,
    ours,
    theirs,
    theirsKey: sides.theirsKey ?? theirs,
    oursAt,
    theirsAt,
  }
}

function changeOf(field: MergedField, sides: FieldSides, decision: Decision): FieldChange {
  return {
    field: field.name,
    ...decision,
    policy: field.policy,
    base: sides.base?.ours ?? null,
    ours: sides.ours,
    theirs: sides.theirs ?? null,
    oursAt: sides.oursAt?.toISOString() ?? null,
    theirsAt: sides.theirsAt?.toISOString() ?? null,
  }
}

/** Values that people set at the vendor and that a write of ours covered before a pull saw them. */
function coveredIn(
  rules: StreamRules,
  { history, modifiedAt }: Candidate,
  base: MergeBase | null,
): FieldChange[] {
  const since = base?.seenAt ? new Date(base.seenAt) : null
  if (!history || !since || !modifiedAt) return []
  return [...rules.fields.values()].flatMap((field) => {
    const versions = history[field.name] ?? []
    const written = versions.findIndex((version) => version.isOurs && version.at > since)
    if (written < 0) return []
    return versions
      .slice(written + 1)
      .filter((version) => !version.isOurs && version.at > since)
      .map((version): FieldChange => ({
        field: field.name,
        verdict: 'covered',
        reason: 'written_before_it_was_seen',
        contested: true,
        policy: field.policy,
        base: base?.theirs[field.name] ?? null,
        ours: versions[written]?.value ?? null,
        theirs: version.value,
        oursAt: versions[written]?.at.toISOString() ?? null,
        theirsAt: version.at.toISOString(),
        by: version.by,
      }))
  })
}
