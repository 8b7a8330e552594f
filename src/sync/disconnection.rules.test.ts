import { expect, test } from 'vitest'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#core/time.ts'
import { isFinal, isOver, pauseMs } from './disconnection.rules.ts'

test('pauses grow to a day, and are never shorter than the system asks for', () => {
  const pauses = [1, 2, 3, 4, 5, 6, 50].map((attempts) => pauseMs(attempts))
  expect(pauses).toEqual([
    2 * MINUTE_MS,
    10 * MINUTE_MS,
    HOUR_MS,
    6 * HOUR_MS,
    DAY_MS,
    DAY_MS,
    DAY_MS,
  ])
  expect(pauseMs(1, 5 * MINUTE_MS)).toBe(5 * MINUTE_MS)
  expect(pauseMs(3, 5 * MINUTE_MS)).toBe(HOUR_MS)
  expect(pauseMs(1, 30 * DAY_MS)).toBe(DAY_MS)
})

test('a system that is away is asked again, one that refuses is not', () => {
  expect((['transient', 'rate_burst', 'rate_daily'] as const).map(isFinal)).toEqual([
    false,
    false,
    false,
  ])
  expect((['reauth', 'permission', 'account', 'gone', 'record'] as const).every(isFinal)).toBe(true)
})

test('after a week it is over', () => {
  const deletedAt = new Date('2026-11-23T08:00:00Z')
  const after = (ms: number) => isOver(deletedAt, new Date(deletedAt.getTime() + ms))
  expect([after(0), after(7 * DAY_MS - 1), after(7 * DAY_MS)]).toEqual([false, false, true])
})
