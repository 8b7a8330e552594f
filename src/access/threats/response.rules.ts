import { WINDOW_MS, type Subject } from '#access/threats/threat.rules.ts'
import type { ThreatKind, ThreatPolicy } from '#access/threats/threat.schema.ts'
import { DAY_MS } from '#core/time.ts'

/** Kinds that are one attack seen from two sides; of these only the last that applies is told. */
const families: Readonly<Record<ThreatKind, string>> = {
  brute_force: 'guessing',
  distributed_guessing: 'guessing',
  enumeration: 'enumeration',
  probing: 'probing',
  mass_export: 'mass_export',
  new_network: 'network',
  leaked_key: 'network',
  dead_key: 'dead_key',
  impossible_travel: 'session',
  session_replay: 'session',
  token_replay: 'token_replay',
}

export const familyOf = (kind: ThreatKind): string => families[kind]

/** Whether the second kind says more than the first about the same attack. */
function outranks(kind: ThreatKind, other: ThreatKind): boolean {
  return (
    (kind === 'leaked_key' && other === 'new_network') ||
    (kind === 'session_replay' && other === 'impossible_travel')
  )
}

/** A threat of the same workspace, family and subject that is there already. */
export interface Standing {
  id: string
  kind: ThreatKind
  state: 'open' | 'confirmed' | 'dismissed'
  decidedAt: Date | null
}

export type Settlement =
  | { kind: 'new' }
  /** The open threat goes on; `to` is a kind that says more, when the finding is one. */
  | { kind: 'same'; id: string; to: ThreatKind | null }
  /** A person has decided about these very signs. */
  | { kind: 'quiet' }

/** Whether a finding is an attack of its own: one attack is one threat, and what was decided is not asked again. */
export function settle(kind: ThreatKind, standing: readonly Standing[], now: Date): Settlement {
  const open = standing.find(({ state }) => state === 'open')
  if (open) return { kind: 'same', id: open.id, to: outranks(kind, open.kind) ? kind : null }
  const isQuiet = standing.some(({ state, decidedAt }) => {
    const quietMs = state === 'dismissed' ? DAY_MS : WINDOW_MS
    return decidedAt !== null && now.getTime() - decidedAt.getTime() < quietMs
  })
  return isQuiet ? { kind: 'quiet' } : { kind: 'new' }
}

export interface MeasureDraft {
  kind: 'clamp' | 'quarantine' | 'block' | 'sign_out'
  perMinute: number | null
  forMinutes: number
}

/** What the policy does about a finding; null: it is told and nothing else. */
export function measureFor(
  kind: ThreatKind,
  subject: Subject,
  policy: ThreatPolicy,
): MeasureDraft | null {
  const rule = policy[kind]
  const forMinutes = 'forMinutes' in rule ? rule.forMinutes : 0
  switch (rule.action) {
    case 'notify':
      return null
    case 'block':
      return { kind: 'block', perMinute: null, forMinutes }
    case 'clamp':
      return { kind: 'clamp', perMinute: 'perMinute' in rule ? rule.perMinute : 1, forMinutes }
    case 'quarantine':
      // A person is never locked out of their account: what they have open ends, and they may sign in anew.
      return subject.kind === 'session' || subject.kind === 'user'
        ? { kind: 'sign_out', perMinute: null, forMinutes: 0 }
        : { kind: 'quarantine', perMinute: null, forMinutes }
  }
}
