import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:tls'
import { expect, test } from 'vitest'
import { startApp } from '#app.ts'
import { ConfigError, loadConfig } from '#config.ts'
import { silentLog } from '#core/log.ts'
import { mayBePlain } from '#egress/mail.ts'
import { Egress } from '#egress/egress.ts'
import { selfSigned } from '#tests/tls.ts'
import { checkListening, checkWaysOut } from './transport.ts'

const listen = (environment: Record<string, string>) => checkListening(loadConfig(environment))
const OUT = { THROUGHLINE_HTTP_HOST: '0.0.0.0' }
const PROXIES = { THROUGHLINE_TRUSTED_PROXIES: '10.0.0.1, 10.1.0.0/16' }
const PAIR = { THROUGHLINE_TLS_CERT_FILE: 'a.pem', THROUGHLINE_TLS_KEY_FILE: 'b.pem' }

test.each([
  ['on this machine', {}],
  ['on this machine by name', { THROUGHLINE_HTTP_HOST: 'localhost' }],
  ['with a certificate', { ...OUT, ...PAIR }],
  ['behind proxies', { ...OUT, ...PROXIES, THROUGHLINE_PUBLIC_URL: 'https://hub.example.com' }],
])('the hub listens %s', (_how, environment) => {
  expect(() => listen(environment)).not.toThrow()
})

test.each([
  ['in the clear beyond this machine', OUT, /THROUGHLINE_TLS_CERT_FILE/],
  ['on all addresses of IPv6', { THROUGHLINE_HTTP_HOST: '::' }, /in the clear/],
  ['with a certificate and no key', { THROUGHLINE_TLS_CERT_FILE: 'a.pem' }, /belong together/],
  ['behind proxies without the address that browsers see', { ...OUT, ...PROXIES }, /PUBLIC_URL/],
  [
    'behind proxies at a plain address',
    { ...OUT, ...PROXIES, THROUGHLINE_PUBLIC_URL: 'http://hub.example.com' },
    /PUBLIC_URL/,
  ],
  [
    'with TLS under a plain address',
    { ...PAIR, THROUGHLINE_PUBLIC_URL: 'http://hub.example.com' },
    /https/,
  ],
])('the hub does not listen %s', (_how, environment, reason) => {
  expect(() => listen(environment as Record<string, string>)).toThrow(reason)
})

test('a hub that would listen in the clear does not start, and opens no database before it says so', async () => {
  const config = loadConfig({ ...OUT, DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' })
  await expect(startApp(config, { listen: true, log: silentLog })).rejects.toThrow(ConfigError)
})

test.each([
  [{ DATABASE_URL: 'postgres://u:p@127.0.0.1/db' }, 0],
  [{ DATABASE_URL: 'postgres://u@%2Fvar%2Frun%2Fpostgresql/db' }, 0],
  [{ DATABASE_URL: 'postgres:///db?host=/var/run/postgresql' }, 0],
  [{ DATABASE_URL: 'postgres://u:p@db.example.com/db?sslmode=verify-full' }, 0],
  [{ DATABASE_URL: 'postgres://u:p@db.example.com/db' }, 1],
  [{ DATABASE_URL: 'postgres://u:p@db.example.com/db?sslmode=disable' }, 1],
  [{ DATABASE_URL: 'postgres://u:p@db.example.com/db?sslmode=no-verify' }, 1],
  [{ DATABASE_URL: 'postgres://u:p@db.example.com/db?sslmode=require&uselibpqcompat=true' }, 1],
  [{ DATABASE_URL: 'postgres://u:p@db/db', REDIS_URL: 'redis://cache:6379' }, 2],
  [{ REDIS_URL: 'rediss://cache.example.com' }, 0],
  [{ REDIS_URL: 'redis://[::1]:6379' }, 0],
])(
  'ways to databases without TLS are told of, and refused where that is set: %o',
  (environment, count) => {
    expect(checkWaysOut(loadConfig(environment))).toHaveLength(count)
    const strict = () =>
      checkWaysOut(loadConfig({ ...environment, THROUGHLINE_PLAIN_LINKS: 'refuse' }))
    if (count === 0) expect(strict()).toEqual([])
    else expect(strict).toThrow('THROUGHLINE_PLAIN_LINKS')
  },
)

test('no warning or refusal repeats the password of a database', () => {
  const [warning] = checkWaysOut(loadConfig({ DATABASE_URL: 'postgres://u:hunter2@db/db' }))
  expect(warning).not.toContain('hunter2')
})

test('traces and mail leave this machine without TLS only where an administrator allowed that very address', () => {
  const traces = (url: string, allow = '') =>
    checkWaysOut(loadConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: url, THROUGHLINE_EGRESS_ALLOW: allow }))
  expect(() => traces('http://collector:4318')).toThrow(/OTLP/)
  expect(traces('http://collector:4318', 'collector:4318')).toEqual([])
  expect(traces('http://127.0.0.1:4318')).toEqual([])
  expect(traces('https://collector.example.com')).toEqual([])
  expect(mayBePlain(new URL('smtp://mail.example.com'), [])).toBe(false)
  expect(mayBePlain(new URL('smtp://mail.inside:2525'), ['mail.inside:2525'])).toBe(true)
  expect(mayBePlain(new URL('smtp://127.0.0.1:2525'), [])).toBe(true)
})

test('checking of certificates cannot be turned off', () => {
  expect(() => loadConfig({ NODE_TLS_REJECT_UNAUTHORIZED: '0' })).toThrow(/NODE_EXTRA_CA_CERTS/)
})

test('neither an old TLS nor a certificate that nobody vouches for is spoken to', async () => {
  checkWaysOut(loadConfig({}))
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
  const reasons: (string | null)[] = []
  for (const options of [old, {}]) {
    let bytes = 0
    const server = createServer({ ...selfSigned(), ...options }, (socket) =>
      socket.on('data', (part) => (bytes += part.length)),
    )
    server.on('tlsClientError', () => undefined)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const egress = new Egress([`localhost:${port}`])
    const sent = await egress.post(
      `https://localhost:${port}/`,
      '{"secret":1}',
      {},
      new Date(),
      new AbortController().signal,
    )
    reasons.push(sent.error)
    expect(sent.status).toBeNull()
    expect(bytes).toBe(0)
    await egress.close()
    server.close()
  }
  expect(reasons[0]).toMatch(/PROTOCOL|VERSION|SSL/)
  expect(reasons[1]).toMatch(/SELF_SIGNED/)
})

test('a bad key of the environment is refused without showing it, and a key service is not asked in the clear', () => {
  const text = Buffer.from('hunter2-hunter2').toString('base64')
  const refused = () => loadConfig({ THROUGHLINE_KEY_ENCRYPTION_KEY: text })
  expect(refused).toThrow('THROUGHLINE_KEY_ENCRYPTION_KEY=…: is 32 bytes in Base64')
  expect(refused).not.toThrow(text)
  const transit = (url: string) => loadConfig({ THROUGHLINE_TRANSIT_URL: url }).transitUrl
  expect(() => transit('http://vault.example.com/v1/transit')).toThrow('must begin with https://')
  expect(transit('http://127.0.0.1:8200/v1/transit/')).toBe('http://127.0.0.1:8200/v1/transit')
})
