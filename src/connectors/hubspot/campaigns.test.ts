import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { HOUR_MS, ManualClock, MINUTE_MS, WEEK_MS } from '#core/time.ts'
import { startHubspot, type HubspotSandbox } from '#sandbox/hubspot/index.ts'
import { VendorFault, type PushChange, type Session, type VendorCall } from '#sync/connector.ts'
import { listOf, objectOf, textOf } from '#sandbox/json.ts'
import type { Candidate, EntityRecord } from '#sync/entity.ts'
import { hasSpecs, readSpec, sayAbsent } from '#tests/vendor-specs.ts'
import { lookCalls } from './campaign-finder.ts'
import { hubspot } from './index.ts'

const signal = new AbortController().signal
const READ_SCOPES = ['marketing.campaigns.read', 'crm.objects.contacts.read']
let sandbox: HubspotSandbox
let clock: ManualClock
let calls: VendorCall[]
let waits: number[]
const sessions: Session[] = []

beforeEach(async () => {
  clock = new ManualClock(new Date('2026-11-23T08:00:00Z'))
  calls = []
  waits = []
  sandbox = await startHubspot({
    now: () => clock.now().getTime(),
    tokens: [
      { token: 'pat-all', appId: 1 },
      { token: 'pat-reader', appId: 1, scopes: READ_SCOPES },
      { token: 'pat-none', appId: 1, scopes: ['crm.objects.contacts.read'] },
    ],
    limits: { tenSecondly: null },
  })
})
afterEach(async () => {
  for (const session of sessions.splice(0)) await session.close()
  await sandbox.stop()
})

function campaigns(token = sandbox.token) {
  const session = hubspot.open({
    id: 'con_1',
    settings: { baseUrl: sandbox.url, token },
    clock,
    onCall: (call) => calls.push(call),
    saveSettings: async () => undefined,
    wait: async (durationMs) => void waits.push(durationMs),
  })
  sessions.push(session)
  return session.streams.find(({ name }) => name === 'campaigns')!
}

const guid = (n: number) => `430318c4-abb7-4bf7-a75e-${String(n).padStart(12, '0')}`

function seed(n: number, properties: Record<string, string> = {}): string {
  sandbox.seed({ campaigns: [{ id: guid(n), properties: { hs_name: `C${n}`, ...properties } }] })
  return guid(n)
}

async function pullAll(stream: ReturnType<typeof campaigns>, from: unknown = null) {
  const found: Candidate[] = []
  let cursor = from
  for (let pages = 0; pages < 100; pages += 1) {
    const page = await stream.pull!(cursor, signal)
    found.push(...page.candidates)
    cursor = JSON.parse(JSON.stringify(page.cursor)) as unknown
    if (page.done) return { found, cursor }
  }
  throw new Error('the stream does not end')
}

const idsOf = (found: readonly Candidate[]) => found.map(({ externalId }) => externalId)

function changeOf(
  stream: ReturnType<typeof campaigns>,
  localId: string,
  values: EntityRecord['values'],
  externalId: string | null = null,
): PushChange {
  const record = { localId, values }
  return { key: localId, record, externalId, properties: stream.toVendor!(record, {}) }
}

const valuesOf = (n: number) => ({ name: `C${n}`, key: `c${n}`, status: 'active', startsOn: null })

async function faultOf(work: Promise<unknown>): Promise<VendorFault> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(VendorFault)
  return error as VendorFault
}

describe('reading campaigns', () => {
  test('all come once, page by page, with what is read beside the fields', async () => {
    const ids = Array.from({ length: 230 }, (_, n) => seed(n, { hs_notes: 'x' }))
    const { found } = await pullAll(campaigns())
    expect(idsOf(found).toSorted()).toEqual(ids.toSorted())
    expect(calls).toHaveLength(3)
    expect(found[0]).toMatchObject({
      deleted: false,
      values: { startsOn: null, endsOn: null, status: null },
      raw: { hs_notes: 'x', hs_audience: null },
    })
    expect(found[0]?.modifiedAt).toEqual(clock.now())
  })

  test('a quiet run is one call, and later only what changed comes', async () => {
    for (let n = 0; n < 130; n += 1) {
      seed(n)
      clock.advance(MINUTE_MS)
    }
    const stream = campaigns()
    const first = await pullAll(stream)
    calls.length = 0
    const quiet = await pullAll(stream, first.cursor)
    expect([quiet.found, calls.length]).toEqual([[], 1])
    sandbox.editCampaign(guid(7), { hs_name: 'Renamed', hs_budget_items_sum_amount: '12.5' })
    seed(500)
    const second = await pullAll(stream, quiet.cursor)
    expect(idsOf(second.found).toSorted()).toEqual([guid(7), guid(500)].toSorted())
    expect(second.found.find(({ externalId }) => externalId === guid(7))?.values).toMatchObject({
      name: 'Renamed',
      budgetMinor: 1250,
      currency: 'USD',
    })
    const third = await pullAll(stream, second.cursor)
    expect(third.found).toEqual([])
  })

  test('more changes than a page holds all come', async () => {
    for (let n = 0; n < 250; n += 1) seed(n)
    const stream = campaigns()
    const first = await pullAll(stream)
    clock.advance(HOUR_MS)
    for (let n = 0; n < 240; n += 1) sandbox.editCampaign(guid(n), { hs_notes: 'new' })
    const second = await pullAll(stream, first.cursor)
    expect(second.found).toHaveLength(240)
  })

  test('a campaign that was deleted comes as gone, and only once', async () => {
    for (let n = 0; n < 120; n += 1) seed(n)
    const stream = campaigns()
    const first = await pullAll(stream)
    clock.advance(HOUR_MS)
    sandbox.removeCampaign(guid(3))
    seed(200)
    const second = await pullAll(stream, first.cursor)
    expect(second.found.filter(({ deleted }) => deleted)).toEqual([
      { externalId: guid(3), modifiedAt: null, deleted: true, values: {}, references: {} },
    ])
    calls.length = 0
    const third = await pullAll(stream, second.cursor)
    expect([third.found, calls.length]).toEqual([[], 1])
  })

  test('one that a page skips because another vanishes meanwhile is not called gone', async () => {
    for (let n = 0; n < 150; n += 1) {
      seed(n)
      clock.advance(MINUTE_MS)
    }
    const stream = campaigns()
    const first = await pullAll(stream)
    clock.advance(WEEK_MS)
    const changes = await stream.pull!(first.cursor, signal)
    expect(changes.done).toBe(false)
    const page = await stream.pull!(changes.cursor, signal)
    // The list of the first hundred was read; the one behind it moves into it.
    sandbox.removeCampaign(guid(3))
    const rest = await pullAll(stream, page.cursor)
    const seen = new Set(idsOf([...page.candidates, ...rest.found]))
    expect(rest.found.filter(({ deleted }) => deleted).map(({ externalId }) => externalId)).toEqual(
      [],
    )
    expect(seen.has(guid(100))).toBe(true)
    const next = await pullAll(stream, rest.cursor)
    expect(idsOf(next.found.filter(({ deleted }) => deleted))).toEqual([guid(3)])
  })

  test('all are read again after a week: a sum there may change without a word', async () => {
    for (let n = 0; n < 3; n += 1) seed(n)
    const stream = campaigns()
    const first = await pullAll(stream)
    clock.advance(WEEK_MS)
    expect((await pullAll(stream, first.cursor)).found).toHaveLength(3)
  })

  test('campaigns asked for by id come as they are, those that are gone not at all', async () => {
    const ids = Array.from({ length: 60 }, (_, n) => seed(n))
    const found = await campaigns().fetch!([...ids, guid(999)], signal)
    expect(idsOf(found).toSorted()).toEqual(ids.toSorted())
    expect(calls.map(({ path }) => path)).toEqual([
      '/marketing/campaigns/{version}/batch/read',
      '/marketing/campaigns/{version}/batch/read',
    ])
  })

  test('an unreadable position leads to a new beginning', async () => {
    expect((await faultOf(campaigns().pull!({ not: 'ours' }, signal))).kind).toBe('cursor_lost')
  })

  test('what a first pull takes is counted in one call, also where the scope is missing', async () => {
    for (let n = 0; n < 101; n += 1) seed(n)
    expect(await campaigns().sizeUp!(signal)).toEqual({ records: 101, calls: 2 })
    expect(calls).toHaveLength(1)
    expect(await campaigns('pat-none').sizeUp!(signal)).toEqual({ records: null, calls: 1 })
  })

  test('a missing scope is named', async () => {
    const fault = await faultOf(campaigns('pat-none').pull!(null, signal))
    expect(fault).toMatchObject({ kind: 'permission', code: 'MISSING_SCOPES' })
    expect(fault.message).toContain('marketing.campaigns.read')
  })
})

describe('writing campaigns', () => {
  test('new ones are made once, in batches of fifty, and a repeated push makes no more', async () => {
    const stream = campaigns()
    const changes = Array.from({ length: 50 }, (_, n) => changeOf(stream, `cmp_${n}`, valuesOf(n)))
    const made = await stream.push!(changes, signal)
    expect(new Set(made.map(({ kind }) => kind))).toEqual(new Set(['written']))
    const made0 = made[0]!
    const there = sandbox.campaigns().find(({ properties }) => properties['hs_name'] === 'C0')
    expect(made0.kind === 'written' && made0.externalId).toBe(there?.id)
    expect(there?.properties).toEqual({
      hs_name: 'C0',
      hs_utm: 'c0',
      hs_campaign_status: 'active',
    })
    expect(calls.map(({ method }) => method)).toEqual(['GET', 'POST'])
    const again = await campaigns().push!(changes, signal)
    expect(new Set(again.map(({ kind }) => kind))).toEqual(new Set(['exists']))
    expect(sandbox.campaigns()).toHaveLength(50)
  })

  test('one of the same UTM value is given back as it is, and nothing of it is written', async () => {
    const id = seed(1, { hs_name: 'Fair', hs_utm: 'Spring%20Fair' })
    const stream = campaigns()
    const change = changeOf(stream, 'cmp_1', { name: 'Other', key: 'spring fair' })
    const [found] = await stream.push!([change], signal)
    expect(found).toMatchObject({
      kind: 'exists',
      externalId: id,
      now: { localId: 'cmp_1', values: { name: 'Fair' } },
    })
    expect(sandbox.campaigns()[0]?.properties['hs_name']).toBe('Fair')
  })

  test('a name alone is no campaign: another of the same name is made', async () => {
    seed(1, { hs_name: 'Fair', hs_utm: 'fair_2026' })
    const stream = campaigns()
    const change = changeOf(stream, 'cmp_1', { name: 'Fair', key: 'fair_2027' })
    expect((await stream.push!([change], signal))[0]).toMatchObject({
      kind: 'written',
      created: true,
    })
    expect(sandbox.campaigns()).toHaveLength(2)
  })

  test('an answer that was lost after HubSpot wrote leads to no second campaign', async () => {
    const stream = campaigns()
    const change = changeOf(stream, 'cmp_1', valuesOf(1))
    sandbox.failNext({ kind: 'drop-after', method: 'POST' })
    expect((await faultOf(stream.push!([change], signal))).kind).toBe('transient')
    expect((await stream.push!([change], signal))[0]?.kind).toBe('exists')
    expect([sandbox.campaigns().length, waits]).toEqual([1, []])
  })

  test('a call that was lost before is made again, once the list had time to show the campaign', async () => {
    const stream = campaigns()
    const change = changeOf(stream, 'cmp_1', valuesOf(1))
    sandbox.failNext({ kind: 'drop-before', method: 'POST' })
    await faultOf(stream.push!([change], signal))
    expect((await stream.push!([change], signal))[0]?.kind).toBe('written')
    expect([sandbox.campaigns().length, waits]).toEqual([1, [5000]])
  })

  test('only what is sent changes; null empties', async () => {
    const id = seed(1, { hs_start_date: '2027-01-01', hs_notes: 'x' })
    const stream = campaigns()
    const change = changeOf(stream, 'cmp_1', { name: 'New', startsOn: null }, id)
    const [written] = await stream.push!([change], signal)
    expect(written).toMatchObject({ kind: 'written', externalId: id, created: false })
    expect(sandbox.campaigns()[0]?.properties).toEqual({ hs_name: 'New', hs_notes: 'x' })
  })

  test.each([1, 7, 50])(
    'of %i, the one that is refused is named and stops no other',
    async (count) => {
      const ids = Array.from({ length: count }, (_, n) => seed(n))
      const stream = campaigns()
      const bad = count >> 1
      const changes = ids.map((id, n) => ({
        ...changeOf(stream, `cmp_${n}`, { name: `New ${n}` }, id),
        ...(n === bad ? { properties: { hs_campaign_status: 'nonsense' } } : {}),
      }))
      const results = await stream.push!(changes, signal)
      expect(results.flatMap(({ kind }, n) => (kind === 'written' ? [] : [n]))).toEqual([bad])
      expect(results[bad]).toEqual({
        kind: 'refused',
        fault: 'record',
        code: 'INVALID_OPTION',
        detail: 'Properties: hs_campaign_status.',
      })
      const made = Array.from({ length: count }, (_, n) => ({
        ...changeOf(stream, `new_${n}`, { name: `Made ${n}`, key: `made_${n}` }),
        ...(n === bad ? { properties: { hs_name: 'Bad', hs_owner: '1' } } : {}),
      }))
      const outcomes = await stream.push!(made, signal)
      expect(outcomes.flatMap(({ kind }, n) => (kind === 'written' ? [] : [n]))).toEqual([bad])
      expect(sandbox.campaigns()).toHaveLength(count * 2 - 1)
    },
  )

  test('one that is gone is told as gone, and the others are written', async () => {
    const ids = [seed(1), guid(404), seed(2)]
    const stream = campaigns()
    const changes = ids.map((id, n) => changeOf(stream, `cmp_${n}`, { name: `New ${n}` }, id))
    const results = await stream.push!(changes, signal)
    expect(results.map(({ kind }) => kind)).toEqual(['written', 'refused', 'written'])
    expect(results[1]).toMatchObject({ fault: 'gone', code: 'OBJECT_NOT_FOUND' })
  })

  test('deleting is done once, whether they were there or not', async () => {
    const id = seed(1)
    const stream = campaigns()
    const change = { ...changeOf(stream, 'cmp_1', {}, id), deleted: true }
    const results = [await stream.push!([change], signal), await stream.push!([change], signal)]
    for (const [result] of results)
      expect(result).toMatchObject({ kind: 'written', externalId: id })
    expect(sandbox.campaigns()).toEqual([])
  })

  test('with the scope to read alone nothing is written, and the one to write is named', async () => {
    const stream = campaigns('pat-reader')
    const fault = await faultOf(stream.push!([changeOf(stream, 'cmp_1', valuesOf(1))], signal))
    expect(fault.kind).toBe('permission')
    expect(fault.message).toContain('marketing.campaigns.write')
  })

  test('the calls that look for campaigns are as many as were said', async () => {
    for (let n = 0; n < 150; n += 1) seed(n)
    const stream = campaigns()
    const changes = Array.from({ length: 120 }, (_, n) =>
      changeOf(stream, `cmp_${n}`, { name: `N${n}`, key: `n${n}` }),
    )
    for (let from = 0; from < 120; from += 50)
      await stream.push!(changes.slice(from, from + 50), signal)
    const looked = calls.filter(({ method }) => method === 'GET')
    expect(looked).toHaveLength(lookCalls(120, 150))
    expect(calls).toHaveLength(looked.length + 3)
  })
})

test('every call is one of HubSpot’s list, with parameters that it has', async ({ annotate }) => {
  if (!hasSpecs('hubspot-dated-paths.json')) return await sayAbsent(annotate)
  const groups = objectOf(readSpec('hubspot-dated-paths.json')['groups'])
  const listed = listOf(groups['campaigns']).map(objectOf)
  const id = seed(1)
  const stream = campaigns()
  await pullAll(stream)
  await stream.fetch!([id], signal)
  await stream.listAll!(null, signal)
  await stream.push!([changeOf(stream, 'cmp_1', { name: 'New' }, id)], signal)
  await stream.push!([changeOf(stream, 'cmp_2', valuesOf(2))], signal)
  await stream.push!([{ ...changeOf(stream, 'cmp_1', {}, id), deleted: true }], signal)
  const made = sandbox.requests().map(({ method, url }) => {
    const { pathname, searchParams } = new URL(url, sandbox.url)
    const known = listed.find((one) => one['method'] === method && one['path'] === pathname)
    const queries = listOf(known?.['query']).map(textOf)
    const unknown = [...searchParams.keys()].filter((name) => !queries.includes(name))
    return { call: `${method} ${pathname}`, isListed: known !== undefined, unknown }
  })
  const base = '/marketing/campaigns/2026-09'
  expect([...new Set(made.map(({ call }) => call))].toSorted()).toEqual([
    `GET ${base}`,
    `POST ${base}/batch/archive`,
    `POST ${base}/batch/create`,
    `POST ${base}/batch/read`,
    `POST ${base}/batch/update`,
  ])
  for (const one of made) expect(one).toMatchObject({ isListed: true, unknown: [] })
})
