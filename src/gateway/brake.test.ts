import { expect, test } from 'vitest'
import { Brake } from '#gateway/brake.ts'

test('who minds a refusal is never held; who goes on is, each time, and only so many at once', async () => {
  const brake = new Brake()
  let ended = 0
  const hold = (refusals: number, key = 'key_1') =>
    brake.hold(key, refusals).then(() => (ended += 1))
  await Promise.all(Array.from({ length: 20 }, (_, i) => hold(i + 1)))
  expect(ended).toBe(20)
  const held = Array.from({ length: 64 }, () => hold(21))
  // More than so many would let an attacker fill the memory with waiting answers.
  await hold(21)
  expect(ended).toBe(21)
  // Another key is not slowed down by it.
  await hold(1, 'key_2')
  expect(ended).toBe(22)
  await Promise.all(held)
  expect(ended).toBe(86)
})

test('those that are held together do not end together', async () => {
  const draws = [1, 0, 0.5]
  const brake = new Brake(() => draws.shift()!)
  const ended: string[] = []
  await Promise.all(
    ['last', 'first', 'between'].map((name) =>
      brake.hold('key_1', 21).then(() => ended.push(name)),
    ),
  )
  expect(ended).toEqual(['first', 'between', 'last'])
})
