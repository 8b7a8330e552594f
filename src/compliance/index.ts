import { erasedListSubscriber } from '#compliance/erased-list.ts'
import { holdOperations } from '#compliance/hold.operations.ts'
import type { PersonalStore } from '#compliance/personal-store.ts'
import { compliancePersonal } from '#compliance/personal.ts'
import { privacyOperations } from '#compliance/privacy.operations.ts'
import type { RetainedKind } from '#compliance/retained-store.ts'
import { reportOperations } from '#compliance/report.operations.ts'
import { retentionOperations } from '#compliance/retention.operations.ts'
import { retentionTimer } from '#compliance/retention.run.ts'
import { suppressionOperations } from '#compliance/suppression.operations.ts'
import { complianceWatches } from '#compliance/watches.ts'
import type { Module } from '#module.ts'

export interface ComplianceParts {
  /** What each other module keeps of people. */
  stores: readonly PersonalStore[]
  /** What each module keeps for a time. */
  kinds: readonly RetainedKind[]
  /** The file that tells, outside the database, who was erased. */
  erasedList: string
}

/** What people may ask about their own data, and how long records are kept. */
export function createCompliance({ stores: others, kinds, erasedList }: ComplianceParts): Module {
  const stores = [...others, compliancePersonal]
  const erasable = kinds.filter(({ isErasable }) => isErasable).map(({ name }) => name)
  return {
    name: 'compliance',
    operations: [
      ...privacyOperations(stores, erasable),
      ...retentionOperations(kinds),
      ...reportOperations,
      ...suppressionOperations,
      ...holdOperations(new Set(kinds.map(({ name }) => name))),
    ],
    entities: [],
    jobs: [],
    subscribers: [erasedListSubscriber(erasedList)],
    timers: [retentionTimer({ kinds, stores })],
    personal: compliancePersonal,
    watches: complianceWatches,
  }
}
