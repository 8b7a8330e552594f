import { z } from 'zod'
import { insertAudit } from '#access/audit.store.ts'
import { fitOf, hasSecondFactor } from '#access/device.rules.ts'
import { confirmDevice, isDeviceOf } from '#access/device.store.ts'
import { emailIndex, installationSealer } from '#access/installation.ts'
import { readJson } from '#access/read-json.ts'
import { hashToken, isLive, newToken, sessionCookie } from '#access/session.rules.ts'
import {
  bindSession,
  findSession,
  renewSession,
  revokeSession,
  takeSignInLink,
} from '#access/session.store.ts'
import { openChallenge, readChallenge, takeChallenge } from '#access/sign-in/challenge.store.ts'
import { PasskeyProof, proofOptions, provePasskey, siteOf } from '#access/sign-in/passkey.ts'
import { isPassword } from '#access/sign-in/password.ts'
import {
  proveAgain,
  proveSecondFactor,
  refused,
  SecondFactor,
  StepUp,
} from '#access/sign-in/prove.ts'
import { startSession, type SignInMethod } from '#access/sign-in/session-start.ts'
import type { Signals } from '#access/threats/signals.ts'
import { countTry, passwordCounters } from '#access/sign-in/throttle.ts'
import { findSignInUser, findUserByEmail, type SignInUser } from '#access/sign-in/user.store.ts'
import { Problem } from '#core/problem.ts'
import { cookieOf, deviceOf } from '#gateway/credentials.ts'
import { refuseForeignOrigin } from '#gateway/origin.ts'
import type { RawAnswer, RawRequest, RawRoute } from '#gateway/raw-route.ts'

const LinkSignIn = z.object({ token: z.string().min(20).max(100) })
const PasswordSignIn = z.object({ email: z.string().max(254), password: z.string().max(1000) })
const SecondStep = SecondFactor.extend({ challenge: z.string().max(100) })
const PasskeySignIn = z.object({ challenge: z.string().max(100), passkey: PasskeyProof })

/** The ways into the console and out of it: they set cookies, which operations do only in passing. */
export function createSignInRoutes(
  publicUrl: () => string,
  oidcName: string | null,
  signals: Signals,
): RawRoute[] {
  const isSecure = () => publicUrl().startsWith('https:')
  const route = (
    id: string,
    path: string,
    work: (request: RawRequest) => Promise<RawAnswer>,
    method: RawRoute['method'] = 'POST',
  ): RawRoute => ({
    id,
    method,
    path,
    scope: null,
    maxBytes: method === 'POST' ? 32_000 : 0,
    async handle(request) {
      if (method !== 'GET') refuseForeignOrigin(request.headers, publicUrl())
      return work(request)
    },
  })
  return [
    route(
      'getSignInMethods',
      '/api/v1/session/methods',
      async () => json({ password: true, passkey: true, oidc: oidcName }),
      'GET',
    ),
    route('signIn', '/api/v1/session', (request) => byLink(request, isSecure())),
    route('signInByPassword', '/api/v1/session/password', (request) =>
      byPassword(request, isSecure(), signals),
    ),
    route('signInBySecondFactor', '/api/v1/session/second-factor', (request) =>
      bySecondFactor(request, isSecure(), signals),
    ),
    route('getPasskeyChallenge', '/api/v1/session/passkey/options', ({ store, now }) =>
      openPasskey(store, publicUrl(), now),
    ),
    route('signInByPasskey', '/api/v1/session/passkey', (request) =>
      byPasskey(request, publicUrl(), isSecure()),
    ),
    route('getStepUpChallenge', '/api/v1/session/step-up/options', (request) =>
      openStepUp(request, publicUrl()),
    ),
    route('stepUp', '/api/v1/session/step-up', (request) =>
      stepUp(request, publicUrl(), isSecure(), signals),
    ),
    route(
      'signOut',
      '/api/v1/session',
      async ({ headers, store, now }) => {
        const cookie = cookieOf(headers)
        if (cookie !== null) await store.system((tx) => revokeSession(tx, hashToken(cookie), now))
        return { status: 204, headers: { 'set-cookie': sessionCookie('', isSecure(), 0) } }
      },
      'DELETE',
    ),
  ]
}

async function byLink(request: RawRequest, isSecure: boolean): Promise<RawAnswer> {
  const { token } = readJson(LinkSignIn, request.body)
  const { store, now } = request
  const link = await store.system((tx) => takeSignInLink(tx, hashToken(token), now))
  if (!link)
    throw new Problem('auth.link_invalid', 'The link was used or is too old: ask for a new one.')
  return enter(request, { id: link.userId, workspaceId: link.workspaceId }, ['link'], isSecure)
}

async function byPassword(
  request: RawRequest,
  isSecure: boolean,
  signals: Signals,
): Promise<RawAnswer> {
  const { email, password } = readJson(PasswordSignIn, request.body)
  const { store, now, remoteAddress, headers } = request
  const sealer = await installationSealer(store)
  const index = emailIndex(sealer, email)
  const user = await store.system((tx) => findUserByEmail(tx, index))
  const device = deviceOf(headers, isSecure)
  const isKnown =
    user !== null &&
    device !== null &&
    (await store.system((tx) => isDeviceOf(tx, hashToken(device), user.id, now)))
  const counters = passwordCounters(
    index.toString('hex'),
    remoteAddress,
    isKnown ? `${device} ${user.id}` : null,
  )
  const tell = () => signals.wrongSecret(`${email} ${password}`, user, senderOf(request))
  const forgive = await countTry(store, sealer, counters, now).catch((thrown: unknown) => {
    tell()
    throw thrown
  })
  const isRight = await isPassword(password, user?.passwordHash ?? null)
  if (user === null || !isRight) {
    tell()
    if (user !== null) await noteFailure(request, user)
    throw refused()
  }
  await forgive()
  signals.rightSecret(user, senderOf(request))
  if (user.totpSecret === null && user.passkeys === 0)
    return enter(request, user, ['password'], isSecure)
  if (user.totpSecret === null) return json({ next: 'passkey' })
  const challenge = await openChallenge(store, 'second_factor', { userId: user.id }, now)
  return json({ next: 'second_factor', challenge })
}

async function bySecondFactor(
  request: RawRequest,
  isSecure: boolean,
  signals: Signals,
): Promise<RawAnswer> {
  const { challenge, ...sent } = readJson(SecondStep, request.body)
  const { store, now } = request
  const opened = await readChallenge(store, 'second_factor', challenge, now)
  const user = opened && (await store.system((tx) => findSignInUser(tx, opened.userId)))
  if (!user) throw refused()
  const method = await proveSecondFactor(store, user, sent, now).catch(async (thrown: unknown) => {
    signals.wrongSecret(JSON.stringify(sent), user, senderOf(request))
    await noteFailure(request, user)
    throw thrown
  })
  if (!(await takeChallenge(store, 'second_factor', challenge, now))) throw refused()
  return enter(request, user, ['password', method], isSecure)
}

async function openPasskey(
  store: RawRequest['store'],
  publicUrl: string,
  now: Date,
): Promise<RawAnswer> {
  const options = await proofOptions(siteOf(publicUrl))
  const challenge = await openChallenge(store, 'passkey', { challenge: options.challenge }, now)
  return json({ challenge, options })
}

async function byPasskey(
  request: RawRequest,
  publicUrl: string,
  isSecure: boolean,
): Promise<RawAnswer> {
  const { challenge, passkey } = readJson(PasskeySignIn, request.body)
  const { store, now } = request
  const opened = await takeChallenge(store, 'passkey', challenge, now)
  if (!opened) throw refused()
  const site = siteOf(publicUrl)
  const row = await store.system((tx) => provePasskey(tx, passkey, opened.challenge, site, now))
  if (!row) throw refused()
  return enter(request, { id: row.userId, workspaceId: row.workspaceId }, ['passkey'], isSecure)
}

/** The user of the open session, for step-up, and the device that it came from. @throws Problem `auth.required` */
async function userOfSession({ headers, store, now }: RawRequest, isSecure: boolean) {
  const cookie = cookieOf(headers)
  const tokenHash = cookie === null ? null : hashToken(cookie)
  const session = tokenHash && (await store.system((tx) => findSession(tx, tokenHash)))
  const user = session && (await store.system((tx) => findSignInUser(tx, session.userId)))
  const fit = session && fitOf(session, deviceOf(headers, isSecure))
  if (!session || !user || !isLive(session, now) || fit === 'foreign')
    throw new Problem('auth.required', 'Sign in first.')
  return { session, user, deviceId: fit === 'none' ? null : session.deviceId }
}

async function openStepUp(request: RawRequest, publicUrl: string): Promise<RawAnswer> {
  const { user } = await userOfSession(request, publicUrl.startsWith('https:'))
  const needs = { password: user.passwordHash !== null, code: user.totpSecret !== null }
  if (user.passkeys === 0) return json({ ...needs, passkey: null })
  const options = await proofOptions(siteOf(publicUrl))
  const content = { challenge: options.challenge, userId: user.id }
  const challenge = await openChallenge(request.store, 'step_up', content, request.now)
  return json({ ...needs, passkey: { challenge, options } })
}

async function stepUp(
  request: RawRequest,
  publicUrl: string,
  isSecure: boolean,
  signals: Signals,
): Promise<RawAnswer> {
  const sent = readJson(StepUp, request.body)
  const { session, user, deviceId } = await userOfSession(request, isSecure)
  const { store, now, requestId } = request
  const site = siteOf(publicUrl)
  const methods = await proveAgain(store, user, sent, site, now).catch((thrown: unknown) => {
    signals.wrongSecret(JSON.stringify(sent), user, senderOf(request))
    throw thrown
  })
  const { token, tokenHash } = newToken()
  const confirmed = hasSecondFactor(methods) ? deviceId : null
  await store.system(async (tx) => {
    await renewSession(tx, session.id, tokenHash, methods, now)
    if (confirmed !== null) {
      await bindSession(tx, session.id, now)
      await confirmDevice(tx, confirmed, methods, now)
    }
    const { workspaceId, id: userId } = user
    await insertAudit(tx, {
      workspaceId,
      userId,
      action: 'stepUp',
      now,
      requestId,
      detail: { methods, ...(confirmed === null ? {} : { confirmedDevice: confirmed }) },
    })
  })
  const maxAgeMs = session.expiresAt.getTime() - now.getTime()
  return { status: 204, headers: { 'set-cookie': sessionCookie(token, isSecure, maxAgeMs) } }
}

/** Starts the session and sends its cookies. */
export async function enter(
  request: RawRequest,
  user: { id: string; workspaceId: string },
  methods: SignInMethod[],
  isSecure: boolean,
): Promise<RawAnswer> {
  const { store } = request
  const sealer = await store.sealerOf(user.workspaceId)
  const cookies = await store.system((tx) =>
    startSession(tx, sealer, { user, methods, request, isSecure }),
  )
  return { status: 204, headers: { 'set-cookie': cookies } }
}

const senderOf = ({ remoteAddress, headers }: RawRequest) => ({
  address: remoteAddress,
  agent: headers['user-agent'] ?? '',
})

async function noteFailure({ store, now, requestId }: RawRequest, user: SignInUser): Promise<void> {
  const { workspaceId, id: userId } = user
  await store.system((tx) =>
    insertAudit(tx, { workspaceId, userId, action: 'signInRefused', now, requestId }),
  )
}

function json(value: unknown): RawAnswer {
  return {
    status: 200,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify(value),
  }
}
