import { createHash } from 'node:crypto'
import { z } from 'zod'
import { MINUTE_MS, SECOND_MS, type Clock } from '#core/time.ts'
import { VendorFault, type LinkedPage, type ListedPage, type PullPage } from '#sync/connector.ts'
import type { Candidate } from '#sync/entity.ts'
import type { PipedriveRecord, Recent } from './answers.ts'
import {
  MAX_IDS,
  PAGE_SIZE,
  type ListQuery,
  type PipedriveClient,
  type RecordPath,
} from './client.ts'
import { readTime, toTombstone } from './mapping.ts'

/** Times are whole seconds: the last two are left to the next window. */
const LAG_MS = 2 * SECOND_MS
/** How far each window looks back: the vendor's clock may be this much behind ours. */
const OVERLAP_MS = 10 * MINUTE_MS
const MAX_REMEMBERED = 1000

const Scan = z.discriminatedUnion('kind', [
  /** Everything, by id. */
  z.object({ kind: z.literal('list'), startedAtMs: z.number() }),
  /** What was deleted or merged since: looked at before the changes, so that a survivor is known as one. */
  z.object({
    kind: z.literal('gone'),
    sinceMs: z.number(),
    untilMs: z.number(),
    start: z.number(),
  }),
  /** What was updated within [since, until), by id: a walk that writes of others cannot disturb. */
  z.object({ kind: z.literal('window'), sinceMs: z.number(), untilMs: z.number() }),
  z.object({ kind: z.literal('rest') }),
])
const Cursor = z.object({
  /** All changes up to here were read. */
  watermarkMs: z.number().nullable(),
  scan: Scan,
  /** Archived records are a list of their own, read after the others. */
  isArchive: z.boolean(),
  /** The vendor's own cursor within the scan. It is short-lived: when it is refused, the scan begins again. */
  after: z.string().nullable(),
  /** What was read in the last minutes of the window, by id: seen again with the same content it is left out. */
  recent: z.record(z.string(), z.tuple([z.number(), z.string()])),
})
type Cursor = z.infer<typeof Cursor>
/** A cursor of which a scan is under way. */
type Scanning = Cursor & { scan: Exclude<z.infer<typeof Scan>, { kind: 'rest' }> }
/** One of which a page of the list is due. */
type Listing = Cursor & { scan: Exclude<z.infer<typeof Scan>, { kind: 'rest' | 'gone' }> }

/** What a reader needs to know of a kind of record. */
export interface RecordType {
  path: RecordPath
  /** What a list is asked for besides; deals name the deleted among their status. */
  query: Pick<ListQuery, 'status' | 'includeFields'>
  hasArchive: boolean
  /** Under which name `recents` tells of deletions; deals list them by status. */
  recents?: 'person' | 'organization' | 'activity'
  /** Candidates of live records; may ask for what stands around them. */
  complete(records: readonly PipedriveRecord[], signal: AbortSignal): Promise<Candidate[]>
}

/**
 * Reads the records of a type: at first all of them, later those updated since, always in the order of ids and within a
 * window that has ended, so that nothing is skipped when pages shrink or records change during the walk.
 */
export class RecordReader {
  readonly #client: PipedriveClient
  readonly #clock: Clock
  readonly #type: RecordType

  constructor(client: PipedriveClient, clock: Clock, type: RecordType) {
    this.#client = client
    this.#clock = clock
    this.#type = type
  }

  /** @throws VendorFault `cursor_lost` when the cursor is none of ours. */
  async pull(given: unknown, signal: AbortSignal): Promise<PullPage> {
    const cursor = this.#resume(given)
    const { scan } = cursor
    if (scan.kind === 'gone') return this.#pullGone({ ...cursor, scan }, signal)
    return this.#pullPage({ ...cursor, scan }, signal)
  }

  async #pullPage(cursor: Listing, signal: AbortSignal): Promise<PullPage> {
    const page = await this.#page(cursor, signal)
    const sinceMs = this.#rememberFromMs(cursor)
    const isKnown = (record: PipedriveRecord) =>
      cursor.recent[String(record.id)]?.[1] === fingerprintOf(record)
    const fresh = page.records.filter((record) => !isKnown(record))
    const next = {
      ...this.#next(cursor, page.next),
      recent: remember(cursor.recent, page.records, sinceMs),
    }
    return {
      candidates: await this.#candidates(fresh, signal),
      cursor: next satisfies Cursor,
      done: next.scan.kind === 'rest',
    }
  }

  /**
   * Pipedrive tells no totals: the newest id is one, as long as little was deleted. Deals besides list the archived and, each on
   * its own, the people of those that have several.
   */
  async sizeUp(signal: AbortSignal): Promise<{ records: number; calls: number }> {
    const { path, hasArchive } = this.#type
    const { records } = await this.#client.list(
      path,
      { cursor: null, newestFirst: true, limit: 1 },
      signal,
    )
    const most = records[0]?.id ?? 0
    return { records: most, calls: Math.max(1, Math.ceil(most / PAGE_SIZE)) + (hasArchive ? 1 : 0) }
  }

  /** At most 100 records as they are now; deleted ones come as such where the vendor still lists them. */
  async fetch(ids: readonly string[], signal: AbortSignal): Promise<Candidate[]> {
    const records: PipedriveRecord[] = []
    for (let from = 0; from < ids.length; from += MAX_IDS) {
      const part = ids.slice(from, from + MAX_IDS)
      const { path, query } = this.#type
      records.push(...(await this.#client.readMany(path, part, query, signal)))
    }
    return this.#candidates(records, signal)
  }

  /** One call each: what seems to be missing is little, or something is badly wrong. */
  async listDeleted(ids: readonly string[], signal: AbortSignal): Promise<string[]> {
    const deleted: string[] = []
    for (const id of ids) {
      if (await this.#client.isDeleted(this.#type.path, id, signal)) deleted.push(id)
    }
    return deleted
  }

  /** Ids of all live records, archived ones among them. */
  async listAll(cursor: unknown, signal: AbortSignal): Promise<ListedPage> {
    const at = readPlace(cursor)
    const { records, next } = await this.#client.list(
      this.#pathOf(at.isArchive),
      { cursor: at.after },
      signal,
    )
    const place = placeAfter(at, next, this.#type.hasArchive)
    return {
      records: records.map((record) => ({
        externalId: String(record.id),
        modifiedAt: readTime(record.update_time),
      })),
      cursor: place,
      done: place === null,
    }
  }

  /** Ids of all live records that carry an id of ours. */
  async listLinked(
    cursor: unknown,
    localIdOf: (record: PipedriveRecord) => string | null,
    signal: AbortSignal,
  ): Promise<LinkedPage> {
    const at = readPlace(cursor)
    const { records, next } = await this.#client.list(this.#type.path, { cursor: at.after }, signal)
    const linked = records.flatMap((record) => {
      const localId = localIdOf(record)
      return localId === null ? [] : [{ localId, externalId: String(record.id) }]
    })
    const place = placeAfter(at, next, false)
    return { linked, cursor: place, done: place === null }
  }

  #resume(given: unknown): Scanning {
    const nowMs = this.#clock.now().getTime()
    if (given === null || given === undefined) {
      const scan = { kind: 'list', startedAtMs: nowMs } as const
      return { watermarkMs: null, scan, isArchive: false, after: null, recent: {} }
    }
    const parsed = Cursor.safeParse(given)
    if (!parsed.success) throw new VendorFault('cursor_lost', 'The kept position is unreadable.')
    const cursor = parsed.data
    const { scan } = cursor
    if (scan.kind !== 'rest') return { ...cursor, scan }
    const sinceMs = Math.max(0, (cursor.watermarkMs ?? 0) - OVERLAP_MS)
    const untilMs = Math.max(nowMs - LAG_MS, sinceMs)
    const window = { sinceMs, untilMs }
    const next: Scanning['scan'] = this.#type.recents
      ? { kind: 'gone', ...window, start: 0 }
      : { kind: 'window', ...window }
    return { ...cursor, isArchive: false, after: null, scan: next }
  }

  /** Records that are not there any more; those that took others in come with whom. */
  async #pullGone(
    cursor: Cursor & { scan: { sinceMs: number; untilMs: number; start: number } },
    signal: AbortSignal,
  ): Promise<PullPage> {
    const { sinceMs, untilMs, start } = cursor.scan
    const { items, next } = await this.#recents(sinceMs, start, signal)
    const isKnown = (id: number) => cursor.recent[`gone ${id}`] !== undefined
    const gone = items.filter(({ id, data }) => data.active_flag === false && !isKnown(id))
    const survivorOf = new Map(
      items.flatMap(({ id, data }) => (data.merge_what_id ? [[data.merge_what_id, id]] : [])),
    )
    const tombstones = gone.map(({ id, data }): Candidate => {
      const mergedInto = survivorOf.get(id)
      return {
        externalId: String(id),
        modifiedAt: readTime(data.update_time),
        deleted: true,
        values: {},
        references: {},
        ...(mergedInto === undefined ? {} : { mergedInto: String(mergedInto) }),
      }
    })
    const atMs = ({ data }: Recent) => readTime(data.update_time)?.getTime() ?? untilMs
    const noted = gone.map((one) => [`gone ${one.id}`, [atMs(one), '']] as const)
    const scan: Cursor['scan'] =
      next === null
        ? { kind: 'window', sinceMs, untilMs }
        : { kind: 'gone', sinceMs, untilMs, start: next }
    return {
      candidates: [...(await this.#survivors(gone, survivorOf, signal)), ...tombstones],
      cursor: { ...cursor, scan, recent: { ...cursor.recent, ...Object.fromEntries(noted) } },
      done: false,
    }
  }

  /** A company's plan or the app's scopes may not have it: then the comparison of all ids finds what is gone. */
  async #recents(sinceMs: number, start: number, signal: AbortSignal) {
    try {
      return await this.#client.recents(this.#type.recents!, sinceMs, start, signal)
    } catch (error) {
      const isMissing =
        error instanceof VendorFault && ['permission', 'gone', 'mapping'].includes(error.kind)
      if (!isMissing) throw error
      return { items: [], next: null }
    }
  }

  async #survivors(
    gone: readonly Recent[],
    survivorOf: ReadonlyMap<number, number>,
    signal: AbortSignal,
  ): Promise<Candidate[]> {
    const takenBy = new Map<string, string[]>()
    for (const { id } of gone) {
      const survivor = survivorOf.get(id)
      if (survivor === undefined) continue
      takenBy.set(String(survivor), [...(takenBy.get(String(survivor)) ?? []), String(id)])
    }
    if (takenBy.size === 0) return []
    const survivors = await this.fetch([...takenBy.keys()], signal)
    return survivors.map((one) => ({ ...one, mergedFrom: takenBy.get(one.externalId) ?? [] }))
  }

  async #page(cursor: Listing, signal: AbortSignal) {
    const { scan, after, isArchive } = cursor
    const window =
      scan.kind === 'window'
        ? { updatedSince: secondOf(scan.sinceMs), updatedUntil: secondOf(scan.untilMs) }
        : {}
    const query = { ...this.#type.query, ...window }
    const path = this.#pathOf(isArchive)
    try {
      return await this.#client.list(path, { ...query, cursor: after }, signal)
    } catch (error) {
      const isStale = error instanceof VendorFault && error.kind === 'mapping' && after !== null
      if (!isStale) throw error
      return await this.#client.list(path, { ...query, cursor: null }, signal)
    }
  }

  #pathOf(isArchive: boolean): RecordPath | 'deals/archived' {
    return isArchive ? 'deals/archived' : this.#type.path
  }

  #next(cursor: Listing, after: string | null): Cursor {
    if (after !== null) return { ...cursor, after }
    if (this.#type.hasArchive && !cursor.isArchive) {
      return { ...cursor, after: null, isArchive: true }
    }
    const { scan } = cursor
    const watermarkMs = scan.kind === 'list' ? scan.startedAtMs - LAG_MS : scan.untilMs
    return { ...cursor, watermarkMs, after: null, isArchive: false, scan: { kind: 'rest' } }
  }

  #rememberFromMs({ scan }: Listing): number {
    return (scan.kind === 'list' ? scan.startedAtMs : scan.untilMs) - OVERLAP_MS
  }

  async #candidates(records: readonly PipedriveRecord[], signal: AbortSignal) {
    const live = records.filter((record) => record.is_deleted !== true)
    const gone = records.filter((record) => record.is_deleted === true).map(toTombstone)
    return [...(live.length > 0 ? await this.#type.complete(live, signal) : []), ...gone]
  }
}

const Place = z.object({ isArchive: z.boolean(), after: z.string().nullable() })
type Place = z.infer<typeof Place>

function readPlace(cursor: unknown): Place {
  return Place.safeParse(cursor).data ?? { isArchive: false, after: null }
}

function placeAfter(at: Place, after: string | null, hasArchive: boolean): Place | null {
  if (after !== null) return { ...at, after }
  return hasArchive && !at.isArchive ? { isArchive: true, after: null } : null
}

/** RFC 3339 without a fraction, which Pipedrive refuses. */
export function secondOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}

/** The whole content: two writes within one second have the same time. */
function fingerprintOf(record: PipedriveRecord): string {
  return createHash('sha256').update(JSON.stringify(record)).digest('base64').slice(0, 16)
}

/** What was read of the last minutes, the newest thousand at most; those forgotten are only read once more. */
function remember(
  known: Cursor['recent'],
  records: readonly PipedriveRecord[],
  sinceMs: number,
): Cursor['recent'] {
  const all = new Map(Object.entries(known))
  for (const record of records) {
    const atMs = readTime(record.update_time)?.getTime() ?? 0
    if (atMs >= sinceMs) all.set(String(record.id), [atMs, fingerprintOf(record)])
  }
  const kept = [...all].filter(([, [atMs]]) => atMs >= sinceMs)
  kept.sort((a, b) => b[1][0] - a[1][0])
  return Object.fromEntries(kept.slice(0, MAX_REMEMBERED))
}
