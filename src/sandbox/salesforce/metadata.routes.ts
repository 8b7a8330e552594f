import { objectOf } from '#sandbox/json.ts'
import type { JsonObject } from '#sandbox/json.ts'
import type { Answer, Call, Route } from '#sandbox/kernel.ts'
import { bodyOf, findObject, objectIn, textIn } from './call.ts'
import { MASTER_RECORD_TYPE, describeBriefly, describeObject } from './describe.ts'
import { notFound, refuse } from './errors.ts'
import { field } from './fields.ts'
import type { Field, FieldType } from './fields.ts'
import { KEY_PREFIXES, idOf } from './ids.ts'
import type { Caller, Org } from './org.ts'

const DATA = '/services/data'

/** Versions, limits, describes, picklists by record type, and new fields. */
export function metadataRoutes(org: Org): Route<Caller>[] {
  return [
    on('GET', '', () => ({ status: 200, body: versions(org) })),
    on('GET', '/{version}', (call, caller) => ({
      status: 200,
      body: resources(org, call, caller),
    })),
    on('GET', '/{version}/limits', () => ({ status: 200, body: limits(org) })),
    on('GET', '/{version}/sobjects', () => ({
      status: 200,
      body: {
        encoding: 'UTF-8',
        maxBatchSize: 200,
        sobjects: [...org.state.objects.values()].map((object) => describeBriefly(org, object)),
      },
    })),
    on('GET', '/{version}/sobjects/{sObject}', (call) => ({
      status: 200,
      body: { objectDescribe: describeBriefly(org, objectIn(org, call)), recentItems: [] },
    })),
    on('GET', '/{version}/sobjects/{sObject}/describe', (call) => ({
      status: 200,
      body: describeObject(org, objectIn(org, call)),
    })),
    on('GET', '/{version}/ui-api/object-info/{sObject}/picklist-values/{type}', (call) =>
      picklistValues(org, call),
    ),
    on('POST', '/{version}/tooling/sobjects/CustomField', (call) => createField(org, call)),
  ]
}

function on(method: string, path: string, target: Route<Caller>['target']): Route<Caller> {
  return { method, path: `${DATA}${path}`, target }
}

/** Salesforce docs: versions; three releases a year, the newest last. Open to everybody. */
function versions(org: Org) {
  const newest = Number(org.settings.apiVersion)
  const seasons = ['Winter', 'Spring', 'Summer']
  return Array.from({ length: newest - 30 }, (_, i) => {
    const version = `${31 + i}.0`
    // Summer '26 is 67.
    const year = 26 + Math.floor((31 + i - 65) / 3)
    const label = `${seasons[(31 + i + 1) % 3] ?? ''} '${year}`
    return { label, url: `${DATA}/v${version}`, version }
  })
}

function resources(org: Org, call: Call, caller: Caller): JsonObject {
  const base = org.basePath
  const names = [
    'composite',
    'jobs',
    'limits',
    'query',
    'queryAll',
    'sobjects',
    'tooling',
    'ui-api',
  ]
  return {
    ...Object.fromEntries(names.map((name) => [name, `${base}/${name}`])),
    identity: `${call.baseUrl}/id/${org.organizationId}/${caller.userId}`,
  }
}

/** Salesforce docs: limits. */
function limits(org: Org) {
  const { calls, batches } = org.quota.usage()
  const { dailyApiRequests, dailyBulkApiBatches } = org.quota.limits
  const entry = (most: number | null, used: number) => {
    const Max = most ?? 5_000_000
    return { Max, Remaining: Math.max(0, Max - used) }
  }
  return {
    DailyApiRequests: entry(dailyApiRequests, calls),
    DailyBulkApiBatches: entry(dailyBulkApiBatches, batches),
    DailyBulkV2QueryJobs: entry(10_000, 0),
    DailyBulkV2QueryFileStorageMB: entry(976_562, 0),
    DailyDeliveredPlatformEvents: entry(25_000, 0),
    SingleEmail: entry(5000, 0),
  }
}

/** Salesforce docs: UI API, all picklist values of a record type. */
function picklistValues(org: Org, call: Call): Answer {
  const object = objectIn(org, call)
  const typeId = call.params['type'] ?? ''
  const type = org.state.table('RecordType').findLive(typeId)
  if (typeId !== MASTER_RECORD_TYPE && type?.values['SobjectType'] !== object.name) throw notFound()
  const stages = org.stagesByType.get(type?.id ?? '')
  const picklists = [...object.fields.values()].filter(({ type }) => type === 'picklist')
  const values = picklists.map((each): [string, JsonObject] => {
    const chosen = each.picklist.filter(
      ({ value, isActive }) =>
        isActive !== false &&
        (each.name !== 'StageName' || stages === undefined || stages.includes(value)),
    )
    return [
      each.name,
      {
        controllerValues: {},
        defaultValue: null,
        url: `${org.basePath}/ui-api/object-info/${object.name}/picklist-values/${typeId}/${each.name}`,
        values: chosen.map(({ value }) => ({
          attributes: null,
          label: value,
          validFor: [],
          value,
        })),
      },
    ]
  })
  return { status: 200, body: { picklistFieldValues: Object.fromEntries(values) } }
}

const TYPES: Readonly<Record<string, FieldType>> = {
  Text: 'string',
  TextArea: 'textarea',
  LongTextArea: 'textarea',
  Checkbox: 'boolean',
  Date: 'date',
  DateTime: 'datetime',
  Email: 'email',
  Phone: 'phone',
  Url: 'url',
  Number: 'double',
  Currency: 'currency',
  Percent: 'percent',
  Picklist: 'picklist',
  MultiselectPicklist: 'multipicklist',
}

/**
 * Salesforce docs: Tooling API, CustomField. As in the real product nobody sees the new field until
 * a permission set gives the right to (FieldPermissions).
 */
function createField(org: Org, call: Call): Answer {
  if (!org.settings.mayCustomize) {
    const message = 'insufficient access rights on object id'
    throw refuse(400, 'INSUFFICIENT_ACCESS_OR_READONLY', message, [])
  }
  const body = bodyOf(call)
  const [objectName = '', name = ''] = textIn(body, 'FullName').split('.')
  const object = findObject(org, objectName)
  if (!/^[A-Za-z]\w{0,39}__c$/.test(name)) {
    const message = 'Name: The field name must end in __c and begin with a letter'
    throw refuse(400, 'INVALID_INPUT', message, [])
  }
  if (object.fields.has(name)) {
    const message = `There is already a field named ${name.replace(/__c$/, '')} on ${object.name}.`
    throw refuse(400, 'DUPLICATE_DEVELOPER_NAME', message, [])
  }
  addField(org, object.name, { ...readMetadata(name, objectOf(body['Metadata'])), isHidden: true })
  const id = idOf(KEY_PREFIXES['CustomField'] ?? '', object.fields.size)
  return { status: 201, body: { id, success: true, errors: [], warnings: [], infos: [] } }
}

/** A field as the Metadata API describes it. @throws Refusal 400 for types unknown here. */
export function readMetadata(name: string, metadata: JsonObject): Field {
  const type = TYPES[textIn(metadata, 'type')]
  if (!type) throw refuse(400, 'FIELD_INTEGRITY_EXCEPTION', 'Must specify a valid field type', [])
  const valueSet = objectOf(objectOf(metadata['valueSet'])['valueSetDefinition'])
  const values = Array.isArray(valueSet['value']) ? valueSet['value'].map(objectOf) : []
  return field(name, type, {
    label: textIn(metadata, 'label') || name.replace(/__c$/, ''),
    length: typeof metadata['length'] === 'number' ? metadata['length'] : 255,
    isNillable: metadata['required'] !== true,
    isExternalId: metadata['externalId'] === true,
    isUnique: metadata['unique'] === true,
    isCaseSensitive: metadata['caseSensitive'] === true,
    isRestricted: objectOf(metadata['valueSet'])['restricted'] === true,
    picklist: values.map((value) => ({ value: textIn(value, 'fullName') })),
  })
}

/** Adds a field to an object, or puts another definition in its place. */
export function addField(org: Org, object: string, added: Field): void {
  org.state.commit([{ do: 'field', object, field: added }])
}
