import { parseMinor } from '#core/money.ts'
import type { Candidate, FieldValue, VendorValue } from '#sync/entity.ts'
import type { SfRow } from './answers.ts'
import { HUB_ID, NOT_PROVIDED } from './fields.ts'
import { readTime } from './soql.ts'

/** The record type that stands for opportunities without one. */
export const MASTER_TYPE = '012000000000000AAA'

/** What a row is read against. */
export interface Around {
  /** For amounts that name no currency. */
  currency: string
}

/** A contact on an opportunity. Salesforce docs: OpportunityContactRole. */
export interface ContactRole {
  contactId: string
  role: string
  isPrimary: boolean
}

/** The parts of a row that are typed; `has` tells a field that was not read from one that is blank. */
function readerOf(row: SfRow) {
  const text = (name: string): string | null => {
    const value = row[name]
    return typeof value === 'string' && value !== '' ? value : null
  }
  return {
    has: (name: string) => row[name] !== undefined,
    text,
    number: (name: string): number | null => {
      const value = row[name]
      return typeof value === 'number' ? value : null
    },
    flag: (name: string) => row[name] === true,
    at: (name: string): string | null => {
      const ms = readTime(text(name))
      return ms === null ? null : new Date(ms).toISOString()
    },
  }
}

/** What every candidate has: which row, since when, and whether it is gone. */
function frameOf(row: SfRow): Candidate {
  const { text, flag } = readerOf(row)
  const stampMs = readTime(text('SystemModstamp'))
  const master = text('MasterRecordId')
  return {
    externalId: row.Id,
    localId: text(HUB_ID),
    modifiedAt: stampMs === null ? null : new Date(stampMs),
    deleted: flag('IsDeleted'),
    values: {},
    references: {},
    ...(master === null ? {} : { mergedInto: master }),
  }
}

/** A candidate that is gone: only that, since when, and into which it was merged. */
function tombstone(row: SfRow): Candidate | null {
  const frame = frameOf(row)
  return frame.deleted ? frame : null
}

function valuesOf(
  row: SfRow,
  table: readonly (readonly [field: string, property: string])[],
): Record<string, FieldValue> {
  const values: Record<string, FieldValue> = {}
  for (const [field, property] of table) {
    const value = row[property]
    if (value === undefined) continue
    values[field] = value === '' ? null : (value as FieldValue)
  }
  return values
}

function named(entity: string, id: string | null): { entity: string; externalIds: string[] } {
  return { entity, externalIds: id === null ? [] : [id] }
}

const personTable = [
  ['firstName', 'FirstName'],
  ['lastName', 'LastName'],
  ['phone', 'Phone'],
  ['jobTitle', 'Title'],
  ['emailOptOut', 'HasOptedOutOfEmail'],
  ['status', 'Hub_Status__c'],
  ['externalId', 'Hub_Source_Id__c'],
  ['score', 'Hub_Score__c'],
  ['fitScore', 'Hub_Fit_Score__c'],
  ['engagementScore', 'Hub_Engagement_Score__c'],
  ['channel', 'Hub_Channel__c'],
  ['campaign', 'Hub_Campaign__c'],
] as const

/** Also what the hub alone writes: it shows whether it arrived. */
function personValues(row: SfRow): Record<string, FieldValue> {
  const { has, text, at } = readerOf(row)
  const values = valuesOf(row, personTable)
  if (has('Hub_Mql_At__c')) values['mqlAt'] = at('Hub_Mql_At__c')
  if (values['lastName'] === NOT_PROVIDED) values['lastName'] = null
  if (has('Email')) values['email'] = text('Email')?.toLowerCase() ?? null
  return values
}

/** A lead; one that was converted names what it became, the contact first. */
export function leadToCandidate(row: SfRow): Candidate {
  const gone = tombstone(row)
  if (gone) return gone
  const { has, text, flag } = readerOf(row)
  const values = personValues(row)
  if (has('Company')) {
    values['company'] = text('Company') === NOT_PROVIDED ? null : text('Company')
  }
  Object.assign(values, valuesOf(row, [['country', 'Country']]))
  const converted = [
    ['contact', text('ConvertedContactId')],
    ['account', text('ConvertedAccountId')],
    ['opportunity', text('ConvertedOpportunityId')],
  ] as const
  const convertedTo = flag('IsConverted')
    ? converted.flatMap(([entity, externalId]) => (externalId ? [{ entity, externalId }] : []))
    : []
  return {
    ...frameOf(row),
    values,
    references: has('OwnerId') ? { owner: named('owner', text('OwnerId')) } : {},
    ...(convertedTo.length > 0 ? { convertedTo } : {}),
  }
}

export function contactToCandidate(row: SfRow): Candidate {
  const gone = tombstone(row)
  if (gone) return gone
  const { has, text } = readerOf(row)
  const values = { ...personValues(row), ...valuesOf(row, [['country', 'MailingCountry']]) }
  const references: Candidate['references'] = {}
  if (has('OwnerId')) references['owner'] = named('owner', text('OwnerId'))
  if (has('AccountId')) references['account'] = named('account', text('AccountId'))
  return { ...frameOf(row), values, references }
}

const accountTable = [
  ['name', 'Name'],
  ['website', 'Website'],
  ['industry', 'Industry'],
  ['employees', 'NumberOfEmployees'],
  ['phone', 'Phone'],
  ['city', 'BillingCity'],
  ['country', 'BillingCountry'],
] as const

export function accountToCandidate(row: SfRow): Candidate {
  const gone = tombstone(row)
  if (gone) return gone
  const { has, text } = readerOf(row)
  const values = valuesOf(row, accountTable)
  if (has('Website')) values['domain'] = domainOf(text('Website'))
  const references: Candidate['references'] = {}
  if (has('OwnerId')) references['owner'] = named('owner', text('OwnerId'))
  if (has('ParentId')) references['parent'] = named('account', text('ParentId'))
  return { ...frameOf(row), values, references }
}

/** The host of a website without `www`, or null when it is none. */
function domainOf(website: string | null): string | null {
  if (website === null) return null
  const url = URL.parse(/^https?:\/\//i.test(website) ? website : `https://${website}`)
  return url?.hostname.replace(/^www\./, '') || null
}

/** The id of a stage here: stages are one list in Salesforce, and belong to a pipeline in the hub. */
export function stageId(recordTypeId: string | null, stageName: string): string {
  return `${recordTypeId ?? MASTER_TYPE}/${stageName}`
}

/**
 * An opportunity in our words.
 * @param roles  null when they were not read.
 */
export function opportunityToCandidate(
  row: SfRow,
  { currency: usual }: Around,
  roles: readonly ContactRole[] | null,
): Candidate {
  const gone = tombstone(row)
  if (gone) return gone
  const { has, text, number, flag, at } = readerOf(row)
  const values: Candidate['values'] = {}
  const currency = text('CurrencyIsoCode') ?? usual
  if (has('Name')) values['name'] = text('Name')
  if (has('Amount')) {
    values['amountMinor'] = minorOf(number('Amount'), currency)
    values['currency'] = currency
  }
  if (has('IsClosed')) {
    const status = flag('IsWon') ? 'won' : flag('IsClosed') ? 'lost' : 'open'
    values['status'] = status
    const closedOn = text('CloseDate')
    values['closedAt'] = status === 'open' || closedOn === null ? null : `${closedOn}T00:00:00.000Z`
  }
  if (has('CloseDate')) values['closesOn'] = text('CloseDate')
  if (has('CreatedDate')) values['openedAt'] = at('CreatedDate')
  if (has('LastStageChangeDate')) {
    values['stageEnteredAt'] = at('LastStageChangeDate') ?? at('CreatedDate')
  }
  const type = text('RecordTypeId')
  const stage = text('StageName')
  const references: Candidate['references'] = {}
  if (has('StageName')) {
    references['stage'] = named('stage', stage === null ? null : stageId(type, stage))
    references['pipeline'] = named('pipeline', type ?? MASTER_TYPE)
  }
  if (has('OwnerId')) references['owner'] = named('owner', text('OwnerId'))
  if (has('AccountId')) references['account'] = named('account', text('AccountId'))
  if (roles) {
    references['leads'] = rolesReference(roles)
    const main = roles.find(({ isPrimary }) => isPrimary)
    references['primaryLead'] = named('contact', main?.contactId ?? null)
  }
  return { ...frameOf(row), values, references }
}

/** The people of an opportunity are contacts: the hub knows them by what they were as leads. */
function rolesReference(roles: readonly ContactRole[]): Candidate['references'][string] {
  const byContact = new Map(roles.map(({ contactId, role }) => [contactId, role]))
  return {
    entity: 'contact',
    externalIds: [...byContact.keys()].sort(),
    roles: Object.fromEntries([...byContact].filter(([, role]) => role !== '')),
  }
}

/** A double as minor units; six decimals are more than any currency has, and hide what doubles add. */
function minorOf(amount: number | null, currency: string): number | null {
  return amount === null ? null : parseMinor(amount.toFixed(6), currency)
}

const KINDS: Readonly<Record<string, string>> = { Call: 'call', Email: 'email' }

export function taskToCandidate(row: SfRow): Candidate {
  const gone = tombstone(row)
  if (gone) return gone
  const { has, text, at } = readerOf(row)
  const values = valuesOf(row, [
    ['subject', 'Subject'],
    ['body', 'Description'],
  ])
  if (has('TaskSubtype')) values['kind'] = KINDS[text('TaskSubtype') ?? ''] ?? 'task'
  if (has('Status')) values['state'] = text('Status') === 'Completed' ? 'done' : 'open'
  if (has('ActivityDate')) {
    const dueOn = text('ActivityDate')
    values['dueAt'] = dueOn === null ? null : `${dueOn}T00:00:00.000Z`
  }
  if (has('CompletedDateTime')) values['doneAt'] = at('CompletedDateTime')
  const references: Candidate['references'] = {}
  if (has('OwnerId')) references['owner'] = named('owner', text('OwnerId'))
  if (has('WhoId')) references['leads'] = personReference(text('WhoId'))
  const what = text('WhatId')
  if (has('WhatId')) {
    references['account'] = named('account', what?.startsWith('001') ? what : null)
    references['opportunity'] = named('opportunity', what?.startsWith('006') ? what : null)
  }
  return { ...frameOf(row), values, references }
}

/** A person by the prefix of the id: 003 is a contact, 00Q a lead. */
export function personReference(id: string | null): { entity: string; externalIds: string[] } {
  return named(id?.startsWith('003') ? 'contact' : 'lead', id)
}

const CAMPAIGN_STATES: Readonly<Record<string, string>> = {
  Planned: 'planned',
  Completed: 'ended',
  Aborted: 'ended',
}

/** Salesforce's types of campaigns as channels; the customer's own become keys by their words. */
const CHANNELS: Readonly<Record<string, string>> = {
  Conference: 'event',
  'Trade Show': 'event',
  Advertisement: 'display',
  'Banner Ads': 'display',
  Partners: 'partner',
  'Referral Program': 'referral',
  Other: 'unknown',
}

function channelOf(type: string | null): string {
  if (type === null) return 'unknown'
  const words = type.toLowerCase().split(/[^a-z0-9]+/)
  return CHANNELS[type] ?? (words.filter(Boolean).join('_').slice(0, 60) || 'unknown')
}

/** What is under way and not marked as active rests. A status of the customer's own says as much as that mark. */
function campaignState(status: string | null, isActive: boolean): string {
  const known = CAMPAIGN_STATES[status ?? '']
  if (known !== undefined) return known
  if (isActive) return 'active'
  return status === 'In Progress' ? 'paused' : 'planned'
}

export function campaignToCandidate(row: SfRow, { currency: usual }: Around): Candidate {
  const gone = tombstone(row)
  if (gone) return gone
  const { has, text, number, flag } = readerOf(row)
  const currency = text('CurrencyIsoCode') ?? usual
  const values = valuesOf(row, [
    ['name', 'Name'],
    ['startsOn', 'StartDate'],
    ['endsOn', 'EndDate'],
  ])
  if (has('Status')) values['status'] = campaignState(text('Status'), flag('IsActive'))
  if (has('Type')) values['channel'] = channelOf(text('Type'))
  if (has('BudgetedCost')) {
    const budget = minorOf(number('BudgetedCost'), currency)
    values['budgetMinor'] = budget
    values['currency'] = budget === null ? null : currency
  }
  return { ...frameOf(row), values }
}

/** A membership; the contact stands for the lead once that was converted. */
export function memberToCandidate(row: SfRow): Candidate {
  const gone = tombstone(row)
  if (gone) return gone
  const { has, text } = readerOf(row)
  const values = valuesOf(row, [['status', 'Status']])
  if (has('FirstRespondedDate')) {
    const on = text('FirstRespondedDate')
    values['respondedAt'] = on === null ? null : `${on}T00:00:00.000Z`
  }
  return {
    ...frameOf(row),
    values,
    references: {
      campaign: named('campaign', text('CampaignId')),
      lead: personReference(text('ContactId') ?? text('LeadId')),
    },
  }
}

export function userToCandidate(row: SfRow): Candidate {
  const { text, flag } = readerOf(row)
  return {
    ...frameOf(row),
    values: {
      email: text('Email')?.toLowerCase() ?? null,
      name: text('Name') ?? `Salesforce user ${row.Id}`,
      active: flag('IsActive'),
    },
  }
}

/** A queue owns leads until somebody takes them. */
export function queueToCandidate(row: SfRow): Candidate {
  const { text } = readerOf(row)
  const name = text('Name') ?? row.Id
  return { ...frameOf(row), values: { email: null, name: `${name} (queue)`, active: true } }
}

/** The row's own values that no field of ours holds, kept so that none is lost. */
export function rawOf(row: SfRow, names: readonly string[]): Record<string, VendorValue> {
  const raw: Record<string, VendorValue> = {}
  for (const name of names) {
    const value = row[name]
    if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) {
      raw[name] = value as VendorValue
    }
  }
  return raw
}
