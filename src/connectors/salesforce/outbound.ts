import { formatMinor } from '#core/money.ts'
import type { VendorProperties, VendorReferences } from '#sync/connector.ts'
import type { EntityRecord } from '#sync/entity.ts'
import { MAIN, PEOPLE } from './contact-roles.ts'
import { MASTER_TYPE } from './mapping.ts'

/*
 * Our records as Salesforce's fields. Fields that are absent from the record are not sent, null empties them there; a
 * reference that was let go comes as ''.
 */

type Table = readonly (readonly [field: string, property: string])[]

const personTable: Table = [
  ['firstName', 'FirstName'],
  ['lastName', 'LastName'],
  ['phone', 'Phone'],
  ['jobTitle', 'Title'],
  ['status', 'Hub_Status__c'],
  ['externalId', 'Hub_Source_Id__c'],
  ['score', 'Hub_Score__c'],
  ['fitScore', 'Hub_Fit_Score__c'],
  ['engagementScore', 'Hub_Engagement_Score__c'],
  ['channel', 'Hub_Channel__c'],
  ['campaign', 'Hub_Campaign__c'],
  ['mqlAt', 'Hub_Mql_At__c'],
]

function propertiesFrom(table: Table, { values }: EntityRecord): VendorProperties {
  const properties: VendorProperties = {}
  for (const [field, property] of table) {
    const value = values[field]
    if (value !== undefined) properties[property] = value === '' ? null : value
  }
  return properties
}

/** A lookup that was let go is null; an owner there always is one, so it stays. */
function refer(
  properties: VendorProperties,
  references: VendorReferences,
  table: Readonly<Record<string, string>>,
): VendorProperties {
  for (const [field, property] of Object.entries(table)) {
    const id = references[field]
    if (id === undefined || (id === '' && property === 'OwnerId')) continue
    properties[property] = id === '' ? null : id
  }
  return properties
}

function personProperties(record: EntityRecord): VendorProperties {
  const properties = propertiesFrom(personTable, record)
  const { email, emailOptOut } = record.values
  if (email !== undefined) {
    properties['Email'] = typeof email === 'string' && email !== '' ? email.toLowerCase() : null
  }
  if (emailOptOut !== undefined) properties['HasOptedOutOfEmail'] = emailOptOut === true
  return properties
}

export function leadToSalesforce(
  record: EntityRecord,
  references: VendorReferences,
): VendorProperties {
  const properties = {
    ...personProperties(record),
    ...propertiesFrom(
      [
        ['company', 'Company'],
        ['country', 'Country'],
      ],
      record,
    ),
  }
  return refer(properties, references, { owner: 'OwnerId' })
}

export function contactToSalesforce(
  record: EntityRecord,
  references: VendorReferences,
): VendorProperties {
  const properties = {
    ...personProperties(record),
    ...propertiesFrom([['country', 'MailingCountry']], record),
  }
  return refer(properties, references, { owner: 'OwnerId', account: 'AccountId' })
}

export function accountToSalesforce(
  record: EntityRecord,
  references: VendorReferences,
): VendorProperties {
  const table: Table = [
    ['name', 'Name'],
    ['website', 'Website'],
    ['industry', 'Industry'],
    ['employees', 'NumberOfEmployees'],
    ['phone', 'Phone'],
    ['city', 'BillingCity'],
    ['country', 'BillingCountry'],
  ]
  const properties = propertiesFrom(table, record)
  return refer(properties, references, { owner: 'OwnerId', parent: 'ParentId' })
}

export function opportunityToSalesforce(
  record: EntityRecord,
  references: VendorReferences,
): VendorProperties {
  const table: Table = [
    ['name', 'Name'],
    ['closesOn', 'CloseDate'],
  ]
  const properties = {
    ...propertiesFrom(table, record),
    ...amountProperties(record, 'amountMinor', 'Amount'),
  }
  const { stage, pipeline } = references
  if (stage !== undefined && stage !== '') {
    properties['StageName'] = stage.slice(stage.indexOf('/') + 1)
  }
  if (pipeline !== undefined && pipeline !== '' && pipeline !== MASTER_TYPE) {
    properties['RecordTypeId'] = pipeline
  }
  const { leads, 'leads.roles': roles } = record.values
  if (Array.isArray(leads)) {
    const roleOf = (i: number) => (Array.isArray(roles) ? (roles[i] ?? '') : '')
    properties[PEOPLE] = leads.map((id, i) => `${id} ${roleOf(i)}`.trim()).sort()
  }
  const { primaryLead } = references
  if (primaryLead !== undefined) properties[MAIN] = primaryLead
  return refer(properties, references, { owner: 'OwnerId', account: 'AccountId' })
}

/** Amounts go out with their currency; orgs of one currency have no field for it, and it is left away on the way. */
function amountProperties(record: EntityRecord, field: string, property: string): VendorProperties {
  const amount = record.values[field]
  const { currency } = record.values
  if (amount === undefined || typeof currency !== 'string') return {}
  return {
    [property]: typeof amount === 'number' ? Number(formatMinor(amount, currency)) : null,
    CurrencyIsoCode: currency,
  }
}

export function activityToSalesforce(
  record: EntityRecord,
  references: VendorReferences,
): VendorProperties {
  const table: Table = [
    ['subject', 'Subject'],
    ['body', 'Description'],
  ]
  const properties = propertiesFrom(table, record)
  const { state, dueAt } = record.values
  if (state !== undefined) properties['Status'] = state === 'done' ? 'Completed' : 'Not Started'
  if (dueAt !== undefined) {
    properties['ActivityDate'] = typeof dueAt === 'string' ? dueAt.slice(0, 10) : null
  }
  return refer(properties, references, { owner: 'OwnerId' })
}

const CAMPAIGN_STATES: Readonly<Record<string, VendorProperties>> = {
  planned: { Status: 'Planned', IsActive: false },
  active: { Status: 'In Progress', IsActive: true },
  paused: { Status: 'In Progress', IsActive: false },
  ended: { Status: 'Completed', IsActive: false },
}

export function campaignToSalesforce(record: EntityRecord): VendorProperties {
  const table: Table = [
    ['name', 'Name'],
    ['startsOn', 'StartDate'],
    ['endsOn', 'EndDate'],
  ]
  const { budgetMinor, status } = record.values
  return {
    ...propertiesFrom(table, record),
    ...CAMPAIGN_STATES[String(status)],
    // A budget that was let go takes its currency along.
    ...(budgetMinor === null
      ? { BudgetedCost: null }
      : amountProperties(record, 'budgetMinor', 'BudgetedCost')),
  }
}

/** Who belongs to which campaign is set once; later only the status changes. */
export function memberToSalesforce(
  record: EntityRecord,
  references: VendorReferences,
): VendorProperties {
  const properties = propertiesFrom([['status', 'Status']], record)
  const { campaign, lead } = references
  if (campaign) properties['CampaignId'] = campaign
  if (lead) properties[lead.startsWith('003') ? 'ContactId' : 'LeadId'] = lead
  return properties
}
