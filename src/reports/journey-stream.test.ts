import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Journeys } from '#analytics/attribution/journeys.ts'
import { readJourneys } from '#reports/journey-stream.store.ts'
import { NOW, smallWorld } from '#reports/small-world.ts'
import type { SmallWorld } from '#reports/small-world.ts'
import type { Store } from '#store/store.ts'
import { openTestStore } from '#tests/store.ts'

let store: Store
let world: SmallWorld

beforeAll(async () => {
  store = await openTestStore()
})
afterAll(() => store.close())

/** `channel@day … = conversions value`, sorted. */
function shown({
  channels,
  offsets,
  channel,
  touchedAtMs,
  conversions,
  value,
}: Journeys): string[] {
  const lines = Array.from(conversions, (converted, i) => {
    const touches: string[] = []
    for (let t = offsets[i]!; t < offsets[i + 1]!; t++)
      touches.push(
        `${channels[channel[t]!]}@${new Date(touchedAtMs![t]!).toISOString().slice(5, 10)}`,
      )
    return `${touches.join(' ')} = ${converted} ${value[i]}`
  })
  return lines.sort()
}

const read = (pageTouches?: number) =>
  store.read(world.workspaceId, (tx) => readJourneys(tx, new Date(NOW), pageTouches))

test('deals are journeys of all their people up to the close, and people without a deal journeys that ended in nothing', async () => {
  world = await smallWorld(store)
  const ada = await world.person()
  const bob = await world.person()
  const merged = await world.person(bob)
  const alone = await world.person()
  await world.touch(ada, '2026-10-01T00:00:00Z', { channel: 'email' })
  await world.touch(ada, '2026-10-20T00:00:00Z', { channel: 'webinar' })
  await world.touch(bob, '2026-09-01T00:00:00Z', { channel: 'direct' })
  await world.touch(merged, '2026-09-15T00:00:00Z', { channel: 'paid_search' })
  await world.touch(alone, '2026-11-03T00:00:00Z', { channel: 'email' })
  await world.touch(alone, '2026-11-02T00:00:00Z', { channel: 'direct' })
  await world.touch(alone, '2027-01-01T00:00:00Z', { channel: 'direct' })
  const closed = { status: 'won' as const, openedAt: '2026-09-01T00:00:00Z' }
  await world.deal({
    ...closed,
    closedAt: '2026-10-10T00:00:00Z',
    amountMinor: 5000,
    people: [ada, merged],
  })
  await world.deal({
    ...closed,
    closedAt: '2026-10-30T00:00:00Z',
    amountMinor: 700,
    currency: 'USD',
    people: [ada],
  })
  await world.deal({ ...closed, status: 'lost', closedAt: '2026-10-05T00:00:00Z', people: [ada] })
  await world.deal({ ...closed, closedAt: '2026-08-01T00:00:00Z', amountMinor: 9, people: [bob] })
  const { journeys, profile } = await read()
  expect(shown(journeys)).toEqual([
    'direct@09-01 paid_search@09-15 email@10-01 = 1 5000',
    'direct@11-02 email@11-03 = 0 0',
    'email@10-01 = 0 0',
    'email@10-01 webinar@10-20 = 1 0',
  ])
  expect(profile).toEqual({
    journeys: 4,
    wonJourneys: 2,
    touches: 8,
    channels: journeys.channels.length,
    firstTouchAt: new Date('2026-09-01T00:00:00Z'),
    lastTouchAt: new Date('2026-11-03T00:00:00Z'),
  })
  expect(journeys.startedAtMs![0]).toBe(journeys.touchedAtMs![0])
})

test('pages of any size, cut between touches of one moment too, give the same journeys', async () => {
  world = await smallWorld(store)
  for (let i = 0; i < 12; i++) {
    const person = await world.person()
    await world.touch(person, `2026-10-${10 + Math.floor(i / 4)}T00:00:00Z`, { channel: 'email' })
    await world.touch(person, `2026-11-0${1 + (i % 5)}T00:00:00Z`, { channel: 'direct' })
  }
  const whole = await read()
  expect(whole.profile.touches).toBe(24)
  for (const pageTouches of [1, 2, 5, 24, 25])
    expect(shown((await read(pageTouches)).journeys)).toEqual(shown(whole.journeys))
})

test('another workspace is not seen, and none at all is no failure', async () => {
  world = await smallWorld(store)
  const { journeys, profile } = await read()
  expect(profile).toMatchObject({ journeys: 0, touches: 0, firstTouchAt: null })
  expect(journeys.offsets).toHaveLength(1)
})
