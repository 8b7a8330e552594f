import { createSign } from 'node:crypto'
import { z } from 'zod'
import { HeldToken, type Fetched } from '#connectors/held-token.ts'
import type { VendorAnswer, VendorRequest } from '#connectors/http.ts'
import { SECOND_MS } from '#core/time.ts'
import { VendorFault, type OpenConnection } from '#sync/connector.ts'

/** How to reach an org: an External Client App with one of three flows. */
export const SalesforceSettings = z
  .object({
    baseUrl: z
      .url()
      .max(500)
      .meta({ description: 'My Domain, such as https://acme.my.salesforce.com' }),
    version: z
      .string()
      .regex(/^\d{2,3}\.0$/)
      .default('67.0')
      .meta({ description: 'Version of the API' }),
    clientId: z.string().min(1).max(500).optional().meta({ description: 'Consumer key' }),
    clientSecret: z.string().min(1).max(500).optional().meta({ secret: true }),
    refreshToken: z.string().min(1).max(2000).optional().meta({ secret: true }),
    privateKey: z
      .string()
      .min(1)
      .max(10_000)
      .optional()
      .meta({ secret: true, description: 'PEM of the app’s certificate, for the JWT flow' }),
    username: z.string().min(1).max(200).optional().meta({ description: 'For the JWT flow' }),
    accessToken: z
      .string()
      .min(1)
      .max(2000)
      .optional()
      .meta({ secret: true, description: 'A session for a trial; it cannot be renewed' }),
    organizationId: z
      .string()
      .regex(/^00D\w{12}(?:\w{3})?$/)
      .optional()
      .meta({ description: 'The org that the connection is for; learnt at the first login' }),
    currency: z
      .string()
      .regex(/^[A-Z]{3}$/)
      .default('USD')
      .meta({ description: 'The org’s currency, for amounts that name none' }),
    dailyShare: z.coerce
      .number()
      .min(0.05)
      .max(1)
      .default(0.8)
      .meta({ description: 'Share of the org’s calls of 24 hours after which the hub stops' }),
    // The command line gives all settings as text.
    assignsLeads: z
      .union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')])
      .default(false)
      .meta({ description: 'True lets the org’s assignment rule choose the owner of new leads' }),
  })
  .refine(
    ({ accessToken, clientId, clientSecret, privateKey, username }) =>
      accessToken !== undefined ||
      (clientId !== undefined &&
        (clientSecret !== undefined || (privateKey !== undefined && username !== undefined))),
    {
      message:
        'Give clientId with clientSecret (and refreshToken), or with privateKey and username.',
      path: ['clientId'],
    },
  )
export type SalesforceSettings = z.infer<typeof SalesforceSettings>

const TokenAnswer = z.object({
  access_token: z.string().min(1),
  refresh_token: z.string().min(1).optional(),
  instance_url: z.url(),
  id: z.string().optional(),
})

/** Salesforce takes assertions that end within three minutes. */
const ASSERTION_S = 150
const JWT_GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

/** A session: the bearer, and where its calls go. */
export interface Access {
  token: string
  instanceUrl: string
}

/**
 * The session of a connection. Salesforce does not say how long one lives, so it is kept until it is refused; then one
 * renewal at a time fetches the next. A rotated refresh token is kept before the new session is used.
 */
export class SalesforceAccess {
  readonly #settings: SalesforceSettings
  readonly #connection: OpenConnection
  readonly #send: (request: VendorRequest, signal: AbortSignal) => Promise<VendorAnswer>
  #refreshToken: string | undefined
  #organizationId: string | undefined
  readonly #held: HeldToken<Access>

  /** @param send  the way to the token endpoint. */
  constructor(
    settings: SalesforceSettings,
    connection: OpenConnection,
    send: (request: VendorRequest, signal: AbortSignal) => Promise<VendorAnswer>,
  ) {
    this.#settings = settings
    this.#connection = connection
    this.#send = send
    this.#refreshToken = settings.refreshToken
    this.#organizationId = settings.organizationId
    this.#held = new HeldToken(connection.clock, (signal) => this.#open(signal))
  }

  async current(signal: AbortSignal): Promise<Access> {
    const { accessToken, baseUrl } = this.#settings
    if (accessToken !== undefined) return { token: accessToken, instanceUrl: baseUrl }
    return this.#held.current(signal)
  }

  /** True when a session other than the refused one is at hand afterwards. */
  async renew(refused: string, signal: AbortSignal): Promise<boolean> {
    if (this.#settings.accessToken !== undefined) return false
    await this.#held.renew(refused, signal)
    return true
  }

  async #open(signal: AbortSignal): Promise<Fetched<Access>> {
    const answer = await this.#ask(signal)
    const parsed = TokenAnswer.safeParse(answer.body)
    if (!parsed.success) {
      throw new VendorFault('transient', 'The token endpoint gave an answer of another shape.')
    }
    const { access_token: token, refresh_token: refreshToken, instance_url: url, id } = parsed.data
    const changes = {
      ...(refreshToken !== undefined && refreshToken !== this.#refreshToken
        ? { refreshToken }
        : {}),
      ...this.#learnOrganization(id),
    }
    if (Object.keys(changes).length > 0) await this.#connection.saveSettings(changes)
    this.#refreshToken = refreshToken ?? this.#refreshToken
    const instanceUrl = readInstance(url, this.#settings.baseUrl)
    return { access: { token, instanceUrl }, renewAtMs: null }
  }

  /**
   * The org of the login; a refreshed sandbox or a moved address would otherwise be written to as if it were the old one.
   * @throws VendorFault `account` when it is another org than before.
   */
  #learnOrganization(identity: string | undefined): { organizationId?: string } {
    const organizationId = /\/(00D\w{12}(?:\w{3})?)\//.exec(identity ?? '')?.[1]
    if (organizationId === undefined) return {}
    const known = this.#organizationId
    if (known === undefined) {
      this.#organizationId = organizationId
      return { organizationId }
    }
    if (known.slice(0, 15) === organizationId.slice(0, 15)) return {}
    throw new VendorFault('account', `The login leads to org ${organizationId}, not to ${known}.`, {
      code: 'WRONG_ORG',
    })
  }

  async #ask(signal: AbortSignal): Promise<VendorAnswer> {
    const path = '/services/oauth2/token'
    try {
      return await this.#send(
        {
          method: 'POST',
          path,
          template: path,
          bucket: 'token',
          anonymous: true,
          form: this.#form(),
        },
        signal,
      )
    } catch (cause) {
      if (!(cause instanceof VendorFault) || cause.kind !== 'mapping') throw cause
      throw new VendorFault(
        'reauth',
        `Salesforce does not give a session (${cause.code ?? '?'}).`,
        {
          code: cause.code,
          cause,
        },
      )
    }
  }

  #form(): Record<string, string> {
    const { clientId = '', clientSecret } = this.#settings
    const refreshToken = this.#refreshToken
    if (refreshToken !== undefined && clientSecret !== undefined) {
      return {
        grant_type: 'refresh_token',
        refresh_token: refreshToken,
        client_id: clientId,
        client_secret: clientSecret,
      }
    }
    const { privateKey, username, baseUrl } = this.#settings
    if (privateKey !== undefined && username !== undefined) {
      const nowS = Math.floor(this.#connection.clock.now().getTime() / SECOND_MS)
      const claims = {
        iss: clientId,
        sub: username,
        aud: new URL(baseUrl).origin,
        exp: nowS + ASSERTION_S,
      }
      return { grant_type: JWT_GRANT, assertion: signJwt(claims, privateKey) }
    }
    return {
      grant_type: 'client_credentials',
      client_id: clientId,
      client_secret: clientSecret ?? '',
    }
  }
}

/**
 * A JSON Web Token, RS256 (RFC 7519, RFC 7518 section 3.3).
 * @throws VendorFault `reauth` when the key is no PEM.
 */
function signJwt(claims: Record<string, string | number>, privateKey: string): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const unsigned = `${encode({ alg: 'RS256', typ: 'JWT' })}.${encode(claims)}`
  try {
    return `${unsigned}.${createSign('RSA-SHA256').update(unsigned).sign(privateKey, 'base64url')}`
  } catch (cause) {
    throw new VendorFault('reauth', 'The private key cannot be read as PEM.', { cause })
  }
}

/** Calls go where the login says, but only to Salesforce, or to the host that was set. */
function readInstance(url: string, baseUrl: string): string {
  const { hostname, origin } = new URL(url)
  const isOwn = hostname === new URL(baseUrl).hostname
  if (isOwn || /\.(?:salesforce|force)\.(?:com|mil)$/.test(hostname)) return origin
  throw new VendorFault('account', 'The login leads to a host that is none of Salesforce.')
}
