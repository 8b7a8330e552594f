import { createHash, randomBytes } from 'node:crypto'
import { agentOf, isOfSix, networkOf } from '#access/threats/network.rules.ts'
import { sourceOf } from '#access/sign-in/throttle.ts'
import type { Signal, Subject } from '#access/threats/threat.rules.ts'
import { HOUR_MS, MINUTE_MS, type Clock } from '#core/time.ts'
import type { Sender } from '#gateway/gateway.ts'

/** One sum since the last flush. Addresses and networks are still as they came: they leave this process as keyed hashes. */
export interface Count {
  subject: Subject
  signal: Signal
  detail: string
  bucketMs: number
  workspaceId: string | null
  n: number
}

/** One credential at one place since the last flush. */
export interface Sighting {
  subject: Subject
  workspaceId: string
  network: string
  agent: string
  firstMs: number
  lastMs: number
  requests: number
}

export interface Batch {
  counts: Count[]
  sightings: Sighting[]
}

/** Whose secret somebody tried. */
export interface Target {
  id: string
  workspaceId: string
}

interface Place {
  network: string
  atMs: number
  before: { network: string; leftMs: number } | null
}

/** Sums and sightings held between two flushes, at most: a flood of new ones is not counted beyond, which harms no request. */
const MAX_HELD = 20_000
const MAX_REMEMBERED = 50_000
const BUCKET_MS = 5 * MINUTE_MS
const RETURN_MS = 10 * MINUTE_MS

/**
 * What this process saw since the last flush. Everything here happens on the way of a request: a few look-ups in maps of
 * bounded size, and nothing that is waited for.
 */
export class Signals {
  readonly #clock: Clock
  readonly #counts = new Map<string, Count>()
  readonly #sightings = new Map<string, Sighting>()
  readonly #places = new Map<string, Place>()
  /** What was counted within the hour, so that the same wrong key again is one try; hashed under a key that is never kept. */
  readonly #seen = new Map<string, number>()
  readonly #key = randomBytes(16)

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A valid credential came from somewhere. */
  used(subject: Subject, workspaceId: string, { address, agent }: Sender): void {
    const atMs = this.#clock.now().getTime()
    const key = `${subject.id} ${address} ${agent}`
    let sighting = this.#sightings.get(key)
    if (sighting) {
      sighting.lastMs = atMs
      sighting.requests += 1
    } else {
      const place = { network: networkOf(address), agent: agentOf(agent) }
      sighting = { subject, workspaceId, ...place, firstMs: atMs, lastMs: atMs, requests: 1 }
      if (this.#sightings.size < MAX_HELD) this.#sightings.set(key, sighting)
    }
    if (subject.kind === 'session') this.#move(subject, workspaceId, sighting.network, atMs)
  }

  /** A password, code, key or token that was wrong. The same one again is not another try. */
  wrongSecret(secret: string, target: Target | null, { address }: Sender): void {
    const source = sourceOf(address)
    if (!this.#isNew('wrong_secret', source, secret)) return
    const workspaceId = target?.workspaceId ?? null
    const subject: Subject = { kind: 'address', id: source }
    this.#add(subject, 'wrong_secret', workspaceId, 1, target?.id ?? '')
    if (target?.id.startsWith('usr_')) {
      const person: Subject = { kind: 'user', id: target.id }
      this.#add(person, 'wrong_password', workspaceId, 1, networkOf(address))
    }
  }

  /** A person got in: what they mistyped before was no guess. */
  rightSecret({ id, workspaceId }: Target, { address }: Sender): void {
    this.#add({ kind: 'address', id: sourceOf(address) }, 'right_secret', workspaceId, 1, id)
  }

  /** The right secret of a key that was revoked or has expired: nothing is guessed here. */
  deadKey(key: Target, { address }: Sender): void {
    this.#add({ kind: 'key', id: key.id }, 'dead_use', key.workspaceId, 1, networkOf(address))
  }

  tokenReplay(clientId: string, userId: string | null, workspaceId: string): void {
    const subject: Subject = { kind: 'grant', id: `${clientId} ${userId ?? clientId}` }
    this.#add(subject, 'token_replay', workspaceId, 1)
  }

  /** @param path  of a record, for an operation that is about one; null for others. */
  answered(
    subject: Subject,
    workspaceId: string,
    call: { operationId: string; path: string | null; status: number },
  ): void {
    const { operationId, path, status } = call
    if (path !== null) {
      this.#add(subject, 'record_request', workspaceId, 1)
      if (status === 404 && this.#isNew('not_found', subject.id, path))
        this.#add(subject, 'not_found', workspaceId, 1)
    }
    if (status === 403 && this.#isNew('forbidden', subject.id, operationId))
      this.#add(subject, 'forbidden', workspaceId, 1)
  }

  rowsRead(subject: Subject, workspaceId: string, rows: number): void {
    this.#add(subject, 'rows', workspaceId, rows)
  }

  drain(): Batch {
    const batch = { counts: [...this.#counts.values()], sightings: [...this.#sightings.values()] }
    this.#counts.clear()
    this.#sightings.clear()
    return batch
  }

  /** What could not be written down counts again with what came since. */
  putBack({ counts, sightings }: Batch): void {
    for (const { subject, signal, workspaceId, n, detail, bucketMs } of counts)
      this.#addTo(bucketMs, subject, signal, workspaceId, n, detail)
    for (const one of sightings) {
      const key = `${one.subject.id} ${one.network} ${one.agent} back ${this.#sightings.size}`
      if (this.#sightings.size < MAX_HELD) this.#sightings.set(key, one)
    }
  }

  /** Counts a return to the network that the session left minutes before. */
  #move(subject: Subject, workspaceId: string, network: string, atMs: number): void {
    const key = `${subject.id} ${isOfSix(network) ? 6 : 4}`
    const place = this.#places.get(key)
    if (!place) {
      if (this.#places.size >= MAX_HELD) this.#places.clear()
      this.#places.set(key, { network, atMs, before: null })
      return
    }
    if (place.network !== network) {
      const { before } = place
      if (before?.network === network && atMs - before.leftMs < RETURN_MS)
        this.#add(subject, 'return', workspaceId, 1)
      place.before = { network: place.network, leftMs: place.atMs }
      place.network = network
    }
    place.atMs = atMs
  }

  #isNew(signal: Signal, subject: string, item: string): boolean {
    const hash = createHash('sha256').update(this.#key).update(`${signal} ${subject} ${item}`)
    const key = hash.digest('base64').slice(0, 20)
    const nowMs = this.#clock.now().getTime()
    const seenMs = this.#seen.get(key)
    if (seenMs !== undefined && nowMs - seenMs < HOUR_MS) return false
    if (this.#seen.size >= MAX_REMEMBERED) this.#seen.clear()
    this.#seen.set(key, nowMs)
    return true
  }

  #add(subject: Subject, signal: Signal, workspaceId: string | null, n: number, detail = ''): void {
    const widthMs = signal === 'rows' ? HOUR_MS : BUCKET_MS
    const nowMs = this.#clock.now().getTime()
    this.#addTo(nowMs - (nowMs % widthMs), subject, signal, workspaceId, n, detail)
  }

  #addTo(
    bucketMs: number,
    subject: Subject,
    signal: Signal,
    workspaceId: string | null,
    n: number,
    detail: string,
  ): void {
    const key = `${subject.kind} ${subject.id} ${signal} ${detail} ${bucketMs} ${workspaceId}`
    const count = this.#counts.get(key)
    if (count) count.n += n
    else if (this.#counts.size < MAX_HELD)
      this.#counts.set(key, { subject, signal, detail, bucketMs, workspaceId, n })
  }
}
