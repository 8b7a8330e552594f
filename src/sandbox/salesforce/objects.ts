import { field, picklist, readOnly, reference, required, systemFields, text } from './fields.ts'
import type { Field } from './fields.ts'

/** One object of the org. Salesforce docs: object reference. */
export interface ObjectDefinition {
  name: string
  label: string
  labelPlural: string
  isCreateable: boolean
  isUpdateable: boolean
  isDeletable: boolean
  fields: Map<string, Field>
}

const LEAD_SOURCES = ['Web', 'Phone Inquiry', 'Partner Referral', 'Purchased List', 'Other']
const STATUSES = ['Open - Not Contacted', 'Working - Contacted', 'Closed - Not Converted']
const ROLES = ['Business User', 'Decision Maker', 'Economic Buyer', 'Evaluator', 'Influencer']
const FORECASTS = ['Omitted', 'Pipeline', 'Best Case', 'Commit', 'Closed']
const INDUSTRIES = ['Banking', 'Consulting', 'Education', 'Manufacturing', 'Technology', 'Other']

const address = (prefix: string): Field[] => [
  field(`${prefix}Street`, 'textarea', { length: 255 }),
  text(`${prefix}City`, 40),
  text(`${prefix}State`, 80),
  text(`${prefix}PostalCode`, 20),
  text(`${prefix}Country`, 80),
]

const person = (): Field[] => [
  required('LastName', 80),
  text('FirstName', 40),
  text('Salutation', 40),
  text('Name', 121, { label: 'Full Name', isCalculated: true, ...readOnly }),
  text('Title', 128),
  field('Email', 'email', { length: 80 }),
  field('Phone', 'phone', { length: 40 }),
  field('MobilePhone', 'phone', { length: 40 }),
  picklist('LeadSource', LEAD_SOURCES),
  field('HasOptedOutOfEmail', 'boolean', { isNillable: false, label: 'Email Opt Out' }),
  field('DoNotCall', 'boolean', { isNillable: false }),
  field('Description', 'textarea', { length: 32_000 }),
]

const owner = (to: string | string[] = 'User') =>
  reference('OwnerId', to, null, { isNillable: false, fallback: null })
const master = (object: string) => reference('MasterRecordId', object, null, { ...readOnly })
const recordType = () => reference('RecordTypeId', 'RecordType')

const definitions: Record<string, Field[]> = {
  Account: [
    required('Name', 255),
    master('Account'),
    field('Website', 'url', { length: 255 }),
    field('Phone', 'phone', { length: 40 }),
    picklist('Industry', INDUSTRIES),
    picklist('Type', ['Prospect', 'Customer', 'Partner', 'Other']),
    field('NumberOfEmployees', 'int'),
    field('AnnualRevenue', 'currency'),
    field('Description', 'textarea', { length: 32_000 }),
    reference('ParentId', 'Account', 'ChildAccounts'),
    ...address('Billing'),
    recordType(),
    owner(),
  ],
  Contact: [
    ...person(),
    master('Contact'),
    reference('AccountId', 'Account', 'Contacts', { isCascading: true }),
    ...address('Mailing'),
    recordType(),
    owner(),
  ],
  Lead: [
    ...person(),
    master('Lead'),
    required('Company', 255),
    field('Website', 'url', { length: 255 }),
    picklist('Status', STATUSES, { isNillable: false, fallback: STATUSES[0] ?? null }),
    picklist('Industry', INDUSTRIES),
    picklist('Rating', ['Hot', 'Warm', 'Cold']),
    field('NumberOfEmployees', 'int'),
    ...['Street', 'City', 'State', 'PostalCode', 'Country'].flatMap((name) =>
      text(name, name === 'Street' ? 255 : 80),
    ),
    field('IsConverted', 'boolean', { isNillable: false, ...readOnly }),
    field('ConvertedDate', 'date', readOnly),
    reference('ConvertedAccountId', 'Account', null, readOnly),
    reference('ConvertedContactId', 'Contact', null, readOnly),
    reference('ConvertedOpportunityId', 'Opportunity', null, readOnly),
    recordType(),
    owner(['Group', 'User']),
  ],
  Opportunity: [
    required('Name', 120),
    picklist('StageName', [], { isNillable: false, isRestricted: true, label: 'Stage' }),
    field('CloseDate', 'date', { isNillable: false }),
    field('Amount', 'currency'),
    field('Probability', 'percent'),
    picklist('ForecastCategoryName', FORECASTS, { label: 'Forecast Category' }),
    field('IsClosed', 'boolean', { isNillable: false, isCalculated: true, ...readOnly }),
    field('IsWon', 'boolean', { isNillable: false, isCalculated: true, ...readOnly }),
    picklist('Type', ['New Business', 'Existing Business']),
    picklist('LeadSource', LEAD_SOURCES),
    text('NextStep', 255),
    field('Description', 'textarea', { length: 32_000 }),
    reference('AccountId', 'Account', 'Opportunities', { isCascading: true }),
    reference('CampaignId', 'Campaign', 'Opportunities'),
    reference('ContactId', 'Contact', null, { isUpdateable: false }),
    field('LastStageChangeDate', 'datetime', readOnly),
    recordType(),
    owner(),
  ],
  OpportunityContactRole: [
    reference('OpportunityId', 'Opportunity', 'OpportunityContactRoles', {
      isNillable: false,
      isUpdateable: false,
      isCascading: true,
    }),
    reference('ContactId', 'Contact', 'OpportunityContactRoles', {
      isNillable: false,
      isCascading: true,
    }),
    picklist('Role', ROLES),
    field('IsPrimary', 'boolean', { isNillable: false }),
  ],
  OpportunityStage: [
    text('ApiName', 255, readOnly),
    text('MasterLabel', 255, readOnly),
    field('IsActive', 'boolean', readOnly),
    field('IsClosed', 'boolean', readOnly),
    field('IsWon', 'boolean', readOnly),
    field('DefaultProbability', 'percent', readOnly),
    text('ForecastCategoryName', 40, readOnly),
    field('SortOrder', 'int', readOnly),
  ],
  OpportunityHistory: [
    reference('OpportunityId', 'Opportunity', 'OpportunityHistories', {
      isCascading: true,
      ...readOnly,
    }),
    text('StageName', 255, readOnly),
    field('Amount', 'currency', readOnly),
    field('CloseDate', 'date', readOnly),
    field('Probability', 'percent', readOnly),
  ],
  Campaign: [
    required('Name', 80),
    picklist('Type', ['Conference', 'Webinar', 'Email', 'Advertisement', 'Other']),
    picklist('Status', ['Planned', 'In Progress', 'Completed', 'Aborted']),
    field('StartDate', 'date'),
    field('EndDate', 'date'),
    field('BudgetedCost', 'currency'),
    field('ActualCost', 'currency'),
    field('ExpectedRevenue', 'currency'),
    field('IsActive', 'boolean', { isNillable: false }),
    field('Description', 'textarea', { length: 32_000 }),
    reference('ParentId', 'Campaign', 'ChildCampaigns'),
    owner(),
  ],
  CampaignMember: [
    reference('CampaignId', 'Campaign', 'CampaignMembers', {
      isNillable: false,
      isUpdateable: false,
      isCascading: true,
    }),
    reference('LeadId', 'Lead', 'CampaignMembers', { isUpdateable: false, isCascading: true }),
    reference('ContactId', 'Contact', 'CampaignMembers', {
      isUpdateable: false,
      isCascading: true,
    }),
    text('LeadOrContactId', 18, { isCalculated: true, ...readOnly }),
    text('Status', 40, { fallback: 'Sent' }),
    field('HasResponded', 'boolean', { isNillable: false, ...readOnly }),
    field('FirstRespondedDate', 'date', readOnly),
  ],
  CampaignMemberStatus: [
    reference('CampaignId', 'Campaign', 'CampaignMemberStatuses', { isCascading: true }),
    text('Label', 765),
    field('HasResponded', 'boolean'),
    field('IsDefault', 'boolean'),
  ],
  Task: [
    text('Subject', 255),
    picklist('Status', ['Not Started', 'In Progress', 'Completed', 'Deferred'], {
      isNillable: false,
      fallback: 'Not Started',
    }),
    picklist('Priority', ['High', 'Normal', 'Low'], { isNillable: false, fallback: 'Normal' }),
    field('ActivityDate', 'date', { label: 'Due Date Only' }),
    field('Description', 'textarea', { length: 32_000 }),
    picklist('TaskSubtype', ['Task', 'Call', 'Email'], { fallback: 'Task', isUpdateable: false }),
    reference('WhoId', ['Contact', 'Lead'], 'Tasks', { isCascading: true }),
    reference('WhatId', ['Account', 'Opportunity', 'Campaign'], 'Tasks', { isCascading: true }),
    field('IsClosed', 'boolean', { isCalculated: true, ...readOnly }),
    field('CompletedDateTime', 'datetime', readOnly),
    owner(),
  ],
  User: [
    required('LastName', 80),
    text('FirstName', 40),
    text('Name', 121, { isCalculated: true, ...readOnly }),
    text('Username', 80, { isNillable: false }),
    field('Email', 'email', { length: 128, isNillable: false }),
    field('IsActive', 'boolean', { isNillable: false, fallback: true }),
    picklist('UserType', ['Standard', 'Guest', 'AutomatedProcess'], { fallback: 'Standard' }),
    reference('ManagerId', 'User'),
    text('TimeZoneSidKey', 40, { fallback: 'Europe/Berlin' }),
  ],
  Group: [
    required('Name', 40),
    text('DeveloperName', 80),
    picklist('Type', ['Regular', 'Queue'], { fallback: 'Queue' }),
  ],
  QueueSobject: [reference('QueueId', 'Group', 'QueueSobjects'), text('SobjectType', 40)],
  RecordType: [
    required('Name', 80),
    text('DeveloperName', 80),
    text('SobjectType', 40),
    field('IsActive', 'boolean', { fallback: true }),
  ],
  PermissionSet: [required('Name', 80), text('Label', 80)],
  PermissionSetAssignment: [
    reference('PermissionSetId', 'PermissionSet', 'Assignments', { isNillable: false }),
    reference('AssigneeId', 'User', 'PermissionSetAssignments', { isNillable: false }),
  ],
  FieldPermissions: [
    reference('ParentId', 'PermissionSet', 'FieldPerms', { isNillable: false }),
    text('SobjectType', 80, { isNillable: false }),
    text('Field', 255, { isNillable: false }),
    field('PermissionsRead', 'boolean'),
    field('PermissionsEdit', 'boolean'),
  ],
  Organization: [
    text('Name', 80, readOnly),
    text('InstanceName', 20, readOnly),
    text('OrganizationType', 40, readOnly),
    field('IsSandbox', 'boolean', readOnly),
    text('TimeZoneSidKey', 40, readOnly),
  ],
}

const PLURALS: Record<string, string> = {
  Opportunity: 'Opportunities',
  OpportunityHistory: 'Opportunity Histories',
  FieldPermissions: 'Field Permissions',
}

/** Objects whose rows the API may not make, change or delete. */
const SETUP = new Set(['OpportunityStage', 'OpportunityHistory', 'Organization', 'RecordType'])

/** Every object of an org of the Enterprise edition that this sandbox knows, with fresh fields. */
export function standardObjects(): Map<string, ObjectDefinition> {
  return new Map(
    Object.entries(definitions).map(([name, fields]) => {
      const label = name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ')
      const all = [...systemFields(), ...fields].map((each) => ({ ...each }))
      return [
        name,
        {
          name,
          label,
          labelPlural: PLURALS[name] ?? `${label}s`,
          isCreateable: !SETUP.has(name),
          isUpdateable: !SETUP.has(name),
          isDeletable: !SETUP.has(name) && name !== 'User',
          fields: new Map(all.map((each) => [each.name, each])),
        },
      ]
    }),
  )
}

export interface StageSeed {
  name: string
  probability: number
  forecast: string
  isClosed?: boolean
  isWon?: boolean
}

/** The stages of a fresh org. Salesforce docs: opportunity stages, standard values. */
export const DEFAULT_STAGES: readonly StageSeed[] = [
  { name: 'Prospecting', probability: 10, forecast: 'Pipeline' },
  { name: 'Qualification', probability: 10, forecast: 'Pipeline' },
  { name: 'Needs Analysis', probability: 20, forecast: 'Pipeline' },
  { name: 'Proposal/Price Quote', probability: 75, forecast: 'Best Case' },
  { name: 'Negotiation/Review', probability: 90, forecast: 'Commit' },
  { name: 'Closed Won', probability: 100, forecast: 'Closed', isClosed: true, isWon: true },
  { name: 'Closed Lost', probability: 0, forecast: 'Omitted', isClosed: true },
]
