import type { FieldLink, OpenConnection, PushChange, PushResult, Stream } from '#sync/connector.ts'
import type { Candidate } from '#sync/entity.ts'
import type { SfRow } from './answers.ts'
import { BULK_BATCH, BULK_FROM, pushFile } from './bulk.ts'
import { MOST_READ, MOST_WRITTEN, type ObjectName, type SalesforceClient } from './client.ts'
import { fieldOf } from './describe.ts'
import { propertyNames } from './fields.ts'
import { pushOpportunities } from './contact-roles.ts'
import { MemberPusher } from './members.ts'
import { OpportunityReader, ROLES_QUERY } from './opportunities.ts'
import { pushRows, type PushSpec } from './push.ts'
import { RowReader, type ObjectSpec } from './reader.ts'

/** A stream that pulls and pushes the rows of an object. */
export interface TwoWay {
  name: string
  entity: string
  object: ObjectName
  fields: readonly FieldLink[]
  cadenceReason: string
  candidateOf: (row: SfRow) => Candidate
  toVendor: NonNullable<Stream['toVendor']>
  /** What is read besides what the fields name. */
  extras?: readonly string[]
  /** The hub makes rows of it; without, it only changes those that are there. */
  creates?: boolean
  pushesDeletes?: boolean
  required?: readonly string[]
  parent?: string
}

export function twoWayStream(
  client: SalesforceClient,
  connection: OpenConnection,
  everyMinutes: number,
  way: TwoWay,
): Stream {
  const { object, entity, fields, candidateOf } = way
  const mapped = (connection.mappings ?? [])
    .filter((mapping) => mapping.entity === entity)
    .map(({ property }) => property)
  const properties = [...propertyNames(fields), ...(way.extras ?? [])]
  const isOpportunity = object === 'Opportunity'
  const spec: ObjectSpec = {
    object,
    properties,
    candidateOf,
    ...(isOpportunity ? { children: ROLES_QUERY } : {}),
  }
  const reader = new RowReader(client, spec, mapped)
  const opportunities = isOpportunity ? new OpportunityReader(client, reader) : null
  const push: PushSpec = {
    object,
    properties,
    candidateOf,
    ...(way.required ? { required: way.required } : {}),
    ...(way.parent === undefined ? {} : { parent: way.parent }),
  }
  type Send = (changes: readonly PushChange[], signal: AbortSignal) => Promise<PushResult[]>
  const members = object === 'CampaignMember' ? new MemberPusher(client) : null
  const guarded = (send: Send): Send => {
    if (members)
      return (changes, signal) => members.push(changes, (fit) => send(fit, signal), signal)
    if (!isOpportunity) return send
    return (changes, signal) =>
      pushOpportunities(client, changes, (rest) => send(rest, signal), signal)
  }
  return {
    name: way.name,
    entity,
    direction: 'both',
    fields,
    onlyLinked: way.creates !== true,
    ...(way.pushesDeletes === true ? { pushesDeletes: true } : {}),
    ...(way.creates === true
      ? { recycles: 'Salesforce keeps them in its Recycle Bin for 15 days.' }
      : {}),
    everyMinutes,
    cadenceReason: way.cadenceReason,
    batchSize: MOST_WRITTEN,
    fetchSize: MOST_READ,
    costs: {
      read: { endpoint: 'POST /composite/sobjects/{object}', records: MOST_READ },
      update: { endpoint: 'PATCH /composite/sobjects', records: MOST_WRITTEN },
    },
    sizeUp: (signal) => reader.sizeUp(signal),
    pull: (cursor, signal) => (opportunities ?? reader).pull(cursor, signal),
    fetch: (ids, signal) => reader.fetch(ids, signal),
    listAll: (cursor, signal) => reader.listAll(cursor, signal),
    ...(way.creates === true
      ? { listLinked: (cursor, signal) => reader.listLinked(cursor, signal) }
      : {}),
    async describe(signal) {
      return (await client.describe(object, signal)).fields.map(fieldOf)
    },
    toVendor: way.toVendor,
    push: guarded((changes, signal) => pushRows(client, push, changes, signal)),
    bulk: {
      atLeast: BULK_FROM,
      batchSize: BULK_BATCH,
      push: guarded((changes, signal) => pushFile(client, push, changes, signal)),
    },
  }
}
