import { expect, test } from 'vitest'
import { momentOf } from '#worlds/calendar.ts'
import { keyedUniform, poissonAt, seededRandom } from './random.ts'

function momentsOf(values: Float64Array): { mean: number; variance: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return {
    mean,
    variance: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length,
  }
}

test('uniform and normal draws have the mean and variance of their distribution', () => {
  const random = seededRandom(1, 1)
  const uniform = momentsOf(new Float64Array(200_000).map(() => random.uniform()))
  const normal = momentsOf(new Float64Array(200_000).map(() => random.normal()))
  expect(uniform.mean).toBeCloseTo(0.5, 2)
  expect(uniform.variance).toBeCloseTo(1 / 12, 2)
  expect(Math.abs(normal.mean)).toBeLessThan(0.01)
  expect(normal.variance).toBeCloseTo(1, 1)
})

test('keyed draws are uniform, and neighbours in any part of the key know nothing of each other', () => {
  const cells = new Float64Array(100_000).map((_, i) =>
    keyedUniform(3, i % 100, Math.floor(i / 100) % 50, Math.floor(i / 5000)),
  )
  expect(momentsOf(cells).mean).toBeCloseTo(0.5, 2)
  for (const lag of [1, 100, 5000]) {
    let product = 0
    for (let i = lag; i < cells.length; i++) product += (cells[i]! - 0.5) * (cells[i - lag]! - 0.5)
    expect(Math.abs((12 * product) / (cells.length - lag))).toBeLessThan(0.015)
  }
})

test('a Poisson count has its rate as mean and variance, and never falls when the rate grows', () => {
  const random = seededRandom(2, 1)
  for (const rate of [0.05, 0.7, 4]) {
    const { mean, variance } = momentsOf(
      new Float64Array(100_000).map(() => poissonAt(random.uniform(), rate)),
    )
    expect(Math.abs(mean / rate - 1)).toBeLessThan(0.05)
    expect(Math.abs(variance / rate - 1)).toBeLessThan(0.06)
  }
  for (let i = 0; i < 1000; i++) {
    const uniform = random.uniform()
    expect(poissonAt(uniform, 0.6)).toBeGreaterThanOrEqual(poissonAt(uniform, 0.5))
  }
})

test('a weighted choice follows its weights and never takes an option of weight 0', () => {
  const random = seededRandom(4, 1)
  const counts = [0, 0, 0]
  for (let i = 0; i < 30_000; i++) counts[random.weighted([1, 0, 2])]! += 1
  expect(counts[1]).toBe(0)
  expect(counts[2]! / counts[0]!).toBeCloseTo(2, 0)
})

test('later in the simulation is later in the records, in office hours', () => {
  const start = Date.UTC(2025, 10, 3)
  let before = 0
  for (let position = 0; position < 8; position += 0.0137) {
    const at = momentOf(start, position)
    expect(at.getTime()).toBeGreaterThan(before)
    expect(
      at.getUTCDay() >= 1 && at.getUTCDay() <= 5 && at.getUTCHours() >= 7 && at.getUTCHours() < 19,
    ).toBe(true)
    before = at.getTime()
  }
})
