import { parseMinor } from '#core/money.ts'
import type { VendorProperties } from '#sync/connector.ts'
import type { Candidate, EntityRecord, FieldValue } from '#sync/entity.ts'
import type { HubspotOwner, HubspotPipeline, HubspotRecord } from './answers.ts'
import type { PropertyDefinition } from './client.ts'

/** The unique property by which a contact is found again. */
export const LEAD_ID_PROPERTY = 'hub_lead_id'

export const propertyGroup = { name: 'throughline', label: 'Throughline' }

/** The contact properties that the hub brings along; all others are HubSpot's own. */
export const contactDefinitions: readonly PropertyDefinition[] = [
  {
    name: LEAD_ID_PROPERTY,
    label: 'Throughline lead id',
    type: 'string',
    fieldType: 'text',
    hasUniqueValue: true,
  },
  { name: 'hub_external_id', label: 'Id at the source', type: 'string', fieldType: 'text' },
  { name: 'hub_score', label: 'Throughline score', type: 'number', fieldType: 'number' },
  { name: 'hub_fit_score', label: 'Throughline fit', type: 'number', fieldType: 'number' },
  {
    name: 'hub_engagement_score',
    label: 'Throughline engagement',
    type: 'number',
    fieldType: 'number',
  },
  { name: 'hub_lead_status', label: 'Throughline status', type: 'string', fieldType: 'text' },
  { name: 'hub_channel', label: 'Throughline channel', type: 'string', fieldType: 'text' },
  { name: 'hub_campaign', label: 'Throughline campaign', type: 'string', fieldType: 'text' },
  { name: 'hub_mql_at', label: 'Throughline qualified at', type: 'datetime', fieldType: 'date' },
]

/** HubSpot's property for each field of a lead that is sent. */
const contactProperties: readonly [field: string, property: string][] = [
  ['externalId', 'hub_external_id'],
  ['email', 'email'],
  ['firstName', 'firstname'],
  ['lastName', 'lastname'],
  ['phone', 'phone'],
  ['jobTitle', 'jobtitle'],
  ['company', 'company'],
  ['country', 'country'],
  ['score', 'hub_score'],
  ['fitScore', 'hub_fit_score'],
  ['engagementScore', 'hub_engagement_score'],
  ['status', 'hub_lead_status'],
  ['channel', 'hub_channel'],
  ['campaign', 'hub_campaign'],
  ['mqlAt', 'hub_mql_at'],
]

/**
 * A lead as contact properties, all text. Where the lead has no value, only our own properties are cleared: an empty
 * field here must not blank what someone typed into HubSpot.
 */
export function leadToContact(
  record: EntityRecord,
  references: Record<string, string>,
): Record<string, string> {
  const properties: Record<string, string> = {}
  for (const [field, property] of contactProperties) {
    if (record.values[field] === undefined) continue
    const text = textOf(record.values[field] ?? null)
    if (text !== '' || property.startsWith('hub_')) properties[property] = text
  }
  if (properties['email'] !== undefined) properties['email'] = properties['email'].toLowerCase()
  if (references['owner'] !== undefined) properties['hubspot_owner_id'] = references['owner']
  return properties
}

/** HubSpot's form of values: all text, '' for blank, several joined by semicolons. */
export function textsOf(properties: VendorProperties): Record<string, string> {
  return Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [name, textOf(value)]),
  )
}

export function textOf(value: FieldValue): string {
  if (value === null) return ''
  return Array.isArray(value) ? value.join(';') : String(value)
}

export function ownerToCandidate(owner: HubspotOwner): Candidate {
  const name = [owner.firstName, owner.lastName].filter(Boolean).join(' ')
  return {
    externalId: owner.id,
    modifiedAt: readTime(owner.updatedAt),
    deleted: false,
    values: {
      email: owner.email ? owner.email.toLowerCase() : null,
      name: name || owner.email || `HubSpot owner ${owner.id}`,
      active: !owner.archived,
    },
    references: {},
  }
}

export function pipelineToCandidate(pipeline: HubspotPipeline): Candidate {
  return {
    externalId: pipeline.id,
    modifiedAt: null,
    deleted: false,
    values: { label: pipeline.label ?? pipeline.id, archived: pipeline.archived },
    references: {},
  }
}

/** The stages of a pipeline. Metadata values are texts; won is a closed stage of probability 1. */
export function stagesToCandidates(pipeline: HubspotPipeline): Candidate[] {
  return pipeline.stages.map((stage) => {
    const given = Number(stage.metadata['probability'] ?? 0)
    const probability = Number.isFinite(given) ? Math.min(1, Math.max(0, given)) : 0
    const isClosed = String(stage.metadata['isClosed']) === 'true'
    return {
      externalId: stage.id,
      modifiedAt: null,
      deleted: false,
      values: {
        label: stage.label ?? stage.id,
        position: stage.displayOrder,
        probability,
        outcome: isClosed ? (probability === 1 ? 'won' : 'lost') : 'open',
        archived: stage.archived || pipeline.archived,
      },
      references: { pipeline: { entity: 'pipeline', externalIds: [pipeline.id] } },
    }
  })
}

/** What a deal is asked for, besides the time at which it entered each stage. */
export const dealProperties = [
  'dealname',
  'amount',
  'deal_currency_code',
  'pipeline',
  'dealstage',
  'createdate',
  'closedate',
  'hs_is_closed',
  'hs_is_closed_won',
  'hs_lastmodifieddate',
  'hubspot_owner_id',
]

/** The property in which HubSpot keeps when a deal entered a stage. */
export function stageEntryProperty(stageId: string): string {
  return `hs_v2_date_entered_${stageId}`
}

/**
 * A deal in our words.
 * @param contactIds  the contacts associated with it.
 * @param accountCurrency  for deals without a currency of their own.
 */
export function dealToCandidate(
  deal: HubspotRecord,
  contactIds: readonly string[],
  accountCurrency: string,
): Candidate {
  const read = (name: string) => deal.properties[name] || null
  const currency = currencyOf(read('deal_currency_code'), accountCurrency)
  const amount = read('amount')
  const status =
    read('hs_is_closed_won') === 'true' ? 'won' : read('hs_is_closed') === 'true' ? 'lost' : 'open'
  return {
    externalId: deal.id,
    modifiedAt: modifiedAtOf(deal),
    deleted: deal.archived === true,
    values: {
      name: read('dealname') ?? `Deal ${deal.id}`,
      amountMinor: amount === null ? null : parseMinor(amount, currency),
      currency,
      status,
      openedAt: textOfTime(read('createdate')),
      closedAt: status === 'open' ? null : textOfTime(read('closedate')),
      stageEnteredAt: textOfTime(read(stageEntryProperty(read('dealstage') ?? ''))),
    },
    references: {
      pipeline: named('pipeline', read('pipeline')),
      stage: named('stage', read('dealstage')),
      owner: named('owner', read('hubspot_owner_id')),
      leads: { entity: 'lead', externalIds: [...contactIds].sort() },
    },
  }
}

function named(entity: string, id: string | null): { entity: string; externalIds: string[] } {
  return { entity, externalIds: id ? [id] : [] }
}

/** An archived deal: only that it is gone, and since when. */
export function dealToTombstone(deal: HubspotRecord): Candidate {
  return {
    externalId: deal.id,
    modifiedAt: readTime(deal.archivedAt) ?? modifiedAtOf(deal),
    deleted: true,
    values: {},
    references: {},
  }
}

/** A contact that a deal names, for matching it with a lead. */
export function contactToCandidate(contact: HubspotRecord): Candidate {
  const email = contact.properties['email']
  return {
    externalId: contact.id,
    localId: contact.properties[LEAD_ID_PROPERTY] || null,
    modifiedAt: readTime(contact.updatedAt),
    deleted: false,
    values: { email: email ? email.toLowerCase() : null },
    references: {},
  }
}

export function modifiedAtOf(record: HubspotRecord): Date | null {
  return readTime(record.properties['hs_lastmodifieddate']) ?? readTime(record.updatedAt)
}

/** HubSpot gives times as RFC 3339 or as epoch milliseconds in text; null when it is neither. */
export function readTime(text: string | null | undefined): Date | null {
  if (!text) return null
  const time = new Date(/^-?\d{1,16}$/.test(text) ? Number(text) : text)
  return Number.isNaN(time.getTime()) ? null : time
}

function textOfTime(text: string | null): string | null {
  return readTime(text)?.toISOString() ?? null
}

function currencyOf(code: string | null, accountCurrency: string): string {
  const upper = code?.toUpperCase() ?? ''
  return /^[A-Z]{3}$/.test(upper) ? upper : accountCurrency
}
