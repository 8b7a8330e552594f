import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { z } from 'zod'
import { MINUTE_MS } from '#core/time.ts'
import { CampaignReport } from '#reports/campaign-report.schema.ts'
import { CampaignPage, CreditPage, LedgerDealPage, Receipt, Windows } from '#reports/credit.schema.ts'
import { read } from '#console/api.ts'
import type { LensFields } from '#console/lens.ts'

export type CampaignRow = z.output<typeof CampaignPage>['data'][number]
export type Unit = 'revenue' | 'deals'

const CAMPAIGNS = '/api/v1/attribution/campaigns'
const CREDITS = '/api/v1/attribution/credits'
const DEALS = '/api/v1/attribution/deals'

/** Campaigns by credit, a page at a time. */
export function campaignsQuery(lens: LensFields, limit = 50) {
  return infiniteQueryOptions({
    queryKey: ['attribution', 'campaigns', lens, limit],
    queryFn: ({ pageParam, signal }) =>
      read(CampaignPage, CAMPAIGNS, { ...lens, limit, cursor: pageParam }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
  })
}

export function campaignsExport(lens: LensFields) {
  return { path: CAMPAIGNS, fields: { ...lens } }
}

export function campaignQuery(campaignId: string, lens: LensFields, unit: Unit) {
  const path = `/api/v1/integrations/sales/attribution/${encodeURIComponent(campaignId)}`
  return queryOptions({
    queryKey: ['attribution', 'campaign', campaignId, lens, unit],
    queryFn: ({ signal }) => read(CampaignReport, path, { ...lens, unit, compare: 'models' }, signal),
  })
}

/** The windows for which the workspace keeps a ledger. */
export const windowsQuery = queryOptions({
  queryKey: ['attribution', 'windows'],
  queryFn: ({ signal }) => read(Windows, '/api/v1/attribution/windows', {}, signal),
  staleTime: 5 * MINUTE_MS,
})

/** Names for the palette: the campaigns with the most credit. */
export const campaignNamesQuery = queryOptions({
  queryKey: ['attribution', 'campaign-names'],
  queryFn: async ({ signal }) => {
    const { data } = await read(CampaignPage, CAMPAIGNS, { limit: 200 }, signal)
    return data.flatMap(({ campaignId, name, isDeleted }) =>
      campaignId === null || isDeleted ? [] : [{ campaignId, name }],
    )
  },
  staleTime: 5 * MINUTE_MS,
})

export interface CreditFilter extends LensFields {
  campaignId?: string | undefined
  week?: string | undefined
}

/** The lines behind a credited figure; `total` of the first page is that figure. */
export function creditsQuery(filter: CreditFilter) {
  return infiniteQueryOptions({
    queryKey: ['attribution', 'credits', filter],
    queryFn: ({ pageParam, signal }) =>
      read(CreditPage, CREDITS, { ...filter, limit: 200, cursor: pageParam }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
  })
}

export function creditsExport(filter: CreditFilter) {
  return { path: CREDITS, fields: { ...filter } }
}

/** Won deals without a touch in the window. */
export function uncreditedQuery({ from, to, window, model }: LensFields) {
  const fields = { from, to, window, model, credited: 'false' }
  return infiniteQueryOptions({
    queryKey: ['attribution', 'uncredited', fields],
    queryFn: ({ pageParam, signal }) =>
      read(LedgerDealPage, DEALS, { ...fields, limit: 100, cursor: pageParam }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
  })
}

export function receiptQuery(opportunityId: string, window: string) {
  const path = `/api/v1/attribution/receipts/${encodeURIComponent(opportunityId)}`
  return queryOptions({
    queryKey: ['attribution', 'receipt', opportunityId, window],
    queryFn: ({ signal }) => read(Receipt, path, { window }, signal),
  })
}
