import { formatMinor } from '#core/money.ts'
import type { VendorProperties, VendorReferences } from '#sync/connector.ts'
import type { EntityRecord, FieldValue } from '#sync/entity.ts'
import { PEOPLE } from './deal-people.ts'
import { leadHubNumbers, leadHubProperties } from './fields.ts'

/**
 * A lead as properties of a person. `email` and `phone` are the first of their lists: the others stay as they are. The two
 * names become one when they are sent.
 */
export function leadToPerson(record: EntityRecord, references: VendorReferences): VendorProperties {
  const { values } = record
  const properties: VendorProperties = {}
  if (values['firstName'] !== undefined) properties['first_name'] = values['firstName']
  if (values['lastName'] !== undefined) properties['last_name'] = values['lastName']
  if (values['email'] !== undefined) properties['email'] = lower(values['email'])
  if (values['phone'] !== undefined) properties['phone'] = values['phone']
  for (const [field, key] of [...leadHubProperties, ...leadHubNumbers]) {
    if (values[field] !== undefined) properties[key] = values[field]
  }
  if (values['mqlAt'] !== undefined) properties['hub_mql_at'] = dayOf(values['mqlAt'])
  const optOut = values['emailOptOut']
  if (optOut !== undefined) {
    properties['hub_email_optout'] = optOut === null ? null : optOut ? 'yes' : 'no'
  }
  return { ...properties, ...idsOf(references, { owner: 'owner_id', account: 'org_id' }) }
}

export function accountToOrganization(
  { values }: EntityRecord,
  references: VendorReferences,
): VendorProperties {
  const properties: VendorProperties = {}
  if (values['name']) properties['name'] = values['name']
  if (values['website'] !== undefined) properties['website'] = values['website']
  if (values['employees'] !== undefined) properties['employee_count'] = values['employees']
  return { ...properties, ...idsOf(references, { owner: 'owner_id' }) }
}

export function opportunityToDeal(
  { values }: EntityRecord,
  references: VendorReferences,
): VendorProperties {
  const properties: VendorProperties = {}
  const { amountMinor, currency } = values
  if (values['name']) properties['title'] = values['name']
  if (typeof currency === 'string' && amountMinor !== undefined) {
    properties['currency'] = currency
    properties['value'] =
      typeof amountMinor === 'number' ? Number(formatMinor(amountMinor, currency)) : 0
  }
  if (values['status']) properties['status'] = values['status']
  if (values['closesOn'] !== undefined) properties['expected_close_date'] = values['closesOn']
  const { leads } = values
  if (Array.isArray(leads)) properties[PEOPLE] = leads.toSorted()
  const names = {
    stage: 'stage_id',
    pipeline: 'pipeline_id',
    owner: 'owner_id',
    account: 'org_id',
    primaryLead: 'person_id',
  }
  return { ...properties, ...idsOf(references, names) }
}

export function activityToTask(
  { values }: EntityRecord,
  references: VendorReferences,
): VendorProperties {
  const properties: VendorProperties = {}
  if (values['subject']) properties['subject'] = values['subject']
  if (values['body'] !== undefined) properties['note'] = values['body']
  if (values['state'] !== undefined) properties['done'] = values['state'] === 'done'
  const { dueAt } = values
  if (dueAt !== undefined) {
    const text = typeof dueAt === 'string' ? dueAt : ''
    properties['due_date'] = text.slice(0, 10) || null
    // Midnight is how a day without a time is kept here.
    properties['due_time'] = text.slice(11, 16).replace('00:00', '') || null
  }
  return { ...properties, ...idsOf(references, { owner: 'owner_id' }) }
}

/** References by the vendor's name; one that was let go is cleared. */
function idsOf(references: VendorReferences, names: Record<string, string>): VendorProperties {
  return Object.fromEntries(
    Object.entries(names).flatMap(([field, property]) => {
      const id = references[field]
      return id === undefined ? [] : [[property, id === '' ? null : Number(id)] as const]
    }),
  )
}

function lower(value: FieldValue): FieldValue {
  return typeof value === 'string' ? value.toLowerCase() : value
}

function dayOf(value: FieldValue): FieldValue {
  return typeof value === 'string' ? value.slice(0, 10) : null
}
