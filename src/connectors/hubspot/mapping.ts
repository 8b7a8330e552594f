import { formatMinor, parseMinor } from '#core/money.ts'
import { dayOf } from '#core/zone.ts'
import type { VendorProperties, VendorReferences } from '#sync/connector.ts'
import type { Candidate, EntityRecord, FieldValue, FieldVersion } from '#sync/entity.ts'
import type { HubspotOwner, HubspotPipeline, HubspotRecord } from './answers.ts'
import { PEOPLE } from './deal-people.ts'
import { LEAD_ID_PROPERTY } from './fields.ts'
import type { PropertyDefinition } from './client.ts'

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
  { name: 'hub_email_optout', label: 'Throughline opt-out', type: 'string', fieldType: 'text' },
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
 * A lead as contact properties, all text. A field that is not among the values is not sent; null clears it there: the
 * engine sends what changed, so an empty field here never blanks what nobody emptied.
 */
export function leadToContact(
  record: EntityRecord,
  references: VendorReferences,
): Record<string, string> {
  const properties = propertiesFrom(contactProperties, record)
  if (properties['email'] !== undefined) properties['email'] = properties['email'].toLowerCase()
  const optOut = record.values['emailOptOut']
  if (optOut !== undefined) properties['hub_email_optout'] = optOut === true ? 'true' : 'false'
  if (references['owner'] !== undefined) properties['hubspot_owner_id'] = references['owner']
  return properties
}

const companyProperties: readonly [field: string, property: string][] = [
  ['name', 'name'],
  ['domain', 'domain'],
  ['website', 'website'],
  ['industry', 'industry'],
  ['employees', 'numberofemployees'],
  ['phone', 'phone'],
  ['city', 'city'],
  ['country', 'country'],
]

export function accountToCompany(
  record: EntityRecord,
  references: VendorReferences,
): Record<string, string> {
  const properties = propertiesFrom(companyProperties, record)
  if (references['owner'] !== undefined) properties['hubspot_owner_id'] = references['owner']
  return properties
}

export function opportunityToDeal(
  record: EntityRecord,
  references: VendorReferences,
): VendorProperties {
  const properties: VendorProperties = propertiesFrom([['name', 'dealname']], record)
  const { leads, 'leads.roles': roles } = record.values
  if (Array.isArray(leads)) {
    const roleOf = (i: number) => (Array.isArray(roles) ? (roles[i] ?? '') : '')
    properties[PEOPLE] = leads.map((id, i) => `${id} ${roleOf(i)}`.trim()).sort()
  }
  const { amountMinor, currency } = record.values
  if (amountMinor !== undefined && typeof currency === 'string') {
    properties['amount'] = typeof amountMinor === 'number' ? formatMinor(amountMinor, currency) : ''
    properties['deal_currency_code'] = currency
  }
  const named = { stage: 'dealstage', pipeline: 'pipeline', owner: 'hubspot_owner_id' }
  for (const [field, property] of Object.entries(named)) {
    const id = references[field]
    if (id !== undefined) properties[property] = id
  }
  return properties
}

export function activityToTask(
  record: EntityRecord,
  references: VendorReferences,
): Record<string, string> {
  const properties = propertiesFrom(
    [
      ['subject', 'hs_task_subject'],
      ['body', 'hs_task_body'],
      ['dueAt', 'hs_timestamp'],
    ],
    record,
  )
  const { state } = record.values
  if (state !== undefined) {
    properties['hs_task_status'] = state === 'done' ? 'COMPLETED' : 'NOT_STARTED'
  }
  if (references['owner'] !== undefined) properties['hubspot_owner_id'] = references['owner']
  return properties
}

function propertiesFrom(
  table: readonly (readonly [field: string, property: string])[],
  record: EntityRecord,
): Record<string, string> {
  const properties: Record<string, string> = {}
  for (const [field, property] of table) {
    const value = record.values[field]
    if (value !== undefined) properties[property] = textOf(value)
  }
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

/** The property in which HubSpot keeps when a deal entered a stage. */
export function stageEntryProperty(stageId: string): string {
  return `hs_v2_date_entered_${stageId}`
}

/** What else a record is known by, besides its own properties. */
export interface Around {
  /** The contacts associated with a deal, with the label of the association, '' for none. */
  contacts: ReadonlyMap<string, string>
  /** For deals without a currency of their own. */
  accountCurrency: string
  /** The zone of the account, in which its people name days. */
  accountZone: string
}

/**
 * A deal in our words. As for all records: a property that was not read is no field of the candidate.
 * @param around  null for an answer to a write, which tells of the deal alone.
 */
export function dealToCandidate(deal: HubspotRecord, around: Around | null): Candidate {
  const { has, read } = readerOf(deal)
  const currency = currencyOf(read('deal_currency_code'), around?.accountCurrency ?? '')
  const amount = read('amount')
  const status =
    read('hs_is_closed_won') === 'true' ? 'won' : read('hs_is_closed') === 'true' ? 'lost' : 'open'
  const values: Candidate['values'] = {}
  if (has('dealname')) values['name'] = read('dealname') ?? `Deal ${deal.id}`
  if (has('amount') && currency !== '') {
    values['amountMinor'] = amount === null ? null : parseMinor(amount, currency)
    values['currency'] = currency
  }
  if (has('hs_is_closed')) {
    values['status'] = status
    values['closedAt'] = status === 'open' ? null : textOfTime(read('closedate'))
  }
  if (around && has('closedate')) {
    const closesAt = textOfTime(read('closedate'))
    values['closesOn'] = closesAt === null ? null : dayOf(new Date(closesAt), around.accountZone)
  }
  if (has('createdate')) values['openedAt'] = textOfTime(read('createdate'))
  const entry = stageEntryProperty(read('dealstage') ?? '')
  if (has(entry)) values['stageEnteredAt'] = textOfTime(read(entry))
  const references: Candidate['references'] = {}
  if (has('pipeline')) references['pipeline'] = named('pipeline', read('pipeline'))
  if (has('dealstage')) references['stage'] = named('stage', read('dealstage'))
  if (has('hubspot_owner_id')) references['owner'] = named('owner', read('hubspot_owner_id'))
  if (has('hs_primary_associated_company')) {
    references['account'] = named('account', read('hs_primary_associated_company'))
  }
  if (around) references['leads'] = people(around.contacts)
  return { ...stampOf(deal), values, references }
}

function people(contacts: ReadonlyMap<string, string>): Candidate['references'][string] {
  const roles = Object.fromEntries([...contacts].filter(([, role]) => role !== ''))
  return {
    entity: 'lead',
    externalIds: [...contacts.keys()].sort(),
    roles,
  }
}

function named(entity: string, id: string | null): { entity: string; externalIds: string[] } {
  return { entity, externalIds: id ? [id] : [] }
}

/** A contact in our words; also what the hub alone writes, which shows whether it arrived. */
export function contactToCandidate(contact: HubspotRecord): Candidate {
  const { has, read } = readerOf(contact)
  const values: Candidate['values'] = {}
  for (const [field, property] of contactProperties) {
    if (has(property)) values[field] = read(property)
  }
  for (const field of ['score', 'fitScore', 'engagementScore']) {
    if (values[field] !== undefined) values[field] = readNumber(textOf(values[field]))
  }
  if (has('hub_mql_at')) values['mqlAt'] = textOfTime(read('hub_mql_at'))
  if (has('email')) values['email'] = read('email')?.toLowerCase() ?? null
  const optOuts = ['hs_email_optout', 'hub_email_optout'].filter(has).map(read)
  if (optOuts.length > 0) {
    // Nothing said is not the same as an opt-in.
    values['emailOptOut'] = optOuts.includes('true')
      ? true
      : optOuts.includes('false')
        ? false
        : null
  }
  const references: Candidate['references'] = {}
  if (has('hubspot_owner_id')) references['owner'] = named('owner', read('hubspot_owner_id'))
  if (has('associatedcompanyid')) {
    references['account'] = named('account', read('associatedcompanyid'))
  }
  return { ...stampOf(contact), localId: read(LEAD_ID_PROPERTY), values, references }
}

export function companyToCandidate(company: HubspotRecord): Candidate {
  const { has, read } = readerOf(company)
  const values: Candidate['values'] = {}
  for (const [field, property] of companyProperties) {
    if (has(property)) values[field] = read(property)
  }
  if (has('numberofemployees')) values['employees'] = readNumber(read('numberofemployees'))
  const references: Candidate['references'] = {}
  if (has('hubspot_owner_id')) references['owner'] = named('owner', read('hubspot_owner_id'))
  return { ...stampOf(company), values, references }
}

const TASK_KINDS: Record<string, string> = { CALL: 'call', EMAIL: 'email', TODO: 'task' }

export function taskToCandidate(task: HubspotRecord): Candidate {
  const { has, read } = readerOf(task)
  const values: Candidate['values'] = {}
  if (has('hs_task_subject')) values['subject'] = read('hs_task_subject')
  if (has('hs_task_body')) values['body'] = read('hs_task_body')
  if (has('hs_task_type')) values['kind'] = TASK_KINDS[read('hs_task_type') ?? ''] ?? 'task'
  if (has('hs_task_status')) {
    values['state'] = read('hs_task_status') === 'COMPLETED' ? 'done' : 'open'
  }
  if (has('hs_timestamp')) values['dueAt'] = textOfTime(read('hs_timestamp'))
  if (has('hs_task_completion_date')) {
    values['doneAt'] = textOfTime(read('hs_task_completion_date'))
  }
  const references: Candidate['references'] = {}
  if (has('hubspot_owner_id')) references['owner'] = named('owner', read('hubspot_owner_id'))
  return { ...stampOf(task), values, references }
}

function readerOf({ properties }: HubspotRecord) {
  return {
    has: (name: string) => properties[name] !== undefined,
    read: (name: string) => properties[name] || null,
  }
}

/** What every candidate has: id, time, whether it is there, and whom it took in. */
function stampOf(record: HubspotRecord) {
  const merged = record.properties['hs_merged_object_ids']
  return {
    externalId: record.id,
    modifiedAt: modifiedAtOf(record),
    deleted: record.archived === true,
    ...(merged ? { mergedFrom: merged.split(';').filter((id) => id !== record.id) } : {}),
  }
}

/** An archived record: only that it is gone, and since when. */
export function toTombstone(record: HubspotRecord): Candidate {
  return {
    externalId: record.id,
    modifiedAt: readTime(record.archivedAt) ?? modifiedAtOf(record),
    deleted: true,
    values: {},
    references: {},
  }
}

/**
 * Clocks and earlier values by field, from the property history.
 * @param candidateOf  the mapping, asked once a version: so a version is in our words like any other value.
 */
export function withHistory(
  record: HubspotRecord,
  candidate: Candidate,
  propertyOfField: ReadonlyMap<string, string>,
  candidateOf: (record: HubspotRecord) => Candidate,
): Candidate {
  const clocks: Record<string, Date> = {}
  const history: Record<string, FieldVersion[]> = {}
  // Our own property is written by nobody else: who wrote it is us.
  const us = record.propertiesWithHistory?.[LEAD_ID_PROPERTY]?.[0]?.sourceId ?? null
  for (const [field, property] of propertyOfField) {
    const versions = record.propertiesWithHistory?.[property] ?? []
    const [latest] = versions
    const at = readTime(latest?.timestamp)
    if (at) clocks[field] = at
    if (!(field in candidate.values)) continue
    history[field] = versions.flatMap(
      ({ value, timestamp, sourceType, sourceId }): FieldVersion[] => {
        const changedAt = readTime(timestamp)
        if (!changedAt) return []
        const as = { ...record, properties: { ...record.properties, [property]: value ?? '' } }
        const isOurs = us !== null && sourceType === 'INTEGRATION' && sourceId === us
        return [
          {
            value: candidateOf(as).values[field] ?? null,
            at: changedAt,
            by: sourceType ?? null,
            isOurs,
          },
        ]
      },
    )
  }
  return { ...candidate, clocks, history }
}

export function modifiedAtOf(record: HubspotRecord): Date | null {
  const { properties } = record
  return (
    readTime(properties['lastmodifieddate'] ?? properties['hs_lastmodifieddate']) ??
    readTime(record.updatedAt)
  )
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

function readNumber(text: string | null): number | null {
  const value = text === null || text === '' ? Number.NaN : Number(text)
  return Number.isFinite(value) ? value : null
}

function currencyOf(code: string | null, accountCurrency: string): string {
  const upper = code?.toUpperCase() ?? ''
  return /^[A-Z]{3}$/.test(upper) ? upper : accountCurrency
}
