import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ManualClock, MINUTE_MS } from '#core/time.ts'
import { startHubspot, type HubspotSandbox } from '#sandbox/hubspot/index.ts'
import { VendorFault, type OpenConnection, type Session, type VendorCall } from '#sync/connector.ts'
import { hubspot } from './index.ts'

const signal = new AbortController().signal
let sandbox: HubspotSandbox
let clock: ManualClock
let calls: VendorCall[]
const sessions: Session[] = []
const servers: Server[] = []

beforeEach(async () => {
  clock = new ManualClock(new Date('2026-11-23T08:00:00Z'))
  calls = []
  sandbox = await startHubspot({ now: () => clock.now().getTime() })
})
afterEach(async () => {
  for (const session of sessions.splice(0)) await session.close()
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
  await sandbox.stop()
})

function open(settings: Record<string, unknown>, options: Partial<OpenConnection> = {}): Session {
  const session = hubspot.open({
    id: 'con_1',
    settings,
    clock,
    onCall: (call) => calls.push(call),
    saveSettings: async () => undefined,
    wait: async () => undefined,
    ...options,
  })
  sessions.push(session)
  return session
}

const openStatic = () => open({ baseUrl: sandbox.url, token: sandbox.token })

async function oauthSettings(): Promise<Record<string, unknown>> {
  const { clientId, clientSecret, redirectUris } = sandbox.oauthApp
  const answer = await fetch(`${sandbox.url}/oauth/2026-09/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: clientId,
      client_secret: clientSecret,
      redirect_uri: redirectUris[0] ?? '',
      code: sandbox.authorize({ scopes: sandbox.oauthApp.scopes }),
    }),
  })
  const { refresh_token: refreshToken } = (await answer.json()) as { refresh_token: string }
  return { baseUrl: sandbox.url, clientId, clientSecret, refreshToken }
}

const streamOf = (session: Session, name: string) =>
  session.streams.find((stream) => stream.name === name)!

async function faultOf(work: Promise<unknown>): Promise<VendorFault> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(VendorFault)
  return error as VendorFault
}

/** A vendor that answers as the listener does. */
async function openAt(listener: RequestListener): Promise<Session> {
  const server = createServer(listener)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return open({ baseUrl: `http://127.0.0.1:${port}`, token: 'pat' })
}

describe('access', () => {
  test('a token names its account; a wrong one asks for a login', async () => {
    expect((await openStatic().test(signal)).account).toMatch(/^HubSpot \d+$/)
    const wrong = open({ baseUrl: sandbox.url, token: 'pat-wrong' })
    expect((await faultOf(wrong.test(signal))).kind).toBe('reauth')
  })

  test('calls at the same time share one renewal of the access token', async () => {
    const session = open(await oauthSettings())
    const [owners] = session.streams
    const contacts = streamOf(session, 'contacts')
    await Promise.all([
      session.test(signal),
      owners!.pull!(null, signal),
      contacts.listLinked!(null, signal),
    ])
    expect(calls.filter((call) => call.path.startsWith('/oauth/'))).toHaveLength(1)
  })

  test('an access token is renewed before it expires, and once more when it is refused', async () => {
    const session = open(await oauthSettings())
    const list = () => streamOf(session, 'contacts').listLinked!(null, signal)
    await list()
    clock.advance(25 * MINUTE_MS)
    await list()
    expect(calls.filter((call) => call.status === 401)).toEqual([])
    sandbox.failNext({ kind: 'expire-token', path: '*/objects/*' })
    await list()
    expect(calls.filter((call) => call.path.startsWith('/oauth/'))).toHaveLength(3)
  })

  test('a revoked grant asks for a login', async () => {
    const session = open(await oauthSettings())
    sandbox.revokeGrants()
    expect((await faultOf(session.test(signal))).kind).toBe('reauth')
  })

  test('credentials are only sent over https, or to this machine', () => {
    const plain = { baseUrl: 'http://api.example.com', token: 'pat' }
    expect(() => open(plain)).toThrow(VendorFault)
    expect(() => open({ ...plain, baseUrl: 'https://api.example.com' })).not.toThrow()
  })
})

describe('answers that are none', () => {
  test('a page of HTML with status 200 is a fault', async () => {
    const session = await openAt((_request, response) => {
      response.setHeader('content-type', 'text/html')
      response.end('<html>maintenance</html>')
    })
    expect((await faultOf(session.test(signal))).kind).toBe('transient')
  })

  test.each(['', '{"portalId": 1', '{"other": true}', '[]', 'null'])(
    'the body %j of a success is a fault',
    async (body) => {
      const session = await openAt((_request, response) => {
        response.setHeader('content-type', 'application/json')
        response.end(body)
      })
      expect((await faultOf(session.test(signal))).kind).toBe('transient')
    },
  )

  test('an answer above 10 MB is cut off', async () => {
    const session = await openAt((_request, response) => {
      response.setHeader('content-type', 'application/json')
      response.end(`"${'x'.repeat(11 * 1024 * 1024)}"`)
    })
    expect((await faultOf(session.test(signal))).kind).toBe('transient')
  })

  test('what HubSpot says in an error is not repeated, since it quotes field values', async () => {
    const session = await openAt((_request, response) => {
      response.writeHead(400, { 'content-type': 'application/json' })
      const message = 'Email ada@example.com is invalid'
      response.end(JSON.stringify({ status: 'error', category: 'VALIDATION_ERROR', message }))
    })
    const fault = await faultOf(session.test(signal))
    expect(fault).toMatchObject({ kind: 'mapping', code: 'VALIDATION_ERROR' })
    expect(fault.message).not.toContain('ada@')
  })

  test.each([
    [{ policy: 'TEN_SECONDLY_ROLLING' }, 'rate_burst', 10_000],
    [{ policy: 'DAILY' }, 'rate_daily', null],
    [{ policy: 'TEN_SECONDLY_ROLLING', headers: { 'retry-after': '3' } }, 'rate_burst', 3000],
  ])('a 429 of %j waits as long as that limit takes', async (fault, kind, retryAfterMs) => {
    sandbox.failNext({ kind: 'status', status: 429, ...fault })
    const thrown = await faultOf(openStatic().streams[0]!.pull!(null, signal))
    expect(thrown.kind).toBe(kind)
    if (retryAfterMs !== null) expect(thrown.retryAfterMs).toBe(retryAfterMs)
  })
})

describe('preparing the account', () => {
  test('our properties are made once, and a second time nothing is', async () => {
    const session = openStatic()
    await session.prepare(signal)
    const made = calls.filter((call) => call.method === 'POST').length
    expect(made).toBeGreaterThan(5)
    await session.prepare(signal)
    expect(calls.filter((call) => call.method === 'POST')).toHaveLength(made)
  })
})

describe('sending contacts', () => {
  test('a contact that is in the way is given back as it is and not overwritten', async () => {
    const session = openStatic()
    await session.prepare(signal)
    const [id] = sandbox.seedContacts([{ email: 'ada@example.com', phone: '+49 30 1' }])
    const contacts = streamOf(session, 'contacts')
    const record = {
      localId: 'lead_1',
      values: { email: 'ada@example.com', phone: '+49 30 2', score: 7 },
    }
    const properties = contacts.toVendor!(record, {})
    const change = { key: 'lead_1', record, externalId: null, properties }
    const [found] = await contacts.push!([change], signal)
    expect(found).toMatchObject({ kind: 'exists', externalId: id, now: { localId: 'lead_1' } })
    expect(found?.kind === 'exists' && found.now.values['phone']).toBe('+49 30 1')
    expect(sandbox.read('contacts', id!, 'phone')).toBe('+49 30 1')
  })

  test('a linked contact gets the fields that it is sent; what is absent stays, what is null is cleared', async () => {
    const session = openStatic()
    await session.prepare(signal)
    const [id] = sandbox.seedContacts([
      { email: 'ada@example.com', phone: '+49 30 1', jobtitle: 'CTO' },
    ])
    const contacts = streamOf(session, 'contacts')
    const record = { localId: 'lead_1', values: { phone: null, score: 7 } }
    const properties = contacts.toVendor!(record, {})
    const change = { key: 'lead_1', record, externalId: id!, properties }
    const [written] = await contacts.push!([change], signal)
    expect(written).toMatchObject({ kind: 'written', externalId: id, created: false })
    expect(sandbox.read('contacts', id!, 'phone')).toBeNull()
    expect(sandbox.read('contacts', id!, 'jobtitle')).toBe('CTO')
    expect(sandbox.read('contacts', id!, 'hub_score')).toBe('7')
  })

  test('one bad record of a hundred is named, and the others are written', async () => {
    const session = openStatic()
    await session.prepare(signal)
    const contacts = streamOf(session, 'contacts')
    const changes = Array.from({ length: 100 }, (_, i) => {
      const email = i === 50 ? 'nonsense' : `p${i}@example.com`
      const record = { localId: `lead_${i}`, values: { email } }
      const properties = contacts.toVendor!(record, {})
      return { key: record.localId, record, externalId: null, properties }
    })
    const results = await contacts.push!(changes, signal)
    const refused = results.flatMap((result, i) => (result.kind === 'refused' ? [i] : []))
    expect(refused).toEqual([50])
    expect(results[50]).toMatchObject({ code: 'INVALID_EMAIL', detail: 'Properties: email.' })
    expect(sandbox.count('contacts')).toBe(99)
  })
})
