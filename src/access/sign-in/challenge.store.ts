import { sql } from 'kysely'
import { installationSealer } from '#access/installation.ts'
import { hashToken, newToken } from '#access/session.rules.ts'
import { MINUTE_MS } from '#core/time.ts'
import type { Store } from '#store/store.ts'

const CHALLENGE_MS = 5 * MINUTE_MS

/** What stands between two steps of a sign-in. */
export interface ChallengeKinds {
  second_factor: { userId: string }
  passkey: { challenge: string }
  step_up: { challenge: string; userId: string }
  oidc: { nonce: string; verifier: string }
}

const contextOf = (tokenHash: Buffer) => `sign_in_challenges.sealed:${tokenHash.toString('hex')}`

/** Opens a challenge for five minutes. @returns the token that the next step brings back. */
export async function openChallenge<K extends keyof ChallengeKinds>(
  store: Store,
  kind: K,
  content: ChallengeKinds[K],
  now: Date,
): Promise<string> {
  const sealer = await installationSealer(store)
  const { token, tokenHash } = newToken()
  const sealed = sealer.seal(content, contextOf(tokenHash))
  const expiresAt = new Date(now.getTime() + CHALLENGE_MS)
  await store.system((tx) =>
    tx.execute(sql`
      insert into sign_in_challenges (token_hash, kind, sealed, expires_at) values (${tokenHash}, ${kind}, ${sealed}, ${expiresAt})`),
  )
  return token
}

/** Looks at a challenge and leaves it: the second factor may be mistyped. */
export async function readChallenge<K extends keyof ChallengeKinds>(
  store: Store,
  kind: K,
  token: string,
  now: Date,
): Promise<ChallengeKinds[K] | null> {
  const tokenHash = hashToken(token)
  const row = await store.system((tx) =>
    tx.find(sql<{ sealed: Buffer }>`
      select sealed from sign_in_challenges where token_hash = ${tokenHash} and kind = ${kind} and expires_at > ${now}`),
  )
  return open(store, tokenHash, row)
}

/** Uses a challenge up; of several at once one gets it. */
export async function takeChallenge<K extends keyof ChallengeKinds>(
  store: Store,
  kind: K,
  token: string,
  now: Date,
): Promise<ChallengeKinds[K] | null> {
  const tokenHash = hashToken(token)
  const row = await store.system((tx) =>
    tx.find(sql<{ sealed: Buffer }>`
      delete from sign_in_challenges where token_hash = ${tokenHash} and kind = ${kind} and expires_at > ${now} returning sealed`),
  )
  return open(store, tokenHash, row)
}

async function open<T>(
  store: Store,
  tokenHash: Buffer,
  row: { sealed: Buffer } | null,
): Promise<T | null> {
  if (!row) return null
  return (await installationSealer(store)).open<T>(row.sealed, contextOf(tokenHash))
}
