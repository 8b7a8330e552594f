import { expect, test } from 'vitest'
import { formatPercent, standingOf } from '#console/pages/experiments/experiment-words.ts'

test('a planned experiment runs from its first day to its last, and then its result is due', () => {
  const experiment = { state: 'planned', startsOn: '2026-11-02', weeks: 2 } as const
  const labels = ['2026-11-01', '2026-11-02', '2026-11-15', '2026-11-16'].map(
    (today) => standingOf(experiment, today).label,
  )
  expect(labels).toEqual(['Planned', 'Running', 'Running', 'Result is due'])
  expect(standingOf({ ...experiment, state: 'done' }, '2026-11-01').label).toBe('Done')
  expect(standingOf({ ...experiment, state: 'cancelled' }, '2026-12-01').label).toBe('Given up')
})

test('a share has no needless digit', () => {
  expect([0.1, 0.025, -0.031].map(formatPercent)).toEqual(['10%', '2.5%', '−3.1%'])
})
