import type { PushChange, PushResult } from '#sync/connector.ts'
import type { SalesforceClient } from './client.ts'
import { refused } from './errors.ts'
import { list } from './soql.ts'

/** Campaigns whose statuses are asked for in one query. */
const CAMPAIGNS_A_QUERY = 400

/**
 * Writes members of campaigns, but for those with a status that their campaign does not have: Salesforce would set the default
 * one in its place and say nothing. The statuses of a campaign are asked for once a session, and again for one that is not
 * among them; up to 400 campaigns a call.
 * Salesforce docs: CampaignMember, Status.
 */
export class MemberPusher {
  readonly #client: SalesforceClient
  readonly #statuses = new Map<string, Set<string>>()

  constructor(client: SalesforceClient) {
    this.#client = client
  }

  async push(
    changes: readonly PushChange[],
    push: (fit: readonly PushChange[]) => Promise<PushResult[]>,
    signal: AbortSignal,
  ): Promise<PushResult[]> {
    await this.#learn(changes.filter((change) => !this.#isKnown(change)).map(campaignOf), signal)
    const unfit = new Map(
      changes
        // What campaign there is not, Salesforce says itself.
        .filter((change) => !this.#isKnown(change) && this.#statuses.has(campaignOf(change)))
        .map((change): [PushChange, PushResult] => {
          const known = [...this.#statuses.get(campaignOf(change))!].slice(0, 20)
          const detail = `The campaign has the statuses ${known.join(', ')}.`
          return [change, refused('record', 'MEMBER_STATUS_UNKNOWN', detail)]
        }),
    )
    const fit = changes.filter((change) => !unfit.has(change))
    const results = fit.length > 0 ? await push(fit) : []
    const written = new Map(fit.map((change, i) => [change, results[i]]))
    return changes.map((change) => unfit.get(change) ?? written.get(change)!)
  }

  /** What sends no status needs none. */
  #isKnown(change: PushChange): boolean {
    const { Status: status } = change.properties
    const campaignId = campaignOf(change)
    if (typeof status !== 'string' || campaignId === '') return true
    return this.#statuses.get(campaignId)?.has(status) ?? false
  }

  async #learn(campaignIds: readonly string[], signal: AbortSignal): Promise<void> {
    const ids = [...new Set(campaignIds)]
    for (let from = 0; from < ids.length; from += CAMPAIGNS_A_QUERY) {
      const part = list(ids.slice(from, from + CAMPAIGNS_A_QUERY))
      const soql = `SELECT Id, CampaignId, Label FROM CampaignMemberStatus WHERE CampaignId IN (${part})`
      for (const row of await this.#client.queryWhole(soql, signal)) {
        const campaignId = String(row['CampaignId'])
        const known = this.#statuses.get(campaignId) ?? new Set()
        this.#statuses.set(campaignId, known.add(String(row['Label'])))
      }
    }
  }
}

function campaignOf({ properties: { CampaignId: id } }: PushChange): string {
  return typeof id === 'string' ? id : ''
}
