import { z } from 'zod'
import { MINUTE_MS, SECOND_MS, type Clock } from '#core/time.ts'
import { VendorFault, type PullPage } from '#sync/connector.ts'
import type { Candidate } from '#sync/entity.ts'
import type { HubspotRecord } from './answers.ts'
import type { HubspotClient } from './client.ts'
import {
  dealProperties,
  dealToCandidate,
  dealToTombstone,
  modifiedAtOf,
  readTime,
  stageEntryProperty,
} from './mapping.ts'

/** Search lags behind writes: newer changes wait for the next run, and each window looks this far back again. */
const LAG_MS = 5 * SECOND_MS
const OVERLAP_MS = 10 * MINUTE_MS
/** How far HubSpot's clock may be behind ours when it stamps an archived deal. */
const SKEW_MS = 30 * SECOND_MS
/** Pages of the archive looked at in one run; the scan goes on where it stopped. */
const ARCHIVE_PAGES = 10
const MAX_REMEMBERED = 1000
const MAX_STAGE_PROPERTIES = 150

const DealCursor = z.object({
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
  /** Deals read in the last minutes of the window, by id: seen again at the same version they are left out. */
  recent: z.record(z.string(), z.number()),
})
type DealCursor = z.infer<typeof DealCursor>
/** A cursor of which a scan is under way. */
type Scanning = DealCursor & { scan: Exclude<DealCursor['scan'], { kind: 'rest' }> }

/**
 * Reads deals: at first all of them by list, later those changed since by search, each time followed by a look into
 * the archive for deleted ones.
 */
export class DealReader {
  readonly #client: HubspotClient
  readonly #clock: Clock

  constructor(client: HubspotClient, clock: Clock) {
    this.#client = client
    this.#clock = clock
  }

  /** @throws VendorFault `cursor_lost` when the cursor is none of ours. */
  async pull(given: unknown, signal: AbortSignal): Promise<PullPage> {
    const cursor = this.#resume(given)
    const { scan } = cursor
    if (scan.kind === 'list') return this.#pullList(cursor, scan, signal)
    if (scan.kind === 'search') return this.#pullChanges(cursor, scan, signal)
    return this.#pullArchive(cursor, scan, signal)
  }

  /** At most 100 deals as they are now; archived ones are left out. */
  async fetch(ids: readonly string[], signal: AbortSignal): Promise<Candidate[]> {
    const properties = await this.#properties(signal)
    return this.#complete(await this.#client.readMany('deals', ids, properties, signal), signal)
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
    const parsed = DealCursor.safeParse(given)
    if (!parsed.success) throw new VendorFault('cursor_lost', 'The kept position is unreadable.')
    const cursor = parsed.data
    const { scan } = cursor
    if (scan.kind !== 'rest') return { ...cursor, scan }
    const sinceMs = Math.max(0, (cursor.watermarkMs ?? 0) - OVERLAP_MS)
    const untilMs = Math.max(nowMs - LAG_MS, sinceMs)
    return { ...cursor, scan: { kind: 'search', sinceMs, untilMs, lastId: '0' } }
  }

  async #pullList(
    cursor: DealCursor,
    scan: { after: string | null; startedAtMs: number },
    signal: AbortSignal,
  ): Promise<PullPage> {
    const properties = await this.#properties(signal)
    const page = await this.#client.list('deals', properties, scan.after, false, signal)
    const next: DealCursor = page.after
      ? { ...cursor, scan: { ...scan, kind: 'list', after: page.after } }
      : { ...cursor, watermarkMs: scan.startedAtMs, scan: { kind: 'archive', pages: 0 } }
    const fromMs = scan.startedAtMs - OVERLAP_MS
    next.recent = remember(cursor.recent, page.records, fromMs)
    return {
      candidates: await this.#complete(page.records, signal),
      cursor: next,
      done: false,
    }
  }

  async #pullChanges(
    cursor: DealCursor,
    scan: { sinceMs: number; untilMs: number; lastId: string },
    signal: AbortSignal,
  ): Promise<PullPage> {
    const properties = await this.#properties(signal)
    const property = 'hs_lastmodifieddate'
    const page = await this.#client.changedWithin('deals', property, scan, properties, signal)
    const last = page.records.at(-1)
    const next: DealCursor =
      page.hasMore && last
        ? { ...cursor, scan: { ...scan, kind: 'search', lastId: last.id } }
        : { ...cursor, watermarkMs: scan.untilMs, scan: { kind: 'archive', pages: 0 } }
    const isKnown = (deal: HubspotRecord) =>
      cursor.recent[deal.id] !== undefined &&
      cursor.recent[deal.id] === modifiedAtOf(deal)?.getTime()
    const fresh = page.records.filter((deal) => !isKnown(deal))
    next.recent = remember(cursor.recent, page.records, scan.untilMs - OVERLAP_MS)
    return { candidates: await this.#complete(fresh, signal), cursor: next, done: false }
  }

  async #pullArchive(
    cursor: DealCursor,
    scan: { pages: number },
    signal: AbortSignal,
  ): Promise<PullPage> {
    const nowMs = this.#clock.now().getTime()
    const archive = cursor.archive.after
      ? cursor.archive
      : { ...cursor.archive, startedAtMs: nowMs }
    const page = await this.#client.list('deals', ['dealname'], archive.after, true, signal)
    const sinceMs = archive.previousAtMs - SKEW_MS
    const isNew = (deal: HubspotRecord) =>
      (readTime(deal.archivedAt)?.getTime() ?? Infinity) >= sinceMs
    const done = page.after === null || scan.pages + 1 >= ARCHIVE_PAGES
    const nextArchive = page.after
      ? { ...archive, after: page.after }
      : { ...archive, previousAtMs: archive.startedAtMs, after: null }
    return {
      candidates: page.records.filter(isNew).map(dealToTombstone),
      cursor: {
        ...cursor,
        archive: nextArchive,
        scan: done ? { kind: 'rest' } : { kind: 'archive', pages: scan.pages + 1 },
      } satisfies DealCursor,
      done,
    }
  }

  /** Adds the contacts: search and batch reads come without associations. */
  async #complete(deals: readonly HubspotRecord[], signal: AbortSignal): Promise<Candidate[]> {
    if (deals.length === 0) return []
    const ids = deals.map((deal) => deal.id)
    const contacts = await this.#client.contactsOfDeals(ids, signal)
    const { companyCurrency } = await this.#client.account(signal)
    return deals.map((deal) =>
      dealToCandidate(deal, contacts.get(deal.id) ?? [], companyCurrency ?? 'USD'),
    )
  }

  async #properties(signal: AbortSignal): Promise<string[]> {
    const pipelines = await this.#client.pipelines(signal)
    const stageIds = pipelines.flatMap((pipeline) => pipeline.stages.map((stage) => stage.id))
    return [...dealProperties, ...stageIds.slice(0, MAX_STAGE_PROPERTIES).map(stageEntryProperty)]
  }
}

/** The versions of deals changed since, the newest thousand at most; those forgotten are only read once more. */
function remember(
  known: Record<string, number>,
  deals: readonly HubspotRecord[],
  sinceMs: number,
): Record<string, number> {
  const versions = new Map(Object.entries(known))
  for (const deal of deals) versions.set(deal.id, modifiedAtOf(deal)?.getTime() ?? 0)
  const kept = [...versions].filter(([, atMs]) => atMs >= sinceMs)
  kept.sort((a, b) => b[1] - a[1])
  return Object.fromEntries(kept.slice(0, MAX_REMEMBERED))
}
