import { z } from 'zod'
import { listOwnKeys } from '#access/api-key.store.ts'
import { standingOf } from '#access/device.rules.ts'
import { deleteDevice, listDevices } from '#access/device.store.ts'
import { newToken, IDLE_MS, sessionCookie } from '#access/session.rules.ts'
import {
  endSession,
  endSessionsOn,
  listSessions,
  revokeSessions,
  rotateSession,
} from '#access/session.store.ts'
import * as schema from '#access/sign-in/account.schema.ts'
import * as accounts from '#access/sign-in/account.store.ts'
import { commonPasswords } from '#access/sign-in/common-passwords.ts'
import { hashPassword } from '#access/sign-in/password.ts'
import { lengthOf, MIN_ALONE, passwordFault } from '#access/sign-in/password.rules.ts'
import { placeContext } from '#access/sign-in/session-start.ts'
import {
  newRecoveryCodes,
  newTotpSecret,
  stepOfCode,
  totpContext,
  totpUri,
} from '#access/sign-in/totp.ts'
import { replaceRecoveryCodes } from '#access/sign-in/user.store.ts'
import { openPersonal } from '#access/sign-in/personal.ts'
import { Problem } from '#core/problem.ts'
import {
  defineOperation,
  type Operation,
  type OperationContext,
  type Principal,
} from '#gateway/operation.ts'

const own = { scope: 'account:write', tag: 'Account' } as const
const FRESH_MINUTES = 15
const KEYS_SHOWN = 100
const DEVICES_SHOWN = 100

/** Only a person at the console has an account; keys and applications are refused. */
export function sessionOf({ principal }: OperationContext): NonNullable<Principal['session']> {
  if (principal.kind !== 'user' || !principal.session)
    throw new Problem('auth.forbidden', 'This is for people who are signed in to the console.')
  return principal.session
}

/**
 * After a password or second factor changed: every other session ends, and this one gets a new token (ASVS 5.0, 7.2.4, 7.4.3).
 */
export async function renewSessions(context: OperationContext, isSecure: boolean): Promise<void> {
  const { tx, principal, now } = context
  const session = sessionOf(context)
  await revokeSessions(tx, principal.id, session.id, now)
  const { token, tokenHash } = newToken()
  const renewed = await rotateSession(tx, session.id, tokenHash)
  if (!renewed) throw new Problem('auth.required', 'The session has ended: sign in again.')
  const maxAgeMs = renewed.expiresAt.getTime() - now.getTime()
  context.sendHeader('set-cookie', sessionCookie(token, isSecure, maxAgeMs))
}

async function accountOf({ tx, principal }: OperationContext) {
  const account = await accounts.findAccount(tx, principal.id)
  if (!account) throw new Problem('resource.not_found', 'There is no such user.')
  return { ...account, ...openPersonal(tx.sealer, principal.id, account.personal) }
}

/** What people do to their own sign-in. */
export function createAccountOperations(isSecure: () => boolean): Operation[] {
  return [
    defineOperation({
      ...own,
      id: 'getAccountSecurity',
      method: 'GET',
      path: '/api/v1/account/security',
      summary: 'How one signs in, and where one is signed in',
      input: z.object({}),
      output: schema.AccountSecurity,
      async perform(_input, context) {
        const { tx, principal, now } = context
        const session = sessionOf(context)
        const account = await accountOf(context)
        const idleSince = new Date(now.getTime() - IDLE_MS)
        const sessions = await listSessions(tx, principal.id, idleSince, now)
        const passkeys = await accounts.listPasskeys(tx, principal.id)
        const keys = await listOwnKeys(tx, principal.id, KEYS_SHOWN)
        const devices = await listDevices(tx, principal.id, DEVICES_SHOWN)
        return {
          name: account.name,
          email: account.email,
          hasPassword: account.hasPassword,
          hasTotp: account.hasTotp,
          recoveryCodesLeft: account.recoveryCodesLeft,
          keys,
          passkeys: passkeys.map(({ id, name, createdAt, lastUsedAt }) => ({
            id: id as `psk_${string}`,
            name,
            createdAt,
            lastUsedAt,
          })),
          devices: devices.map(({ id, createdAt: firstSeenAt, ...device }) => ({
            ...device,
            id: id as `dev_${string}`,
            isThis: id === session.device?.id,
            standing: standingOf({ firstSeenAt, confirmedAt: device.confirmedAt }, now),
            firstSeenAt,
          })),
          sessions: sessions.map(({ place, id, deviceId, ...times }) => {
            const opened =
              place && tx.sealer.open<{ address: string; agent: string }>(place, placeContext(id))
            return {
              ...times,
              id: id as `ses_${string}`,
              deviceId: deviceId as `dev_${string}` | null,
              isThis: id === session.id,
              address: opened?.address ?? null,
              browser: opened?.agent ?? null,
            }
          }),
        }
      },
    }),
    defineOperation({
      ...own,
      id: 'changePassword',
      method: 'PUT',
      path: '/api/v1/account/password',
      summary: 'Set or change one’s password',
      description:
        'At least 15 characters, or 8 with a second factor. Other sessions end, this one gets a new token.',
      event: 'account.password_changed',
      subject: (_output) => 'account',
      freshWithinMinutes: FRESH_MINUTES,
      input: schema.NewPassword,
      output: schema.Done,
      async perform({ password }, context) {
        sessionOf(context)
        const { tx, principal, now } = context
        const account = await accountOf(context)
        if (account.email === null)
          throw new Problem('auth.password_unfit', 'Sign-in by password needs an e-mail address.')
        const words = ['throughline', account.workspaceName, account.name, account.email]
        const fault = passwordFault(password, account.hasTotp, await commonPasswords(), words)
        if (fault !== null)
          throw new Problem('auth.password_unfit', fault, {
            errors: [{ pointer: '/password', detail: fault }],
          })
        const standsAlone = lengthOf(password) >= MIN_ALONE
        await accounts.savePassword(
          tx,
          principal.id,
          await hashPassword(password),
          standsAlone,
          now,
        )
        await renewSessions(context, isSecure())
        return { done: true as const }
      },
    }),
    defineOperation({
      ...own,
      id: 'startTotp',
      method: 'POST',
      path: '/api/v1/account/totp',
      summary: 'Begin to set up an authenticator app',
      freshWithinMinutes: FRESH_MINUTES,
      input: z.object({}),
      output: schema.TotpSetUp,
      async perform(_input, context) {
        sessionOf(context)
        const { tx, principal, now } = context
        const { email, name } = await accountOf(context)
        const secret = newTotpSecret()
        const sealed = tx.sealer.seal(secret, totpContext(principal.id))
        if (!(await accounts.saveTotpDraft(tx, principal.id, sealed, now)))
          throw new Problem('request.invalid', 'An authenticator app is set up: remove it first.')
        return { secret, uri: totpUri(secret, email ?? name) }
      },
    }),
    defineOperation({
      ...own,
      id: 'confirmTotp',
      method: 'POST',
      path: '/api/v1/account/totp/confirm',
      summary: 'Finish setting up an authenticator app; answers the recovery codes',
      event: 'account.totp_added',
      subject: () => 'account',
      freshWithinMinutes: FRESH_MINUTES,
      input: schema.TotpConfirmation,
      output: schema.RecoveryCodes,
      async perform({ code }, context) {
        sessionOf(context)
        const { tx, principal, now } = context
        const sealed = await accounts.findTotpDraft(tx, principal.id)
        if (!sealed) throw new Problem('resource.not_found', 'Begin the set-up first.')
        const secret = tx.sealer.open<string>(sealed, totpContext(principal.id))
        const step = stepOfCode(secret, code, now)
        if (step === null)
          throw new Problem('request.invalid', 'The code is not right: wait for the next one.', {
            errors: [{ pointer: '/code', detail: 'The code is not right.' }],
          })
        await accounts.confirmTotp(tx, principal.id, step, now)
        return renewCodes(context, isSecure())
      },
    }),
    defineOperation({
      ...own,
      id: 'removeTotp',
      method: 'DELETE',
      path: '/api/v1/account/totp',
      summary: 'Remove the authenticator app and its recovery codes',
      event: 'account.totp_removed',
      subject: () => 'account',
      freshWithinMinutes: FRESH_MINUTES,
      input: z.object({}),
      output: schema.Done,
      async perform(_input, context) {
        sessionOf(context)
        if (!(await accountOf(context)).standsAlone)
          throw new Problem(
            'auth.password_unfit',
            `The password is shorter than ${MIN_ALONE} characters and does not do alone: set a longer one first.`,
          )
        await accounts.deleteTotp(context.tx, context.principal.id)
        await renewSessions(context, isSecure())
        return { done: true as const }
      },
    }),
    defineOperation({
      ...own,
      id: 'renewRecoveryCodes',
      method: 'POST',
      path: '/api/v1/account/recovery-codes',
      summary: 'Make new recovery codes; the old ones end',
      event: 'account.recovery_codes_renewed',
      subject: () => 'account',
      freshWithinMinutes: FRESH_MINUTES,
      input: z.object({}),
      output: schema.RecoveryCodes,
      async perform(_input, context) {
        sessionOf(context)
        if (!(await accountOf(context)).hasTotp)
          throw new Problem('request.invalid', 'Recovery codes belong to an authenticator app.')
        return renewCodes(context, isSecure())
      },
    }),
    defineOperation({
      ...own,
      id: 'endOwnSession',
      method: 'DELETE',
      path: '/api/v1/account/sessions/{sessionId}',
      summary: 'End one of one’s sessions',
      event: 'account.session_ended',
      subject: (_output, { sessionId }) => sessionId,
      input: schema.SessionRef,
      output: schema.Done,
      async perform({ sessionId }, context) {
        sessionOf(context)
        const { tx, principal, now } = context
        if (!(await endSession(tx, principal.id, sessionId, now)))
          throw new Problem('resource.not_found', 'There is no open session with this id.')
        return { done: true as const }
      },
    }),
    defineOperation({
      ...own,
      id: 'forgetDevice',
      method: 'DELETE',
      path: '/api/v1/account/devices/{deviceId}',
      summary: 'Forget one of one’s devices; its sessions end',
      description: 'At the next sign-in there it is a new device.',
      event: 'account.device_forgotten',
      subject: (_output, { deviceId }) => deviceId,
      input: schema.DeviceRef,
      output: schema.Done,
      async perform({ deviceId }, context) {
        sessionOf(context)
        const { tx, principal, now } = context
        if (!(await deleteDevice(tx, principal.id, deviceId)))
          throw new Problem('resource.not_found', 'There is no device of yours with this id.')
        await endSessionsOn(tx, deviceId, now)
        return { done: true as const }
      },
    }),
  ]
}

async function renewCodes(context: OperationContext, isSecure: boolean) {
  const { codes, hashes } = newRecoveryCodes()
  await replaceRecoveryCodes(context.tx, context.principal.id, hashes)
  await renewSessions(context, isSecure)
  return { codes }
}
