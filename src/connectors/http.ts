import { Pool } from 'undici'
import { SECOND_MS } from '#core/time.ts'
import { currentTrace } from '#core/trace.ts'
import { VendorFault, type OpenConnection } from '#sync/connector.ts'
import type { RateGate } from './rate-gate.ts'

const TIMEOUT_MS = 30 * SECOND_MS
const MAX_ANSWER_BYTES = 10 * 1024 * 1024

export interface VendorRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  path: string
  /** The path without ids, for logs and metrics. */
  template: string
  query?: Record<string, string>
  json?: unknown
  /** A file of comma-separated values as the body. */
  csv?: string
  /** What a success holds; JSON unless given. */
  answers?: 'json' | 'csv' | 'nothing'
  form?: Record<string, string>
  /** Beside those of the body and the credentials, lower case. */
  headers?: Record<string, string>
  /** Which of the vendor's limits the call counts against. */
  bucket: string
  /** True for token endpoints: no credentials are added and a 401 is final. */
  anonymous?: boolean
}

export interface VendorAnswer {
  status: number
  headers: Record<string, string | string[] | undefined>
  /** Parsed JSON, a file's text, or undefined for nothing. */
  body: unknown
}

/** What a vendor brings to the shared layer. */
export interface VendorRules {
  /** The header in which the vendor names a call in its own logs, lower case. */
  correlationHeader: string
  /** Where the credentials go, lower case; `authorization` unless given. */
  credentialHeader?: string
  /** The value of that header. */
  authorization(signal: AbortSignal): Promise<string>
  /** After a 401: true when other credentials than `refused` are at hand now. */
  renew(refused: string, signal: AbortSignal): Promise<boolean>
  /** What an answer with an error status means. */
  faultOf(answer: VendorAnswer): VendorFault
  /** Reads the limits that an answer names. */
  observe(answer: VendorAnswer, request: VendorRequest): void
}

/**
 * HTTP to one vendor account: keep-alive, 30 s for a whole call, at most 10 MB an answer, one refresh and one replay
 * on 401. It never retries otherwise: the engine decides that, since it knows what a repetition costs.
 */
export class VendorHttp {
  readonly #connection: OpenConnection
  readonly #pool: Pool
  readonly #prefix: string
  readonly #timeoutMs: number
  readonly #gate: RateGate
  readonly #rules: VendorRules

  /** @throws VendorFault `account` when the base URL is neither https nor http on this machine. */
  constructor(connection: OpenConnection, baseUrl: string, gate: RateGate, rules: VendorRules) {
    const url = readBaseUrl(baseUrl)
    this.#connection = connection
    this.#prefix = url.pathname.replace(/\/$/, '')
    this.#timeoutMs = connection.timeoutMs ?? TIMEOUT_MS
    this.#pool = new Pool(url.origin, {
      connections: 4,
      headersTimeout: this.#timeoutMs,
      bodyTimeout: this.#timeoutMs,
      connect: { timeout: 10 * SECOND_MS },
      maxResponseSize: MAX_ANSWER_BYTES,
    })
    this.#gate = gate
    this.#rules = rules
  }

  /**
   * Sends one call and answers its 2xx.
   * @throws VendorFault for every other outcome.
   */
  async send(request: VendorRequest, signal: AbortSignal): Promise<VendorAnswer> {
    const authorization = request.anonymous ? null : await this.#rules.authorization(signal)
    const answer = await this.#exchange(request, authorization, signal)
    if (answer.status !== 401 || authorization === null) return this.#accept(answer)
    if (!(await this.#rules.renew(authorization, signal))) throw this.#rules.faultOf(answer)
    return this.#accept(
      await this.#exchange(request, await this.#rules.authorization(signal), signal),
    )
  }

  async close(): Promise<void> {
    await this.#pool.destroy()
  }

  #accept(answer: VendorAnswer): VendorAnswer {
    if (answer.status >= 200 && answer.status < 300) return answer
    throw this.#rules.faultOf(answer)
  }

  async #exchange(
    request: VendorRequest,
    authorization: string | null,
    signal: AbortSignal,
  ): Promise<VendorAnswer> {
    await this.#connection.beforeCall?.()
    await this.#gate.enter(request.bucket, signal)
    const startedAtMs = performance.now()
    let status = 0
    let headers: VendorAnswer['headers'] = {}
    try {
      const response = await this.#pool.request({
        method: request.method,
        path: this.#prefix + request.path + queryText(request.query),
        headers: headersOf(request, this.#rules.credentialHeader, authorization),
        body: bodyOf(request),
        signal: AbortSignal.any([signal, AbortSignal.timeout(this.#timeoutMs)]),
      })
      headers = response.headers
      const text = await response.body.text()
      status = response.statusCode
      const answer = { status, headers, body: readBody(request, status, headers, text) }
      this.#rules.observe(answer, request)
      return answer
    } catch (cause) {
      if (cause instanceof VendorFault) throw cause
      signal.throwIfAborted()
      throw new VendorFault('transient', `No usable answer: ${nameOf(cause)}.`, { cause })
    } finally {
      this.#connection.onCall({
        method: request.method,
        path: request.template,
        status,
        durationMs: performance.now() - startedAtMs,
        correlationId: headerOf(headers, this.#rules.correlationHeader),
      })
    }
  }
}

/** A header as one text; null when it is absent. */
export function headerOf(headers: VendorAnswer['headers'], name: string): string | null {
  const value = headers[name]
  return (Array.isArray(value) ? value[0] : value) ?? null
}

/** `Retry-After` in milliseconds, given in seconds or as a date; null when it is absent or unreadable. */
export function retryAfterMs(headers: VendorAnswer['headers'], now: Date): number | null {
  const value = headerOf(headers, 'retry-after')
  if (value === null) return null
  if (/^\d{1,9}$/.test(value)) return Number(value) * SECOND_MS
  const atMs = Date.parse(value)
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - now.getTime())
}

function readBaseUrl(baseUrl: string): URL {
  const url = new URL(baseUrl)
  const isLocal = ['127.0.0.1', '127.0.0.2', 'localhost', '[::1]'].includes(url.hostname)
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isLocal)) return url
  throw new VendorFault('account', 'The base URL must be https, or http on this machine.')
}

function queryText(query: Record<string, string> | undefined): string {
  return query ? `?${new URLSearchParams(query)}` : ''
}

function headersOf(
  request: VendorRequest,
  credentialHeader = 'authorization',
  authorization: string | null,
): Record<string, string> {
  const headers: Record<string, string> = { accept: 'application/json', ...request.headers }
  if (authorization !== null) headers[credentialHeader] = authorization
  const trace = currentTrace()
  if (trace !== null) headers['traceparent'] = trace
  if (request.json !== undefined) headers['content-type'] = 'application/json'
  if (request.csv !== undefined) headers['content-type'] = 'text/csv'
  if (request.answers === 'csv') headers['accept'] = 'text/csv'
  if (request.form) headers['content-type'] = 'application/x-www-form-urlencoded'
  return headers
}

function bodyOf(request: VendorRequest): string | null {
  if (request.json !== undefined) return JSON.stringify(request.json)
  if (request.csv !== undefined) return request.csv
  return request.form ? new URLSearchParams(request.form).toString() : null
}

/** The parsed body. A success that is not JSON is a fault; an error page only loses its text. */
function readBody(
  request: VendorRequest,
  status: number,
  headers: VendorAnswer['headers'],
  text: string,
): unknown {
  if (status === 204) return undefined
  const isSuccess = status >= 200 && status < 300
  if (isSuccess && request.answers === 'nothing') return undefined
  if (isSuccess && request.answers === 'csv') return readFile(headers, text)
  const isJson = (headerOf(headers, 'content-type') ?? '').includes('json')
  if (isJson) {
    try {
      return JSON.parse(text)
    } catch (cause) {
      if (isSuccess) throw new VendorFault('transient', 'The answer is cut off.', { cause })
    }
  } else if (isSuccess) {
    throw new VendorFault('transient', `The answer of status ${status} is not JSON.`)
  }
  return undefined
}

/** A file's text; a page of HTML in its place is a fault. */
function readFile(headers: VendorAnswer['headers'], text: string): string {
  if ((headerOf(headers, 'content-type') ?? '').includes('csv')) return text
  throw new VendorFault('transient', 'The answer is not a file of comma-separated values.')
}

function nameOf(cause: unknown): string {
  if (!(cause instanceof Error)) return 'unknown'
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.name
}
