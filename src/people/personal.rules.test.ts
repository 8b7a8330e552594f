import { expect, test } from 'vitest'
import { fillPersonal, isSamePersonal, mergePersonal } from '#people/personal.rules.ts'

test('newer values win, empty ones blank nothing', () => {
  const held = { email: 'a@x.com', firstName: 'Ada', plan: 'pro' }
  const newer = { firstName: ' Augusta ', email: '', lastName: 'King', plan: null }
  expect(mergePersonal(held, newer)).toEqual({
    email: 'a@x.com',
    firstName: 'Augusta',
    lastName: 'King',
    plan: 'pro',
  })
})

test('a merged person fills gaps and overwrites nothing', () => {
  expect(fillPersonal({ firstName: 'Ada' }, { firstName: 'A.', country: 'GB' })).toEqual({
    firstName: 'Ada',
    country: 'GB',
  })
})

test('traits stop growing at 200, what is held can still change', () => {
  const held = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`t${i}`, i]))
  const merged = mergePersonal(held, { more: 1, t0: 'changed' })
  expect(merged).not.toHaveProperty('more')
  expect(merged['t0']).toBe('changed')
})

test('the same attributes in another order are the same', () => {
  expect(isSamePersonal({ a: 1, b: { c: [1] } }, { b: { c: [1] }, a: 1 })).toBe(true)
  expect(isSamePersonal({ a: 1 }, { a: 1, b: 2 })).toBe(false)
})
