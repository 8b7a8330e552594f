import fc from 'fast-check'
import { expect, test } from 'vitest'
import { planMerges, type WishedPair } from './merge-many.rules.ts'

const everybody = () => true
const pair = (stays: string, goes: string, isNamed = false): WishedPair => ({
  stays,
  goes,
  isNamed,
})
const merges = (pairs: readonly WishedPair[], isIdentified: (id: string) => boolean = everybody) =>
  planMerges(pairs, isIdentified).pairs.map((plan) =>
    plan.kind === 'merge' ? `${plan.fromId}>${plan.intoId}` : `=${plan.intoId}`,
  )

test.each([
  ['a pair alone', [pair('a', 'b')], ['b>a']],
  ['a pair alone, the other way round', [pair('b', 'a', true)], ['a>b']],
  ['a chain', [pair('a', 'b'), pair('b', 'c')], ['b>a', 'c>a']],
  ['a chain from its end', [pair('b', 'c'), pair('a', 'b')], ['c>a', 'b>a']],
  ['a ring', [pair('a', 'b'), pair('b', 'c'), pair('a', 'c')], ['b>a', '=a', 'c>a']],
  ['the same pair twice', [pair('a', 'b'), pair('a', 'b')], ['b>a', '=a']],
  ['two who stay over one: known longest', [pair('b', 'c'), pair('a', 'c')], ['b>a', 'c>a']],
  ['two who stay over one: the named', [pair('b', 'c', true), pair('a', 'c')], ['c>b', 'a>b']],
  ['named all the way up', [pair('b', 'a', true), pair('c', 'b', true)], ['a>c', 'b>c']],
  ['everybody goes in by some pair', [pair('a', 'b'), pair('b', 'a', true)], ['a>b', '=b']],
  ['two groups', [pair('c', 'd'), pair('a', 'b')], ['d>c', 'b>a']],
])('%s', (_, pairs, expected) => {
  expect(merges(pairs)).toEqual(expected)
})

test('a visitor stands for nobody who is known', () => {
  const known = (id: string) => id !== 'a'
  expect(merges([pair('b', 'a'), pair('b', 'c')], known)).toEqual(['a>b', 'c>b'])
})

test('a pair says whether others name its people too', () => {
  const { pairs } = planMerges([pair('a', 'b'), pair('b', 'c'), pair('x', 'y')], everybody)
  expect(pairs.map(({ isShared }) => isShared)).toEqual([true, true, false])
})

const drawn = fc.array(
  fc
    .tuple(fc.nat(7), fc.nat(7), fc.boolean(), fc.boolean())
    .filter(([a, b]) => a !== b)
    .map(([a, b, isTurned, isNamed]) => {
      const [low, high] = [String(Math.min(a, b)), String(Math.max(a, b))]
      return isTurned ? pair(high, low, true) : pair(low, high, isNamed)
    }),
  { minLength: 1, maxLength: 12 },
)

test('whoever hangs together by pairs becomes one, by one merge fewer than people, whatever the order', () => {
  fc.assert(
    fc.property(drawn, fc.infiniteStream(fc.nat()), (pairs, stream) => {
      const { pairs: plans, order } = planMerges(pairs, everybody)
      const under = new Map<string, string>()
      for (const index of order) {
        const plan = plans[index]!
        expect(plan.kind).toBe('merge')
        if (plan.kind !== 'merge') return
        expect(under.has(plan.fromId)).toBe(false)
        expect(under.has(plan.intoId)).toBe(false)
        expect([pairs[index]!.stays, pairs[index]!.goes]).toContain(plan.fromId)
        under.set(plan.fromId, plan.intoId)
      }
      for (const into of under.values()) expect(under.has(into)).toBe(false)
      const root = (id: string) => under.get(id) ?? id
      pairs.forEach(({ stays, goes }, i) => {
        expect(root(stays)).toBe(root(goes))
        expect(plans[i]!.intoId).toBe(root(stays))
      })
      // One merge fewer than people in each group that hangs together, which is counted anew here.
      const groupOf = new Map(
        pairs.flatMap(({ stays, goes }) => [stays, goes]).map((id) => [id, id]),
      )
      for (const _ of pairs)
        for (const { stays, goes } of pairs) {
          const least = [groupOf.get(stays)!, groupOf.get(goes)!].toSorted()[0]!
          groupOf.set(stays, least).set(goes, least)
        }
      expect(order.length).toBe(groupOf.size - new Set(groupOf.values()).size)
      const shuffled = pairs
        .map((one) => ({ one, at: stream.next().value! }))
        .toSorted((a, b) => a.at - b.at)
        .map(({ one }) => one)
      const again = planMerges(shuffled, everybody)
      const made = ({ pairs: all, order: turns }: typeof again) =>
        turns.map((i) => {
          const plan = all[i]!
          return plan.kind === 'merge' ? `${plan.fromId}>${plan.intoId}` : ''
        })
      expect(made(again)).toEqual(made({ pairs: plans, order }))
    }),
    { numRuns: 1000 },
  )
})
