import { CurrencyCode, parseMinor } from '#core/money.ts'
import type { VendorField, VendorProperties } from '#sync/connector.ts'
import type { Candidate, EntityRecord, FieldType } from '#sync/entity.ts'
import { decoded, type HubspotRecord } from './answers.ts'
import { modifiedAtOf, readTime } from './mapping.ts'

/** HubSpot's states in our words; one that it adds later is not read. */
const STATES: Readonly<Record<string, string>> = {
  planned: 'planned',
  in_progress: 'active',
  active: 'active',
  paused: 'paused',
  completed: 'ended',
}

const STATES_THERE: Readonly<Record<string, string>> = {
  planned: 'planned',
  active: 'active',
  paused: 'paused',
  ended: 'completed',
}

/** Read and kept, although no field of ours holds them. */
export const campaignExtras = ['hs_notes', 'hs_audience', 'hs_owner', 'hs_spend_items_sum_amount']

const MOST_KEY = 200

/** A campaign as HubSpot's properties, all text; what is absent is not sent. */
export function campaignToHubspot({ values }: EntityRecord): VendorProperties {
  const properties: VendorProperties = {}
  const { name, key, status, startsOn, endsOn } = values
  if (name !== undefined) properties['hs_name'] = name
  if (key !== undefined) properties['hs_utm'] = key
  const state = typeof status === 'string' ? STATES_THERE[status] : undefined
  if (state !== undefined) properties['hs_campaign_status'] = state
  if (startsOn !== undefined) properties['hs_start_date'] = startsOn
  if (endsOn !== undefined) properties['hs_end_date'] = endsOn
  return properties
}

/**
 * A campaign in our words. A property that was not read is no field of the candidate; a budget without items says nothing of ours.
 * @param accountCurrency  for budgets that name none; null: they are left out.
 */
export function campaignToCandidate(
  campaign: HubspotRecord,
  accountCurrency: string | null,
): Candidate {
  const { id, properties } = campaign
  const has = (name: string) => properties[name] !== undefined
  const read = (name: string) => properties[name] || null
  const values: Candidate['values'] = {}
  if (has('hs_name')) values['name'] = read('hs_name')
  const key = keyOf(read('hs_utm'))
  if (key !== null) values['key'] = key
  const status = read('hs_campaign_status')
  const state = status === null ? null : STATES[status.toLowerCase()]
  if (has('hs_campaign_status') && state !== undefined) values['status'] = state
  if (has('hs_start_date')) values['startsOn'] = dateOf(read('hs_start_date'))
  if (has('hs_end_date')) values['endsOn'] = dateOf(read('hs_end_date'))
  const currency = currencyOf(campaign) ?? accountCurrency
  const budget = read('hs_budget_items_sum_amount')
  const budgetMinor = budget === null || currency === null ? null : parseMinor(budget, currency)
  if (budgetMinor !== null) Object.assign(values, { budgetMinor, currency })
  return {
    externalId: id,
    modifiedAt: modifiedAtOf(campaign),
    deleted: false,
    values,
    references: {},
  }
}

/** Whether its budget names no currency, so that the account's counts. */
export function needsCurrency(campaign: HubspotRecord): boolean {
  return Boolean(campaign.properties['hs_budget_items_sum_amount']) && currencyOf(campaign) === null
}

function currencyOf({ properties }: HubspotRecord): string | null {
  return CurrencyCode.safeParse(properties['hs_currency_code']?.toUpperCase()).data ?? null
}

/** A UTM value as touches have it: decoded, as far as it is encoded, and in lower case. */
export function keyOf(utm: string | null | undefined): string | null {
  return (
    decoded(utm ?? '')
      .trim()
      .toLowerCase()
      .slice(0, MOST_KEY) || null
  )
}

/** HubSpot gives dates as such, as a time or as epoch milliseconds of midnight, UTC. */
function dateOf(text: string | null): string | null {
  return readTime(text)?.toISOString().slice(0, 10) ?? null
}

/** A campaign that is gone; HubSpot does not say since when. */
export function goneCampaign(externalId: string): Candidate {
  return { externalId, modifiedAt: null, deleted: true, values: {}, references: {} }
}

const property = (
  name: string,
  label: string,
  type: FieldType,
  more: Partial<VendorField> = {},
): VendorField => ({
  name,
  label,
  type,
  options: null,
  writable: true,
  unique: false,
  required: false,
  custom: false,
  ...more,
})

/** What the campaigns API gives out of a campaign. It does not tell of the customer's own properties, so there are none here. */
export const campaignProperties: readonly VendorField[] = [
  property('hs_name', 'Campaign name', 'text', { required: true }),
  property('hs_utm', 'UTM', 'text'),
  property('hs_campaign_status', 'Campaign status', 'choice', {
    options: Object.keys(STATES).map((value) => ({ value, label: value.replaceAll('_', ' ') })),
  }),
  property('hs_start_date', 'Start date', 'date'),
  property('hs_end_date', 'End date', 'date'),
  property('hs_notes', 'Notes', 'long_text'),
  property('hs_audience', 'Audience', 'long_text'),
  property('hs_currency_code', 'Currency', 'text'),
  property('hs_owner', 'Owner', 'reference', { references: 'owner', writable: false }),
  property('hs_budget_items_sum_amount', 'Budget', 'number', { writable: false }),
  property('hs_spend_items_sum_amount', 'Spend', 'number', { writable: false }),
]

/** What is read of campaigns. */
export const campaignNames: readonly string[] = campaignProperties.map(({ name }) => name)
