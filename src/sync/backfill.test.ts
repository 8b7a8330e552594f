import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId } from '#core/id.ts'
import { DAY_MS, HOUR_MS, ManualClock, MINUTE_MS } from '#core/time.ts'
import type { Store } from '#store/store.ts'
import { workOnBackfill } from '#sync/backfill.ts'
import {
  callsADay,
  callsOf,
  durationOf,
  refusalOf,
  remainingCalls,
  type BackfillDirection,
} from '#sync/backfill.rules.ts'
import { countLinked, findBackfill, insertBackfill, moveBackfill } from '#sync/backfill.store.ts'
import type { FieldPolicy } from '#sync/entity.ts'
import { saveRule } from '#sync/field-rule.store.ts'
import { updateConnection } from '#sync/connection.store.ts'
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

describe.each(Object.entries(vendorAccounts))('%s', (vendor, { open }) => {
  /** Leads on both sides whose phone number was not synced, and is mapped from now on. */
  async function worldWithField(leads: number, policy: FieldPolicy = 'ask') {
    const clock = new ManualClock(START)
    const account = await open(() => clock.now().getTime())
    const engine = testEngine(store, clock)
    const { connector, settings, people } = account
    engine.connectors = new Map([[connector.vendor, connector]])
    const other = { vendor: connector.vendor, settings }
    const hub = await TestHub.open(engine, { url: '', token: '' }, other)
    const setPolicy = (to: FieldPolicy) =>
      store.transaction(hub.workspaceId, (tx) =>
        saveRule(
          tx,
          hub.connectionId,
          {
            entity: 'lead',
            field: 'phone',
            property: null,
            direction: null,
            policy: to,
            transform: { kind: 'none' },
          },
          clock.now(),
        ),
      )
    const run = () => {
      clock.advance(HOUR_MS)
      return hub.run([people])
    }
    const list = () =>
      hub.query(sql<Person>`
        select id, values->>'email' as email, values->>'phone' as phone from test_leads order by id`)
    await setPolicy('off')
    await hub.addLeads(leads)
    await run()
    await run()
    const all = await list()
    const ask = async (direction: BackfillDirection, share = 100) => {
      const [id, runId] = [newId('bkf'), newId('run')]
      const { connectionId } = hub
      await store.transaction(hub.workspaceId, async (tx) => {
        const total = await countLinked(tx, connectionId, 'lead')
        const row = { id, runId, connectionId, stream: people, entity: 'lead', field: 'phone' }
        const more = { direction, share, total, plannedCalls: 1, askedBy: 'usr_test' }
        await insertBackfill(tx, { ...row, ...more }, clock.now())
      })
      return { id, runId }
    }
    const work = (id: string) =>
      workOnBackfill(engine, hub.workspaceId, id, new AbortController().signal)
    const read = async (id: string) =>
      (await store.read(hub.workspaceId, (tx) => findBackfill(tx, id)))!
    const workOn = async (id: string) => {
      for (let tries = 0; tries < 12 && (await read(id)).state === 'running'; tries += 1) {
        await work(id)
        clock.advance(10 * MINUTE_MS)
      }
      return read(id)
    }
    return {
      clock,
      account,
      engine,
      hub,
      run,
      list,
      all,
      ask,
      work,
      workOn,
      read,
      setPolicy: () => setPolicy(policy),
    }
  }

  test('what the connected system has comes in, and what both have differently goes to the inbox', async () => {
    const world = await worldWithField(30)
    const { account, all, hub, ask, workOn, list, clock } = world
    for (const [i, { email }] of all.slice(0, 20).entries()) account.edit(email, `+33 1 ${100 + i}`)
    clock.advance(HOUR_MS)
    for (const { id } of all.slice(15, 25)) await hub.changeLead(id, { phone: '+49 30 1' })
    await world.run() // the field is off: nothing of it moves
    expect((await list()).filter(({ phone }) => phone?.startsWith('+33'))).toEqual([])
    await world.setPolicy()
    const { id, runId } = await ask('in')
    expect(await workOn(id)).toMatchObject({ state: 'done', done: 30, total: 30 })
    const after = new Map((await list()).map((one) => [one.email, one.phone]))
    for (const [i, { email }] of all.slice(0, 15).entries())
      expect(after.get(email)).toBe(`+33 1 ${100 + i}`)
    for (const { email } of all.slice(15, 25)) expect(after.get(email)).toBe('+49 30 1')
    const conflicts = await hub.query(sql<{ field: string }>`
      select field from sync_conflicts where connection_id = ${hub.connectionId} and state = 'open'`)
    expect(conflicts).toEqual(Array.from({ length: 5 }, () => ({ field: 'phone' })))
    // Nothing went out, and the outcomes tell of each record.
    for (const { email } of all.slice(20, 25)) expect(account.there().get(email) ?? null).toBeNull()
    const ended = await hub.read(runId)
    expect(ended).toMatchObject({ cause: 'backfill', state: 'partial' })
    expect(ended.counts[account.people]).toEqual({ updated: 15, conflict: 5, unchanged: 10 })
  })

  test('what the hub has goes out, that field alone, also when it is cut off; again it writes nothing', async () => {
    const world = await worldWithField(25)
    const { account, all, hub, ask, workOn } = world
    for (const { id } of all.slice(0, 20))
      await hub.changeLead(id, { phone: '+49 30 1', jobTitle: 'Unsent title' })
    account.edit(all[0]!.email, '+33 1 1')
    await world.setPolicy()
    const { id, runId } = await ask('out')
    const lift = account.failNext({ kind: 'drop-after', count: 2, after: 1 })
    expect(await workOn(id)).toMatchObject({ state: 'done', done: 25 })
    lift()
    const there = account.there()
    expect(there.get(all[0]!.email)).toBe('+33 1 1') // a person decides
    for (const { email } of all.slice(1, 20)) expect(there.get(email)).toBe('+49 30 1')
    for (const { email } of all.slice(20)) expect(there.get(email) ?? null).toBeNull()
    expect(JSON.stringify([...account.properties().values()])).not.toContain('Unsent title')
    const ended = await hub.read(runId)
    expect(ended.counts[account.people]).toMatchObject({ updated: 19, conflict: 1 })
    const second = await ask('out')
    await workOn(second.id)
    expect((await hub.read(second.runId)).counts[account.people]).toEqual({ unchanged: 25 })
  })

  test('live sync goes first: a change that comes while a backfill runs is sent before the next page', async () => {
    // More than a page of each vendor.
    const leads = vendor === 'Salesforce' ? 620 : 230
    const world = await worldWithField(leads, 'latest')
    const { account, all, hub, engine, ask, work, read, clock } = world
    for (const { id } of all) await hub.changeLead(id, { phone: '+49 30 1' })
    await world.setPolicy()
    const changed = all.at(-1)!
    const { id } = await ask('out')
    let live: string | null = null
    let doneAtLive = -1
    const publish = engine.publish.bind(engine)
    const { session } = watchPages(engine, async (pages) => {
      if (pages !== 1) return
      clock.advance(HOUR_MS)
      await hub.changeLead(changed.id, { phone: '+49 30 2' })
      await hub.note([changed.id], 50_000)
      live = await hub.queue([account.people])
    })
    engine.wait = async () => {
      if (live === null) return
      const runId = live
      live = null
      expect(await hub.perform(runId)).toBe('done')
      doneAtLive = (await read(id)).done
      expect(account.there().get(changed.email)).toBe('+49 30 2')
    }
    while ((await read(id)).state === 'running') await work(id)
    engine.publish = publish
    session()
    expect(doneAtLive).toBeGreaterThanOrEqual(0)
    expect(doneAtLive).toBeLessThan(leads)
    expect(await read(id)).toMatchObject({ state: 'done', done: leads })
    expect(account.there().get(changed.email)).toBe('+49 30 2')
    expect(account.there().get(all[0]!.email)).toBe('+49 30 1')
  })

  test('it takes its share of a day’s calls and no more, and is paused, resumed and cancelled', async () => {
    const leads = vendor === 'Salesforce' ? 1100 : 230
    const world = await worldWithField(leads)
    const { account, all, hub, ask, work, read, clock } = world
    for (const { email } of all.slice(0, 5)) account.edit(email, '+33 1 1')
    await world.setPolicy()
    await store.transaction(hub.workspaceId, (tx) =>
      updateConnection(tx, hub.connectionId, { dailyCalls: 100 }, clock.now()),
    )
    const { id, runId } = await ask('in', 1) // one call a day
    await work(id)
    const first = await read(id)
    const page = first.done
    expect(first).toMatchObject({ state: 'running', waitsFor: 'calls' })
    expect(first.resumeAt).toEqual(new Date('2026-11-24T00:00:00Z'))
    await work(id)
    expect((await read(id)).done).toBe(page)
    const move = (from: 'running' | 'paused', to: 'running' | 'paused' | 'cancelled') =>
      store.transaction(hub.workspaceId, (tx) =>
        moveBackfill(tx, id, [from], to, 'usr_test', clock.now()),
      )
    clock.advance(DAY_MS)
    expect(await move('running', 'paused')).toBe(true)
    await work(id)
    expect((await read(id)).done).toBe(page)
    expect(await move('paused', 'running')).toBe(true)
    await work(id)
    expect((await read(id)).done).toBeGreaterThan(page)
    expect(await move('running', 'cancelled')).toBe(true)
    await work(id)
    expect((await read(id)).done).toBeLessThan(leads)
    expect((await hub.read(runId)).calls).toBeLessThanOrEqual(4)
  })
})

/** Calls back after each page that a backfill read. */
function watchPages(
  engine: ReturnType<typeof testEngine>,
  onPage: (pages: number) => Promise<void>,
): { session: () => void } {
  const before = engine.connectors
  let pages = 0
  engine.connectors = new Map(
    [...before].map(([vendor, connector]) => [
      vendor,
      {
        ...connector,
        open(connection) {
          const session = connector.open(connection)
          const streams = session.streams.map((stream) => {
            const { fetch } = stream
            if (!fetch) return stream
            return {
              ...stream,
              async fetch(...given: Parameters<typeof fetch>) {
                const read = await fetch(...given)
                pages += 1
                await onPage(pages)
                return read
              },
            }
          })
          return { ...session, streams }
        },
      },
    ]),
  )
  return {
    session() {
      engine.connectors = before
    },
  }
}

describe('an estimate', () => {
  const stream = {
    batchSize: 100,
    costs: {
      read: { endpoint: 'read', records: 100 },
      update: { endpoint: 'update', records: 1 },
    },
  }
  test('names the calls of each endpoint', () => {
    expect(callsOf(stream, 'in', { records: 1001, toWrite: 0 })).toEqual([
      { endpoint: 'read', calls: 11 },
    ])
    expect(callsOf(stream, 'out', { records: 1000, toWrite: 200 })).toEqual([
      { endpoint: 'read', calls: 10 },
      { endpoint: 'update', calls: 200 },
    ])
    expect(callsOf(stream, 'out', { records: 1000, toWrite: 3 })).toEqual([
      { endpoint: 'read', calls: 3 },
      { endpoint: 'update', calls: 3 },
    ])
    expect(callsOf(stream, 'out', { records: 0, toWrite: 0 })[0]).toMatchObject({ calls: 0 })
  })

  test('tells when it is through, over the days that its share of calls makes of it', () => {
    const dayLeftMs = 6 * HOUR_MS
    expect(callsADay(1000, undefined, 50)).toBe(500)
    expect(callsADay(null, 20_000, 10)).toBe(2000)
    expect(callsADay(3, undefined, 1)).toBe(1)
    expect(durationOf(100, 200, 500, 400, dayLeftMs)).toEqual({ durationMs: 20_000, days: 1 })
    // 400 today, 500 tomorrow, 100 the day after.
    expect(durationOf(1000, 200, 500, 400, dayLeftMs)).toEqual({
      durationMs: 6 * HOUR_MS + DAY_MS + 20_000,
      days: 3,
    })
  })

  test('what is left follows what its records took, and before the first of them what was estimated', () => {
    expect(remainingCalls(0, 40, { done: 0, total: 1000 })).toBe(40)
    expect(remainingCalls(6, 40, { done: 100, total: 1000 })).toBe(54)
    expect(remainingCalls(60, 40, { done: 1000, total: 1000 })).toBe(0)
    expect(remainingCalls(0, null, { done: 0, total: 1000 })).toBeNull()
  })

  test('refuses a way that the field does not go', () => {
    const field = {
      name: 'phone',
      policy: 'latest' as const,
      direction: 'push' as const,
      critical: false,
      optOut: false,
      entity: null,
      many: false,
      personal: false,
      with: [],
      required: false,
      once: false,
      fixed: false,
      as: null,
      roles: false,
    }
    const rules = { fields: new Map([['phone', field]]), mappings: [] }
    expect(refusalOf(rules, 'phone', 'in')).toMatch(/only goes out/)
    expect(refusalOf(rules, 'phone', 'out')).toBeNull()
    expect(refusalOf(rules, 'other', 'in')).toMatch(/not synced/)
  })
})
