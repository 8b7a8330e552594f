import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addDays } from '#core/calendar.ts'
import {
  dayStart,
  parseSearch,
  PeriodSearch,
  resolvePeriod,
  stringifySearch,
} from '#console/filters.ts'

const late = new Date('2026-11-23T23:30:00Z')

test('a period ends today in the time zone of the workspace, both ends included', () => {
  const period = resolvePeriod(PeriodSearch.parse({ period: '7d' }), '90d', 'Asia/Tokyo', late)
  expect(period).toMatchObject({ name: '7d', from: '2026-11-18', to: '2026-11-24' })
})

test('days in the address win over a name, and nonsense counts as not said', () => {
  const search = PeriodSearch.parse({ period: '7d', from: '2026-01-01', to: 'yesterday' })
  expect(resolvePeriod(search, '90d', 'UTC', late)).toMatchObject({
    name: 'custom',
    from: '2026-01-01',
    to: null,
  })
  expect(resolvePeriod(PeriodSearch.parse({ period: 'ever' }), '90d', 'UTC', late).name).toBe('90d')
})

test('all time has no bounds', () => {
  const period = resolvePeriod(PeriodSearch.parse({ period: 'all' }), '90d', 'UTC', late)
  expect([period.from, period.to]).toEqual([null, null])
})

test('days added and taken away again lead back, over leap days and clock changes', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 40_000 }),
      fc.integer({ min: -4000, max: 4000 }),
      (day, by) => {
        const date = addDays('1970-01-01', day)
        expect(addDays(addDays(date, by), -by)).toBe(date)
      },
    ),
  )
})

test.each([
  ['2026-11-23', 'UTC', '2026-11-23T00:00:00.000Z'],
  ['2026-11-23', 'Europe/Berlin', '2026-11-22T23:00:00.000Z'],
  ['2026-03-29', 'Europe/Berlin', '2026-03-28T23:00:00.000Z'],
  ['2026-03-30', 'Europe/Berlin', '2026-03-29T22:00:00.000Z'],
  ['2026-11-23', 'America/New_York', '2026-11-23T05:00:00.000Z'],
  ['2026-11-23', 'Asia/Kathmandu', '2026-11-22T18:15:00.000Z'],
])('the day %s begins in %s at %s', (date, timeZone, at) => {
  expect(dayStart(date, timeZone).toISOString()).toBe(at)
})

test('an address says the same after it was read and written', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.string({ minLength: 1 })),
      (search) => {
        expect(parseSearch(stringifySearch(search))).toEqual(search)
      },
    ),
  )
})
