import { describe, expect, test } from 'vitest'
import { MINUTE_MS } from '#core/time.ts'
import { closeOrphans, compare, type KnownAlert } from './alert.rules.ts'
import { MAX_FINDINGS, type Finding, type Watch } from './watch.ts'

const now = new Date('2026-11-23T09:00:00Z')
const before = (minutes: number) => new Date(now.getTime() - minutes * MINUTE_MS)
const watch = (more: Partial<Watch> = {}): Watch => ({
  name: 'test.watch',
  title: 'Something is wrong',
  severity: 'warning',
  role: 'admin',
  look: () => Promise.resolve([]),
  ...more,
})
const finding = (key: string): Finding => ({ key, summary: key, link: '/', values: {} })
const known = (key: string, more: Partial<KnownAlert> = {}): KnownAlert => ({
  id: `alr_${key}`,
  watch: 'test.watch',
  key,
  state: 'firing',
  since: before(60),
  resolvedAt: null,
  ...more,
})
const kinds = (changes: ReturnType<typeof compare>) => changes.map(({ kind }) => kind)

describe('a look', () => {
  test('that finds something new fires, and one that finds the same again changes nothing', () => {
    expect(kinds(compare(watch(), [finding('a')], [], now))).toEqual(['fire'])
    expect(kinds(compare(watch(), [finding('a')], [known('a')], now))).toEqual(['seen'])
  })

  test('that does not find it any more resolves that one and no other', () => {
    const changes = compare(watch(), [finding('b')], [known('a'), known('b')], now)
    expect(changes).toEqual([
      { kind: 'seen', id: 'alr_b' },
      { kind: 'resolve', id: 'alr_a', quietMs: 15 * MINUTE_MS },
    ])
  })

  test('that was cut off opens and never resolves', () => {
    const many = Array.from({ length: MAX_FINDINGS }, (_, i) => finding(`k${i}`))
    const changes = compare(watch(), many, [known('z')], now)
    expect(new Set(kinds(changes))).toEqual(new Set(['fire']))
  })
})

describe('what has to last', () => {
  const slow = watch({ lastsMinutes: 10 })
  const waiting = (minutes: number) => known('a', { state: 'waiting', since: before(minutes) })

  test('waits, and fires once it has lasted', () => {
    expect(kinds(compare(slow, [finding('a')], [], now))).toEqual(['wait'])
    expect(kinds(compare(slow, [finding('a')], [waiting(9)], now))).toEqual(['seen'])
    expect(kinds(compare(slow, [finding('a')], [waiting(10)], now))).toEqual(['fire'])
  })

  test('leaves no trace when it does not', () => {
    expect(compare(slow, [], [waiting(9)], now)).toEqual([{ kind: 'forget', id: 'alr_a' }])
  })
})

describe('what comes back', () => {
  const over = (minutes: number) => known('a', { state: 'resolved', resolvedAt: before(minutes) })

  test('within the time of its watch is the same alert, and another one after that', () => {
    expect(compare(watch(), [finding('a')], [over(14)], now)).toEqual([
      { kind: 'reopen', id: 'alr_a' },
    ])
    expect(kinds(compare(watch(), [finding('a')], [over(15)], now))).toEqual(['fire'])
    const quick = watch({ backWithinMinutes: 5 })
    expect(kinds(compare(quick, [finding('a')], [over(6)], now))).toEqual(['fire'])
  })
})

test('alerts of a watch that there is no more are closed', () => {
  const orphans = [known('a', { watch: 'old.watch' }), known('b')]
  expect(closeOrphans(orphans, [watch()])).toEqual([{ kind: 'resolve', id: 'alr_a', quietMs: 0 }])
})
