import type { Json, JsonObject } from '#sandbox/json.ts'
import { LIFECYCLE_STAGES } from './definitions.ts'
import type { PropertyDefinition } from './definitions.ts'
import { RowRefusal } from './errors.ts'
import type { ObjectTypeName } from './object-types.ts'
import { findStage } from './pipelines.ts'
import { findProperty } from './readers.ts'
import type { Values } from './records.ts'
import type { AccountState } from './state.ts'

interface Invalid {
  name: string
  error: string
  message: string
}

/**
 * The values to store for what a caller sent: checked and in the stored form (e-mails lower-case,
 * datetimes ISO, dates `YYYY-MM-DD`). `current` holds the record's values before.
 *
 * HubSpot docs: CRM properties, property value formats; property validation.
 *
 * @throws RowRefusal 400 VALIDATION_ERROR that lists every value that is not valid.
 */
export function acceptValues(
  state: AccountState,
  type: ObjectTypeName,
  sent: JsonObject,
  current: Values,
  options: { allowReadOnly: boolean },
): Values {
  const accepted: Values = {}
  const invalid: Invalid[] = []
  for (const [sentName, json] of Object.entries(sent)) {
    const name = sentName.toLowerCase()
    const definition = findProperty(state, type, name)
    if (!definition) {
      const message = `Property "${sentName}" does not exist`
      invalid.push({ name: sentName, error: 'PROPERTY_DOESNT_EXIST', message })
      continue
    }
    if (definition.readOnly && !options.allowReadOnly) {
      const message = `"${name}" is a read only property; its value cannot be set.`
      invalid.push({ name, error: 'READ_ONLY_VALUE', message })
      continue
    }
    const text = textFor(json)
    const pipelineId = pipelineOf(type, sent, current)
    const result = acceptValue(state, type, definition, text, current[name], pipelineId)
    if ('error' in result) invalid.push({ name, ...result })
    else accepted[name] = result.value
  }
  if (invalid.length > 0) throw invalidValues(invalid)
  keepLifecycleForward(accepted, current)
  return accepted
}

/** HubSpot docs: error handling. The message embeds JSON; `errors` has the structured copy. */
function invalidValues(invalid: readonly Invalid[]): RowRefusal {
  const embedded = invalid.map(({ name, error, message }) => ({
    isValid: false,
    message,
    error,
    name,
  }))
  return new RowRefusal(400, {
    category: 'VALIDATION_ERROR',
    message: `Property values were not valid: ${JSON.stringify(embedded)}`,
    errors: invalid.map(({ name, error, message }) => ({
      message,
      code: error,
      context: { propertyName: [name] },
    })),
  })
}

function textFor(json: Json): string {
  if (json === null) return ''
  return typeof json === 'object' ? JSON.stringify(json) : String(json)
}

function pipelineOf(type: ObjectTypeName, sent: JsonObject, current: Values): string | undefined {
  const name = type === 'deals' ? 'pipeline' : 'hs_pipeline'
  const value = sent[name]
  return typeof value === 'string' ? value : current[name]
}

type Accepted = { value: string } | { error: string; message: string }

function acceptValue(
  state: AccountState,
  type: ObjectTypeName,
  definition: PropertyDefinition,
  sent: string,
  current: string | undefined,
  pipelineId: string | undefined,
): Accepted {
  const { name } = definition
  if (sent === '') return { value: '' }
  if (name === 'email') return acceptEmail(state, sent)
  switch (definition.type) {
    case 'string':
      return { value: sent }
    case 'number':
      return sent.trim() !== '' && Number.isFinite(Number(sent))
        ? { value: sent.trim() }
        : { error: 'INVALID_INTEGER', message: `${sent} was not a valid number.` }
    case 'bool':
      return sent === 'true' || sent === 'false' ? { value: sent } : notAnOption(definition, sent)
    case 'datetime':
      return acceptDatetime(sent)
    case 'date':
      return acceptDate(sent)
    case 'enumeration':
      break
  }
  if (name === 'dealstage' || name === 'hs_pipeline_stage') {
    const stage = findStage(state.pipelinesOf(type), pipelineId, sent)
    return stage ? { value: sent } : notAnOption(definition, sent)
  }
  if (name === 'pipeline' || name === 'hs_pipeline') {
    const known = state.pipelinesOf(type).some(({ id }) => id === sent)
    return known ? { value: sent } : notAnOption(definition, sent)
  }
  if (name === 'hubspot_owner_id') {
    return state.owners.has(sent) ? { value: sent } : notAnOption(definition, sent)
  }
  return acceptOptions(definition, sent, current)
}

/** HubSpot docs: GDPR delete. A deleted person's address cannot be added again. */
function acceptEmail(state: AccountState, sent: string): Accepted {
  const email = sent.trim().toLowerCase()
  const at = email.lastIndexOf('@')
  const domain = email.slice(at + 1)
  const isValid = at > 0 && domain.includes('.') && !domain.startsWith('.') && !domain.endsWith('.')
  if (!isValid || /[\s,;<>]/.test(email)) {
    return { error: 'INVALID_EMAIL', message: `Email address ${sent} is invalid` }
  }
  if (state.blockedEmails.has(email)) {
    const message = `Email address ${sent} was deleted for GDPR and cannot be added again`
    return { error: 'GDPR_BLOCKLISTED', message }
  }
  return { value: email }
}

function acceptDatetime(sent: string): Accepted {
  const ms = /^-?\d+$/.test(sent) ? Number(sent) : Date.parse(sent)
  if (!Number.isFinite(ms) || Math.abs(ms) > 8.64e15) {
    return { error: 'INVALID_LONG', message: `${sent} was not a valid long.` }
  }
  return { value: new Date(ms).toISOString() }
}

/** HubSpot docs: date properties hold midnight UTC; another time of day is refused. */
function acceptDate(sent: string): Accepted {
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(sent)
  const ms = isDay ? Date.parse(sent) : /^-?\d+$/.test(sent) ? Number(sent) : Number.NaN
  if (!Number.isFinite(ms) || Math.abs(ms) > 8.64e15 || ms % 86_400_000 !== 0) {
    return { error: 'INVALID_DATE', message: `${sent} is at a time that is not midnight UTC.` }
  }
  return { value: new Date(ms).toISOString().slice(0, 10) }
}

/** HubSpot docs: checkbox values are joined by `;`, and a leading `;` adds to those there are. */
function acceptOptions(
  definition: PropertyDefinition,
  sent: string,
  current: string | undefined,
): Accepted {
  if (definition.name === 'hs_additional_emails') return { value: sent.toLowerCase() }
  if (definition.externalOptions) return { value: sent }
  const allowed = new Set(definition.options.map(({ value }) => value))
  if (definition.fieldType !== 'checkbox') {
    return allowed.has(sent) ? { value: sent } : notAnOption(definition, sent)
  }
  const added = sent.split(';').filter((value) => value !== '')
  const unknown = added.find((value) => !allowed.has(value))
  if (unknown !== undefined) return notAnOption(definition, unknown)
  const kept = sent.startsWith(';') ? (current ?? '').split(';').filter(Boolean) : []
  return { value: [...new Set([...kept, ...added])].join(';') }
}

function notAnOption(definition: PropertyDefinition, sent: string): Accepted {
  const options = definition.options
    .map(({ label, value }) => `label: "${label}"\nvalue: "${value}"\n`)
    .join(', ')
  return {
    error: 'INVALID_OPTION',
    message: `${sent} was not one of the allowed options: [${options}]`,
  }
}

/** HubSpot docs: lifecycle stage moves only forward; to go back, clear it first. */
function keepLifecycleForward(accepted: Values, current: Values): void {
  const next = accepted['lifecyclestage']
  const now = current['lifecyclestage']
  if (next === undefined || next === '' || now === undefined) return
  if (LIFECYCLE_STAGES.indexOf(next) < LIFECYCLE_STAGES.indexOf(now)) {
    delete accepted['lifecyclestage']
  }
}
