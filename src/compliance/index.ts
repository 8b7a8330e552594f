import type { PersonalStore } from '#compliance/personal-store.ts'
import { privacyOperations } from '#compliance/privacy.operations.ts'
import type { Module } from '#module.ts'

/**
 * What people may ask about their own data.
 * @param stores  what each module keeps of people.
 */
export function createCompliance(stores: readonly PersonalStore[]): Module {
  return {
    name: 'compliance',
    operations: privacyOperations(stores),
    entities: [],
    jobs: [],
    subscribers: [],
    timers: [],
  }
}
