import { listOf, numberOf, objectOf, textOf } from '#sandbox/json.ts'
import type { Json, JsonObject } from '#sandbox/json.ts'
import { parseBody } from '#sandbox/kernel.ts'
import type { Answer, Call, Route } from '#sandbox/kernel.ts'
import { isDated, requireScope, typeOf } from './account.ts'
import type { Account, Caller } from './account.ts'
import type { AssociationType } from './associations.ts'
import { batchAnswer } from './batch.routes.ts'
import { badRequest, notFound } from './errors.ts'
import type { ErrorBody } from './errors.ts'
import type { ObjectType } from './object-types.ts'
import { nextLink } from './objects.routes.ts'
import type { Change } from './state.ts'

const BATCH_PATHS = ['/crm/v4/associations', '/crm/associations/2026-09']
const SINGLE_PATHS = ['/crm/v4/objects', '/crm/objects/2026-09']

/** HubSpot docs: associations v4, batch limits. */
const MAX_WRITES = 2000
const MAX_READS = 1000
const PAGE = 500

/** A call about two object types. */
export interface Pair {
  account: Account
  call: Call
  from: ObjectType
  to: ObjectType
}
export type PairAct = (pair: Pair) => Answer

/** HubSpot docs: associations v4. */
export function associationRoutes(account: Account): Route<Caller>[] {
  const on = (method: string, paths: readonly string[], rest: string, act: PairAct) =>
    paths.map((base) => pairRoute(account, method, `${base}/${rest}`, act))
  return [
    ...on('POST', BATCH_PATHS, '{from}/{to}/batch/read', readBatch),
    ...on('POST', BATCH_PATHS, '{from}/{to}/batch/create', createBatch),
    ...on('POST', BATCH_PATHS, '{from}/{to}/batch/associate/default', defaultBatch),
    ...on('POST', BATCH_PATHS, '{from}/{to}/batch/archive', archiveBatch),
    ...on('POST', BATCH_PATHS, '{from}/{to}/batch/labels/archive', archiveLabelsBatch),
    ...on('PUT', SINGLE_PATHS, '{from}/{fromId}/associations/default/{to}/{toId}', defaultOne),
    ...on('PUT', SINGLE_PATHS, '{from}/{fromId}/associations/{to}/{toId}', labelOne),
    ...on('DELETE', SINGLE_PATHS, '{from}/{fromId}/associations/{to}/{toId}', archiveOne),
    // HubSpot docs: 2026-09 has no list of one record's associations, use batch/read.
    ...on('GET', ['/crm/v4/objects'], '{from}/{fromId}/associations/{to}', listOne),
  ]
}

/** A route whose path names two object types; the rights needed are those of the first. */
export function pairRoute(
  account: Account,
  method: string,
  path: string,
  act: PairAct,
): Route<Caller> {
  return {
    method,
    path,
    target: (call, caller) => {
      const from = typeOf(call.params['from'])
      const to = typeOf(call.params['to'])
      const isRead = method === 'GET' || path.endsWith('/read')
      requireScope(caller, isRead ? from.readScope : from.writeScope)
      return act({ account, call, from, to })
    },
  }
}

function inputsOf(call: Call, maximum: number): JsonObject[] {
  const inputs = listOf(objectOf(parseBody(call.text))['inputs']).map(objectOf)
  if (inputs.length > maximum) throw badRequest(`batch size exceeds the maximum of ${maximum}`)
  return inputs
}

function idIn(input: JsonObject, end: 'from' | 'to'): string {
  return textOf(objectOf(input[end])['id']) ?? ''
}

/** The record's live associations from `after` on, one page. */
function targetsOf({ account, call, from, to }: Pair, id: number, after: number, limit: number) {
  const { state } = account
  const targets = [...state.links.of(from.name, to.name, id)]
    .filter(([toId]) => toId >= after)
    .filter(([toId]) => state.table(to.name).find(String(toId))?.archivedAtMs === 0)
    .sort(([a], [b]) => a - b)
  const page = targets.slice(0, limit).map(([toId, typeIds]) => ({
    // HubSpot docs: a number in v4, a string in the date-versioned API.
    toObjectId: isDated(call) ? String(toId) : toId,
    associationTypes: typeIds.flatMap((typeId) => {
      const type = state.linkTypes.find(from.name, to.name, typeId)
      return type ? [renderType(type)] : []
    }),
  }))
  const next = targets[limit]?.[0]
  return { page, next: next === undefined ? null : String(next) }
}

/** An association type as answers show it. */
export function renderType({ category, typeId, label }: AssociationType) {
  return { category, typeId, label }
}

/** HubSpot docs: associations batch read. Records without any are errors of a 207. */
function readBatch(pair: Pair): Answer {
  const { account, call, from, to } = pair
  const results: unknown[] = []
  const errors: (ErrorBody & { status: 'error' })[] = []
  for (const input of inputsOf(call, MAX_READS)) {
    const id = textOf(input['id']) ?? ''
    const record = account.state.table(from.name).find(id)
    const after = Number(textOf(input['after']) ?? '0')
    const isLive = record?.archivedAtMs === 0
    const { page, next } = isLive
      ? targetsOf(pair, record.id, after, PAGE)
      : { page: [], next: null }
    if (page.length === 0) {
      errors.push({
        status: 'error',
        category: 'OBJECT_NOT_FOUND',
        subCategory: 'crm.associations.NO_ASSOCIATIONS_FOUND',
        message: `No ${to.singular} is associated with ${from.singular} ${id}.`,
        context: {
          fromObjectId: [id],
          fromObjectType: [from.singular],
          toObjectType: [to.singular],
        },
      })
      continue
    }
    const paging = next === null ? {} : { paging: { next: { after: next } } }
    results.push({ from: { id }, to: page, ...paging })
  }
  return batchAnswer(account, 200, results, errors)
}

function listOne(pair: Pair): Answer {
  const { account, call, from } = pair
  const record = account.state.table(from.name).find(call.params['fromId'] ?? '')
  if (!record || record.archivedAtMs !== 0) throw notFound()
  const limit = Math.min(Number(call.query.get('limit') ?? PAGE), PAGE)
  const { page, next } = targetsOf(pair, record.id, Number(call.query.get('after') ?? '0'), limit)
  const paging =
    next === null ? {} : { paging: { next: { after: next, link: nextLink(call, next) } } }
  return { status: 200, body: { results: page, ...paging } }
}

/** The two live records of an association, or why they cannot be associated. */
function endsOf({ account, from, to }: Pair, fromId: string, toId: string) {
  const fromRecord = account.state.table(from.name).find(fromId)
  const toRecord = account.state.table(to.name).find(toId)
  if (fromRecord?.archivedAtMs === 0 && toRecord?.archivedAtMs === 0) {
    return { fromId: fromRecord.id, toId: toRecord.id }
  }
  return null
}

/** HubSpot docs: the first company that is associated becomes the primary one. */
function defaultTypeIds({ account, from, to }: Pair, fromId: number): number[] {
  const { linkTypes, links } = account.state
  const plain = linkTypes.unlabelled(from.name, to.name)
  if (!plain) throw badRequest(`${from.singular} and ${to.singular} cannot be associated`)
  const primary = to.name === 'companies' ? linkTypes.primary(from.name, to.name) : null
  const isFirst = links.of(from.name, to.name, fromId).size === 0
  return primary && isFirst ? [primary.typeId, plain.typeId] : [plain.typeId]
}

function linkChange(
  { from, to }: Pair,
  ends: { fromId: number; toId: number },
  typeIds: number[],
): Change {
  return { do: 'link', from: from.name, to: to.name, ...ends, typeIds }
}

function missingEnds(fromId: string, toId: string): ErrorBody & { status: 'error' } {
  return {
    status: 'error',
    category: 'OBJECT_NOT_FOUND',
    message: `One or both of the objects ${fromId} and ${toId} do not exist.`,
    context: { fromObjectId: [fromId], toObjectId: [toId] },
  }
}

/** HubSpot docs: associations batch create, with labels. */
function createBatch(pair: Pair): Answer {
  const { account, call, from, to } = pair
  const results: unknown[] = []
  const errors: unknown[] = []
  for (const input of inputsOf(call, MAX_WRITES)) {
    const ends = endsOf(pair, idIn(input, 'from'), idIn(input, 'to'))
    if (!ends) {
      errors.push(missingEnds(idIn(input, 'from'), idIn(input, 'to')))
      continue
    }
    const types = typesIn(pair, listOf(input['types']))
    account.state.commit([linkChange(pair, ends, impliedTypeIds(pair, types))])
    results.push(renderPair(from, to, ends, types))
  }
  return batchAnswer(account, isDated(call) ? 200 : 201, results, errors)
}

function typesIn({ account, from, to }: Pair, specs: readonly Json[]): AssociationType[] {
  return specs.map((spec) => {
    const typeId = numberOf(objectOf(spec)['associationTypeId']) ?? 0
    const type = account.state.linkTypes.find(from.name, to.name, typeId)
    if (!type) throw badRequest(`${typeId} is not an association type of the two object types`)
    return type
  })
}

function impliedTypeIds({ account, from, to }: Pair, types: readonly AssociationType[]): number[] {
  const { linkTypes } = account.state
  return [
    ...new Set(types.flatMap(({ typeId }) => linkTypes.withImplied(from.name, to.name, typeId))),
  ]
}

function renderPair(
  from: ObjectType,
  to: ObjectType,
  ends: { fromId: number; toId: number },
  types: readonly AssociationType[],
) {
  return {
    fromObjectTypeId: from.typeId,
    fromObjectId: String(ends.fromId),
    toObjectTypeId: to.typeId,
    toObjectId: String(ends.toId),
    labels: types.flatMap(({ label }) => label ?? []),
  }
}

/** HubSpot docs: associate default. Doing it again changes nothing. */
function defaultBatch(pair: Pair): Answer {
  const { account, call } = pair
  const results: unknown[] = []
  const errors: unknown[] = []
  for (const input of inputsOf(call, MAX_WRITES)) {
    const ends = endsOf(pair, idIn(input, 'from'), idIn(input, 'to'))
    if (ends) results.push(...associateByDefault(pair, ends))
    else errors.push(missingEnds(idIn(input, 'from'), idIn(input, 'to')))
  }
  return batchAnswer(account, 200, results, errors)
}

/** Stores the association and gives both its directions, as the answer lists them. */
function associateByDefault(pair: Pair, ends: { fromId: number; toId: number }): unknown[] {
  const { account, from, to } = pair
  account.state.commit([linkChange(pair, ends, defaultTypeIds(pair, ends.fromId))])
  const plain = account.state.linkTypes.unlabelled(from.name, to.name)
  const fromEnd = { id: String(ends.fromId) }
  const toEnd = { id: String(ends.toId) }
  return [
    { from: fromEnd, to: toEnd, associationSpec: definedSpec(plain?.typeId) },
    { from: toEnd, to: fromEnd, associationSpec: definedSpec(plain?.inverseTypeId) },
  ]
}

function definedSpec(associationTypeId: number | undefined) {
  return { associationCategory: 'HUBSPOT_DEFINED', associationTypeId }
}

function singleEnds(pair: Pair) {
  const ends = endsOf(pair, pair.call.params['fromId'] ?? '', pair.call.params['toId'] ?? '')
  if (!ends) throw notFound()
  return ends
}

function defaultOne(pair: Pair): Answer {
  return batchAnswer(pair.account, 200, associateByDefault(pair, singleEnds(pair)), [])
}

function labelOne(pair: Pair): Answer {
  const ends = singleEnds(pair)
  const types = typesIn(pair, listOf(parseBody(pair.call.text)))
  pair.account.state.commit([linkChange(pair, ends, impliedTypeIds(pair, types))])
  return { status: 201, body: renderPair(pair.from, pair.to, ends, types) }
}

function unlinkChange(
  { account, from, to }: Pair,
  ends: { fromId: number; toId: number },
  typeIds: number[] | null,
): Change {
  const all = account.state.links.of(from.name, to.name, ends.fromId).get(ends.toId) ?? []
  const taken = typeIds ?? [...all]
  return { do: 'unlink', from: from.name, to: to.name, ...ends, typeIds: taken }
}

function archiveOne(pair: Pair): Answer {
  pair.account.state.commit([unlinkChange(pair, singleEnds(pair), null)])
  return { status: 204 }
}

/** HubSpot docs: associations batch archive, all types between the records. */
function archiveBatch(pair: Pair): Answer {
  for (const input of inputsOf(pair.call, MAX_WRITES)) {
    for (const to of listOf(input['to']).map(objectOf)) {
      const ends = endsOf(pair, idIn(input, 'from'), textOf(to['id']) ?? '')
      if (ends) pair.account.state.commit([unlinkChange(pair, ends, null)])
    }
  }
  return archived(pair)
}

/** HubSpot docs: associations batch labels archive, the types named only. */
function archiveLabelsBatch(pair: Pair): Answer {
  for (const input of inputsOf(pair.call, MAX_WRITES)) {
    const ends = endsOf(pair, idIn(input, 'from'), idIn(input, 'to'))
    const typeIds = typesIn(pair, listOf(input['types'])).map(({ typeId }) => typeId)
    if (ends) pair.account.state.commit([unlinkChange(pair, ends, typeIds)])
  }
  return archived(pair)
}

/** 204 in v4; the date-versioned specification names 200. */
function archived({ account, call }: Pair): Answer {
  return isDated(call) ? batchAnswer(account, 200, [], []) : { status: 204 }
}
