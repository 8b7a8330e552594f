import { z } from 'zod'
import { HeldToken, type Access, type Fetched } from '#connectors/held-token.ts'
import type { VendorAnswer, VendorRequest } from '#connectors/http.ts'
import { SECOND_MS } from '#core/time.ts'
import { VendorFault, type OpenConnection } from '#sync/connector.ts'

/** How to reach a company: an API token, or an OAuth app's refresh token; and how much of its daily budget is ours. */
export const PipedriveSettings = z
  .object({
    baseUrl: z
      .url()
      .max(500)
      .default('https://api.pipedrive.com')
      .meta({ description: 'Where the API is; with OAuth Pipedrive names it itself' }),
    oauthUrl: z
      .url()
      .max(500)
      .default('https://oauth.pipedrive.com')
      .meta({ description: 'Where access is renewed; another one only for a sandbox' }),
    token: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .meta({ secret: true, description: 'API token of an admin, from the personal preferences' }),
    clientId: z.string().min(1).max(200).optional(),
    clientSecret: z.string().min(1).max(500).optional().meta({ secret: true }),
    refreshToken: z.string().min(1).max(2000).optional().meta({ secret: true }),
    hookUser: z
      .string()
      .regex(/^[^:]{1,200}$/)
      .optional()
      .meta({ description: 'User name that webhooks are set up with' }),
    hookPassword: z
      .string()
      .min(16)
      .max(200)
      .optional()
      .meta({ secret: true, description: 'Password that webhooks are set up with' }),
    realTime: z.boolean().optional().meta({
      description:
        'Whether the hub makes and looks after its own webhooks; unless given, it does where it has an https address and none were set up by hand',
    }),
    dailyTokens: z.int().min(1000).max(1_000_000_000).default(30_000).meta({
      description:
        'API tokens of the company a day: 30,000 × seats × 1 (Lite), 2 (Growth), 5 (Premium) or 7 (Ultimate), plus top-ups',
    }),
    sharePercent: z
      .int()
      .min(1)
      .max(100)
      .default(50)
      .meta({ description: 'How much of them the hub may use, in percent' }),
    usage: z
      .object({ day: z.string(), tokens: z.number() })
      .optional()
      .meta({ kept: true, description: 'Tokens set aside today; kept by the hub' }),
    ownHooks: z
      .object({
        address: z.string(),
        user: z.string(),
        password: z.string(),
        ids: z.array(z.number()),
        checkedOn: z.string(),
      })
      .optional()
      .meta({ kept: true, description: 'The webhooks that the hub made; kept by the hub' }),
    fieldCodes: z
      .record(z.string(), z.record(z.string(), z.string()))
      .optional()
      .meta({ kept: true, description: 'The codes of the hub’s own fields; kept by the hub' }),
  })
  .refine(
    (settings) =>
      settings.token !== undefined ||
      (settings.clientId !== undefined &&
        settings.clientSecret !== undefined &&
        settings.refreshToken !== undefined),
    { message: 'Give a token, or clientId, clientSecret and refreshToken.', path: ['token'] },
  )
export type PipedriveSettings = z.infer<typeof PipedriveSettings>

const TokenAnswer = z.object({
  access_token: z.string().min(1),
  refresh_token: z.string().min(1).optional(),
  expires_in: z.number().positive(),
  api_domain: z.url().optional(),
})

/** The credentials of a company. Access tokens live an hour and are renewed at 80 % of that, one renewal at a time. */
export class PipedriveAccess {
  readonly #settings: PipedriveSettings
  readonly #connection: OpenConnection
  readonly #send: (request: VendorRequest, signal: AbortSignal) => Promise<VendorAnswer>
  #refreshToken: string | undefined
  #baseUrl: string
  readonly #held: HeldToken<Access>

  /** @param send  the way to the token endpoint. */
  constructor(
    settings: PipedriveSettings,
    connection: OpenConnection,
    send: (request: VendorRequest, signal: AbortSignal) => Promise<VendorAnswer>,
  ) {
    this.#settings = settings
    this.#connection = connection
    this.#send = send
    this.#refreshToken = settings.refreshToken
    this.#baseUrl = settings.baseUrl
    this.#held = new HeldToken(connection.clock, (signal) => this.#requestToken(signal))
  }

  /** API tokens have a header of their own. */
  get header(): string {
    return this.#settings.token === undefined ? 'authorization' : 'x-api-token'
  }

  async credentials(signal: AbortSignal): Promise<string> {
    if (this.#settings.token !== undefined) return this.#settings.token
    return `Bearer ${(await this.#held.current(signal)).token}`
  }

  /** Where the API is: with OAuth the company's own host, known after the first renewal. */
  async baseUrl(signal: AbortSignal): Promise<string> {
    await this.credentials(signal)
    return this.#baseUrl
  }

  /** True when a token other than the refused one is at hand afterwards; API tokens cannot be renewed. */
  async renew(refused: string, signal: AbortSignal): Promise<boolean> {
    if (this.#settings.token !== undefined) return false
    await this.#held.renew(refused, signal)
    return true
  }

  async #requestToken(signal: AbortSignal): Promise<Fetched<Access>> {
    const answer = await this.#askForToken(signal)
    const parsed = TokenAnswer.safeParse(answer.body)
    if (!parsed.success) {
      throw new VendorFault('transient', 'The token endpoint gave an answer of another shape.')
    }
    const { access_token: token, expires_in: lifeS } = parsed.data
    const refreshToken = parsed.data.refresh_token ?? this.#refreshToken
    const baseUrl = companyHost(parsed.data.api_domain) ?? this.#baseUrl
    if (refreshToken !== this.#refreshToken || baseUrl !== this.#baseUrl) {
      await this.#connection.saveSettings({ refreshToken, baseUrl })
      this.#refreshToken = refreshToken
      this.#baseUrl = baseUrl
    }
    const nowMs = this.#connection.clock.now().getTime()
    return { access: { token }, renewAtMs: nowMs + lifeS * 0.8 * SECOND_MS }
  }

  async #askForToken(signal: AbortSignal): Promise<VendorAnswer> {
    const { clientId, clientSecret } = this.#settings
    const basic = Buffer.from(`${clientId}:${clientSecret}`).toString('base64')
    try {
      return await this.#send(
        {
          method: 'POST',
          path: '/oauth/token',
          template: '/oauth/token',
          bucket: 'token',
          anonymous: true,
          headers: { authorization: `Basic ${basic}` },
          form: { grant_type: 'refresh_token', refresh_token: this.#refreshToken ?? '' },
        },
        signal,
      )
    } catch (cause) {
      const isRefused =
        cause instanceof VendorFault && ['mapping', 'permission', 'reauth'].includes(cause.kind)
      if (!isRefused) throw cause
      throw new VendorFault('reauth', 'Pipedrive does not renew the access any more.', { cause })
    }
  }
}

/** Credentials follow the token answer to Pipedrive's own hosts only, and on this machine to a sandbox. */
function companyHost(url: string | undefined): string | null {
  if (url === undefined) return null
  const { hostname, protocol } = new URL(url)
  const isOwn = protocol === 'https:' && hostname.endsWith('.pipedrive.com')
  return isOwn || hostname === '127.0.0.1' ? url.replace(/\/$/, '') : null
}
