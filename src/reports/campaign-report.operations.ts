import { Problem } from '#core/problem.ts'
import { defineOperation } from '#gateway/operation.ts'
import { campaignReport } from '#reports/campaign-report.rules.ts'
import { CampaignReport, CampaignReportQuery } from '#reports/campaign-report.schema.ts'
import {
  countReach,
  findCampaign,
  listCampaignCredit,
  listRestatedWeeks,
} from '#reports/campaign-report.store.ts'
import { readWon, resolveLens } from '#reports/lens.store.ts'

export const getCampaignAttribution = defineOperation({
  id: 'getCampaignAttribution',
  method: 'GET',
  path: '/api/v1/integrations/sales/attribution/{campaignId}',
  scope: 'attribution:read',
  tag: 'Attribution',
  summary: 'What a campaign has to do with won deals, week by week and under every model',
  description:
    'Credit of the campaign under the model asked for, by week of the close, next to the totals under all models. The ' +
    'credit of all campaigns, of touches without a campaign, and the uncredited amount add up to all that was won, to ' +
    'the cent. Figures are of one currency; nothing is converted. With `asOf` they are those that the ledger had at that ' +
    'moment; what moved after a week had ended is listed under restatements.',
  input: CampaignReportQuery,
  output: CampaignReport,
  async perform({ campaignId, unit, compare, ...query }, { tx, now }) {
    const campaign = await findCampaign(tx, campaignId)
    if (!campaign) throw new Problem('resource.not_found', 'There is no campaign with this id.')
    if (campaign.deletedAt) {
      throw new Problem(
        'resource.gone',
        'The campaign was deleted; its credit stays in /api/v1/attribution/campaigns.',
      )
    }
    const lens = await resolveLens(tx, query, now)
    const [credit, restated, won, reach] = await Promise.all([
      listCampaignCredit(tx, campaignId, lens),
      listRestatedWeeks(tx, campaignId, lens),
      readWon(tx, lens),
      countReach(tx, campaignId),
    ])
    return campaignReport(
      { campaign, credit, restated, won, reach },
      lens,
      unit,
      compare === 'models',
    )
  },
})
