import { cutPage } from '#core/page.ts'
import { Problem } from '#core/problem.ts'
import { defineOperation } from '#gateway/operation.ts'
import { campaignLine } from '#reports/campaign-line.rules.ts'
import {
  CampaignPage,
  ChannelReport,
  CreditPage,
  LedgerDealPage,
  ListCampaignCreditQuery,
  ListCreditsQuery,
  ListDealsQuery,
  ListRestatementsQuery,
  Receipt,
  ReceiptQuery,
  RestatementPage,
  SummaryQuery,
} from '#reports/credit.schema.ts'
import {
  listCampaignCreditRows,
  listChannelCredit,
  listCredits,
  listLedgerDeals,
  sumCredits,
  sumLedgerDeals,
} from '#reports/credit.store.ts'
import { NOTHING } from '#reports/credit-sums.ts'
import { listDealTouches } from '#reports/ledger.store.ts'
import { receiptsLink } from '#reports/links.ts'
import { readWon, resolveLens, windowDaysOf } from '#reports/lens.store.ts'
import { receiptOf } from '#reports/receipt.rules.ts'
import { findReceiptDeal, listReceiptCredits, listReceiptTouches } from '#reports/receipt.store.ts'
import { listRestatements, sumRestatements } from '#reports/restatement.store.ts'

const reading = { method: 'GET', scope: 'attribution:read', tag: 'Attribution' } as const

export const listAttributionCredits = defineOperation({
  ...reading,
  id: 'listAttributionCredits',
  path: '/api/v1/attribution/credits',
  summary: 'The credit ledger: what each touch got of each won deal',
  description:
    'The records behind every credited figure: ask with the filters of the figure, and `total` is the figure.',
  input: ListCreditsQuery,
  output: CreditPage,
  csv: [
    { title: 'Opportunity', field: 'opportunityId' },
    { title: 'Touchpoint', field: 'touchpointId' },
    { title: 'Person', field: 'personId' },
    { title: 'Campaign', field: 'campaignId' },
    { title: 'Channel', field: 'channel' },
    { title: 'Closed', field: 'closedAt' },
    { title: 'Model', field: 'model' },
    { title: 'Share', field: 'share', type: 'number' },
    { title: 'Credited (minor units)', field: 'creditedMinor', type: 'number' },
    { title: 'Currency', field: 'currency' },
  ],
  async perform(query, { tx, now }) {
    const lens = await resolveLens(tx, query, now)
    const [rows, total] = await Promise.all([
      listCredits(tx, lens, query),
      sumCredits(tx, lens, query),
    ])
    return {
      ...cutPage(rows, query.limit, (row) => [row.closedAtMicros, row.opportunityId, row.position]),
      total,
    }
  },
})

export const listAttributionDeals = defineOperation({
  ...reading,
  id: 'listAttributionDeals',
  path: '/api/v1/attribution/deals',
  summary: 'Won deals in the ledger, credited or not',
  input: ListDealsQuery,
  output: LedgerDealPage,
  csv: [
    { title: 'Opportunity', field: 'opportunityId' },
    { title: 'Closed', field: 'closedAt' },
    { title: 'Amount (minor units)', field: 'amountMinor', type: 'number' },
    { title: 'Currency', field: 'currency' },
    { title: 'Touches in the window', field: 'touches', type: 'number' },
  ],
  async perform(query, { tx, now }) {
    const lens = await resolveLens(tx, query, now)
    const [rows, total] = await Promise.all([
      listLedgerDeals(tx, lens, query),
      sumLedgerDeals(tx, lens, query),
    ])
    return {
      ...cutPage(rows, query.limit, (row) => [row.closedAtMicros, row.opportunityId]),
      total,
    }
  },
})

export const getAttributionReceipt = defineOperation({
  ...reading,
  id: 'getAttributionReceipt',
  path: '/api/v1/attribution/receipts/{opportunityId}',
  summary: 'The receipt of a deal: each touch before its close, and what it got under each model',
  input: ReceiptQuery,
  output: Receipt,
  async perform({ opportunityId, window }, { tx, now }) {
    const deal = await findReceiptDeal(tx, opportunityId)
    if (!deal) throw new Problem('resource.not_found', 'There is no opportunity with this id.')
    if (deal.deletedAt)
      throw new Problem('resource.gone', 'The opportunity was deleted and has no credit any more.')
    const { models } = await resolveLens(tx, { model: 'linear', window }, now)
    const touches = await listDealTouches(tx, [opportunityId], now)
    const [credits, details] = await Promise.all([
      listReceiptCredits(tx, opportunityId, windowDaysOf(window)),
      listReceiptTouches(
        tx,
        touches.map((touch) => touch.touchpointId),
      ),
    ])
    return receiptOf(deal, window, models, touches, credits, details)
  },
})

export const getChannelAttribution = defineOperation({
  ...reading,
  id: 'getChannelAttribution',
  path: '/api/v1/attribution/channels',
  summary: 'Credit by channel under every model, with the uncredited amount and the total',
  input: SummaryQuery,
  output: ChannelReport,
  async perform(query, { tx, now }) {
    const lens = await resolveLens(tx, query, now)
    const [rows, workspace] = await Promise.all([listChannelCredit(tx, lens), readWon(tx, lens)])
    const { model } = lens.answer
    const channels = rows.map(({ channel, label, models }) => ({
      channel,
      label,
      ...(models[model] ?? NOTHING),
      models: lens.models.map((each) => ({ model: each, ...(models[each] ?? NOTHING) })),
      receipts: receiptsLink(lens, { channel }),
    }))
    channels.sort((a, b) => b.creditedMinor - a.creditedMinor || a.channel.localeCompare(b.channel))
    return { ...lens.answer, channels, workspace }
  },
})

export const listCampaignAttribution = defineOperation({
  ...reading,
  id: 'listCampaignAttribution',
  path: '/api/v1/attribution/campaigns',
  summary: 'Campaigns by credit, under every model, with cost and return',
  description:
    'The rows of all campaigns, the row without a campaign, and the uncredited amount add up to all that was won.',
  input: ListCampaignCreditQuery,
  output: CampaignPage,
  csv: [
    { title: 'Campaign', field: 'campaignId' },
    { title: 'Name', field: 'name' },
    { title: 'Channel', field: 'channel' },
    { title: 'Status', field: 'status' },
    { title: 'Credited (minor units)', field: 'creditedMinor', type: 'number' },
    { title: 'Deals', field: 'deals', type: 'number' },
    { title: 'Deals touched', field: 'n', type: 'number' },
    { title: 'First touch', field: 'creditedByModel.first', type: 'number' },
    { title: 'Last touch', field: 'creditedByModel.last', type: 'number' },
    { title: 'Linear', field: 'creditedByModel.linear', type: 'number' },
    { title: 'Position', field: 'creditedByModel.position', type: 'number' },
    { title: 'Time decay', field: 'creditedByModel.time_decay', type: 'number' },
    { title: 'Cost (minor units)', field: 'costMinor', type: 'number' },
    { title: 'Return', field: 'roi', type: 'number' },
  ],
  async perform(query, { tx, now }) {
    const lens = await resolveLens(tx, query, now)
    const [rows, workspace] = await Promise.all([
      listCampaignCreditRows(tx, lens, query),
      readWon(tx, lens),
    ])
    const lines = rows.map(({ models, ...row }) => {
      const credit = models?.[lens.answer.model] ?? NOTHING
      const creditedByModel = Object.fromEntries(
        lens.models.map((model) => [model, models?.[model]?.creditedMinor ?? 0]),
      )
      return { ...campaignLine({ ...row, ...credit }, lens), creditedByModel }
    })
    const page = cutPage(lines, query.limit, (row) => [row.creditedMinor, row.campaignId ?? ''])
    return { ...lens.answer, ...page, workspace }
  },
})

export const listAttributionRestatements = defineOperation({
  ...reading,
  id: 'listAttributionRestatements',
  path: '/api/v1/attribution/restatements',
  summary: 'What moved the figures of weeks that had ended, and why',
  input: ListRestatementsQuery,
  output: RestatementPage,
  csv: [
    { title: 'Restated', field: 'restatedAt' },
    { title: 'Week', field: 'week' },
    { title: 'Bucket', field: 'bucket' },
    { title: 'Campaign', field: 'campaignId' },
    { title: 'Cause', field: 'cause' },
    { title: 'Change (minor units)', field: 'deltaMinor', type: 'number' },
    { title: 'Currency', field: 'currency' },
    { title: 'Opportunities', field: 'opportunityIds' },
  ],
  async perform(query, { tx, now }) {
    const lens = await resolveLens(tx, query, now)
    const [rows, total] = await Promise.all([
      listRestatements(tx, lens, query),
      sumRestatements(tx, lens, query),
    ])
    return { ...cutPage(rows, query.limit, (row) => [Number(row.id)]), total }
  },
})
