import { z } from 'zod'
import { HeldToken, type Access, type Fetched } from '#connectors/held-token.ts'
import type { VendorAnswer, VendorRequest } from '#connectors/http.ts'
import { SECOND_MS } from '#core/time.ts'
import { VendorFault, type OpenConnection } from '#sync/connector.ts'

/** How to reach an account: a service key (or private-app token), or an OAuth app's refresh token. */
export const HubspotSettings = z
  .object({
    baseUrl: z
      .url()
      .max(500)
      .default('https://api.hubapi.com')
      .meta({ description: 'Where the API is; another one only for a sandbox' }),
    version: z
      .string()
      .regex(/^\d{4}-\d{2}$/)
      .default('2026-09')
      .meta({ description: 'Date version of the API; each is supported for 18 months' }),
    token: z
      .string()
      .min(1)
      .max(2000)
      .optional()
      .meta({ secret: true, description: 'Service key or private-app token' }),
    clientId: z.string().min(1).max(200).optional(),
    clientSecret: z.string().min(1).max(500).optional().meta({ secret: true }),
    refreshToken: z.string().min(1).max(2000).optional().meta({ secret: true }),
  })
  .refine(
    (settings) =>
      settings.token !== undefined ||
      (settings.clientId !== undefined &&
        settings.clientSecret !== undefined &&
        settings.refreshToken !== undefined),
    { message: 'Give a token, or clientId, clientSecret and refreshToken.', path: ['token'] },
  )
export type HubspotSettings = z.infer<typeof HubspotSettings>

const TokenAnswer = z.object({
  access_token: z.string().min(1),
  refresh_token: z.string().min(1).optional(),
  expires_in: z.number().positive(),
})

/** The bearer of an account. Access tokens live 30 minutes and are renewed at 80 % of that, one renewal at a time. */
export class HubspotAccess {
  readonly #settings: HubspotSettings
  readonly #connection: OpenConnection
  readonly #send: (request: VendorRequest, signal: AbortSignal) => Promise<VendorAnswer>
  #refreshToken: string | undefined
  readonly #held: HeldToken<Access>

  /** @param send  the way to the token endpoint. */
  constructor(
    settings: HubspotSettings,
    connection: OpenConnection,
    send: (request: VendorRequest, signal: AbortSignal) => Promise<VendorAnswer>,
  ) {
    this.#settings = settings
    this.#connection = connection
    this.#send = send
    this.#refreshToken = settings.refreshToken
    this.#held = new HeldToken(connection.clock, (signal) => this.#requestToken(signal))
  }

  async authorization(signal: AbortSignal): Promise<string> {
    if (this.#settings.token !== undefined) return `Bearer ${this.#settings.token}`
    return `Bearer ${(await this.#held.current(signal)).token}`
  }

  /** True when a token other than the refused one is at hand afterwards; static tokens cannot be renewed. */
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
    const { access_token: token, refresh_token: refreshToken, expires_in: lifeS } = parsed.data
    if (refreshToken !== undefined && refreshToken !== this.#refreshToken) {
      await this.#connection.saveSettings({ refreshToken })
      this.#refreshToken = refreshToken
    }
    const nowMs = this.#connection.clock.now().getTime()
    return { access: { token }, renewAtMs: nowMs + lifeS * 0.8 * SECOND_MS }
  }

  async #askForToken(signal: AbortSignal): Promise<VendorAnswer> {
    const path = `/oauth/${this.#settings.version}/token`
    try {
      return await this.#send(
        {
          method: 'POST',
          path,
          template: path,
          bucket: 'token',
          anonymous: true,
          form: {
            grant_type: 'refresh_token',
            client_id: this.#settings.clientId ?? '',
            client_secret: this.#settings.clientSecret ?? '',
            refresh_token: this.#refreshToken ?? '',
          },
        },
        signal,
      )
    } catch (cause) {
      if (!(cause instanceof VendorFault) || !['mapping', 'permission'].includes(cause.kind)) {
        throw cause
      }
      throw new VendorFault('reauth', 'HubSpot does not renew the access any more.', { cause })
    }
  }
}
