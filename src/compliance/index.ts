import { erasedListSubscriber } from '#compliance/erased-list.ts'
import type { PersonalStore } from '#compliance/personal-store.ts'
import { privacyOperations } from '#compliance/privacy.operations.ts'
import { complianceWatches } from '#compliance/watches.ts'
import type { Module } from '#module.ts'

/**
 * What people may ask about their own data.
 * @param stores  what each module keeps of people.
 * @param erasedList  the file that tells, outside the database, who was erased.
 */
export function createCompliance(stores: readonly PersonalStore[], erasedList: string): Module {
  return {
    name: 'compliance',
    operations: privacyOperations(stores),
    entities: [],
    jobs: [],
    subscribers: [erasedListSubscriber(erasedList)],
    timers: [],
    watches: complianceWatches,
  }
}
