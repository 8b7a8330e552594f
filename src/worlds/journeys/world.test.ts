import { expect, test } from 'vitest'
import { drawSpec, journeyKinds } from './kinds.ts'
import { simulateJourneys } from './world.ts'
import { describeFiles, describeTruth } from './write.ts'

const SLOW_MS = 240_000
const chased = simulateJourneys(drawSpec('chased', 5, 0.08))

test(
  'the same kind and seed give the same world, another seed another one',
  () => {
    const again = simulateJourneys(drawSpec('chased', 5, 0.08))
    expect(again.columns).toEqual(chased.columns)
    expect(again.truth).toEqual(chased.truth)
    expect(drawSpec('chased', 6).channels).not.toEqual(chased.spec.channels)
  },
  SLOW_MS,
)

test('who is left out of a channel has no touch of it, and some are left out', () => {
  const { columns } = chased
  let heldOut = 0
  for (let unit = 0; unit < columns.firstSeenMs.length; unit++) {
    const own = columns.heldOut[columns.personOffsets[unit]!]!
    if (own >= 0) heldOut += 1
    const touches = columns.touchChannel.subarray(
      columns.touchOffsets[unit],
      columns.touchOffsets[unit + 1],
    )
    expect(own >= 0 && touches.includes(own)).toBe(false)
  }
  expect(heldOut / columns.firstSeenMs.length).toBeCloseTo(0.24, 1)
})

test('touches ascend and end at the conversion', () => {
  const { columns } = chased
  columns.conversionUnit.forEach((unit, i) => {
    for (let t = columns.touchOffsets[unit]!; t < columns.touchOffsets[unit + 1]!; t++) {
      expect(columns.touchMs[t]!).toBeLessThanOrEqual(columns.conversionMs[i]!)
      if (t > columns.touchOffsets[unit]!)
        expect(columns.touchMs[t]!).toBeGreaterThanOrEqual(columns.touchMs[t - 1]!)
    }
  })
})

test(
  'a channel without effect that nothing follows from truly brings nothing; the baseline is as asked',
  () => {
    const spec = drawSpec('even', 3, 0.1)
    const [first, ...rest] = spec.channels
    const world = simulateJourneys({ ...spec, channels: [{ ...first!, effect: 0 }, ...rest] })
    expect(world.truth.removedMinor[0]).toBe(0)
    expect(world.truth.removedMinor[1]).toBeGreaterThan(0)
    expect(Math.abs(world.truth.baselineShare - spec.baselineShare)).toBeLessThan(0.05)
  },
  SLOW_MS,
)

test('files hold each person, touch and conversion once, and shares of the truth sum to 1', () => {
  const { columns } = chased
  const files = describeFiles(chased)
  const lines = (chunks: Generator<string>) => [...chunks].join('').trim().split('\n')
  expect(lines(files.persons())).toHaveLength(columns.heldOut.length + 1)
  expect(lines(files.touches())).toHaveLength(columns.touchMs.length + 1)
  expect(lines(files.conversions())).toHaveLength(columns.conversionMs.length + 1)
  expect(lines(files.touches())[0]).toBe('person_id,ts,channel,campaign,type,cost')
  const truth = describeTruth(chased) as Record<string, Record<string, number>>
  for (const shares of ['true_share_removal', 'campaign_true_share_removal', 'oracle_share']) {
    const sum = Object.values(truth[shares]!).reduce((total, share) => total + share, 0)
    expect(sum).toBeCloseTo(1, 3)
  }
})

test('every kind can be drawn, and no kind lets coming directly move anybody', () => {
  for (const kind of journeyKinds) {
    const { channels, orders, synergies } = drawSpec(kind, 9)
    expect(channels.find(({ key }) => key === 'direct')?.effect ?? 0).toBe(0)
    expect(channels.length).toBeGreaterThanOrEqual(6)
    for (const { first, second } of synergies) expect(first).not.toBe(second)
    for (const { before, after } of orders) expect(before).not.toBe(after)
  }
})
