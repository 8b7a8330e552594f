import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readEmail, readId, readPhone, readText, readUrl } from '#imports/contacts.ts'
import {
  detectDecimalMark,
  readBoolean,
  readMoney,
  readNumber,
  type DecimalMark,
  type Reading,
} from '#imports/values.ts'

const shown = (reading: Reading<unknown>) =>
  reading.kind === 'value' ? reading.value : reading.kind

const numbers: [text: string, mark: DecimalMark | null, expected: number | string][] = [
  ['1234', null, 1234],
  ['1,234.56', null, 1234.56],
  ['1.234,56', null, 1234.56],
  ['1.234.567', null, 1234567],
  ['1,234,567', null, 1234567],
  ['1 234,56', null, 1234.56],
  ['1 234', null, 1234],
  ['1\u202f234,5', null, 1234.5],
  ["1'234.50", null, 1234.5],
  ['12,34,567.89', null, 1234567.89],
  ['1.234', null, 'fault'],
  ['1,234', null, 'fault'],
  ['1.234', '.', 1.234],
  ['1.234', ',', 1234],
  ['1,234', '.', 1234],
  ['1,5', null, 1.5],
  ['0,125', null, 0.125],
  ['1234.567', null, 1234.567],
  ['.5', null, 0.5],
  ['5.', null, 5],
  ['-12.50', null, -12.5],
  ['−12', null, -12],
  ['12-', null, -12],
  ['(12.50)', null, -12.5],
  ['+7', null, 7],
  ['1.5e3', null, 1500],
  ['1e999', null, 'fault'],
  ['12%', null, 'fault'],
  ['12,3,4', null, 'fault'],
  ['1.2.3', null, 'fault'],
  ['1,23,45.6', null, 'fault'],
  ['--5', null, 'fault'],
  ['12 apples', null, 'fault'],
  ['€ 12', null, 'fault'],
  ['Infinity', null, 'fault'],
  ['0x10', null, 'fault'],
  ['', null, 'empty'],
  [' N/A ', null, 'empty'],
  ['-', null, 'empty'],
  ['9'.repeat(5000), null, 'fault'],
]

test.each(numbers)('the number %j with mark %j is %j', (text, mark, expected) => {
  expect(shown(readNumber(text, mark))).toBe(expected)
})

const amounts: [text: string, currency: string, expected: [number, string] | string][] = [
  ['€ 1.234,56', 'USD', [123456, 'EUR']],
  ['1.234,56 €', 'USD', [123456, 'EUR']],
  ['$1,234.56', 'EUR', [123456, 'USD']],
  ['$1,234.56', 'CAD', [123456, 'CAD']],
  ['-$5', 'USD', [-500, 'USD']],
  ['$-5', 'USD', [-500, 'USD']],
  ['(1,000.00)', 'USD', [-100000, 'USD']],
  ['12.50 USD', 'EUR', [1250, 'USD']],
  ['EUR12', 'USD', [1200, 'EUR']],
  ['R$ 10,00', 'USD', [1000, 'BRL']],
  ['¥1000', 'EUR', [1000, 'JPY']],
  ['¥1000', 'CNY', [100000, 'CNY']],
  ['100 kr', 'NOK', [10000, 'NOK']],
  ['100 kr', 'EUR', 'fault'],
  ['Kr. 1.000,50', 'DKK', [100050, 'DKK']],
  ['100 kr.', 'SEK', [10000, 'SEK']],
  ['Rs. 12,34,567.50', 'EUR', [123456750, 'INR']],
  ['$.50', 'USD', [50, 'USD']],
  ['100 XQQ', 'EUR', 'fault'],
  ['10.50', 'JPY', 'fault'],
  ['10.00', 'JPY', [10, 'JPY']],
  ['0.0', 'EUR', [0, 'EUR']],
  ['10.005', 'EUR', 'fault'],
  ['12.5000', 'EUR', [1250, 'EUR']],
  ['99999999999999999', 'EUR', 'fault'],
  ['free', 'EUR', 'fault'],
  ['', 'EUR', 'empty'],
]

test.each(amounts)('the amount %j, by default in %s, is %j', (text, currency, expected) => {
  const reading = readMoney(text, currency)
  const found =
    reading.kind === 'value' ? [reading.value.amountMinor, reading.value.currency] : reading.kind
  expect(found).toEqual(expected)
})

test('yes and no are read in the languages of our users', () => {
  for (const word of ['yes', 'Ja', 'OUI', '1', 'x', 'sí', 'true']) {
    expect(shown(readBoolean(word))).toBe(true)
  }
  for (const word of ['no', 'nein', 'nee', 'non', '0', 'não', 'FALSE']) {
    expect(shown(readBoolean(word))).toBe(false)
  }
  expect(shown(readBoolean(''))).toBe('empty')
  expect(readBoolean('maybe')).toEqual({
    kind: 'fault',
    reason: '“maybe” is neither yes nor no: write true or false.',
  })
})

const emails: [text: string, expected: string][] = [
  [' Ada@Example.COM ', 'Ada@example.com'],
  ['Ada Lovelace <ada@example.com>', 'ada@example.com'],
  ['mailto:ada@example.com', 'ada@example.com'],
  ["o'brien+x@mail.example.co.uk", "o'brien+x@mail.example.co.uk"],
  ['jörg@müller.de', 'jörg@müller.de'],
  ['ada@example.com; bob@example.com', 'fault'],
  ['ada@', 'fault'],
  ['@example.com', 'fault'],
  ['ada@localhost', 'fault'],
  ['ada..b@example.com', 'fault'],
  ['ada@exa mple.com', 'fault'],
  ['ada', 'fault'],
  ['', 'empty'],
  [`${'a'.repeat(70)}@example.com`, 'fault'],
  ['a@'.repeat(50_000), 'fault'],
]

test.each(emails)('the address %j is %j', (text, expected) => {
  expect(shown(readEmail(text))).toBe(expected)
})

const phones: [text: string, countryCode: string | undefined, expected: string][] = [
  ['+31 6 1234 5678', undefined, '+31612345678'],
  ['0031 6 12345678', undefined, '+31612345678'],
  ['06-12345678', '31', '+31612345678'],
  ['06-12345678', undefined, '0612345678'],
  ['(555) 123-4567', '1', '+15551234567'],
  ['+44 (0)20 7946 0000', undefined, '+442079460000'],
  ['555-123-4567 ext. 12', '1', '+15551234567;ext=12'],
  ['555-123-4567 x12', undefined, '5551234567;ext=12'],
  ['3.16123E+11', undefined, 'fault'],
  ['12', undefined, 'fault'],
  ['call me', undefined, 'fault'],
  ['+1 555 +2', undefined, 'fault'],
  ['', undefined, 'empty'],
]

test.each(phones)('the telephone number %j (%s) is %j', (text, countryCode, expected) => {
  expect(shown(readPhone(text, countryCode))).toBe(expected)
})

test('web addresses get their scheme, and only the web is taken', () => {
  expect(shown(readUrl('example.com/a'))).toBe('https://example.com/a')
  expect(shown(readUrl('http://example.com'))).toBe('http://example.com/')
  for (const bad of [
    'javascript://example.com/%0aalert(1)',
    'ftp://example.com',
    'not a url',
    '12.5',
    'x',
    'https://u:p@example.com',
  ]) {
    expect(shown(readUrl(bad))).toBe('fault')
  }
})

test('an identifier that a spreadsheet has rounded is refused, all else is kept', () => {
  expect(shown(readId('00123'))).toBe('00123')
  expect(shown(readId('1.23457E+17'))).toBe('fault')
  expect(shown(readText(' e\u0301 '))).toBe('é')
  expect(shown(readText('x'.repeat(11)))).toBe('x'.repeat(11))
  expect(shown(readText('x'.repeat(11), 10))).toBe('fault')
})

test('a column settles its decimal mark by the samples that show it', () => {
  expect(detectDecimalMark(['1.234', '12,50', ''])).toBe(',')
  expect(detectDecimalMark(['1,234', '12.50'])).toBe('.')
  expect(detectDecimalMark(['1.234', '2.345'])).toBeNull()
  expect(detectDecimalMark(['€ 1.234.567'])).toBe(',')
})

test('every number is read back as browsers write it in each country', () => {
  const cents = fc.integer({ min: -9_999_999_999, max: 9_999_999_999 })
  const places = fc.constantFrom('en-US', 'de-DE', 'fr-FR', 'de-CH', 'en-IN', 'pt-BR', 'sv-SE')
  fc.assert(
    fc.property(cents, places, (minor, place) => {
      const format = new Intl.NumberFormat(place, { minimumFractionDigits: 2 })
      expect(readNumber(format.format(minor / 100))).toEqual({ kind: 'value', value: minor / 100 })
      const money = new Intl.NumberFormat(place, { style: 'currency', currency: 'EUR' })
      expect(readMoney(money.format(minor / 100), 'USD')).toEqual({
        kind: 'value',
        value: { amountMinor: minor, currency: 'EUR' },
      })
    }),
    { numRuns: 300 },
  )
})

test('no text makes a reader throw', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      for (const read of [readNumber, readBoolean, readEmail, readUrl, readId]) {
        expect(['value', 'empty', 'fault']).toContain(read(text).kind)
      }
      expect(['value', 'empty', 'fault']).toContain(readMoney(text, 'EUR').kind)
      expect(['value', 'empty', 'fault']).toContain(readPhone(text).kind)
    }),
  )
})
