import { expect, test } from 'vitest'
import { Kept } from '#reports/kept.ts'

const at = (ms: number) => new Date(1_700_000_000_000 + ms)

test('an answer is computed once for all who ask within its time, and anew after it', async () => {
  const kept = new Kept<number>(1000)
  let computed = 0
  const compute = async () => (computed += 1)
  expect(
    await Promise.all([kept.get('a', at(0), compute), kept.get('a', at(500), compute)]),
  ).toEqual([1, 1])
  expect(await kept.get('b', at(500), compute)).toBe(2)
  expect(await kept.get('a', at(1000), compute)).toBe(3)
})

test('a failure is told and not kept', async () => {
  const kept = new Kept<number>(1000)
  await expect(kept.get('a', at(0), () => Promise.reject(new Error('down')))).rejects.toThrow(
    'down',
  )
  expect(await kept.get('a', at(1), async () => 1)).toBe(1)
})

test('with no time to keep, nothing is kept', async () => {
  const kept = new Kept<number>(0)
  let computed = 0
  for (let i = 0; i < 2; i += 1) await kept.get('a', at(0), async () => (computed += 1))
  expect(computed).toBe(2)
})
