import { expect, test } from 'vitest'
import { nameOfQuarter, quartersFrom } from '#console/pages/plans/plan-words.ts'

test('quarters go on over the end of a year', () => {
  expect(quartersFrom('2026-11-27', 3)).toEqual(['2026-Q4', '2027-Q1', '2027-Q2'])
  expect(quartersFrom('2027-03-31', 1)).toEqual(['2027-Q1'])
  expect(nameOfQuarter('2027-Q1')).toBe('Q1 2027')
})
