import { expect, test } from 'vitest'
import { DAY_MS, HOUR_MS, SECOND_MS } from '#core/time.ts'
import { isHopeless, judge, readRetryAfter } from './delivery.rules.ts'

const made = (status: number | null, retryAfterMs: number | null = null) => ({
  status,
  error: null,
  retryAfterMs,
  durationMs: 1,
})

test('ten attempts are made over some three days, then the message is given up', () => {
  const waits = Array.from({ length: 9 }, (_, i) => judge(made(500), i + 1, 0))
  const total = waits.reduce((sum, one) => sum + (one.kind === 'retry' ? one.waitMs : NaN), 0)
  expect(waits[0]).toEqual({ kind: 'retry', waitMs: 5 * SECOND_MS })
  expect(total / DAY_MS).toBeGreaterThan(3)
  expect(total / DAY_MS).toBeLessThan(4)
  expect(judge(made(500), 10, 0)).toEqual({ kind: 'failed' })
})

test.each([
  [200, 'delivered'],
  [299, 'delivered'],
  [301, 'retry'],
  [404, 'retry'],
  [410, 'gone'],
  [null, 'retry'],
])('an answer of %s means %s', (status, kind) => {
  expect(judge(made(status), 1, 0).kind).toBe(kind)
})

test('the receiver may ask for a longer wait, up to a day, and not for a shorter one', () => {
  expect(judge(made(429, HOUR_MS), 1, 0)).toEqual({ kind: 'retry', waitMs: HOUR_MS })
  expect(judge(made(429, 90 * DAY_MS), 1, 0)).toEqual({ kind: 'retry', waitMs: DAY_MS })
  expect(judge(made(429, 1), 1, 0)).toEqual({ kind: 'retry', waitMs: 5 * SECOND_MS })
})

test('Retry-After is read as seconds or as a date', () => {
  const now = new Date('2026-11-25T10:00:00Z')
  expect(readRetryAfter('120', now)).toBe(120 * SECOND_MS)
  expect(readRetryAfter('Wed, 25 Nov 2026 10:01:00 GMT', now)).toBe(60 * SECOND_MS)
  expect(readRetryAfter('soon', now)).toBeNull()
  expect(readRetryAfter(undefined, now)).toBeNull()
})

test('an endpoint is hopeless after five days without a success', () => {
  const now = new Date('2026-11-25T10:00:00Z')
  expect(isHopeless(new Date(now.getTime() - 5 * DAY_MS), now)).toBe(true)
  expect(isHopeless(new Date(now.getTime() - 5 * DAY_MS + 1), now)).toBe(false)
  expect(isHopeless(null, now)).toBe(false)
})
