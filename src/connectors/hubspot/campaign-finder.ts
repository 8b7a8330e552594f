import type { PushChange } from '#sync/connector.ts'
import type { HubspotRecord } from './answers.ts'
import { keyOf } from './campaign-mapping.ts'
import { CAMPAIGNS_PAGE, MOST_CAMPAIGNS, type HubspotClient } from './client.ts'
import { textOf } from './mapping.ts'

const NAMES = ['hs_name', 'hs_utm', 'hs_start_date', 'hs_end_date', 'hs_campaign_status']

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

  constructor(client: HubspotClient) {
    this.#client = client
  }

  /** Reads the list from its newest change down to a page of which all are known. */
  async look(signal: AbortSignal): Promise<void> {
    for (let after: string | null = null; ;) {
      const page = await this.#client.campaigns(NAMES, '-updatedAt', after, signal)
      const isNews = page.records.some(({ id }) => !this.#known.has(id))
      for (const campaign of page.records) this.note(campaign)
      after = page.after
      if (after !== null && (isNews || !this.#isComplete)) continue
      this.#isComplete = true
      return
    }
  }

  note(campaign: HubspotRecord): void {
    this.#known.set(campaign.id, campaign)
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
}

/** Which of these is the campaign of an answer, which comes in no order. */
export function findOf(
  campaign: HubspotRecord,
  changes: readonly PushChange[],
): PushChange | undefined {
  return (
    changes.find((change) => isSameKey(campaign, change)) ??
    changes.find((change) => isSameName(campaign, change))
  )
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
