import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import * as client from 'openid-client'
import { emailIndex, installationSealer } from '#access/installation.ts'
import { openChallenge, takeChallenge } from '#access/sign-in/challenge.store.ts'
import { readCookie } from '#access/sign-in/cookies.ts'
import { enter } from '#access/sign-in/sign-in.routes.ts'
import { findSignInUser, findUserByEmail, type SignInUser } from '#access/sign-in/user.store.ts'
import { Problem } from '#core/problem.ts'
import type { RawRequest, RawRoute } from '#gateway/raw-route.ts'
import type { Store } from '#store/store.ts'

/** An outside OpenID provider by which people may sign in. */
export interface OutsideProvider {
  name: string
  issuer: string
  clientId: string
  clientSecret: string
}

const CALLBACK = '/api/v1/session/oidc/callback'
const COOKIE = 'throughline_oidc'
const COOKIE_S = 300

/**
 * Sign-in by an outside provider: authorization code with PKCE, state and nonce, by openid-client. Nobody is let in who was not
 * invited: the first time the provider's verified address must be a user's, from then on the provider's subject is.
 */
export function createOidcRoutes(
  outside: OutsideProvider | null,
  publicUrl: () => string,
): RawRoute[] {
  if (!outside) return []
  const discover = discovery(outside)
  const isSecure = () => publicUrl().startsWith('https:')
  const cookie = (value: string, maxAgeS: number) =>
    `${COOKIE}=${value}; Path=/api/v1/session/oidc; HttpOnly; SameSite=Lax; Max-Age=${maxAgeS}${isSecure() ? '; Secure' : ''}`
  return [
    {
      id: 'startOidcSignIn',
      method: 'GET',
      path: '/api/v1/session/oidc',
      scope: null,
      maxBytes: 0,
      async handle({ store, now }) {
        const verifier = client.randomPKCECodeVerifier()
        const nonce = client.randomNonce()
        const state = await openChallenge(store, 'oidc', { nonce, verifier }, now)
        const url = client.buildAuthorizationUrl(await discover(), {
          redirect_uri: publicUrl() + CALLBACK,
          scope: 'openid email',
          code_challenge: await client.calculatePKCECodeChallenge(verifier),
          code_challenge_method: 'S256',
          state,
          nonce,
        })
        return {
          status: 303,
          headers: { location: url.href, 'set-cookie': cookie(state, COOKIE_S) },
        }
      },
    },
    {
      id: 'finishOidcSignIn',
      method: 'GET',
      path: CALLBACK,
      scope: null,
      maxBytes: 0,
      async handle(request) {
        const { query, headers, store, now } = request
        const state = readCookie(headers, COOKIE)
        const opened =
          state !== null && query['state'] === state
            ? await takeChallenge(store, 'oidc', state, now)
            : null
        if (!opened || state === null) throw notBegun()
        const claims = await claimsOf(await discover(), request, publicUrl(), { ...opened, state })
        const user = await findOutsideUser(store, claims, now)
        if (!user)
          throw new Problem(
            'auth.sign_in_refused',
            'The provider knows you, but nobody invited you here: ask an administrator.',
          )
        const answer = await enter(request, user, ['oidc'], isSecure())
        const cookies = [answer.headers?.['set-cookie'] ?? []].flat()
        return {
          status: 303,
          headers: { location: '/', 'set-cookie': [...cookies, cookie('', 0)] },
        }
      },
    },
  ]
}

const notBegun = () =>
  new Problem('auth.sign_in_refused', 'This sign-in was not begun in this browser: begin again.')

/** Reads the provider's metadata at the first use; a failure is tried again at the next. */
function discovery(outside: OutsideProvider): () => Promise<client.Configuration> {
  let pending: Promise<client.Configuration> | null = null
  return () => {
    const issuer = new URL(outside.issuer)
    const isPlain =
      issuer.protocol === 'http:' && ['localhost', '127.0.0.1'].includes(issuer.hostname)
    pending ??= client
      .discovery(
        issuer,
        outside.clientId,
        outside.clientSecret,
        client.ClientSecretBasic(outside.clientSecret),
        { timeout: 10, ...(isPlain ? { execute: [client.allowInsecureRequests] } : {}) },
      )
      .catch((cause: unknown) => {
        pending = null
        throw new Problem('service.unavailable', `${outside.name} does not answer: try later.`, {
          cause,
        })
      })
    return pending
  }
}

interface Claims {
  issuer: string
  subject: string
  verifiedEmail: string | null
}

async function claimsOf(
  config: client.Configuration,
  { query }: RawRequest,
  publicUrl: string,
  expected: { nonce: string; verifier: string; state: string },
): Promise<Claims> {
  const url = new URL(publicUrl + CALLBACK)
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value))
  try {
    const tokens = await client.authorizationCodeGrant(config, url, {
      pkceCodeVerifier: expected.verifier,
      expectedNonce: expected.nonce,
      expectedState: expected.state,
      idTokenExpected: true,
    })
    const claims = tokens.claims()!
    const { email, email_verified: isVerified } = claims
    return {
      issuer: claims.iss,
      subject: claims.sub,
      verifiedEmail: typeof email === 'string' && isVerified === true ? email : null,
    }
  } catch (cause) {
    throw new Problem('auth.sign_in_refused', 'The provider’s answer does not stand.', { cause })
  }
}

async function findOutsideUser(
  store: Store,
  { issuer, subject, verifiedEmail }: Claims,
  now: Date,
): Promise<SignInUser | null> {
  const sealer = await installationSealer(store)
  const subjectHash = createHash('sha256').update(`${issuer}\0${subject}`).digest()
  return store.system(async (tx) => {
    const known = await tx.find(sql<{ userId: string }>`
      select user_id from user_identities where subject_hash = ${subjectHash}`)
    if (known) return findSignInUser(tx, known.userId)
    if (verifiedEmail === null) return null
    const user = await findUserByEmail(tx, emailIndex(sealer, verifiedEmail))
    if (user)
      await tx.execute(sql`
        insert into user_identities (subject_hash, workspace_id, user_id, created_at)
        values (${subjectHash}, ${user.workspaceId}, ${user.id}, ${now}) on conflict do nothing`)
    return user
  })
}
