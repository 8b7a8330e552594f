import type { ConsentCapture, Personal } from '#people/capture.ts'
import { slugOf } from '#people/channel.rules.ts'
import type { TrackingEvent } from './tracking.schema.ts'

const maxTraits = 50
const maxTextLength = 2000

// Told by other means than a trait, or secret whatever the caller thinks.
const notTraits = new Set([
  'consents', 'unsubscribed', 'password', 'token', 'name', 'title', 'address', 'company',
]) // prettier-ignore

/**
 * The attributes that an event tells of its person, under the names of Segment's "Identify" spec.
 * Of a group only the company is taken.
 */
export function personalOf(event: TrackingEvent): Personal {
  if (event.type === 'group') return groupPersonal(event)
  if (event.type !== 'identify') return {}
  const traits = event.traits
  const known = { ...namesOf(traits), ...placeOf(traits) }
  const plain = Object.entries(traits)
    .filter(([name]) => !notTraits.has(name))
    .flatMap(([name, value]) => {
      const kept = keptValue(value)
      return kept === undefined ? [] : [[name.slice(0, 60), kept] as const]
    })
  return { ...Object.fromEntries(plain.slice(0, maxTraits)), ...known }
}

function groupPersonal({ groupId, traits }: TrackingEvent): Personal {
  const company = textOf(traits['name'])
  return {
    ...(groupId === undefined ? {} : { groupId }),
    ...(company === undefined ? {} : { company }),
  }
}

/** First and last name, given or cut from `name` at its first blank; `title` is the job title. */
function namesOf(traits: Record<string, unknown>): Personal {
  const [first, ...rest] = (textOf(traits['name']) ?? '').split(' ')
  const firstName = textOf(traits['firstName']) ?? textOf(first)
  const lastName = textOf(traits['lastName']) ?? textOf(rest.join(' '))
  const jobTitle = textOf(traits['jobTitle']) ?? textOf(traits['title'])
  return {
    ...(firstName === undefined ? {} : { firstName }),
    ...(lastName === undefined ? {} : { lastName }),
    ...(jobTitle === undefined ? {} : { jobTitle }),
  }
}

function placeOf(traits: Record<string, unknown>): Personal {
  const company = textOf(traits['company']) ?? textOf(fieldOf(traits['company'], 'name'))
  const country = textOf(traits['country']) ?? textOf(fieldOf(traits['address'], 'country'))
  return {
    ...(company === undefined ? {} : { company }),
    ...(country === undefined ? {} : { country }),
  }
}

/**
 * The consents that an event tells: `context.consent.categoryPreferences` as consent managers stamp
 * it (Segment, "Consent in Segment Connections"), `traits.unsubscribed`, and `traits.consents` by purpose.
 */
export function consentsOf(event: TrackingEvent): ConsentCapture[] {
  const preferences = fieldOf(event.context['consent'], 'categoryPreferences')
  const stamped = booleansOf(preferences).map(([purpose, isGranted]) => ({
    purpose,
    channel: 'any',
    status: isGranted ? ('granted' as const) : ('denied' as const),
    // The choice that the person made in the consent manager is the proof.
    proof: { from: 'context.consent.categoryPreferences' },
  }))
  if (event.type !== 'identify') return stamped
  const given = booleansOf(event.traits['consents']).map(([purpose, isGranted]) => ({
    purpose,
    channel: 'email',
    status: isGranted ? ('granted' as const) : ('denied' as const),
  }))
  const isUnsubscribed = event.traits['unsubscribed'] === true
  const withdrawn = { purpose: 'marketing', channel: 'email', status: 'withdrawn' as const }
  return [...stamped, ...given, ...(isUnsubscribed ? [withdrawn] : [])]
}

function booleansOf(value: unknown): [purpose: string, isGranted: boolean][] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value)
    .flatMap(([name, isGranted]): [string, boolean][] => {
      const purpose = slugOf(name)
      return typeof isGranted === 'boolean' && purpose !== '' ? [[purpose, isGranted]] : []
    })
    .slice(0, 20)
}

function keptValue(value: unknown): unknown {
  if (typeof value === 'string') return value.slice(0, maxTextLength)
  if (typeof value !== 'object' || value === null) return value
  return JSON.stringify(value).length <= maxTextLength ? value : undefined
}

function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  return (value as Record<string, unknown>)[name]
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== ''
    ? value.trim().slice(0, maxTextLength)
    : undefined
}
