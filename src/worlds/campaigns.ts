import type { ChannelKey } from './causes.ts'

/** How a campaign reaches people and what it costs. */
export interface CampaignPlan {
  /** The utm_campaign of its links. */
  key: string
  name: string
  channel: ChannelKey
  /** Touches a person and active week, at no intent. */
  weeklyRate: number
  /** Active in each nth week from `firstWeek` on; 1 is every week. */
  everyWeeks: number
  firstWeek: number
  /** Planned spend for each touch that it should bring, EUR minor units. */
  costPerTouchMinor: number
  utmSource: string
  utmMedium: string
  /** The query parameter in which the advertising network passes its click id. */
  clickIdParameter: 'gclid' | 'li_fat_id' | 'fbclid' | null
}

export const campaignPlans: readonly CampaignPlan[] = [
  {
    key: 'search-crm-integration',
    name: 'Search: CRM integration',
    channel: 'paid_search',
    weeklyRate: 0.022,
    everyWeeks: 1,
    firstWeek: 0,
    costPerTouchMinor: 4200,
    utmSource: 'google',
    utmMedium: 'cpc',
    clickIdParameter: 'gclid',
  },
  {
    key: 'search-revenue-attribution',
    name: 'Search: revenue attribution',
    channel: 'paid_search',
    weeklyRate: 0.014,
    everyWeeks: 1,
    firstWeek: 8,
    costPerTouchMinor: 5600,
    utmSource: 'google',
    utmMedium: 'cpc',
    clickIdParameter: 'gclid',
  },
  {
    key: 'brand-search',
    name: 'Search: our name',
    channel: 'brand_search',
    weeklyRate: 0.012,
    everyWeeks: 1,
    firstWeek: 0,
    costPerTouchMinor: 1100,
    utmSource: 'google',
    utmMedium: 'cpc',
    clickIdParameter: 'gclid',
  },
  {
    key: 'linkedin-revenue-leaders',
    name: 'LinkedIn: revenue leaders',
    channel: 'paid_social',
    weeklyRate: 0.026,
    everyWeeks: 1,
    firstWeek: 0,
    costPerTouchMinor: 6900,
    utmSource: 'linkedin',
    utmMedium: 'paid_social',
    clickIdParameter: 'li_fat_id',
  },
  {
    key: 'facebook-guide',
    name: 'Facebook: the integration guide',
    channel: 'paid_social',
    weeklyRate: 0.015,
    everyWeeks: 1,
    firstWeek: 4,
    costPerTouchMinor: 3100,
    utmSource: 'facebook',
    utmMedium: 'paid_social',
    clickIdParameter: 'fbclid',
  },
  {
    key: 'display-trade-press',
    name: 'Banners in the trade press',
    channel: 'display',
    weeklyRate: 0.03,
    everyWeeks: 1,
    firstWeek: 0,
    costPerTouchMinor: 2300,
    utmSource: 'tradepress',
    utmMedium: 'display',
    clickIdParameter: null,
  },
  {
    key: 'retargeting-visitors',
    name: 'Retargeting of visitors',
    channel: 'retargeting',
    weeklyRate: 0.09,
    everyWeeks: 1,
    firstWeek: 0,
    costPerTouchMinor: 1700,
    utmSource: 'google',
    utmMedium: 'retargeting',
    clickIdParameter: 'gclid',
  },
  {
    key: 'newsletter',
    name: 'Newsletter',
    channel: 'email',
    weeklyRate: 0.16,
    everyWeeks: 2,
    firstWeek: 0,
    costPerTouchMinor: 150,
    utmSource: 'newsletter',
    utmMedium: 'email',
    clickIdParameter: null,
  },
  {
    key: 'nurture-first-steps',
    name: 'Nurture: first steps',
    channel: 'email',
    weeklyRate: 0.07,
    everyWeeks: 1,
    firstWeek: 6,
    costPerTouchMinor: 220,
    utmSource: 'nurture',
    utmMedium: 'email',
    clickIdParameter: null,
  },
  {
    key: 'webinar-one-revenue-view',
    name: 'Webinar: one view of revenue',
    channel: 'webinar',
    weeklyRate: 0.028,
    everyWeeks: 4,
    firstWeek: 2,
    costPerTouchMinor: 9800,
    utmSource: 'webinar',
    utmMedium: 'webinar',
    clickIdParameter: null,
  },
  {
    key: 'webinar-customer-stories',
    name: 'Webinar: customer stories',
    channel: 'webinar',
    weeklyRate: 0.02,
    everyWeeks: 6,
    firstWeek: 5,
    costPerTouchMinor: 8700,
    utmSource: 'webinar',
    utmMedium: 'webinar',
    clickIdParameter: null,
  },
  {
    key: 'summit-revenue-operations',
    name: 'Revenue operations summit',
    channel: 'event',
    weeklyRate: 0.045,
    everyWeeks: 17,
    firstWeek: 9,
    costPerTouchMinor: 31_000,
    utmSource: 'summit',
    utmMedium: 'event',
    clickIdParameter: null,
  },
]
