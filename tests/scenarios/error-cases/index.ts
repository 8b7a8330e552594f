import type { ErrorCase } from './case.ts'
import { engineCases } from './engine.ts'
import { hubspotCases } from './hubspot.ts'
import { outageCases } from './outages.ts'
import { pipedriveCases } from './pipedrive.ts'
import { salesforceCases } from './salesforce.ts'
import { streamCases } from './streams.ts'

/** How every code of the catalogue comes about; the reference page names the cases. */
export const errorCases = [
  ...engineCases,
  ...streamCases,
  ...outageCases,
  ...hubspotCases,
  ...pipedriveCases,
  ...salesforceCases,
] as unknown as readonly ErrorCase[]
