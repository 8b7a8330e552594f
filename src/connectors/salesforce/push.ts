import { SECOND_MS } from '#core/time.ts'
import type { PushChange, PushResult, VendorProperties } from '#sync/connector.ts'
import type { Candidate } from '#sync/entity.ts'
import type { SaveError, SaveResult, SfRow } from './answers.ts'
import { MOST_WRITTEN, type ObjectName, type SalesforceClient } from './client.ts'
import { writableNames } from './describe.ts'
import { codeOf, idsInTheWay, refused, refusedRow } from './errors.ts'
import { HUB_ID, NOT_PROVIDED } from './fields.ts'
import { requireKey } from './prepare.ts'
import { list, quote } from './soql.ts'

/** How records of an object are written. */
export interface PushSpec {
  object: ObjectName
  /** Fields that a new row must have and the hub may not know. */
  required?: readonly string[]
  /** The lookup by which rows are sorted, so that those of one parent do not lock each other out. */
  parent?: string
  /** What a row that stands in the way is read with. */
  properties: readonly string[]
  candidateOf: (row: SfRow) => Candidate
}

/** Rows that were locked are sent again so often, each time after twice the pause. */
const LOCK_TRIES = 4
const LOCK_PAUSE_MS = SECOND_MS / 2

/**
 * Writes records by sObject collections, 200 a call: new ones under their key, linked ones by their id, and deletions.
 * Repeating it has no further effect: the key is our id. A row that stands in the way is read and given back as existing,
 * unless another record of ours holds it.
 */
export async function pushRows(
  client: SalesforceClient,
  spec: PushSpec,
  changes: readonly PushChange[],
  signal: AbortSignal,
): Promise<PushResult[]> {
  const results = new Map<PushChange, PushResult>()
  const inTheWay = new Map<string, PushChange>()
  let due = sortedByParent(spec, changes)
  for (let tries = 1; due.length > 0; tries += 1) {
    const locked: PushChange[] = []
    for (const group of groupsOf(due)) {
      const saved = await send(client, spec, group, signal)
      for (const [i, change] of group.entries()) {
        const result = saved[i]
        const [error] = result?.errors ?? []
        if (codeOf(error) === 'UNABLE_TO_LOCK_ROW' && tries < LOCK_TRIES) locked.push(change)
        else results.set(change, outcomeOf(change, result, inTheWay))
      }
    }
    due = locked
    if (due.length > 0)
      await client.wait(LOCK_PAUSE_MS * 2 ** tries * (0.5 + Math.random()), signal)
  }
  if (inTheWay.size > 0) await readThoseInTheWay(client, spec, inTheWay, results, signal)
  await findMembers(client, spec, results, signal)
  await findConverted(client, spec, results, signal)
  return changes.map(
    (change) =>
      results.get(change) ??
      refused('transient', 'ANSWER_INCOMPLETE', 'Salesforce gave no outcome for this record.'),
  )
}

/** Children of one parent beside each other: their locks are then waited for within one call. */
function sortedByParent({ parent }: PushSpec, changes: readonly PushChange[]): PushChange[] {
  if (parent === undefined) return [...changes]
  const keyOf = ({ properties }: PushChange) => String(properties[parent] ?? '')
  return changes.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0))
}

/** Calls of at most 200 of one kind each. */
function* groupsOf(changes: readonly PushChange[]): Generator<PushChange[]> {
  const kindOf = ({ externalId, deleted }: PushChange) =>
    deleted === true ? 'remove' : externalId === null ? 'upsert' : 'update'
  for (const kind of ['upsert', 'update', 'remove']) {
    const same = changes.filter((change) => kindOf(change) === kind)
    for (let from = 0; from < same.length; from += MOST_WRITTEN) {
      yield same.slice(from, from + MOST_WRITTEN)
    }
  }
}

async function send(
  client: SalesforceClient,
  spec: PushSpec,
  group: readonly PushChange[],
  signal: AbortSignal,
): Promise<SaveResult[]> {
  const [first] = group
  if (first?.deleted === true) {
    return client.remove(
      group.map(({ externalId }) => externalId ?? ''),
      signal,
    )
  }
  const records: VendorProperties[] = []
  for (const change of group) records.push(await completed(client, spec, change, signal))
  if (first?.externalId === null) {
    await requireKey(client, spec.object, signal)
    const keyed = records.map((record, i) => ({ [HUB_ID]: group[i]?.record.localId, ...record }))
    return client.upsert(spec.object, HUB_ID, keyed, signal)
  }
  const named = records.map((record, i) => ({ id: group[i]?.externalId, ...record }))
  return client.update(spec.object, named, signal)
}

/**
 * What a change sends: without fields that the org does not have or show for writing, such as the currency of an org that
 * has only one; and with what a new row must have.
 */
export async function completed(
  client: SalesforceClient,
  { object, required = [] }: PushSpec,
  { properties, externalId }: PushChange,
  signal: AbortSignal,
): Promise<VendorProperties> {
  const isNew = externalId === null
  const writable = writableNames(await client.describe(object, signal), isNew)
  const isOptional = (name: string) => name.startsWith('Hub_') || name === 'CurrencyIsoCode'
  const isFixed = (name: string) => !isNew && CREATE_ONLY.has(name)
  const sent = Object.entries(properties).filter(
    ([name]) => (writable.has(name) || !isOptional(name)) && !isFixed(name),
  )
  const filled = required.flatMap((name): [string, string][] => {
    const value = properties[name]
    const isMissing = value === null || (isNew && (value === undefined || value === ''))
    return isMissing ? [[name, NOT_PROVIDED]] : []
  })
  return Object.fromEntries([...sent, ...filled])
}

const CREATE_ONLY: ReadonlySet<string> = new Set(['CampaignId', 'LeadId', 'ContactId'])

function outcomeOf(
  change: PushChange,
  result: SaveResult | undefined,
  inTheWay: Map<string, PushChange>,
): PushResult {
  if (result?.success === true) {
    const externalId = result.id ?? change.externalId ?? ''
    return { kind: 'written', externalId, created: result.created === true }
  }
  const [error] = result?.errors ?? []
  // What is to be deleted and is gone already is as it should be.
  if (change.deleted === true && codeOf(error) === 'ENTITY_IS_DELETED') {
    return { kind: 'written', externalId: change.externalId ?? '', created: false }
  }
  const [existingId] = error && change.externalId === null ? idsInTheWay(error) : []
  if (existingId !== undefined && !inTheWay.has(existingId)) inTheWay.set(existingId, change)
  return withWay(refusedRow(error), error)
}

/** The detail names the rows in the way: ids say nothing of a person. */
function withWay(result: PushResult, error: SaveError | undefined): PushResult {
  const [id] = error ? idsInTheWay(error) : []
  if (id === undefined || result.kind !== 'refused') return result
  return { ...result, detail: `${result.detail} Record ${id} is in the way.`.trim() }
}

/** Rows that were there before us are not overwritten: they go back as they are, to be merged. */
async function readThoseInTheWay(
  client: SalesforceClient,
  spec: PushSpec,
  inTheWay: ReadonlyMap<string, PushChange>,
  results: Map<PushChange, PushResult>,
  signal: AbortSignal,
): Promise<void> {
  const names = await readable(client, spec, signal)
  const ids = [...inTheWay.keys()]
  const rows = await client.readMany(spec.object, ids, names, signal)
  for (const [i, row] of rows.entries()) {
    const change = inTheWay.get(ids[i] ?? '')
    if (change && row) results.set(change, existing(spec, change, row))
  }
}

async function readable(client: SalesforceClient, spec: PushSpec, signal: AbortSignal) {
  const { fields } = await client.describe(spec.object, signal)
  const there = new Set(fields.map(({ name }) => name))
  const wanted = ['Id', 'SystemModstamp', 'IsDeleted', HUB_ID, ...spec.properties]
  return [...new Set(wanted)].filter((name) => there.has(name))
}

function existing(spec: PushSpec, change: PushChange, row: SfRow): PushResult {
  const { localId } = change.record
  const holder = row[HUB_ID]
  if (typeof holder === 'string' && holder !== '' && holder !== localId) {
    const detail = `Record ${row.Id} is in the way and belongs to ${holder}.`
    return refused('conflict', 'RECORD_CLAIMED', detail)
  }
  return { kind: 'exists', externalId: row.Id, now: { ...spec.candidateOf(row), localId } }
}

/** "Already a campaign member" does not say which: it is found by campaign and person. */
async function findMembers(
  client: SalesforceClient,
  spec: PushSpec,
  results: Map<PushChange, PushResult>,
  signal: AbortSignal,
): Promise<void> {
  if (spec.object !== 'CampaignMember') return
  const twins = refusedWith(results, 'DUPLICATE_VALUE')
  if (twins.length === 0) return
  const names = await readable(client, spec, signal)
  const conditions = twins.map(({ properties }) => {
    const name = properties['ContactId'] === undefined ? 'LeadId' : 'ContactId'
    const id = quote(String(properties[name] ?? ''))
    return `(CampaignId = ${quote(String(properties['CampaignId'] ?? ''))} AND ${name} = ${id})`
  })
  const soql = `SELECT ${names.join(', ')} FROM CampaignMember WHERE ${conditions.join(' OR ')}`
  for (const row of await client.queryWhole(soql, signal)) {
    const change = twins.find(
      ({ properties: { CampaignId, LeadId, ContactId } }) =>
        row['CampaignId'] === CampaignId &&
        (LeadId === undefined ? row['ContactId'] === ContactId : row['LeadId'] === LeadId),
    )
    if (change) results.set(change, existing(spec, change, row))
  }
}

/** A converted lead keeps our id and takes no more writes: it is told with what it became. */
async function findConverted(
  client: SalesforceClient,
  spec: PushSpec,
  results: Map<PushChange, PushResult>,
  signal: AbortSignal,
): Promise<void> {
  const converted = refusedWith(results, 'CANNOT_UPDATE_CONVERTED_LEAD').filter(
    ({ externalId }) => externalId === null,
  )
  if (converted.length === 0) return
  const names = await readable(client, spec, signal)
  const byId = new Map(converted.map((change) => [change.record.localId, change]))
  const soql = `SELECT ${names.join(', ')} FROM ${spec.object} WHERE ${HUB_ID} IN (${list([...byId.keys()])})`
  for (const row of await client.queryWhole(soql, signal)) {
    const change = byId.get(String(row[HUB_ID]))
    if (change) results.set(change, existing(spec, change, row))
  }
}

function refusedWith(results: ReadonlyMap<PushChange, PushResult>, code: string): PushChange[] {
  return [...results].flatMap(([change, result]) =>
    result.kind === 'refused' && result.code === code ? [change] : [],
  )
}
