import { expect, test } from 'vitest'
import { accuracyCard, expectAccuracy } from './accuracy-card.ts'
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
  expect(expectAccuracy(profile).models[0]!.model).toBe('data-driven')
  expect(expectAccuracy({ ...profile, holdouts: 2 }).models[0]!.model).toBe(
    'data-driven + holdouts',
  )
})

test('fewer conversions promise less, and a wider range', () => {
  const [many, few, fewest] = [1500, 350, 40].map((conversions) =>
    expectAccuracy({ ...profile, conversions }),
  )
  const best = (of: typeof many) => of!.models[0]!
  expect(best(few).expected).toBeLessThan(best(many).expected)
  expect(best(fewest).high - best(fewest).low).toBeGreaterThan(best(few).high - best(few).low)
  expect(fewest!.reason).toContain('no model')
})

test('what shows in the data narrows the kinds of world it may be', () => {
  expect(expectAccuracy({ ...profile, contactsPerAccount: 3 }).kinds).toEqual(['groups'])
  expect(expectAccuracy({ ...profile, directShare: 0.6 }).kinds).toEqual(['direct_heavy'])
  expect(expectAccuracy(profile).kinds).not.toContain('measured')
})
