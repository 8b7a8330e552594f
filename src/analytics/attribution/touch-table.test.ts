import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DAY_MS } from '#core/time.ts'
import { NO_CHANNEL } from './journeys.ts'
import { TouchTable } from './touch-table.ts'

interface World {
  touches: { unit: number; channel: string; day: number }[]
  conversions: { unit: number; day: number; value: number }[]
  windowDays: number | null
}

const UNITS = 4
const worlds: fc.Arbitrary<World> = fc.record({
  touches: fc.array(
    fc.record({
      unit: fc.nat(UNITS - 1),
      channel: fc.constantFrom('a', 'b', 'c'),
      day: fc.nat(30),
    }),
    { maxLength: 40 },
  ),
  conversions: fc.array(
    fc.record({ unit: fc.nat(UNITS - 1), day: fc.nat(30), value: fc.nat(100) }),
    { maxLength: 8 },
  ),
  windowDays: fc.option(fc.nat(20)),
})

function cut({ touches, conversions, windowDays }: World) {
  const table = new TouchTable()
  for (const { unit, channel, day } of touches)
    table.add(unit, table.channels.numberOf(channel), day * DAY_MS)
  return table.toJourneys(
    {
      count: UNITS,
      startedAtMs: new Float64Array(UNITS),
      endedAtMs: new Float64Array(UNITS).fill(30 * DAY_MS),
      heldOut: Uint16Array.of(NO_CHANNEL, 0, NO_CHANNEL, 1),
      cluster: null,
    },
    {
      unit: Uint32Array.from(conversions, ({ unit }) => unit),
      atMs: Float64Array.from(conversions, ({ day }) => day * DAY_MS),
      value: Float64Array.from(conversions, ({ value }) => value),
    },
    windowDays,
  )
}

/** The same journeys as text, by filters and sorts alone. */
function expected({ touches, conversions, windowDays }: World): string[] {
  const journeys: string[] = []
  for (let unit = 0; unit < UNITS; unit++) {
    const own = touches.filter((touch) => touch.unit === unit).sort((a, b) => a.day - b.day)
    const sold = conversions.filter((one) => one.unit === unit).sort((a, b) => a.day - b.day)
    let since = -1
    const inside = (end: number) =>
      own
        .filter(({ day }) => day > since && day <= end && day >= end - (windowDays ?? Infinity))
        .map(({ channel, day }) => channel + day)
        .join(' ')
    for (const { day, value } of sold) {
      journeys.push(`${unit}: ${inside(day)} = 1 ${value}`)
      since = day
    }
    if (sold.length === 0 || own.some(({ day }) => day > since))
      journeys.push(`${unit}: ${inside(30)} = 0 0`)
  }
  return journeys
}

test('touches in any order become the journeys that filters and sorts give, whatever the window', () => {
  fc.assert(
    fc.property(worlds, (world) => {
      const journeys = cut(world)
      const shown = Array.from(journeys.conversions, (converted, i) => {
        const touches: string[] = []
        for (let t = journeys.offsets[i]!; t < journeys.offsets[i + 1]!; t++)
          touches.push(
            journeys.channels[journeys.channel[t]!]! + journeys.touchedAtMs![t]! / DAY_MS,
          )
        expect(journeys.nulls[i]).toBe(1 - converted)
        expect(journeys.heldOut![i]).toBe([NO_CHANNEL, 0, NO_CHANNEL, 1][journeys.cluster![i]!])
        return `${journeys.cluster![i]}: ${touches.join(' ')} = ${converted} ${journeys.value[i]}`
      })
      expect(shown).toEqual(expected(world))
    }),
    { numRuns: 300 },
  )
})

test('columns grow past their first size and keep what they hold', () => {
  const many = Array.from({ length: 9000 }, (_, i) => ({
    unit: i % UNITS,
    channel: 'abc'[i % 3]!,
    day: i % 31,
  }))
  const journeys = cut({ touches: many, conversions: [], windowDays: null })
  expect(journeys.channel).toHaveLength(9000)
  expect([...journeys.offsets]).toEqual([0, 2250, 4500, 6750, 9000])
})

test('units and times out of range are refused', () => {
  expect(() =>
    cut({ touches: [{ unit: UNITS, channel: 'a', day: 1 }], conversions: [], windowDays: null }),
  ).toThrow(RangeError)
  expect(() =>
    cut({
      touches: [{ unit: 0, channel: 'a', day: Number.NaN }],
      conversions: [],
      windowDays: null,
    }),
  ).toThrow(RangeError)
  expect(() => cut({ touches: [], conversions: [], windowDays: -1 })).toThrow(RangeError)
})
