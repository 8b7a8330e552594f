import { cutPage } from '#core/page.ts'
import { defineOperation } from '#gateway/operation.ts'
import { InfluenceQuery, InfluenceReport } from '#reports/influence.schema.ts'
import {
  listInfluenceClasses,
  listInfluencingCampaigns,
  sumInfluence,
  type InfluenceClass,
} from '#reports/influence.store.ts'
import { readSetting } from '#reports/lens.store.ts'

export const getPipelineInfluence = defineOperation({
  id: 'getPipelineInfluence',
  method: 'GET',
  path: '/api/v1/attribution/influence',
  scope: 'attribution:read',
  tag: 'Attribution',
  summary:
    'Which campaigns touched open, won or lost deals, without counting a deal twice in the totals',
  input: InfluenceQuery,
  output: InfluenceReport,
  csv: [
    { title: 'Campaign', field: 'campaignId' },
    { title: 'Name', field: 'name' },
    { title: 'Deals influenced', field: 'influenced.deals', type: 'number' },
    { title: 'Influenced (minor units)', field: 'influenced.amountMinor', type: 'number' },
    { title: 'Deals sourced', field: 'sourced.deals', type: 'number' },
    { title: 'Sourced (minor units)', field: 'sourced.amountMinor', type: 'number' },
  ],
  async perform(query, { tx, now }) {
    const period = await readSetting(tx, query, now)
    const { currency = period.currency, status } = query
    const scope = { query, currency, period }
    const [classes, campaigns, overlapping] = await Promise.all([
      listInfluenceClasses(tx, scope),
      listInfluencingCampaigns(tx, scope),
      sumInfluence(tx, scope),
    ])
    const of = (reach: InfluenceClass['reach']) => {
      const { deals = 0, amountMinor = 0 } = classes.find((row) => row.reach === reach) ?? {}
      return { deals, amountMinor }
    }
    const sum = (field: 'deals' | 'amountMinor' | 'withoutAmount') =>
      classes.reduce((total, row) => total + row[field], 0)
    const touchedMinor = of('sourced').amountMinor + of('influenced').amountMinor
    const page = cutPage(campaigns, query.limit, (row) => [row.influencedMinor, row.campaignId])
    return {
      status,
      currency,
      total: { deals: sum('deals'), amountMinor: sum('amountMinor') },
      sourced: of('sourced'),
      influenced: of('influenced'),
      untouched: of('untouched'),
      overlap: touchedMinor === 0 ? null : overlapping / touchedMinor,
      dealsWithoutAmount: sum('withoutAmount'),
      data: page.data.map((row) => ({
        campaignId: row.campaignId,
        name: row.name ?? 'Unknown campaign',
        influenced: { deals: row.influencedDeals, amountMinor: row.influencedMinor },
        sourced: { deals: row.sourcedDeals, amountMinor: row.sourcedMinor },
      })),
      nextCursor: page.nextCursor,
    }
  },
})
