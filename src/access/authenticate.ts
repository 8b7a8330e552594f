import { isSecret, splitToken } from '#access/api-key.rules.ts'
import { findKeyByPrefix, touchKeys, type KeyRow } from '#access/api-key.store.ts'
import { scopesOf } from '#access/roles.ts'
import { hashToken, isLive } from '#access/session.rules.ts'
import { findSession, touchSession, type SessionRow } from '#access/session.store.ts'
import { MINUTE_MS, SECOND_MS, type Clock } from '#core/time.ts'
import type { Authenticate } from '#gateway/gateway.ts'
import type { Principal } from '#gateway/operation.ts'
import type { Store } from '#store/store.ts'

/** A revoked key or session may go on for this long; the promise is five seconds. */
const CACHED_MS = 4 * SECOND_MS
const MAX_CACHED = 10_000
const USER_RATE_LIMIT = 1200

interface Cached<Row> {
  row: Row | null
  readAtMs: number
}

/** Finds principals by API key or session, with a short cache; `flush` writes down when keys were last used. */
export function createAuthenticator(
  store: Store,
  clock: Clock,
): { authenticate: Authenticate; flush(): Promise<void> } {
  const keys = new Map<string, Cached<KeyRow>>()
  const sessions = new Map<string, Cached<SessionRow>>()
  const used = new Map<string, Date>()

  async function byKey(token: string): Promise<Principal | null> {
    const parts = splitToken(token)
    if (!parts) return null
    const row = await remember(keys, parts.prefix, clock, () =>
      store.system((tx) => findKeyByPrefix(tx, parts.prefix)),
    )
    const now = clock.now()
    if (!row || !isSecret(parts.secret, row.secretHash)) return null
    if (row.revokedAt !== null || (row.expiresAt !== null && row.expiresAt <= now)) return null
    used.set(row.id, now)
    const scopes = new Set([...scopesOf(row.roles), ...row.scopes])
    return {
      id: row.id,
      kind: 'api_key',
      workspaceId: row.workspaceId,
      scopes,
      rateLimitPerMinute: row.rateLimitPerMinute,
    }
  }

  async function byCookie(token: string): Promise<Principal | null> {
    const tokenHash = hashToken(token)
    const row = await remember(sessions, tokenHash.toString('hex'), clock, () =>
      store.system((tx) => findSession(tx, tokenHash)),
    )
    const now = clock.now()
    if (!row || !isLive(row, now)) return null
    if (now.getTime() - row.lastSeenAt.getTime() > MINUTE_MS) {
      row.lastSeenAt = now
      await store.system((tx) => touchSession(tx, row.id, now))
    }
    return {
      id: row.userId,
      kind: 'user',
      workspaceId: row.workspaceId,
      scopes: scopesOf(row.roles),
      rateLimitPerMinute: USER_RATE_LIMIT,
    }
  }

  return {
    async authenticate({ bearer, cookie }) {
      if (bearer !== null) return byKey(bearer)
      return cookie === null ? null : byCookie(cookie)
    },
    async flush() {
      if (used.size === 0) return
      const rows = [...used].map(([id, at]) => ({ id, at }))
      used.clear()
      await store.system((tx) => touchKeys(tx, rows))
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
