import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:https'
import type { RequestListener } from 'node:http'
import { createSecureContext, type SecureVersion } from 'node:tls'
import type { Log } from '#core/log.ts'
import { DAY_MS, SECOND_MS } from '#core/time.ts'

const MIN_VERSION: SecureVersion = 'TLSv1.2'
const LOOK_EVERY_MS = 10 * SECOND_MS
const WARN_BEFORE_MS = 14 * DAY_MS

export interface TlsFiles {
  /** PEM: the certificate, then the chain up to the root. */
  certFile: string
  /** PEM: its private key, without a passphrase. */
  keyFile: string
}

export interface TlsPair {
  cert: string
  key: string
}

/**
 * Reads a certificate and its key.
 * @throws Error that names the files when they are no pair or cannot be read.
 */
export async function readTls({ certFile, keyFile }: TlsFiles): Promise<TlsPair> {
  try {
    const [cert, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')])
    createSecureContext({ cert, key, minVersion: MIN_VERSION })
    return { cert, key }
  } catch (cause) {
    throw new Error(
      `${certFile} and ${keyFile} are no certificate in PEM with its private key: ${cause instanceof Error ? cause.message : 'unknown'}.`,
      { cause },
    )
  }
}

/** Timeouts that Fastify sets on servers of its own making only. */
export interface ServerTimes {
  requestTimeout: number
  connectionTimeout: number
  keepAliveTimeout: number
  headersTimeout: number
  maxHeaderSize: number
}

/** A server that speaks TLS 1.2 and newer, and nothing else. */
export function createTlsServer(
  pair: TlsPair,
  { connectionTimeout, ...times }: ServerTimes,
  handler: RequestListener,
): Server {
  const server = createServer(
    { ...pair, ...times, minVersion: MIN_VERSION, handshakeTimeout: times.headersTimeout },
    handler,
  )
  server.setTimeout(connectionTimeout)
  return server
}

/**
 * Takes up a renewed certificate while the server runs: who is connected stays, who comes next gets the new one. Files that are
 * no pair, as between the writing of the one and of the other, are looked at again later.
 */
export class TlsRenewal {
  readonly #server: Pick<Server, 'setSecureContext'>
  readonly #files: TlsFiles
  readonly #log: Log
  readonly #timer: NodeJS.Timeout
  #pair: TlsPair
  #warnedAtMs = 0

  constructor(
    server: Pick<Server, 'setSecureContext'>,
    files: TlsFiles,
    pair: TlsPair,
    log: Log,
    everyMs = LOOK_EVERY_MS,
  ) {
    this.#server = server
    this.#files = files
    this.#pair = pair
    this.#log = log
    this.#timer = setInterval(() => void this.look(), everyMs).unref()
    this.#warnOfEnd()
  }

  /** @returns whether another certificate is served now. */
  async look(): Promise<boolean> {
    this.#warnOfEnd()
    try {
      const pair = await readTls(this.#files)
      if (pair.cert === this.#pair.cert && pair.key === this.#pair.key) return false
      this.#server.setSecureContext({ ...pair, minVersion: MIN_VERSION })
      this.#pair = pair
      this.#log.info({ endsAt: endOf(pair) }, 'a renewed certificate is served')
      return true
    } catch (error) {
      this.#log.warn({ error }, 'the certificate’s files cannot be used; the old one goes on')
      return false
    }
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Once a day. */
  #warnOfEnd(): void {
    const nowMs = Date.now()
    const endsAt = endOf(this.#pair)
    if (endsAt.getTime() - nowMs > WARN_BEFORE_MS || nowMs - this.#warnedAtMs < DAY_MS) return
    this.#warnedAtMs = nowMs
    this.#log.warn({ endsAt }, 'the certificate ends soon: renew it')
  }
}

function endOf({ cert }: TlsPair): Date {
  return new X509Certificate(cert).validToDate
}
