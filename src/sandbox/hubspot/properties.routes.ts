import { listOf, numberOf, objectOf, textOf } from '#sandbox/json.ts'
import type { JsonObject } from '#sandbox/json.ts'
import { parseBody } from '#sandbox/kernel.ts'
import type { Answer, Call, Route } from '#sandbox/kernel.ts'
import { requireScope, typeOf } from './account.ts'
import type { Account, Caller } from './account.ts'
import { batchAnswer } from './batch.routes.ts'
import { PROPERTY_GROUPS } from './definitions.ts'
import type { PropertyDefinition } from './definitions.ts'
import { badRequest, notFound, refuse } from './errors.ts'
import type { ObjectType } from './object-types.ts'
import { findProperty, stageDateProperties } from './readers.ts'

type Act = (account: Account, type: ObjectType, call: Call) => Answer

/** HubSpot docs: properties, "up to ten unique ID properties per object". */
const MAX_UNIQUE = 10
const TYPES = ['string', 'number', 'date', 'datetime', 'enumeration', 'bool']

/** HubSpot docs: properties. */
export function propertyRoutes(account: Account): Route<Caller>[] {
  const on = (method: string, rest: string, act: Act) =>
    ['/crm/v3/properties', '/crm/properties/2026-09'].map((base) => ({
      method,
      path: `${base}/{type}${rest}`,
      target: (call: Call, caller: Caller) => {
        const type = typeOf(call.params['type'])
        const isRead = method === 'GET' || rest.endsWith('/read')
        const objectScope = isRead ? type.readScope : type.writeScope
        requireScope(caller, `crm.schemas.${type.name}.${isRead ? 'read' : 'write'}`, objectScope)
        return act(account, type, call)
      },
    }))
  return [
    ...on('GET', '', listProperties),
    ...on('POST', '', (account, type, call) => ({
      status: 201,
      body: renderProperty(
        createProperty(account, type, objectOf(parseBody(call.text)), { isSeed: false }),
      ),
    })),
    ...on('GET', '/{name}', (account, type, call) => ({
      status: 200,
      body: renderProperty(getProperty(account, type, call)),
    })),
    ...on('PATCH', '/{name}', updateProperty),
    ...on('DELETE', '/{name}', archiveProperty),
    ...on('GET', '/groups', listGroups),
    ...on('POST', '/batch/read', readProperties),
  ]
}

function renderProperty(definition: PropertyDefinition) {
  const { createdAtMs, updatedAtMs, readOnly, ...rest } = definition
  return {
    ...rest,
    createdAt: new Date(createdAtMs).toISOString(),
    updatedAt: new Date(updatedAtMs).toISOString(),
    modificationMetadata: {
      archivable: !definition.hubspotDefined,
      readOnlyDefinition: definition.hubspotDefined,
      readOnlyValue: readOnly,
    },
    dataSensitivity: 'non_sensitive',
  }
}

function listProperties({ state }: Account, type: ObjectType, call: Call): Answer {
  const isArchived = call.query.get('archived') === 'true'
  const own = [...(state.properties.get(type.name)?.values() ?? [])]
  const dates = type.name === 'deals' ? stageDateProperties(state) : []
  const results = [...own, ...dates].filter(({ archived }) => archived === isArchived)
  return { status: 200, body: { results: results.map(renderProperty) } }
}

function getProperty({ state }: Account, type: ObjectType, call: Call): PropertyDefinition {
  const definition = findProperty(state, type.name, call.params['name'] ?? '')
  if (!definition) throw notFound(`Property ${call.params['name']} does not exist.`)
  return definition
}

/**
 * Adds a property to an object type. HubSpot docs: create a property; unique identifiers.
 * A seed may make read-only ones, which stand for what HubSpot itself fills in.
 */
export function createProperty(
  account: Account,
  type: ObjectType,
  sent: JsonObject,
  { isSeed }: { isSeed: boolean },
): PropertyDefinition {
  const { state, clock } = account
  const definition = readDefinition(type, sent, clock.now())
  const known = state.properties.get(type.name)?.get(definition.name)
  if (known && !known.archived) {
    throw refuse(409, {
      category: 'CONFLICT',
      message: `A property named '${definition.name}' already exists.`,
    })
  }
  const table = state.table(type.name)
  const unique = [...table.uniqueProperties()].filter((name) => name !== 'email')
  if (definition.hasUniqueValue && unique.length >= MAX_UNIQUE) {
    throw badRequest(`An object type may have ${MAX_UNIQUE} unique properties at most.`)
  }
  const readOnly = isSeed && sent['readOnly'] === true
  const stored = { ...definition, readOnly }
  state.commit([{ do: 'property', type: type.name, definition: stored }])
  return stored
}

function readDefinition(type: ObjectType, sent: JsonObject, nowMs: number): PropertyDefinition {
  const name = textOf(sent['name']) ?? ''
  const kind = textOf(sent['type']) ?? ''
  const fieldType = textOf(sent['fieldType'])
  const groupName = textOf(sent['groupName']) ?? ''
  if (!/^[a-z][a-z0-9_]{0,99}$/.test(name)) {
    throw badRequest(`${name} is not a valid property name: lower-case letters, digits and _ only.`)
  }
  if (!TYPES.includes(kind)) throw badRequest(`${kind} is not a property type.`)
  if (!fieldType) throw badRequest('fieldType is required')
  if (!PROPERTY_GROUPS[type.name].includes(groupName)) {
    throw badRequest(`Property group ${groupName} does not exist.`)
  }
  const hasUniqueValue = sent['hasUniqueValue'] === true
  if (hasUniqueValue && kind !== 'string' && kind !== 'number') {
    throw badRequest('Only text and number properties may have unique values.')
  }
  return {
    name,
    label: textOf(sent['label']) ?? name,
    type: kind as PropertyDefinition['type'],
    fieldType,
    description: textOf(sent['description']) ?? '',
    groupName,
    options: readOptions(sent),
    hasUniqueValue,
    hubspotDefined: false,
    readOnly: false,
    externalOptions: false,
    calculated: false,
    formField: sent['formField'] === true,
    hidden: sent['hidden'] === true,
    displayOrder: numberOf(sent['displayOrder']) ?? -1,
    archived: false,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  }
}

function readOptions(sent: JsonObject): PropertyDefinition['options'] {
  return listOf(sent['options']).map((option, i) => {
    const { label, value, description, hidden, displayOrder } = objectOf(option)
    return {
      label: textOf(label) ?? '',
      value: textOf(value) ?? '',
      description: textOf(description) ?? '',
      displayOrder: numberOf(displayOrder) ?? i,
      hidden: hidden === true,
    }
  })
}

function updateProperty(account: Account, type: ObjectType, call: Call): Answer {
  const known = getProperty(account, type, call)
  const sent = objectOf(parseBody(call.text))
  const definition: PropertyDefinition = {
    ...known,
    label: textOf(sent['label']) ?? known.label,
    description: textOf(sent['description']) ?? known.description,
    options: sent['options'] === undefined ? known.options : readOptions(sent),
    hidden: typeof sent['hidden'] === 'boolean' ? sent['hidden'] : known.hidden,
    updatedAtMs: account.clock.now(),
  }
  account.state.commit([{ do: 'property', type: type.name, definition }])
  return { status: 200, body: renderProperty(definition) }
}

/** HubSpot docs: archive a property. Those of HubSpot itself stay. */
function archiveProperty(account: Account, type: ObjectType, call: Call): Answer {
  const known = getProperty(account, type, call)
  if (known.hubspotDefined) throw badRequest(`Property ${known.name} is defined by HubSpot.`)
  const definition = { ...known, archived: true, updatedAtMs: account.clock.now() }
  account.state.commit([{ do: 'property', type: type.name, definition }])
  return { status: 204 }
}

function listGroups(_account: Account, type: ObjectType): Answer {
  const results = PROPERTY_GROUPS[type.name].map((name, displayOrder) => ({
    name,
    label: name,
    displayOrder,
    archived: false,
  }))
  return { status: 200, body: { results } }
}

function readProperties(account: Account, type: ObjectType, call: Call): Answer {
  const names = listOf(objectOf(parseBody(call.text))['inputs']).flatMap(
    (input) => textOf(objectOf(input)['name']) ?? [],
  )
  const found = names.map((name) => ({ name, is: findProperty(account.state, type.name, name) }))
  const missing = found.filter(({ is }) => is === null).map(({ name }) => name)
  const errors =
    missing.length === 0
      ? []
      : [
          {
            status: 'error',
            category: 'OBJECT_NOT_FOUND',
            message: 'Some properties do not exist.',
            context: { name: missing },
          },
        ]
  const results = found.flatMap(({ is }) => (is ? [renderProperty(is)] : []))
  return batchAnswer(account, 200, results, errors)
}
