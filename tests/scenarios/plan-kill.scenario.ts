import { afterAll, beforeAll, expect, test } from 'vitest'
import { sql } from 'kysely'
import { HOUR_MS, ManualClock, MINUTE_MS } from '#core/time.ts'
import type { Store } from '#store/store.ts'
import {
  countPlanned,
  findOpenPlan,
  findPlan,
  listPlannedRows,
  movePlan,
} from '#sync/change-plan.store.ts'
import { updateConnection } from '#sync/connection.store.ts'
import { differences } from '#tests/plan-effect.ts'
import { RunProcesses } from '#tests/run-process.ts'
import { copyDatabase, openTestStore, runOnServer, type TestDatabase } from '#tests/store.ts'
import { TestHub, testEngine, testTables } from '#tests/sync.ts'
import { vendorAccounts, type VendorAccount } from '#tests/vendor-accounts.ts'

const START = new Date('2026-11-23T08:00:00Z')
const LEASE_MS = 30_000
/** Records of each plan; they fill several pages of every vendor's. */
const CREATED = 420
const CHANGED = 300
/** Calls that write, of those answered in one process, after which it is killed. */
const KILLS = [1, 2, 1, 3]

let database: TestDatabase
let store: Store
let processes: RunProcesses
beforeAll(async () => {
  database = await copyDatabase()
  await runOnServer(testTables, database.connectionString)
  store = await openTestStore({ connectionString: database.connectionString })
  processes = new RunProcesses(database.connectionString)
})
afterAll(async () => {
  processes.stop()
  await store.close()
  await database.drop()
})

/** A plan of a vendor's account, carried out by processes that are killed. */
class PlannedWorld {
  readonly account: VendorAccount
  readonly hub: TestHub
  private readonly clock: ManualClock

  private constructor(account: VendorAccount, hub: TestHub, clock: ManualClock) {
    this.account = account
    this.hub = hub
    this.clock = clock
  }

  static async open(vendor: string): Promise<PlannedWorld> {
    const clock = new ManualClock(START)
    const account = await vendorAccounts[vendor]!.open(() => clock.now().getTime())
    const engine = testEngine(store, clock)
    const { connector, settings } = account
    engine.connectors = new Map([[connector.vendor, connector]])
    const hub = await TestHub.open(
      engine,
      { url: '', token: '' },
      { vendor: connector.vendor, settings },
    )
    await store.transaction(hub.workspaceId, (tx) =>
      updateConnection(tx, hub.connectionId, { planAbove: 0 }, clock.now()),
    )
    return new PlannedWorld(account, hub, clock)
  }

  async run(): Promise<void> {
    this.clock.advance(10 * MINUTE_MS)
    await this.hub.run([this.account.people])
  }

  /** A plan of all that is due, approved: its id, and what it shows. */
  async approve() {
    const { hub } = this
    await this.run()
    const plan = (await store.read(hub.workspaceId, (tx) => findOpenPlan(tx, hub.connectionId)))!
    await store.transaction(hub.workspaceId, (tx) =>
      movePlan(tx, plan.id, ['proposed'], 'approved', 'usr_test', this.clock.now()),
    )
    const leads = await hub.query(
      sql<{ id: string; email: string }>`select id, values->>'email' as email from test_leads`,
    )
    const emails = new Map(leads.map(({ id, email }) => [id, email]))
    const rows = await store.read(hub.workspaceId, (tx) =>
      listPlannedRows(tx, plan.id, {}, 0, CREATED + CHANGED),
    )
    return {
      id: plan.id,
      rows: rows.map((row) => ({ ...row, email: emails.get(row.localId)! })),
    }
  }

  /** Carries the plan out, killed again and again in the middle of its writing; answers how often it was killed. */
  async carryOutKilled(planId: string): Promise<number> {
    const { hub, account } = this
    this.clock.advance(10 * MINUTE_MS)
    const runId = await hub.queue([account.people])
    let kills = 0
    for (const count of KILLS) {
      const seen = this.writes()
      const lifts = ['POST', 'PATCH'].map((method) =>
        account.failNext({ kind: 'slow', delayMs: 300, method, count: 'until-lifted' }),
      )
      const isDue = () => this.writes() >= seen + count
      if (await processes.killWhen(hub, runId, LEASE_MS, isDue)) kills += 1
      for (const lift of lifts) lift()
    }
    await hub.perform(runId)
    for (let tries = 0; tries < 4 && (await this.stateOf(planId)) !== 'done'; tries += 1)
      await this.run()
    return kills
  }

  counts(planId: string) {
    return store.read(this.hub.workspaceId, (tx) => countPlanned(tx, planId))
  }

  /** Somebody in the hub changes the phone number of so many. */
  async changeSome(count: number): Promise<void> {
    this.clock.advance(HOUR_MS)
    const leads = await this.hub.query(sql<{ id: string }>`
      select id from test_leads order by id limit ${count}`)
    const ids = leads.map(({ id }) => id)
    for (const [i, id] of ids.entries())
      await this.hub.changeLead(id, { phone: `+49 30 ${1000 + i}` })
    await this.hub.note(ids, 5000)
  }

  /** Calls that wrote records; fields that are made before are no part of a plan. */
  private writes(): number {
    const isOther = /search|query|token|batch\/read|properties|personFields/
    return this.account
      .requests()
      .filter(({ method, url }) => method !== 'GET' && !isOther.test(url)).length
  }

  private async stateOf(planId: string) {
    return (await store.read(this.hub.workspaceId, (tx) => findPlan(tx, planId)))?.state
  }
}

test.each(Object.keys(vendorAccounts))(
  '%s: an approved plan, killed in the middle of its writing, ends exactly as it was shown',
  async (vendor) => {
    const world = await PlannedWorld.open(vendor)
    const { account, hub } = world
    try {
      await hub.addLeads(CREATED)
      const created = await world.approve()
      expect(created.rows).toHaveLength(CREATED)
      expect(await world.carryOutKilled(created.id)).toBeGreaterThanOrEqual(2)
      expect(account.properties().size).toBe(CREATED)
      expect(await world.counts(created.id)).toEqual([
        {
          stream: account.people,
          side: 'there',
          action: 'create',
          state: 'proved',
          records: CREATED,
        },
      ])
      if (vendor !== 'Pipedrive') expect(differences(account, new Map(), created.rows)).toEqual([])

      await world.changeSome(CHANGED)
      const before = account.properties()
      const phones = account.there()
      const changed = await world.approve()
      expect(await world.carryOutKilled(changed.id)).toBeGreaterThanOrEqual(2)
      expect(await world.counts(changed.id)).toEqual([
        {
          stream: account.people,
          side: 'there',
          action: 'update',
          state: 'proved',
          records: CHANGED,
        },
      ])
      if (vendor !== 'Pipedrive') expect(differences(account, before, changed.rows)).toEqual([])
      const planned = new Map(changed.rows.map(({ email, sent }) => [email, sent[0]!.ours]))
      for (const [email, phone] of account.there())
        expect(phone).toBe(planned.get(email) ?? phones.get(email))
    } finally {
      await account.stop()
    }
  },
)
