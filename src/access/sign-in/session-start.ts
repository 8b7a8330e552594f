import { insertAudit } from '#access/audit.store.ts'
import { ABSOLUTE_MS, hashToken, newToken, sessionCookie } from '#access/session.rules.ts'
import { insertSession } from '#access/session.store.ts'
import { DEVICE_MS, deviceCookie, deviceOf } from '#access/sign-in/cookies.ts'
import { insertDevice } from '#access/sign-in/user.store.ts'
import { sourceOf } from '#access/sign-in/throttle.ts'
import { newId } from '#core/id.ts'
import type { RawRequest } from '#gateway/raw-route.ts'
import type { SystemTransaction } from '#store/store.ts'
import type { Sealer } from '#store/vault.ts'

export type SignInMethod = 'password' | 'totp' | 'recovery' | 'passkey' | 'link' | 'oidc'

export const placeContext = (sessionId: string) => `sessions.place:${sessionId}`

/**
 * Begins a session after its person has proved who they are, always with a new token.
 * @returns the cookies to set
 */
export async function startSession(
  tx: SystemTransaction,
  sealer: Sealer,
  user: { id: string; workspaceId: string },
  methods: SignInMethod[],
  request: RawRequest,
  isSecure: boolean,
): Promise<string[]> {
  const { now, headers, remoteAddress, requestId } = request
  const id = newId('ses')
  const session = newToken()
  const agent = (headers['user-agent'] ?? '').slice(0, 300)
  await insertSession(
    tx,
    {
      id,
      workspaceId: user.workspaceId,
      userId: user.id,
      createdAt: now,
      lastSeenAt: now,
      expiresAt: new Date(now.getTime() + ABSOLUTE_MS),
      authenticatedAt: now,
      methods,
    },
    session.tokenHash,
    sealer.seal({ address: remoteAddress, agent }, placeContext(id)),
  )
  const device = deviceOf(headers, isSecure) ?? newToken().token
  await insertDevice(tx, user, hashToken(device), now, new Date(now.getTime() + DEVICE_MS))
  await insertAudit(tx, {
    workspaceId: user.workspaceId,
    userId: user.id,
    action: 'signIn',
    now,
    requestId,
    detail: { methods, source: sealer.index('source', sourceOf(remoteAddress)).toString('hex') },
  })
  return [sessionCookie(session.token, isSecure, ABSOLUTE_MS), deviceCookie(device, isSecure)]
}
