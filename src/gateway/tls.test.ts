import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { connect as connectPlain, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { expect, test } from 'vitest'
import { silentLog } from '#core/log.ts'
import { createTlsServer, readTls, TlsRenewal } from '#gateway/tls.ts'
import { useHub } from '#tests/hub.ts'
import { selfSigned } from '#tests/tls.ts'

const folder = mkdtempSync(join(tmpdir(), 'throughline-tls-'))
const files = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') }
function write(pair = selfSigned()) {
  writeFileSync(files.certFile, pair.cert)
  writeFileSync(files.keyFile, pair.key)
  return pair
}
const first = write()
const hub = useHub({ config: { tlsCertFile: files.certFile, tlsKeyFile: files.keyFile } })

const printOf = (cert: string) => new X509Certificate(cert).fingerprint256

/** A handshake with a server: which certificate and version it came to. */
async function shake(port: number, options: ConnectionOptions = {}) {
  const socket: TLSSocket = connect({
    port,
    host: '127.0.0.1',
    servername: 'localhost',
    rejectUnauthorized: false,
    ...options,
  })
  await once(socket, 'secureConnect')
  const seen = { print: socket.getPeerCertificate().fingerprint256, version: socket.getProtocol() }
  socket.destroy()
  return seen
}

async function getSecure(url: string, headers: Record<string, string>) {
  const { port, pathname } = new URL(url)
  const sent = request({
    host: '127.0.0.1',
    port,
    path: pathname,
    headers,
    servername: 'localhost',
    ca: first.cert,
  })
  sent.end()
  const [answer] = await once(sent, 'response')
  answer.resume()
  await once(answer, 'end')
  return answer
}

test('the hub speaks TLS itself under the certificate it is given, 1.2 at the least, and no plain HTTP', async () => {
  const { url, server } = hub.app
  expect(url).toMatch(/^https:/)
  const { port } = server.server.address() as AddressInfo
  const workspace = await hub.freshWorkspace()
  const answer = await getSecure(`${url}/api/v1/workspace`, {
    authorization: `Bearer ${workspace.key}`,
  })
  expect(answer.statusCode).toBe(200)
  expect(answer.headers['strict-transport-security']).toBe('max-age=31536000')

  expect(await shake(port)).toEqual({ print: printOf(first.cert), version: 'TLSv1.3' })
  expect((await shake(port, { maxVersion: 'TLSv1.2' })).version).toBe('TLSv1.2')
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
  await expect(shake(port, old)).rejects.toThrow(/protocol version|alert/)

  const plain = connectPlain(port, '127.0.0.1')
  let heard = ''
  plain.on('data', (part) => (heard += part.toString()))
  plain.write(
    `GET /api/v1/workspace HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${workspace.key}\r\n\r\n`,
  )
  await once(plain, 'close')
  expect(heard).not.toContain('HTTP/1.1 200')
})

test('a renewed certificate is served without a restart, and half of one leaves the old one in place', async () => {
  const old = write()
  const pair = await readTls(files)
  const times = {
    requestTimeout: 1000,
    connectionTimeout: 1000,
    keepAliveTimeout: 1000,
    headersTimeout: 1000,
    maxHeaderSize: 16_384,
  }
  const server = createTlsServer(pair, times, (_request, response) => response.end())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const renewal = new TlsRenewal(server, files, pair, silentLog, 3_600_000)
  try {
    expect(await renewal.look()).toBe(false)
    const next = selfSigned()
    writeFileSync(files.certFile, next.cert)
    expect(await renewal.look()).toBe(false)
    expect((await shake(port)).print).toBe(printOf(old.cert))
    writeFileSync(files.keyFile, next.key)
    expect(await renewal.look()).toBe(true)
    expect((await shake(port)).print).toBe(printOf(next.cert))
    const tooOld = {
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    } as const
    await expect(shake(port, tooOld)).rejects.toThrow(/protocol version|alert/)
  } finally {
    renewal.stop()
    server.close()
  }
})

test('files that are no pair are named', async () => {
  write()
  writeFileSync(files.keyFile, selfSigned().key)
  await expect(readTls(files)).rejects.toThrow(files.keyFile)
  await expect(readTls({ ...files, certFile: join(folder, 'none.pem') })).rejects.toThrow(
    'none.pem',
  )
})
