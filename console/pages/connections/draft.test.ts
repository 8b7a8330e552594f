import { expect, test } from 'vitest'
import {
  draftFor,
  draftOf,
  findFree,
  findMapping,
  lackOf,
} from '#console/pages/connections/draft.ts'
import type { MappingSearch } from '#console/pages/connections/mapping.search.ts'
import type { Mapping, Mappings, VendorField } from '#console/pages/connections/mapping.queries.ts'

const vendorField = (name: string, more: Partial<VendorField> = {}): VendorField => ({
  name,
  label: name,
  type: 'text',
  options: null,
  writable: true,
  unique: false,
  required: false,
  custom: false,
  mappedTo: null,
  ...more,
})
const mapping = (field: string, property: string, isCustom = false): Mapping => ({
  field,
  label: field,
  type: 'text',
  properties: [property],
  direction: 'both',
  policy: 'latest',
  policyText: '',
  isCritical: false,
  isComputed: false,
  isCustom,
  property: isCustom ? property : null,
  ownProperties: isCustom ? [] : [property],
  transform: { kind: 'none' },
  version: 0,
})
const mappings: Mappings = {
  data: [mapping('jobTitle', 'jobtitle'), mapping('custom.tier', 'tier__c', true)],
  unmapped: [],
  nextCursor: null,
}

test('fields that are free stand with the customer’s own first', () => {
  const fields = [
    vendorField('zip'),
    vendorField('jobtitle'),
    vendorField('tier__c', { custom: true }),
    vendorField('shoe', { custom: true }),
    vendorField('city'),
  ]
  expect(findFree(fields, mappings).map(({ name }) => name)).toEqual(['shoe', 'city', 'zip'])
})

test('a field that the CRM does not let anybody write is only taken in', () => {
  expect(draftFor(vendorField('score.x', { writable: false }))).toEqual({
    field: 'custom.score_x',
    property: 'score.x',
    direction: 'pull',
    policy: 'latest',
    transform: { kind: 'none' },
  })
})

test('the connector’s own mapping stays its own until the workspace chooses another', () => {
  expect(draftOf(mappings.data[0]!).property).toBeNull()
  expect(draftOf(mappings.data[1]!).property).toBe('tier__c')
})

test('a mapping is found by either name', () => {
  const find = (search: MappingSearch) => findMapping(mappings, search)?.field ?? null
  expect(find({ field: 'jobTitle' })).toBe('jobTitle')
  expect(find({ property: 'tier__c' })).toBe('custom.tier')
  expect(find({ property: 'shoe' })).toBeNull()
  expect(find({})).toBeNull()
})

test.each([
  ['custom.ok', 'x', null],
  ['custom.shoe size', 'x', /custom/],
  ['custom.ok', null, /Choose/],
  ['department', null, /Choose/],
  ['department', 'x', null],
])('a new mapping of %s to %s lacks %s', (field, property, lack) => {
  const said = lackOf({ ...draftOf(mappings.data[0]!), field, property }, null)
  if (lack === null) expect(said).toBeNull()
  else expect(said).toMatch(lack)
})

test('only where the connector has a mapping of its own may none be chosen', () => {
  const [own, custom] = mappings.data
  expect(lackOf({ ...draftOf(own!), property: null }, own!)).toBeNull()
  expect(lackOf({ ...draftOf(custom!), property: null }, custom!)).toMatch(/Choose/)
})
