import type { z } from 'zod'
import { headerOf, VendorHttp, type VendorAnswer, type VendorRequest } from '#connectors/http.ts'
import { RateGate } from '#connectors/rate-gate.ts'
import { SECOND_MS } from '#core/time.ts'
import { VendorFault, type OpenConnection } from '#sync/connector.ts'
import { PipedriveAccess, type PipedriveSettings } from './auth.ts'
import { faultOf, resetMs } from './errors.ts'
import type { TokenMeter } from './meter.ts'

const WINDOW_MS = 2 * SECOND_MS

/** A call as the client makes it; the path is the template's unless it holds ids. */
export type Request = Omit<VendorRequest, 'path' | 'bucket'> & { path?: string; bucket?: string }

/** Carries calls to a company: credentials, its host, the limits of the moment and the tokens of the day. */
export class PipedriveTransport {
  readonly #settings: PipedriveSettings
  readonly #connection: OpenConnection
  readonly #gate: RateGate
  readonly #access: PipedriveAccess
  readonly #meter: TokenMeter
  #token: VendorHttp | null = null
  #api: { baseUrl: string; http: VendorHttp } | null = null
  #refusals = 0

  constructor(connection: OpenConnection, settings: PipedriveSettings, meter: TokenMeter) {
    this.#connection = connection
    this.#settings = settings
    this.#meter = meter
    // The lowest plan's limits, until an answer names the company's own.
    this.#gate = new RateGate(
      {
        calls: { max: settings.token === undefined ? 80 : 20, intervalMs: WINDOW_MS },
        search: { max: 10, intervalMs: WINDOW_MS },
      },
      (durationMs, signal) => connection.wait(durationMs, signal),
    )
    this.#access = new PipedriveAccess(settings, connection, (request, signal) => {
      this.#token ??= this.#open(this.#settings.oauthUrl)
      return this.#token.send(request, signal)
    })
    // Opened at once, so that a wrong address shows at once.
    this.#api = { baseUrl: settings.baseUrl, http: this.#open(settings.baseUrl) }
  }

  /**
   * Makes a call and reads its answer.
   * @param cost  tokens of the day.
   * @throws VendorFault for every outcome but an answer of the schema's shape.
   */
  async call<T extends z.ZodType>(
    request: Request,
    schema: T,
    cost: number,
    signal: AbortSignal,
  ): Promise<z.output<T>> {
    const http = await this.#apiHttp(signal)
    await this.#meter.take(cost)
    const answer = await this.#send(
      http,
      { path: request.template, bucket: 'calls', ...request },
      signal,
    )
    const parsed = schema.safeParse(answer.body)
    if (parsed.success) return parsed.data
    const where = parsed.error.issues[0]?.path.join('.') ?? ''
    throw new VendorFault(
      'transient',
      `The answer has another shape than documented at "${where}".`,
    )
  }

  async close(): Promise<void> {
    await this.#api?.http.close()
    await this.#token?.close()
  }

  #open(baseUrl: string): VendorHttp {
    return new VendorHttp(this.#connection, baseUrl, this.#gate, {
      correlationHeader: 'x-correlation-id',
      credentialHeader: this.#access.header,
      authorization: (signal) => this.#access.credentials(signal),
      renew: (refused, signal) => this.#access.renew(refused, signal),
      faultOf: (answer) => faultOf(answer, this.#refusals),
      observe: (answer, request) => this.#observe(answer, request),
    })
  }

  /** The way to the company's API; with OAuth its host may change with the first token. */
  async #apiHttp(signal: AbortSignal): Promise<VendorHttp> {
    const baseUrl = await this.#access.baseUrl(signal)
    if (this.#api?.baseUrl === baseUrl) return this.#api.http
    await this.#api?.http.close()
    this.#api = { baseUrl, http: this.#open(baseUrl) }
    return this.#api.http
  }

  #observe(answer: VendorAnswer, { bucket }: VendorRequest): void {
    this.#refusals = answer.status === 429 ? this.#refusals + 1 : 0
    const limit = Number(headerOf(answer.headers, 'x-ratelimit-limit'))
    if (limit > 0) this.#gate.learn(bucket, { max: limit, intervalMs: WINDOW_MS })
    const remaining = headerOf(answer.headers, 'x-ratelimit-remaining')
    if (remaining !== null && Number(remaining) <= 0) this.#gate.block(bucket, resetMs(answer))
  }

  async #send(
    http: VendorHttp,
    request: VendorRequest,
    signal: AbortSignal,
  ): Promise<VendorAnswer> {
    try {
      return await http.send(request, signal)
    } catch (error) {
      const isOver = error instanceof VendorFault && error.kind === 'rate_daily'
      throw isOver ? await this.#meter.exhaust() : error
    }
  }
}
