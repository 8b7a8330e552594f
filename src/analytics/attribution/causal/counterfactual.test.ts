import { describe, expect, test } from 'vitest'
import { DAY_MS } from '#core/time.ts'
import { drawSpec } from '#worlds/journeys/kinds.ts'
import { simulateJourneys } from '#worlds/journeys/world.ts'
import { counterfactualWriter } from './counterfactual.ts'
import type { Counterfactual } from './counterfactual.ts'
import { attributeCausally } from './model.ts'

const SLOW_MS = 120_000

/** One hazard that multiplies: log 2 for a touch of `strong` at the very moment, nothing for `weak`. */
const model: Counterfactual = {
  channels: ['strong', 'weak'],
  without: ['direct'],
  // An adstock of 1 saturates to 1 ⁄ 1.7; the coefficient undoes that.
  members: [{ link: 'multiply', weight: 1, coefficients: [Math.LN2 * 1.7, 0, 0, 0, 0, 0] }],
  factors: [1, 1],
  baseline: 1,
}

function creditOf(
  given: Counterfactual,
  names: readonly string[],
  touches: readonly (readonly [string, number])[],
) {
  const out = new Float64Array(touches.length)
  const baseline = counterfactualWriter(given, names)(
    {
      touchedAtMs: Float64Array.from(touches, ([, day]) => day * DAY_MS),
      channel: Uint16Array.from(touches, ([name]) => names.indexOf(name)),
    },
    0,
    touches.length,
    out,
    100 * DAY_MS,
  )
  return { shares: [...out], baseline }
}

const NAMES = ['direct', 'strong', 'weak', 'new']

describe('one conversion', () => {
  test('a touch that doubles the hazard gets half, worked by hand', () => {
    const { shares, baseline } = creditOf(model, NAMES, [['strong', 100]])
    expect(shares[0]).toBeCloseTo(0.5, 12)
    expect(baseline).toBeCloseTo(0.5, 12)
  })

  test('an older touch of the same channel gets less, direct visits and channels without effect nothing', () => {
    const { shares, baseline } = creditOf(model, NAMES, [
      ['strong', 90],
      ['direct', 95],
      ['weak', 96],
      ['strong', 100],
    ])
    const [old, direct, weak, fresh] = shares as unknown as [number, number, number, number]
    expect(direct).toBe(0)
    expect(weak).toBe(0)
    // Remembered by halves of 6 days.
    expect(old / fresh).toBeCloseTo(2 ** (-10 / 6), 12)
    expect(old + fresh + baseline).toBeCloseTo(1, 12)
  })

  test('what the totals were corrected by moves a single conversion too', () => {
    const { shares, baseline } = creditOf({ ...model, factors: [0.5, 1] }, NAMES, [['strong', 100]])
    expect(shares[0]).toBeCloseTo(0.25 / 0.75, 12)
    expect(baseline).toBeCloseTo(0.5 / 0.75, 12)
  })

  test('a channel that the fit never saw counts as the mean of those it saw', () => {
    const { shares } = creditOf(model, NAMES, [['new', 100]])
    expect(shares[0]).toBeCloseTo(1 - 2 ** -0.5, 12)
  })

  test('without anything learned, or without a touch of marketing, all would have come anyway', () => {
    const nothing = { ...model, channels: [], members: [], factors: [] }
    expect(creditOf(nothing, NAMES, [['new', 100]])).toEqual({ shares: [0], baseline: 1 })
    expect(creditOf(model, NAMES, [['direct', 100]])).toEqual({ shares: [0], baseline: 1 })
  })

  test('one writer credits journey after journey without anything left of the one before', () => {
    const write = counterfactualWriter(model, NAMES)
    const touches = { touchedAtMs: Float64Array.from([0, 1]), channel: Uint16Array.from([1, 2]) }
    const out = new Float64Array(2)
    const alone = write(touches, 1, 2, out, 1)
    write(touches, 0, 1, out, 1)
    expect(write(touches, 1, 2, out, 1)).toBe(alone)
    expect(alone).toBe(1)
  })
})

test(
  'every conversion of the fit gets the credit that the fit gave it',
  () => {
    const { columns } = simulateJourneys(drawSpec('mixed', 5, 0.1))
    const answer = attributeCausally(columns, { replicates: 5 })
    const write = counterfactualWriter(
      JSON.parse(JSON.stringify(answer.counterfactual)) as Counterfactual,
      columns.channels,
    )
    const width = columns.channels.length + 1
    const out = new Float64Array(columns.touchMs.length)
    const touches = { touchedAtMs: columns.touchMs, channel: columns.touchChannel }
    let apart = 0
    columns.conversionUnit.forEach((unit, i) => {
      const [from, end] = [columns.touchOffsets[unit]!, columns.touchOffsets[unit + 1]!]
      const atMs = columns.conversionMs[i]!
      let to = from
      while (to < end && columns.touchMs[to]! <= atMs) to += 1
      const byChannel = new Float64Array(width)
      byChannel[width - 1] = write(touches, from, to, out, atMs)
      for (let t = from; t < to; t++) byChannel[columns.touchChannel[t]!]! += out[t]!
      expect(byChannel.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9)
      byChannel.forEach((share, c) => {
        apart = Math.max(apart, Math.abs(share - answer.credit[i * width + c]!))
      })
    })
    expect(columns.conversionUnit.length).toBeGreaterThan(50)
    // Adstocks of the fit are of single precision, and members of no weight are left out.
    expect(apart).toBeLessThan(1e-4)
  },
  SLOW_MS,
)
