import { parseMinor } from '#core/money.ts'
import type { Candidate, VendorValue } from '#sync/entity.ts'
import type {
  PipedrivePipeline,
  PipedriveRecord,
  PipedriveStage,
  PipedriveUser,
} from './answers.ts'
import { primaryOf, sameText } from './channels.ts'
import { LEAD_ID_KEY, leadHubNumbers, leadHubProperties } from './fields.ts'
import type { Codes } from './hub-fields.ts'

export function userToCandidate(user: PipedriveUser): Candidate {
  return {
    externalId: String(user.id),
    modifiedAt: readTime(user.modified),
    deleted: false,
    values: {
      email: user.email?.toLowerCase() ?? null,
      name: user.name || user.email || `Pipedrive user ${user.id}`,
      active: user.active_flag && !user.is_deleted,
    },
    references: {},
  }
}

export function pipelineToCandidate(pipeline: PipedrivePipeline): Candidate {
  return {
    externalId: String(pipeline.id),
    modifiedAt: readTime(pipeline.update_time),
    deleted: false,
    values: { label: pipeline.name ?? String(pipeline.id), archived: pipeline.is_deleted },
    references: {},
  }
}

/** Stages are all open ones: in Pipedrive won and lost are the deal's status. */
export function stageToCandidate(stage: PipedriveStage): Candidate {
  const percent = stage.deal_probability ?? 100
  return {
    externalId: String(stage.id),
    modifiedAt: readTime(stage.update_time),
    deleted: false,
    values: {
      label: stage.name ?? String(stage.id),
      position: stage.order_nr,
      probability: Math.min(1, Math.max(0, percent / 100)),
      outcome: 'open',
      archived: stage.is_deleted,
    },
    references: { pipeline: named('pipeline', stage.pipeline_id) },
  }
}

/**
 * A person in our words. Pipedrive gives every person an owner: one of the hub's that belongs to the hub's own user belongs
 * to nobody yet, and its owner counts as not read.
 * @param codes  of the hub's own fields, as far as they are known.
 * @param ownUserId  the user whose credentials the hub has.
 */
export function personToCandidate(
  person: PipedriveRecord,
  codes: Codes,
  ownUserId: number,
): Candidate {
  const custom = (key: string) => customValue(person, codes.get(key))
  const email = primaryOf(person.emails)?.toLowerCase() ?? null
  const values: Candidate['values'] = { email, phone: primaryOf(person.phones) }
  // Who is called by the e-mail address has no name that we would know.
  const isNamed = !(person.emails ?? []).some(({ value }) => sameText(value, person['name']))
  values['firstName'] = isNamed ? textOf(person['first_name']) : null
  values['lastName'] = isNamed ? textOf(person['last_name']) : null
  // Also what the hub alone writes: it shows whether it arrived.
  for (const [field, key] of leadHubProperties) {
    if (codes.has(key)) values[field] = textOf(custom(key))
  }
  for (const [field, key] of leadHubNumbers) {
    if (codes.has(key)) values[field] = numberOf(custom(key))
  }
  if (codes.has('hub_mql_at')) values['mqlAt'] = textOf(custom('hub_mql_at'))
  if (codes.has('hub_email_optout')) values['emailOptOut'] = isYes(custom('hub_email_optout'))
  const localId = textOf(custom(LEAD_ID_KEY))
  const references: Candidate['references'] = { account: named('account', person['org_id']) }
  if (localId === null || person['owner_id'] !== ownUserId) {
    references['owner'] = named('owner', person['owner_id'])
  }
  return { ...stampOf(person), localId, values, references }
}

export function organizationToCandidate(organization: PipedriveRecord): Candidate {
  const website = textOf(organization['website'])
  const address = objectOf(organization['address'])
  return {
    ...stampOf(organization),
    values: {
      name: textOf(organization['name']),
      website,
      domain: domainOf(website),
      employees: numberOf(organization['employee_count']),
      city: textOf(address['locality']),
      country: textOf(address['country']),
    },
    references: { owner: named('owner', organization['owner_id']) },
  }
}

/**
 * A deal in our words.
 * @param personIds  the persons of the deal, the main one first; null when they were not read.
 * @param companyCurrency  for deals without a currency of their own.
 */
export function dealToCandidate(
  deal: PipedriveRecord,
  personIds: readonly string[] | null,
  companyCurrency: string,
): Candidate {
  const currency = currencyOf(textOf(deal['currency']), companyCurrency)
  const value = textOf(deal['value'])
  const status = textOf(deal['status'])
  const isClosed = status === 'won' || status === 'lost'
  return {
    ...stampOf(deal),
    values: {
      name: textOf(deal['title']) ?? `Deal ${deal.id}`,
      amountMinor: value === null ? null : parseMinor(value, currency),
      currency,
      status: isClosed ? status : 'open',
      openedAt: textOfTime(deal.add_time),
      closedAt: isClosed ? textOfTime(deal['close_time']) : null,
      stageEnteredAt: textOfTime(deal['stage_change_time']) ?? textOfTime(deal.add_time),
      closesOn: textOf(deal['expected_close_date']),
    },
    references: {
      pipeline: named('pipeline', deal['pipeline_id']),
      stage: named('stage', deal['stage_id']),
      owner: named('owner', deal['owner_id']),
      account: named('account', deal['org_id']),
      primaryLead: named('lead', deal['person_id']),
      ...(personIds === null ? {} : { leads: { entity: 'lead', externalIds: [...personIds] } }),
    },
  }
}

const KINDS: Readonly<Record<string, string>> = { call: 'call', meeting: 'meeting', email: 'email' }

export function activityToCandidate(activity: PipedriveRecord): Candidate {
  const day = textOf(activity['due_date'])
  const time = textOf(activity['due_time'])?.slice(0, 5) ?? '00:00'
  return {
    ...stampOf(activity),
    values: {
      subject: textOf(activity['subject']),
      body: textOf(activity['note']),
      kind: KINDS[textOf(activity['type']) ?? ''] ?? 'task',
      state: activity['done'] === true ? 'done' : 'open',
      dueAt: day === null ? null : textOfTime(`${day}T${time}:00Z`),
      doneAt: textOfTime(activity['marked_as_done_time']),
    },
    references: {
      owner: named('owner', activity['owner_id']),
      leads: named('lead', activity['person_id']),
      account: named('account', activity['org_id']),
      opportunity: named('opportunity', activity['deal_id']),
    },
  }
}

/** Deleted records tell only that they are gone, and since when. */
export function toTombstone(record: PipedriveRecord): Candidate {
  return { ...stampOf(record), deleted: true, values: {}, references: {} }
}

function stampOf(record: PipedriveRecord) {
  return {
    externalId: String(record.id),
    modifiedAt: readTime(record.update_time),
    deleted: record.is_deleted === true,
    raw: rawOf(record),
  }
}

/** Plain values by the vendor's names; custom fields by their codes, options by their ids. */
function rawOf(record: PipedriveRecord): Record<string, VendorValue> {
  const raw: Record<string, VendorValue> = {}
  for (const [name, value] of Object.entries(record)) {
    const plain = plainOf(value)
    if (plain !== undefined) raw[name] = plain
  }
  for (const [code, value] of Object.entries(record.custom_fields ?? {})) {
    const plain = plainOf(value)
    if (plain !== undefined) raw[code] = plain
  }
  return raw
}

/** Amounts, addresses and ranges are their `value`; lists of options their ids; undefined for what has no plain form. */
function plainOf(value: unknown): VendorValue | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') return value
  if (Array.isArray(value)) {
    const items = value.map((item: unknown) => plainOf(item))
    const isPlain = items.every((item) => typeof item === 'string' || typeof item === 'number')
    return isPlain ? items.map(String) : undefined
  }
  const inner = objectOf(value)['value']
  return inner === undefined ? undefined : plainOf(inner)
}

function customValue(record: PipedriveRecord, code: string | undefined): unknown {
  return code === undefined ? null : (record.custom_fields?.[code] ?? null)
}

function named(entity: string, id: unknown): { entity: string; externalIds: string[] } {
  const text = textOf(id)
  return { entity, externalIds: text === null ? [] : [text] }
}

/** RFC 3339, or v1's UTC without a zone; null when it is neither. */
export function readTime(value: unknown): Date | null {
  if (typeof value !== 'string' || value === '') return null
  const isV1 = /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$/.test(value)
  const time = new Date(isV1 ? `${value.replace(' ', 'T')}Z` : value)
  return Number.isNaN(time.getTime()) ? null : time
}

function textOfTime(value: unknown): string | null {
  return readTime(value)?.toISOString() ?? null
}

function textOf(value: unknown): string | null {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value !== '' ? value : null
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {}
}

function isYes(value: unknown): boolean | null {
  const text = textOf(value)?.trim().toLowerCase()
  if (text === undefined || text === '') return null
  return ['yes', 'true', '1', 'y'].includes(text)
}

function domainOf(website: string | null): string | null {
  if (website === null) return null
  const text = website.includes('//') ? website : `https://${website}`
  return URL.canParse(text) ? new URL(text).hostname.replace(/^www\./, '') : null
}

function currencyOf(code: string | null, companyCurrency: string): string {
  const upper = code?.toUpperCase() ?? ''
  return /^[A-Z]{3}$/.test(upper) ? upper : companyCurrency
}
