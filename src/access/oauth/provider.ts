import {
  Provider,
  errors,
  type Adapter,
  type Configuration,
  type KoaContextWithOIDC,
} from 'oidc-provider'
import { timingSafeEqual } from 'node:crypto'
import { hashSecret } from '#access/api-key.rules.ts'
import { installationSealer } from '#access/installation.ts'
import {
  consumeArtifact,
  deleteArtifact,
  findArtifact,
  revokeGrant,
  upsertArtifact,
  type Artifact,
} from '#access/oauth/artifact.store.ts'
import { findClient, findTokenBearer, type ClientRow } from '#access/oauth/client.store.ts'
import { endOrShowToken } from '#access/oauth/structured-tokens.ts'
import { rememberCallers } from '#access/oauth/caller.ts'
import { tellOfMisuse } from '#access/oauth/misuse.ts'
import { SIGNING_ALGORITHM, type SigningKeys } from '#access/oauth/signing-keys.ts'
import { ACCESS_TOKEN_S, audienceOf, scopesOfClient } from '#access/oauth/token.ts'
import type { Signals } from '#access/threats/signals.ts'
import { DAY_MS, type Clock } from '#core/time.ts'
import type { Store } from '#store/store.ts'
import type { Sealer } from '#store/vault.ts'

const REFRESH_DAYS = 30
const INTERACTION_S = 600
const CODE_S = 60

export interface ProviderParts {
  store: Store
  clock: Clock
  keys: SigningKeys
  publicUrl: string
  signals: Signals
}

/**
 * The authorization server of this hub (OAuth 2.0 by RFC 9700): client credentials and the authorization code with PKCE S256,
 * rotating refresh tokens, JWT access tokens (RFC 9068) for our own API and nothing else. Built anew when the signing keys change.
 */
export async function createProvider(parts: ProviderParts): Promise<Provider> {
  const sealer = await installationSealer(parts.store)
  const { private: jwks } = await parts.keys.current()
  const provider = new Provider(parts.publicUrl, configurationOf(parts, sealer, jwks))
  // Secrets are kept as hashes: what the client sent is hashed and compared in constant time.
  provider.Client.prototype.compareClientSecret = function (sent: string) {
    const hash = hashSecret(sent)
    const kept = [this['secret_hash'], this['old_secret_hash']]
    return kept.some(
      (hex) => typeof hex === 'string' && timingSafeEqual(Buffer.from(hex, 'hex'), hash),
    )
  }
  rememberCallers(provider)
  provider.use(endOrShowToken(parts))
  tellOfMisuse(provider, parts.signals)
  provider.proxy = true // the mount itself states the public address; nothing a caller sends is believed
  return provider
}

function configurationOf(
  { store, clock, publicUrl, signals }: ProviderParts,
  sealer: Sealer,
  jwks: object[],
): Configuration {
  const audience = audienceOf(publicUrl)
  const cookie = {
    httpOnly: true,
    sameSite: 'lax' as const,
    secure: publicUrl.startsWith('https:'),
    signed: true,
  }
  return {
    adapter: (model: string) => createAdapter(model, { store, clock, signals }, sealer),
    jwks: { keys: jwks },
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'none'],
    clientDefaults: {
      id_token_signed_response_alg: SIGNING_ALGORITHM,
      response_types: ['code'],
      grant_types: ['authorization_code', 'refresh_token'],
    },
    enabledJWA: { idTokenSigningAlgValues: [SIGNING_ALGORITHM] },
    extraClientMetadata: {
      properties: ['secret_hash', 'old_secret_hash', 'granted_scopes', 'workspace'],
      validator() {},
    },
    responseTypes: ['code'],
    scopes: [],
    pkce: { required: () => true },
    cookies: {
      keys: [sealer.index('oauth.cookies', publicUrl).toString('base64url')],
      long: cookie,
      short: cookie,
    },
    routes: {
      authorization: '/oauth/authorize',
      token: '/oauth/token',
      jwks: '/oauth/jwks',
      revocation: '/oauth/revoke',
      introspection: '/oauth/introspect',
    },
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      clientCredentials: { enabled: true },
      revocation: { enabled: true, allowedPolicy: isOwnToken },
      introspection: { enabled: true, allowedPolicy: isOwnToken },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => audience,
        useGrantedResource: () => true,
        getResourceServerInfo(ctx, resource, client) {
          if (resource !== audience) throw new errors.InvalidTarget()
          const granted = scopesOfClient(client)
          refuseForeignScope(ctx, granted)
          return {
            scope: granted.join(' '),
            audience,
            accessTokenTTL: ACCESS_TOKEN_S,
            accessTokenFormat: 'jwt',
            jwt: { sign: { alg: SIGNING_ALGORITHM } },
          }
        },
      },
    },
    // The grant's id lets a whole family of access tokens be ended at once.
    extraTokenClaims: (_ctx, token) =>
      'grantId' in token && typeof token.grantId === 'string' ? { gid: token.grantId } : undefined,
    expiresWithSession: () => false,
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: () => true,
    ttl: {
      AccessToken: ACCESS_TOKEN_S,
      ClientCredentials: ACCESS_TOKEN_S,
      AuthorizationCode: CODE_S,
      Interaction: INTERACTION_S,
      Session: INTERACTION_S,
      Grant: (REFRESH_DAYS * DAY_MS) / 1000,
      // A family ends 30 days after the person agreed, however often it was refreshed.
      RefreshToken: (ctx) => {
        const left = ctx?.oidc.entities.RotatedRefreshToken?.remainingTTL
        return typeof left === 'number' ? left : (REFRESH_DAYS * DAY_MS) / 1000
      },
    },
    interactions: { url: (_ctx, interaction) => `/authorize/${interaction.uid}` },
    async findAccount(ctx, sub) {
      const clientId = ctx.oidc.client?.clientId
      if (clientId === undefined) return { accountId: sub, claims: () => ({ sub }) }
      const bearer = await store.system((tx) =>
        findTokenBearer(tx, { clientId, userId: sub, ids: [] }),
      )
      return bearer ? { accountId: sub, claims: () => ({ sub }) } : undefined
    },
    renderError(ctx, out) {
      ctx.type = 'application/json'
      ctx.body = { error: out.error, error_description: out.error_description }
    },
  }
}

/** A client may end and look at its own tokens only. */
const isOwnToken = (
  _ctx: unknown,
  client: { clientId: string },
  token: { clientId?: string | undefined },
) => token.clientId === client.clientId

/** A scope that the client does not have is refused, not left out in silence. */
function refuseForeignScope(ctx: KoaContextWithOIDC, granted: readonly string[]): void {
  const asked = ctx.oidc.params?.['scope']
  if (typeof asked !== 'string') return
  const foreign = asked.split(' ').find((scope) => !granted.includes(scope))
  if (foreign !== undefined)
    throw new errors.InvalidScope('the client does not have this scope', foreign)
}

/** The library's storage on our tables. Sessions are not kept: who is signed in is said by the console's own session. */
function createAdapter(
  model: string,
  { store, clock, signals }: Pick<ProviderParts, 'store' | 'clock' | 'signals'>,
  sealer: Sealer,
): Adapter {
  if (model === 'Session') return forgetful
  const tellOfTwins = async (artifact: Artifact | undefined) => {
    const { clientId, accountId } = artifact ?? {}
    if (clientId === undefined) return
    const client = await store.system((tx) => findClient(tx, clientId))
    const userId = typeof accountId === 'string' ? accountId : null
    if (client) signals.tokenReplay(clientId, userId, client.workspaceId)
  }
  return {
    async upsert(id, payload, expiresIn) {
      const expiresAt = expiresIn ? new Date(clock.now().getTime() + expiresIn * 1000) : null
      await store.system((tx) =>
        upsertArtifact(tx, sealer, model, id, payload as Artifact, expiresAt),
      )
    },
    async find(id) {
      if (model === 'Client') {
        const row = await store.system((tx) => findClient(tx, id))
        return row ? metadataOf(row, clock.now()) : undefined
      }
      return store.system((tx) => findArtifact(tx, sealer, model, id))
    },
    async consume(id) {
      const isFirst = await store.system((tx) => consumeArtifact(tx, model, id, clock.now()))
      if (isFirst) return
      // Two used it at the same moment: as with any second use, the whole family ends (RFC 9700 §4.14.2).
      const artifact = await store.system((tx) => findArtifact(tx, sealer, model, id))
      if (artifact?.grantId !== undefined) await revokeGrant(store, artifact.grantId, clock.now())
      await tellOfTwins(artifact)
      throw new errors.InvalidGrant('already used')
    },
    async destroy(id) {
      await store.system((tx) => deleteArtifact(tx, model, id))
    },
    revokeByGrantId: (grantId) => revokeGrant(store, grantId, clock.now()),
    findByUid: async () => undefined,
    findByUserCode: async () => undefined,
  }
}

const forgetful: Adapter = {
  upsert: async () => undefined,
  find: async () => undefined,
  findByUid: async () => undefined,
  findByUserCode: async () => undefined,
  consume: async () => undefined,
  destroy: async () => undefined,
  revokeByGrantId: async () => undefined,
}

function metadataOf(row: ClientRow, now: Date): Record<string, unknown> {
  const isService = row.kind === 'service'
  const hasOld =
    row.oldSecretHash !== null && row.oldSecretUntil !== null && row.oldSecretUntil > now
  return {
    client_id: row.id,
    client_name: row.name,
    application_type: row.kind === 'native' ? 'native' : 'web',
    token_endpoint_auth_method: row.authentication,
    ...(row.secretHash
      ? { client_secret: row.id, secret_hash: row.secretHash.toString('hex') }
      : {}),
    ...(hasOld ? { old_secret_hash: row.oldSecretHash!.toString('hex') } : {}),
    redirect_uris: row.redirectUris,
    response_types: isService ? [] : ['code'],
    grant_types: isService ? ['client_credentials'] : ['authorization_code', 'refresh_token'],
    granted_scopes: row.scopes.join(' '),
    workspace: row.workspaceId,
  }
}
