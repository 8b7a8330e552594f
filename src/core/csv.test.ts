import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cellText, csvLine, csvStream, escapeCell, unescapeCell } from '#core/csv.ts'

const risky = ['=', '+', '-', '@', '\t', '\n', '\r', '\0', '|', '%', '＝', '＋', '－', '＠']
const nasty = fc.string({ unit: fc.constantFrom(...risky, "'", '"', ',', ';', ' ', 'a', 'é', '1') })

test('escaping is undone exactly, for every text and for texts that begin with apostrophes', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), nasty), (text) => {
      expect(unescapeCell(escapeCell(text))).toBe(text)
    }),
    { numRuns: 2000 },
  )
})

test('nothing that is written starts with what a spreadsheet runs', () => {
  for (const start of risky) expect(escapeCell(`${start}cmd`)).toBe(`'${start}cmd`)
  expect(escapeCell("'=x")).toBe("''=x")
  expect(escapeCell("'tis")).toBe("'tis")
  expect(escapeCell('a=1')).toBe('a=1')
})

test('a plain number stays a number in a number column, and only there', () => {
  expect(cellText('-12.50', 'number')).toBe('-12.50')
  expect(cellText(-1e-7, 'number')).toBe('-1e-7')
  expect(cellText('-12.50')).toBe("'-12.50")
  expect(cellText('-1+cmd', 'number')).toBe("'-1+cmd")
  expect(cellText('+5', 'number')).toBe("'+5")
})

test('what is written is RFC 4180: another reader finds the same cells', () => {
  fc.assert(
    fc.property(fc.array(fc.array(nasty, { minLength: 3, maxLength: 3 })), (rows) => {
      const read = parse(rows.map(csvLine).join(''), { record_delimiter: '\r\n' })
      expect(read).toEqual(rows)
    }),
  )
})

test('the stream writes the header first, then one chunk a batch', async () => {
  const columns = [
    { title: 'name', value: (row: { name: string; amount: number }) => row.name },
    { title: 'amount', type: 'number' as const, value: (row: { amount: number }) => row.amount },
  ]
  const batches = [[{ name: '=1', amount: -2 }], [], [{ name: 'a,b', amount: 3 }]]
  const chunks: string[] = []
  for await (const chunk of csvStream(columns, batches, { bom: true })) chunks.push(chunk)
  expect(chunks).toEqual(['\uFEFFname,amount\r\n', "'=1,-2\r\n", '"a,b",3\r\n'])
})

test('an empty cell alone on its line is not lost as a blank line', () => {
  expect(csvLine([''])).toBe('""\r\n')
})
