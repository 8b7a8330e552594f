import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { HOUR_MS, ManualClock, MINUTE_MS } from '#core/time.ts'
import type { Store } from '#store/store.ts'
import { fitOf, type PlannedChange, type Standing } from '#sync/change-plan.rules.ts'
import {
  countPlanned,
  findOpenPlan,
  findPlan,
  listPlannedRows,
  movePlan,
} from '#sync/change-plan.store.ts'
import { updateConnection } from '#sync/connection.store.ts'
import { differences } from '#tests/plan-effect.ts'
import { copyDatabase, openTestStore, runOnServer, type TestDatabase } from '#tests/store.ts'
import { TestHub, testEngine, testTables } from '#tests/sync.ts'
import { vendorAccounts } from '#tests/vendor-accounts.ts'

const START = new Date('2026-11-23T08:00:00Z')

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

describe.each(Object.entries(vendorAccounts))('%s', (vendor, { open }) => {
  async function openWorld() {
    const clock = new ManualClock(START)
    const account = await open(() => clock.now().getTime())
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
    const run = async () => {
      clock.advance(10 * MINUTE_MS)
      return hub.run([account.people])
    }
    const read = <T>(work: (tx: Parameters<typeof findPlan>[0]) => Promise<T>) =>
      store.read(hub.workspaceId, work)
    const openPlan = async () => (await read((tx) => findOpenPlan(tx, hub.connectionId)))!
    const changesOf = async (planId: string) => {
      const emails = new Map(
        (
          await hub.query(
            sql<{
              id: string
              email: string
            }>`select id, values->>'email' as email from test_leads`,
          )
        ).map(({ id, email }) => [id, email]),
      )
      const rows = await read((tx) => listPlannedRows(tx, planId, {}, 0, 100_000))
      return rows.map((row) => ({ ...row, email: emails.get(row.localId)! }))
    }
    const decide = (planId: string, to: 'approved' | 'discarded') =>
      store.transaction(hub.workspaceId, (tx) =>
        movePlan(tx, planId, ['proposed', 'approved'], to, 'usr_test', clock.now()),
      )
    const counts = (planId: string) => read((tx) => countPlanned(tx, planId))
    const items = () =>
      hub.query(
        sql<{
          code: string
        }>`select code from sync_errors where connection_id = ${hub.connectionId} and record = ''`,
      )
    return { clock, account, hub, run, read, openPlan, changesOf, decide, counts, items }
  }

  test('nothing is written before the plan is approved; then exactly what it shows, also when the run is cut off', async () => {
    const world = await openWorld()
    const { account, hub, run, openPlan, changesOf, decide, counts, items, clock } = world
    const ids = await hub.addLeads(230)
    await run()
    expect(account.properties().size).toBe(0)
    const first = await openPlan()
    expect(first).toMatchObject({ state: 'proposed', prepares: true })
    expect(await counts(first.id)).toEqual([
      { stream: account.people, side: 'there', action: 'create', state: 'planned', records: 230 },
    ])
    expect(await items()).toEqual([{ code: 'plan.waiting' }])
    // More of the same while it waits: nothing goes out, and no second plan is made.
    await run()
    expect(account.properties().size).toBe(0)
    expect((await openPlan()).id).toBe(first.id)

    await decide(first.id, 'approved')
    const planned = await changesOf(first.id)
    const lift = account.failNext({ kind: 'drop-after', method: 'POST', count: 3, after: 2 })
    for (
      let tries = 0;
      tries < 6 && (await world.read((tx) => findPlan(tx, first.id)))?.state !== 'done';
      tries += 1
    )
      await run()
    lift()
    if (vendor !== 'Pipedrive') expect(differences(account, new Map(), planned)).toEqual([])
    expect(account.properties().size).toBe(230)
    expect(await counts(first.id)).toEqual([
      { stream: account.people, side: 'there', action: 'create', state: 'proved', records: 230 },
    ])
    expect(await items()).toEqual([])

    // Changes: of 40 records, on the hub's side alone.
    clock.advance(HOUR_MS)
    for (const [i, id] of ids.slice(0, 40).entries())
      await hub.changeLead(id, { phone: `+49 30 ${1000 + i}` })
    await hub.note(ids.slice(0, 40), 5000)
    await run()
    const second = await openPlan()
    const changes = await changesOf(second.id)
    expect(changes.map(({ action }) => action)).toEqual(Array.from({ length: 40 }, () => 'update'))
    expect(changes[0]!.sent.map(({ field }) => field)).toEqual(['phone'])
    const before = account.properties()
    // Somebody changes one of them there, and the hub changes another once more.
    const [contested, later] = [changes[0]!, changes[1]!]
    account.edit(contested.email, '+33 1 99')
    clock.advance(HOUR_MS)
    await hub.changeLead(later.localId, { phone: '+49 30 7777' })
    await hub.note([later.localId], 6000)
    await decide(second.id, 'approved')
    await run()
    const done = await changesOf(second.id)
    expect(done.find(({ localId }) => localId === contested.localId)).toMatchObject({
      state: 'outdated',
      note: 'Changed there since: phone.',
    })
    expect(done.filter(({ state }) => state === 'proved')).toHaveLength(39)
    expect(account.there().get(contested.email)).toBe('+33 1 99')
    expect(account.there().get(later.email)).toBe(later.sent[0]!.ours)
    if (vendor !== 'Pipedrive') {
      const written = done.filter(({ state }) => state === 'proved')
      const untouched = new Map([...before].filter(([email]) => email !== contested.email))
      const wrong = differences(account, untouched, written)
      expect(wrong.filter((text) => !text.startsWith(contested.email))).toEqual([])
    }
    // What the hub changed after the plan is still due: the next plan shows it.
    await run()
    const third = await changesOf((await openPlan()).id)
    expect(third.find(({ localId }) => localId === later.localId)?.sent[0]).toMatchObject({
      ours: '+49 30 7777',
      was: later.sent[0]!.ours,
    })
  })

  test('a plan that is given up leaves its records due, and below the limit nothing waits', async () => {
    const { account, hub, run, openPlan, decide, read } = await openWorld()
    await hub.addLeads(12)
    await run()
    const plan = await openPlan()
    // Also one that is approved and cannot be carried out.
    await decide(plan.id, 'approved')
    const lift = account.failNext({ kind: 'status', status: 503, count: 'until-lifted' })
    await run()
    lift()
    expect(account.properties().size).toBe(0)
    await decide(plan.id, 'discarded')
    await store.transaction(hub.workspaceId, (tx) =>
      updateConnection(tx, hub.connectionId, { planAbove: 12 }, START),
    )
    await run()
    expect(account.properties().size).toBe(12)
    expect(await read((tx) => findOpenPlan(tx, hub.connectionId))).toBeNull()
    // Thirteen are due, and all but two are there already: two is what counts.
    const ids = (await hub.query(sql<{ id: string }>`select id from test_leads order by id`)).map(
      ({ id }) => id,
    )
    await hub.addLeads(1, 500)
    await hub.changeLead(ids[0]!, { phone: '+49 30 1' })
    await hub.note(
      (await hub.query(sql<{ id: string }>`select id from test_leads`)).map(({ id }) => id),
      9000,
    )
    await run()
    expect(account.properties().size).toBe(13)
    expect(await read((tx) => findOpenPlan(tx, hub.connectionId))).toBeNull()
  })
})

describe('whether a planned change still fits', () => {
  const planned: PlannedChange = {
    seq: 1,
    localId: 'lead_1',
    externalId: '9',
    side: 'there',
    action: 'update',
    changedIn: '0',
    properties: { phone: 'new' },
    sent: [{ field: 'phone', ours: 'new', key: 'new', was: 'old' }],
  }
  const there = (phone: string): Standing => ({
    isHere: true,
    externalId: '9',
    goneThere: null,
    base: { v: 2, ours: {}, theirs: { phone } },
    disputed: new Set(),
  })
  const unlinked: Standing = { ...there('old'), externalId: null, base: null }
  const create: PlannedChange = { ...planned, action: 'create', externalId: null }
  const remove: PlannedChange = { ...planned, action: 'delete', sent: [] }

  test.each([
    ['an update, as it was', planned, there('old'), 'send'],
    ['an update that is there', planned, there('new'), 'arrived'],
    ['an update over another edit', planned, there('other'), 'outdated'],
    [
      'an update in dispute',
      planned,
      { ...there('old'), disputed: new Set(['phone']) },
      'outdated',
    ],
    ['an update of another record', planned, { ...there('old'), externalId: '8' }, 'outdated'],
    [
      'an update of what was deleted there',
      planned,
      { ...unlinked, goneThere: 'deleted' as const },
      'outdated',
    ],
    ['an update of what is gone here', planned, { ...there('old'), isHere: false }, 'outdated'],
    ['a creation', create, unlinked, 'send'],
    ['a creation that is there', create, there('new'), 'arrived'],
    ['a creation that somebody made otherwise', create, there('other'), 'outdated'],
    ['a deletion', remove, { ...there('old'), isHere: false }, 'send'],
    ['a deletion that is done', remove, { ...unlinked, isHere: false }, 'arrived'],
    ['a deletion of what is here again', remove, there('old'), 'outdated'],
  ] as const)('%s', (_what, change, standing, kind) => {
    expect(fitOf(change, standing).kind).toBe(kind)
  })
})
