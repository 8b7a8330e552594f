import { expect, test } from 'vitest'
import { quarterOf } from '#console/pages/scores/quarters.ts'

test('a quarter has its first and last day in the zone of the workspace, across the turn of the year too', () => {
  const now = new Date('2027-01-01T02:00:00Z')
  expect(quarterOf(now, 'Europe/Berlin', 'this')).toEqual({ from: '2027-01-01', to: '2027-03-31' })
  expect(quarterOf(now, 'Europe/Berlin', 'last')).toEqual({ from: '2026-10-01', to: '2026-12-31' })
  expect(quarterOf(now, 'America/New_York', 'this')).toEqual({
    from: '2026-10-01',
    to: '2026-12-31',
  })
  expect(quarterOf(now, 'America/New_York', 'before')).toEqual({
    from: '2026-04-01',
    to: '2026-06-30',
  })
})
