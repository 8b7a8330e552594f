import { beforeEach, expect } from 'vitest'
import { DAY_MS, HOUR_MS } from '#core/time.ts'
import { ManualClock, useHub, type TestHub, type TestWorkspace } from '#tests/hub.ts'
import { Sender } from '#tests/sender.ts'

/** What a job calls itself. */
export const JOB = 'acme-job/2.1'
/** A read that every key may make. */
export const ping = '/api/v1/workspace'

interface Seen {
  id: string
  kind: string
  subjectKind: string
  subject: string
  state: string
}

/** A hub whose watch goes round when it is told to, with a fresh workspace for each test. */
export class ThreatBench {
  readonly clock: ManualClock
  readonly hub: TestHub
  workspace!: TestWorkspace
  #nets = 0

  constructor() {
    this.clock = new ManualClock(new Date('2026-11-02T09:00:00Z'))
    this.hub = useHub({ clock: this.clock })
    beforeEach(async () => {
      this.clock.advance(3 * HOUR_MS) // out of the window of the test before
      this.workspace = await this.hub.freshWorkspace()
    })
  }

  /** An address in a network that nobody used before. */
  newAddress(): string {
    this.#nets += 1
    return `127.${100 + Math.trunc(this.#nets / 250)}.${this.#nets % 250}.7`
  }

  newEmail(): string {
    return `person${(this.#nets += 1)}@example.com`
  }

  sender(address = this.newAddress(), agent = JOB): Sender {
    return new Sender(this.hub.app, address, agent)
  }

  tick(): Promise<void> {
    return this.hub.app.threats.tick()
  }

  async threats(): Promise<Seen[]> {
    const { status, body } = await this.workspace.get('/api/v1/security/threats')
    expect(status).toBe(200)
    return body.data
  }

  /** The only threat of the workspace. */
  async onlyThreat(kind: string): Promise<Seen> {
    const all = await this.threats()
    expect(all.map((one) => one.kind)).toEqual([kind])
    return all[0]!
  }

  async newKey(fields: object = {}): Promise<{ id: string; key: string }> {
    const { status, body } = await this.workspace.post('/api/v1/keys', {
      name: 'job',
      roles: ['integrator'],
      rateLimitPerMinute: 100_000,
      ...fields,
    })
    expect(status).toBe(201)
    return body
  }

  /** A key that was used from one place for some days. */
  async keyInUse(days: number): Promise<{ id: string; key: string; home: Sender }> {
    const made = await this.newKey()
    const home = this.sender().withKey(made.key)
    for (let day = 0; day <= days; day += 1) {
      expect((await home.get(ping)).status).toBe(200)
      await this.tick()
      if (day < days) this.clock.advance(DAY_MS)
    }
    return { ...made, home }
  }

  /** Tries so many keys of the workspace; none is right. */
  async guessKeys(from: Sender, many: number, mark: string): Promise<void> {
    const prefix = this.workspace.key.slice(0, 16)
    for (let i = 0; i < many; i += 1) {
      const answer = await from.withKey(prefix + String(i).padStart(43, mark)).get(ping)
      expect(answer.status).toBe(401)
    }
  }

  undo(id: string, by = this.workspace) {
    return by.post(`/api/v1/security/threats/${id}/undo`, {})
  }
}
