import type { FieldLink } from '#sync/connector.ts'
import { PEOPLE } from './deal-people.ts'

/** The unique property by which a contact is found again. */
export const LEAD_ID_PROPERTY = 'hub_lead_id'

const link = (field: string, property: string, direction: FieldLink['direction']): FieldLink => ({
  field,
  properties: [property],
  direction,
})

/** A lead is HubSpot's contact. `hub_…` are the hub's own properties: HubSpot shows them, the hub writes them. */
export const contactFields: readonly FieldLink[] = [
  link('externalId', 'hub_external_id', 'push'),
  link('email', 'email', 'both'),
  link('firstName', 'firstname', 'both'),
  link('lastName', 'lastname', 'both'),
  link('phone', 'phone', 'both'),
  link('jobTitle', 'jobtitle', 'both'),
  link('company', 'company', 'both'),
  link('country', 'country', 'both'),
  link('score', 'hub_score', 'push'),
  link('fitScore', 'hub_fit_score', 'push'),
  link('engagementScore', 'hub_engagement_score', 'push'),
  link('status', 'hub_lead_status', 'both'),
  link('channel', 'hub_channel', 'push'),
  link('campaign', 'hub_campaign', 'push'),
  link('mqlAt', 'hub_mql_at', 'push'),
  // HubSpot lets no API lift or set an opt-out of its own: it is read here, and ours is shown in a property beside it.
  { field: 'emailOptOut', properties: ['hs_email_optout', 'hub_email_optout'], direction: 'both' },
  link('owner', 'hubspot_owner_id', 'both'),
  link('account', 'associatedcompanyid', 'pull'),
]

export const companyFields: readonly FieldLink[] = [
  link('name', 'name', 'both'),
  link('domain', 'domain', 'both'),
  link('website', 'website', 'both'),
  link('industry', 'industry', 'both'),
  link('employees', 'numberofemployees', 'both'),
  link('phone', 'phone', 'both'),
  link('city', 'city', 'both'),
  link('country', 'country', 'both'),
  link('owner', 'hubspot_owner_id', 'both'),
]

export const dealFields: readonly FieldLink[] = [
  link('name', 'dealname', 'both'),
  { field: 'amountMinor', properties: ['amount'], direction: 'both', with: ['currency'] },
  {
    field: 'currency',
    properties: ['deal_currency_code'],
    direction: 'both',
    with: ['amountMinor'],
  },
  { field: 'stage', properties: ['dealstage'], direction: 'both', with: ['pipeline'] },
  { field: 'pipeline', properties: ['pipeline'], direction: 'both', with: ['stage'] },
  link('owner', 'hubspot_owner_id', 'both'),
  link('status', 'hs_is_closed', 'pull'),
  link('openedAt', 'createdate', 'pull'),
  link('closedAt', 'closedate', 'pull'),
  link('closesOn', 'closedate', 'pull'),
  link('stageEnteredAt', 'hs_v2_date_entered_<stage>', 'pull'),
  link('account', 'hs_primary_associated_company', 'pull'),
  link('leads', PEOPLE, 'both'),
]

export const taskFields: readonly FieldLink[] = [
  link('subject', 'hs_task_subject', 'both'),
  link('body', 'hs_task_body', 'both'),
  link('kind', 'hs_task_type', 'pull'),
  link('state', 'hs_task_status', 'both'),
  link('dueAt', 'hs_timestamp', 'both'),
  link('doneAt', 'hs_task_completion_date', 'pull'),
  link('owner', 'hubspot_owner_id', 'both'),
]

/**
 * A campaign's key here and its UTM value there are the same thing: the `utm_campaign` of its links. The budget is a sum of items that
 * people keep there, which the API gives out and does not take.
 */
export const campaignFields: readonly FieldLink[] = [
  link('name', 'hs_name', 'both'),
  { ...link('key', 'hs_utm', 'both'), once: true },
  link('status', 'hs_campaign_status', 'both'),
  link('startsOn', 'hs_start_date', 'both'),
  link('endsOn', 'hs_end_date', 'both'),
  link('budgetMinor', 'hs_budget_items_sum_amount', 'pull'),
  link('currency', 'hs_currency_code', 'pull'),
]
