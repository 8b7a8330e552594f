import type { ErrorCase } from './case.ts'
import { hubspotCases } from './hubspot.ts'

/** How every code of the catalogue comes about; the reference page names the cases. */
export const errorCases = [...hubspotCases] as unknown as readonly ErrorCase[]
