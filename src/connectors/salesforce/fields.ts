import type { FieldLink } from '#sync/connector.ts'
import { MAIN, PEOPLE } from './contact-roles.ts'

/** The external id by which a row is found again; unique, made when the connection is prepared. */
export const HUB_ID = 'Hub_Id__c'

/** What Salesforce wants of a lead and the hub may not have; read back as nothing. */
export const NOT_PROVIDED = '[not provided]'

const link = (
  field: string,
  property: string,
  direction: FieldLink['direction'] = 'both',
): FieldLink => ({ field, properties: [property], direction })

/** What the hub adds to a person: Salesforce shows it, the hub writes it. */
const added: readonly FieldLink[] = [
  link('externalId', 'Hub_Source_Id__c', 'push'),
  link('score', 'Hub_Score__c', 'push'),
  link('fitScore', 'Hub_Fit_Score__c', 'push'),
  link('engagementScore', 'Hub_Engagement_Score__c', 'push'),
  link('status', 'Hub_Status__c'),
  link('channel', 'Hub_Channel__c', 'push'),
  link('campaign', 'Hub_Campaign__c', 'push'),
  link('mqlAt', 'Hub_Mql_At__c', 'push'),
]

const person: readonly FieldLink[] = [
  link('email', 'Email'),
  link('firstName', 'FirstName'),
  link('lastName', 'LastName'),
  link('phone', 'Phone'),
  link('jobTitle', 'Title'),
  link('emailOptOut', 'HasOptedOutOfEmail'),
  link('owner', 'OwnerId'),
]

export const leadFields: readonly FieldLink[] = [
  ...person,
  link('company', 'Company'),
  link('country', 'Country'),
  ...added,
]

export const contactFields: readonly FieldLink[] = [
  ...person,
  link('country', 'MailingCountry'),
  link('account', 'AccountId'),
  ...added,
]

export const accountFields: readonly FieldLink[] = [
  link('name', 'Name'),
  link('website', 'Website'),
  link('domain', 'Website', 'pull'),
  link('industry', 'Industry'),
  link('employees', 'NumberOfEmployees'),
  link('phone', 'Phone'),
  link('city', 'BillingCity'),
  link('country', 'BillingCountry'),
  link('parent', 'ParentId'),
  link('owner', 'OwnerId'),
]

export const opportunityFields: readonly FieldLink[] = [
  link('name', 'Name'),
  { field: 'amountMinor', properties: ['Amount'], direction: 'both', with: ['currency'] },
  {
    field: 'currency',
    properties: ['CurrencyIsoCode'],
    direction: 'both',
    with: ['amountMinor'],
  },
  { field: 'stage', properties: ['StageName'], direction: 'both', with: ['pipeline'] },
  { field: 'pipeline', properties: ['RecordTypeId'], direction: 'both', with: ['stage'] },
  link('closesOn', 'CloseDate'),
  link('account', 'AccountId'),
  link('owner', 'OwnerId'),
  { field: 'status', properties: ['IsWon', 'IsClosed'], direction: 'pull' },
  link('openedAt', 'CreatedDate', 'pull'),
  link('closedAt', 'CloseDate', 'pull'),
  link('stageEnteredAt', 'LastStageChangeDate', 'pull'),
  // Only contacts can be the people of an opportunity; a lead becomes one with its conversion.
  { ...link('leads', PEOPLE), as: 'contact' },
  { ...link('primaryLead', MAIN), as: 'contact' },
]

export const taskFields: readonly FieldLink[] = [
  link('subject', 'Subject'),
  link('body', 'Description'),
  link('state', 'Status'),
  link('dueAt', 'ActivityDate'),
  link('owner', 'OwnerId'),
  link('kind', 'TaskSubtype', 'pull'),
  link('doneAt', 'CompletedDateTime', 'pull'),
  link('leads', 'WhoId', 'pull'),
  link('account', 'WhatId', 'pull'),
  link('opportunity', 'WhatId', 'pull'),
]

export const campaignFields: readonly FieldLink[] = [
  link('name', 'Name'),
  link('startsOn', 'StartDate'),
  link('endsOn', 'EndDate'),
  { field: 'budgetMinor', properties: ['BudgetedCost'], direction: 'both', with: ['currency'] },
  {
    field: 'currency',
    properties: ['CurrencyIsoCode'],
    direction: 'both',
    with: ['budgetMinor'],
  },
  { field: 'status', properties: ['Status', 'IsActive'], direction: 'both' },
  link('channel', 'Type', 'pull'),
]

export const memberFields: readonly FieldLink[] = [
  { ...link('campaign', 'CampaignId'), once: true },
  { field: 'lead', properties: ['LeadId', 'ContactId'], direction: 'both', once: true },
  // Which statuses there are is the campaign's to say.
  { ...link('status', 'Status'), with: ['campaign'] },
  link('respondedAt', 'FirstRespondedDate', 'pull'),
]

/** Salesforce's fields that a table names, children aside: they are read with their parent. */
export function propertyNames(fields: readonly FieldLink[]): string[] {
  const names = fields.flatMap((field) => field.properties)
  return [...new Set(names)].filter((name) => name !== PEOPLE && name !== MAIN)
}
