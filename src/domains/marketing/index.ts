import {
  changeCampaign,
  createCampaign,
  getCampaign,
  listAllCampaigns,
  listAllChannels,
  removeCampaign,
} from '#domains/marketing/campaign.operations.ts'
import { insertChannels } from '#domains/marketing/campaign.store.ts'
import type { Module } from '#module.ts'
import { wellKnownChannels } from '#people/channel.rules.ts'
import type { Transaction } from '#store/store.ts'

/** Campaigns, channels and tracking. */
export const marketing: Module = {
  name: 'marketing',
  operations: [
    createCampaign,
    listAllCampaigns,
    getCampaign,
    changeCampaign,
    removeCampaign,
    listAllChannels,
  ],
  entities: [],
  jobs: [],
  subscribers: [],
  timers: [],
}

/** The channels that a workspace starts with; safe to run again. */
export async function seedMarketing(tx: Transaction, now: Date): Promise<void> {
  await insertChannels(tx, wellKnownChannels, now)
}
