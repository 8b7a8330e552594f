import { expect, test } from 'vitest'
import { daysOfBaseline, daysOfQuarter } from '#console/pages/pipeline/quarters.ts'

test('a quarter has its first and last day in the zone of the workspace, across the turn of the year too', () => {
  const now = new Date('2027-01-01T02:00:00Z')
  expect(daysOfQuarter('this', 'Europe/Berlin', now)).toEqual({
    from: '2027-01-01',
    to: '2027-03-31',
  })
  expect(daysOfQuarter('last', 'Europe/Berlin', now)).toEqual({
    from: '2026-10-01',
    to: '2026-12-31',
  })
  expect(daysOfQuarter('this', 'America/New_York', now)).toEqual({
    from: '2026-10-01',
    to: '2026-12-31',
  })
  expect(daysOfQuarter('before', 'America/New_York', now)).toEqual({
    from: '2026-04-01',
    to: '2026-06-30',
  })
})

test('a quarter is held against the one before it, or the same one a year before', () => {
  const now = new Date('2027-01-01T02:00:00Z')
  expect(daysOfBaseline('this', 'quarter', 'Europe/Berlin', now)).toEqual({
    from: '2026-10-01',
    to: '2026-12-31',
  })
  expect(daysOfBaseline('last', 'year', 'Europe/Berlin', now)).toEqual({
    from: '2025-10-01',
    to: '2025-12-31',
  })
})
