import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import type { z } from 'zod'
import { MINUTE_MS } from '#core/time.ts'
import { ChannelPage } from '#domains/marketing/campaign.schema.ts'
import { OpportunityDetail, OpportunityPage } from '#domains/sales/opportunity.schema.ts'
import { CampaignReport } from '#reports/campaign-report.schema.ts'
import {
  CampaignPage,
  CreditPage,
  LedgerDealPage,
  Receipt,
  Windows,
} from '#reports/credit.schema.ts'
import { read } from '#console/api.ts'
import { addDays } from '#core/calendar.ts'
import { listQuery } from '#console/list-query.ts'
import type { LensFields } from '#console/lens.ts'

export type CampaignsAnswer = z.output<typeof CampaignPage>
export type CampaignRow = CampaignsAnswer['data'][number]
export type ReceiptAnswer = z.output<typeof Receipt>
export type CreditRow = z.output<typeof CreditPage>['data'][number]
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

function campaignPath(campaignId: string): string {
  return `/api/v1/integrations/sales/attribution/${encodeURIComponent(campaignId)}`
}

export function campaignQuery(campaignId: string, lens: LensFields, unit: Unit) {
  return queryOptions({
    queryKey: ['attribution', 'campaign', campaignId, lens, unit],
    queryFn: ({ signal }) =>
      read(CampaignReport, campaignPath(campaignId), { ...lens, unit }, signal),
  })
}

/** One answer, not a list: JSON only. The lines behind it are the receipt's own export. */
export function campaignExport(campaignId: string, lens: LensFields, unit: Unit) {
  return { path: campaignPath(campaignId), fields: { ...lens, unit }, isList: false }
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

/** The first 200 channels of the workspace, by key. */
export const channelsQuery = queryOptions({
  queryKey: ['campaigns', 'channels'],
  queryFn: async ({ signal }) =>
    (await read(ChannelPage, '/api/v1/channels', { limit: 200 }, signal)).data,
  staleTime: 5 * MINUTE_MS,
})

export interface CreditFilter extends LensFields {
  currency: string
  campaignId?: string | undefined
  channel?: string | undefined
  bucket?: 'touches' | 'baseline' | undefined
  week?: string | undefined
  /** The ledger as it stood then, instead of now. */
  asOf?: string | undefined
}

/** The lines behind a credited figure; `total` of the first page is that figure. */
export function creditsQuery(filter: CreditFilter) {
  return infiniteQueryOptions({
    queryKey: ['attribution', 'credits', filter],
    queryFn: ({ pageParam, signal }) =>
      read(CreditPage, CREDITS, { ...filter, limit: 500, cursor: pageParam }, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.nextCursor,
  })
}

export function creditsExport(filter: CreditFilter) {
  return { path: CREDITS, fields: { ...filter } }
}

export type DealRow = z.output<typeof LedgerDealPage>['data'][number]
export type LedgerDealFilter = Omit<LensFields, 'model'> & {
  currency: string
  asOf?: string | undefined
}

export type LedgerDealFields = ReturnType<typeof ledgerDealFields>
export type LedgerDealTotal = z.output<typeof LedgerDealPage>['total']

/** @param credited  only deals without a touch in the window, to which no model gives credit; all won ones unless given. */
export function ledgerDealFields(filter: LedgerDealFilter, credited?: 'false') {
  const { from, to, window, currency, asOf } = filter
  return { from, to, window, currency, asOf, credited }
}

export function ledgerDealsQuery(fields: LedgerDealFields) {
  return listQuery(['attribution'], LedgerDealPage, DEALS, fields, 100)
}

export function ledgerDealsExport(fields: LedgerDealFields) {
  return { path: DEALS, fields }
}

function receiptPath(opportunityId: string): string {
  return `/api/v1/attribution/receipts/${encodeURIComponent(opportunityId)}`
}

export function receiptQuery(opportunityId: string, window: string) {
  return queryOptions({
    queryKey: ['attribution', 'receipt', opportunityId, window],
    queryFn: ({ signal }) => read(Receipt, receiptPath(opportunityId), { window }, signal),
  })
}

export function receiptExport(opportunityId: string, window: string) {
  return { path: receiptPath(opportunityId), fields: { window }, isList: false }
}

const OPPORTUNITIES = '/api/v1/opportunities'
const MOST_NAMES = 2000

/** Names of won deals by id: those that closed in the period, a day more at both ends for every time zone. */
export function dealNamesQuery({ from, to }: Pick<LensFields, 'from' | 'to'>) {
  return queryOptions({
    queryKey: ['opportunities', 'names', from, to],
    queryFn: async ({ signal }): Promise<ReadonlyMap<string, string>> => {
      const names = new Map<string, string>()
      const fields = {
        status: 'won',
        from: from === null ? null : `${addDays(from, -1)}T00:00:00Z`,
        to: to === null ? null : `${addDays(to, 2)}T00:00:00Z`,
        limit: 500,
      }
      let cursor: string | null = null
      do {
        const page: z.output<typeof OpportunityPage> = await read(
          OpportunityPage,
          OPPORTUNITIES,
          { ...fields, cursor },
          signal,
        )
        for (const { id, name } of page.data) names.set(id, name)
        cursor = page.nextCursor
      } while (cursor !== null && names.size < MOST_NAMES)
      return names
    },
    staleTime: 5 * MINUTE_MS,
  })
}

export function dealQuery(opportunityId: string) {
  const path = `${OPPORTUNITIES}/${encodeURIComponent(opportunityId)}`
  return queryOptions({
    queryKey: ['opportunities', opportunityId],
    queryFn: ({ signal }) => read(OpportunityDetail, path, {}, signal),
    staleTime: 5 * MINUTE_MS,
  })
}
