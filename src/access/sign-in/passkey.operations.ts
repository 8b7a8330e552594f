import { z } from 'zod'
import { renewSessions, sessionOf } from '#access/sign-in/account.operations.ts'
import * as schema from '#access/sign-in/account.schema.ts'
import {
  deletePasskey,
  findAccount,
  insertPasskey,
  listPasskeys,
} from '#access/sign-in/account.store.ts'
import {
  enrolmentOptions,
  PasskeyEnrolment,
  siteOf,
  verifyEnrolment,
} from '#access/sign-in/passkey.ts'
import { openPersonal } from '#access/sign-in/personal.ts'
import { newId } from '#core/id.ts'
import { Problem } from '#core/problem.ts'
import { MINUTE_MS } from '#core/time.ts'
import { defineOperation, type Operation } from '#gateway/operation.ts'
import type { Transaction } from '#store/store.ts'

const own = { scope: 'account:write', tag: 'Account', freshWithinMinutes: 15 } as const
const MAX_PASSKEYS = 20
const ENROL_MS = 5 * MINUTE_MS

interface Enrolment {
  challenge: string
  expiresAtMs: number
}

const enrolContext = (userId: string) => `passkey.enrolment:${userId}`

/** What the browser must answer to, sealed for its person; nothing of it needs to be kept meanwhile. */
function sealEnrolment(tx: Transaction, userId: string, challenge: string, now: Date): string {
  const content: Enrolment = { challenge, expiresAtMs: now.getTime() + ENROL_MS }
  return tx.sealer.seal(content, enrolContext(userId)).toString('base64url')
}

function openEnrolment(tx: Transaction, userId: string, token: string, now: Date): string {
  try {
    const sealed = Buffer.from(token, 'base64url')
    const opened = tx.sealer.open<Enrolment>(sealed, enrolContext(userId))
    if (opened.expiresAtMs > now.getTime()) return opened.challenge
  } catch {
    // Not sealed by us, or for somebody else: the same refusal as for one that is too old.
  }
  throw new Problem('request.invalid', 'The set-up took too long: begin it again.')
}

export function createPasskeyOperations(
  publicUrl: () => string,
  isSecure: () => boolean,
): Operation[] {
  return [
    defineOperation({
      ...own,
      id: 'startPasskey',
      method: 'POST',
      path: '/api/v1/account/passkeys/options',
      summary: 'Begin to add a passkey',
      input: z.object({}),
      output: schema.PasskeyEnrolmentOptions,
      async perform(_input, context) {
        sessionOf(context)
        const { tx, principal, now } = context
        const account = await findAccount(tx, principal.id)
        if (!account) throw new Problem('resource.not_found', 'There is no such user.')
        const { name, email } = openPersonal(tx.sealer, principal.id, account.personal)
        const known = await listPasskeys(tx, principal.id)
        if (known.length >= MAX_PASSKEYS)
          throw new Problem('request.invalid', `There are ${MAX_PASSKEYS} passkeys: remove one.`)
        const user = { id: principal.id, name, label: email ?? name }
        const options = await enrolmentOptions(siteOf(publicUrl()), user, known)
        return {
          challenge: sealEnrolment(tx, principal.id, options.challenge, now),
          options: options as unknown as Record<string, unknown>,
        }
      },
    }),
    defineOperation({
      ...own,
      id: 'addPasskey',
      method: 'POST',
      path: '/api/v1/account/passkeys',
      summary: 'Add a passkey',
      event: 'account.passkey_added',
      subject: (passkey) => passkey.id,
      input: schema.NewPasskey,
      output: schema.Passkey,
      async perform(input, context) {
        sessionOf(context)
        const { tx, principal, now } = context
        const challenge = openEnrolment(tx, principal.id, input.challenge, now)
        const sent = PasskeyEnrolment.safeParse(input.passkey)
        const verified = sent.success
          ? await verifyEnrolment(sent.data, challenge, siteOf(publicUrl()))
          : null
        if (!verified)
          throw new Problem('request.invalid', 'The passkey does not verify: begin again.', {
            errors: [{ pointer: '/passkey', detail: 'The passkey does not verify.' }],
          })
        const passkey = { id: newId('psk'), name: input.name, createdAt: now, lastUsedAt: null }
        await insertPasskey(tx, { ...passkey, ...verified, userId: principal.id })
        await renewSessions(context, isSecure())
        return passkey
      },
    }),
    defineOperation({
      ...own,
      id: 'removePasskey',
      method: 'DELETE',
      path: '/api/v1/account/passkeys/{passkeyId}',
      summary: 'Remove a passkey',
      event: 'account.passkey_removed',
      subject: (_output, { passkeyId }) => passkeyId,
      input: schema.PasskeyRef,
      output: schema.Done,
      async perform({ passkeyId }, context) {
        sessionOf(context)
        if (!(await deletePasskey(context.tx, context.principal.id, passkeyId)))
          throw new Problem('resource.not_found', 'There is no passkey with this id.')
        await renewSessions(context, isSecure())
        return { done: true as const }
      },
    }),
  ]
}
