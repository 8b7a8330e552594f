import type { ObjectTypeName } from './object-types.ts'

/** One property of an object type, as the properties API shows it. */
export interface PropertyDefinition {
  name: string
  label: string
  type: 'string' | 'number' | 'date' | 'datetime' | 'enumeration' | 'bool'
  fieldType: string
  description: string
  groupName: string
  options: PropertyOption[]
  hasUniqueValue: boolean
  hubspotDefined: boolean
  /** Set by HubSpot only: writing it is refused. */
  readOnly: boolean
  /** The options live elsewhere: owners, pipelines. */
  externalOptions: boolean
  calculated: boolean
  formField: boolean
  hidden: boolean
  displayOrder: number
  archived: boolean
  createdAtMs: number
  updatedAtMs: number
}

interface PropertyOption {
  label: string
  value: string
  description: string
  displayOrder: number
  hidden: boolean
}

/**
 * A default property in one line: `name:type` with flags `!` read-only, `?` external options, `;`
 * several values; and the options after `=`.
 */
const LIFECYCLE = [
  'subscriber',
  'lead',
  'marketingqualifiedlead',
  'salesqualifiedlead',
  'opportunity',
  'customer',
  'evangelist',
  'other',
]
export const LIFECYCLE_STAGES: readonly string[] = LIFECYCLE

const ANALYTICS_SOURCES =
  'ORGANIC_SEARCH|PAID_SEARCH|EMAIL_MARKETING|SOCIAL_MEDIA|REFERRALS|OTHER_CAMPAIGNS|DIRECT_TRAFFIC|OFFLINE|PAID_SOCIAL|AI_REFERRALS'

/** HubSpot docs: default properties, those that every object has. */
const SHARED = [
  'hs_object_id:number!',
  'createdate:datetime!',
  'hs_createdate:datetime!',
  'hs_lastmodifieddate:datetime!',
  'hubspot_owner_id:enumeration?',
  'hubspot_owner_assigneddate:datetime!',
  'hs_object_source:string!',
  'hs_object_source_id:string!',
  'hs_object_source_label:string!',
  'hs_object_source_detail_1:string!',
  'hs_merged_object_ids:enumeration;!?',
]

const ANALYTICS = [
  `hs_analytics_source:enumeration!=${ANALYTICS_SOURCES}`,
  'hs_analytics_source_data_1:string!',
  'hs_analytics_source_data_2:string!',
  `hs_latest_source:enumeration!=${ANALYTICS_SOURCES}`,
  'hs_latest_source_data_1:string!',
  'hs_latest_source_data_2:string!',
  'hs_latest_source_timestamp:datetime!',
]

/** HubSpot docs: contact, company, deal, ticket and lead default properties (those in wide use). */
const DEFAULTS: Record<ObjectTypeName, readonly string[]> = {
  contacts: [
    ...SHARED,
    ...ANALYTICS,
    ...['email', 'firstname', 'lastname', 'phone', 'mobilephone', 'company', 'jobtitle', 'website']
      .concat(['address', 'city', 'state', 'zip', 'country', 'industry', 'salutation', 'message'])
      .concat(['hs_language', 'twitterhandle', 'hs_linkedin_url', 'annualrevenue'])
      .map((name) => `${name}:string`),
    'lastmodifieddate:datetime!',
    `lifecyclestage:enumeration=${LIFECYCLE.join('|')}`,
    'hs_lead_status:enumeration=NEW|OPEN|IN_PROGRESS|OPEN_DEAL|UNQUALIFIED|ATTEMPTED_TO_CONTACT|CONNECTED|BAD_TIMING',
    'numberofemployees:string',
    'hs_additional_emails:enumeration;?',
    'hs_all_contact_vids:enumeration;!?',
    'hs_email_domain:string!',
    'hs_full_name_or_email:string!',
    'hs_is_contact:bool!',
    'hs_is_unworked:bool!',
    'hs_pipeline:string!',
    'hs_analytics_first_url:string!',
    'hs_analytics_first_timestamp:datetime!',
    'hs_google_click_id:string',
    'hs_facebook_click_id:string',
    'hs_email_optout:bool',
    'hs_legal_basis:enumeration;=Legitimate interest – prospect/lead|Legitimate interest – existing customer|Performance of a contract|Freely given consent from contact|Not applicable',
    'associatedcompanyid:number!',
    'num_associated_deals:number!',
    'hs_lifecyclestage_lead_date:datetime!',
    'hs_lifecyclestage_customer_date:datetime!',
    'hs_lifecyclestage_opportunity_date:datetime!',
    'hs_lifecyclestage_marketingqualifiedlead_date:datetime!',
    'hs_lifecyclestage_salesqualifiedlead_date:datetime!',
  ],
  companies: [
    ...SHARED,
    ...ANALYTICS,
    ...['name', 'domain', 'website', 'phone', 'address', 'address2', 'city', 'state', 'zip']
      .concat(['country', 'industry', 'description', 'timezone', 'linkedin_company_page'])
      .map((name) => `${name}:string`),
    'annualrevenue:number',
    'numberofemployees:number',
    'founded_year:string',
    'type:enumeration=PROSPECT|PARTNER|RESELLER|VENDOR|OTHER',
    `lifecyclestage:enumeration=${LIFECYCLE.join('|')}`,
    'hs_lead_status:enumeration=NEW|OPEN|IN_PROGRESS|OPEN_DEAL|UNQUALIFIED|ATTEMPTED_TO_CONTACT|CONNECTED|BAD_TIMING',
    'num_associated_contacts:number!',
    'num_associated_deals:number!',
  ],
  deals: [
    ...SHARED.filter((line) => !line.startsWith('createdate')),
    ...ANALYTICS,
    'createdate:datetime',
    'dealname:string',
    'dealstage:enumeration?',
    'pipeline:enumeration?',
    'amount:number',
    'amount_in_home_currency:number!',
    'deal_currency_code:enumeration=USD|EUR|GBP|CAD|AUD|CHF|JPY|SEK|NOK|DKK|PLN|INR|BRL',
    'closedate:datetime',
    'description:string',
    'dealtype:enumeration=newbusiness|existingbusiness',
    'hs_priority:enumeration=low|medium|high',
    'hs_next_step:string',
    'closed_lost_reason:string',
    'closed_won_reason:string',
    'hs_is_closed:bool!',
    'hs_is_closed_won:bool!',
    'hs_is_closed_lost:bool!',
    'hs_deal_stage_probability:number!',
    'hs_primary_associated_company:number!',
    'num_associated_contacts:number!',
    'hs_mrr:number',
    'hs_arr:number',
    'hs_acv:number',
    'hs_tcv:number',
    'hs_forecast_amount:number!',
  ],
  tickets: [
    ...SHARED,
    'subject:string',
    'content:string',
    'hs_pipeline:enumeration?',
    'hs_pipeline_stage:enumeration?',
    'hs_ticket_priority:enumeration=LOW|MEDIUM|HIGH|URGENT',
    'hs_ticket_category:enumeration;=PRODUCT_ISSUE|BILLING_ISSUE|FEATURE_REQUEST|GENERAL_INQUIRY',
    'closed_date:datetime!',
    'source_type:enumeration=CHAT|EMAIL|FORM|PHONE',
  ],
  leads: [
    ...SHARED,
    'hs_lead_name:string',
    'hs_lead_type:enumeration=NEW_BUSINESS|RE_ATTEMPTING|UPSELL',
    'hs_lead_label:enumeration=WARM|HOT|COLD',
    'hs_pipeline:enumeration?',
    'hs_pipeline_stage:enumeration?',
  ],
  // HubSpot docs: engagements, tasks.
  tasks: [
    ...SHARED,
    'hs_timestamp:datetime',
    'hs_task_subject:string',
    'hs_task_body:string',
    'hs_task_status:enumeration=NOT_STARTED|IN_PROGRESS|WAITING|COMPLETED|DEFERRED',
    'hs_task_priority:enumeration=LOW|MEDIUM|HIGH',
    'hs_task_type:enumeration=CALL|EMAIL|TODO',
    'hs_task_completion_date:datetime!',
  ],
}

/** HubSpot docs: property groups. The first is where new properties usually go. */
export const PROPERTY_GROUPS: Record<ObjectTypeName, readonly string[]> = {
  contacts: ['contactinformation', 'analyticsinformation', 'emailinformation', 'contact_activity'],
  companies: ['companyinformation', 'analyticsinformation', 'company_activity'],
  deals: ['dealinformation', 'deal_activity', 'deal_revenue', 'analyticsinformation'],
  tickets: ['ticketinformation', 'ticket_activity'],
  leads: ['leadinformation', 'lead_activity'],
  tasks: ['taskinformation'],
}

/** The properties every account starts with, by name. */
export function defaultProperties(type: ObjectTypeName): Map<string, PropertyDefinition> {
  return new Map(
    DEFAULTS[type].map((line, i) => {
      const definition = readLine(line, PROPERTY_GROUPS[type][0] ?? '', i)
      return [definition.name, definition]
    }),
  )
}

function readLine(line: string, groupName: string, displayOrder: number): PropertyDefinition {
  const [head, values] = splitOnce(line, '=')
  const [name, kind] = splitOnce(head, ':')
  const type = ['!', '?', ';'].reduce((text, flag) => text.replaceAll(flag, ''), kind)
  const options = values === '' ? [] : values.split('|')
  return {
    name,
    label: labelOf(name),
    type: type as PropertyDefinition['type'],
    fieldType: fieldTypeOf(type, kind.includes(';')),
    description: '',
    groupName,
    options: (type === 'bool' ? ['true', 'false'] : options).map((value, i) => ({
      label: type === 'bool' ? (value === 'true' ? 'Yes' : 'No') : labelOf(value),
      value,
      description: '',
      displayOrder: i,
      hidden: false,
    })),
    hasUniqueValue: false,
    hubspotDefined: true,
    readOnly: kind.includes('!'),
    externalOptions: kind.includes('?'),
    calculated: false,
    formField: !kind.includes('!'),
    hidden: false,
    displayOrder,
    archived: false,
    createdAtMs: 0,
    updatedAtMs: 0,
  }
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}

function labelOf(name: string): string {
  const words = name.replace(/^hs_/, '').replaceAll('_', ' ').toLowerCase()
  return words.charAt(0).toUpperCase() + words.slice(1)
}

function fieldTypeOf(type: string, isMultiple: boolean): string {
  if (type === 'enumeration') return isMultiple ? 'checkbox' : 'select'
  if (type === 'bool') return 'booleancheckbox'
  if (type === 'number') return 'number'
  return type === 'string' ? 'text' : 'date'
}
