import type { Answer, Call, Route } from '#sandbox/kernel.ts'
import { listParameter, requireScope } from './account.ts'
import type { Account, Caller } from './account.ts'
import {
  archiveBatch,
  createBatch,
  createCampaign,
  deleteCampaigns,
  getCampaign,
  readBatch,
  updateBatch,
  updateCampaign,
} from './campaign-writes.ts'
import { badRequest } from './errors.ts'
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
const WRITE = 'marketing.campaigns.write'

/** What may be asked for beside the customer's own; everything else refuses the call. */
const READABLE = new Set([
  'hs_start_date',
  'hs_end_date',
  'hs_color_hex',
  'hs_notes',
  'hs_audience',
  'hs_goal',
  'hs_owner',
  'hs_currency_code',
  'hs_created_by_user_id',
  'hs_campaign_status',
  'hs_object_id',
  'hs_name',
  'hs_utm',
  'hs_budget_items_sum_amount',
  'hs_spend_items_sum_amount',
  'hs_business_unit_ids',
])

type Act = (account: Account, call: Call) => Answer

/** Campaigns, one by one and 50 at a time, and their reports. HubSpot docs: campaigns. */
export function campaignRoutes(account: Account): Route<Caller>[] {
  const on = (method: string, rest: string, scopes: readonly string[], act: Act) =>
    ['/marketing/v3/campaigns', '/marketing/campaigns/2026-09'].map((base) => ({
      method,
      path: `${base}${rest}`,
      target: (call: Call, caller: Caller) => {
        for (const scope of scopes) requireScope(caller, scope)
        return act(account, call)
      },
    }))
  const get = (rest: string, act: Act) => on('GET', rest, [READ], act)
  // HubSpot docs: campaigns, scope requirements: to change them both are needed.
  const change = (method: string, rest: string, act: Act) => on(method, rest, [READ, WRITE], act)
  return [
    ...get('', listCampaigns),
    ...get('/{id}', (all, call) => ({
      status: 200,
      body: render(named(all, call), namesIn(call)),
    })),
    ...change('POST', '', (all, call) => createCampaign(all, call, render)),
    ...change('PATCH', '/{id}', (all, call) => updateCampaign(all, call, named(all, call), render)),
    ...change('DELETE', '/{id}', (all, call) => deleteCampaigns(all, [call.params['id'] ?? ''])),
    ...on('POST', '/batch/read', [READ], (all, call) =>
      readBatch(all, call, namesIn(call), render),
    ),
    ...change('POST', '/batch/create', (all, call) => createBatch(all, call, render)),
    ...change('POST', '/batch/update', (all, call) => updateBatch(all, call, render)),
    ...change('POST', '/batch/archive', archiveBatch),
    ...get('/{id}/reports/metrics', (all, call) => ({
      status: 200,
      body: named(all, call).metrics,
    })),
    ...on('GET', '/{id}/reports/revenue', ['marketing.campaigns.revenue.read'], (all, call) => ({
      status: 200,
      body: { ...named(all, call).revenue, currencyCode: all.settings.companyCurrency },
    })),
    ...get('/{id}/reports/contacts/{report}', listContacts),
  ]
}

const named = (account: Account, call: Call): Campaign =>
  getCampaign(account, call.params['id'] ?? '')

/** @throws Refusal for a name that the API does not give out. */
function namesIn(call: Call): string[] {
  const names = listParameter(call, 'properties')
  const forbidden = names.filter((name) => !READABLE.has(name))
  if (forbidden.length > 0) throw badRequest(`Forbidden properties: ${forbidden.join(', ')}`)
  return names
}

/** What is blank is left out. HubSpot docs: campaigns, properties. */
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

/** HubSpot docs: campaigns list, sorted by `hs_name`, `createdAt` or `updatedAt`, `-` descends. */
function listCampaigns({ state }: Account, call: Call): Answer {
  const name = call.query.get('name')?.toLowerCase()
  const sort = call.query.get('sort') ?? 'hs_name'
  const sign = sort.startsWith('-') ? -1 : 1
  const key = keyOf(sort.replace(/^-/, ''))
  const found = [...state.campaigns.values()]
    .filter(({ properties }) => !name || properties['hs_name']?.toLowerCase().includes(name))
    .sort((a, b) => sign * (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0))
  const asked = namesIn(call)
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
  const ids = named(account, call).contacts[call.params['report'] ?? '']
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
