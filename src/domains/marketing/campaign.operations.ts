import { newId } from '#core/id.ts'
import { cutPage, decodeCursor, PageQuery } from '#core/page.ts'
import { Problem } from '#core/problem.ts'
import { changed, labelOf, planFaults } from '#domains/marketing/campaign.rules.ts'
import {
  Campaign,
  CampaignChange,
  CampaignPage,
  CampaignPath,
  CampaignQuery,
  ChannelPage,
  NewCampaign,
} from '#domains/marketing/campaign.schema.ts'
import {
  deleteCampaign,
  findCampaign,
  insertCampaigns,
  insertChannels,
  listCampaigns,
  listChannels,
  updateCampaign,
} from '#domains/marketing/campaign.store.ts'
import { defineOperation, type Settled } from '#gateway/operation.ts'
import type { Transaction } from '#store/store.ts'

const tag = 'Marketing'

export const createCampaign = defineOperation({
  id: 'createCampaign',
  method: 'POST',
  path: '/api/v1/campaigns',
  scope: 'campaigns:write',
  tag,
  summary: 'Make a campaign, or many',
  event: 'campaign.created',
  subject: (campaign) => campaign.id,
  location: (campaign) => `/api/v1/campaigns/${campaign.id}`,
  version: (campaign) => campaign.version,
  input: NewCampaign,
  output: Campaign,
  batch: { key: 'campaigns', max: 500 },
  async performMany(inputs, { tx, now }) {
    const sound = inputs.filter((input) => planFaults(input).length === 0)
    const channels = Object.fromEntries(
      sound.map((input) => [input.channel, labelOf(input.channel)]),
    )
    await insertChannels(tx, channels, now)
    const added = await insertCampaigns(
      tx,
      sound.map((input) => ({ id: newId('cmp'), ...input })),
      now,
    )
    const byKey = new Map(added.map((campaign) => [campaign.key, campaign]))
    return inputs.map((input): Settled<Campaign> => {
      const errors = planFaults(input)
      if (errors.length > 0)
        return {
          kind: 'refused',
          problem: new Problem('request.invalid', errors[0]!.detail, { errors }),
        }
      const campaign = byKey.get(input.key)
      if (!campaign)
        return {
          kind: 'refused',
          problem: new Problem(
            'campaign.duplicate',
            `A campaign with the key ${input.key} exists already.`,
          ),
        }
      byKey.delete(input.key) // the same key again in this batch is a duplicate
      return { kind: 'done', output: campaign }
    })
  },
})

export const listAllCampaigns = defineOperation({
  id: 'listCampaigns',
  method: 'GET',
  path: '/api/v1/campaigns',
  scope: 'campaigns:read',
  tag,
  summary: 'List campaigns, newest first',
  input: CampaignQuery,
  output: CampaignPage,
  csv: [
    { title: 'Id', field: 'id' },
    { title: 'Key', field: 'key' },
    { title: 'Name', field: 'name' },
    { title: 'Channel', field: 'channel' },
    { title: 'Status', field: 'status' },
    { title: 'Starts', field: 'startsOn' },
    { title: 'Ends', field: 'endsOn' },
    { title: 'Budget (minor units)', field: 'budgetMinor', type: 'number' },
    { title: 'Currency', field: 'currency' },
  ],
  async perform(query, { tx }) {
    const before =
      query.cursor === undefined ? null : (decodeCursor(query.cursor, 2) as [string, string])
    const rows = await listCampaigns(tx, query, before)
    return cutPage(rows, query.limit, (row) => [row.createdAt.toISOString(), row.id])
  },
})

export const getCampaign = defineOperation({
  id: 'getCampaign',
  method: 'GET',
  path: '/api/v1/campaigns/{campaignId}',
  scope: 'campaigns:read',
  tag,
  summary: 'Read a campaign',
  version: (campaign) => campaign.version,
  input: CampaignPath,
  output: Campaign,
  perform: ({ campaignId }, { tx }) => getLiving(tx, campaignId, 'read'),
})

export const changeCampaign = defineOperation({
  id: 'changeCampaign',
  method: 'PATCH',
  path: '/api/v1/campaigns/{campaignId}',
  scope: 'campaigns:write',
  tag,
  summary: 'Change a campaign',
  event: 'campaign.updated',
  subject: (campaign) => campaign.id,
  version: (campaign) => campaign.version,
  input: CampaignChange,
  output: Campaign,
  async perform(change, { tx, now, expectedVersion }) {
    const campaign = await getLiving(tx, change.campaignId, 'lock')
    refuseOtherVersion(campaign, expectedVersion)
    const next = changed(campaign, change)
    const errors = planFaults(next)
    if (errors.length > 0) throw new Problem('request.invalid', errors[0]!.detail, { errors })
    if (change.channel !== undefined)
      await insertChannels(tx, { [change.channel]: labelOf(change.channel) }, now)
    return updateCampaign(tx, next, now)
  },
})

export const removeCampaign = defineOperation({
  id: 'deleteCampaign',
  method: 'DELETE',
  path: '/api/v1/campaigns/{campaignId}',
  scope: 'campaigns:write',
  tag,
  summary: 'Delete a campaign',
  description:
    'Its touches and the revenue credited to them stay in every total; its own report answers 410 from then on.',
  event: 'campaign.deleted',
  subject: (_output, { campaignId }) => campaignId,
  status: 204,
  input: CampaignPath,
  output: Campaign,
  async perform({ campaignId }, { tx, now, expectedVersion }) {
    const campaign = await getLiving(tx, campaignId, 'lock')
    refuseOtherVersion(campaign, expectedVersion)
    await deleteCampaign(tx, campaignId, now)
    return campaign
  },
})

export const listAllChannels = defineOperation({
  id: 'listChannels',
  method: 'GET',
  path: '/api/v1/channels',
  scope: 'campaigns:read',
  tag,
  summary: 'List channels',
  input: PageQuery,
  output: ChannelPage,
  csv: [
    { title: 'Key', field: 'key' },
    { title: 'Label', field: 'label' },
  ],
  async perform({ limit, cursor }, { tx }) {
    const after = cursor === undefined ? null : String(decodeCursor(cursor, 1)[0])
    return cutPage(await listChannels(tx, limit, after), limit, (row) => [row.key])
  },
})

export async function getLiving(
  tx: Transaction,
  campaignId: string,
  lock: 'lock' | 'read',
): Promise<Campaign> {
  const found = await findCampaign(tx, campaignId, lock)
  if (!found) throw new Problem('resource.not_found', 'There is no campaign with this id.')
  const { deletedAt, ...campaign } = found
  if (deletedAt !== null) throw new Problem('resource.gone', 'The campaign was deleted.')
  return campaign
}

function refuseOtherVersion(campaign: Campaign, expected: number | null): void {
  if (expected !== null && expected !== campaign.version) {
    throw new Problem(
      'resource.version_mismatch',
      'The campaign changed since you read it: read it again and repeat the change.',
    )
  }
}
