import { expect, test } from 'vitest'
import { expiryOf } from '#console/pages/connections/connection-words.ts'

const now = Date.parse('2026-11-23T23:30:00Z')

test.each([
  [null, null],
  ['2026-12-24', null],
  ['2026-12-23', 'Credentials end in 30 days'],
  ['2026-11-24', 'Credentials end in 1 day'],
  ['2026-11-23', 'Credentials end today'],
  ['2026-11-22', 'Credentials have ended'],
])('credentials that end on %s are told of as %s', (credentialsEndOn, label) => {
  expect(expiryOf({ credentialsEndOn }, now)?.label ?? null).toBe(label)
})
