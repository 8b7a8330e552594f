import { randomUUID } from 'node:crypto'

import { dropsWrite } from '#sandbox/faults.ts'
import { objectOf, textOf } from '#sandbox/json.ts'
import type { JsonObject } from '#sandbox/json.ts'
import { parseBody } from '#sandbox/kernel.ts'
import type { Answer, Call } from '#sandbox/kernel.ts'
import type { Account } from './account.ts'
import { batchAnswer, shuffled } from './batch.routes.ts'
import type { Campaign } from './campaigns.routes.ts'
import { RowRefusal, badRequest, notFound, refuse } from './errors.ts'
import type { ErrorBody } from './errors.ts'

/** HubSpot docs: campaigns, batch endpoints take 50 inputs at most. */
const MAX_INPUTS = 50

/** Those that the API lets be set; owner, colour and the sums of budget and spend items are HubSpot's own. */
const WRITABLE = new Set([
  'hs_name',
  'hs_start_date',
  'hs_end_date',
  'hs_notes',
  'hs_audience',
  'hs_currency_code',
  'hs_campaign_status',
  'hs_utm',
  'hs_business_unit_ids',
])
const STATUSES = new Set(['planned', 'in_progress', 'active', 'paused', 'completed'])
const DATES = new Set(['hs_start_date', 'hs_end_date'])

/** Nothing reported yet. */
export function freshCampaign(
  id: string,
  properties: Record<string, string>,
  nowMs: number,
): Campaign {
  return {
    id,
    properties,
    metrics: {
      sessions: 0,
      newContactsFirstTouch: 0,
      newContactsLastTouch: 0,
      influencedContacts: 0,
    },
    revenue: { contactsNumber: 0, dealsNumber: 0, dealAmount: 0, revenueAmount: 0 },
    contacts: { contactFirstTouch: [], contactLastTouch: [], influencedContacts: [] },
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  }
}

/** A campaign that is to be stored, and the names that were sent with it, which the answer shows. */
interface Planned {
  campaign: Campaign
  isNew: boolean
  names: readonly string[]
}

type Render = (campaign: Campaign, names: readonly string[]) => unknown

/** HubSpot docs: create a campaign. */
export function createCampaign(account: Account, call: Call, render: Render): Answer {
  return answerOne(account, call, 201, render, (sent) => planCreate(account, sent))
}

/** HubSpot docs: update a campaign. A blank empties the property. */
export function updateCampaign(
  account: Account,
  call: Call,
  campaign: Campaign,
  render: Render,
): Answer {
  return answerOne(account, call, 200, render, (sent) => planUpdate(account, campaign, sent))
}

/** HubSpot docs: delete a campaign. Done, whether there was one or not. */
export function deleteCampaigns(account: Account, ids: readonly string[]): Answer {
  const known = ids.filter((id) => account.state.campaigns.has(id))
  account.state.commit(known.map((id) => ({ do: 'drop-campaign', id })))
  return { status: 204 }
}

/** HubSpot docs: delete a batch of campaigns. */
export function archiveBatch(account: Account, call: Call): Answer {
  return deleteCampaigns(
    account,
    readRows(call).map(({ id }) => id),
  )
}

/** HubSpot docs: create a batch of campaigns. The answer is in no order, and a refused row is not named. */
export function createBatch(account: Account, call: Call, render: Render): Answer {
  return answerBatch(account, call, 201, render, ({ properties }) =>
    planCreate(account, properties),
  )
}

/** HubSpot docs: update a batch of campaigns. */
export function updateBatch(account: Account, call: Call, render: Render): Answer {
  return answerBatch(account, call, 200, render, ({ id, properties }) => {
    const campaign = account.state.campaigns.get(id)
    if (!campaign) throw new RowRefusal(404, missing([id]))
    return planUpdate(account, campaign, properties)
  })
}

/** HubSpot docs: read a batch of campaigns. Those asked for twice come once; 207 when some are missing. */
export function readBatch(account: Account, call: Call, names: readonly string[], render: Render) {
  const ids = [...new Set(readRows(call).map(({ id }) => id))]
  const found = ids.flatMap((id) => account.state.campaigns.get(id) ?? [])
  const absent = ids.filter((id) => !account.state.campaigns.has(id))
  return batchAnswer(
    account,
    200,
    shuffled(found.map((campaign) => render(campaign, names))),
    absent.length > 0 ? [{ status: 'error', ...missing(absent) }] : [],
  )
}

function missing(ids: readonly string[]): ErrorBody {
  return {
    category: 'OBJECT_NOT_FOUND',
    message: 'Some campaigns do not exist.',
    context: { ids: [...ids] },
  }
}

interface Row {
  id: string
  properties: JsonObject
}

function readRows(call: Call): Row[] {
  const inputs = objectOf(parseBody(call.text))['inputs']
  if (!Array.isArray(inputs)) throw badRequest('Invalid input JSON: inputs must be a list')
  if (inputs.length > MAX_INPUTS) {
    throw badRequest(`Invalid input JSON: batch size exceeds the maximum of ${MAX_INPUTS}`)
  }
  return inputs.map(objectOf).map((input) => ({
    id: textOf(input['id']) ?? '',
    properties: objectOf(input['properties']),
  }))
}

/** A refused single write is the answer of the call. */
function answerOne(
  account: Account,
  call: Call,
  status: number,
  render: Render,
  plan: (sent: JsonObject) => Planned,
): Answer {
  try {
    const planned = plan(objectOf(objectOf(parseBody(call.text))['properties']))
    commitCampaigns(account, call, [planned])
    return { status, body: render(planned.campaign, planned.names) }
  } catch (error) {
    if (error instanceof RowRefusal) throw refuse(error.status, error.body)
    throw error
  }
}

function answerBatch(
  account: Account,
  call: Call,
  status: number,
  render: Render,
  plan: (row: Row) => Planned,
): Answer {
  const { fault } = call
  const planned: Planned[] = []
  const errors: (ErrorBody & { status: 'error' })[] = []
  for (const [i, row] of readRows(call).entries()) {
    try {
      if (fault?.kind === 'refuse-rows' && (i + 1) % fault.everyNth === 0) {
        const { code, message = 'The value is not valid', fields = [] } = fault
        throw invalid(message, fields, code === 'VALIDATION_ERROR' ? {} : { code })
      }
      planned.push(plan(row))
    } catch (error) {
      if (!(error instanceof RowRefusal)) throw error
      errors.push({ status: 'error', ...error.body })
    }
  }
  commitCampaigns(account, call, planned)
  const results = planned.map(({ campaign, names }) => render(campaign, names))
  return batchAnswer(account, status, shuffled(results), errors)
}

/** Stores the campaigns, except those that an injected fault loses silently. */
function commitCampaigns(account: Account, call: Call, planned: readonly Planned[]): void {
  const { fault } = call
  const nth = fault?.kind === 'lose-rows' ? fault.everyNth : Infinity
  const kept = planned.filter(
    ({ campaign: { id, properties: values }, isNew }, i) =>
      (i + 1) % nth !== 0 && !dropsWrite(fault, { id, isNew, values }),
  )
  account.state.commit(kept.map(({ campaign }) => ({ do: 'campaign', campaign })))
}

function planCreate(account: Account, sent: JsonObject): Planned {
  const properties = acceptProperties(sent, {})
  if (properties['hs_name'] === undefined) throw invalid('hs_name is required', ['hs_name'])
  const campaign = freshCampaign(randomUUID(), properties, account.clock.now())
  return { campaign, isNew: true, names: Object.keys(sent) }
}

function planUpdate(account: Account, campaign: Campaign, sent: JsonObject): Planned {
  const properties = acceptProperties(sent, campaign.properties)
  if (properties['hs_name'] === undefined) throw invalid('hs_name is required', ['hs_name'])
  const updated = { ...campaign, properties, updatedAtMs: account.clock.now() }
  return { campaign: updated, isNew: false, names: Object.keys(sent) }
}

function acceptProperties(sent: JsonObject, held: Record<string, string>): Record<string, string> {
  const forbidden = Object.keys(sent).filter((name) => !WRITABLE.has(name))
  if (forbidden.length > 0) {
    throw invalid(`Forbidden properties: ${forbidden.join(', ')}`, forbidden, {
      subCategory: 'CampaignApiError.PROPERTY_SET_CONTAINS_VALUES_FORBIDDEN_FOR_WRITE',
    })
  }
  const properties = { ...held }
  for (const [name, json] of Object.entries(sent)) {
    const text = textOf(json) ?? ''
    if (DATES.has(name) && text !== '' && !/^\d{4}-\d{2}-\d{2}$/.test(text)) {
      const subCategory = 'CampaignValidationError.INVALID_DATE_PROPERTY'
      throw invalid(`${name} is no date`, [name], { subCategory })
    }
    if (name === 'hs_campaign_status' && text !== '' && !STATUSES.has(text)) {
      throw invalid(`${text} is no status`, [name], { code: 'INVALID_OPTION' })
    }
    if (text === '') delete properties[name]
    else properties[name] = text
  }
  return properties
}

function invalid(
  message: string,
  names: readonly string[],
  { code, subCategory }: { code?: string; subCategory?: string } = {},
): RowRefusal {
  const context = { propertyName: [...names] }
  return new RowRefusal(400, {
    category: 'VALIDATION_ERROR',
    ...(subCategory === undefined ? {} : { subCategory }),
    message,
    context,
    errors: [{ message, context, ...(code === undefined ? {} : { code }) }],
  })
}

/** A campaign is addressed by its GUID; its number as a record of the CRM is no id here. */
export function getCampaign({ state }: Account, id: string): Campaign {
  if (!/^[0-9a-f-]{36}$/.test(id)) throw badRequest(`Invalid campaign GUID ${id}`)
  const campaign = state.campaigns.get(id)
  if (!campaign) throw notFound()
  return campaign
}
