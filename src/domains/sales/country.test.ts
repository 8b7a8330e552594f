import { expect, test } from 'vitest'
import { countryCode } from './country.ts'

test.each([
  ['de', 'DE'],
  [' DE ', 'DE'],
  ['Germany', 'DE'],
  ['Deutschland', 'DE'],
  ['ESPAÑA', 'ES'],
  ['Österreich', 'AT'],
  ['United  Kingdom', 'GB'],
  ['UK', 'GB'],
  ['USA', 'US'],
  ['United States of America', 'US'],
  ['The Netherlands', 'NL'],
  ['Côte d’Ivoire', 'CI'],
  ['Czech Republic', 'CZ'],
])('%j is %s', (text, code) => {
  expect(countryCode(text)).toBe(code)
})

test.each(['', 'Atlantis', 'ZZ', 'EU', 'DE;DROP'])('%j names no country', (text) => {
  expect(countryCode(text)).toBeNull()
})
