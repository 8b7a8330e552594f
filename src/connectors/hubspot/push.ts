import { VendorFault, type PushChange, type PushResult } from '#sync/connector.ts'
import type { Candidate } from '#sync/entity.ts'
import type { Batch, HubspotRecord } from './answers.ts'
import type { BatchInput, HubspotClient } from './client.ts'
import { codeOf, existingIdOf, propertiesOf, type RowError } from './errors.ts'
import { textOf, textsOf } from './mapping.ts'

/** How records of a type are written. */
export interface PushType {
  /** HubSpot's name, plural. */
  type: string
  /** Our unique property, by which a record is created at most once; null for types that only change. */
  idProperty: string | null
  /** Our own property definitions: one that is missing is no fault of the records. */
  definitions: readonly { name: string }[]
  /** What an existing record is read with, so that it can be merged. */
  properties: readonly string[]
  candidateOf(record: HubspotRecord): Candidate
}

/** What became of each record of a batch, by our id. */
type Results = Map<string, PushResult>

/** One batch under way. */
interface Batching {
  client: HubspotClient
  spec: PushType
  results: Results
  signal: AbortSignal
}

/**
 * Writes records: those that HubSpot has by their id, the others in one upsert by our unique property. A record that stands
 * in the way by e-mail is read and given back as existing, unless another record of ours holds it.
 *
 * Repeating a push has no further effect: the key is our id.
 */
export async function pushRecords(
  client: HubspotClient,
  spec: PushType,
  changes: readonly PushChange[],
  signal: AbortSignal,
): Promise<PushResult[]> {
  const batching: Batching = { client, spec, results: new Map(), signal }
  const inTheWay = new Map<string, PushChange>()
  const deleted = changes.filter((change) => change.deleted)
  if (deleted.length > 0) await archive(batching, deleted)
  const linked = changes.filter((change) => change.externalId !== null && !change.deleted)
  if (linked.length > 0) await update(batching, linked)
  const unlinked = changes.filter((change) => change.externalId === null)
  for (const group of withoutSharedEmails(unlinked)) await upsert(batching, group, inTheWay)
  if (inTheWay.size > 0) await readThoseInTheWay(batching, inTheWay)
  return changes.map(
    (change) =>
      batching.results.get(change.record.localId) ??
      refused('transient', 'ANSWER_INCOMPLETE', 'HubSpot gave no outcome for this record.'),
  )
}

/** Two inputs with one e-mail would be one contact: the later one goes into a further batch, where it shows as a conflict. */
function withoutSharedEmails(changes: readonly PushChange[]): PushChange[][] {
  const groups: { emails: Set<string>; changes: PushChange[] }[] = []
  for (const change of changes) {
    const email = textOf(change.properties['email'] ?? null)
    let group = groups.find((candidate) => email === '' || !candidate.emails.has(email))
    if (!group) {
      group = { emails: new Set(), changes: [] }
      groups.push(group)
    }
    if (email !== '') group.emails.add(email)
    group.changes.push(change)
  }
  return groups.map((group) => group.changes)
}

async function upsert(
  batching: Batching,
  changes: readonly PushChange[],
  inTheWay: Map<string, PushChange>,
): Promise<void> {
  const { results, spec } = batching
  if (spec.idProperty === null) {
    for (const { record } of changes) {
      const detail = `The hub creates no ${spec.type} in HubSpot.`
      results.set(record.localId, refused('record', 'CREATE_NOT_SUPPORTED', detail))
    }
    return
  }
  const inputs = changes.map((change) => ({
    ...inputOf(spec, change),
    id: change.record.localId,
    idProperty: spec.idProperty!,
  }))
  const answer = await write(batching, 'upsert', inputs)
  if (answer === 'split') {
    const middle = changes.length >> 1
    await upsert(batching, changes.slice(0, middle), inTheWay)
    await upsert(batching, changes.slice(middle), inTheWay)
    return
  }
  const byId = new Map(changes.map((change) => [change.record.localId, change]))
  for (const record of answer.results) {
    const localId = record.objectWriteTraceId ?? record.properties[spec.idProperty]
    if (localId && byId.has(localId)) results.set(localId, writtenAs(spec, record))
  }
  for (const error of answer.errors) {
    const localId = error.context['objectWriteTraceId']?.[0]
    const change = localId === undefined ? undefined : byId.get(localId)
    if (!change) continue
    const existingId = error.category === 'CONFLICT' ? existingIdOf(error) : null
    if (existingId !== null && !inTheWay.has(existingId)) inTheWay.set(existingId, change)
    else results.set(change.record.localId, refusedRow(error))
  }
}

/** Contacts that were there before us are not overwritten: they go back as they are, to be merged. */
async function readThoseInTheWay(
  { client, spec, results, signal }: Batching,
  inTheWay: ReadonlyMap<string, PushChange>,
): Promise<void> {
  const names = [...spec.properties, ...(spec.idProperty === null ? [] : [spec.idProperty])]
  const found = await client.readMany(spec.type, [...inTheWay.keys()], names, signal)
  for (const record of found) {
    const change = inTheWay.get(record.id)
    if (!change) continue
    const { localId } = change.record
    const holder = spec.idProperty === null ? null : record.properties[spec.idProperty]
    if (holder && holder !== localId) {
      const detail = `Contact ${record.id} has this e-mail address and belongs to ${holder}.`
      results.set(localId, refused('conflict', 'CONTACT_CLAIMED', detail))
      continue
    }
    const now = { ...spec.candidateOf(record), localId }
    results.set(localId, { kind: 'exists', externalId: record.id, now })
  }
  for (const [existingId, { record }] of inTheWay) {
    if (results.has(record.localId)) continue
    const detail = `Contact ${existingId} is in the way and cannot be read.`
    results.set(record.localId, refused('gone', 'CONTACT_UNREADABLE', detail))
  }
}

async function update(batching: Batching, changes: readonly PushChange[]): Promise<void> {
  const { results, spec } = batching
  const inputs = changes.map((change) => ({
    ...inputOf(spec, change),
    id: change.externalId ?? '',
  }))
  const answer = await write(batching, 'update', inputs)
  if (answer === 'split') {
    const middle = changes.length >> 1
    await update(batching, changes.slice(0, middle))
    await update(batching, changes.slice(middle))
    return
  }
  const idOf = new Map(changes.map((change) => [change.externalId, change.record.localId]))
  for (const record of answer.results) {
    const localId = record.objectWriteTraceId ?? idOf.get(record.id)
    if (localId !== undefined) results.set(localId, writtenAs(spec, record))
  }
  for (const error of answer.errors) {
    const localId = error.context['objectWriteTraceId']?.[0]
    if (localId !== undefined) results.set(localId, refusedRow(error))
    for (const id of error.context['ids'] ?? error.context['id'] ?? []) {
      const named = idOf.get(id)
      if (named !== undefined && !results.has(named)) results.set(named, refusedRow(error))
    }
  }
}

async function archive(
  { client, spec, results, signal }: Batching,
  changes: readonly PushChange[],
): Promise<void> {
  const ids = changes.flatMap(({ externalId }) => externalId ?? [])
  await client.archiveMany(spec.type, ids, signal)
  for (const { record, externalId } of changes)
    results.set(record.localId, { kind: 'written', externalId: externalId ?? '', created: false })
}

/** Sends a batch. HubSpot may refuse all of it for one row without naming it: then the halves are to be sent instead. */
async function write(
  { client, spec, results, signal }: Batching,
  action: 'upsert' | 'update',
  inputs: readonly BatchInput[],
): Promise<Batch | 'split'> {
  try {
    const answer = await client.writeMany(spec.type, action, inputs, signal)
    for (const error of answer.errors) assertDefinitions(spec, error)
    return answer
  } catch (fault) {
    const isRefusal =
      fault instanceof VendorFault && (fault.kind === 'mapping' || fault.kind === 'conflict')
    // One of our own properties is gone: that is no fault of the records.
    if (!isRefusal || fault.code === 'PROPERTY_DOESNT_EXIST') throw fault
    if (inputs.length > 1) return 'split'
    const localId = inputs[0]?.objectWriteTraceId
    if (localId !== undefined) {
      results.set(localId, refused('record', fault.code ?? 'UNKNOWN', fault.message))
    }
    return { results: [], errors: [] }
  }
}

/** @throws VendorFault `mapping` when a property that the hub brings along was deleted in the account. */
function assertDefinitions(spec: PushType, error: RowError): void {
  if (codeOf(error) !== 'PROPERTY_DOESNT_EXIST') return
  const names = propertiesOf(error)
  if (!spec.definitions.some((definition) => names.includes(definition.name))) return
  throw new VendorFault('mapping', `HubSpot has no property ${names.join(', ')} any more.`, {
    code: 'PROPERTY_DOESNT_EXIST',
  })
}

function inputOf({ idProperty }: PushType, change: PushChange): Omit<BatchInput, 'id'> {
  const { localId } = change.record
  return {
    objectWriteTraceId: localId,
    properties: {
      ...textsOf(change.properties),
      ...(idProperty === null ? {} : { [idProperty]: localId }),
    },
  }
}

function writtenAs(spec: PushType, record: HubspotRecord): PushResult {
  const now = spec.candidateOf(record)
  return { kind: 'written', externalId: record.id, created: record.new === true, now }
}

function refusedRow(error: RowError): PushResult {
  const names = propertiesOf(error)
  const existingId = existingIdOf(error)
  const detail = [
    names.length > 0 ? `Properties: ${names.join(', ')}.` : '',
    existingId === null ? '' : `Contact ${existingId} is in the way.`,
  ]
  const isGone = error.category === 'OBJECT_NOT_FOUND'
  const kind = error.category === 'CONFLICT' ? 'conflict' : isGone ? 'gone' : 'record'
  return refused(kind, codeOf(error), detail.filter(Boolean).join(' '))
}

function refused(
  fault: 'record' | 'conflict' | 'gone' | 'transient',
  code: string,
  detail: string,
): PushResult {
  return { kind: 'refused', fault, code, detail }
}
