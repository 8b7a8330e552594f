import type { VendorField } from '#sync/connector.ts'
import type { FieldType } from '#sync/entity.ts'
import type { PipedriveField } from './answers.ts'

const TYPES: Readonly<Record<string, FieldType>> = {
  varchar: 'text',
  varchar_auto: 'text',
  varchar_options: 'text',
  text: 'long_text',
  int: 'number',
  double: 'number',
  monetary: 'money',
  boolean: 'boolean',
  date: 'date',
  enum: 'choice',
  status: 'choice',
  set: 'choices',
  phone: 'phone',
  org: 'reference',
  people: 'reference',
  user: 'reference',
  deal: 'reference',
  stage: 'reference',
}

const ENTITIES: Readonly<Record<string, string>> = {
  org: 'account',
  people: 'lead',
  user: 'owner',
  deal: 'opportunity',
  stage: 'stage',
}

/** Standard fields that the vendor fills in itself. */
const COMPUTED = new Set([
  'id',
  'first_name',
  'last_name',
  'picture_id',
  'add_time',
  'update_time',
  'stage_change_time',
  'source_lead_id',
  'origin',
  'arr',
  'mrr',
  'acv',
  'creator_user_id',
  'marked_as_done_time',
])
const REQUIRED = new Set(['name', 'title'])
/** Pipedrive docs: a short text holds 255 characters. */
const SHORT_TEXT = 255

/** A field as mappings know it. Options are named by their ids: labels change. */
export function describeField(field: PipedriveField): VendorField {
  const type = field.field_code === 'emails' ? 'email' : (TYPES[field.field_type] ?? 'other')
  return {
    name: field.field_code,
    label: field.field_name,
    type,
    options:
      field.options?.map(({ id, label }) => ({ value: String(id), label: label ?? String(id) })) ??
      null,
    writable: !COMPUTED.has(field.field_code),
    unique: false,
    required: !field.is_custom_field && REQUIRED.has(field.field_code),
    custom: field.is_custom_field,
    references: ENTITIES[field.field_type] ?? null,
    maxLength: field.field_type === 'varchar' ? SHORT_TEXT : null,
  }
}
