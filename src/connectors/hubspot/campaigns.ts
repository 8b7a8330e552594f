import { DAY_MS, MINUTE_MS } from '#core/time.ts'
import type { OpenConnection, Stream } from '#sync/connector.ts'
import { lookCalls } from './campaign-finder.ts'
import { campaignProperties, campaignToHubspot } from './campaign-mapping.ts'
import { CampaignPusher } from './campaign-push.ts'
import { CampaignReader } from './campaign-reader.ts'
import { MOST_CAMPAIGNS, type HubspotClient } from './client.ts'
import { campaignFields } from './fields.ts'

/** Marketing campaigns, which have an API of their own: it gives and takes 50 by id, and lists them without a filter by time. */
export function campaignStream(client: HubspotClient, connection: OpenConnection): Stream {
  const mapped = (connection.mappings ?? [])
    .filter(({ entity }) => entity === 'campaign')
    .map(({ property }) => property)
  const reader = new CampaignReader(client, connection.clock, mapped)
  const pusher = new CampaignPusher(client, (durationMs, signal) =>
    connection.wait(durationMs, signal),
  )
  return {
    name: 'campaigns',
    entity: 'campaign',
    direction: 'both',
    fields: campaignFields,
    optional:
      'Campaigns need Marketing Hub Professional or Enterprise, and the scopes marketing.campaigns.read and marketing.campaigns.write.',
    recycles: 'HubSpot deletes campaigns for good: its API brings none back.',
    everyMinutes: DAY_MS / MINUTE_MS,
    cadenceReason: 'Campaigns are planned for weeks.',
    batchSize: MOST_CAMPAIGNS,
    costs: {
      read: { endpoint: 'POST /marketing/campaigns/{version}/batch/read', records: MOST_CAMPAIGNS },
      update: {
        endpoint: 'POST /marketing/campaigns/{version}/batch/update',
        records: MOST_CAMPAIGNS,
      },
    },
    lookCalls,
    sizeUp: (signal) => reader.sizeUp(signal),
    pull: (cursor, signal) => reader.pull(cursor, signal),
    fetch: (ids, signal) => reader.fetch(ids, signal),
    listAll: (cursor, signal) => reader.listAll(cursor, signal),
    describe: async () => [...campaignProperties],
    toVendor: campaignToHubspot,
    push: (changes, signal) => pusher.push(changes, signal),
  }
}
