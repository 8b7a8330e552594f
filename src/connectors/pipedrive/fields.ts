import type { FieldLink } from '#sync/connector.ts'
import { PEOPLE } from './deal-people.ts'

/** The field by which a person is found again; the hub's own fields are named by these keys until they are sent. */
export const LEAD_ID_KEY = 'hub_lead_id'

export interface HubField {
  key: string
  name: string
  /** As Pipedrive calls it. */
  type: 'varchar' | 'double' | 'date'
}

/** The fields of persons that the hub brings along. `varchar` is searchable. */
export const personHubFields: readonly HubField[] = [
  { key: LEAD_ID_KEY, name: 'Throughline lead id', type: 'varchar' },
  { key: 'hub_external_id', name: 'Throughline id at the source', type: 'varchar' },
  { key: 'hub_score', name: 'Throughline score', type: 'double' },
  { key: 'hub_fit_score', name: 'Throughline fit', type: 'double' },
  { key: 'hub_engagement_score', name: 'Throughline engagement', type: 'double' },
  { key: 'hub_status', name: 'Throughline status', type: 'varchar' },
  { key: 'hub_job_title', name: 'Throughline job title', type: 'varchar' },
  { key: 'hub_company', name: 'Throughline company', type: 'varchar' },
  { key: 'hub_country', name: 'Throughline country', type: 'varchar' },
  { key: 'hub_channel', name: 'Throughline channel', type: 'varchar' },
  { key: 'hub_campaign', name: 'Throughline campaign', type: 'varchar' },
  { key: 'hub_mql_at', name: 'Throughline qualified on', type: 'date' },
  { key: 'hub_email_optout', name: 'Throughline e-mail opt-out', type: 'varchar' },
]

/** The hub's own property for each field of a lead that has none of Pipedrive's. */
export const leadHubProperties: readonly [field: string, key: string][] = [
  ['externalId', 'hub_external_id'],
  ['jobTitle', 'hub_job_title'],
  ['company', 'hub_company'],
  ['country', 'hub_country'],
  ['status', 'hub_status'],
  ['channel', 'hub_channel'],
  ['campaign', 'hub_campaign'],
]
export const leadHubNumbers: readonly [field: string, key: string][] = [
  ['score', 'hub_score'],
  ['fitScore', 'hub_fit_score'],
  ['engagementScore', 'hub_engagement_score'],
]

const link = (
  field: string,
  property: string,
  direction: FieldLink['direction'],
  partners: readonly string[] = [],
): FieldLink => ({
  field,
  properties: [property],
  direction,
  ...(partners.length > 0 ? { with: partners } : {}),
})

/**
 * A lead is Pipedrive's person. Standard persons have a name, addresses and phones; what else a lead has goes into the
 * hub's own fields, since `job_title` and its like exist only in companies with contact sync.
 */
export const personFields: readonly FieldLink[] = [
  link('externalId', 'hub_external_id', 'push'),
  link('email', 'emails', 'both'),
  link('firstName', 'first_name', 'both', ['lastName']),
  link('lastName', 'last_name', 'both', ['firstName']),
  link('phone', 'phones', 'both'),
  link('jobTitle', 'hub_job_title', 'both'),
  link('company', 'hub_company', 'push'),
  link('country', 'hub_country', 'both'),
  link('score', 'hub_score', 'push'),
  link('fitScore', 'hub_fit_score', 'push'),
  link('engagementScore', 'hub_engagement_score', 'push'),
  link('status', 'hub_status', 'both'),
  link('channel', 'hub_channel', 'push'),
  link('campaign', 'hub_campaign', 'push'),
  link('mqlAt', 'hub_mql_at', 'push'),
  link('emailOptOut', 'hub_email_optout', 'both'),
  link('owner', 'owner_id', 'both'),
  link('account', 'org_id', 'both'),
]

export const organizationFields: readonly FieldLink[] = [
  link('name', 'name', 'both'),
  link('website', 'website', 'both'),
  link('domain', 'website', 'pull'),
  link('employees', 'employee_count', 'both'),
  link('city', 'address', 'pull'),
  link('country', 'address', 'pull'),
  link('owner', 'owner_id', 'both'),
]

export const dealFields: readonly FieldLink[] = [
  link('name', 'title', 'both'),
  link('amountMinor', 'value', 'both', ['currency']),
  link('currency', 'currency', 'both', ['amountMinor']),
  link('stage', 'stage_id', 'both', ['pipeline']),
  link('pipeline', 'pipeline_id', 'both', ['stage']),
  link('status', 'status', 'both'),
  link('closesOn', 'expected_close_date', 'both'),
  link('owner', 'owner_id', 'both'),
  link('account', 'org_id', 'both'),
  link('openedAt', 'add_time', 'pull'),
  link('closedAt', 'close_time', 'pull'),
  link('stageEnteredAt', 'stage_change_time', 'pull'),
  // Participants have no roles: those that the hub knows stay here. Who is the main person is told with them.
  {
    field: 'leads',
    properties: [PEOPLE],
    direction: 'both',
    withoutRoles: true,
    with: ['primaryLead'],
  },
  link('primaryLead', 'person_id', 'both'),
]

export const activityFields: readonly FieldLink[] = [
  link('subject', 'subject', 'both'),
  link('body', 'note', 'both'),
  link('kind', 'type', 'pull'),
  link('state', 'done', 'both'),
  { field: 'dueAt', properties: ['due_date', 'due_time'], direction: 'both' },
  link('doneAt', 'marked_as_done_time', 'pull'),
  link('owner', 'owner_id', 'both'),
  link('account', 'org_id', 'pull'),
  link('opportunity', 'deal_id', 'pull'),
  link('leads', 'person_id', 'pull'),
]
