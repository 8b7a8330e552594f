import { expect, test } from 'vitest'
import { keysFor } from './campaign.rules.ts'

const write = (values: Record<string, string | null>) => ({ values, externalId: 'A-1' })

test.each([
  ['its own key, in lower case', { key: ' Spring Sale ', name: 'Fair' }, 'spring sale'],
  ['its name, where it has none', { name: 'Frühlings-Messe!' }, 'fruhlings_messe'],
  ['its name, where its own is blank', { key: '', name: 'Fair' }, 'fair'],
  ['its name, where its own is too long', { key: 'x'.repeat(201), name: 'Fair' }, 'fair'],
  ['the vendor’s id, where nothing is left', { name: '!' }, 'a-1'],
])('a campaign of a CRM gets %s', (_what, values, key) => {
  expect(keysFor([write(values)], new Set())).toEqual([key])
})

test('keys that are taken, or come twice, are numbered', () => {
  const writes = [write({ key: 'fair' }), write({ name: 'Fair' }), write({ name: 'Other' })]
  expect(keysFor(writes, new Set(['fair', 'fair_2']))).toEqual(['fair_3', 'fair_4', 'other'])
})
