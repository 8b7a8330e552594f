import type { Module } from '#module.ts'
import { recordConsent } from './consent.operations.ts'
import {
  getPerson,
  identifyPerson,
  listIdentityConflicts,
  listPeople,
} from './person.operations.ts'
import { peoplePersonal } from './personal-store.ts'
import { peopleRetained } from './retained-store.ts'
import { personImport } from './person.import.ts'
import { touchpointImport } from './touchpoint.import.ts'
import { getTimeline, listTouchpoints, recordTouchpoint } from './touchpoint.operations.ts'

/** Who came, what names them, what they agreed to and what they did. */
export const people: Module = {
  name: 'people',
  operations: [
    identifyPerson,
    listPeople,
    getPerson,
    getTimeline,
    recordConsent,
    listIdentityConflicts,
    recordTouchpoint,
    listTouchpoints,
  ],
  entities: [],
  jobs: [],
  subscribers: [],
  timers: [],
  importTargets: [personImport, touchpointImport],
  personal: peoplePersonal,
  retained: peopleRetained,
}
