import { describe, expect, test } from 'vitest'
import type { Batch } from '#access/threats/signals.ts'
import { Signals } from '#access/threats/signals.ts'
import { familyOf, settle, type Standing } from '#access/threats/response.rules.ts'
import { detect, WINDOW_MS, type Observed, type Subject } from '#access/threats/threat.rules.ts'
import { ThreatPolicy, type ThreatKind } from '#access/threats/threat.schema.ts'
import { DAY_MS, HOUR_MS, ManualClock, MINUTE_MS } from '#core/time.ts'
import { seededRandom } from '#core/random.ts'

/** What the database keeps between rounds, kept in memory: the same sums, read in the same way. */
class Notebook {
  readonly raised: ThreatKind[] = []
  readonly #policy = ThreatPolicy.parse({})
  readonly #counts = new Map<string, Batch['counts']>()
  readonly #uses = new Map<string, Map<string, Observed['uses'][number]>>()
  readonly #standing = new Map<string, Standing[]>()

  round(batch: Batch, now: Date): void {
    const touched = new Map<string, Subject>()
    for (const count of batch.counts) {
      const name = `${count.subject.kind} ${count.subject.id}`
      this.#counts.set(name, [...(this.#counts.get(name) ?? []), count])
      touched.set(name, count.subject)
    }
    for (const { subject, network, agent, firstMs, lastMs, requests } of batch.sightings) {
      const name = `${subject.kind} ${subject.id}`
      touched.set(name, subject)
      const places = this.#uses.get(name) ?? new Map<string, Observed['uses'][number]>()
      this.#uses.set(name, places)
      const old = places.get(`${network} ${agent}`)
      places.set(`${network} ${agent}`, {
        network,
        agent,
        known: false,
        firstSeenAt: old?.firstSeenAt ?? new Date(firstMs),
        lastSeenAt: new Date(lastMs),
        requests: (old?.requests ?? 0) + requests,
      })
    }
    for (const [name, subject] of touched) this.#judge(name, subject, now)
  }

  #judge(name: string, subject: Subject, now: Date): void {
    for (const { kind } of detect(this.#observed(name, subject, now), this.#policy, now)) {
      const key = `${familyOf(kind)} ${name}`
      const standing = this.#standing.get(key) ?? []
      const settlement = settle(kind, standing, now)
      if (settlement.kind === 'new') {
        this.raised.push(kind)
        const threat: Standing = { id: key, kind, state: 'open', decidedAt: null }
        this.#standing.set(key, [threat])
      } else if (settlement.kind === 'same' && settlement.to !== null) {
        standing[0]!.kind = settlement.to
        this.raised[this.raised.length - 1] = settlement.to
      }
    }
  }

  #observed(name: string, subject: Subject, now: Date): Observed {
    const nowMs = now.getTime()
    const own = (this.#counts.get(name) ?? []).filter(
      ({ signal, bucketMs }) => bucketMs > nowMs - (signal === 'rows' ? 28 * DAY_MS : WINDOW_MS),
    )
    this.#counts.set(name, own)
    const counts: Record<string, { n: number; byDetail: Map<string, number> }> = {}
    const hours = new Map<number, number>()
    for (const { signal, bucketMs, detail, n } of own) {
      if (signal === 'rows') hours.set(bucketMs, (hours.get(bucketMs) ?? 0) + n)
      else {
        const tally = (counts[signal] ??= { n: 0, byDetail: new Map() })
        tally.n += n
        tally.byDetail.set(detail, (tally.byDetail.get(detail) ?? 0) + n)
      }
    }
    const hour = now.getTime() - (now.getTime() % HOUR_MS)
    const pair = (atMs: number) => (hours.get(atMs) ?? 0) + (hours.get(atMs - HOUR_MS) ?? 0)
    const usual = [...hours.keys()].filter((atMs) => atMs < hour - HOUR_MS).map(pair)
    const rows = { recent: pair(hour), usual: Math.max(0, ...usual) }
    return { subject, counts, rows, uses: [...(this.#uses.get(name)?.values() ?? [])] }
  }
}

const WORKSPACE = 'wsp_1'
const OFFICE = '203.0.113.9'
const firefox = (version: number) =>
  `Mozilla/5.0 (X11; Linux x86_64; rv:${version}.0) Firefox/${version}.0`
const key = (id: string): Subject => ({ kind: 'key', id: `key_${id}` })

/** A company of forty people and a dozen keys, hour by hour. */
class Month {
  readonly clock = new ManualClock(new Date('2026-11-01T00:00:00Z'))
  readonly signals = new Signals(this.clock)
  readonly notebook = new Notebook()
  readonly #random = seededRandom(7, 1)

  run(days: number, attack?: (day: number, hour: number, month: Month) => void): ThreatKind[] {
    for (let day = 0; day < days; day += 1) {
      for (let hour = 0; hour < 24; hour += 1) {
        this.#keys(day, hour)
        const isWorkday = day % 7 !== 0 && day % 7 !== 6
        if (isWorkday && hour >= 8 && hour < 17) this.#people(day, hour)
        attack?.(day, hour, this)
        this.flush()
        this.clock.advance(HOUR_MS)
      }
    }
    return this.notebook.raised
  }

  flush(): void {
    this.notebook.round(this.signals.drain(), this.clock.now())
  }

  #people(day: number, hour: number): void {
    for (let person = 0; person < 40; person += 1) {
      const user: Subject = { kind: 'user', id: `usr_${person}` }
      const session: Subject = { kind: 'session', id: `ses_${person}_${day}` }
      const agent = firefox(day > 12 || (day === 12 && hour > 11) ? 134 : 133) // updated at noon
      const isAway = person === 3 && day >= 8 && day <= 11
      const address = isAway ? '198.51.100.77' : OFFICE
      if (hour === 8 && this.#random.uniform() < 0.3) this.#mistype(person, day, address)
      for (let i = 0; i < 6; i += 1) {
        this.signals.used(session, WORKSPACE, { address, agent })
        this.signals.answered(user, WORKSPACE, this.#call(person, hour, i))
      }
      if (person === 5 && hour % 2 === 1) {
        // In a train: a tether for a while and back, once an hour.
        const tether = { address: '192.0.2.200', agent }
        for (let i = 0; i < 3; i += 1) this.signals.used(session, WORKSPACE, tether)
        this.signals.used(session, WORKSPACE, { address, agent })
      }
      if (person === 6)
        // Both kinds of address, by turns.
        for (let i = 0; i < 20; i += 1)
          this.signals.used(session, WORKSPACE, {
            address: i % 2 === 0 ? address : '2001:db8:7:1::5',
            agent,
          })
      if (day % 7 === 5 && hour === 16 && person < 3) this.signals.rowsRead(user, WORKSPACE, 4000)
      this.signals.rowsRead(user, WORKSPACE, 50)
    }
  }

  #call(person: number, hour: number, i: number) {
    const isStale = person === 9 && i < 2
    const isDenied = person === 10 && i < 3
    const status = isStale ? 404 : isDenied ? 403 : 200
    return { operationId: `op${i}`, path: `/api/v1/leads/${person}-${hour}-${i}`, status }
  }

  #mistype(person: number, day: number, address: string): void {
    const target = { id: `usr_${person}`, workspaceId: WORKSPACE }
    const tries = 1 + Math.trunc(this.#random.uniform() * 3)
    for (let i = 0; i < tries; i += 1)
      this.signals.wrongSecret(`${person} ${day} ${i}`, target, { address, agent: firefox(133) })
    this.signals.rightSecret(target, { address, agent: firefox(133) })
  }

  #keys(day: number, hour: number): void {
    const job = (id: string, address: string, rows: number, agent = 'acme-job/1.4') => {
      this.signals.used(key(id), WORKSPACE, { address, agent })
      this.signals.rowsRead(key(id), WORKSPACE, rows)
      for (let i = 0; i < 100; i += 1) {
        const path = `/api/v1/leads/${day}-${i}`
        const status = i < 5 ? 404 : 200
        this.signals.answered(key(id), WORKSPACE, { operationId: 'getLead', path, status })
      }
    }
    if (hour === 2) {
      job('steady', '192.0.2.10', 8000)
      // Moved to another network; for two nights both run.
      if (day < 22) job('moved', '192.0.2.20', 3000)
      if (day >= 20) job('moved', '198.51.100.20', 3000)
      if (day >= 10) job('warehouse', '192.0.2.30', 60_000, 'loader/9')
      if (day < 14) job('rotated', '192.0.2.40', 2000)
      if (day >= 13) job('rotated_to', '192.0.2.40', 2000)
      const forgotten = { id: 'key_rotated', workspaceId: WORKSPACE }
      if (day >= 14)
        for (let i = 0; i < 20; i += 1)
          this.signals.deadKey(forgotten, { address: '192.0.2.40', agent: 'acme-job/1.4' })
    }
    // Functions in a cloud: from two of three hundred networks each hour.
    for (let i = 0; i < 2; i += 1) {
      const address = `54.${Math.trunc(this.#random.uniform() * 3)}.${Math.trunc(this.#random.uniform() * 100)}.8`
      this.signals.used(key('cloud'), WORKSPACE, { address, agent: 'function/2' })
    }
    // A slip in a key, tried each minute for two days.
    if (day === 4 || day === 5)
      for (let i = 0; i < 60; i += 1)
        this.signals.wrongSecret('tl_slip', null, { address: '192.0.2.50', agent: 'cron/1' })
  }
}

describe('a month of a company', () => {
  test('of the usual kind raises nothing: typos, exports, nightly jobs, a journey, a move, a rotation, a browser update', () => {
    expect(new Month().run(31)).toEqual([])
  })

  const thief = { address: '45.9.8.7', agent: 'curl/8.5' }
  const attacks: Record<string, (month: Month) => void> = {
    brute_force({ signals }) {
      for (let i = 0; i < 200; i += 1)
        signals.wrongSecret(`guess ${i}`, { id: 'usr_1', workspaceId: WORKSPACE }, thief)
    },
    distributed_guessing({ signals }) {
      for (let i = 0; i < 60; i += 1) {
        const address = `45.9.${i % 20}.7`
        const target = { id: 'usr_1', workspaceId: WORKSPACE }
        signals.wrongSecret(`guess ${i}`, target, { address, agent: '' })
      }
    },
    enumeration({ signals }) {
      for (let i = 0; i < 500; i += 1) {
        const path = `/api/v1/leads/x${i}`
        signals.answered(key('thin'), WORKSPACE, { operationId: 'getLead', path, status: 404 })
      }
    },
    probing({ signals }) {
      for (let i = 0; i < 40; i += 1) {
        const call = { operationId: `admin${i}`, path: null, status: 403 }
        signals.answered({ kind: 'user', id: 'usr_2' }, WORKSPACE, call)
      }
    },
    mass_export: ({ signals }) => signals.rowsRead(key('steady'), WORKSPACE, 45_000),
    new_network: ({ signals }) => signals.used(key('steady'), WORKSPACE, thief),
    leaked_key(month) {
      for (let i = 0; i < 6; i += 1) {
        month.signals.used(key('steady'), WORKSPACE, { ...thief, address: `45.9.${i}.7` })
        month.flush()
      }
    },
    dead_key({ signals }) {
      for (let i = 0; i < 4; i += 1)
        signals.deadKey({ id: 'key_rotated', workspaceId: WORKSPACE }, thief)
    },
    session_replay({ signals }) {
      const session: Subject = { kind: 'session', id: 'ses_7_24' }
      for (let i = 0; i < 10; i += 1) signals.used(session, WORKSPACE, thief)
    },
    impossible_travel({ signals }) {
      const session: Subject = { kind: 'session', id: 'ses_7_24' }
      for (let i = 0; i < 20; i += 1) {
        const address = i % 2 === 0 ? OFFICE : thief.address
        signals.used(session, WORKSPACE, { address, agent: firefox(134) })
      }
    },
    token_replay: ({ signals }) => signals.tokenReplay('cli_1', 'usr_1', WORKSPACE),
  }

  const kinds = Object.keys(attacks)
  test.each(kinds)('with an attack in it raises that one alone: %s', (kind) => {
    const raised = new Month().run(26, (day, hour, month) => {
      if (day === 24 && hour === 10) attacks[kind]!(month)
    })
    expect(raised).toEqual([kind])
  })

  test('spread over hours, guessing is still one attack', () => {
    const raised = new Month().run(3, (day, hour, { signals }) => {
      if (day > 0)
        for (let i = 0; i < 40; i += 1) signals.wrongSecret(`${day} ${hour} ${i}`, null, thief)
    })
    expect(raised).toEqual(['brute_force'])
  })
})

test('minutes matter: a session that comes back after a while has travelled', () => {
  const clock = new ManualClock(new Date('2026-11-02T09:00:00Z'))
  const signals = new Signals(clock)
  const session: Subject = { kind: 'session', id: 'ses_1' }
  for (let i = 0; i < 20; i += 1) {
    const address = i % 2 === 0 ? OFFICE : '192.0.2.200'
    signals.used(session, WORKSPACE, { address, agent: '' })
    clock.advance(11 * MINUTE_MS)
  }
  expect(signals.drain().counts).toEqual([])
})
