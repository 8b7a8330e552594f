import { expect, test } from 'vitest'
import { ManualClock, MINUTE_MS } from '#core/time.ts'
import { Signals } from '#access/threats/signals.ts'

const sender = (address: string) => ({ address, agent: 'curl/8' })

test('what a round could not write down counts with the next one, also after two that failed', () => {
  const clock = new ManualClock(new Date('2026-11-23T08:00:00Z'))
  const signals = new Signals(clock)
  const key = { kind: 'key', id: 'key_1' } as const
  for (let round = 0; round < 2; round += 1) {
    signals.wrongSecret(`guess ${round}`, null, sender('192.0.2.1'))
    signals.used(key, 'wsp_1', sender('198.51.100.7'))
    clock.advance(MINUTE_MS)
    signals.putBack(signals.drain())
  }
  signals.wrongSecret('guess 2', null, sender('192.0.2.1'))
  signals.used(key, 'wsp_1', sender('198.51.100.7'))
  const { counts, sightings } = signals.drain()
  expect(counts).toMatchObject([{ signal: 'wrong_secret', n: 3 }])
  expect(sightings.reduce((sum, { requests }) => sum + requests, 0)).toBe(3)
  expect(signals.drain()).toEqual({ counts: [], sightings: [] })
})
