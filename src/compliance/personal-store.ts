import type { EventDraft } from '#jobs/job.ts'
import type { Transaction } from '#store/store.ts'

/** Whom a request is about: a person with all that were merged into it, and their leads. */
export interface Subject {
  personIds: readonly string[]
  leadIds: readonly string[]
}

/** Whether connected systems are asked to erase too; they are unless it says `here`. */
export type ErasureReach = 'here' | 'everywhere'

/** What is to be put right; null takes a value away. */
export interface PersonalChanges {
  email?: string | undefined
  firstName?: string | null | undefined
  lastName?: string | null | undefined
  phone?: string | null | undefined
  jobTitle?: string | null | undefined
  company?: string | null | undefined
  country?: string | null | undefined
}

/** The request that a rectification is carried out for. */
export interface Rectification {
  requestId: string
  /** The subject's person as it stands now; whoever was merged into it is of the subject as well. */
  personId: string
  now: Date
}

/** What a module tells of the data that it keeps of people. Everything is set-based. */
export interface PersonalStore {
  /** Its tables that name a person or a lead, each accounted for in `erase` or in `kept`. */
  tables: readonly string[]
  /** Tables whose rows stay as they are, with the reason: they hold ids and figures alone. */
  kept: Readonly<Record<string, string>>
  /** All that is held of the subject, opened, by kind of record; lists are cut at `limit`. */
  collect(tx: Transaction, subject: Subject, limit: number): Promise<Record<string, unknown>>
  /** Takes away whatever tells who the subject is. @returns rows by table. */
  erase(
    tx: Transaction,
    subject: Subject,
    request: { id: string; now: Date; reach?: ErasureReach },
  ): Promise<Record<string, number>>
  /**
   * Puts right what it keeps of the subject; modules are asked in their order, each sees what those before it wrote.
   * @returns what stood before, by kind of record, and the events to tell.
   * @throws Problem `privacy.address_taken`
   */
  rectify?(
    tx: Transaction,
    subject: Subject,
    changes: PersonalChanges,
    request: Rectification,
  ): Promise<{ before: Record<string, unknown>; events: EventDraft[] }>
}
