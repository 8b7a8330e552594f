import { baseOf, type MergeBase } from './base.ts'
import type { VendorProperties } from './connector.ts'
import type { FieldValue } from './entity.ts'
import { isSame } from './merge.ts'
import type { PushPlan } from './push-plan.ts'

export type PlannedAction = 'create' | 'update' | 'delete'

/** Where something is written: in the hub's record, or at the connected system. */
export type Side = 'here' | 'there'

/** Why something that a run wrote stays. */
export type KeptCode =
  | 'undo.edited_later'
  | 'undo.edited_here'
  | 'undo.opt_out_stays'
  | 'undo.in_dispute'
  | 'undo.not_known'
  | 'undo.not_mapped'
  | 'undo.not_kept'
  | 'undo.owned_there'
  | 'undo.gone_here'
  | 'undo.gone_there'
  | 'undo.erased'
  | 'undo.made_here'
  | 'undo.made_there'
  | 'undo.touched'
  | 'undo.deleted_there'

/** A field that stays as it is, and why; '' is the record as a whole. */
export interface KeptField {
  field: string
  code: KeptCode
  /** What is there now. */
  present: FieldValue
  /** Who changed it later: a principal's id, `crm` for somebody in the connected system, null where nobody knows. */
  by: string | null
  at: string | null
}

/** One record of a plan, as it will be written if it is approved. */
export interface PlannedChange {
  seq: number
  localId: string
  externalId: string | null
  action: PlannedAction
  /** Of the pending row when it was planned. */
  changedIn: string
  /** Exactly what is sent. */
  properties: VendorProperties
  /** Field by field; empty for records that go as a whole. */
  sent: readonly PlannedField[]
  /** Where it is written; of an undo also `here`. */
  side: Side
  /** Of an undo: what the run wrote and that stays as it is. */
  kept?: readonly KeptField[]
  /** Of a deletion by an undo: when the vendor had last changed the record as it was planned. */
  seenAt?: string | null
}

export interface PlannedField {
  field: string
  /** Our value, and how the vendor names it. */
  ours: FieldValue
  key: FieldValue
  /** What was there. */
  was: FieldValue
  /** Of an undo there: what the hub has and keeps. */
  agreed?: FieldValue
}

export function plannedFields(plan: PushPlan | undefined): PlannedField[] {
  return [...(plan?.sent ?? [])].map(([field, sides]) => ({ field, ...sides }))
}

/** How things stand when a planned change is about to be written. */
export interface Standing {
  /** The record is here. */
  isHere: boolean
  /** Null when it is not linked, or was deleted or merged there. */
  externalId: string | null
  /** In the vendor's words, when it is gone there. */
  goneThere: 'deleted' | 'merged' | null
  base: MergeBase | null
  /** Fields about which somebody has to decide by now. */
  disputed: ReadonlySet<string>
}

export type Fit =
  | { kind: 'send' }
  /** It is there already: sent before a run was cut off, or somebody did the same. */
  | { kind: 'arrived' }
  | { kind: 'outdated'; note: string }

/**
 * Whether a planned change can still be made exactly as it was approved. Pure.
 *
 * What changed here since is no hindrance: it stays due behind the plan. What changed there, on a field that the plan would
 * write, is one: the approval was given for another value.
 */
export function fitOf(planned: PlannedChange, standing: Standing): Fit {
  const { isHere, externalId, goneThere, base, disputed } = standing
  const outdated = (note: string): Fit => ({ kind: 'outdated', note })
  if (planned.action === 'delete') {
    if (isHere) return outdated('It is here again.')
    return goneThere || externalId === null ? { kind: 'arrived' } : { kind: 'send' }
  }
  if (!isHere) return outdated('It is gone here.')
  if (goneThere) return outdated(`It was ${goneThere} there.`)
  const there = (field: string) => baseOf(base, field)?.theirs ?? null
  const isThere = ({ field, key }: PlannedField) => isSame(there(field), key)
  if (planned.action === 'create') {
    if (externalId === null) return { kind: 'send' }
    return planned.sent.every(isThere) ? { kind: 'arrived' } : outdated('It is there by now.')
  }
  if (externalId !== planned.externalId) return outdated('It is another record there by now.')
  const rest = planned.sent.filter((one) => !isThere(one))
  if (planned.sent.length > 0 && rest.length === 0) return { kind: 'arrived' }
  const moved = rest.filter(({ field, was }) => disputed.has(field) || !isSame(there(field), was))
  if (moved.length === 0) return { kind: 'send' }
  return outdated(`Changed there since: ${moved.map(({ field }) => field).join(', ')}.`)
}
