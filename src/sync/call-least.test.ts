import { expect, test } from 'vitest'
import { leastCalls, recordsADay, warningOf, type DayNeeds } from './call-least.rules.ts'
import type { Allowance } from './call-shares.rules.ts'

const needs: DayNeeds = {
  account: 1,
  preparation: 5,
  streams: [
    { name: 'owners', look: 2, callsFor: null },
    // A call a hundred records, and one to read them back.
    { name: 'contacts', look: 3, callsFor: (records) => 2 * Math.ceil(records / 100) },
    { name: 'deals', look: 2, callsFor: (records) => 3 * records },
  ],
}

function allowance(
  dailyCalls: number,
  percents: Record<string, number> = {},
  livePercent = 0,
): Allowance {
  const streams = needs.streams.map(({ name }) => ({
    name,
    callPercent: percents[name] ?? null,
    callPriority: 'normal' as const,
  }))
  return { dailyCalls, dayZone: 'UTC', livePercent, streams }
}

test('the least is what is asked before the first record and the dearest first record, worked by hand', () => {
  // 1 of the account, 7 to look, 5 to prepare, 3 for a deal.
  expect(leastCalls(needs, allowance(0))).toBe(16)
  // A tenth is for changes: of 17 one, of 16 one as well.
  expect(leastCalls(needs, allowance(0, {}, 10))).toBe(17)
  expect(leastCalls({ ...needs, preparation: 0 }, allowance(0))).toBe(11)
})

test('a stream with a share of its own is to live on that', () => {
  // Deals look twice, prepare and send for 10: a tenth of a hundred. The others need 11 of 90.
  expect(leastCalls(needs, allowance(0, { deals: 10 }))).toBe(100)
  expect(recordsADay(needs, allowance(100, { deals: 10 }))).toEqual([
    // 90 less 1, 2 and 3 are 84: 42 calls of a hundred.
    { stream: 'contacts', records: 4200 },
    // 10 less 2 are 8.
    { stream: 'deals', records: 2 },
  ])
})

test('streams without any part of their own live on what is lent, and count in the whole', () => {
  expect(leastCalls(needs, allowance(0, { deals: 0 }))).toBe(16)
  expect(leastCalls(needs, allowance(0, { deals: 50, contacts: 50 }))).toBe(20)
})

test('a warning names the least, and what gets through as it is', () => {
  expect(warningOf(needs, allowance(16))).toBeNull()
  expect(warningOf(needs, allowance(15))).toBe(
    '15 calls a day are too few: 13 are made before the first record is sent. Allow at least 16. ' +
      '15 let about 300 of contacts or about 2 of deals through a day.',
  )
  expect(warningOf(needs, allowance(9))).toContain('9 let no record through a day.')
})

test('a way of writing that takes fewer calls for many is found', () => {
  const callsFor = (records: number) => (records >= 2000 ? 5 : Math.ceil(records / 100))
  const bulk = { account: 0, preparation: 0, streams: [{ name: 'contacts', look: 1, callsFor }] }
  expect(recordsADay(bulk, allowance(7))[0]!.records).toBeGreaterThan(100_000)
  expect(recordsADay(bulk, allowance(4))).toEqual([{ stream: 'contacts', records: 300 }])
})
