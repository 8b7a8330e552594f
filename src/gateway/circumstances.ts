import type { FastifyRequest } from 'fastify'
import { Problem } from '#core/problem.ts'
import { MINUTE_MS } from '#core/time.ts'
import type { GatewayParts } from '#gateway/gateway.ts'
import type { Leave, Principal } from '#gateway/operation.ts'

const STEP_UP_MINUTES = 15

/**
 * Rules on time, network, kind of data, purpose and device.
 * @throws Problem `auth.forbidden`, `auth.step_up_required`, `auth.second_factor_required`
 */
export function requireCircumstances(
  principal: Principal,
  request: FastifyRequest,
  now: Date,
  { clientOf }: GatewayParts,
  asked: { scope: string; isPersonal: boolean },
): void {
  if (!principal.narrowing) return
  const purpose = request.headers['x-purpose']
  const leave = principal.narrowing.judge({
    ...asked,
    now,
    remoteAddress: clientOf(request.raw).address,
    purpose: typeof purpose === 'string' ? purpose : null,
    device: principal.session?.device ?? null,
  })
  switch (leave.kind) {
    case 'allow':
      return
    case 'step_up':
      if (leave.takesSecondFactor) requireSecondFactor(principal, leave, now)
      else requireFreshSession(principal, now, STEP_UP_MINUTES)
      return
    case 'deny':
      throw new Problem('auth.forbidden', `${refusalOf(leave)}${adviceOn(leave, principal)}`)
  }
}

/** @throws Problem `auth.step_up_required` unless the person of the session proved to be there so lately. */
export function requireFreshSession(principal: Principal, now: Date, minutes: number): void {
  if (isFresh(principal, now, minutes)) return
  throw new Problem(
    'auth.step_up_required',
    'Confirm that it is you: give your password, a code or a passkey once more, then try again.',
    { headers: challenge(minutes) },
  )
}

/** A step-up by a second factor confirms the device, so that the rule then holds; a client without one has to be fresh. */
function requireSecondFactor(principal: Principal, leave: Refusal, now: Date): void {
  if (principal.session?.isBySecondFactor && isFresh(principal, now, STEP_UP_MINUTES)) return
  throw new Problem('auth.second_factor_required', refusalOf(leave) + adviceOn(leave, principal), {
    headers: challenge(STEP_UP_MINUTES),
  })
}

type Refusal = Exclude<Leave, { kind: 'allow' }>

function refusalOf({ rule, unmet }: Refusal): string {
  const where = unmet.length === 0 ? '' : ` ${unmet.join(' and ')}`
  return `The rule “${rule}” of this workspace does not allow it${where}.`
}

function adviceOn({ takesSecondFactor }: Refusal, { session }: Principal): string {
  if (!takesSecondFactor) return ''
  return session
    ? ' Confirm this device by a code of your authenticator app or a passkey; without one, set one up under your sign-in first.'
    : ' Keys of one’s own and applications have no device: do it at the console.'
}

function isFresh({ session }: Principal, now: Date, minutes: number): boolean {
  const provedAtMs = session?.authenticatedAt.getTime() ?? Number.NEGATIVE_INFINITY
  return now.getTime() - provedAtMs <= minutes * MINUTE_MS
}

/** The challenge of RFC 9470 §3. */
const challenge = (minutes: number) => ({
  'www-authenticate': `Bearer realm="throughline", error="insufficient_user_authentication", max_age="${minutes * 60}"`,
})
