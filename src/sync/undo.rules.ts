import { baseOf, type MergeBase } from './base.ts'
import {
  fitOf,
  type Fit,
  type KeptCode,
  type PlannedChange,
  type Side,
  type Standing,
} from './change-plan.rules.ts'
import type { EntityRecord, FieldValue } from './entity.ts'
import type { MergedField, StreamRules } from './field-rules.ts'
import { isSame, SKEW_MS, type Values } from './merge.ts'
import { oursOf, type FieldChange } from './merge-record.ts'

/** What a run did to one field on one side, from its first write to its last. */
export interface Effect {
  field: string
  side: Side
  /** Undefined: what was there before was never read. */
  before: FieldValue | undefined
  wrote: FieldValue
}

/** How a record stands now. */
export interface UndoStanding {
  /** Null when it is not here any more. */
  record: EntityRecord | null
  link: {
    externalId: string
    /** In the vendor's words, when it is gone there. */
    goneThere: 'deleted' | 'merged' | null
    base: MergeBase | null
  } | null
  /** The vendor's present values as the base has them, by field; fields that were not read are absent. */
  there: Values
  disputed: ReadonlySet<string>
}

type UndoVerdict =
  /** `present` gives way to `before`. */
  | { kind: 'back'; present: FieldValue; before: FieldValue }
  /** The value of before is there already. */
  | { kind: 'same' }
  | { kind: 'kept'; code: KeptCode; present: FieldValue }

/** What a run did to a record, from its kept changes in the order in which they were made. Pure. */
export function effectsOf(changes: readonly FieldChange[]): Effect[] {
  const effects = new Map<string, Effect>()
  for (const change of changes) {
    const side = sideOf(change)
    if (side === null) continue
    const key = `${side} ${change.field}`
    const was = side === 'here' ? change.ours : change.theirs
    const before = change.isUnread ? undefined : was
    const usual = side === 'here' ? change.theirs : change.ours
    const wrote = change.wrote === undefined ? usual : change.wrote
    const known = effects.get(key)
    effects.set(key, known ? { ...known, wrote } : { field: change.field, side, before, wrote })
  }
  return [...effects.values()]
}

function sideOf({ verdict, side }: FieldChange): Side | null {
  if (verdict === 'take') return 'here'
  if (verdict === 'sent') return 'there'
  return verdict === 'undone' ? (side ?? null) : null
}

/**
 * Decides about one field that a run wrote: a three-way comparison of before, written and present. Only what is still as the run
 * left it goes back; a later edit wins. An opt-out never becomes an opt-in. Pure.
 */
export function decideUndo(
  rules: StreamRules,
  effect: Effect,
  standing: UndoStanding,
): UndoVerdict {
  const { side, before, wrote } = effect
  const field = rules.fields.get(effect.field)
  const present = field ? presentOf(field, side, standing) : null
  const kept = (code: KeptCode): UndoVerdict => ({ kind: 'kept', code, present })
  if (!field || field.policy === 'off') return kept('undo.not_mapped')
  if (field.direction === (side === 'here' ? 'push' : 'pull')) return kept('undo.not_mapped')
  const { record, link, disputed } = standing
  if (side === 'there' && (link === null || link.goneThere !== null)) return kept('undo.gone_there')
  if (record === null) return kept('undo.gone_here')
  if (before === undefined) return kept('undo.not_known')
  if (isSame(present, before)) return { kind: 'same' }
  if (disputed.has(field.name)) return kept('undo.in_dispute')
  if (!isSame(present, wrote)) return kept('undo.edited_later')
  // A change here that has not gone out yet would cover what the undo puts there.
  const agreed = baseOf(link?.base ?? null, field.name)
  if (side === 'there' && agreed && !isSame(oursOf(record, field), agreed.ours))
    return kept('undo.edited_here')
  if (field.optOut && present === true) return kept('undo.opt_out_stays')
  return { kind: 'back', present, before }
}

function presentOf(field: MergedField, side: Side, standing: UndoStanding): FieldValue {
  if (side === 'here') return oursOf(standing.record, field)
  const read = standing.there[field.name]
  if (read !== undefined) return read
  // What only goes out is not read: what the hub last wrote there counts.
  return baseOf(standing.link?.base ?? null, field.name)?.theirs ?? null
}

/**
 * Whether a planned step of an undo at the vendor can still be made as it was approved. Pure.
 *
 * A value that is there already is written once more: only with the vendor's word for it does the hub's memory of what both
 * sides have move as well.
 */
export function fitOfUndo(
  planned: PlannedChange,
  standing: Standing,
  modifiedAt: Date | null,
): Fit {
  if (planned.action !== 'delete') {
    const fit = fitOf(planned, standing)
    return fit.kind === 'arrived' ? { kind: 'send' } : fit
  }
  const { externalId, goneThere, base } = standing
  if (goneThere || externalId === null) return { kind: 'arrived' }
  if (externalId !== planned.externalId)
    return { kind: 'outdated', note: 'It is another record there by now.' }
  const moved = planned.sent.filter(({ field, was }) => !isSame(base?.theirs[field] ?? null, was))
  if (moved.length === 0 && !isTouched(planned.seenAt ?? null, modifiedAt, 0))
    return { kind: 'send' }
  const names = moved.map(({ field }) => field).join(', ') || 'a field that is not mapped'
  return { kind: 'outdated', note: `Changed there since: ${names}.` }
}

/** Whether the vendor changed a record after a moment, beyond what clocks that disagree explain. */
export function isTouched(
  since: string | null,
  modifiedAt: Date | null,
  toleranceMs = SKEW_MS,
): boolean {
  if (since === null || modifiedAt === null) return false
  return modifiedAt.getTime() > Date.parse(since) + toleranceMs
}
