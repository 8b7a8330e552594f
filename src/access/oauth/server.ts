import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Provider } from 'oidc-provider'
import { callerOf } from '#access/oauth/caller.ts'
import { SigningKeys } from '#access/oauth/signing-keys.ts'
import { audienceOf } from '#access/oauth/token.ts'
import { scopes } from '#access/roles.ts'
import type { Signals } from '#access/threats/signals.ts'
import type { Clock } from '#core/time.ts'
import type { MountCaller } from '#gateway/raw-route.ts'
import type { Store } from '#store/store.ts'

/** The authorization server as the rest of the access module sees it. */
export class OAuthServer {
  readonly keys: SigningKeys
  readonly #store: Store
  readonly #clock: Clock
  readonly #publicUrl: () => string
  readonly #signals: Signals
  #provider: { version: string; provider: Promise<Provider> } | null = null

  constructor(store: Store, clock: Clock, publicUrl: () => string, signals: Signals) {
    this.#signals = signals
    this.#store = store
    this.#clock = clock
    this.#publicUrl = publicUrl
    this.keys = new SigningKeys(store, clock)
  }

  /** The library's server with the signing keys of now. */
  async provider(): Promise<Provider> {
    const publicUrl = this.#publicUrl()
    const version = `${publicUrl} ${(await this.keys.current()).version}`
    if (this.#provider?.version !== version) {
      const parts = {
        store: this.#store,
        clock: this.#clock,
        keys: this.keys,
        publicUrl,
        signals: this.#signals,
      }
      // Loaded at the first use: the library takes half a second, which no start and no command should wait for.
      const provider = import('#access/oauth/provider.ts').then((it) => it.createProvider(parts))
      this.#provider = { version, provider }
      provider.catch(() => {
        this.#provider = null
      })
    }
    return this.#provider.provider
  }

  /** Answers a request of one of the OAuth paths. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<MountCaller | null> {
    const provider = await this.provider()
    await provider.callback()(request, response)
    return callerOf(request)
  }

  /** Authorization server metadata (RFC 8414 §2), with what this server does and no more. */
  metadata(): Record<string, unknown> {
    const issuer = this.#publicUrl()
    const methods = ['client_secret_basic', 'client_secret_post']
    return {
      issuer,
      authorization_endpoint: `${issuer}/oauth/authorize`,
      token_endpoint: `${issuer}/oauth/token`,
      jwks_uri: `${issuer}/oauth/jwks`,
      revocation_endpoint: `${issuer}/oauth/revoke`,
      introspection_endpoint: `${issuer}/oauth/introspect`,
      scopes_supported: Object.keys(scopes),
      response_types_supported: ['code'],
      response_modes_supported: ['query'],
      grant_types_supported: ['authorization_code', 'client_credentials', 'refresh_token'],
      code_challenge_methods_supported: ['S256'],
      token_endpoint_auth_methods_supported: [...methods, 'none'],
      revocation_endpoint_auth_methods_supported: [...methods, 'none'],
      introspection_endpoint_auth_methods_supported: methods,
      authorization_response_iss_parameter_supported: true,
      resource_indicators_supported: true,
      protected_resources: [audienceOf(issuer)],
      service_documentation: `${issuer}/docs`,
    }
  }
}
