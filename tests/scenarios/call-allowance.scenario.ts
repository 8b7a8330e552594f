import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { hubspot } from '#connectors/hubspot/index.ts'
import { pipedrive } from '#connectors/pipedrive/index.ts'
import { salesforce } from '#connectors/salesforce/index.ts'
import { silentLog } from '#core/log.ts'
import { DAY_MS, HOUR_MS, ManualClock, MINUTE_MS } from '#core/time.ts'
import type { JobContext } from '#jobs/job.ts'
import type { Store } from '#store/store.ts'
import { dayOf } from '#core/zone.ts'
import type { Connector } from '#sync/connector.ts'
import { changeJob } from '#sync/fast-lane.ts'
import { queueDue, queueRetries } from '#sync/schedule.ts'
import type { Sandboxes, VendorName } from '#tests/scenarios/error-cases/case.ts'
import { startSandbox } from '#tests/scenarios/error-world.ts'
import { copyDatabase, openTestStore, runOnServer, type TestDatabase } from '#tests/store.ts'
import { TestHub, testEngine, testTables } from '#tests/sync.ts'

const DAYS = 90
let database: TestDatabase
let store: Store

beforeAll(async () => {
  database = await copyDatabase()
  await runOnServer(testTables, database.connectionString)
  store = await openTestStore({ connectionString: database.connectionString })
})
afterAll(async () => {
  await store.close()
  await database.drop()
})

interface Plan<Name extends VendorName = VendorName> {
  connector: Connector
  /** Calls a day that the workspace lets the hub make. */
  share: number
  /** In whose days the vendor counts; HubSpot’s sandbox stands in the east of the United States. */
  zone: string
  /** Streams that are gone through; the others are paused, for time. */
  streams: readonly string[]
  /** People on a day that is above the share; on others there are less than a dozen. */
  many: number
  /** What other tools of the account use on a day at most, in what the vendor counts. */
  others: number
  /** Sets the vendor’s limit to what all use together, so that a call too many is refused. */
  limit(sandbox: Sandboxes[Name], most: number): void
  settings(sandbox: Sandboxes[Name]): Record<string, unknown>
  count(sandbox: Sandboxes[Name]): number
}

const plans: { [Name in VendorName]: Plan<Name> } = {
  hubspot: {
    connector: hubspot,
    share: 16,
    zone: 'America/New_York',
    streams: ['owners', 'contacts'],
    many: 900,
    others: 40,
    limit: (sandbox, daily) => sandbox.setLimits({ daily }),
    settings: ({ url, token }) => ({ baseUrl: url, token }),
    count: (sandbox) => sandbox.count('contacts'),
  },
  pipedrive: {
    connector: pipedrive,
    share: 60,
    zone: 'UTC',
    streams: ['owners', 'persons'],
    many: 90,
    others: 12_000,
    // It counts tokens, of which a call takes forty at most.
    limit: (sandbox, most) => sandbox.setLimits({ daily: 12_000 + (most - 12_000) * 40 }),
    settings: ({ url, token }) => ({ baseUrl: url, token }),
    count: (sandbox) => sandbox.count('person'),
  },
  salesforce: {
    connector: salesforce,
    // No less than what making the hub’s fields takes in one go: a day that does not hold it is spent on nothing else.
    share: 12,
    zone: 'UTC',
    streams: ['owners', 'leads'],
    many: 1600,
    others: 40,
    // It counts any 24 hours, which hold parts of two days.
    limit: (sandbox, most) => sandbox.setLimits({ dailyApiRequests: 3 * most }),
    settings: ({ url, token }) => ({ baseUrl: url, accessToken: token }),
    count: (sandbox) => sandbox.count('Lead'),
  },
}

/** A workspace with a connection that has an allowance, worked on as the schedule and the fast lane do. */
class Account<Name extends VendorName> {
  readonly clock: ManualClock
  readonly sandbox: Sandboxes[Name]
  readonly hub: TestHub
  readonly plan: Plan<Name>
  /** By day of the vendor. */
  readonly calls = new Map<string, number>()
  refusals = 0
  people = 0
  #seq = 1

  private constructor(
    clock: ManualClock,
    sandbox: Sandboxes[Name],
    hub: TestHub,
    plan: Plan<Name>,
  ) {
    this.clock = clock
    this.sandbox = sandbox
    this.hub = hub
    this.plan = plan
  }

  static async open<Name extends VendorName>(vendor: Name): Promise<Account<Name>> {
    const plan: Plan<Name> = plans[vendor]
    const clock = new ManualClock(new Date('2026-09-01T11:00:00Z'))
    const sandbox = await startSandbox(vendor, () => clock.now().getTime())
    const engine = testEngine(store, clock)
    engine.connectors = new Map([[vendor, plan.connector]])
    const settings = plan.settings(sandbox)
    const hub = await TestHub.open(engine, sandbox, { vendor, settings })
    const account = new Account(clock, sandbox, hub, plan)
    await account.write(sql`
      update connections set daily_calls = ${plan.share}, call_day_zone = ${plan.zone} where id = ${hub.connectionId}`)
    plan.limit(sandbox, plan.share + plan.others)
    await hub.perform(await hub.queue([...plan.streams]))
    await account.write(sql`
      update sync_streams set paused = not (name = any(${[...plan.streams]})) where connection_id = ${hub.connectionId}`)
    account.#count()
    return account
  }

  async arrive(count: number): Promise<void> {
    if (count === 0) return
    const ids = await this.hub.addLeads(count, this.people)
    await this.hub.note(ids, this.#seq)
    this.people += count
    this.#seq += count
  }

  /** What is due by now: runs of the schedule and those that are tried again, then changes that go at once. */
  async work(): Promise<void> {
    const { hub, clock } = this
    const { workspaceId, connectionId } = hub
    await store.system(async (tx) => {
      await queueDue(tx, clock.now())
      await queueRetries(tx, clock.now())
    })
    const queued = await hub.query(sql<{ id: string }>`
      select id from sync_runs where connection_id = ${connectionId} and state = 'queued'`)
    for (const { id } of queued) await hub.perform(id)
    let isMore = true
    const context: JobContext = {
      store,
      clock,
      log: silentLog,
      signal: new AbortController().signal,
      enqueue: async () => {
        isMore = true
      },
    }
    while (isMore) {
      isMore = false
      await changeJob(() => hub.engine).run({ workspaceId, connectionId }, context)
    }
    this.#count()
  }

  async heldBack(): Promise<number> {
    const [row] = await this.hub.query(sql<{ due: number }>`
      select count(*)::int as due from sync_pending where connection_id = ${this.hub.connectionId}`)
    return row?.due ?? 0
  }

  async write(statement: ReturnType<typeof sql>): Promise<void> {
    await store.transaction(this.hub.workspaceId, (tx) => tx.execute(statement))
  }

  async stop(): Promise<void> {
    await this.hub.setState('paused')
    await this.sandbox.stop()
  }

  #count(): void {
    const day = dayOf(this.clock.now(), this.plan.zone)
    const { total, byRoute } = this.sandbox.calls()
    this.calls.set(day, (this.calls.get(day) ?? 0) + total)
    for (const { byStatus } of Object.values(byRoute))
      this.refusals += (byStatus['429'] ?? 0) + (byStatus['403'] ?? 0)
    this.sandbox.clearCalls()
  }
}

test.each<VendorName>(['hubspot', 'pipedrive', 'salesforce'])(
  '%s: in 90 days with more than fits on some, no day of the vendor sees more calls than the share, and all arrives',
  async (vendor) => {
    const account = await Account.open(vendor)
    const { clock, plan, sandbox } = account
    const random = draws(vendor)
    const startMs = Date.parse('2026-09-02T00:00:00Z')
    let daysHeldBack = 0
    try {
      for (let day = 0; day < DAYS; day += 1) {
        const isMuch = random() < 0.06
        const count = isMuch ? plan.many : Math.floor(random() * 12)
        // Just behind midnight UTC, which is another day elsewhere; in the day; and when what nobody used is lent.
        const hours = [0.2, 2 + random() * 10, 12 + random() * 7, 20 + random() * 3.9]
        const arrival = Math.floor(random() * hours.length)
        for (const [i, hour] of hours.entries()) {
          clock.set(new Date(startMs + day * DAY_MS + Math.floor(hour * HOUR_MS)))
          sandbox.spend(Math.floor((random() * plan.others) / hours.length))
          if (i === arrival) await account.arrive(count)
          if (i === arrival || (i === 3 && isMuch) || random() < 0.25) await account.work()
        }
        if ((await account.heldBack()) > 0) daysHeldBack += 1
      }
      for (let day = 0; day < 12 && ((await account.heldBack()) > 0 || day < 2); day += 1) {
        clock.advance(DAY_MS + MINUTE_MS)
        await account.work()
      }
      const most = Math.max(...account.calls.values())
      expect(most, JSON.stringify([...account.calls])).toBeLessThanOrEqual(plan.share)
      expect(account.refusals).toBe(0)
      // It did come to that: days that ended with something waiting, and days on which the share was used to the last call.
      expect(daysHeldBack).toBeGreaterThan(0)
      expect(most).toBeGreaterThanOrEqual(plan.share - 1)
      expect(account.calls.size).toBeGreaterThan(DAYS * 0.9)
      expect(await account.heldBack()).toBe(0)
      expect(plan.count(sandbox)).toBe(account.people)
    } finally {
      await account.stop()
    }
  },
)

/** The same numbers in [0, 1) each time. */
function draws(seed: string): () => number {
  let state = seed.length * 7919 + seed.charCodeAt(0)
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
