import { z } from 'zod'
import { PasskeyProof, provePasskey, type Site } from '#access/sign-in/passkey.ts'
import { isPassword } from '#access/sign-in/password.ts'
import type { SignInMethod } from '#access/sign-in/session-start.ts'
import { takeChallenge } from '#access/sign-in/challenge.store.ts'
import { countTry } from '#access/sign-in/throttle.ts'
import { hashRecoveryCode, stepOfCode, totpContext } from '#access/sign-in/totp.ts'
import { takeRecoveryCode, takeTotpStep, type SignInUser } from '#access/sign-in/user.store.ts'
import { installationSealer } from '#access/installation.ts'
import { Problem } from '#core/problem.ts'
import type { Store } from '#store/store.ts'

/** A code of the authenticator app, or one of the recovery codes. */
export const SecondFactor = z.object({
  code: z.string().max(20).optional(),
  recoveryCode: z.string().max(60).optional(),
})

export const StepUp = SecondFactor.extend({
  password: z.string().max(1000).optional(),
  challenge: z.string().max(100).optional(),
  passkey: PasskeyProof.optional(),
})

/** One answer for whatever was wrong, so that nobody learns which addresses exist. */
export const refused = () =>
  new Problem('auth.sign_in_refused', 'The address, the password or the code is not right.')

/**
 * Checks a code or recovery code; each counts once, also when sent many times at the same moment.
 * @throws Problem `auth.sign_in_refused`, `auth.sign_in_throttled`
 */
export async function proveSecondFactor(
  store: Store,
  user: SignInUser,
  sent: z.infer<typeof SecondFactor>,
  now: Date,
): Promise<SignInMethod> {
  const counters = [{ kind: 'second_factor' as const, value: user.id }]
  const forgive = await countTry(store, await installationSealer(store), counters, now)
  const method = await (sent.recoveryCode === undefined
    ? proveCode(store, user, sent.code ?? '', now)
    : proveRecoveryCode(store, user, sent.recoveryCode, now))
  if (method === null) throw refused()
  await forgive()
  return method
}

async function proveCode(
  store: Store,
  user: SignInUser,
  code: string,
  now: Date,
): Promise<SignInMethod | null> {
  if (user.totpSecret === null) return null
  const sealer = await store.sealerOf(user.workspaceId)
  const step = stepOfCode(sealer.open<string>(user.totpSecret, totpContext(user.id)), code, now)
  if (step === null) return null
  return (await store.system((tx) => takeTotpStep(tx, user.id, step))) ? 'totp' : null
}

async function proveRecoveryCode(
  store: Store,
  user: SignInUser,
  code: string,
  now: Date,
): Promise<SignInMethod | null> {
  const taken = await store.system((tx) =>
    takeRecoveryCode(tx, user.id, hashRecoveryCode(code), now),
  )
  return taken ? 'recovery' : null
}

/**
 * Step-up: the person of an open session proves once more to be there, by a passkey or by everything else they have.
 * @returns the methods used
 * @throws Problem `auth.sign_in_refused`, `auth.sign_in_throttled`
 */
export async function proveAgain(
  store: Store,
  user: SignInUser,
  sent: z.infer<typeof StepUp>,
  site: Site,
  now: Date,
): Promise<SignInMethod[]> {
  if (sent.passkey !== undefined) {
    const opened = await takeChallenge(store, 'step_up', sent.challenge ?? '', now)
    if (opened?.userId !== user.id) throw refused()
    const passkey = sent.passkey
    const row = await store.system((tx) => provePasskey(tx, passkey, opened.challenge, site, now))
    if (row?.userId !== user.id) throw refused()
    return ['passkey']
  }
  if (user.passwordHash === null && user.totpSecret === null)
    throw new Problem(
      'auth.sign_in_refused',
      'There is no password or second factor to prove yourself with: sign in anew.',
    )
  const methods: SignInMethod[] = []
  if (user.passwordHash !== null) {
    const counters = [{ kind: 'device' as const, value: `step up ${user.id}` }]
    const forgive = await countTry(store, await installationSealer(store), counters, now)
    if (!(await isPassword(sent.password ?? '', user.passwordHash))) throw refused()
    await forgive()
    methods.push('password')
  }
  if (user.totpSecret !== null) methods.push(await proveSecondFactor(store, user, sent, now))
  return methods
}
