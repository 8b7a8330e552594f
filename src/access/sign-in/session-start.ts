import { insertAudit } from '#access/audit.store.ts'
import { hasSecondFactor } from '#access/device.rules.ts'
import { isDevice, keepDevice } from '#access/device.store.ts'
import { ABSOLUTE_MS, hashToken, newToken, sessionCookie } from '#access/session.rules.ts'
import { insertSession } from '#access/session.store.ts'
import { deviceCookie } from '#access/sign-in/cookies.ts'
import { sourceOf } from '#access/sign-in/throttle.ts'
import { browserName } from '#core/browser-name.ts'
import { newId } from '#core/id.ts'
import { deviceOf } from '#gateway/credentials.ts'
import type { RawRequest } from '#gateway/raw-route.ts'
import type { SystemTransaction } from '#store/store.ts'
import type { Sealer } from '#store/vault.ts'

export type SignInMethod = 'password' | 'totp' | 'recovery' | 'passkey' | 'link' | 'oidc'

export const placeContext = (sessionId: string) => `sessions.place:${sessionId}`

interface SignIn {
  user: { id: string; workspaceId: string }
  methods: SignInMethod[]
  request: RawRequest
  isSecure: boolean
}

/**
 * Begins a session after its person has proved who they are, always with a new token.
 * @returns the cookies to set
 */
export async function startSession(
  tx: SystemTransaction,
  sealer: Sealer,
  signIn: SignIn,
): Promise<string[]> {
  const { user, methods, request, isSecure } = signIn
  const { now, headers, remoteAddress } = request
  const id = newId('ses')
  const session = newToken()
  const agent = (headers['user-agent'] ?? '').slice(0, 300)
  const device = await takeDevice(tx, signIn)
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
      deviceId: device.id,
      deviceBoundAt: device.isSent ? now : null,
    },
    session.tokenHash,
    sealer.seal({ address: remoteAddress, agent }, placeContext(id)),
  )
  const source = sealer.index('source', sourceOf(remoteAddress)).toString('hex')
  const note = noteOf(signIn)
  await insertAudit(tx, { ...note, action: 'signIn', detail: { methods, source } })
  if (device.isNew && device.others > 0)
    await insertAudit(tx, {
      ...note,
      action: 'signInNewDevice',
      detail: { device: device.id, name: device.name, source },
    })
  return [sessionCookie(session.token, isSecure, ABSOLUTE_MS), deviceCookie(device.token, isSecure)]
}

/** A cookie that the hub does not know, such as that of a forgotten device, is replaced: its secret may be anybody's choice. */
async function takeDevice(tx: SystemTransaction, { user, methods, request, isSecure }: SignIn) {
  const { now, headers } = request
  const sent = deviceOf(headers, isSecure)
  const isSent = sent !== null && (await isDevice(tx, hashToken(sent), now))
  const token = isSent ? sent : newToken().token
  const name = browserName(headers['user-agent'] ?? '')
  const kept = await keepDevice(tx, {
    id: newId('dev'),
    tokenHash: hashToken(token),
    workspaceId: user.workspaceId,
    userId: user.id,
    name,
    now,
    confirmedBy: hasSecondFactor(methods) ? methods : null,
  })
  return { ...kept, token, name, isSent }
}

const noteOf = ({ user, request: { now, requestId } }: SignIn) => ({
  workspaceId: user.workspaceId,
  userId: user.id,
  now,
  requestId,
})
