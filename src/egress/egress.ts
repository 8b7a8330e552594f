import { lookup as systemLookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { callbackify } from 'node:util'
import ipaddr from 'ipaddr.js'
import { Agent, request } from 'undici'
import { SECOND_MS } from '#core/time.ts'
import { readRetryAfter, type Attempt } from './delivery.rules.ts'

const TIMEOUT_MS = 20 * SECOND_MS
const MAX_ANSWER_BYTES = 64 * 1024

/** Why an address is not sent to; the message says what to do. */
export class EgressRefused extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'EgressRefused'
  }
}

type Lookup = (host: string) => Promise<readonly { address: string; family: number }[]>

/**
 * The way out to addresses that users name. It refuses what could reach inside (SSRF): anything but https, credentials in
 * the URL, and names that resolve to any address that is not public. The address that was checked is the one that is
 * connected to, so a name that resolves differently the second time gains nothing; redirects are answers, never followed.
 */
export class Egress {
  readonly #allowed: ReadonlySet<string>
  readonly #lookup: Lookup
  readonly #agent: Agent

  /** @param allowed  `host:port` of inner addresses that an administrator opened, plain http included. */
  constructor(
    allowed: readonly string[] = [],
    lookup: Lookup = (host) => systemLookup(host, { all: true }),
  ) {
    this.#allowed = new Set(allowed)
    this.#lookup = lookup
    const resolve = callbackify((host: string) => this.#resolve(host))
    this.#agent = new Agent({
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
      keepAliveTimeout: 4 * SECOND_MS,
      maxResponseSize: MAX_ANSWER_BYTES,
      connect: {
        timeout: 10 * SECOND_MS,
        lookup: (hostname, options, callback) => {
          resolve(hostname, (error, addresses) => {
            const [first] = addresses ?? []
            if (error || first === undefined) callback(error, '', 0)
            else if (options.all === true) callback(null, [...addresses])
            else callback(null, first.address, first.family)
          })
        },
      },
    })
  }

  /**
   * Checks an address before it is kept; what sends checks again.
   * @throws EgressRefused that says what is wrong with it.
   */
  async check(text: string): Promise<URL> {
    const url = this.#read(text)
    if (!this.#isAllowed(url)) await this.#resolve(url.hostname)
    return url
  }

  /** Posts a body. Every failure is an answer too: this never throws, except when `signal` aborts. */
  async post(
    text: string,
    body: string,
    headers: Record<string, string>,
    now: Date,
    signal: AbortSignal,
  ): Promise<Attempt> {
    const startedAtMs = performance.now()
    const since = () => Math.round(performance.now() - startedAtMs)
    try {
      const url = this.#read(text)
      const isAllowed = this.#isAllowed(url)
      // A literal address never reaches the look-up of the connection.
      if (!isAllowed && isIP(bare(url.hostname)) > 0) await this.#resolve(url.hostname)
      const answer = await request(url, {
        method: 'POST',
        body,
        headers: { ...headers, 'content-type': 'application/json', 'user-agent': 'Throughline' },
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
        ...(isAllowed ? {} : { dispatcher: this.#agent }),
      })
      await answer.body.dump({ limit: MAX_ANSWER_BYTES, signal: AbortSignal.timeout(TIMEOUT_MS) })
      const retryAfter = answer.headers['retry-after']
      return {
        status: answer.statusCode,
        error: null,
        retryAfterMs: readRetryAfter(Array.isArray(retryAfter) ? retryAfter[0] : retryAfter, now),
        durationMs: since(),
      }
    } catch (error) {
      signal.throwIfAborted()
      return { status: null, error: nameOf(error), retryAfterMs: null, durationMs: since() }
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy()
  }

  #read(text: string): URL {
    if (!URL.canParse(text)) throw new EgressRefused('This is not a URL.')
    const url = new URL(text)
    if (url.username !== '' || url.password !== '')
      throw new EgressRefused('Leave user name and password out of the URL: messages are signed.')
    if (url.protocol !== 'https:' && !this.#isAllowed(url))
      throw new EgressRefused('Use an https URL.')
    return url
  }

  #isAllowed(url: URL): boolean {
    const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port
    const isHttp = url.protocol === 'https:' || url.protocol === 'http:'
    return isHttp && this.#allowed.has(`${bare(url.hostname)}:${port}`)
  }

  /** @throws EgressRefused when any address of the name is not public: the receiver chooses among them, not we. */
  async #resolve(hostname: string): Promise<readonly { address: string; family: number }[]> {
    const host = bare(hostname)
    const addresses =
      isIP(host) > 0 ? [{ address: host, family: isIP(host) }] : await this.#find(host)
    for (const { address } of addresses) {
      if (!isPublic(address))
        throw new EgressRefused(
          `${host} leads to an address that is not public. An administrator can open it by THROUGHLINE_EGRESS_ALLOW.`,
        )
    }
    return addresses
  }

  async #find(host: string): Promise<readonly { address: string; family: number }[]> {
    const addresses = await this.#lookup(host).catch((cause: unknown) => {
      throw Object.assign(new EgressRefused(`The name ${host} has no address.`), { cause })
    })
    if (addresses.length === 0) throw new EgressRefused(`The name ${host} has no address.`)
    return addresses
  }
}

/** Public unicast addresses only; an IPv4 address inside an IPv6 one counts as itself. */
export function isPublic(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.process(address).range() === 'unicast'
}

function bare(hostname: string): string {
  return hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase()
}

/** Names of errors and codes of the system hold nothing secret; messages may. */
function nameOf(error: unknown): string {
  if (error instanceof EgressRefused) return error.message
  if (!(error instanceof Error)) return 'unknown'
  if ('code' in error && typeof error.code === 'string') return error.code
  return error.name
}
