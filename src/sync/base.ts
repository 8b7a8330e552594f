import type { Transaction } from '#store/store.ts'
import type { VendorValue } from './entity.ts'
import type { Values } from './merge.ts'

/** What both sides had when they last agreed, field by field, each in its own rendering. */
export interface MergeBase {
  v: 2
  /** Our values; references as local ids. */
  ours: Values
  /** The vendor's values in our words; references as `<their id>=<our id>`, sorted. */
  theirs: Values
  /** The vendor's own values by its names, as last read: also those that nothing is mapped to. */
  raw?: Record<string, VendorValue>
  /** When the vendor had last changed it as we last read it; a write of ours does not move it. */
  seenAt?: string
  /** When we made the record there: what the vendor filled in by itself then, such as an owner, is nobody's change. */
  createdAt?: string
}

export const emptyBase = (): MergeBase => ({ v: 2, ours: {}, theirs: {} })

function context(connectionId: string, entity: string, localId: string): string {
  return `sync_links.merge:${connectionId}:${entity}:${localId}`
}

export function sealBase(
  tx: Transaction,
  connectionId: string,
  entity: string,
  localId: string,
  base: MergeBase,
): Buffer {
  // The first byte tells a merge base from the base of a record that the vendor alone writes.
  return Buffer.concat([
    Buffer.from([MERGED]),
    tx.sealer.seal(base, context(connectionId, entity, localId)),
  ])
}

/** Null when there is none, or one of the time when the vendor alone wrote the record. */
export function openMergeBase(
  tx: Transaction,
  connectionId: string,
  entity: string,
  localId: string,
  sealed: Buffer | null,
): MergeBase | null {
  if (!sealed || sealed[0] !== MERGED) return null
  return tx.sealer.open<MergeBase>(sealed.subarray(1), context(connectionId, entity, localId))
}

/** No sealed value begins so: theirs begin with the version of the seal. */
const MERGED = 0xb2

/** What a field's base was; null when the sides never agreed on it. */
export function baseOf(base: MergeBase | null, field: string) {
  if (!base || !(field in base.theirs)) return null
  return { ours: base.ours[field] ?? null, theirs: base.theirs[field] ?? null }
}
