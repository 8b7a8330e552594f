import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId } from '#core/id.ts'
import { DAY_MS, HOUR_MS, ManualClock } from '#core/time.ts'
import type { Store } from '#store/store.ts'
import {
  findOpenPlan,
  findPlan,
  insertPlan,
  listPlannedRows,
  movePlan,
} from '#sync/change-plan.store.ts'
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

interface Person {
  id: string
  email: string
  phone: string | null
}

describe.each(Object.entries(vendorAccounts))('%s', (_vendor, { open }) => {
  async function openWorld() {
    const clock = new ManualClock(START)
    const account = await open(() => clock.now().getTime())
    const engine = testEngine(store, clock)
    const { connector, settings, people } = account
    engine.connectors = new Map([[connector.vendor, connector]])
    const other = { vendor: connector.vendor, settings }
    const hub = await TestHub.open(engine, { url: '', token: '' }, other)
    const run = (streams = [people]) => {
      clock.advance(HOUR_MS)
      return hub.run(streams)
    }
    const leads = () =>
      hub.query(sql<Person>`
        select id, values->>'email' as email, values->>'phone' as phone from test_leads order by id`)
    const here = async () => new Map((await leads()).map(({ email, phone }) => [email, phone]))
    let seq = 10_000
    const changeHere = async (one: Person, phone: string) => {
      await hub.changeLead(one.id, { phone })
      await hub.note([one.id], (seq += 1))
    }
    /** Plans the undo of a run; answers the plan. */
    const plan = async (undoes: string, removesCreated = false) => {
      clock.advance(HOUR_MS)
      const builtIn = await hub.queue([people], 'undo')
      const id = newId('pln')
      const { connectionId } = hub
      const draft = { id, connectionId, builtIn, streams: [people], madeBy: 'usr_test' }
      await store.transaction(hub.workspaceId, (tx) =>
        insertPlan(tx, { ...draft, undoes, removesCreated }, clock.now()),
      )
      await hub.perform(builtIn)
      return id
    }
    const steps = async (planId: string) => {
      const emails = new Map((await leads()).map(({ id, email }) => [id, email]))
      const rows = await store.read(hub.workspaceId, (tx) =>
        listPlannedRows(tx, planId, {}, 0, 100_000),
      )
      return rows.map((row) => ({ ...row, email: emails.get(row.localId)! }))
    }
    /** Signs the plan and carries it out in as many runs as it takes; answers them. */
    const carryOut = async (planId: string) => {
      await store.transaction(hub.workspaceId, (tx) =>
        movePlan(tx, planId, ['proposed'], 'approved', 'usr_test', clock.now()),
      )
      const runs: string[] = []
      for (let tries = 0; tries < 8; tries += 1) {
        clock.advance(HOUR_MS)
        const id = await hub.queue([people], 'undo')
        await hub.perform(id)
        runs.push(id)
        const now = await store.read(hub.workspaceId, (tx) => findPlan(tx, planId))
        if (now?.state === 'done') return runs
      }
      throw new Error('the undo does not come to an end')
    }
    const outcomes = (runId: string) =>
      hub.query(sql<{ direction: string; outcome: string; code: string | null; localId: string }>`
        select direction, outcome, code, local_id from sync_outcomes where run_id = ${runId} order by local_id`)
    const openPlan = () => store.read(hub.workspaceId, (tx) => findOpenPlan(tx, hub.connectionId))
    return {
      clock,
      account,
      hub,
      run,
      leads,
      here,
      changeHere,
      plan,
      steps,
      carryOut,
      outcomes,
      openPlan,
    }
  }

  /** A run that took in ten phone numbers and sent ten. */
  async function worldWithRun() {
    const world = await openWorld()
    const { hub, account, run, leads, here, changeHere } = world
    await hub.addLeads(24)
    expect((await run()).state).toBe('succeeded')
    await run()
    const all = await leads()
    const before = { here: await here(), there: account.there() }
    const [incoming, outgoing] = [all.slice(0, 10), all.slice(10, 20)]
    for (const [i, { email }] of incoming.entries()) account.edit(email, `+33 1 ${100 + i}`)
    for (const [i, one] of outgoing.entries()) await changeHere(one, `+49 30 ${100 + i}`)
    const ended = await run()
    expect(ended.state).toBe('succeeded')
    expect((await here()).get(incoming[0]!.email)).toBe('+33 1 100')
    expect(account.there().get(outgoing[0]!.email)).toBe('+49 30 100')
    return { ...world, before, incoming, outgoing, runId: ended.id }
  }

  test('what came in and what went out goes back, later edits win, and the next run changes nothing', async () => {
    const world = await worldWithRun()
    const { account, before, incoming, outgoing, runId, here, changeHere, run } = world
    const there = () => account.there()
    // Somebody edits one of each kind later, on the side that the run wrote.
    await changeHere(incoming[0]!, '+1 555 1')
    account.edit(outgoing[0]!.email, '+1 555 2')
    const planId = await world.plan(runId)
    const planned = await world.steps(planId)
    const of = (email: string) => planned.find((one) => one.email === email)!
    expect(of(incoming[0]!.email)).toMatchObject({
      side: 'here',
      state: 'kept',
      kept: [{ field: 'phone', code: 'undo.edited_later', present: '+1 555 1' }],
    })
    expect(of(outgoing[0]!.email)).toMatchObject({
      side: 'there',
      state: 'kept',
      kept: [{ field: 'phone', code: 'undo.edited_later', by: 'crm' }],
    })
    expect(of(incoming[1]!.email)).toMatchObject({ side: 'here', state: 'planned' })
    // After it was planned, somebody edits one more of each, and a live run goes on.
    await changeHere(incoming[1]!, '+1 555 3')
    account.edit(outgoing[1]!.email, '+1 555 4')
    expect((await run()).state).toBe('succeeded')
    expect(there().get(incoming[1]!.email)).toBe('+1 555 3')

    const [undoRun] = await world.carryOut(planId)
    for (const { email } of incoming.slice(2))
      expect((await here()).get(email)).toBe(before.here.get(email))
    for (const { email } of outgoing.slice(2))
      expect(there().get(email)).toBe(before.there.get(email))
    expect((await here()).get(incoming[0]!.email)).toBe('+1 555 1')
    expect(there().get(outgoing[0]!.email)).toBe('+1 555 2')
    expect((await here()).get(incoming[1]!.email)).toBe('+1 555 3')
    expect(there().get(outgoing[1]!.email)).toBe('+1 555 4')
    const told = await world.outcomes(undoRun!)
    expect(told.filter(({ outcome }) => outcome === 'updated')).toHaveLength(16)
    expect(told.filter(({ code }) => code === 'undo.edited_later')).toHaveLength(2)
    expect(told.filter(({ code }) => code === 'undo.outdated')).toHaveLength(2)
    const states = Map.groupBy(await world.steps(planId), ({ state }) => state)
    expect(states.get('proved')).toHaveLength(16)

    // Each side keeps what it has: no run carries the difference over.
    const after = { here: await here(), there: there() }
    expect((await run()).state).toBe('succeeded')
    expect({ here: await here(), there: there() }).toEqual(after)
    // And an edit on either side goes over again.
    await changeHere(incoming[5]!, '+1 555 5')
    account.edit(outgoing[5]!.email, '+1 555 6')
    await run()
    expect(there().get(incoming[5]!.email)).toBe('+1 555 5')
    expect((await here()).get(outgoing[5]!.email)).toBe('+1 555 6')
  })

  test('an undo that is cut off half-way and goes on ends like one that was not', async () => {
    const world = await worldWithRun()
    const { account, before, incoming, outgoing, runId, here, run } = world
    const planId = await world.plan(runId)
    const lift = account.failNext({ kind: 'drop-after', count: 2, after: 1 })
    const runs = await world.carryOut(planId)
    lift()
    expect(runs.length).toBeGreaterThan(0)
    const back = { here: await here(), there: account.there() }
    for (const { email } of incoming) expect(back.here.get(email)).toBe(before.here.get(email))
    for (const { email } of outgoing) expect(back.there.get(email)).toBe(before.there.get(email))
    // The hub keeps what it had sent, the connected system what it had told.
    for (const [i, { email }] of outgoing.entries())
      expect(back.here.get(email)).toBe(`+49 30 ${100 + i}`)
    for (const [i, { email }] of incoming.entries())
      expect(back.there.get(email)).toBe(`+33 1 ${100 + i}`)
    await run()
    expect({ here: await here(), there: account.there() }).toEqual(back)
    // The undo is a run like others: it can be undone itself.
    await world.carryOut(await world.plan(runs.at(-1)!))
    expect((await here()).get(incoming[9]!.email)).toBe('+33 1 109')
  })

  test('records that a run made there go only when that is asked for and nobody touched them', async () => {
    const world = await openWorld()
    const { hub, account, run, leads, clock } = world
    await hub.addLeads(12)
    const { id: runId } = await run()
    await run()
    clock.advance(DAY_MS)
    const [touched] = await leads()
    account.edit(touched!.email, '+33 1 7')
    const left = await world.plan(runId)
    expect(await world.openPlan()).toBeNull() // nothing to sign: all stays
    expect((await world.steps(left)).map(({ kept }) => kept?.[0]?.code)).toEqual(
      Array.from({ length: 12 }, () => 'undo.made_there'),
    )
    const planId = await world.plan(runId, true)
    const [undoRun] = await world.carryOut(planId)
    expect([...account.there().keys()]).toEqual([touched!.email])
    const told = await world.outcomes(undoRun!)
    expect(told.filter(({ outcome }) => outcome === 'deleted')).toHaveLength(11)
    expect(told.find(({ localId }) => localId === touched!.id)?.code).toBe('undo.touched')
    // They are not made anew.
    await hub.note(
      (await leads()).map(({ id }) => id),
      90_000,
    )
    await run()
    expect(account.there().size).toBe(1)
  })
})
