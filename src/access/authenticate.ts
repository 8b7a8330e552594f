import { fitOf, hasSecondFactor } from '#access/device.rules.ts'
import { isSecret, splitToken } from '#access/api-key.rules.ts'
import { findKeyByPrefix, touchKeys, type KeyRow } from '#access/api-key.store.ts'
import { findTokenBearer, type TokenBearer } from '#access/oauth/client.store.ts'
import { SigningKeys } from '#access/oauth/signing-keys.ts'
import { isJwt, isOver, verifyAccessToken, type AccessToken } from '#access/oauth/token.ts'
import { rightsOf, type Rights } from '#access/permissions/narrowing.ts'
import { findPermissions } from '#access/permissions/permission.store.ts'
import { hashToken, isLive } from '#access/session.rules.ts'
import { bindSession, findSession, touchSession, type SessionRow } from '#access/session.store.ts'
import type { Guard } from '#access/threats/guard.ts'
import type { Signals, Target } from '#access/threats/signals.ts'
import { carrierOf } from '#access/threats/subject.ts'
import { MINUTE_MS, SECOND_MS, type Clock } from '#core/time.ts'
import type { Authenticate, Credentials, Sender, Whose } from '#gateway/gateway.ts'
import type { KnownDevice, Principal } from '#gateway/operation.ts'
import type { Store, SystemTransaction } from '#store/store.ts'

/** A revoked credential may go on for this long if the word of it does not arrive; the promise is five seconds. */
const CACHED_MS = 4 * SECOND_MS
const MAX_CACHED = 10_000
const USER_RATE_LIMIT = 1200

interface Cached<Row> {
  row: Row | null
  readAtMs: number
}

/** A row as it was read, with the rights that follow from it: worked out once, not at every request. */
type Known<Row> = Row & { rights: Rights }

interface TokenRow {
  token: AccessToken
  bearer: TokenBearer
}

export interface Authenticator {
  authenticate: Authenticate
  /** Whose credentials were refused, from what is cached: no question to the database. */
  whose: Whose
  /** Writes down when keys were last used. */
  flush(): Promise<void>
  /** Lets go of all that is cached: some credential ended or changed. */
  forget(): void
}

/** What is told of credentials, and what holds some of them back. */
interface ThreatParts {
  signals: Signals
  guard: Guard
}

/** Finds principals by API key, access token or session, with a short cache. */
export function createAuthenticator(
  store: Store,
  clock: Clock,
  publicUrl: () => string,
  { signals, guard }: ThreatParts,
): Authenticator {
  const keys = new Map<string, Cached<Known<KeyRow>>>()
  const sessions = new Map<string, Cached<Known<SessionRow>>>()
  const tokens = new Map<string, Cached<Known<TokenRow>>>()
  const used = new Map<string, Date>()
  const signingKeys = new SigningKeys(store, clock)

  async function byKey(token: string, sender: Sender | null): Promise<Principal | null> {
    const refuse = (target: Target | null) => {
      if (sender) signals.wrongSecret(token, target, sender)
      return null
    }
    const parts = splitToken(token)
    if (!parts) return refuse(null)
    const row = await remember(keys, parts.prefix, clock, () =>
      store.system(async (tx) => {
        const found = await findKeyByPrefix(tx, parts.prefix)
        if (!found) return null
        return { ...found, rights: await rightsOfKey(tx, found) }
      }),
    )
    const now = clock.now()
    if (!row || !isSecret(parts.secret, row.secretHash)) return refuse(row)
    const isOrphan = row.ownerId !== null && row.ownerRoles === null
    if (isOrphan || row.revokedAt !== null || (row.expiresAt !== null && row.expiresAt <= now)) {
      if (sender) signals.deadKey(row, sender)
      return null
    }
    used.set(row.id, now)
    return {
      id: row.id,
      kind: 'api_key',
      workspaceId: row.workspaceId,
      ...granted(row.rights),
      rateLimitPerMinute: row.rateLimitPerMinute,
      ...(row.ownerRoles !== null && { roles: row.ownerRoles }),
    }
  }

  async function readToken(text: string): Promise<Known<TokenRow> | null> {
    const token = await verifyAccessToken(text, signingKeys, publicUrl(), clock.now())
    if (!token) return null
    const { clientId, userId, grantId, jti } = token
    const ids = grantId === null ? [jti] : [jti, grantId]
    return store.system(async (tx) => {
      const bearer = await findTokenBearer(tx, { clientId, userId, ids })
      if (!bearer) return null
      const roles = bearer.roles ?? []
      const rows = await findPermissions(tx, bearer.workspaceId, userId ?? clientId, roles)
      const own = rightsOf({
        roles,
        scopes: userId === null ? bearer.scopes : [],
        rows,
        tenants: null,
        isPerson: userId !== null,
      })
      return { token, bearer, rights: bounded(own, token.scopes, bearer.scopes) }
    })
  }

  /** A token can do what it was issued for, and of that only what its client and its person may do now. */
  async function byToken(text: string, sender: Sender | null): Promise<Principal | null> {
    const known = await remember(tokens, text, clock, () => readToken(text))
    if (!known || known.token.expiresAt <= clock.now()) {
      // Many applications learn that a token is over by trying it: that is no guess.
      if (!known && sender && !isOver(text, clock.now())) signals.wrongSecret(text, null, sender)
      return null
    }
    const { token, bearer, rights } = known
    return {
      id: token.userId ?? token.clientId,
      kind: token.userId === null ? 'client' : 'user',
      workspaceId: bearer.workspaceId,
      ...granted(rights),
      rateLimitPerMinute: bearer.rateLimitPerMinute,
      clientId: token.clientId,
      ...(token.userId !== null && bearer.roles !== null && { roles: bearer.roles }),
    }
  }

  async function byCookie(
    token: string,
    device: string | null,
    sender: Sender | null,
  ): Promise<Principal | null> {
    const tokenHash = hashToken(token)
    const row = await remember(sessions, tokenHash.toString('hex'), clock, () =>
      store.system(async (tx) => {
        const found = await findSession(tx, tokenHash)
        if (!found) return null
        const rows = await findPermissions(tx, found.workspaceId, found.userId, found.roles)
        const scopes = ['account:write']
        const { roles } = found
        return {
          ...found,
          rights: rightsOf({ roles, scopes, rows, tenants: null, isPerson: true }),
        }
      }),
    )
    const now = clock.now()
    if (!row || !isLive(row, now)) return null
    const fit = fitOf(row, device)
    if (fit === 'foreign') {
      if (sender) signals.wrongSecret(`${token} ${device}`, ownerOf(row), sender)
      return null
    }
    if (fit === 'binds') {
      row.deviceBoundAt = now
      await store.system((tx) => bindSession(tx, row.id, now))
    }
    if (now.getTime() - row.lastSeenAt.getTime() > MINUTE_MS) {
      row.lastSeenAt = now
      await store.system((tx) => touchSession(tx, row.id, now))
    }
    return {
      id: row.userId,
      kind: 'user',
      workspaceId: row.workspaceId,
      ...granted(row.rights),
      rateLimitPerMinute: USER_RATE_LIMIT,
      roles: row.roles,
      session: {
        id: row.id,
        authenticatedAt: row.authenticatedAt,
        methods: row.methods,
        isBySecondFactor: hasSecondFactor(row.methods),
        device: fit === 'none' ? null : deviceIn(row),
      },
    }
  }

  async function find({ bearer, cookie, device, sender }: Credentials) {
    if (bearer !== null) return isJwt(bearer) ? byToken(bearer, sender) : byKey(bearer, sender)
    return cookie === null ? null : byCookie(cookie, device, sender)
  }

  return {
    async authenticate(credentials) {
      const { sender } = credentials
      const found = await find(credentials)
      if (!found) return null
      guard.admit(found)
      const carrier = sender && carrierOf(found)
      if (carrier) signals.used(carrier, found.workspaceId, sender)
      const clampPerMinute = guard.clampOf(found)
      return clampPerMinute === null ? found : { ...found, clampPerMinute }
    },
    whose({ bearer, cookie }) {
      const parts = bearer === null ? null : splitToken(bearer)
      const key = parts && keys.get(parts.prefix)?.row
      if (key) return { id: key.id, kind: 'api_key', workspaceId: key.workspaceId }
      const session = cookie === null ? null : sessions.get(hashToken(cookie).toString('hex'))?.row
      return session ? { id: session.userId, kind: 'user', workspaceId: session.workspaceId } : null
    },
    async flush() {
      if (used.size === 0) return
      const rows = [...used].map(([id, at]) => ({ id, at }))
      used.clear()
      await store.system((tx) => touchKeys(tx, rows))
    },
    forget() {
      for (const cache of [keys, sessions, tokens]) cache.clear()
    },
  }
}

function granted({ scopes, narrowing }: Rights): Pick<Principal, 'scopes' | 'narrowing'> {
  return narrowing === null ? { scopes } : { scopes, narrowing }
}

const ownerOf = ({ userId, workspaceId }: SessionRow) => ({ id: userId, workspaceId })

function deviceIn(row: SessionRow): KnownDevice | null {
  const { deviceId: id, deviceFirstSeenAt: firstSeenAt, deviceConfirmedAt: confirmedAt } = row
  return id === null || firstSeenAt === null ? null : { id, firstSeenAt, confirmedAt }
}

/** A person's own key has their rights of now, as far as it was made for them; another key has its own. */
async function rightsOfKey(tx: SystemTransaction, key: KeyRow): Promise<Rights> {
  const { workspaceId, id, roles, scopes, tenants, ownerId, ownerRoles } = key
  if (ownerId === null) {
    const rows = await findPermissions(tx, workspaceId, id, roles)
    return rightsOf({ roles, scopes, rows, tenants, isPerson: false })
  }
  const now = ownerRoles ?? []
  const rows = await findPermissions(tx, workspaceId, ownerId, now)
  const own = rightsOf({ roles: now, scopes: [], rows, tenants, isPerson: true })
  return bounded(own, scopes, scopes)
}

/** The rights of a token: never beyond what it was issued for, in part as in whole. */
function bounded(
  { scopes, narrowing }: Rights,
  issued: readonly string[],
  client: readonly string[],
): Rights {
  const most = new Set(issued.filter((scope) => client.includes(scope)))
  return {
    scopes: new Set([...scopes].filter((scope) => most.has(scope))),
    narrowing: narrowing && {
      ...narrowing,
      reaches: (scope) => most.has(scope) && narrowing.reaches(scope),
    },
  }
}

async function remember<Row>(
  cache: Map<string, Cached<Row>>,
  key: string,
  clock: Clock,
  read: () => Promise<Row | null>,
): Promise<Row | null> {
  const nowMs = clock.now().getTime()
  const cached = cache.get(key)
  if (cached && Math.abs(nowMs - cached.readAtMs) < CACHED_MS) return cached.row
  if (cache.size >= MAX_CACHED) cache.clear()
  const row = await read()
  cache.set(key, { row, readAtMs: nowMs })
  return row
}
