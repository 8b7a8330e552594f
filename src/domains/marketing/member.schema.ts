import { z } from 'zod'
import { Id } from '#core/id.ts'
import { Page, PageQuery } from '#core/page.ts'
import { Instant } from '#core/time.ts'
import { CampaignPath } from '#domains/marketing/campaign.schema.ts'

export const MemberStatus = z.string().trim().min(1).max(40).meta({
  description: 'A word of the campaign’s own; CRMs begin with Sent and Responded.',
  example: 'Sent',
})

export const CampaignMember = z.object({
  id: Id('cmb'),
  campaignId: Id('cmp'),
  leadId: Id('lead'),
  personId: Id('per'),
  status: MemberStatus,
  respondedAt: Instant.nullable().meta({ description: 'When they first responded' }),
  version: z.int(),
  createdAt: Instant,
  updatedAt: Instant,
})
export type CampaignMember = z.infer<typeof CampaignMember>
export const CampaignMemberPage = Page(CampaignMember)

const RespondedAt = Instant.optional().meta({
  description: 'Unless given, now for a status that says Responded. Once it is set it stays.',
})

export const NewCampaignMember = CampaignPath.extend({
  leadId: Id('lead'),
  status: MemberStatus.default('Sent'),
  respondedAt: RespondedAt,
})
export type NewCampaignMember = z.infer<typeof NewCampaignMember>

export const CampaignMemberPath = CampaignPath.extend({ memberId: Id('cmb') })

export const CampaignMemberChange = CampaignMemberPath.extend({
  status: MemberStatus.optional(),
  respondedAt: RespondedAt,
})

export const CampaignMemberQuery = PageQuery.extend({
  campaignId: Id('cmp'),
  status: MemberStatus.optional(),
  responded: z.stringbool().optional(),
})
export type CampaignMemberQuery = z.infer<typeof CampaignMemberQuery>
