import { expect, test } from 'vitest'
import { campaignToCandidate, campaignToHubspot, keyOf, needsCurrency } from './campaign-mapping.ts'

const campaign = (properties: Record<string, string | null>) => ({
  id: '430318c4-abb7-4bf7-a75e-9c5fa8f475a6',
  properties,
  updatedAt: '2026-11-20T10:00:00Z',
})

test('a campaign of HubSpot comes in our words', () => {
  const properties = {
    hs_name: 'Spring Fair',
    hs_utm: 'Spring%20Fair',
    hs_campaign_status: 'in_progress',
    hs_start_date: '2027-03-01',
    hs_end_date: null,
    hs_budget_items_sum_amount: '5000.50',
    hs_currency_code: 'eur',
  }
  expect(campaignToCandidate(campaign(properties), null)).toEqual({
    externalId: '430318c4-abb7-4bf7-a75e-9c5fa8f475a6',
    modifiedAt: new Date('2026-11-20T10:00:00Z'),
    deleted: false,
    values: {
      name: 'Spring Fair',
      key: 'spring fair',
      status: 'active',
      startsOn: '2027-03-01',
      endsOn: null,
      budgetMinor: 500_050,
      currency: 'EUR',
    },
    references: {},
  })
})

test('what was not read is no field, and a campaign without budget items says nothing of the budget', () => {
  expect(campaignToCandidate(campaign({ hs_name: 'A' }), 'EUR').values).toEqual({ name: 'A' })
  const blank = { hs_utm: null, hs_campaign_status: null, hs_budget_items_sum_amount: null }
  expect(campaignToCandidate(campaign(blank), 'EUR').values).toEqual({ status: null })
})

test.each([
  ['planned', 'planned'],
  ['in_progress', 'active'],
  ['ACTIVE', 'active'],
  ['paused', 'paused'],
  ['completed', 'ended'],
  ['archived', undefined],
])('the state %s is %s here', (there, here) => {
  const { values } = campaignToCandidate(campaign({ hs_campaign_status: there }), null)
  expect(values['status']).toBe(here)
})

test.each([
  ['2027-03-01', '2027-03-01'],
  ['2027-03-01T00:00:00Z', '2027-03-01'],
  ['1803859200000', '2027-03-01'],
  ['soon', null],
])('the date %s is %s', (there, here) => {
  const { values } = campaignToCandidate(campaign({ hs_start_date: there }), null)
  expect(values['startsOn']).toBe(here)
})

test('a budget without a currency counts in that of the account, and is left out where none is known', () => {
  const budget = campaign({ hs_budget_items_sum_amount: '5000', hs_currency_code: null })
  expect(needsCurrency(budget)).toBe(true)
  expect(campaignToCandidate(budget, 'JPY').values).toEqual({ budgetMinor: 5000, currency: 'JPY' })
  expect(campaignToCandidate(budget, null).values).toEqual({})
  expect(needsCurrency(campaign({ hs_budget_items_sum_amount: null }))).toBe(false)
})

test.each([
  ['Spring_Fair', 'spring_fair'],
  [' Spring%20Sale ', 'spring sale'],
  ['100% off', '100% off'],
  ['', null],
  [null, null],
])('the UTM value %j is the key %j', (utm, key) => {
  expect(keyOf(utm)).toBe(key)
})

test('a campaign goes out as text, without what is absent and without its budget', () => {
  const values = {
    name: 'Spring fair',
    key: 'spring_fair',
    status: 'ended',
    startsOn: '2027-03-01',
    endsOn: null,
    budgetMinor: 500_000,
    currency: 'EUR',
    channel: 'event',
  }
  expect(campaignToHubspot({ localId: 'cmp_1', values })).toEqual({
    hs_name: 'Spring fair',
    hs_utm: 'spring_fair',
    hs_campaign_status: 'completed',
    hs_start_date: '2027-03-01',
    hs_end_date: null,
  })
  expect(campaignToHubspot({ localId: 'cmp_1', values: { status: 'active' } })).toEqual({
    hs_campaign_status: 'active',
  })
})
