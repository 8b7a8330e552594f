import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { createSignInLink, createUser } from '#access/bootstrap.ts'
import { createClientOf, type ProxyHeader } from '#gateway/client-address.ts'
import { useHub, type TestWorkspace } from '#tests/hub.ts'

const from = (remoteAddress: string, headers: IncomingHttpHeaders, encrypted = false) =>
  ({ socket: { remoteAddress, encrypted }, headers }) as unknown as IncomingMessage

describe('who is at the other end', () => {
  const PROXIES = ['10.0.0.0/8', '2001:db8:1::/64']
  const rows: [string, ProxyHeader, string, IncomingHttpHeaders, string, boolean][] = [
    [
      'nobody’s word but a proxy’s counts',
      'x-forwarded-for',
      '203.0.113.9',
      { 'x-forwarded-for': '1.2.3.4' },
      '203.0.113.9',
      true,
    ],
    [
      'a proxy names the client',
      'x-forwarded-for',
      '10.0.0.1',
      { 'x-forwarded-for': '203.0.113.9' },
      '203.0.113.9',
      false,
    ],
    [
      'what the client claimed stands left of it',
      'x-forwarded-for',
      '10.0.0.1',
      { 'x-forwarded-for': '1.2.3.4, 203.0.113.9' },
      '203.0.113.9',
      false,
    ],
    [
      'proxies behind each other are passed',
      'x-forwarded-for',
      '10.0.0.1',
      { 'x-forwarded-for': '1.2.3.4, 203.0.113.9, 10.0.0.2' },
      '203.0.113.9',
      false,
    ],
    [
      'what cannot be read ends the way',
      'x-forwarded-for',
      '10.0.0.1',
      { 'x-forwarded-for': '1.2.3.4, junk, 10.0.0.2' },
      '10.0.0.2',
      false,
    ],
    [
      'a proxy in IPv6 clothes',
      'x-forwarded-for',
      '::ffff:10.0.0.1',
      { 'x-forwarded-for': '::ffff:203.0.113.9' },
      '203.0.113.9',
      false,
    ],
    [
      'ports and brackets go',
      'x-forwarded-for',
      '2001:db8:1::5',
      { 'x-forwarded-for': '[2001:db8:2::7]:4711' },
      '2001:db8:2::7',
      false,
    ],
    [
      'a port of IPv4 goes',
      'x-forwarded-for',
      '10.0.0.1',
      { 'x-forwarded-for': '203.0.113.9:4711' },
      '203.0.113.9',
      false,
    ],
    ['a proxy without a word is itself', 'x-forwarded-for', '10.0.0.1', {}, '10.0.0.1', false],
    [
      'the other header is not read',
      'x-forwarded-for',
      '10.0.0.1',
      { forwarded: 'for=1.2.3.4' },
      '10.0.0.1',
      false,
    ],
    [
      'nor the other way round',
      'forwarded',
      '10.0.0.1',
      { 'x-forwarded-for': '1.2.3.4' },
      '10.0.0.1',
      false,
    ],
    [
      'a proxy tells that it was reached without TLS',
      'x-forwarded-for',
      '10.0.0.1',
      { 'x-forwarded-for': '203.0.113.9', 'x-forwarded-proto': 'http' },
      '203.0.113.9',
      true,
    ],
    [
      'the last proxy’s word on TLS counts',
      'x-forwarded-for',
      '10.0.0.1',
      { 'x-forwarded-for': '203.0.113.9', 'x-forwarded-proto': 'http, https' },
      '203.0.113.9',
      false,
    ],
    [
      'RFC 7239',
      'forwarded',
      '10.0.0.1',
      { forwarded: 'for=1.2.3.4, For="[2001:db8:cafe::17]:4711";proto=https;by=10.0.0.1' },
      '2001:db8:cafe::17',
      false,
    ],
    [
      'RFC 7239 with a separator in quotes',
      'forwarded',
      '10.0.0.1',
      { forwarded: 'for=203.0.113.9;host="a,b;for=1.2.3.4"' },
      '203.0.113.9',
      false,
    ],
    [
      'RFC 7239, plain on one of the ways',
      'forwarded',
      '10.0.0.1',
      { forwarded: 'for=203.0.113.9;proto=http, for=10.0.0.2;proto=https' },
      '203.0.113.9',
      true,
    ],
    [
      'RFC 7239, hidden',
      'forwarded',
      '10.0.0.1',
      { forwarded: 'for=1.2.3.4, for=_secret;proto=https' },
      '10.0.0.1',
      false,
    ],
  ]
  test.each(rows)('%s (%s)', (_what, header, peer, headers, address, isPlain) => {
    expect(createClientOf(PROXIES, header)(from(peer, headers))).toEqual({ address, isPlain })
  })

  test('without proxies the socket counts: plain on a network, not on this machine, not with TLS', () => {
    const clientOf = createClientOf([], 'x-forwarded-for')
    const claimed = { 'x-forwarded-for': '1.2.3.4', 'x-forwarded-proto': 'https' }
    expect(clientOf(from('203.0.113.9', claimed))).toEqual({
      address: '203.0.113.9',
      isPlain: true,
    })
    expect(clientOf(from('127.0.0.1', claimed)).isPlain).toBe(false)
    expect(clientOf(from('203.0.113.9', {}, true)).isPlain).toBe(false)
  })

  test('a list of forged hops has a bound', () => {
    const forged = Array.from({ length: 5000 }, () => '10.0.0.3').join(', ')
    expect(
      createClientOf(PROXIES, 'x-forwarded-for')(from('10.0.0.1', { 'x-forwarded-for': forged }))
        .address,
    ).toBe('10.0.0.3')
  })
})

describe('behind a proxy', () => {
  const hub = useHub({
    config: { publicUrl: 'https://hub.example.com', trustedProxies: ['127.0.0.2'] },
  })
  const PATH = '/api/v1/channels?limit=1'

  /** As the proxy calls, from 127.0.0.2; or as somebody who is none, from 127.0.0.1. */
  async function call(
    path: string,
    headers: Record<string, string>,
    { localAddress = '127.0.0.2', method = 'GET', body = '' } = {},
  ) {
    const { port } = new URL(addressOf())
    const { promise, resolve, reject } = Promise.withResolvers<{
      status: number
      headers: IncomingHttpHeaders
      body: string
    }>()
    const sent = request(
      { host: '127.0.0.1', port, path, method, headers, localAddress },
      (answer) => {
        const parts: Buffer[] = []
        answer.on('data', (part: Buffer) => parts.push(part))
        answer.on('end', () =>
          resolve({
            status: answer.statusCode ?? 0,
            headers: answer.headers,
            body: Buffer.concat(parts).toString(),
          }),
        )
      },
    )
    sent.on('error', reject)
    sent.end(body)
    return promise
  }
  const addressOf = () => {
    const { port } = hub.app.server.server.address() as AddressInfo
    return `http://127.0.0.1:${port}`
  }
  const keyOf = (workspace: TestWorkspace) => ({ authorization: `Bearer ${workspace.key}` })

  test('the client that a trusted proxy names is held to rules on networks; what others claim is not believed', async () => {
    const workspace = await hub.freshWorkspace()
    const key = keyOf(workspace)
    const made = await call(
      '/api/v1/access/rules',
      { ...key, 'content-type': 'application/json' },
      {
        method: 'POST',
        body: JSON.stringify({
          name: 'Office',
          effect: 'deny',
          scopes: ['campaigns:read'],
          networks: ['203.0.113.0/24'],
        }),
      },
    )
    expect(made.status).toBe(201)
    const statusOf = async (forwarded: string, localAddress?: string) =>
      (
        await call(
          '/api/v1/campaigns',
          { ...key, 'x-forwarded-for': forwarded },
          localAddress === undefined ? {} : { localAddress },
        )
      ).status
    await expect.poll(() => statusOf('198.51.100.7')).toBe(403)
    expect(await statusOf('203.0.113.7')).toBe(200)
    expect(await statusOf('203.0.113.7, 198.51.100.7')).toBe(403)
    expect(await statusOf('203.0.113.7', '127.0.0.1')).toBe(403)
  })

  test('a request that reached the proxy without TLS is refused, whatever key it brings; a probe is not', async () => {
    const key = keyOf(await hub.freshWorkspace())
    const plain = { 'x-forwarded-for': '203.0.113.7', 'x-forwarded-proto': 'http' }
    const refused = await call(PATH, { ...key, ...plain })
    expect({ status: refused.status, code: JSON.parse(refused.body).code }).toEqual({
      status: 403,
      code: 'request.tls_required',
    })
    expect((await call(PATH, { ...key, ...plain, 'x-forwarded-proto': 'https' })).status).toBe(200)
    expect((await call('/healthz', plain)).status).toBe(200)
  })

  test('browsers are told to stay with https, and sessions get the __Host- cookie', async () => {
    const workspace = await hub.freshWorkspace()
    const { store, clock } = hub.app
    const now = clock.now()
    const userId = await createUser(store, workspace.id, { name: 'Ada', roles: ['admin'] }, now)
    const link = await createSignInLink(store, workspace.id, userId, 'https://hub.example.com', now)
    const answer = await call(
      '/api/v1/session',
      {
        'content-type': 'application/json',
        origin: 'https://hub.example.com',
        'x-forwarded-for': '203.0.113.77',
        'x-forwarded-proto': 'https',
      },
      { method: 'POST', body: JSON.stringify({ token: link.split('#')[1] }) },
    )
    expect(answer.status).toBe(204)
    expect(answer.headers['strict-transport-security']).toBe('max-age=31536000')
    const cookie = answer.headers['set-cookie']?.find((line) =>
      line.startsWith('__Host-throughline='),
    )
    const device = answer.headers['set-cookie']?.find((line) =>
      line.startsWith('__Host-throughline-device='),
    )
    for (const part of ['Secure', 'HttpOnly', 'Path=/', 'SameSite=Lax']) {
      expect(cookie).toContain(part)
      expect(device).toContain(part)
    }
    const sessions = await call('/api/v1/account/security', {
      cookie: cookie!.split(';')[0]!,
      'x-forwarded-for': '203.0.113.77',
    })
    expect(sessions.status).toBe(200)
    expect(sessions.body).toContain('203.0.113.77')
  })

  test('wrong passwords are counted by client and not by proxy', async () => {
    const tryFrom = async (client: string) =>
      (
        await call(
          '/api/v1/session/password',
          {
            'content-type': 'application/json',
            origin: 'https://hub.example.com',
            'x-forwarded-for': client,
          },
          {
            method: 'POST',
            body: JSON.stringify({ email: 'nobody@example.com', password: 'guess' }),
          },
        )
      ).status
    for (let i = 0; i < 10; i += 1) expect(await tryFrom('198.51.100.20')).toBe(401)
    expect(await tryFrom('198.51.100.20')).toBe(429)
    expect(await tryFrom('198.51.100.21')).toBe(401)
  })
})
