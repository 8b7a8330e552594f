import type { Json } from '#sandbox/json.ts'

/** The record types of an account. */
export type Kind = 'person' | 'organization' | 'deal' | 'activity' | 'product' | 'lead'

export const KINDS: readonly Kind[] = [
  'person',
  'organization',
  'deal',
  'activity',
  'product',
  'lead',
]

/** What a value of a standard field must be. */
export type Check =
  | 'text'
  | 'integer'
  | 'number'
  | 'boolean'
  | 'date'
  | 'clock'
  | 'time'
  | 'channels'
  | 'address'
  | 'labels'
  | 'list'
  | 'user'
  | 'person'
  | 'organization'
  | 'deal'
  | 'lead'
  | 'pipeline'
  | 'stage'
  | 'status'
  | 'money'
  | 'uuids'

export interface StandardField {
  code: string
  name: string
  /** As the fields endpoints call it. */
  type: string
  check: Check
  /** What a new record has without it. */
  initial: Json
  isRequired?: boolean
  /** Filled in by the vendor only. */
  isReadOnly?: boolean
  /** Only in accounts with contact sync. */
  needsContactSync?: boolean
}

export interface KindInfo {
  kind: Kind
  /** Path segment in v1 and v2. */
  path: string
  /** Scopes that read it; `:full` writes. */
  scope: string
  /** Whose custom fields it has. */
  fieldsOf: Kind
  titleField: 'name' | 'title' | 'subject'
  fields: readonly StandardField[]
  /** List parameters that filter by equality. */
  filters: readonly string[]
}

function field(
  code: string,
  name: string,
  type: string,
  check: Check,
  more: Partial<StandardField> = {},
): StandardField {
  return { code, name, type, check, initial: null, ...more }
}

const owner = field('owner_id', 'Owner', 'user', 'user')
const visible = field('visible_to', 'Visible to', 'visible_to', 'integer', { initial: 3 })
const labels = field('label_ids', 'Labels', 'set', 'labels', { initial: [] })
const person = field('person_id', 'Person', 'people', 'person')
const organization = field('org_id', 'Organization', 'org', 'organization')
const isReadOnly = true
const needsContactSync = true

const persons: KindInfo = {
  kind: 'person',
  path: 'persons',
  scope: 'contacts',
  fieldsOf: 'person',
  titleField: 'name',
  filters: ['owner_id', 'org_id'],
  fields: [
    field('name', 'Name', 'varchar', 'text', { isRequired: true }),
    field('first_name', 'First name', 'varchar', 'text', { isReadOnly }),
    field('last_name', 'Last name', 'varchar', 'text', { isReadOnly }),
    owner,
    organization,
    field('emails', 'Email', 'varchar', 'channels', { initial: [] }),
    field('phones', 'Phone', 'phone', 'channels', { initial: [] }),
    visible,
    labels,
    field('picture_id', 'Profile picture', 'picture', 'integer', { isReadOnly }),
    field('marketing_status', 'Marketing status', 'status', 'text', { initial: 'no_consent' }),
    field('postal_address', 'Postal address', 'address', 'address', { needsContactSync }),
    field('notes', 'Notes', 'text', 'text', { needsContactSync }),
    field('im', 'Instant messenger', 'varchar', 'channels', { initial: [], needsContactSync }),
    field('birthday', 'Birthday', 'date', 'date', { needsContactSync }),
    field('job_title', 'Job title', 'varchar', 'text', { needsContactSync }),
  ],
}

const organizations: KindInfo = {
  kind: 'organization',
  path: 'organizations',
  scope: 'contacts',
  fieldsOf: 'organization',
  titleField: 'name',
  filters: ['owner_id'],
  fields: [
    field('name', 'Name', 'varchar', 'text', { isRequired: true }),
    owner,
    visible,
    field('address', 'Address', 'address', 'address'),
    labels,
    field('website', 'Website', 'varchar', 'text'),
    field('linkedin', 'LinkedIn profile', 'varchar', 'text'),
    field('industry', 'Industry', 'enum', 'integer'),
    field('annual_revenue', 'Annual revenue', 'int', 'integer'),
    field('employee_count', 'Number of employees', 'int', 'integer'),
  ],
}

const channelFields = [
  field('origin', 'Source origin', 'varchar', 'text', { initial: 'API', isReadOnly }),
  field('origin_id', 'Source origin ID', 'varchar', 'text'),
  field('channel', 'Source channel', 'enum', 'integer'),
  field('channel_id', 'Source channel ID', 'varchar', 'text'),
]

const deals: KindInfo = {
  kind: 'deal',
  path: 'deals',
  scope: 'deals',
  fieldsOf: 'deal',
  titleField: 'title',
  filters: ['owner_id', 'person_id', 'org_id', 'pipeline_id', 'stage_id'],
  fields: [
    field('title', 'Title', 'varchar', 'text', { isRequired: true }),
    owner,
    person,
    organization,
    field('pipeline_id', 'Pipeline', 'int', 'pipeline'),
    field('stage_id', 'Stage', 'stage', 'stage'),
    field('value', 'Value', 'monetary', 'number', { initial: 0 }),
    field('currency', 'Currency', 'varchar', 'text'),
    field('status', 'Status', 'status', 'status', { initial: 'open' }),
    field('probability', 'Probability', 'int', 'number'),
    field('lost_reason', 'Lost reason', 'varchar_options', 'text'),
    visible,
    field('expected_close_date', 'Expected close date', 'date', 'date'),
    labels,
    ...channelFields,
    field('is_archived', 'Archive status', 'boolean', 'boolean', { initial: false }),
    field('archive_time', 'Archive time', 'date', 'time'),
    field('stage_change_time', 'Last stage change', 'date', 'time', { isReadOnly }),
    field('close_time', 'Deal closed on', 'date', 'time'),
    field('won_time', 'Won time', 'date', 'time'),
    field('lost_time', 'Lost time', 'date', 'time'),
    field('source_lead_id', 'Source lead', 'lead', 'text', { isReadOnly }),
    field('arr', 'ARR', 'monetary', 'number', { isReadOnly }),
    field('mrr', 'MRR', 'monetary', 'number', { isReadOnly }),
    field('acv', 'ACV', 'monetary', 'number', { isReadOnly }),
  ],
}

const activities: KindInfo = {
  kind: 'activity',
  path: 'activities',
  scope: 'activities',
  fieldsOf: 'activity',
  titleField: 'subject',
  filters: ['owner_id', 'deal_id', 'lead_id', 'person_id', 'org_id', 'done'],
  fields: [
    field('subject', 'Subject', 'varchar', 'text'),
    field('type', 'Type', 'varchar', 'text', { initial: 'call' }),
    owner,
    field('creator_user_id', 'Creator', 'user', 'user', { isReadOnly }),
    field('deal_id', 'Deal', 'deal', 'deal'),
    field('lead_id', 'Lead', 'lead', 'lead'),
    field('person_id', 'Person', 'people', 'person', { isReadOnly }),
    organization,
    field('project_id', 'Project', 'project', 'integer'),
    field('due_date', 'Due date', 'date', 'date'),
    field('due_time', 'Due time', 'time', 'clock'),
    field('duration', 'Duration', 'time', 'clock'),
    field('busy', 'Free/busy', 'boolean', 'boolean', { initial: false }),
    field('done', 'Done', 'boolean', 'boolean', { initial: false }),
    field('marked_as_done_time', 'Marked as done time', 'date', 'time', { isReadOnly }),
    field('location', 'Location', 'address', 'address'),
    field('participants', 'Participants', 'people', 'list', { initial: [] }),
    field('attendees', 'Attendees', 'json', 'list', { initial: [] }),
    field('public_description', 'Public description', 'text', 'text'),
    field('priority', 'Priority', 'enum', 'integer'),
    field('note', 'Note', 'text', 'text'),
  ],
}

const products: KindInfo = {
  kind: 'product',
  path: 'products',
  scope: 'products',
  fieldsOf: 'product',
  titleField: 'name',
  filters: ['owner_id'],
  fields: [
    field('name', 'Name', 'varchar', 'text', { isRequired: true }),
    field('code', 'Product code', 'varchar', 'text'),
    field('description', 'Description', 'text', 'text'),
    field('unit', 'Unit', 'varchar', 'text'),
    field('tax', 'Tax', 'double', 'number', { initial: 0 }),
    field('category', 'Category', 'enum', 'integer'),
    field('is_linkable', 'Linkable', 'boolean', 'boolean', { initial: true }),
    owner,
    visible,
    field('prices', 'Unit prices', 'json', 'list', { initial: [] }),
    field('billing_frequency', 'Billing frequency', 'billing_frequency', 'text', {
      initial: 'one-time',
    }),
  ],
}

/** v1 only. Its custom fields are those of deals. */
const leads: KindInfo = {
  kind: 'lead',
  path: 'leads',
  scope: 'leads',
  fieldsOf: 'deal',
  titleField: 'title',
  filters: ['owner_id', 'person_id', 'organization_id'],
  fields: [
    field('title', 'Title', 'varchar', 'text', { isRequired: true }),
    owner,
    field('creator_id', 'Creator', 'user', 'user', { isReadOnly }),
    field('label_ids', 'Labels', 'set', 'uuids', { initial: [] }),
    person,
    field('organization_id', 'Organization', 'org', 'organization'),
    field('source_name', 'Source', 'varchar', 'text', { initial: 'API', isReadOnly }),
    ...channelFields,
    field('source_deal_id', 'Source deal', 'double', 'integer', { isReadOnly }),
    field('is_archived', 'Archived', 'enum', 'boolean', { initial: false }),
    field('was_seen', 'Seen', 'enum', 'boolean', { initial: false }),
    field('value', 'Value', 'monetary', 'money'),
    field('expected_close_date', 'Expected close date', 'date', 'date'),
    field('next_activity_id', 'Next activity', 'double', 'integer', { isReadOnly }),
    field('visible_to', 'Visible to', 'visible_to', 'text', { initial: '3' }),
  ],
}

export const KIND_INFO: Readonly<Record<Kind, KindInfo>> = {
  person: persons,
  organization: organizations,
  deal: deals,
  activity: activities,
  product: products,
  lead: leads,
}
