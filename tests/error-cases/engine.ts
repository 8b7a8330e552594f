import type { ErrorCase } from './case.ts'

export const engineCases: readonly ErrorCase[] = []
