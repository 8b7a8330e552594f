import { z } from 'zod'
import { MINUTE_MS, WEEK_MS, type Clock } from '#core/time.ts'
import { VendorFault, type ListedPage, type PullPage } from '#sync/connector.ts'
import type { Candidate } from '#sync/entity.ts'
import type { HubspotRecord } from './answers.ts'
import { pagesOf } from './campaign-finder.ts'
import {
  campaignExtras,
  campaignNames,
  campaignToCandidate,
  goneCampaign,
  needsCurrency,
} from './campaign-mapping.ts'
import { MOST_CAMPAIGNS, type HubspotClient } from './client.ts'
import { modifiedAtOf } from './mapping.ts'
import { remember } from './records.ts'

/** The list may lag behind writes: each look goes this far behind the last change that was seen. */
const OVERLAP_MS = 10 * MINUTE_MS
/** All are read this often, should the time of a campaign not tell of everything in it, such as the sum of its budget items. */
const WHOLE_MS = WEEK_MS

const Cursor = z.object({
  /** The last change that was seen, by HubSpot's clock. */
  seenToMs: z.number(),
  /** When the last reading of all began. */
  wholeAtMs: z.number(),
  /** All that are there: an account has hundreds, thousands at most. */
  ids: z.array(z.string()),
  /** Versions read in the last minutes, by id: seen again they are left out. */
  recent: z.record(z.string(), z.number()),
  scan: z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('whole'),
      after: z.string().nullable(),
      seen: z.array(z.string()),
      startedAtMs: z.number(),
    }),
    z.object({ kind: z.literal('missing'), left: z.array(z.string()) }),
    z.object({ kind: z.literal('changes'), after: z.string().nullable(), sinceMs: z.number() }),
    z.object({ kind: z.literal('rest') }),
  ]),
})
type Cursor = z.infer<typeof Cursor>
type Scan<Kind> = Extract<Cursor['scan'], { kind: Kind }>

/**
 * Reads campaigns: all of them at first, later the list from its newest change down to what is known. The list filters by name alone
 * and does not tell what was deleted, but how many there are: when that is not what is known, all are read, and those that do not
 * turn up are asked for by id before they are called gone, since pages that are counted skip one when another vanishes.
 */
export class CampaignReader {
  readonly #client: HubspotClient
  readonly #clock: Clock
  readonly #names: readonly string[]
  readonly #mapped: readonly string[]

  /** @param mapped  properties that the workspace mapped. */
  constructor(client: HubspotClient, clock: Clock, mapped: readonly string[]) {
    this.#client = client
    this.#clock = clock
    this.#mapped = mapped
    this.#names = [...new Set([...campaignNames, ...mapped])]
  }

  /** @throws VendorFault `cursor_lost` when the cursor is none of ours. */
  async pull(given: unknown, signal: AbortSignal): Promise<PullPage> {
    const cursor = this.#resume(given)
    const { scan } = cursor
    if (scan.kind === 'whole') return this.#pullWhole(cursor, scan, signal)
    if (scan.kind === 'missing') return this.#pullMissing(cursor, scan, signal)
    const sinceMs = cursor.seenToMs - OVERLAP_MS
    const changes =
      scan.kind === 'changes' ? scan : { kind: 'changes' as const, after: null, sinceMs }
    return this.#pullChanges(cursor, changes, signal)
  }

  /** Pages of a first pull. Where the account does not let the hub read them, one call is refused. */
  async sizeUp(signal: AbortSignal): Promise<{ records: number | null; calls: number }> {
    try {
      const { total } = await this.#client.campaigns(['hs_name'], 'createdAt', null, signal, 1)
      return { records: total, calls: pagesOf(total) }
    } catch (error) {
      if (!(error instanceof VendorFault) || error.kind !== 'permission') throw error
      return { records: null, calls: 1 }
    }
  }

  /** Campaigns as they are now; those that are gone come not at all. */
  async fetch(ids: readonly string[], signal: AbortSignal): Promise<Candidate[]> {
    const found: HubspotRecord[] = []
    for (let from = 0; from < ids.length; from += MOST_CAMPAIGNS) {
      const part = ids.slice(from, from + MOST_CAMPAIGNS)
      found.push(...(await this.#client.readCampaigns(part, this.#names, signal)))
    }
    return this.#candidatesOf(found, signal)
  }

  async listAll(cursor: unknown, signal: AbortSignal): Promise<ListedPage> {
    const after = typeof cursor === 'string' ? cursor : null
    const page = await this.#client.campaigns(['hs_name'], 'createdAt', after, signal)
    const records = page.records.map((campaign) => ({
      externalId: campaign.id,
      modifiedAt: modifiedAtOf(campaign),
    }))
    return { records, cursor: page.after, done: page.after === null }
  }

  /** Campaigns that were read with all that is read of them: what is absent is blank. */
  async #candidatesOf(
    campaigns: readonly HubspotRecord[],
    signal: AbortSignal,
  ): Promise<Candidate[]> {
    const blank = Object.fromEntries(this.#names.map((name) => [name, null]))
    const whole = campaigns.map((one) => ({ ...one, properties: { ...blank, ...one.properties } }))
    const currency = whole.some(needsCurrency)
      ? ((await this.#client.account(signal)).companyCurrency ?? null)
      : null
    return whole.map((campaign) => ({
      ...campaignToCandidate(campaign, currency),
      raw: this.#rawOf(campaign),
    }))
  }

  /** HubSpot's own values that no field of ours holds. */
  #rawOf({ properties }: HubspotRecord): Record<string, string | null> {
    const names = [...campaignExtras, ...this.#mapped]
    return Object.fromEntries(names.map((name) => [name, properties[name] || null]))
  }

  #resume(given: unknown): Cursor {
    if (given === null || given === undefined) {
      const none = { seenToMs: 0, wholeAtMs: 0, ids: [], recent: {} }
      return { ...none, scan: this.#beginning() }
    }
    const parsed = Cursor.safeParse(given)
    if (!parsed.success) throw new VendorFault('cursor_lost', 'The kept position is unreadable.')
    return parsed.data
  }

  #beginning(): Scan<'whole'> {
    return { kind: 'whole', after: null, seen: [], startedAtMs: this.#clock.now().getTime() }
  }

  async #pullWhole(cursor: Cursor, scan: Scan<'whole'>, signal: AbortSignal): Promise<PullPage> {
    // By the time they were made: a new one comes last, and moves none.
    const page = await this.#client.campaigns(this.#names, 'createdAt', scan.after, signal)
    const candidates = await this.#candidatesOf(page.records, signal)
    const seen = [...scan.seen, ...page.records.map(({ id }) => id)]
    const noted = this.#note(cursor, page.records)
    if (page.after !== null) {
      const next = { ...noted, scan: { ...scan, after: page.after, seen } } satisfies Cursor
      return { candidates, cursor: next, done: false }
    }
    const there = new Set(seen)
    const left = cursor.ids.filter((id) => !there.has(id))
    const next: Cursor = {
      ...noted,
      ids: [...there],
      wholeAtMs: scan.startedAtMs,
      scan: left.length > 0 ? { kind: 'missing', left } : { kind: 'rest' },
    }
    return { candidates, cursor: next, done: left.length === 0 }
  }

  async #pullMissing(
    cursor: Cursor,
    { left }: Scan<'missing'>,
    signal: AbortSignal,
  ): Promise<PullPage> {
    const part = left.slice(0, MOST_CAMPAIGNS)
    const found = await this.fetch(part, signal)
    const there = new Set(found.map(({ externalId }) => externalId))
    const rest = left.slice(MOST_CAMPAIGNS)
    const next: Cursor = {
      ...cursor,
      ids: [...cursor.ids, ...there],
      scan: rest.length > 0 ? { kind: 'missing', left: rest } : { kind: 'rest' },
    }
    const gone = part.filter((id) => !there.has(id)).map(goneCampaign)
    return { candidates: [...found, ...gone], cursor: next, done: rest.length === 0 }
  }

  async #pullChanges(
    cursor: Cursor,
    scan: Scan<'changes'>,
    signal: AbortSignal,
  ): Promise<PullPage> {
    const page = await this.#client.campaigns(this.#names, '-updatedAt', scan.after, signal)
    const fresh = page.records.filter((campaign) => changedAtMs(campaign) >= scan.sinceMs)
    const news = fresh.filter((campaign) => cursor.recent[campaign.id] !== changedAtMs(campaign))
    const candidates = await this.#candidatesOf(news, signal)
    const ids = [...new Set([...cursor.ids, ...fresh.map(({ id }) => id)])]
    const hasMore = page.after !== null && fresh.length === page.records.length
    // Until the window is through, what its later pages may repeat is to be remembered as well.
    const noted: Cursor = { ...this.#note(cursor, fresh, hasMore ? scan.sinceMs : null), ids }
    if (hasMore) {
      const next = { ...noted, scan: { ...scan, after: page.after } } satisfies Cursor
      return { candidates, cursor: next, done: false }
    }
    const isOld = this.#clock.now().getTime() - cursor.wholeAtMs >= WHOLE_MS
    const isWhole = isOld || page.total !== ids.length
    const next: Cursor = { ...noted, scan: isWhole ? this.#beginning() : { kind: 'rest' } }
    return { candidates, cursor: next, done: !isWhole }
  }

  #note(cursor: Cursor, records: readonly HubspotRecord[], keepMs: number | null = null): Cursor {
    const seenToMs = Math.max(cursor.seenToMs, ...records.map(changedAtMs))
    const recent = remember(cursor.recent, records, keepMs ?? seenToMs - OVERLAP_MS)
    return { ...cursor, seenToMs, recent }
  }
}

function changedAtMs(campaign: HubspotRecord): number {
  return modifiedAtOf(campaign)?.getTime() ?? 0
}
