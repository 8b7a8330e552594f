import type { ConflictPair, PersonWhole, Reason } from '#console/pages/people/people.queries.ts'
import { formatWord } from '#console/format.ts'
import type { Tone } from '#console/ui/Badge.tsx'

type Status = PersonWhole['consents']['effective'][number]['status']

export const consentStates: Readonly<Record<Status, { label: string; tone: Tone }>> = {
  granted: { label: 'Granted', tone: 'good' },
  pending: { label: 'Waits for the confirmation', tone: 'warn' },
  denied: { label: 'Denied', tone: 'bad' },
  withdrawn: { label: 'Withdrawn', tone: 'bad' },
}

export const identityKinds: Readonly<Record<PersonWhole['identities'][number]['kind'], string>> = {
  email: 'E-mail',
  user_id: 'User id',
  anonymous_id: 'Browser or device',
  external_id: 'Id at a system',
}

const likenesses: Readonly<Record<string, string>> = {
  email_variant: 'the same address, spelled otherwise',
  email_near: 'addresses a letter apart',
  name_and_company: 'one name at one company',
  name_and_domain: 'one name at one domain',
  phone: 'one phone',
  outer_id: 'one id at two systems',
  identifiers_met: 'identifiers of both came together',
  names_differ: 'but first names differ',
}

/** Why two people may be one, in words. */
export function describeLikeness(reasons: readonly string[]): string {
  const text = reasons.map((reason) => likenesses[reason] ?? formatWord(reason)).join(', ')
  return text.charAt(0).toUpperCase() + text.slice(1)
}

export const dismissals: Readonly<Record<Reason, string>> = {
  different_people: 'Two different people',
  shared_address: 'They share an address',
  shared_phone: 'They share a phone',
  test_data: 'Test data',
  other: 'Another reason',
}

export const conflictStates: Readonly<
  Record<ConflictPair['state'], { label: string; tone: Tone }>
> = {
  open: { label: 'Open', tone: 'warn' },
  merged: { label: 'Merged', tone: 'good' },
  kept_apart: { label: 'Kept apart', tone: 'plain' },
}
