import type { Module } from '#module.ts'
import { captureLead } from './lead.operations.ts'

/** Leads, scores, routing, follow-up, opportunities. */
export const sales: Module = {
  name: 'sales',
  operations: [captureLead],
  entities: [],
  jobs: [],
  subscribers: [],
  timers: [],
}
