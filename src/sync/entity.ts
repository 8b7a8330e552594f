import type { EventDraft } from '#jobs/job.ts'
import type { Transaction } from '#store/store.ts'

export type FieldValue = string | number | boolean | null | string[]

/** A record of ours as the engine carries it: canonical field values, money in minor units, times as RFC 3339 text. */
export interface EntityRecord {
  localId: string
  values: Record<string, FieldValue>
  /** Other records of ours that it names, by field, such as `owner`; the engine finds their ids at the vendor. */
  references?: Record<string, { entity: string; localId: string }>
}

/**
 * A vendor's record in our words, before it is matched. Made by a connector's pure mapping.
 *
 * The words that connectors and entities share:
 * - owner: `email name active`
 * - pipeline: `label archived`
 * - stage: `label position probability outcome(open|won|lost) archived`, reference `pipeline`
 * - opportunity: `name amountMinor currency status(open|won|lost) openedAt closedAt stageEnteredAt`,
 *   references `pipeline stage owner leads`
 * - lead (sent): `email firstName lastName phone jobTitle company country status score fitScore engagementScore channel
 *   campaign mqlAt capturedAt`, reference `owner`; (found by reference): `email`
 */
export interface Candidate {
  externalId: string
  /** The id of ours that the vendor's record carries, when the vendor keeps one. */
  localId?: string | null
  /** When the vendor last changed it; null when the vendor does not say. */
  modifiedAt: Date | null
  deleted: boolean
  values: Record<string, FieldValue>
  /** Other records it names, by field: the engine turns the vendor's ids into ours through the links. */
  references: Record<string, { entity: string; externalIds: string[] }>
}

/** A candidate after match and merge, as the owning module is to write it. */
export interface EntityWrite {
  /** Null: the module creates the record. */
  localId: string | null
  externalId: string
  deleted: boolean
  /** When the vendor last changed it; null when the vendor does not say. */
  modifiedAt: Date | null
  values: Record<string, FieldValue>
  /** By field: local ids, null where the named record is not known here (yet). */
  references: Record<string, { localId: string | null; externalId: string }[]>
}

export interface EntityWritten {
  localId: string
  outcome: 'created' | 'updated' | 'unchanged' | 'deleted'
}

/** What a module tells the sync engine of one of its record types. Everything is set-based: one statement a table, never one a record. */
export interface Entity {
  name: string
  /** Events (of any module) after which a record is due to be pushed; the event's subject is the record's id. */
  pushAfter: readonly string[]
  /** Ids after `afterId` in ascending order, at most `limit`: what a new connection is to be sent at first, and reconciliation. */
  listIds?(tx: Transaction, afterId: string | null, limit: number): Promise<string[]>
  /** The present canonical values of these records, in any order; records that are gone are left out. */
  load?(tx: Transaction, localIds: readonly string[]): Promise<EntityRecord[]>
  /** Finds records of ours that have no link yet: for each candidate an id, null for none, or 'ambiguous'. */
  match?(tx: Transaction, candidates: readonly Candidate[]): Promise<(string | null)[]>
  /** Writes what came in, answers in the order of `writes`, and names the events that it means. */
  write?(
    tx: Transaction,
    writes: readonly EntityWrite[],
    now: Date,
  ): Promise<{ written: EntityWritten[]; events: EventDraft[] }>
}
