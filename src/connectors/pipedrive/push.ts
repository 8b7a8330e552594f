import {
  VendorFault,
  type PushChange,
  type PushResult,
  type VendorProperties,
} from '#sync/connector.ts'
import type { Candidate } from '#sync/entity.ts'
import type { PipedriveRecord } from './answers.ts'
import { bodyOf, CODE, needsWhole } from './body.ts'
import { MAX_IDS, type PipedriveClient, type RecordPath } from './client.ts'
import { LEAD_ID_KEY } from './fields.ts'
import type { KnownPerson, PersonFinder } from './finder.ts'
import type { HubFields } from './hub-fields.ts'

/** How records of a kind are written. */
export interface PushType {
  path: RecordPath
  /** Their fields; with the hub's own among them where it has any. */
  fields: HubFields
  candidateOf(record: PipedriveRecord, signal: AbortSignal): Promise<Candidate>
  /** Looks for records before it creates any; absent for kinds that the hub only changes. */
  finder?: PersonFinder
}

const AT_ONCE = 4

/**
 * Writes records one by one, as Pipedrive has no other way. Those without a link are looked for first; one that is there
 * already is given back as it is, to be merged.
 *
 * What was written before a fault is remembered: the same batch again goes on behind it.
 */
export class Pusher {
  readonly #client: PipedriveClient
  readonly #type: PushType
  /** Results of a batch that a fault cut off, by key, with what was sent. */
  readonly #done = new Map<string, { sent: string; result: PushResult }>()
  /** Whether our fields were looked at since the batch began. */
  #isChecked = false

  constructor(client: PipedriveClient, type: PushType) {
    this.#client = client
    this.#type = type
  }

  /** @throws VendorFault for what is not the fault of single records. */
  async push(changes: readonly PushChange[], signal: AbortSignal): Promise<PushResult[]> {
    this.#isChecked = false
    const open = changes.filter((change) => this.#doneOf(change) === null)
    this.#client.assertWritable(open.length)
    const deleted = open.filter((change) => change.deleted)
    await severalAtOnce(deleted, (change) =>
      this.#settle(change, () => this.#remove(change, signal), signal),
    )
    const linked = open.filter(({ externalId, deleted }) => externalId !== null && !deleted)
    const whole = await this.#readWhole(linked, signal)
    await severalAtOnce(linked, (change) =>
      this.#settle(change, () => this.#update(change, whole, signal), signal),
    )
    const fresh = open.filter(({ externalId }) => externalId === null)
    const found = await this.#find(fresh, signal)
    const own = [...found].filter(([localId, known]) => known.localId === localId)
    const made = await this.#readMany(
      own.map(([, { id }]) => id),
      signal,
    )
    await severalAtOnce(fresh, (change) =>
      this.#settle(change, () => this.#create(change, found, made, signal), signal),
    )
    const results = changes.map((change) => this.#doneOf(change) ?? incomplete())
    for (const { key } of changes) this.#done.delete(key)
    return results
  }

  #doneOf(change: PushChange): PushResult | null {
    const done = this.#done.get(change.key)
    return done?.sent === sentBy(change) ? done.result : null
  }

  /** Carries out one change; what only this record is to blame for is its result. */
  async #settle(
    change: PushChange,
    work: () => Promise<PushResult>,
    signal: AbortSignal,
  ): Promise<void> {
    let result: PushResult
    try {
      result = await work()
    } catch (error) {
      if (!(error instanceof VendorFault)) throw error
      result = await this.#refusal(error, change, signal)
    }
    this.#done.set(change.key, { sent: sentBy(change), result })
  }

  async #refusal(fault: VendorFault, change: PushChange, signal: AbortSignal): Promise<PushResult> {
    if (fault.kind === 'gone' && change.externalId !== null) {
      // What is to be deleted and is gone already is as it should be.
      if (change.deleted) return removed(change)
      return refused('gone', 'RECORD_GONE', 'Pipedrive has no such record any more.')
    }
    if (fault.kind !== 'mapping') throw fault
    if (!this.#isChecked) await this.#type.fields.assertThere(signal)
    this.#isChecked = true
    const names = Object.keys(change.properties).filter((name) => !CODE.test(name))
    return refused('record', fault.code ?? 'HTTP_400', `Properties: ${names.join(', ')}.`)
  }

  async #update(
    change: PushChange,
    whole: ReadonlyMap<string, PipedriveRecord>,
    signal: AbortSignal,
  ): Promise<PushResult> {
    const externalId = change.externalId ?? ''
    const held = whole.get(externalId)
    const isMissing = needsWhole(change) && !held
    if (isMissing) return refused('gone', 'RECORD_GONE', 'Pipedrive has no such record any more.')
    const { fields, finder } = this.#type
    const body = await bodyOf(change, held ?? null, fields, finder !== undefined, signal)
    const record = await this.#client.update(this.#type.path, externalId, body, signal)
    await finder?.note(record, signal)
    const now = await this.#type.candidateOf(record, signal)
    return { kind: 'written', externalId, created: false, now }
  }

  async #remove(change: PushChange, signal: AbortSignal): Promise<PushResult> {
    await this.#client.remove(this.#type.path, change.externalId ?? '', signal)
    return removed(change)
  }

  async #find(
    changes: readonly PushChange[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, KnownPerson>> {
    const { finder } = this.#type
    if (!finder || changes.length === 0) return new Map()
    const wanted = changes.map(({ record, properties }) => ({
      localId: record.localId,
      email: emailOf(properties),
    }))
    return finder.find(wanted, signal)
  }

  async #create(
    change: PushChange,
    found: ReadonlyMap<string, KnownPerson>,
    /** Persons found that we made before, as they are now, by their id there. */
    made: ReadonlyMap<string, PipedriveRecord>,
    signal: AbortSignal,
  ): Promise<PushResult> {
    const { fields, finder, path } = this.#type
    const { localId } = change.record
    if (!finder) {
      return refused('record', 'CREATE_NOT_SUPPORTED', `The hub creates no ${path} in Pipedrive.`)
    }
    // Another record of the same batch may have made a person of this address a moment ago.
    const known =
      found.get(localId) ?? finder.recall({ localId, email: emailOf(change.properties) })
    const existing = known && (await this.#existing(known, localId, made, signal))
    if (existing) return existing
    if (known) finder.forget(known)
    const body = await bodyOf(change, null, fields, true, signal)
    const record = await this.#client.create(path, body, signal)
    await finder.note(record, signal)
    const now = await this.#type.candidateOf(record, signal)
    return { kind: 'written', externalId: String(record.id), created: true, now }
  }

  /**
   * A person that was there before us gets our id, and nothing else of it is touched.
   * @returns null when it is gone by now.
   */
  async #existing(
    known: KnownPerson,
    localId: string,
    made: ReadonlyMap<string, PipedriveRecord>,
    signal: AbortSignal,
  ): Promise<PushResult | null> {
    if (known.localId !== null && known.localId !== localId) {
      const detail = `Person ${known.id} has this e-mail address and belongs to ${known.localId}.`
      return refused('conflict', 'PERSON_CLAIMED', detail)
    }
    const record =
      known.localId === localId
        ? (made.get(known.id) ?? (await this.#readMany([known.id], signal)).get(known.id))
        : await this.#claim(known.id, localId, signal)
    if (!record) return null
    await this.#type.finder?.note(record, signal)
    const now = { ...(await this.#type.candidateOf(record, signal)), localId }
    return { kind: 'exists', externalId: known.id, now }
  }

  async #claim(
    id: string,
    localId: string,
    signal: AbortSignal,
  ): Promise<PipedriveRecord | undefined> {
    const code = (await this.#type.fields.codes(signal)).get(LEAD_ID_KEY) ?? ''
    try {
      const body = { custom_fields: { [code]: localId } }
      return await this.#client.update('persons', id, body, signal)
    } catch (error) {
      if (error instanceof VendorFault && error.kind === 'gone') return undefined
      throw error
    }
  }

  /** Lists are replaced whole, and two names are one: before a part is changed the rest is read. */
  #readWhole(
    changes: readonly PushChange[],
    signal: AbortSignal,
  ): Promise<Map<string, PipedriveRecord>> {
    const ids = changes.filter(needsWhole).flatMap(({ externalId }) => externalId ?? [])
    return this.#readMany(ids, signal)
  }

  /** As many as there are of these, by their id. */
  async #readMany(
    ids: readonly string[],
    signal: AbortSignal,
  ): Promise<Map<string, PipedriveRecord>> {
    const found = new Map<string, PipedriveRecord>()
    for (let from = 0; from < ids.length; from += MAX_IDS) {
      const part = ids.slice(from, from + MAX_IDS)
      for (const record of await this.#client.readMany(this.#type.path, part, {}, signal)) {
        found.set(String(record.id), record)
      }
    }
    return found
  }
}

/**
 * Four calls at once, as many as the connection has sockets; never two of one address, which would make two persons of it.
 * After a fault those under way are seen through, so that what they wrote is known.
 */
async function severalAtOnce(
  changes: readonly PushChange[],
  work: (change: PushChange) => Promise<void>,
): Promise<void> {
  let next = 0
  while (next < changes.length) {
    const group: PushChange[] = []
    const emails = new Set<string>()
    for (; next < changes.length && group.length < AT_ONCE; next += 1) {
      const change = changes[next]!
      const email = emailOf(change.properties)
      if (email !== null && emails.has(email)) break
      if (email !== null) emails.add(email)
      group.push(change)
    }
    const ends = await Promise.allSettled(group.map(work))
    const failed = ends.find((end) => end.status === 'rejected')
    if (failed) throw failed.reason
  }
}

function emailOf(properties: VendorProperties): string | null {
  const email = properties['email']
  return typeof email === 'string' && email !== '' ? email.toLowerCase() : null
}

function sentBy({ externalId, properties, deleted = false }: PushChange): string {
  return JSON.stringify([externalId, properties, deleted])
}

function removed({ externalId }: PushChange): PushResult {
  return { kind: 'written', externalId: externalId ?? '', created: false }
}

function incomplete(): PushResult {
  return refused('transient', 'ANSWER_INCOMPLETE', 'Pipedrive gave no outcome for this record.')
}

function refused(
  fault: 'record' | 'conflict' | 'gone' | 'transient',
  code: string,
  detail: string,
): PushResult {
  return { kind: 'refused', fault, code, detail }
}
