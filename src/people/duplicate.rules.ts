import type { Personal } from '#people/capture.ts'

/** What a person is compared by. */
export interface Likable {
  values: Personal
  /** Normalised addresses. */
  emails: readonly string[]
  /** Ids at the product and at other systems. */
  outerIds: readonly string[]
}

/** Two people that share a key of one kind are looked at together; nobody else is. */
export interface LikenessKey {
  kind: 'email' | 'near' | 'phone' | 'name' | 'id'
  text: string
}

/** How likely each likeness makes it, alone, that two people are one. Own estimates, to sort a list that people decide on. */
const weights = {
  email_variant: 0.8,
  identifiers_met: 0.8,
  name_and_domain: 0.75,
  name_and_company: 0.7,
  phone: 0.6,
  outer_id: 0.5,
  email_near: 0.45,
} as const
export type Likeness = keyof typeof weights

/** Pairs below this are not offered. */
export const LEAST_CONFIDENCE = 0.3
/** Nobody is sure but who knows them. */
const MOST_CONFIDENCE = 0.99
/** Colleagues share a phone, siblings a domain: other names speak against it. */
const NAMES_DIFFER = 0.5

const MIN_LOCAL = 5
const MAX_LOCAL = 30
const MIN_PHONE_DIGITS = 8
const PHONE_DIGITS = 9
const MIN_ID = 6

const freeMail = new Set(
  (
    'gmail.com googlemail.com outlook.com hotmail.com live.com msn.com yahoo.com ymail.com icloud.com me.com aol.com proton.me ' +
    'protonmail.com gmx.de gmx.net gmx.com web.de t-online.de mail.com mail.ru yandex.ru qq.com 163.com orange.fr libero.it'
  ).split(' '),
)
const legalForms = new Set(
  'gmbh mbh ag kg ug se inc incorporated llc ltd limited plc corp corporation co company sa sas sarl bv nv oy ab srl spa'.split(
    ' ',
  ),
)

/** All keys under which a person is to be found; a few, and some twenty for each address. */
export function likenessKeys({ values, emails, outerIds }: Likable): LikenessKey[] {
  const keys = [...emails.flatMap(emailKeys), ...nameKeys(values, emails), ...idKeys(outerIds)]
  const phone = phoneKey(values)
  if (phone !== null) keys.push({ kind: 'phone', text: phone })
  return [...new Map(keys.map((key) => [`${key.kind} ${key.text}`, key])).values()]
}

/** How likely two people are one, and by what. */
export function likeness(
  a: Likable,
  b: Likable,
  haveMet: boolean,
): { confidence: number; reasons: string[] } {
  const found: Likeness[] = haveMet ? ['identifiers_met'] : []
  const [ours, theirs] = [a.emails.map(splitEmail), b.emails.map(splitEmail)]
  const pairs = ours.flatMap((one) => theirs.map((other) => [one, other] as const))
  if (pairs.some(([one, other]) => one.bare === other.bare && one.domain === other.domain))
    found.push('email_variant')
  else if (
    pairs.some(([one, other]) => one.domain === other.domain && isNear(one.bare, other.bare))
  )
    found.push('email_near')
  const names = [a, b].map(
    (person) => new Set(nameKeys(person.values, person.emails).map(({ text }) => text)),
  )
  const shared = [...names[0]!].filter((text) => names[1]!.has(text))
  if (shared.some((text) => text.includes('@'))) found.push('name_and_domain')
  if (shared.some((text) => !text.includes('@'))) found.push('name_and_company')
  const phone = phoneKey(a.values)
  if (phone !== null && phone === phoneKey(b.values)) found.push('phone')
  const ids = new Set(idKeys(a.outerIds).map(({ text }) => text))
  if (idKeys(b.outerIds).some(({ text }) => ids.has(text))) found.push('outer_id')
  const doubt = found.reduce((left, reason) => left * (1 - weights[reason]), 1)
  const isOther = found.length > 0 && namesDiffer(a.values, b.values)
  const confidence = Math.min(MOST_CONFIDENCE, (1 - doubt) * (isOther ? NAMES_DIFFER : 1))
  return { confidence, reasons: isOther ? [...found, 'names_differ'] : found }
}

/** The part before the at sign without dots and what stands behind a plus; providers' second domains as their first. */
function splitEmail(email: string): { bare: string; domain: string } {
  const at = email.lastIndexOf('@')
  const domain = email.slice(at + 1)
  const bare = (email.slice(0, at).split('+', 1)[0] ?? '').replaceAll('.', '')
  return { bare, domain: domain === 'googlemail.com' ? 'gmail.com' : domain }
}

/**
 * The address without its variants, and all that is left of it when one character goes: two addresses that are one typing mistake
 * apart (a character wrong, too many, too few, or two swapped) share one of these.
 */
function emailKeys(email: string): LikenessKey[] {
  const { bare, domain } = splitEmail(email)
  if (bare === '') return []
  const exact = { kind: 'email' as const, text: `${bare}@${domain}` }
  if (bare.length < MIN_LOCAL || bare.length > MAX_LOCAL) return [exact]
  const left = [bare, ...Array.from(bare, (_, i) => bare.slice(0, i) + bare.slice(i + 1))]
  return [exact, ...left.map((text) => ({ kind: 'near' as const, text: `${text}@${domain}` }))]
}

/** Whether one typing mistake makes one text the other. */
function isNear(a: string, b: string): boolean {
  if (Math.min(a.length, b.length) < MIN_LOCAL || Math.abs(a.length - b.length) > 1) return false
  let start = 0
  while (start < a.length && a[start] === b[start]) start += 1
  let end = 0
  const most = Math.min(a.length, b.length) - start
  while (end < most && a.at(-1 - end) === b.at(-1 - end)) end += 1
  const [left, right] = [a.slice(start, a.length - end), b.slice(start, b.length - end)]
  if (left.length <= 1 && right.length <= 1) return true
  return left.length === 2 && right.length === 2 && left[0] === right[1] && left[1] === right[0]
}

/** The full name with the company, and with the domain of its addresses where that is a company's. */
function nameKeys(values: Personal, emails: readonly string[]): LikenessKey[] {
  const parts = [...wordsOf(values.firstName), ...wordsOf(values.lastName)].toSorted()
  if (wordsOf(values.firstName).length === 0 || wordsOf(values.lastName).length === 0) return []
  const name = parts.join(' ')
  const company = wordsOf(values.company)
    .filter((word) => !legalForms.has(word))
    .join(' ')
  const domains = new Set(emails.map((email) => splitEmail(email).domain))
  return [
    ...(company === '' ? [] : [`${name}|${company}`]),
    ...[...domains].filter((domain) => !freeMail.has(domain)).map((domain) => `${name}@${domain}`),
  ].map((text) => ({ kind: 'name' as const, text }))
}

/** The last digits of a phone number: country codes and leading zeros are written in many ways. */
function phoneKey({ phone }: Personal): string | null {
  const digits = typeof phone === 'string' ? phone.replaceAll(/\D/g, '') : ''
  return digits.length < MIN_PHONE_DIGITS ? null : digits.slice(-PHONE_DIGITS)
}

/** Ids by whatever system gave them; short ones are alike by chance. */
function idKeys(outerIds: readonly string[]): LikenessKey[] {
  return outerIds
    .filter((id) => id.length >= MIN_ID)
    .map((id) => ({ kind: 'id' as const, text: id.toLowerCase() }))
}

/** Whether both have a first name, and one is neither the other nor its beginning. */
function namesDiffer(a: Personal, b: Personal): boolean {
  const [one, other] = [wordsOf(a.firstName).join(''), wordsOf(b.firstName).join('')]
  return one !== '' && other !== '' && !one.startsWith(other) && !other.startsWith(one)
}

/** Words in small letters without accents. */
function wordsOf(text: unknown): string[] {
  if (typeof text !== 'string') return []
  const plain = text.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase()
  return plain.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== '')
}
