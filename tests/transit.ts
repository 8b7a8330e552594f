import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface TransitServer {
  url: string
  /** The acts that were asked for, in their order. */
  calls: string[]
  /** The token that it lets in. */
  token: string
  /** Answers of the next requests, in place of its own; null takes the connection away. */
  next: (number | null)[]
  /** Makes the next version of the key; the older ones still decrypt. */
  rotate(): void
  stop(): Promise<void>
}

/** A transit engine with one key, as OpenBao and HashiCorp Vault answer: AES-256-GCM with associated data, versions of the key. */
export async function startTransit(key = 'throughline'): Promise<TransitServer> {
  const versions = [randomBytes(32)]
  const transit = { token: 'hvs.first', next: [] as (number | null)[], calls: [] as string[] }
  const server = createServer((request, response) => {
    const planned = transit.next.shift()
    if (planned === null) return void request.socket.destroy()
    let text = ''
    request.setEncoding('utf8')
    request.on('data', (part: string) => (text += part))
    request.on('end', () => {
      const answer = (status: number, body: object) =>
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
      if (planned !== undefined) return answer(planned, { errors: ['planned'] })
      if (request.headers['x-vault-token'] !== transit.token)
        return answer(403, { errors: ['permission denied'] })
      const { plaintext, ciphertext, associated_data } = JSON.parse(text) as Record<string, string>
      const aad = Buffer.from(associated_data ?? '', 'base64')
      if (request.url === `/v1/transit/encrypt/${key}`) {
        transit.calls.push('encrypt')
        const nonce = randomBytes(12)
        const cipher = createCipheriv('aes-256-gcm', versions.at(-1)!, nonce).setAAD(aad)
        const body = Buffer.concat([cipher.update(plaintext!, 'base64'), cipher.final()])
        const sealed = Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64')
        return answer(200, { data: { ciphertext: `vault:v${versions.length}:${sealed}` } })
      }
      if (request.url !== `/v1/transit/decrypt/${key}`) return answer(404, { errors: [] })
      transit.calls.push('decrypt')
      const [, version, sealed] = /^vault:v(\d+):(.+)$/.exec(ciphertext!)!
      const bytes = Buffer.from(sealed!, 'base64')
      try {
        const decipher = createDecipheriv(
          'aes-256-gcm',
          versions[Number(version) - 1]!,
          bytes.subarray(0, 12),
        )
        decipher.setAAD(aad).setAuthTag(bytes.subarray(12, 28))
        const plain = Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()])
        return answer(200, { data: { plaintext: plain.toString('base64') } })
      } catch {
        return answer(400, { errors: ['cipher: message authentication failed'] })
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return Object.assign(transit, {
    url: `http://127.0.0.1:${port}/v1/transit`,
    rotate: () => void versions.push(randomBytes(32)),
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  })
}
