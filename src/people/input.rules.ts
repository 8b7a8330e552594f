import { Problem, type InputFault } from '#core/problem.ts'
import { MINUTE_MS } from '#core/time.ts'
import type { Capture, Identity } from './capture.ts'
import { isPlaceholder } from './identity.rules.ts'
import type { NewPerson } from './person.schema.ts'
import type { NewTouchpoint } from './touchpoint.schema.ts'

interface PersonNames {
  email?: string | undefined
  userId?: string | undefined
  externalId?: string | undefined
  anonymousId?: string | undefined
  source: string
}

const kindByField = {
  email: 'email',
  userId: 'user_id',
  externalId: 'external_id',
  anonymousId: 'anonymous_id',
} as const

const nameFields = ['email', 'userId', 'externalId', 'anonymousId'] as const

/** The identities that an input gives. */
export function identitiesOf(input: PersonNames): Identity[] {
  return nameFields.flatMap((field) => {
    const value = input[field]
    const kind = kindByField[field]
    if (value === undefined) return []
    return [kind === 'external_id' ? { kind, source: input.source, value } : { kind, value }]
  })
}

/** Why an input cannot be taken, by its names and time; null when it can. */
export function findFault(
  input: PersonNames & { occurredAt?: Date | undefined },
  now: Date,
): Problem | null {
  const junk = nameFields.find((field) => input[field] !== undefined && isPlaceholder(input[field]))
  if (junk !== undefined) {
    return refusal(`/${junk}`, 'This names nobody: tracking code sends it when the id is missing.')
  }
  if (identitiesOf(input).length === 0) {
    return refusal('/email', 'Give an email, userId, externalId or anonymousId.')
  }
  return input.occurredAt === undefined ? null : findTimeFault('/occurredAt', input.occurredAt, now)
}

/** Clocks differ by minutes, not more: what is further ahead is a mistake. */
export function findTimeFault(pointer: string, at: Date, now: Date): Problem | null {
  const isAhead = at.getTime() > now.getTime() + 5 * MINUTE_MS
  return isAhead
    ? refusal(pointer, 'This lies in the future: send when it happened, in UTC.')
    : null
}

export function refusal(pointer: string, detail: string): Problem {
  const fault: InputFault = { pointer, detail }
  return new Problem('request.invalid', `${pointer}: ${detail}`, { errors: [fault] })
}

export function personCapture(input: NewPerson): Capture {
  const { firstName, lastName, phone, jobTitle, company, country, email, traits = {} } = input
  const known = { email, firstName, lastName, phone, jobTitle, company, country }
  return {
    source: input.source,
    identities: identitiesOf(input),
    personal: { ...traits, ...defined(known) },
    consents: input.consents.map(({ proof, occurredAt, ...consent }) => ({
      ...consent,
      ...(proof === undefined ? {} : { proof }),
      ...(occurredAt === undefined ? {} : { occurredAt }),
    })),
    touch: null,
  }
}

/** @param campaignId  the campaign that the input names by id or key, if it does. */
export function touchCapture(
  input: NewTouchpoint,
  campaignId: string | undefined,
  now: Date,
): Capture {
  const { kind, channel, messageId, utm, clickIds, pageUrl, referrer, properties } = input
  const detail = defined({ url: pageUrl, referrer, clickIds, properties })
  return {
    source: input.source,
    identities: identitiesOf(input),
    personal: {},
    consents: [],
    touch: {
      kind,
      channel: channel ?? null,
      occurredAt: input.occurredAt ?? now,
      ...(campaignId === undefined ? {} : { campaignId }),
      ...(messageId === undefined ? {} : { messageId }),
      ...(utm === undefined ? {} : { utm: defined(utm) }),
      ...(Object.keys(detail).length === 0 ? {} : { detail }),
    },
  }
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

function defined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as Defined<T>
}

/** Enough of an identifier to recognise it: `a…@example.com`, `u1…89`. */
export function maskIdentity(kind: Identity['kind'], value: string): string {
  if (kind === 'email') {
    const at = value.lastIndexOf('@')
    return `${value.slice(0, 1)}…${at < 0 ? '' : value.slice(at)}`
  }
  return value.length <= 6 ? `${value.slice(0, 1)}…` : `${value.slice(0, 2)}…${value.slice(-2)}`
}
