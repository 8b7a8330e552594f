import { MINUTE_MS } from '#core/time.ts'
import type { PushChange } from '#sync/connector.ts'
import type { HubspotRecord } from './answers.ts'
import { keyOf } from './campaign-mapping.ts'
import { CAMPAIGNS_PAGE, MOST_CAMPAIGNS, type HubspotClient } from './client.ts'
import { modifiedAtOf, textOf } from './mapping.ts'

const NAMES = ['hs_name', 'hs_utm', 'hs_start_date', 'hs_end_date', 'hs_campaign_status']
const OVERLAP_MS = 10 * MINUTE_MS

/** Calls that list so many campaigns. */
export function pagesOf(records: number): number {
  return Math.max(1, Math.ceil(records / CAMPAIGNS_PAGE))
}

/** Calls that look whether so many campaigns are there before they are made: all of them at first, then what changed since. */
export function lookCalls(made: number, there: number): number {
  return made === 0 ? 0 : pagesOf(there) + Math.ceil(made / MOST_CAMPAIGNS) - 1
}

/**
 * What campaigns there are, as far as it matters before one is made. By its UTM value one is told from all others; by name and first
 * day alone only after a call whose answer was lost: two campaigns of one name and day may be meant.
 */
export class CampaignFinder {
  readonly #client: HubspotClient
  readonly #known = new Map<string, HubspotRecord>()
  /** All were looked at once. */
  #isComplete = false
  /** The last change that was seen, by HubSpot's clock. */
  #seenToMs = 0

  constructor(client: HubspotClient) {
    this.#client = client
  }

  /** Reads the list from its newest change down to what is known. */
  async look(signal: AbortSignal): Promise<void> {
    const sinceMs = this.#isComplete ? this.#seenToMs - OVERLAP_MS : 0
    for (let after: string | null = null; ;) {
      const page = await this.#client.campaigns(NAMES, '-updatedAt', after, signal)
      for (const campaign of page.records) this.note(campaign)
      const oldest = page.records.at(-1)
      after = page.after
      if (after !== null && oldest && changedAtMs(oldest) >= sinceMs) continue
      this.#isComplete = true
      return
    }
  }

  note(campaign: HubspotRecord): void {
    this.#known.set(campaign.id, campaign)
    this.#seenToMs = Math.max(this.#seenToMs, changedAtMs(campaign))
  }

  forget(id: string): void {
    this.#known.delete(id)
  }

  /** @param byName  also by name and first day. */
  find(change: PushChange, byName: boolean): HubspotRecord | null {
    const all = [...this.#known.values()]
    const named = all.find((campaign) => isSameKey(campaign, change))
    if (named) return named
    return (byName && all.find((campaign) => isSameName(campaign, change))) || null
  }

  /** Whether a campaign of an answer is the one that was sent. */
  isOf(campaign: HubspotRecord, change: PushChange): boolean {
    return campaign.properties['hs_utm']
      ? isSameKey(campaign, change)
      : isSameName(campaign, change)
  }
}

function isSameKey({ properties }: HubspotRecord, change: PushChange): boolean {
  const key = keyOf(sentBy(change, 'hs_utm'))
  return key !== null && keyOf(properties['hs_utm']) === key
}

function isSameName({ properties }: HubspotRecord, change: PushChange): boolean {
  const plain = (text: string | null | undefined) => (text ?? '').trim().toLowerCase()
  return ['hs_name', 'hs_start_date'].every(
    (name) => plain(properties[name]).slice(0, 200) === plain(sentBy(change, name)),
  )
}

function sentBy({ properties }: PushChange, name: string): string {
  return textOf(properties[name] ?? null)
}

function changedAtMs(campaign: HubspotRecord): number {
  return modifiedAtOf(campaign)?.getTime() ?? 0
}
