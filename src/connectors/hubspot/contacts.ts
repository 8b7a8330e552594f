import { VendorFault, type PushChange, type PushResult } from '#sync/connector.ts'
import type { Batch, HubspotRecord } from './answers.ts'
import type { BatchInput, HubspotClient } from './client.ts'
import { codeOf, existingIdOf, propertiesOf, type RowError } from './errors.ts'
import { contactDefinitions, LEAD_ID_PROPERTY, textOf, textsOf } from './mapping.ts'

/** What became of each lead of a batch, by its id. */
type Results = Map<string, PushResult>

/**
 * Writes leads as contacts: one upsert by our unique property for the batch. Contacts that stand in the way by e-mail
 * are adopted (two more calls), unless another lead of ours holds them.
 *
 * Repeating a push has no further effect: the key is the lead's id.
 */
export async function pushContacts(
  client: HubspotClient,
  changes: readonly PushChange[],
  signal: AbortSignal,
): Promise<PushResult[]> {
  const results: Results = new Map()
  const inTheWay = new Map<string, PushChange>()
  for (const group of withoutSharedEmails(changes)) {
    await upsert(client, group, results, inTheWay, signal)
  }
  if (inTheWay.size > 0) await adopt(client, inTheWay, results, signal)
  return changes.map(
    (change) =>
      results.get(change.record.localId) ??
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
  client: HubspotClient,
  changes: readonly PushChange[],
  results: Results,
  inTheWay: Map<string, PushChange>,
  signal: AbortSignal,
): Promise<void> {
  const inputs = changes.map((change) => ({
    ...inputOf(change),
    id: change.record.localId,
    idProperty: LEAD_ID_PROPERTY,
  }))
  const answer = await write(client, 'upsert', inputs, results, signal)
  if (answer === 'split') {
    const middle = changes.length >> 1
    await upsert(client, changes.slice(0, middle), results, inTheWay, signal)
    await upsert(client, changes.slice(middle), results, inTheWay, signal)
    return
  }
  const byId = new Map(changes.map((change) => [change.record.localId, change]))
  for (const contact of answer.results) {
    const localId = contact.objectWriteTraceId ?? contact.properties[LEAD_ID_PROPERTY]
    if (localId && byId.has(localId)) results.set(localId, writtenAs(contact))
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

/** Takes over contacts that were there before us: they get our id and our properties, addressed by their record id. */
async function adopt(
  client: HubspotClient,
  inTheWay: ReadonlyMap<string, PushChange>,
  results: Results,
  signal: AbortSignal,
): Promise<void> {
  const found = await client.readMany('contacts', [...inTheWay.keys()], [LEAD_ID_PROPERTY], signal)
  const inputs: BatchInput[] = []
  const idOf = new Map<string, string>()
  for (const contact of found) {
    const change = inTheWay.get(contact.id)
    if (!change) continue
    const { localId } = change.record
    const holder = contact.properties[LEAD_ID_PROPERTY]
    if (holder && holder !== localId) {
      const detail = `Contact ${contact.id} has this e-mail address and belongs to ${holder}.`
      results.set(localId, refused('conflict', 'CONTACT_CLAIMED', detail))
      continue
    }
    idOf.set(contact.id, localId)
    inputs.push({ ...inputOf(change), id: contact.id })
  }
  if (inputs.length > 0) await update(client, inputs, results, idOf, signal)
  for (const [existingId, { record }] of inTheWay) {
    if (results.has(record.localId)) continue
    const detail = `Contact ${existingId} is in the way and cannot be read.`
    results.set(record.localId, refused('gone', 'CONTACT_UNREADABLE', detail))
  }
}

async function update(
  client: HubspotClient,
  inputs: readonly BatchInput[],
  results: Results,
  idOf: ReadonlyMap<string, string>,
  signal: AbortSignal,
): Promise<void> {
  const answer = await write(client, 'update', inputs, results, signal)
  if (answer === 'split') {
    const middle = inputs.length >> 1
    await update(client, inputs.slice(0, middle), results, idOf, signal)
    await update(client, inputs.slice(middle), results, idOf, signal)
    return
  }
  for (const contact of answer.results) {
    const localId = idOf.get(contact.id)
    if (localId) results.set(localId, writtenAs(contact))
  }
  for (const error of answer.errors) {
    const localId = error.context['objectWriteTraceId']?.[0]
    if (localId !== undefined) results.set(localId, refusedRow(error))
  }
}

/** Sends a batch. HubSpot may refuse all of it for one row without naming it: then the halves are to be sent instead. */
async function write(
  client: HubspotClient,
  action: 'upsert' | 'update',
  inputs: readonly BatchInput[],
  results: Results,
  signal: AbortSignal,
): Promise<Batch | 'split'> {
  try {
    const answer = await client.writeMany('contacts', action, inputs, signal)
    answer.errors.forEach(assertDefinitions)
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
function assertDefinitions(error: RowError): void {
  if (codeOf(error) !== 'PROPERTY_DOESNT_EXIST') return
  const names = propertiesOf(error)
  if (!contactDefinitions.some((definition) => names.includes(definition.name))) return
  throw new VendorFault('mapping', `HubSpot has no property ${names.join(', ')} any more.`, {
    code: 'PROPERTY_DOESNT_EXIST',
  })
}

function inputOf(change: PushChange): Omit<BatchInput, 'id'> {
  const { localId } = change.record
  return {
    objectWriteTraceId: localId,
    properties: { ...textsOf(change.properties), [LEAD_ID_PROPERTY]: localId },
  }
}

function writtenAs(contact: HubspotRecord): PushResult {
  return { kind: 'written', externalId: contact.id, created: contact.new === true }
}

function refusedRow(error: RowError): PushResult {
  const names = propertiesOf(error)
  const existingId = existingIdOf(error)
  const detail = [
    names.length > 0 ? `Properties: ${names.join(', ')}.` : '',
    existingId === null ? '' : `Contact ${existingId} is in the way.`,
  ]
  const kind = error.category === 'CONFLICT' ? 'conflict' : 'record'
  return refused(kind, codeOf(error), detail.filter(Boolean).join(' '))
}

function refused(
  fault: 'record' | 'conflict' | 'gone' | 'transient',
  code: string,
  detail: string,
): PushResult {
  return { kind: 'refused', fault, code, detail }
}
