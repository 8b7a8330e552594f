import { normaliseEmail } from '#core/email.ts'
import type { Identity } from '#people/capture.ts'

export type IdentityKind = Identity['kind']

/** From the strongest to the weakest: whose word counts when identifiers name different people. */
const kindsByStrength: readonly IdentityKind[] = ['user_id', 'external_id', 'email', 'anonymous_id']

/** 0 for the strongest kind. */
export function strengthRank(kind: IdentityKind): number {
  return kindsByStrength.indexOf(kind)
}

/** Whether an identifier of this kind names a human; an anonymous id names a browser or device. */
export function isIdentifying(kind: IdentityKind): boolean {
  return kind !== 'anonymous_id'
}

/** The value under which an identity is compared and found again. */
export function normaliseIdentityValue(identity: Identity): string {
  return identity.kind === 'email'
    ? normaliseEmail(identity.value)
    : identity.value.trim().normalize('NFC')
}

/** The source of an external id in one spelling; empty for the other kinds. */
export function normaliseIdentitySource(identity: Identity): string {
  return identity.kind === 'external_id' ? (identity.source ?? '').trim().toLowerCase() : ''
}

// What broken tracking code sends in place of an id. Taken at its word, each would join all the
// people behind it into one.
const placeholders = new Set([
  '', '0', '-1', 'null', 'nil', 'none', 'nan', 'undefined', 'true', 'false', 'anonymous', 'anon',
  'guest', 'unknown', 'n/a', 'na', 'id', 'user', 'userid', 'user_id', 'email', 'distinct_id',
  'anonymous_id', 'anonymousid', 'not_authenticated', 'not authenticated', '(not set)',
  '[object object]', '{}', '[]', '00000000-0000-0000-0000-000000000000',
]) // prettier-ignore

/** Whether the value names nobody: empty, or a text that broken tracking code sends for everybody. */
export function isPlaceholder(value: string): boolean {
  return placeholders.has(value.trim().toLowerCase().replaceAll('"', ''))
}

/** Whether the text can be an e-mail address at all: one `@` with something on both sides, no blanks. */
export function looksLikeEmail(text: string): boolean {
  const trimmed = text.trim()
  const at = trimmed.indexOf('@')
  if (at < 1 || at !== trimmed.lastIndexOf('@') || trimmed.length > 254) return false
  const domain = trimmed.slice(at + 1)
  return domain.includes('.', 1) && !domain.endsWith('.') && !/\s/.test(trimmed)
}
