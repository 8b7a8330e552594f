import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { HOUR_MS, ManualClock, MINUTE_MS, SECOND_MS } from '#core/time.ts'
import { startPipedrive, type PipedriveSandbox } from '#sandbox/pipedrive/index.ts'
import {
  VendorFault,
  type OpenConnection,
  type PushResult,
  type Session,
  type Stream,
  type VendorCall,
} from '#sync/connector.ts'
import type { Candidate, EntityRecord } from '#sync/entity.ts'
import { hideSecrets } from '#sync/settings.rules.ts'
import { pipedrive } from './index.ts'

const signal = new AbortController().signal
let sandbox: PipedriveSandbox
let clock: ManualClock
let calls: VendorCall[]
/** What the connection keeps, as the engine does. */
let settings: Record<string, unknown>
const sessions: Session[] = []

beforeEach(async () => {
  clock = new ManualClock(new Date('2026-11-23T08:00:00Z'))
  calls = []
  sandbox = await startPipedrive({
    now: () => clock.now().getTime(),
    limits: { tokenBurst: 100_000, oauthBurst: 100_000, searchBurst: 100_000 },
  })
  settings = { baseUrl: sandbox.url, token: sandbox.token, dailyTokens: 1_000_000 }
})
afterEach(async () => {
  for (const session of sessions.splice(0)) await session.close()
  await sandbox.stop()
})

function open(options: Partial<OpenConnection> = {}): Session {
  const session = pipedrive.open({
    id: 'con_1',
    settings: { ...settings },
    clock,
    onCall: (call) => calls.push(call),
    saveSettings: async (changes) => {
      Object.assign(settings, changes)
    },
    wait: async () => undefined,
    ...options,
  })
  sessions.push(session)
  return session
}

const streamOf = (session: Session, name: string): Stream =>
  session.streams.find((stream) => stream.name === name)!

async function prepared(): Promise<Session> {
  const session = open()
  await session.prepare(signal)
  return session
}

function lead(n: number, values: EntityRecord['values'] = {}): EntityRecord {
  return {
    localId: `lead_${n}`,
    values: { email: `p${n}@example.com`, firstName: `P${n}`, ...values },
  }
}

/** Pushes records through a stream as the engine does: those with an id of the vendor's, or those without one. */
function push(
  session: Session,
  records: readonly EntityRecord[],
  externalId: string | null = null,
): Promise<PushResult[]> {
  const persons = streamOf(session, 'persons')
  const changes = records.map((record) => ({
    key: record.localId,
    record,
    externalId,
    properties: persons.toVendor!(record, {}),
  }))
  return persons.push!(changes, signal)
}

async function pullAll(stream: Stream, from: unknown = null) {
  const candidates: Candidate[] = []
  let cursor = from
  for (;;) {
    const page = await stream.pull!(cursor, signal)
    candidates.push(...page.candidates)
    cursor = page.cursor
    if (page.done) return { candidates, cursor }
  }
}

async function faultOf(work: Promise<unknown>): Promise<VendorFault> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(VendorFault)
  return error as VendorFault
}

const countOf = (method: string, path: string) =>
  calls.filter((call) => call.method === method && call.path === path).length

describe('access', () => {
  async function useOauth(): Promise<void> {
    const { clientId, clientSecret, redirectUris } = sandbox.oauthApp
    const basic = Buffer.from(`${clientId}:${clientSecret}`).toString('base64')
    const answer = await fetch(`${sandbox.url}/oauth/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${basic}` },
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        code: sandbox.authorize(),
        redirect_uri: redirectUris[0] ?? '',
      }),
    })
    const { refresh_token: refreshToken } = (await answer.json()) as { refresh_token: string }
    settings = { oauthUrl: sandbox.url, clientId, clientSecret, refreshToken }
  }

  test('a token names its company; a wrong one asks for a login', async () => {
    expect((await open().test(signal)).account).toBe('Pipedrive Example')
    settings['token'] = 'wrong'
    expect((await faultOf(open().test(signal))).kind).toBe('reauth')
  })

  test('with OAuth calls go to the host that the token names, and share one renewal', async () => {
    await useOauth()
    const session = open()
    await Promise.all([session.test(signal), streamOf(session, 'owners').pull!(null, signal)])
    expect(countOf('POST', '/oauth/token')).toBe(1)
    expect(settings['baseUrl']).toBe(sandbox.url)
  })

  test('access is renewed before it ends and when it is refused, and a rotated token is kept first', async () => {
    await useOauth()
    sandbox.settings.rotatesRefreshTokens = true
    const session = open()
    const list = () => streamOf(session, 'owners').pull!(null, signal)
    await list()
    const first = settings['refreshToken']
    clock.advance(50 * MINUTE_MS)
    await list()
    expect(settings['refreshToken']).not.toBe(first)
    sandbox.failNext({ kind: 'expire-token', path: '/v1/users' })
    await list()
    expect(countOf('POST', '/oauth/token')).toBe(3)
    expect((await open().test(signal)).account).toBe('Pipedrive Example')
  })

  test('a revoked grant asks for a login', async () => {
    await useOauth()
    sandbox.revokeGrants()
    expect((await faultOf(open().test(signal))).kind).toBe('reauth')
  })
})

describe('faults', () => {
  test.each([
    [{ status: 402 }, 'account', false],
    [{ status: 403 }, 'permission', false],
    [{ status: 403, policy: 'CDN' }, 'account', true],
    [{ status: 410 }, 'gone', false],
    [{ status: 429, policy: 'BURST' }, 'rate_burst', true],
    [{ status: 429, policy: 'DAILY' }, 'rate_daily', true],
    [{ status: 503 }, 'transient', false],
  ] as const)('%o is %s', async (fault, kind, hasWait) => {
    const session = open()
    sandbox.failNext({ kind: 'status', ...fault })
    const thrown = await faultOf(session.test(signal))
    expect(thrown.kind).toBe(kind)
    expect(thrown.retryAfterMs !== null).toBe(hasWait)
  })

  test('an HTML page and a cut connection are passing', async () => {
    const session = open()
    sandbox.failNext({ kind: 'html', status: 200 })
    expect((await faultOf(session.test(signal))).kind).toBe('transient')
    sandbox.failNext({ kind: 'drop-before' })
    expect((await faultOf(session.test(signal))).kind).toBe('transient')
  })

  test('without rate headers the fourth refusal in a row is taken for the end of the day', async () => {
    sandbox.settings.hidesRateHeaders = true
    const session = open()
    const kinds: string[] = []
    for (let i = 0; i < 4; i += 1) {
      sandbox.failNext({ kind: 'status', status: 429 })
      kinds.push((await faultOf(session.test(signal))).kind)
    }
    expect(kinds).toEqual(['rate_burst', 'rate_burst', 'rate_burst', 'rate_daily'])
  })
})

describe('tokens', () => {
  test('the hub stops at its share of the day, tells until when, and goes on the next day', async () => {
    Object.assign(settings, { dailyTokens: 1000, sharePercent: 10 })
    const session = open()
    const users = () => streamOf(session, 'owners').pull!(null, signal)
    for (let i = 0; i < 5; i += 1) await users()
    const fault = await faultOf(users())
    expect(fault).toMatchObject({ kind: 'rate_daily', retryAfterMs: 16 * HOUR_MS })
    expect(sandbox.usage().spent).toBe(100)
    clock.advance(16 * HOUR_MS)
    await users()
  })

  test('a process that dies leaves its tokens counted', async () => {
    Object.assign(settings, { dailyTokens: 1000, sharePercent: 10 })
    const killed = open()
    for (let i = 0; i < 3; i += 1) await streamOf(killed, 'owners').pull!(null, signal)
    const next = open()
    const [quota] = await next.quota!(signal)
    expect(quota?.used).toBeGreaterThanOrEqual(60)
    const spend = async () => {
      for (;;) await streamOf(next, 'owners').pull!(null, signal)
    }
    expect((await faultOf(spend())).kind).toBe('rate_daily')
    expect(sandbox.usage().spent).toBeLessThanOrEqual(100)
  })

  test('what was set aside and not used is given back', async () => {
    const session = open()
    await session.test(signal)
    await session.close()
    expect(settings['usage']).toEqual({ day: '2026-11-23', tokens: 2 })
  })

  test('a batch that does not fit into the day is not begun', async () => {
    const session = await prepared()
    Object.assign(settings, { dailyTokens: 4000, sharePercent: 50 })
    await session.close()
    const next = open()
    const batch = (from: number) => Array.from({ length: 80 }, (_, i) => lead(from + i))
    for (const from of [0, 100, 200, 300]) await push(next, batch(from))
    expect((await faultOf(push(next, batch(400)))).kind).toBe('rate_daily')
    expect(sandbox.count('person')).toBe(320)
  })

  test('what the hub keeps in the settings is nothing that anyone signed', async () => {
    const signed = hideSecrets(pipedrive.settings, settings)
    await prepared()
    expect(settings).toHaveProperty('usage')
    expect(settings).toHaveProperty('fieldCodes')
    expect(hideSecrets(pipedrive.settings, settings)).toEqual(signed)
  })

  test('after the vendor said that the day is over, no call is made until the next one', async () => {
    sandbox.setLimits({ daily: 25 })
    const session = open()
    const users = () => streamOf(session, 'owners').pull!(null, signal)
    await users()
    expect((await faultOf(users())).kind).toBe('rate_daily')
    const made = calls.length
    expect((await faultOf(users())).kind).toBe('rate_daily')
    expect(calls).toHaveLength(made)
  })
})

describe('the hub’s own fields', () => {
  test('they are added once, and a field that was renamed stays ours', async () => {
    const session = await prepared()
    await push(session, [lead(1)])
    const code = sandbox.codeOf('person', 'Throughline lead id')!
    sandbox.renameField('person', code, 'Do not touch')
    const later = open()
    await later.prepare(signal)
    await push(later, [lead(2)])
    expect(sandbox.codeOf('person', 'Throughline lead id')).toBe(null)
    expect(
      [...sandbox.records('person')].map(({ id }) => sandbox.read('person', id, code)),
    ).toEqual(['lead_1', 'lead_2'])
  })

  test('a field that was deleted is missed and put back', async () => {
    const session = await prepared()
    await push(session, [lead(1)])
    const code = sandbox.codeOf('person', 'Throughline score')!
    await fetch(`${sandbox.url}/api/v2/personFields/${code}`, {
      method: 'DELETE',
      headers: { 'x-api-token': sandbox.token },
    })
    const fault = await faultOf(push(session, [lead(2, { score: 7 })]))
    expect(fault.kind).toBe('mapping')
    await session.prepare(signal)
    const [result] = await push(session, [lead(2, { score: 7 })])
    expect(result).toMatchObject({ kind: 'written', created: true })
    const again = sandbox.codeOf('person', 'Throughline score')!
    expect(sandbox.read('person', '2', again)).toBe(7)
  })
})

describe('push', () => {
  test('a person whose answer was lost is not created twice, although the search lags', async () => {
    sandbox.settings.searchLagMs = HOUR_MS
    const session = await prepared()
    sandbox.failNext({ kind: 'drop-after', method: 'POST', path: '/api/v2/persons', after: 1 })
    const records = Array.from({ length: 10 }, (_, n) => lead(n))
    expect((await faultOf(push(session, records))).kind).toBe('transient')
    const written = sandbox.count('person')
    expect(written).toBeLessThan(10)
    const results = await push(session, records)
    expect(results.filter(({ kind }) => kind === 'exists')).toHaveLength(1)
    expect(results.filter(({ kind }) => kind === 'written')).toHaveLength(9)
    expect(sandbox.count('person')).toBe(10)
    // What had been answered was not asked for again.
    expect(countOf('POST', '/api/v2/persons')).toBe(10)
  })

  test('nor is it after the process died: the next one looks first', async () => {
    sandbox.settings.searchLagMs = HOUR_MS
    const killed = await prepared()
    sandbox.failNext({ kind: 'drop-after', method: 'POST', path: '/api/v2/persons' })
    await faultOf(push(killed, [lead(1)]))
    clock.advance(30 * SECOND_MS)
    const [result] = await push(open(), [lead(1)])
    expect(result).toMatchObject({ kind: 'exists', externalId: '1' })
    expect(sandbox.count('person')).toBe(1)
  })

  test('a person with the address is found, keeps what it has and gets our id', async () => {
    const emails = [{ value: 'P1@Example.com' }, { value: 'other@example.com' }]
    sandbox.seed({
      records: { person: [{ name: 'Paula', emails, phones: [{ value: '+49 30' }] }] },
    })
    clock.advance(HOUR_MS)
    const session = await prepared()
    const [result] = await push(session, [lead(1, { phone: '1' })])
    expect(result).toMatchObject({ kind: 'exists', externalId: '1' })
    expect(result).toMatchObject({ now: { localId: 'lead_1', values: { phone: '+49 30' } } })
    expect(sandbox.read('person', '1', 'name')).toBe('Paula')
    expect(sandbox.read('person', '1', sandbox.codeOf('person', 'Throughline lead id')!)).toBe(
      'lead_1',
    )
  })

  test('of several persons with the address the oldest is taken; one of another lead is not', async () => {
    const emails = [{ value: 'p1@example.com' }]
    sandbox.seed({
      records: {
        person: [
          { name: 'A', emails },
          { name: 'B', emails },
        ],
      },
    })
    const session = await prepared()
    const results = [
      ...(await push(session, [lead(1)])),
      ...(await push(session, [lead(2, { email: 'p1@example.com' })])),
      ...(await push(session, [lead(3, { email: 'p1@example.com' })])),
    ]
    expect(results).toMatchObject([
      { kind: 'exists', externalId: '1' },
      { kind: 'exists', externalId: '2' },
      { kind: 'refused', fault: 'conflict', code: 'PERSON_CLAIMED' },
    ])
    expect(sandbox.count('person')).toBe(2)
  })

  test('two leads of one batch with one address become one person', async () => {
    const session = await prepared()
    const results = await push(session, [lead(1), lead(2, { email: 'P1@example.com' })])
    expect(results).toMatchObject([{ kind: 'written' }, { code: 'PERSON_CLAIMED' }])
    expect(sandbox.count('person')).toBe(1)
  })

  test('a changed address replaces the first one and leaves the others', async () => {
    const emails = [
      { value: 'second@example.com', primary: false, label: 'home' },
      { value: 'old@example.com', primary: true, label: 'work' },
    ]
    sandbox.seed({ records: { person: [{ name: 'P', emails }] } })
    const session = await prepared()
    const change = { localId: 'lead_1', values: { email: 'new@example.com' } }
    const [result] = await push(session, [change], '1')
    expect(result).toMatchObject({ kind: 'written', created: false })
    expect(sandbox.read('person', '1', 'emails')).toEqual([
      { value: 'new@example.com', primary: true, label: 'work' },
      { value: 'second@example.com', primary: false, label: 'home' },
    ])
  })

  test('a name of which one part changes keeps the other', async () => {
    sandbox.seed({ records: { person: [{ name: 'Ada Lovelace' }] } })
    const session = await prepared()
    await push(session, [{ localId: 'lead_1', values: { firstName: 'Augusta' } }], '1')
    expect(sandbox.read('person', '1', 'name')).toBe('Augusta Lovelace')
  })

  test('a record that is refused or gone is named, and the others are written', async () => {
    const session = await prepared()
    const bad = lead(2, { jobTitle: 'x'.repeat(300) })
    const results = await push(session, [lead(1), bad, lead(3)])
    expect(results[1]).toMatchObject({ kind: 'refused', fault: 'record' })
    expect(sandbox.count('person')).toBe(2)
    sandbox.remove('person', '1')
    const [gone] = await push(session, [{ localId: 'lead_1', values: { firstName: 'Q' } }], '1')
    expect(gone).toMatchObject({ kind: 'refused', fault: 'gone' })
  })

  test('of many new records each costs little more than its creation, few are searched for', async () => {
    const name = (i: number) => ({ name: `N${i}`, emails: [{ value: `n${i}@example.com` }] })
    sandbox.seed({ records: { person: Array.from({ length: 5000 }, (_, i) => name(i)) } })
    clock.advance(HOUR_MS)
    await (await prepared()).close()
    sandbox.setLimits({})
    await push(
      open(),
      Array.from({ length: 100 }, (_, i) => lead(i)),
    )
    // One look at what is new, one at the highest id, ten pages of the list, one at ourselves.
    expect(sandbox.usage().spent).toBe(100 * 5 + 10 + 10 + 100 + 2)
    clock.advance(HOUR_MS)
    sandbox.setLimits({})
    await push(open(), [lead(1000)])
    // One look at what is new, one at the highest id, two searches, one at ourselves: less than the list.
    expect(sandbox.usage().spent).toBe(10 + 10 + 40 + 5 + 2)
  })

  test('fields that the workspace mapped are written in the form of their type', async () => {
    const { codes } = sandbox.seed({
      fields: {
        person: [
          { field_name: 'Size', field_type: 'enum', options: [{ label: 'S' }, { label: 'L' }] },
          { field_name: 'Tags', field_type: 'set', options: [{ label: 'a' }, { label: 'b' }] },
          { field_name: 'Worth', field_type: 'monetary' },
        ],
      },
      records: { person: [{ name: 'P' }] },
    })
    const [size = '', tags = '', worth = ''] = codes.person
    const session = await prepared()
    const record = lead(1)
    const properties = { [size]: 'L', [tags]: ['3', '4'], [worth]: '12.5' }
    const change = { key: 'lead_1', record, externalId: '1', properties }
    await streamOf(session, 'persons').push!([change], signal)
    expect(sandbox.read('person', '1', size)).toBe(2)
    expect(sandbox.read('person', '1', tags)).toEqual([3, 4])
    expect(sandbox.read('person', '1', worth)).toEqual({ value: 12.5 })
    const [candidate] = (await pullAll(streamOf(session, 'persons'))).candidates
    expect(candidate?.raw).toMatchObject({ [size]: 2, [tags]: ['3', '4'], [worth]: 12.5 })
  })

  test('a deal moves to a stage and an amount, and the hub creates none', async () => {
    sandbox.seed({ records: { deal: [{ title: 'D', value: 5 }] } })
    const deals = streamOf(open(), 'deals')
    const values = { name: 'E', amountMinor: 1250, currency: 'EUR', status: 'won' }
    const record = { localId: 'opp_1', values }
    const properties = deals.toVendor!(record, { stage: '3', pipeline: '1' })
    const change = { key: 'opp_1', record, properties }
    const [written] = await deals.push!([{ ...change, externalId: '1' }], signal)
    expect(written).toMatchObject({ kind: 'written', now: { values: { amountMinor: 1250 } } })
    expect(sandbox.read('deal', '1', 'stage_id')).toBe(3)
    expect(sandbox.read('deal', '1', 'status')).toBe('won')
    const [refused] = await deals.push!([{ ...change, externalId: null }], signal)
    expect(refused).toMatchObject({ kind: 'refused', code: 'CREATE_NOT_SUPPORTED' })
  })
})

describe('pull', () => {
  test('all records come once, then what changed, also twice within one second', async () => {
    const name = (i: number) => ({ name: `N${i}` })
    sandbox.seed({ records: { person: Array.from({ length: 1200 }, (_, i) => name(i)) } })
    clock.advance(HOUR_MS)
    const persons = streamOf(open(), 'persons')
    const first = await pullAll(persons)
    expect(new Set(first.candidates.map(({ externalId }) => externalId)).size).toBe(1200)
    sandbox.edit('person', '7', { name: 'One' })
    clock.advance(5 * SECOND_MS)
    const second = await pullAll(persons, first.cursor)
    expect(second.candidates.map(({ externalId }) => externalId)).toEqual(['7'])
    expect((await pullAll(persons, second.cursor)).candidates).toEqual([])
  })

  test('a change in a second that was read already is not lost', async () => {
    sandbox.seed({ records: { person: [{ name: 'A' }] } })
    sandbox.settings.clockSkewMs = -90 * SECOND_MS
    const persons = streamOf(open(), 'persons')
    const first = await pullAll(persons)
    sandbox.edit('person', '1', { name: 'B' })
    const second = await pullAll(persons, first.cursor)
    sandbox.edit('person', '1', { name: 'C' })
    const third = await pullAll(persons, second.cursor)
    expect(second.candidates.map(({ values }) => values['firstName'])).toEqual(['B'])
    expect(third.candidates.map(({ values }) => values['firstName'])).toEqual(['C'])
  })

  test('a walk that was cut off for longer than the vendor keeps cursors begins again', async () => {
    sandbox.settings.cursorLifeMs = MINUTE_MS
    const name = (i: number) => ({ name: `N${i}` })
    sandbox.seed({ records: { organization: Array.from({ length: 600 }, (_, i) => name(i)) } })
    const organizations = streamOf(open(), 'organizations')
    const page = await organizations.pull!(null, signal)
    clock.advance(HOUR_MS)
    const rest = await pullAll(organizations, page.cursor)
    const seen = [...page.candidates, ...rest.candidates].map(({ externalId }) => externalId)
    expect(new Set(seen).size).toBe(600)
  })

  test('deals come with their people, times and money; deleted ones as gone, archived ones as well', async () => {
    sandbox.seed({
      users: [{ id: 7, email: 'olive@example.com' }],
      records: {
        organization: [{ name: 'O' }],
        person: [{ name: 'A' }, { name: 'B' }],
        deal: [
          { title: 'D', person_id: 1, org_id: 1, owner_id: 7, value: 12.5, currency: 'EUR' },
          { title: 'E', person_id: 2 },
          { title: 'F', is_archived: true },
        ],
      },
      participants: [{ dealId: '1', personId: '2' }],
    })
    clock.advance(HOUR_MS)
    const deals = streamOf(open(), 'deals')
    const first = await pullAll(deals)
    expect(first.candidates.map(({ externalId }) => externalId).sort()).toEqual(['1', '2', '3'])
    expect(first.candidates[0]).toMatchObject({
      values: { name: 'D', amountMinor: 1250, currency: 'EUR', status: 'open', closedAt: null },
      references: {
        leads: { entity: 'lead', externalIds: ['1', '2'] },
        account: { externalIds: ['1'] },
        owner: { externalIds: ['7'] },
        stage: { externalIds: ['1'] },
      },
    })
    sandbox.edit('deal', '1', { status: 'won' })
    sandbox.remove('deal', '2')
    clock.advance(MINUTE_MS)
    const { candidates } = await pullAll(deals, first.cursor)
    expect(candidates).toMatchObject([
      { externalId: '1', values: { status: 'won', closedAt: '2026-11-23T09:00:00.000Z' } },
      { externalId: '2', deleted: true },
    ])
  })

  test('the list of all ids lacks what was deleted, merged or vanished', async () => {
    const name = (i: number) => ({ name: `N${i}` })
    sandbox.seed({ records: { person: Array.from({ length: 6 }, (_, i) => name(i)) } })
    sandbox.remove('person', '2')
    sandbox.remove('person', '3', 'vanish')
    sandbox.merge('person', '4', '5')
    const persons = streamOf(open(), 'persons')
    const page = await persons.listAll!(null, signal)
    expect(page.done).toBe(true)
    expect(page.records.map(({ externalId }) => externalId)).toEqual(['1', '5', '6'])
  })

  test('a merged person comes as gone into the survivor, and the survivor with whom it took in, first', async () => {
    sandbox.seed({ records: { person: [{ name: 'A' }, { name: 'B' }, { name: 'C' }] } })
    clock.advance(HOUR_MS)
    const persons = streamOf(open(), 'persons')
    const first = await pullAll(persons)
    sandbox.merge('person', '1', '2')
    sandbox.remove('person', '3')
    clock.advance(MINUTE_MS)
    const { candidates, cursor } = await pullAll(persons, first.cursor)
    expect(candidates.slice(0, 3)).toMatchObject([
      { externalId: '2', deleted: false, mergedFrom: ['1'] },
      { externalId: '1', deleted: true, mergedInto: '2' },
      { externalId: '3', deleted: true },
    ])
    expect((await pullAll(persons, cursor)).candidates).toEqual([])
  })

  test('where nobody tells of deletions the changes still come', async () => {
    sandbox.seed({ records: { person: [{ name: 'A' }] } })
    clock.advance(HOUR_MS)
    const persons = streamOf(open(), 'persons')
    const first = await pullAll(persons)
    sandbox.down({ path: '/v1/recents' }, { kind: 'status', status: 403 })
    sandbox.edit('person', '1', { name: 'B' })
    clock.advance(MINUTE_MS)
    const { candidates } = await pullAll(persons, first.cursor)
    expect(candidates.map(({ values }) => values['firstName'])).toEqual(['B'])
  })

  test('owners, pipelines, stages and activities come in our words', async () => {
    sandbox.putUser({ id: 7, email: 'Olive@example.com', name: 'Olive', isActive: false })
    sandbox.seed({
      records: { activity: [{ subject: 'Call', type: 'call', due_date: '2026-12-01' }] },
    })
    const session = open()
    const of = async (name: string) => (await pullAll(streamOf(session, name))).candidates
    expect((await of('owners'))[1]).toMatchObject({
      externalId: '7',
      values: { email: 'olive@example.com', name: 'Olive', active: false },
    })
    expect(await of('pipelines')).toMatchObject([
      { externalId: '1', values: { label: 'Pipeline' } },
    ])
    expect(await of('stages')).toHaveLength(5)
    expect(await of('activities')).toMatchObject([
      { values: { kind: 'call', state: 'open', dueAt: '2026-12-01T00:00:00.000Z', doneAt: null } },
    ])
  })

  test('a person carries the id of ours, and one that has only an address has no name', async () => {
    const session = await prepared()
    await push(session, [{ localId: 'lead_1', values: { email: 'a@example.com' } }])
    const [person] = await session.identify!('lead', ['1', '99'], signal)
    expect(person).toMatchObject({
      externalId: '1',
      localId: 'lead_1',
      values: { email: 'a@example.com', firstName: null, lastName: null },
    })
    const linked = await streamOf(session, 'persons').listLinked!(null, signal)
    expect(linked).toMatchObject({ linked: [{ localId: 'lead_1', externalId: '1' }], done: true })
  })

  test('a person of ours that the hub’s own user owns belongs to nobody, until somebody takes it', async () => {
    sandbox.putUser({ id: 7, email: 'olive@example.com' })
    const session = await prepared()
    const [result] = await push(session, [lead(1)])
    expect(result).toMatchObject({ now: { references: { account: { externalIds: [] } } } })
    expect(result?.kind === 'written' && result.now?.references['owner']).toBeUndefined()
    sandbox.edit('person', '1', { owner_id: 7 })
    const [person] = await streamOf(session, 'persons').fetch!(['1'], signal)
    expect(person?.references['owner']).toEqual({ entity: 'owner', externalIds: ['7'] })
  })

  test('fields are described with their options, and what the vendor computes cannot be written', async () => {
    const { codes } = sandbox.seed({
      fields: { deal: [{ field_name: 'Size', field_type: 'enum', options: [{ label: 'S' }] }] },
    })
    const fields = await streamOf(open(), 'deals').describe!(signal)
    expect(fields.find(({ name }) => name === codes.deal[0])).toMatchObject({
      type: 'choice',
      options: [{ value: '1', label: 'S' }],
      custom: true,
      writable: true,
    })
    expect(fields.find(({ name }) => name === 'stage_change_time')?.writable).toBe(false)
  })
})
