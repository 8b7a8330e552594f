import { expect, test } from 'vitest'
import { readCell, type CellSettings } from '#imports/cell.ts'
import type { FieldKind } from '#imports/mapping.ts'

const settings: CellSettings = {
  zone: 'Europe/Amsterdam',
  currency: 'EUR',
  dateFormat: 'day-first',
  decimalMark: ',',
  countryCode: '31',
}

function value(kind: FieldKind, text: string) {
  const reading = readCell(kind, text, settings)
  return reading.kind === 'value' ? reading.value : reading.kind
}

test('a cell is read as what its field holds, with what its column has settled', () => {
  expect(value('date', '22-01-2018')).toEqual(new Date('2018-01-21T23:00:00Z'))
  expect(value('money', '1.234')).toEqual({ amountMinor: 123400, currency: 'EUR' })
  expect(value('number', '1.234,5')).toBe(1234.5)
  expect(value('phone', '06 12345678')).toBe('+31612345678')
  expect(value('boolean', 'ja')).toBe(true)
  expect(value('country', ' Brazil ')).toBe('Brazil')
  expect(value('date', '0000-00-00 00:00:00')).toBe('empty')
})

test('a date that does not exist is a fault that says what to do', () => {
  expect(readCell('date', '31-02-2018', settings)).toEqual({
    kind: 'fault',
    reason: '“31-02-2018” is no date that exists, read as day-first: write it like 2018-01-22.',
  })
})
