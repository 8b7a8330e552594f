import type { Module } from '#module.ts'
import { recordConsent } from './consent.operations.ts'
import {
  getPerson,
  identifyPerson,
  listIdentityConflicts,
  listPeople,
} from './person.operations.ts'
import { duplicatesJob, duplicatesTimer } from './duplicate.jobs.ts'
import {
  dismissPersonDuplicate,
  dismissPersonDuplicates,
  listPersonDuplicates,
} from './duplicate.operations.ts'
import {
  listPersonMerges,
  mergePerson,
  mergePersonDuplicates,
  previewPersonDuplicateMerges,
  previewPersonMerge,
  unmergePerson,
} from './merge.operations.ts'
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
    listPersonDuplicates,
    dismissPersonDuplicate,
    dismissPersonDuplicates,
    previewPersonDuplicateMerges,
    mergePersonDuplicates,
    previewPersonMerge,
    mergePerson,
    listPersonMerges,
    unmergePerson,
    recordTouchpoint,
    listTouchpoints,
  ],
  entities: [],
  jobs: [duplicatesJob],
  subscribers: [],
  timers: [duplicatesTimer],
  importTargets: [personImport, touchpointImport],
  personal: peoplePersonal,
  retained: peopleRetained,
}
