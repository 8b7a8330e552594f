import type { KeptCode, KeptField, PlannedChange, PlannedField, Side } from './change-plan.rules.ts'
import type { Stream, VendorProperties, VendorReferences } from './connector.ts'
import type { FieldValue } from './entity.ts'
import { propertiesOf, type MergedField, type StreamRules } from './field-rules.ts'
import { isBlank, type Values } from './merge.ts'
import type { AffectedRecord } from './undo.store.ts'
import { decideUndo, isTouched, type Effect, type UndoStanding } from './undo.rules.ts'

/** What a record is at the vendor now. */
export interface SeenThere {
  isGone: boolean
  modifiedAt: Date | null
  /** As the base has them; fields that were not read are absent. */
  values: Values
}

/** How one record of a run is undone. */
interface RecordUndo {
  stream: Stream
  /** Null: the vendor alone writes these records. */
  rules: StreamRules | null
  /** Records that the run made there go, where the vendor has a bin for them. */
  removesCreated: boolean
  /** A sync changed the record since. */
  isSyncedSince: boolean
  /** Null: the vendor was not asked, and what the hub last knew counts. */
  seen: SeenThere | null
}

export type UndoStep = Omit<PlannedChange, 'seq'>

/** What an undo does to a record on each side that the run wrote, and what stays as it is. Pure. */
export function planUndo(affected: AffectedRecord, how: RecordUndo): UndoStep[] {
  const { made, deleted, effects, isUpdated } = affected
  const { rules } = how
  if (rules === null) {
    const side = how.stream.direction === 'push' ? 'there' : 'here'
    return [keptWhole(affected, side, side === 'here' ? 'undo.owned_there' : 'undo.not_kept')]
  }
  const steps: UndoStep[] = []
  if (deleted) steps.push(keptWhole(affected, deleted, 'undo.deleted_there'))
  if (made === 'here') steps.push(keptWhole(affected, 'here', 'undo.made_here'))
  if (made === 'there') steps.push(removal(affected, how, rules))
  for (const side of ['there', 'here'] as const) {
    if (steps.some((step) => step.side === side)) continue
    const own = effects.filter((effect) => effect.side === side)
    if (own.length > 0) steps.push(...fieldsBack(affected, how, rules, side, own))
  }
  if (effects.length === 0 && steps.length === 0 && isUpdated)
    steps.push(keptWhole(affected, 'here', lostBecause(affected)))
  return steps
}

/** A record whose values of before are not kept: because it was erased or removed, or their time was over. */
function lostBecause({ record, standing }: AffectedRecord): KeptCode {
  if (record) return 'undo.not_kept'
  return standing?.base === null && standing.goneThere === 'deleted'
    ? 'undo.erased'
    : 'undo.gone_here'
}

const stepOf = ({ localId, externalId, standing }: AffectedRecord, side: Side) => ({
  localId,
  externalId: standing?.externalId ?? externalId,
  side,
  action: 'update' as const,
  changedIn: '0',
  properties: {},
})

function keptWhole(affected: AffectedRecord, side: Side, code: KeptCode): UndoStep {
  const kept = [{ field: '', code, present: null, by: null, at: null }]
  return { ...stepOf(affected, side), sent: [], kept }
}

function fieldsBack(
  affected: AffectedRecord,
  { stream, seen }: RecordUndo,
  rules: StreamRules,
  side: Side,
  effects: readonly Effect[],
): UndoStep[] {
  const { record, localId } = affected
  const standing = standingOf(affected, seen)
  const { link, there } = standing
  const base = link?.base ?? null
  const sent: PlannedField[] = []
  const kept: KeptField[] = []
  const back = new Map<string, FieldValue>()
  for (const effect of effects) {
    const { field } = effect
    const verdict = decideUndo(rules, effect, standing)
    if (verdict.kind === 'same') continue
    if (verdict.kind === 'kept') {
      const { code, present } = verdict
      kept.push({
        field,
        code,
        present: shown(present, rules.fields.get(field)),
        by: null,
        at: null,
      })
      continue
    }
    const { before, present } = verdict
    back.set(field, before)
    const agreed = side === 'there' ? { agreed: base?.ours[field] ?? null } : {}
    sent.push({
      field,
      ours: shown(before, rules.fields.get(field)),
      key: before,
      was: present,
      ...agreed,
    })
  }
  if (sent.length === 0 && kept.length === 0) return []
  const known = { ...base?.theirs, ...there }
  const properties =
    side === 'there' && sent.length > 0 && stream.toVendor && record
      ? propertiesBack({ ...stream, toVendor: stream.toVendor }, rules, localId, known, back)
      : {}
  const rest = kept.length > 0 ? { kept } : {}
  return [{ ...stepOf(affected, side), properties, sent, ...rest }]
}

function standingOf({ record, standing }: AffectedRecord, seen: SeenThere | null): UndoStanding {
  const disputed = standing?.disputed ?? new Set<string>()
  if (standing === null) return { record, link: null, there: {}, disputed }
  const { base, goneThere } = standing
  const externalId = standing.externalId ?? ''
  const gone = goneThere ?? (seen?.isGone ? 'deleted' : null)
  return {
    record,
    link: { externalId, goneThere: gone, base },
    there: seen?.values ?? {},
    disputed,
  }
}

/** A record that the run made there: it goes if that is asked for and nobody has touched it since. */
function removal(affected: AffectedRecord, how: RecordUndo, rules: StreamRules): UndoStep {
  const { standing, at } = affected
  const { removesCreated, stream, seen, isSyncedSince } = how
  const isGone = !standing?.externalId || standing.goneThere !== null || seen?.isGone === true
  if (isGone) return keptWhole(affected, 'there', 'undo.gone_there')
  if (!removesCreated || stream.recycles === undefined)
    return keptWhole(affected, 'there', 'undo.made_there')
  const known = standing.base?.theirs ?? {}
  const isChanged = Object.entries(seen?.values ?? {}).some(
    ([field, value]) => field in known && !isSameText(known[field], value),
  )
  const modifiedAt = seen?.modifiedAt ?? standing.modifiedAt
  if (isChanged || isSyncedSince || isTouched(at.toISOString(), modifiedAt))
    return keptWhole(affected, 'there', 'undo.touched')
  const sent = [...rules.fields.keys()].flatMap((field): PlannedField[] => {
    const was = known[field] ?? null
    return isBlank(was) ? [] : [{ field, ours: null, key: null, was }]
  })
  const seenAt = modifiedAt?.toISOString() ?? null
  return { ...stepOf(affected, 'there'), action: 'delete', sent, seenAt }
}

function isSameText(a: FieldValue | undefined, b: FieldValue): boolean {
  return JSON.stringify(a ?? null) === JSON.stringify(b)
}

/** The vendor's properties that put back what it had. Keys of references name the vendor's records. Pure. */
function propertiesBack(
  stream: Required<Pick<Stream, 'toVendor'>>,
  rules: StreamRules,
  localId: string,
  there: Values,
  back: ReadonlyMap<string, FieldValue>,
): VendorProperties {
  const only = new Set(back.keys())
  for (const name of back.keys())
    for (const other of rules.fields.get(name)?.with ?? []) only.add(other)
  const values: Record<string, FieldValue> = {}
  const references: VendorReferences = {}
  for (const name of only) {
    const value = (back.has(name) ? back.get(name) : there[name]) ?? null
    const field = rules.fields.get(name)
    if (field?.entity) fillReference(field, value, values, references)
    else values[name] = value
  }
  return propertiesOf(stream, rules, { localId, values }, references, only)
}

function fillReference(
  { name, many }: MergedField,
  value: FieldValue,
  values: Record<string, FieldValue>,
  references: VendorReferences,
): void {
  const idOf = (key: string) => key.split('=')[0] ?? ''
  if (!many) {
    references[name] = value === null ? '' : idOf(String(value))
    return
  }
  const keys = Array.isArray(value) ? value : []
  values[name] = keys.map(idOf)
  values[`${name}.roles`] = keys.map((key) => key.split(' ')[1] ?? '')
}

/** Of references our id alone: the vendor's is in what is sent. */
function shown(value: FieldValue, field: MergedField | undefined): FieldValue {
  if (!field?.entity) return value
  const plain = (key: string) => key.slice(key.indexOf('=') + 1)
  return Array.isArray(value) ? value.map(plain) : value === null ? null : plain(String(value))
}
