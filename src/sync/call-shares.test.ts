import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HOUR_MS } from '#core/time.ts'
import { dayOf } from '#core/zone.ts'
import {
  asksAgainAt,
  LIVE,
  mayTake,
  sharesOf,
  WHOLE,
  type Allowance,
} from '#sync/call-shares.rules.ts'

const DAY = Date.parse('2026-11-23T00:00:00Z')
const at = (hour: number) => new Date(DAY + hour * HOUR_MS)
const allowance: Allowance = {
  dailyCalls: 1000,
  dayZone: 'UTC',
  livePercent: 10,
  streams: [
    { name: 'contacts', callPercent: 50, callPriority: 'high' },
    { name: 'deals', callPercent: 20, callPriority: 'low' },
    { name: 'tasks', callPercent: null, callPriority: 'normal' },
  ],
}
const left = (taken: Record<string, number>, taker: string, hour = 9) =>
  mayTake(allowance, new Map(Object.entries(taken)), taker, at(hour))

describe('shares, worked by hand', () => {
  test('percent are of what is left beside the part of live changes', () => {
    const { live, streams, common } = sharesOf(allowance)
    expect([live, streams.get('contacts'), streams.get('deals'), common]).toEqual([
      100, 450, 180, 270,
    ])
  })

  test('a stream stops at its share, and takes nobody else’s until its hour', () => {
    expect(left({}, 'contacts')).toBe(450)
    expect(left({ contacts: 450 }, 'contacts')).toBe(0)
    expect(left({ contacts: 450 }, 'deals')).toBe(180)
    expect(left({ contacts: 450 }, 'tasks')).toBe(270)
    expect(left({ tasks: 270 }, 'tasks')).toBe(0)
    // In the evening what is not used is lent, to streams of high priority first.
    expect(left({ contacts: 450 }, 'contacts', 18)).toBe(450)
    expect(left({ deals: 180 }, 'deals', 21)).toBe(0)
    expect(left({ deals: 180 }, 'deals', 22)).toBe(720)
    expect(left({ tasks: 270, contacts: 400 }, 'tasks', 20)).toBe(230)
  })

  test('live changes always have theirs, and what is common besides', () => {
    expect(left({ contacts: 450, deals: 180, tasks: 270 }, LIVE)).toBe(100)
    expect(left({ contacts: 900 }, LIVE, 23)).toBe(100)
    expect(left({}, LIVE)).toBe(370)
    expect(left({ [LIVE]: 370 }, LIVE)).toBe(0)
    expect(left({ [LIVE]: 370 }, 'contacts')).toBe(450)
    expect(left({ [LIVE]: 370 }, 'tasks')).toBe(0)
  })

  test('one who may take nothing asks again when something may be lent, or the next day', () => {
    const ask = (taken: Record<string, number>, taker: string, hour: number) =>
      asksAgainAt(allowance, new Map(Object.entries(taken)), taker, at(hour)).toISOString()
    expect(ask({ contacts: 450 }, 'contacts', 9)).toBe('2026-11-23T18:00:00.000Z')
    expect(ask({ deals: 180 }, 'deals', 9)).toBe('2026-11-23T22:00:00.000Z')
    expect(ask({ contacts: 450, deals: 180, tasks: 270 }, 'contacts', 9)).toBe(
      '2026-11-24T00:00:00.000Z',
    )
    expect(ask({ [LIVE]: 370 }, LIVE, 9)).toBe('2026-11-24T00:00:00.000Z')
  })
})

test('a day is that of the zone in which the vendor counts: its midnight, its evening, its day of 25 hours', () => {
  const abroad = { ...allowance, dayZone: 'America/New_York' }
  const justBefore = new Date('2026-11-24T04:59:00Z')
  expect(dayOf(justBefore, abroad.dayZone)).toBe('2026-11-23')
  expect(dayOf(new Date('2026-11-24T05:00:00Z'), abroad.dayZone)).toBe('2026-11-24')
  const used = new Map([['contacts', 450]])
  expect(mayTake(abroad, used, 'contacts', new Date('2026-11-23T22:59:00Z'))).toBe(0)
  expect(mayTake(abroad, used, 'contacts', new Date('2026-11-23T23:00:00Z'))).toBe(450)
  expect(asksAgainAt(abroad, used, 'contacts', at(12)).toISOString()).toBe(
    '2026-11-23T23:00:00.000Z',
  )
  const spent = new Map([[LIVE, 1000]])
  const whenClocksGoBack = new Date('2026-11-01T12:00:00Z')
  expect(asksAgainAt(abroad, spent, LIVE, whenClocksGoBack).toISOString()).toBe(
    '2026-11-02T05:00:00.000Z',
  )
})

test('whoever asks when, the allowance is never exceeded, and shares and the live part are there until the evening', () => {
  const takers = ['contacts', 'deals', 'tasks', LIVE]
  const steps = fc.array(
    fc.record({
      taker: fc.constantFrom(...takers, WHOLE),
      wanted: fc.integer({ min: 1, max: 200 }),
      minutes: fc.integer({ min: 0, max: 90 }),
    }),
    { maxLength: 60 },
  )
  fc.assert(
    fc.property(steps, (asked) => {
      const taken = new Map<string, number>()
      let minute = 0
      for (const { taker, wanted, minutes } of asked) {
        minute = Math.min(24 * 60 - 1, minute + minutes)
        const now = new Date(DAY + minute * 60_000)
        const got = Math.min(wanted, mayTake(allowance, taken, taker, now))
        taken.set(taker, (taken.get(taker) ?? 0) + got)
        const of = (name: string) => taken.get(name) ?? 0
        const all = [...taken.values()].reduce((sum, one) => sum + one, 0)
        expect(all).toBeLessThanOrEqual(1000)
        // Scheduled streams never reach into the part of live changes.
        expect(all - of(LIVE)).toBeLessThanOrEqual(900)
        expect(mayTake(allowance, taken, LIVE, now)).toBeGreaterThanOrEqual(
          Math.max(0, 100 - of(LIVE)),
        )
        if (minute >= 18 * 60 || of(WHOLE) > 0) continue
        expect(of('contacts')).toBeLessThanOrEqual(450)
        expect(mayTake(allowance, taken, 'contacts', now)).toBe(450 - of('contacts'))
        expect(mayTake(allowance, taken, 'deals', now)).toBe(180 - of('deals'))
      }
    }),
    { numRuns: 500 },
  )
})
