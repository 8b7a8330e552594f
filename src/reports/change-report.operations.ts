import { cutPage } from '#core/page.ts'
import { defineOperation } from '#gateway/operation.ts'
import { ChangeQuery, ChangeReport } from '#reports/change-report.schema.ts'
import { listMovedDeals, readFigure, sumCauses } from '#reports/change-report.store.ts'
import { resolveLens } from '#reports/lens.store.ts'

export const getAttributionChanges = defineOperation({
  id: 'getAttributionChanges',
  method: 'GET',
  path: '/api/v1/attribution/changes',
  scope: 'attribution:read',
  tag: 'Attribution',
  summary: 'Why a figure moved between two moments, cause by cause and deal by deal',
  description:
    'The figure at `since`, at `until`, and the causes of the difference: they sum to it, to the cent. Both moments must lie ' +
    'within the history of the ledger; the model and the window are those kept at `until`.',
  input: ChangeQuery,
  output: ChangeReport,
  csv: [
    { title: 'Opportunity', field: 'opportunityId' },
    { title: 'Cause', field: 'cause' },
    { title: 'Change (minor units)', field: 'deltaMinor', type: 'number' },
    { title: 'Change (deals)', field: 'deltaDeals', type: 'number' },
  ],
  async perform(query, { tx, now }) {
    const { since, until = now } = query
    await resolveLens(tx, { ...query, model: 'linear', asOf: since }, now)
    const lens = await resolveLens(tx, { ...query, asOf: until }, now)
    const change = { lens, query, since, until }
    const [beforeMinor, afterMinor, causes, deals] = await Promise.all([
      readFigure(tx, change, since),
      readFigure(tx, change, until),
      sumCauses(tx, change),
      listMovedDeals(tx, change),
    ])
    const { model, window, currency } = lens.answer
    const page = cutPage(deals, query.limit, (deal) => [
      Math.abs(deal.deltaMinor),
      deal.opportunityId,
      deal.cause,
    ])
    return {
      model,
      window,
      currency,
      since,
      until,
      beforeMinor,
      afterMinor,
      deltaMinor: afterMinor - beforeMinor,
      causes,
      data: page.data.map((deal) => ({
        ...deal,
        receipt: `/api/v1/attribution/receipts/${deal.opportunityId}?window=${window}`,
      })),
      nextCursor: page.nextCursor,
    }
  },
})
