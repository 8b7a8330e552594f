import type { PushChange, PushResult } from '#sync/connector.ts'
import type { SalesforceClient } from './client.ts'
import { refused } from './errors.ts'
import { list } from './soql.ts'

/** Campaigns whose statuses are asked for in one query. */
const CAMPAIGNS_A_QUERY = 400

/**
 * Writes members of campaigns, but for those with a status that their campaign does not have: Salesforce would set the default
 * one in its place and say nothing. One more call for up to 400 campaigns.
 * Salesforce docs: CampaignMember, Status.
 */
export async function pushMembers(
  client: SalesforceClient,
  changes: readonly PushChange[],
  push: (fit: readonly PushChange[]) => Promise<PushResult[]>,
  signal: AbortSignal,
): Promise<PushResult[]> {
  const statuses = await statusesOf(client, changes, signal)
  const unfit = new Map(
    changes.flatMap((change): [PushChange, PushResult][] => {
      const { Status: status, CampaignId: campaignId } = change.properties
      const known = statuses.get(String(campaignId ?? ''))
      if (!known || typeof status !== 'string' || known.has(status)) return []
      const detail = `The campaign has the statuses ${[...known].slice(0, 20).join(', ')}.`
      return [[change, refused('record', 'MEMBER_STATUS_UNKNOWN', detail)]]
    }),
  )
  const fit = changes.filter((change) => !unfit.has(change))
  const results = fit.length > 0 ? await push(fit) : []
  const written = new Map(fit.map((change, i) => [change, results[i]]))
  return changes.map(
    (change) =>
      unfit.get(change) ??
      written.get(change) ??
      refused('transient', 'ANSWER_INCOMPLETE', 'Salesforce gave no outcome for this record.'),
  )
}

/** By campaign: the statuses that its members can have. */
async function statusesOf(
  client: SalesforceClient,
  changes: readonly PushChange[],
  signal: AbortSignal,
): Promise<Map<string, Set<string>>> {
  const named = changes.flatMap(({ properties: { Status, CampaignId } }) =>
    typeof Status === 'string' && typeof CampaignId === 'string' ? [CampaignId] : [],
  )
  const ids = [...new Set(named)]
  const statuses = new Map<string, Set<string>>()
  for (let from = 0; from < ids.length; from += CAMPAIGNS_A_QUERY) {
    const part = ids.slice(from, from + CAMPAIGNS_A_QUERY)
    const soql = `SELECT Id, CampaignId, Label FROM CampaignMemberStatus WHERE CampaignId IN (${list(part)})`
    for (const row of await client.queryWhole(soql, signal)) {
      const campaignId = String(row['CampaignId'])
      const known = statuses.get(campaignId) ?? new Set()
      statuses.set(campaignId, known.add(String(row['Label'])))
    }
  }
  return statuses
}
