import { z } from 'zod'
import { DAY_MS, MINUTE_MS, SECOND_MS, type Clock } from '#core/time.ts'
import { VendorFault, type ListedPage, type PullPage } from '#sync/connector.ts'
import type { Candidate } from '#sync/entity.ts'
import type { HubspotRecord } from './answers.ts'
import type { HubspotClient } from './client.ts'
import { LEAD_ID_PROPERTY } from './fields.ts'
import { modifiedAtOf, readTime, toTombstone, withHistory } from './mapping.ts'

/** Search lags behind writes: newer changes wait for the next run, and each window looks this far back again. */
const LAG_MS = 5 * SECOND_MS
const OVERLAP_MS = 10 * MINUTE_MS
/** How far HubSpot's clock may be behind ours when it stamps an archived record. */
const SKEW_MS = 30 * SECOND_MS
/** Pages of the archive looked at in one run; the scan goes on where it stopped. */
const ARCHIVE_PAGES = 10
const MAX_REMEMBERED = 1000
/** Records in one read; with their history HubSpot gives half as many. */
const READ = 100
const READ_WITH_HISTORY = 50
/** Names of properties in one call, in characters: a URL of more than 15,000 fails. */
const MAX_NAMES = 10_000
/** The customer's own properties are asked for again after this. */
const CUSTOM_MS = DAY_MS

const Cursor = z.object({
  /** All changes up to here were read. */
  watermarkMs: z.number().nullable(),
  scan: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('list'), after: z.string().nullable(), startedAtMs: z.number() }),
    z.object({
      kind: z.literal('search'),
      sinceMs: z.number(),
      untilMs: z.number(),
      lastId: z.string(),
    }),
    z.object({ kind: z.literal('archive'), pages: z.number() }),
    z.object({ kind: z.literal('rest') }),
  ]),
  archive: z.object({
    after: z.string().nullable(),
    /** When the present and the last whole pass began. */
    startedAtMs: z.number(),
    previousAtMs: z.number(),
  }),
  /** Records read in the last minutes of the window, by id: seen again at the same version they are left out. */
  recent: z.record(z.string(), z.number()),
  /** The customer's own properties, so that their values are kept although nothing is mapped to them. */
  custom: z.object({ names: z.array(z.string()), atMs: z.number() }).optional(),
})
type Cursor = z.infer<typeof Cursor>
/** A cursor of which a scan is under way. */
type Scanning = Cursor & { scan: Exclude<Cursor['scan'], { kind: 'rest' }> }

/** What a reader needs to know of an object type. */
export interface RecordType {
  /** HubSpot's name, plural. */
  type: string
  modifiedProperty: 'lastmodifieddate' | 'hs_lastmodifieddate'
  /** What is read besides the customer's own properties and those that the workspace mapped. */
  properties(signal: AbortSignal): Promise<readonly string[]>
  /** The property of each field that has a history worth reading. */
  historyOf: ReadonlyMap<string, string>
  /** Candidates of records as they were read; may ask for what stands around them. */
  complete(records: readonly HubspotRecord[], signal: AbortSignal): Promise<Candidate[]>
  /** Calls of `complete` for so many pages that hold records. */
  callsToComplete(pages: number): number
  /** The mapping of a single record, pure. */
  candidateOf(record: HubspotRecord): Candidate
}

/**
 * Reads the records of a type: at first all of them by list, later those changed since by search, each time followed by a
 * look into the archive for deleted ones.
 *
 * Search gives 10,000 results at most: within a window of time the ids are gone through in order (`hs_object_id` above the
 * last), which has no such end. It lags behind writes: each window begins before the last one ended.
 */
export class RecordReader {
  readonly #client: HubspotClient
  readonly #clock: Clock
  readonly #type: RecordType
  /** Properties that the workspace mapped. */
  readonly #mapped: readonly string[]

  constructor(client: HubspotClient, clock: Clock, type: RecordType, mapped: readonly string[]) {
    this.#client = client
    this.#clock = clock
    this.#type = type
    this.#mapped = mapped
  }

  /** @throws VendorFault `cursor_lost` when the cursor is none of ours. */
  async pull(given: unknown, signal: AbortSignal): Promise<PullPage> {
    const cursor = await this.#withCustom(this.#resume(given), signal)
    const { scan } = cursor
    if (scan.kind === 'list') return this.#pullList(cursor, scan, signal)
    if (scan.kind === 'search') return this.#pullChanges(cursor, scan, signal)
    return this.#pullArchive(cursor, scan, signal)
  }

  /** A first pull: the records, the customer's properties, the archive. Associations come with the pages. */
  async sizeUp(signal: AbortSignal): Promise<{ records: number; calls: number }> {
    const records = await this.#client.count(this.#type.type, signal)
    const pages = Math.ceil(records / READ)
    const more = pages === 0 ? 0 : this.#type.callsToComplete(pages)
    return { records, calls: Math.max(1, pages) + more + 2 }
  }

  /** Records as they are now; archived ones come as deleted, those that vanished not at all. */
  async fetch(ids: readonly string[], signal: AbortSignal, need?: 'history'): Promise<Candidate[]> {
    const names = await this.#names(undefined, signal)
    const { historyOf } = this.#type
    const dated = [
      ...historyOf.values(),
      ...(names.includes(LEAD_ID_PROPERTY) ? [LEAD_ID_PROPERTY] : []),
    ]
    const history = need === 'history' ? [...new Set(dated)] : []
    const size = need === 'history' ? READ_WITH_HISTORY : READ
    const records: HubspotRecord[] = []
    for (let from = 0; from < ids.length; from += size) {
      const part = ids.slice(from, from + size)
      records.push(
        ...(await this.#client.readMany(this.#type.type, part, names, signal, { history })),
      )
    }
    const candidates = await this.#candidates(records, signal)
    if (need !== 'history') return candidates
    return candidates.map((candidate, i) =>
      withHistory(records[i]!, candidate, historyOf, (record) => this.#type.candidateOf(record)),
    )
  }

  async listDeleted(ids: readonly string[], signal: AbortSignal): Promise<string[]> {
    const deleted: string[] = []
    for (let from = 0; from < ids.length; from += READ) {
      const part = ids.slice(from, from + READ)
      deleted.push(...(await this.#client.readArchived(this.#type.type, part, signal)))
    }
    return deleted
  }

  /** Ids of all live records. */
  async listAll(cursor: unknown, signal: AbortSignal): Promise<ListedPage> {
    const after = typeof cursor === 'string' ? cursor : null
    const { type, modifiedProperty } = this.#type
    const page = await this.#client.list(type, [modifiedProperty], after, false, signal)
    const records = page.records.map((record) => ({
      externalId: record.id,
      modifiedAt: modifiedAtOf(record),
    }))
    return { records, cursor: page.after, done: page.after === null }
  }

  #resume(given: unknown): Scanning {
    const nowMs = this.#clock.now().getTime()
    if (given === null || given === undefined) {
      return {
        watermarkMs: null,
        scan: { kind: 'list', after: null, startedAtMs: nowMs },
        archive: { after: null, startedAtMs: nowMs, previousAtMs: 0 },
        recent: {},
      }
    }
    const parsed = Cursor.safeParse(given)
    if (!parsed.success) throw new VendorFault('cursor_lost', 'The kept position is unreadable.')
    const cursor = parsed.data
    const { scan } = cursor
    if (scan.kind !== 'rest') return { ...cursor, scan }
    const sinceMs = Math.max(0, (cursor.watermarkMs ?? 0) - OVERLAP_MS)
    const untilMs = Math.max(nowMs - LAG_MS, sinceMs)
    return { ...cursor, scan: { kind: 'search', sinceMs, untilMs, lastId: '0' } }
  }

  async #withCustom(cursor: Scanning, signal: AbortSignal): Promise<Scanning> {
    const nowMs = this.#clock.now().getTime()
    if (cursor.custom && nowMs - cursor.custom.atMs < CUSTOM_MS) return cursor
    const fields = await this.#client.describe(this.#type.type, signal)
    const names = fields.filter((field) => field.custom).map((field) => field.name)
    return { ...cursor, custom: { names, atMs: nowMs } }
  }

  async #pullList(
    cursor: Cursor,
    scan: { after: string | null; startedAtMs: number },
    signal: AbortSignal,
  ): Promise<PullPage> {
    const names = await this.#names(cursor, signal)
    const page = await this.#client.list(this.#type.type, names, scan.after, false, signal)
    const next: Cursor = page.after
      ? { ...cursor, scan: { ...scan, kind: 'list', after: page.after } }
      : { ...cursor, watermarkMs: scan.startedAtMs, scan: { kind: 'archive', pages: 0 } }
    next.recent = remember(cursor.recent, page.records, scan.startedAtMs - OVERLAP_MS)
    return { candidates: await this.#candidates(page.records, signal), cursor: next, done: false }
  }

  async #pullChanges(
    cursor: Cursor,
    scan: { sinceMs: number; untilMs: number; lastId: string },
    signal: AbortSignal,
  ): Promise<PullPage> {
    const { type, modifiedProperty } = this.#type
    const names = await this.#names(cursor, signal)
    const page = await this.#client.changedWithin(type, modifiedProperty, scan, names, signal)
    const last = page.records.at(-1)
    const next: Cursor =
      page.hasMore && last
        ? { ...cursor, scan: { ...scan, kind: 'search', lastId: last.id } }
        : { ...cursor, watermarkMs: scan.untilMs, scan: { kind: 'archive', pages: 0 } }
    const isKnown = (record: HubspotRecord) =>
      cursor.recent[record.id] !== undefined &&
      cursor.recent[record.id] === modifiedAtOf(record)?.getTime()
    const fresh = page.records.filter((record) => !isKnown(record))
    // Until the window is through, what its later pages may repeat is to be remembered as well.
    const keepMs = page.hasMore ? scan.sinceMs : scan.untilMs - OVERLAP_MS
    next.recent = remember(cursor.recent, page.records, keepMs)
    return { candidates: await this.#candidates(fresh, signal), cursor: next, done: false }
  }

  async #pullArchive(
    cursor: Cursor,
    scan: { pages: number },
    signal: AbortSignal,
  ): Promise<PullPage> {
    const nowMs = this.#clock.now().getTime()
    const archive = cursor.archive.after
      ? cursor.archive
      : { ...cursor.archive, startedAtMs: nowMs }
    const { type, modifiedProperty } = this.#type
    const page = await this.#client.list(type, [modifiedProperty], archive.after, true, signal)
    const sinceMs = archive.previousAtMs - SKEW_MS
    const isNew = (record: HubspotRecord) =>
      (readTime(record.archivedAt)?.getTime() ?? Infinity) >= sinceMs
    const done = page.after === null || scan.pages + 1 >= ARCHIVE_PAGES
    const nextArchive = page.after
      ? { ...archive, after: page.after }
      : { ...archive, previousAtMs: archive.startedAtMs, after: null }
    return {
      candidates: page.records.filter(isNew).map(toTombstone),
      cursor: {
        ...cursor,
        archive: nextArchive,
        scan: done ? { kind: 'rest' } : { kind: 'archive', pages: scan.pages + 1 },
      } satisfies Cursor,
      done,
    }
  }

  async #candidates(records: readonly HubspotRecord[], signal: AbortSignal): Promise<Candidate[]> {
    if (records.length === 0) return []
    const known = new Set(await this.#type.properties(signal))
    const candidates = await this.#type.complete(records, signal)
    return candidates.map((candidate, i) => ({
      ...candidate,
      raw: rawOf(records[i]!, known),
    }))
  }

  /** What is asked for: our own first, then what the workspace mapped, then the customer's, as far as a URL carries it. */
  async #names(cursor: Cursor | undefined, signal: AbortSignal): Promise<string[]> {
    const own = await this.#type.properties(signal)
    const names = new Set([...own, 'hs_merged_object_ids', ...this.#mapped])
    let size = [...names].join().length
    for (const name of cursor?.custom?.names ?? []) {
      if (names.has(name)) continue
      size += name.length + 1
      if (size > MAX_NAMES) break
      names.add(name)
    }
    return [...names]
  }
}

/** HubSpot's own values that no field of ours holds. */
function rawOf(record: HubspotRecord, known: ReadonlySet<string>): Record<string, string | null> {
  return Object.fromEntries(
    Object.entries(record.properties).filter(([name]) => !known.has(name) && !SYSTEM.has(name)),
  )
}

const SYSTEM = new Set([
  'hs_object_id',
  'createdate',
  'lastmodifieddate',
  'hs_lastmodifieddate',
  'hs_merged_object_ids',
])

/** The versions of records changed since, the newest thousand at most; those forgotten are only read once more. */
export function remember(
  known: Record<string, number>,
  records: readonly HubspotRecord[],
  sinceMs: number,
): Record<string, number> {
  const versions = new Map(Object.entries(known))
  for (const record of records) versions.set(record.id, modifiedAtOf(record)?.getTime() ?? 0)
  const kept = [...versions].filter(([, atMs]) => atMs >= sinceMs)
  kept.sort((a, b) => b[1] - a[1])
  return Object.fromEntries(kept.slice(0, MAX_REMEMBERED))
}
