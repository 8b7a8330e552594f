import { expect, test } from 'vitest'
import { accuracyCard, recommend } from './accuracy-card.ts'
import type { DataProfile } from './accuracy-card.ts'

const profile: DataProfile = {
  touches: 300_000,
  conversions: 1500,
  channels: 8,
  contactsPerAccount: 1,
  holdouts: 0,
  directShare: 0.1,
}

test('every model on the card was measured on every kind of world, at both sizes', () => {
  for (const { measured, wrongAbout } of Object.values(accuracyCard.models)) {
    expect(wrongAbout.length).toBeGreaterThan(30)
    expect(Object.keys(measured)).toEqual(['small', 'usual'])
    for (const byKind of Object.values(measured)) {
      expect(Object.keys(byKind).sort()).toEqual([...accuracyCard.kinds].sort())
      for (const [accuracy, whole] of Object.values(byKind)) {
        expect(accuracy).toBeGreaterThanOrEqual(0)
        expect(whole).toBeLessThanOrEqual(1)
      }
    }
  }
})

test('the data-driven model is recommended, with holdouts where there are some', () => {
  expect(recommend(profile).model).toBe('data-driven')
  expect(recommend({ ...profile, holdouts: 2 }).model).toBe('data-driven + holdouts')
})

test('fewer conversions promise less, and a wider range', () => {
  const [many, few, fewest] = [1500, 350, 40].map((conversions) =>
    recommend({ ...profile, conversions }),
  )
  expect(few!.expected).toBeLessThan(many!.expected)
  expect(fewest!.high - fewest!.low).toBeGreaterThan(few!.high - few!.low)
  expect(fewest!.reason).toContain('no model')
})

test('what shows in the data narrows the kinds of world it may be', () => {
  expect(recommend({ ...profile, contactsPerAccount: 3 }).kinds).toEqual(['groups'])
  expect(recommend({ ...profile, directShare: 0.6 }).kinds).toEqual(['direct_heavy'])
  expect(recommend(profile).kinds).not.toContain('measured')
})
