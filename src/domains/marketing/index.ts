import { campaignEntity } from '#domains/marketing/campaign.entity.ts'
import { campaignImport } from '#domains/marketing/campaign.import.ts'
import {
  changeCampaign,
  createCampaign,
  getCampaign,
  listAllCampaigns,
  listAllChannels,
  removeCampaign,
} from '#domains/marketing/campaign.operations.ts'
import { insertChannels } from '#domains/marketing/campaign.store.ts'
import { leadFollower } from '#domains/marketing/follow-leads.ts'
import { memberEntity } from '#domains/marketing/member.entity.ts'
import {
  addCampaignMember,
  changeCampaignMember,
  listCampaignMembers,
  removeCampaignMember,
} from '#domains/marketing/member.operations.ts'
import { marketingPersonal } from '#domains/marketing/personal-store.ts'
import { listQuarantinedEvents } from '#domains/marketing/tracking.operations.ts'
import { marketingRetained } from '#domains/marketing/retained-store.ts'
import { createTrackingRoutes } from '#domains/marketing/tracking.routes.ts'
import type { Module } from '#module.ts'
import { wellKnownChannels } from '#people/channel.rules.ts'
import type { Transaction } from '#store/store.ts'

/**
 * Campaigns, channels and tracking.
 * @param publicUrl  where browsers reach this hub.
 */
export function createMarketing(publicUrl: () => string): Module {
  return {
    name: 'marketing',
    operations: [
      createCampaign,
      listAllCampaigns,
      getCampaign,
      changeCampaign,
      removeCampaign,
      addCampaignMember,
      listCampaignMembers,
      changeCampaignMember,
      removeCampaignMember,
      listAllChannels,
      listQuarantinedEvents,
    ],
    rawRoutes: createTrackingRoutes(publicUrl),
    entities: [campaignEntity, memberEntity],
    jobs: [],
    subscribers: [leadFollower],
    timers: [],
    importTargets: [campaignImport],
    personal: marketingPersonal,
    retained: marketingRetained,
  }
}

/** The channels that a workspace starts with; safe to run again. */
export async function seedMarketing(tx: Transaction, now: Date): Promise<void> {
  await insertChannels(tx, wellKnownChannels, now)
}
