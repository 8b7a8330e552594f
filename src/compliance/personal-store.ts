import type { Transaction } from '#store/store.ts'

/** Whom a request is about: a person with all that were merged into it, and their leads. */
export interface Subject {
  personIds: readonly string[]
  leadIds: readonly string[]
}

/** Whether connected systems are asked to erase too; they are unless it says `here`. */
export type ErasureReach = 'here' | 'everywhere'

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
}
