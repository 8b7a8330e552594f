import { sourceOf } from '#access/sign-in/throttle.ts'
import { subjectOf } from '#access/threats/subject.ts'
import { Problem } from '#core/problem.ts'
import type { Clock } from '#core/time.ts'
import type { Principal } from '#gateway/operation.ts'

/** A measure in force, as a process keeps it. For a block the subject is the address itself. */
export interface ForceRow {
  kind: 'clamp' | 'quarantine' | 'block' | 'sign_out'
  subjectKind: string
  subject: string
  perMinute: number | null
  endsAt: Date
}

/** What is in force now, in memory: asked at every request, so it never waits. */
export class Guard {
  readonly #clock: Clock
  #rows = new Map<string, ForceRow>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  replace(rows: readonly ForceRow[]): void {
    this.#rows = new Map(rows.map((row) => [`${row.kind} ${row.subjectKind} ${row.subject}`, row]))
  }

  /** @throws Problem `auth.address_blocked` */
  admitAddress(remoteAddress: string): void {
    const row = this.#find('block address', () => sourceOf(remoteAddress))
    if (!row) return
    const waitS = Math.ceil((row.endsAt.getTime() - this.#clock.now().getTime()) / 1000)
    throw new Problem(
      'auth.address_blocked',
      'Too many wrong credentials came from this address. Wait, or ask an administrator of the hub to undo the block.',
      { headers: { 'retry-after': String(waitS), connection: 'close' } },
    )
  }

  /** @throws Problem `auth.quarantined` */
  admit(principal: Principal): void {
    if (this.#rows.size === 0) return
    const { kind, id } = subjectOf(principal)
    if (this.#find(`quarantine ${kind}`, () => id))
      throw new Problem(
        'auth.quarantined',
        'This credential is held back because its use looked like an attack. Ask somebody with security:write to look at the threat and undo it.',
      )
  }

  /** Requests a minute that a clamp leaves; null: none is in force. */
  clampOf(principal: Principal): number | null {
    if (this.#rows.size === 0) return null
    const { kind, id } = subjectOf(principal)
    return this.#find(`clamp ${kind}`, () => id)?.perMinute ?? null
  }

  #find(prefix: string, subject: () => string): ForceRow | null {
    if (this.#rows.size === 0) return null
    const row = this.#rows.get(`${prefix} ${subject()}`)
    return row && row.endsAt > this.#clock.now() ? row : null
  }
}
