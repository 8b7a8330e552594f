/** The CRM object types the sandbox keeps. HubSpot docs: CRM objects, object type ids. */
export interface ObjectType {
  /** Plural name, as in paths and scopes. */
  name: ObjectTypeName
  /** Singular, as in association types and messages. */
  singular: string
  typeId: string
  /** HubSpot docs: search, "contacts use lastmodifieddate, everything else hs_lastmodifieddate". */
  modifiedProperty: 'lastmodifieddate' | 'hs_lastmodifieddate'
  /** What comes back when no properties are asked for. */
  defaultProperties: readonly string[]
  /** HubSpot docs: required properties on create. One of each group has to be set. */
  required: readonly (readonly string[])[]
  readScope: string
  writeScope: string
  /** Where a text query looks. */
  searchable: readonly string[]
}

export type ObjectTypeName = 'contacts' | 'companies' | 'deals' | 'tickets' | 'leads' | 'tasks'

export const OBJECT_TYPES: readonly ObjectType[] = [
  {
    name: 'contacts',
    singular: 'contact',
    typeId: '0-1',
    modifiedProperty: 'lastmodifieddate',
    defaultProperties: ['email', 'firstname', 'lastname'],
    required: [],
    readScope: 'crm.objects.contacts.read',
    writeScope: 'crm.objects.contacts.write',
    searchable: ['email', 'firstname', 'lastname', 'phone', 'company', 'hs_additional_emails'],
  },
  {
    name: 'companies',
    singular: 'company',
    typeId: '0-2',
    modifiedProperty: 'hs_lastmodifieddate',
    defaultProperties: ['name', 'domain'],
    required: [['domain', 'name']],
    readScope: 'crm.objects.companies.read',
    writeScope: 'crm.objects.companies.write',
    searchable: ['name', 'domain', 'phone', 'website'],
  },
  {
    name: 'deals',
    singular: 'deal',
    typeId: '0-3',
    modifiedProperty: 'hs_lastmodifieddate',
    defaultProperties: ['amount', 'closedate', 'dealname', 'dealstage', 'pipeline'],
    required: [['dealname'], ['dealstage'], ['pipeline']],
    readScope: 'crm.objects.deals.read',
    writeScope: 'crm.objects.deals.write',
    searchable: ['dealname', 'pipeline', 'dealstage', 'description', 'dealtype'],
  },
  {
    name: 'tickets',
    singular: 'ticket',
    typeId: '0-5',
    modifiedProperty: 'hs_lastmodifieddate',
    defaultProperties: ['subject', 'content', 'hs_pipeline', 'hs_pipeline_stage'],
    required: [['subject'], ['hs_pipeline'], ['hs_pipeline_stage']],
    readScope: 'tickets',
    writeScope: 'tickets',
    searchable: ['subject', 'content'],
  },
  {
    name: 'leads',
    singular: 'lead',
    typeId: '0-136',
    modifiedProperty: 'hs_lastmodifieddate',
    defaultProperties: ['hs_lead_name', 'hs_pipeline_stage'],
    required: [['hs_lead_name']],
    readScope: 'crm.objects.leads.read',
    writeScope: 'crm.objects.leads.write',
    searchable: ['hs_lead_name'],
  },
  {
    // HubSpot docs: engagements, tasks; rights come with those on contacts.
    name: 'tasks',
    singular: 'task',
    typeId: '0-27',
    modifiedProperty: 'hs_lastmodifieddate',
    defaultProperties: ['hs_task_subject', 'hs_timestamp'],
    required: [['hs_timestamp']],
    readScope: 'crm.objects.contacts.read',
    writeScope: 'crm.objects.contacts.write',
    searchable: ['hs_task_subject', 'hs_task_body'],
  },
]

const BY_SPELLING = new Map(
  OBJECT_TYPES.flatMap((type) => [
    [type.name as string, type] as const,
    [type.singular, type] as const,
    [type.typeId, type] as const,
  ]),
)

/** The type a path segment names (`contacts`, `contact` or `0-1`), or null. */
export function findObjectType(spelling: string): ObjectType | null {
  return BY_SPELLING.get(spelling.toLowerCase()) ?? null
}
