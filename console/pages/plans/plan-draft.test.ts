import { expect, test } from 'vitest'
import {
  emptySegment,
  fieldsOf,
  isSound,
  toPlan,
  totalOf,
} from '#console/pages/plans/plan-draft.ts'

const segments = [
  {
    channel: 'email',
    targetMinor: 1_250_050,
    assume: { leadToWon: 0.125, averageWonMinor: 90_000, costPerLeadMinor: 4_050 },
  },
  { channel: null, targetMinor: 300_000, assume: {} },
]

test('a plan that is opened and saved unchanged is the same plan', () => {
  const typed = segments.map((one) => fieldsOf(one, 'EUR'))
  expect(typed[0]).toMatchObject({ target: '12500.50', leadToWon: '12.5', leadToOpportunity: '' })
  expect(toPlan(typed, 'EUR')).toEqual({ currency: 'EUR', segments })
  expect(totalOf(typed, 'EUR')).toBe(1_550_050)
  expect(isSound(typed, 'EUR')).toBe(true)
})

test('a segment without a target, named twice, or with a rate above all is not sent', () => {
  const one = { ...emptySegment(), target: '100' }
  expect(isSound([emptySegment()], 'EUR')).toBe(false)
  expect(isSound([one], 'EUR')).toBe(true)
  expect(isSound([one, { ...emptySegment(), target: '5' }], 'EUR')).toBe(false)
  expect(isSound([{ ...one, leadToWon: '101' }], 'EUR')).toBe(false)
  expect(isSound([{ ...one, averageWon: '0' }], 'EUR')).toBe(false)
})
