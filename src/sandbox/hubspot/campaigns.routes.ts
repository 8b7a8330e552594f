import type { Answer, Call, Route } from '#sandbox/kernel.ts'
import { listParameter, requireScope } from './account.ts'
import type { Account, Caller } from './account.ts'
import { badRequest, notFound } from './errors.ts'
import { nextLink } from './objects.routes.ts'

/** A marketing campaign with what its reports say. HubSpot docs: campaigns. */
export interface Campaign {
  /** A GUID. */
  id: string
  /** `hs_name`, `hs_start_date`, `hs_utm`, `hs_spend_items_sum_amount` and so on, as text. */
  properties: Record<string, string>
  metrics: {
    sessions: number
    newContactsFirstTouch: number
    newContactsLastTouch: number
    influencedContacts: number
  }
  revenue: {
    contactsNumber: number
    dealsNumber: number
    dealAmount: number
    revenueAmount: number
  }
  /** Contact ids by report: contactFirstTouch, contactLastTouch, influencedContacts. */
  contacts: Record<string, string[]>
  createdAtMs: number
  updatedAtMs: number
}

const MAX_LIMIT = 100
const READ = 'marketing.campaigns.read'

/** Reading campaigns; they are made by seeds only. HubSpot docs: campaigns. */
export function campaignRoutes(account: Account): Route<Caller>[] {
  const on = (rest: string, scope: string, act: (account: Account, call: Call) => Answer) =>
    ['/marketing/v3/campaigns', '/marketing/campaigns/2026-09'].map((base) => ({
      method: 'GET',
      path: `${base}${rest}`,
      target: (call: Call, caller: Caller) => {
        requireScope(caller, scope)
        return act(account, call)
      },
    }))
  return [
    ...on('', READ, listCampaigns),
    ...on('/{id}', READ, (all, call) => ({
      status: 200,
      body: render(getCampaign(all, call), listParameter(call, 'properties')),
    })),
    ...on('/{id}/reports/metrics', READ, (all, call) => ({
      status: 200,
      body: getCampaign(all, call).metrics,
    })),
    ...on('/{id}/reports/revenue', 'marketing.campaigns.revenue.read', (all, call) => ({
      status: 200,
      body: { ...getCampaign(all, call).revenue, currencyCode: all.settings.companyCurrency },
    })),
    ...on('/{id}/reports/contacts/{report}', READ, listContacts),
  ]
}

function render(campaign: Campaign, asked: readonly string[]) {
  const { id, properties, createdAtMs, updatedAtMs } = campaign
  return {
    id,
    properties: Object.fromEntries(
      Object.entries(properties).filter(([name]) => asked.includes(name)),
    ),
    createdAt: new Date(createdAtMs).toISOString(),
    updatedAt: new Date(updatedAtMs).toISOString(),
    businessUnits: [{ id: 0 }],
  }
}

function getCampaign({ state }: Account, call: Call): Campaign {
  const campaign = state.campaigns.get(call.params['id'] ?? '')
  if (!campaign) throw notFound()
  return campaign
}

/** HubSpot docs: campaigns list, sorted by `hs_name`, `createdAt` or `updatedAt`, `-` descends. */
function listCampaigns({ state }: Account, call: Call): Answer {
  const name = call.query.get('name')?.toLowerCase()
  const sort = call.query.get('sort') ?? 'hs_name'
  const sign = sort.startsWith('-') ? -1 : 1
  const key = keyOf(sort.replace(/^-/, ''))
  const found = [...state.campaigns.values()]
    .filter(({ properties }) => !name || properties['hs_name']?.toLowerCase().includes(name))
    .sort((a, b) => sign * (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0))
  const asked = listParameter(call, 'properties')
  const page = paged(call, found)
  const { results, ...rest } = page
  return {
    status: 200,
    body: {
      total: found.length,
      results: results.map((campaign) => render(campaign, asked)),
      ...rest,
    },
  }
}

function keyOf(sort: string): (campaign: Campaign) => string | number {
  if (sort === 'createdAt') return ({ createdAtMs }) => createdAtMs
  if (sort === 'updatedAt') return ({ updatedAtMs }) => updatedAtMs
  if (sort === 'hs_name') return ({ properties }) => properties['hs_name'] ?? ''
  throw badRequest(`Cannot sort by ${sort}`)
}

function listContacts(account: Account, call: Call): Answer {
  const ids = getCampaign(account, call).contacts[call.params['report'] ?? '']
  if (!ids) throw badRequest(`Unknown contact type ${call.params['report']}`)
  return {
    status: 200,
    body: paged(
      call,
      ids.map((id) => ({ id })),
    ),
  }
}

/** One page. The cursor comes percent-encoded already, as recorded answers have it. */
function paged<T>(call: Call, all: readonly T[]) {
  const limit = Number(call.query.get('limit') ?? '50')
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) {
    throw badRequest(`limit must be from 1 to ${MAX_LIMIT}`)
  }
  const after = call.query.get('after')
  const start = after === null ? 0 : Number(Buffer.from(after, 'base64').toString())
  if (after?.includes('%') || !Number.isInteger(start)) throw badRequest(`Invalid cursor ${after}`)
  const results = all.slice(start, start + limit)
  if (start + limit >= all.length) return { results }
  const cursor = Buffer.from(String(start + limit)).toString('base64')
  const next = { after: encodeURIComponent(cursor), link: nextLink(call, cursor) }
  return { results, paging: { next } }
}
