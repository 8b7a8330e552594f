import type { EventDraft } from '#jobs/job.ts'
import type { Transaction } from '#store/store.ts'

export type FieldValue = string | number | boolean | null | string[]

/** A value in a vendor's own form. */
export type VendorValue = FieldValue

export type FieldType =
  | 'text'
  | 'long_text'
  | 'number'
  | 'money'
  | 'boolean'
  | 'date'
  | 'datetime'
  | 'choice'
  | 'choices'
  | 'email'
  | 'phone'
  | 'url'
  | 'reference'
  | 'other'

/**
 * Who wins when both sides changed a field to different values since they last agreed. A change on one side only always
 * passes, under every policy but `off`.
 * - prefer_hub: the hub's value.
 * - prefer_crm: the CRM's value.
 * - prefer_crm_unless_blank: the CRM's value, unless it is blank: a blank there never empties a field here.
 * - latest: the side that changed it last; within the tolerance for clocks that disagree, the CRM's.
 * - ask: neither; the conflict inbox.
 * - off: the field is not synced.
 */
export type FieldPolicy =
  | 'prefer_hub'
  | 'prefer_crm'
  | 'prefer_crm_unless_blank'
  | 'latest'
  | 'ask'
  | 'off'

/** A field of ours as mappings, merges and the console know it. */
export interface EntityField {
  name: string
  label: string
  type: FieldType
  /** Its values are sealed and never shown in logs, outcomes or events. */
  personal?: boolean
  /** Never overwritten without a person when both sides changed it: owner, amount, stage, consent, lifecycle status. */
  critical?: boolean
  /** True means that the person opted out; an opt-out beats every opt-in, whoever came last. */
  optOut?: boolean
  /** The entity that a `reference` names. */
  entity?: string
  /** It names several records. */
  many?: boolean
  /**
   * A reference without which the record is none, such as the campaign of a membership: the record waits, on either side, until
   * what it names is known.
   */
  required?: boolean
  /** The hub computes it: nothing is taken in. */
  computed?: boolean
  /** It is set when the record is made, and stays: taken in with a new record only. */
  fixed?: boolean
  /** What a new record has where nobody gave it a value: nobody's choice, and not sent to where it is blank. */
  usual?: FieldValue
  /** Unless the workspace sets another; `ask` for critical fields, else `latest`. */
  policy?: FieldPolicy
}

/** Another record of ours that a record names, and in which role (`decision_maker`), if any. */
export interface RecordLink {
  entity: string
  localId: string
  role?: string | null
}

/** A record of ours as the engine carries it: canonical field values, money in minor units, times as RFC 3339 text. */
export interface EntityRecord {
  localId: string
  /** The customer's own fields are `custom.<key>`. */
  values: Record<string, FieldValue>
  /** Other records of ours that it names, by field, such as `owner`; the engine finds their ids at the vendor. */
  references?: Record<string, RecordLink>
  /**
   * Fields that name several, such as the people of an opportunity. `toVendor` finds their vendor ids in `values[field]`,
   * and in `values[<field>.roles]` the role of each, '' for none.
   */
  links?: Record<string, readonly RecordLink[]>
  /** When the record last changed here; the clock of its fields unless `clocks` or the events that told of it say better. */
  changedAt?: Date
  /** When each field last changed here, where the module knows. */
  clocks?: Record<string, Date>
  /** The code of why it is not to be made at a vendor now; a record that is there is kept up all the same. */
  withheld?: string
}

/**
 * A vendor's record in our words, before it is matched. Made by a connector's pure mapping.
 *
 * The words that connectors and entities share. Each connector gives those that its vendor has:
 * - owner: `email name active`
 * - pipeline: `label archived`
 * - stage: `label position probability outcome(open|won|lost) archived`, reference `pipeline`
 * - account (a company): `name domain website industry employees phone city country`, references `owner parent`
 * - lead (a person in the funnel; HubSpot's contact, Salesforce's Lead, Pipedrive's person or lead):
 *   `email firstName lastName phone jobTitle company country status emailOptOut`, and only out
 *   `externalId score fitScore engagementScore channel campaign mqlAt capturedAt`; references `owner account`
 * - contact (the same person once the vendor calls it so; shares its ids with lead): the words of lead
 * - opportunity: `name amountMinor currency status(open|won|lost) openedAt closedAt stageEnteredAt closesOn`,
 *   references `pipeline stage owner account`, and `leads` with roles (associations, contact roles, participants)
 * - activity (task, call, meeting, note): `kind(task|call|meeting|email|note) subject body state(open|done) dueAt doneAt`,
 *   references `owner`, and `leads account opportunity`
 * - campaign: `name status(planned|active|paused|ended) startsOn endsOn budgetMinor currency`, only in `channel`, a key
 *   such as `paid_search`, and with a new one `key`, the `utm_campaign` of its links
 * - campaign_member: `status respondedAt` (the start of the day, UTC), references `campaign lead`
 */
export interface Candidate {
  externalId: string
  /** The id of ours that the vendor's record carries, when the vendor keeps one. */
  localId?: string | null
  /** When the vendor last changed it; null when the vendor does not say. */
  modifiedAt: Date | null
  deleted: boolean
  /** A field that is absent was not read; null is blank at the vendor. */
  values: Record<string, FieldValue>
  /** Other records it names, by field: the engine turns the vendor's ids into ours through the links. */
  references: Record<
    string,
    { entity: string; externalIds: string[]; roles?: Record<string, string> }
  >
  /** When each field last changed at the vendor, where it keeps a history; `modifiedAt` otherwise. */
  clocks?: Record<string, Date>
  /** Earlier values of fields, newest first, where the vendor keeps them: what a write of ours covered is found here. */
  history?: Record<string, readonly FieldVersion[]>
  /** The vendor's own values by its names, also of fields that nothing is mapped to: kept sealed, so none is lost. */
  raw?: Record<string, VendorValue>
  /** The vendor merged it into this record and it is gone itself. */
  mergedInto?: string | null
  /** Records of the vendor that it took in, by id. */
  mergedFrom?: readonly string[]
  /** The vendor's lead became these records; the first of `lead` or `contact` is the same person. */
  convertedTo?: readonly { entity: string; externalId: string }[]
}

export interface FieldVersion {
  value: FieldValue
  at: Date
  /** Who, in the vendor's words without personal data, such as `CRM_UI` or `INTEGRATION`. */
  by: string | null
  /** Written by this very connection. */
  isOurs?: boolean
}

/** A candidate after match and merge, as the owning module is to write it. */
export interface EntityWrite {
  /** Null: the module creates the record. */
  localId: string | null
  externalId: string
  deleted: boolean
  /** When the vendor last changed it; null when the vendor does not say. */
  modifiedAt: Date | null
  /** For records that are merged field by field: only what is to change here. Null empties a field. */
  values: Record<string, FieldValue>
  /** By field: local ids, null where the named record is not known here (yet). */
  references: Record<string, NamedRecord[]>
}

export interface NamedRecord {
  localId: string | null
  externalId: string
  role?: string | null
}

export interface EntityWritten {
  localId: string
  outcome: 'created' | 'updated' | 'unchanged' | 'deleted'
}

/** What a module tells the sync engine of one of its record types. Everything is set-based: one statement a table, never one a record. */
export interface Entity {
  name: string
  /** Its fields: with them, two-way streams merge field by field. Absent: the vendor alone writes what it sends. */
  fields?: readonly EntityField[]
  /** Its records are those of this entity under the same ids: a converted lead goes on as a contact. */
  sharesIdsWith?: string
  /**
   * Events (of any module) after which a record is due to be pushed; the event's subject is the record's id. An event
   * whose data has `fields` (names) dates just these.
   */
  pushAfter: readonly string[]
  /** Ids after `afterId` in ascending order, at most `limit`: what a new connection is to be sent at first, and reconciliation. */
  listIds?(tx: Transaction, afterId: string | null, limit: number): Promise<string[]>
  /** The present canonical values of these records, in any order; records that are gone are left out. */
  load?(tx: Transaction, localIds: readonly string[]): Promise<EntityRecord[]>
  /**
   * Finds records of ours that have no link yet: for each candidate an id, or null for none.
   * @param references  by candidate: the records that it names, as far as they are known here.
   */
  match?(
    tx: Transaction,
    candidates: readonly Candidate[],
    references: readonly EntityWrite['references'][],
  ): Promise<(string | null)[]>
  /** For each candidate whether it would bring somebody back who was erased on request: it is refused. */
  areSuppressed?(tx: Transaction, candidates: readonly Candidate[]): Promise<boolean[]>
  /** Writes what came in, answers in the order of `writes`, and names the events that it means. */
  write?(
    tx: Transaction,
    writes: readonly EntityWrite[],
    now: Date,
  ): Promise<{ written: EntityWritten[]; events: EventDraft[] }>
}
