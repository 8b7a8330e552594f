import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { HOUR_MS, ManualClock, MINUTE_MS } from '#core/time.ts'
import type { Store } from '#store/store.ts'
import type { Connector } from '#sync/connector.ts'
import type { MergedField } from '#sync/field-rules.ts'
import {
  judge,
  readBackOf,
  Tally,
  verdictOf,
  withoutLost,
  type Believed,
} from '#sync/prove.rules.ts'
import { listCertificates } from '#sync/prove.store.ts'
import { copyDatabase, openTestStore, runOnServer, type TestDatabase } from '#tests/store.ts'
import { TestHub, testEngine, testTables } from '#tests/sync.ts'
import { vendorAccounts } from '#tests/vendor-accounts.ts'

const START = new Date('2026-11-23T08:00:00Z')
const START_MS = START.getTime()

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

describe.each(Object.entries(vendorAccounts))('%s', (_name, { leads, open }) => {
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
    const run = async () => {
      clock.advance(10 * MINUTE_MS)
      const row = await hub.run([account.people])
      const certificates = await store.read(hub.workspaceId, (tx) => listCertificates(tx, row.id))
      const named = await hub.query(sql<{ localId: string; code: string; detail: string | null }>`
        select local_id, code, detail from sync_outcomes
        where run_id = ${row.id} and code like 'certificate.%' order by local_id`)
      return { row, certificate: certificates[0]!, named }
    }
    const emails = async () => {
      const rows = await hub.query(sql<{ id: string; email: string }>`
        select id, values->>'email' as email from test_leads`)
      return new Map(rows.map(({ id, email }) => [id, email]))
    }
    const beforeRead = (act: () => void) => {
      engine.connectors = new Map([[connector.vendor, interrupted(connector, act)]])
    }
    return { clock, account, hub, run, emails, beforeRead }
  }

  test('new records that the vendor drops with a success are named exactly, sent again, and close', async () => {
    const { account, hub, run, emails } = await openWorld()
    const ids = await hub.addLeads(leads)
    const lift = account.failNext({
      kind: 'drop-writes',
      share: 0.01,
      seed: 7,
      of: 'creates',
      count: 'until-lifted',
    })
    const first = await run()
    lift()
    const emailOf = await emails()
    const there = account.there()
    const dropped = ids.filter((id) => !there.has(emailOf.get(id)!))
    expect(dropped.length).toBeGreaterThan(0)
    expect(first.named.map(({ localId }) => localId)).toEqual(dropped.toSorted())
    expect(new Set(first.named.map(({ code }) => code))).toEqual(new Set(['certificate.missing']))
    expect(first.row.state).toBe('partial')
    expect(first.certificate).toMatchObject({
      scope: 'written',
      hereCount: leads,
      thereCount: leads - dropped.length,
      missing: dropped.length,
      lost: 0,
    })
    expect(first.certificate.differingBuckets).toBeGreaterThan(0)
    expect(first.certificate.differingBuckets).toBeLessThanOrEqual(dropped.length)
    const second = await run()
    expect(account.there().size).toBe(leads)
    expect(second.row.state).toBe('succeeded')
    expect(second.certificate).toMatchObject({
      hereCount: dropped.length,
      missing: 0,
      differingBuckets: 0,
      hereHash: second.certificate.thereHash,
    })
    const open = await hub.query(
      sql`select 1 from sync_errors where connection_id = ${hub.connectionId}`,
    )
    expect(open).toEqual([])
    // What is proved is not read back again.
    const third = await run()
    expect(third.certificate.hereCount).toBe(0)
    expect(third.row.checkCalls).toBe(0)
  })

  test('what is not read back is called unproved, costs no call, and is not asked for later; what was missed before is', async () => {
    const { account, hub, run } = await openWorld()
    const readBack = (how: string) =>
      store.transaction(hub.workspaceId, (tx) =>
        tx.execute(sql`update connections set read_back = ${how} where id = ${hub.connectionId}`),
      )
    await readBack('off')
    await hub.addLeads(60)
    const off = await run()
    expect(off.certificate).toMatchObject({ readBack: 'off', hereCount: 0, unreadCount: 60 })
    expect(verdictOf([off.certificate])).toBe('not_proved')
    expect(off.row).toMatchObject({ state: 'succeeded', checkCalls: 0 })
    await readBack('full')
    expect((await run()).certificate).toMatchObject({ hereCount: 0, unreadCount: 0 })
    await hub.note(await hub.addLeads(1, 60), 1)
    const lift = account.failNext({
      kind: 'drop-writes',
      share: 1,
      seed: 7,
      of: 'creates',
      count: 'until-lifted',
    })
    expect((await run()).named).toHaveLength(1)
    lift()
    await readBack('off')
    const again = await run()
    expect(again.certificate).toMatchObject({ hereCount: 1, unreadCount: 0, missing: 0 })
    expect(
      await hub.query(sql`select 1 from sync_errors where connection_id = ${hub.connectionId}`),
    ).toEqual([])
  })

  test('changes that the vendor drops with a success are named exactly and sent again; edits there are no fault', async () => {
    const { clock, account, hub, run, emails } = await openWorld()
    const ids = await hub.addLeads(leads / 5)
    await run()
    clock.advance(HOUR_MS)
    for (const [i, id] of ids.entries()) await hub.changeLead(id, { phone: `+49 30 ${1000 + i}` })
    await hub.note(ids, 5000)
    const lift = account.failNext({
      kind: 'drop-writes',
      share: 0.04,
      seed: 3,
      of: 'updates',
      count: 'until-lifted',
    })
    const first = await run()
    lift()
    const emailOf = await emails()
    const wanted = new Map(ids.map((id, i) => [id, `+49 30 ${1000 + i}`]))
    const lost = ids.filter((id) => account.there().get(emailOf.get(id)!) !== wanted.get(id))
    expect(lost.length).toBeGreaterThan(0)
    expect(first.named).toEqual(
      lost
        .toSorted()
        .map((localId) => ({ localId, code: 'certificate.lost', detail: 'Not there: phone.' })),
    )
    expect(first.certificate).toMatchObject({ missing: 0, lost: lost.length })
    const second = await run()
    expect(second.named).toEqual([])
    for (const id of ids) expect(account.there().get(emailOf.get(id)!)).toBe(wanted.get(id))

    // Whole: an edit there that no pull has seen yet is told apart from a loss.
    clock.advance(HOUR_MS)
    account.edit(emailOf.get(ids[0]!)!, '+33 1 23')
    const id = await hub.queue([account.people], 'manual', { reconcile: true })
    await hub.perform(id)
    const [whole] = await store.read(hub.workspaceId, (tx) => listCertificates(tx, id))
    expect(whole).toMatchObject({
      scope: 'whole',
      hereCount: ids.length,
      missing: 0,
      lost: 0,
      gone: 0,
    })
  })

  test('a score that the vendor drops with a success is named too', async () => {
    const { clock, account, hub, run } = await openWorld()
    const ids = await hub.addLeads(20)
    await run()
    clock.advance(HOUR_MS)
    for (const id of ids) await hub.changeLead(id, { score: 1234, channel: 'webinar' })
    await hub.note(ids, 5000)
    const lift = account.failNext({
      kind: 'drop-writes',
      share: 1,
      seed: 3,
      of: 'updates',
      count: 'until-lifted',
    })
    const first = await run()
    lift()
    expect(first.named.map(({ detail }) => detail)).toEqual(
      ids.map(() => 'Not there: score, channel.'),
    )
    const second = await run()
    expect(second.certificate).toMatchObject({ missing: 0, lost: 0, differingBuckets: 0 })
  })

  test('a record that somebody deletes before it is read back is not missing, and is not made again', async () => {
    const world = await openWorld()
    const { account, hub, run, emails } = world
    const ids = await hub.addLeads(20)
    const emailOf = await emails()
    const gone = emailOf.get(ids[3]!)!
    world.beforeRead(() => account.remove(gone))
    const first = await run()
    expect(first.named).toEqual([])
    expect(first.certificate).toMatchObject({ hereCount: 20, thereCount: 19, missing: 0, gone: 1 })
    await run()
    expect(account.there().has(gone)).toBe(false)
    expect(account.there().size).toBe(19)
  })

  test('a vendor that stops answering while it is read back undoes nothing, and the next run proves the rest', async () => {
    const world = await openWorld()
    const { account, hub, run } = world
    await hub.addLeads(20)
    let lift = () => {}
    world.beforeRead(() => {
      lift = account.failNext({ kind: 'status', status: 503, count: 'until-lifted' })
    })
    const first = await run()
    lift()
    expect(account.there().size).toBe(20)
    expect(first.row.state).toBe('succeeded')
    expect(first.certificate).toBeUndefined()
    const open = () =>
      hub.query(sql<{ code: string }>`
        select code from sync_errors where connection_id = ${hub.connectionId}`)
    expect(await open()).toEqual([{ code: 'certificate.unread' }])
    const second = await run()
    expect(second.certificate).toMatchObject({ hereCount: 20, thereCount: 20, missing: 0 })
    expect(await open()).toEqual([])
  })
})

/** The connector, with a moment in between: just before it reads records back for the first time. */
function interrupted(connector: Connector, act: () => void): Connector {
  let isDue = true
  return {
    ...connector,
    open(connection) {
      const session = connector.open(connection)
      const streams = session.streams.map((stream) => {
        const { fetch } = stream
        if (!fetch) return stream
        const read: typeof fetch = (...given) => {
          if (isDue) act()
          isDue = false
          return fetch(...given)
        }
        return { ...stream, fetch: read }
      })
      return { ...session, streams }
    },
  }
}

describe('by its rules', () => {
  const field = { name: 'phone', direction: 'both', policy: 'latest' } as MergedField
  const at = (ms: number) => new Date(START_MS + ms)
  const believed = (more: Partial<Believed> = {}): Believed => ({
    localId: 'lead_1',
    externalId: '9',
    base: { v: 2, ours: { phone: 'new' }, theirs: { phone: 'new' } },
    knownAt: at(0),
    isUnproved: true,
    before: { phone: { ours: 'old', theirs: 'old' } },
    ...more,
  })
  const seen = (phone: string | null, ms = 0) => ({
    externalId: '9',
    modifiedAt: at(ms),
    deleted: false,
    values: { phone },
    references: {},
  })

  test.each([
    ['as believed', believed(), seen('new'), 'right'],
    ['as before our write, untouched since', believed(), seen('old'), 'lost'],
    ['as before our write, changed there since', believed(), seen('old', 1), 'changed_there'],
    ['another value, in the vendor’s own spelling', believed(), seen('NEW'), 'changed_there'],
    [
      'never agreed on before, and blank',
      believed({ before: { phone: null } }),
      seen(null),
      'lost',
    ],
    [
      'read back before',
      believed({ isUnproved: false, before: null }),
      seen('old'),
      'changed_there',
    ],
    ['new, and not there', believed({ before: null }), null, 'missing'],
    ['changed, and not there', believed(), null, 'gone'],
    ['read back before, and not there', believed({ isUnproved: false }), null, 'gone'],
  ] as const)('%s', (_what, one, there, kind) => {
    expect(judge([field], one, there).kind).toBe(kind)
  })

  test('what was lost counts as unsent again', () => {
    const { base, before } = believed()
    expect(withoutLost(base!, before!, ['phone'])).toMatchObject({
      ours: { phone: 'old' },
      theirs: { phone: 'old' },
    })
    expect(withoutLost(base!, { phone: null }, ['phone']).theirs).toEqual({})
  })

  test('hashes of both sides are equal in any order, and differ for one value', () => {
    const key = randomBytes(32)
    const tallies = [new Tally(key, [field]), new Tally(key, [field]), new Tally(key, [field])]
    const ids = Array.from({ length: 500 }, (_, i) => String(i))
    const base = (id: string) => ({ v: 2 as const, ours: {}, theirs: { phone: `+${id}` } })
    for (const id of ids) {
      tallies[0]!.addBelieved({ ...believed({ base: base(id) }), externalId: id }, null)
      const phone = id === '77' ? 'other' : `+${id}`
      tallies[2]!.addSeen({ ...seen(phone), externalId: id }, base(id))
    }
    for (const id of ids.toReversed())
      tallies[1]!.addSeen({ ...seen(`+${id}`), externalId: id }, base(id))
    expect(tallies[1]!.hash).toBe(tallies[0]!.hash)
    expect(tallies[0]!.differing(tallies[1]!)).toBe(0)
    expect(tallies[2]!.hash).not.toBe(tallies[0]!.hash)
    expect(tallies[0]!.differing(tallies[2]!)).toBe(1)
    expect(tallies[2]!.count).toBe(500)
  })
})

describe('a sample', () => {
  test('is one in twenty, and at least a hundred', () => {
    expect([0, 60, 100, 101, 2000, 2001, 100_000].map((all) => readBackOf('sample', all))).toEqual([
      0, 60, 100, 100, 100, 101, 5000,
    ])
    expect([readBackOf('full', 7), readBackOf('off', 7)]).toEqual([7, 0])
  })

  test('makes nothing complete, and what is missing counts more than what nobody looked at', () => {
    const clean = { missing: 0, lost: 0, unreadCount: 0 }
    expect(verdictOf([])).toBe('not_checked')
    expect(verdictOf([clean])).toBe('complete')
    expect(verdictOf([clean, { ...clean, unreadCount: 1 }])).toBe('not_proved')
    expect(verdictOf([{ ...clean, unreadCount: 9, lost: 1 }])).toBe('incomplete')
  })

  test('of 1,000 written records some hundred are read back, in a call or two', async () => {
    const clock = new ManualClock(START)
    const { leads: _leads, open } = vendorAccounts['HubSpot']!
    const account = await open(() => clock.now().getTime())
    const { connector, settings } = account
    const engine = testEngine(store, clock, {
      connectors: new Map([[connector.vendor, connector]]),
    })
    const hub = await TestHub.open(
      engine,
      { url: '', token: '' },
      { vendor: connector.vendor, settings },
    )
    await store.transaction(hub.workspaceId, (tx) =>
      tx.execute(sql`update connections set read_back = 'sample' where id = ${hub.connectionId}`),
    )
    await hub.addLeads(1000)
    const { id, checkCalls } = await hub.run([account.people])
    const [certificate] = await store.read(hub.workspaceId, (tx) => listCertificates(tx, id))
    const { hereCount = 0, unreadCount = 0 } = certificate ?? {}
    expect(hereCount + unreadCount).toBe(1000)
    // Six standard deviations of a draw of one in ten.
    expect(Math.abs(hereCount - 100)).toBeLessThan(57)
    expect(checkCalls).toBeLessThanOrEqual(2)
    expect(verdictOf([certificate!])).toBe('not_proved')
  })
})
