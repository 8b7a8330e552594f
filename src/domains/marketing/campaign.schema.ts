import { z } from 'zod'
import { Id } from '#core/id.ts'
import { CurrencyCode } from '#core/money.ts'
import { Page, PageQuery } from '#core/page.ts'
import { CalendarDate, Instant } from '#core/time.ts'

export const ChannelKey = z
  .string()
  .regex(/^[a-z0-9_]{1,60}$/, 'A channel key is lower-case letters, digits and underscores.')
  .meta({ example: 'paid_search' })

export const Channel = z.object({ key: ChannelKey, label: z.string(), createdAt: Instant })
export type Channel = z.infer<typeof Channel>
export const ChannelPage = Page(Channel)

export const CampaignStatus = z.enum(['planned', 'active', 'paused', 'ended'])

export const Campaign = z.object({
  id: Id('cmp'),
  key: z.string().meta({
    description: 'A touch whose utm_campaign equals it, in lower case, belongs to the campaign.',
    example: 'spring_webinar',
  }),
  name: z.string(),
  channel: ChannelKey,
  status: CampaignStatus,
  startsOn: CalendarDate.nullable(),
  endsOn: CalendarDate.nullable(),
  budgetMinor: z.int().nullable().meta({ description: 'What it may cost in all, in minor units' }),
  currency: CurrencyCode.nullable().meta({ description: 'Of the budget' }),
  version: z.int(),
  createdAt: Instant,
  updatedAt: Instant,
})
export type Campaign = z.infer<typeof Campaign>
export const CampaignPage = Page(Campaign)

const Name = z.string().trim().min(1).max(200)
const Budget = z.int().min(0).max(Number.MAX_SAFE_INTEGER)

const fields = {
  name: Name,
  channel: ChannelKey,
  status: CampaignStatus.default('active'),
  startsOn: CalendarDate.nullable().default(null),
  endsOn: CalendarDate.nullable().default(null),
  budgetMinor: Budget.nullable().default(null),
  currency: CurrencyCode.nullable().default(null),
}

export const NewCampaign = z.object({
  key: z.string().trim().toLowerCase().min(1).max(200).meta({ example: 'spring_webinar' }),
  ...fields,
})
export type NewCampaign = z.infer<typeof NewCampaign>

export const CampaignPath = z.object({ campaignId: Id('cmp') })

/** What may change. The key stays: it is how touches find the campaign. */
export const CampaignChange = CampaignPath.extend({
  name: Name.optional(),
  channel: ChannelKey.optional(),
  status: CampaignStatus.optional(),
  startsOn: CalendarDate.nullable().optional(),
  endsOn: CalendarDate.nullable().optional(),
  budgetMinor: Budget.nullable().optional(),
  currency: CurrencyCode.nullable().optional(),
})
export type CampaignChange = z.infer<typeof CampaignChange>

export const CampaignQuery = PageQuery.extend({
  status: CampaignStatus.optional(),
  channel: ChannelKey.optional(),
  key: z.string().trim().toLowerCase().min(1).max(200).optional(),
})
export type CampaignQuery = z.infer<typeof CampaignQuery>
