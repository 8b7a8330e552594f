import { describe, expect, test } from 'vitest'
import {
  formatCounted,
  formatDate,
  formatDuration,
  formatExact,
  formatField,
  formatRelative,
  formatShare,
  formatWhole,
} from '#console/format.ts'

describe('money', () => {
  test.each([
    [123_456_789, 'EUR', '1,234,567.89', '1,234,568'],
    [-40, 'EUR', '−0.40', '0'],
    [-160, 'EUR', '−1.60', '−2'],
    [1_234_567, 'JPY', '1,234,567', '1,234,567'],
    [1_234_567, 'BHD', '1,234.567', '1,235'],
    [9_007_199_254_740_991, 'EUR', '90,071,992,547,409.91', '90,071,992,547,410'],
  ])('%i minor units of %s are shown to the last digit', (minor, currency, exact, whole) => {
    expect(formatExact(minor, currency)).toBe(exact)
    expect(formatWhole(minor, currency)).toBe(whole)
  })
})

describe('time', () => {
  const now = Date.UTC(2026, 10, 23, 12)
  test.each([
    [-30_000, 'just now'],
    [-89 * 60_000, '1 hour ago'],
    [20 * 3_600_000, 'in 20 hours'],
    [-3 * 86_400_000, '3 days ago'],
  ])('a moment %i ms from now never sounds further away than it is', (deltaMs, words) => {
    expect(formatRelative(new Date(now + deltaMs), now)).toBe(words)
  })

  test('a calendar date is the same day in every time zone', () => {
    expect(formatDate('2026-11-23')).toBe('23 Nov 2026')
  })

  test.each([
    [0, '0 s'],
    [63_000, '1 min 3 s'],
    [4 * 3_600_000, '4 h'],
    [52 * 3_600_000, '2 d 4 h'],
  ])('%i ms are said in two units at most', (durationMs, words) => {
    expect(formatDuration(durationMs)).toBe(words)
  })
})

test.each([
  ['jobTitle', 'Job title'],
  ['touches30', 'Touches 30'],
  ['attributes.employees', 'Attributes employees'],
])('the field %s is named in words', (name, words) => {
  expect(formatField(name)).toBe(words)
})

test('a share that does not exist is a dash, not zero', () => {
  expect(formatShare(null)).toBe('—')
  expect(formatShare(0)).toBe('0.0%')
})

test.each([
  ['entries', '1 entry'],
  ['people', '1 person'],
  ['touches', '1 touch'],
  ['leads', '1 lead'],
  ['releases', '1 release'],
])('one of %s is %s', (nouns, one) => {
  expect(formatCounted(1, nouns)).toBe(one)
  expect(formatCounted(2000, nouns)).toBe(`2,000 ${nouns}`)
})
