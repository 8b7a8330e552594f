import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import iconv from 'iconv-lite'
import { expect, test } from 'vitest'
import { cellText, csvLine, csvStream } from '#core/csv.ts'
import { detectDialect, type DialectChoice } from '#imports/dialect.ts'
import { readRows, type ImportRow, type ReadOptions } from '#imports/reader.ts'

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

interface Outcome {
  rows: ImportRow[]
  good: Record<string, string>[]
  bad: string[]
  blankLines: number
}

async function read(
  file: string | Uint8Array,
  options: ReadOptions & { choice?: DialectChoice; chunk?: number } = {},
): Promise<Outcome> {
  const bytes = Buffer.from(file)
  const dialect = await detectDialect(bytes, options.choice)
  const size = options.chunk ?? bytes.length
  const chunks: Buffer[] = []
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size))
  const reader = readRows(chunks, dialect, options)
  const rows: ImportRow[] = []
  for await (const row of reader) rows.push(row)
  const { accepted, rejected, blankLines } = reader.counts
  expect(accepted + rejected).toBe(rows.length)
  return {
    rows,
    blankLines,
    good: rows.flatMap((row) => (row.kind === 'row' ? [{ ...row.cells }] : [])),
    bad: rows.flatMap((row) => (row.kind === 'fault' ? [`${row.record}:${row.code}`] : [])),
  }
}

const H = 'name,n\n'

/** File, rows accepted, rows rejected by number. Each is read whole and byte by byte. */
const files: [title: string, file: string | Uint8Array, accepted: number, rejected: string[]][] = [
  ['a short row', `${H}a,1\nb\nc,3\n`, 2, ['2:row.ragged']],
  ['a long row', `${H}a,1\nb,2,3\nc,3\n`, 2, ['2:row.ragged']],
  ['surplus cells that are empty', `${H}a,1,\nb,2,,\n`, 2, []],
  ['a quote never closed', `${H}a,1\n"b,2\nc,3\n`, 1, ['2:quote.unclosed']],
  ['a quote never closed in the last cell', `${H}a,1\nb,"2`, 1, ['2:quote.unclosed']],
  ['a quote inside quotes', `${H}"say "hi" now",1\nb,2\n`, 1, ['1:quote.stray']],
  ['text after a closing quote', `${H}"a"b,1\nb,2\n`, 1, ['1:quote.stray']],
  ['a quote inside a plain cell', `${H}5" pipe,1\nb,2\n`, 2, []],
  ['spaces after a closing quote', `${H}"a" ,1\n"b",2\n`, 2, []],
  ['NUL in a cell', `${H}a\0b,1\nb,2\n`, 1, ['1:cell.nul']],
  ['a row of NULs', `${H}\0\0\0\0,\0\nb,2\n`, 1, ['1:cell.nul']],
  ['no newline at the end', `${H}a,1\nb,2`, 2, []],
  ['blank lines between rows', `${H}\na,1\n\n  \nb,2\n\n`, 2, []],
  ['only a header', H, 0, []],
  ['a header without newline', 'name,email', 0, []],
  ['CRLF', 'name,n\r\na,1\r\nb,2\r\n', 2, []],
  ['old Mac line ends', 'name,n\ra,1\rb,2\r', 2, []],
  ['mixed line ends', 'name,n\r\na,1\nb,2\r\n', 2, []],
  ['a lone CR inside a cell', `${H}a\rb,1\nb,2\n`, 2, []],
  ['a CR at the very end', 'name,n\r\na,1\r', 1, []],
  ['newlines inside quotes', `${H}"a\nb\r\nc",1\nb,2\n`, 2, []],
  ['rows of only delimiters', `${H},\na,1\n`, 2, []],
  ['a header with the same name twice', 'n,n\n1,2\n', 1, []],
  ['a header with blanks', 'name,,\na,1,2\n', 1, []],
  ['a UTF-8 byte order mark', `\uFEFF${H}é,1\n`, 1, []],
  ['UTF-16 with mark', iconv.encode(`${H}é,1\nb,2\n`, 'utf-16le', { addBOM: true }), 2, []],
  ['UTF-16 big endian without mark', iconv.encode(`${H}ab,1\nb,2\n`, 'utf-16be'), 2, []],
  ['windows-1252', iconv.encode(`${H}Müller €,1\nJosé,2\n`, 'windows-1252'), 2, []],
  [
    'UTF-8 with a broken byte',
    Buffer.concat([Buffer.from(`${H}a,1\n`), Buffer.from([0xff, 44, 50])]),
    2,
    [],
  ],
  ["Excel's sep line", 'sep=;\nname;n\na,b;1\n', 1, []],
  ['semicolons and decimal commas', 'name;n\na;1,5\nb;2,5\n', 2, []],
  ['tabs', 'name\tn\na\t1\n', 1, []],
  ['bars', 'name|n\na|1\n', 1, []],
  ['a space before each quote', 'name, "n"\na, "1, 2"\n', 1, []],
  ['one column', 'name\na\n\nb\n', 2, []],
  ['names that JavaScript minds', '__proto__,constructor\na,1\n', 1, []],
  ['emoji, accents, right to left', `${H}👩🏽‍🚀 é עברית,1\n`, 1, []],
  ['gzip', gzipSync(`${H}a,1\nb\n`), 1, ['2:row.ragged']],
  ['two gzip members', Buffer.concat([gzipSync(`${H}a,1\n`), gzipSync('b,2\n')]), 2, []],
]

test.each(files)('every row is accounted for: %s', async (_, file, accepted, rejected) => {
  for (const chunk of [undefined, 1, 7]) {
    const { good, bad } = await read(file, chunk === undefined ? {} : { chunk })
    expect({ accepted: good.length, bad }).toEqual({ accepted, bad: rejected })
  }
})

test('a row says where it stands, also after newlines inside quotes and blank lines', async () => {
  const { rows, blankLines } = await read(`${H}"a\nb",1\n\nc\n"d\n`)
  expect(rows.map(({ record, line, lastLine }) => [record, line, lastLine])).toEqual([
    [1, 2, 3],
    [2, 5, 5],
    [3, 6, 7],
  ])
  expect(blankLines).toBe(1)
})

test('column names are unique and never blank', async () => {
  const { good } = await read('name,name,,name (2), name \nx,2,3,4,5\n', {
    choice: { hasHeader: true },
  })
  expect(good).toEqual([
    { name: 'x', 'name (3)': '2', 'column 3': '3', 'name (2)': '4', 'name (4)': '5' },
  ])
})

test('a file of hostile column names cannot reach the prototype', async () => {
  const { rows } = await read('__proto__,constructor\na,1\n')
  const [row] = rows
  expect(row?.kind === 'row' && Object.keys(row.cells)).toEqual(['__proto__', 'constructor'])
  expect(Object.getPrototypeOf({})).toBe(Object.prototype)
})

test('a row of a megabyte is rejected and the next one is read', async () => {
  const long = 'x'.repeat(1_100_000)
  for (const cell of [
    long,
    `"${long}"`,
    `"${long.replaceAll('xxxx', 'x,\nx')}"`,
    ',x'.repeat(600_000),
  ]) {
    const { good, bad } = await read(`${H}${cell},1\nb,2\n`, {
      choice: { delimiter: ',', hasHeader: true },
    })
    expect(good).toEqual([{ name: 'b', n: '2' }])
    expect(bad).toHaveLength(1)
  }
})

test('a quote that is never closed does not fill the memory', async () => {
  const dialect = await detectDialect(Buffer.from(`${H}a,1\n`))
  const chunk = Buffer.alloc(1_000_000, 'x,\n')
  const before = process.memoryUsage().rss
  let most = before
  function* file(): Generator<Uint8Array> {
    yield Buffer.from(`${H}"`)
    for (let i = 0; i < 200; i += 1) {
      yield chunk
      most = Math.max(most, process.memoryUsage().rss)
    }
  }
  const [row, ...more] = await collect(readRows(file(), dialect))
  expect(most - before).toBeLessThan(100_000_000)
  expect(more).toEqual([])
  expect(row).toMatchObject({ code: 'quote.unclosed', line: 2, values: [] })
})

test('bytes that stop being UTF-8 after the sample reject their row and say so', async () => {
  const head = `${H}${'a,1\n'.repeat(80_000)}`
  const file = Buffer.concat([
    Buffer.from(head),
    Buffer.from([0xe9, 44, 50, 10]),
    Buffer.from('b,2\n'),
  ])
  const { good, bad } = await read(file)
  expect(bad).toEqual(['80001:cell.undecodable'])
  expect(good).toHaveLength(80_001)
})

test('a stopped import goes on where it stood, whatever the rows before hold', async () => {
  const file = `sep=,\n${H}a,1\n"b\n\n",2\n\nc\n"d""",4\n5" x,5\n"e"f,6\ng,"unclosed\n`
  const whole = (await read(file)).rows
  expect(whole).toHaveLength(7)
  for (let skip = 0; skip <= whole.length + 1; skip += 1) {
    for (const chunk of [1, 5, 1000]) {
      const { rows } = await read(file, { skipRecords: skip, chunk })
      expect(rows).toEqual(whole.slice(skip))
    }
  }
})

test('a gzip file that is cut short or damaged is refused, rows before it stand', async () => {
  const packed = gzipSync(
    `${H}${Array.from({ length: 5000 }, (_, i) => `row ${i},${i * 7919}\n`).join('')}`,
  )
  await expect(read(packed.subarray(0, -20))).rejects.toMatchObject({
    code: 'import.file_unreadable',
  })
  const damaged = Buffer.from(packed).fill(0xff, 2000, 2100)
  await expect(read(damaged)).rejects.toMatchObject({ code: 'import.file_unreadable' })
  const { rows } = await read(packed.subarray(0, -20), { isPartial: true })
  expect(rows.length).toBeGreaterThan(1000)
})

test('a gzip bomb stops at the bound', async () => {
  const bomb = gzipSync(Buffer.alloc(50_000_000, 'a,1\n'))
  await expect(read(bomb, { maxBytes: 1_000_000 })).rejects.toMatchObject({
    code: 'request.too_large',
  })
})

test('a failing source is not mistaken for a damaged file', async () => {
  const dialect = await detectDialect(gzipSync(`${H}a,1\n`))
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield gzipSync(`${H}a,1\n`).subarray(0, 12)
    throw new Error('disk gone')
  }
  const rows = readRows(failing(), dialect)
  await expect(collect(rows)).rejects.toThrow('disk gone')
})

test('a header that cannot be read is refused with the reason', async () => {
  await expect(
    read('"name,n\na,1\n', { choice: { delimiter: ',', hasHeader: true } }),
  ).rejects.toThrow(/header cannot be read.*never closed/)
})

const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({
    unit: fc.constantFrom('"', ',', '\n', '\r', "'", '=', '-', ' ', ';', 'a', '\t', '|'),
  }),
)
const readable = text.filter((cell) => !cell.includes('\0') && !cell.includes('\uFFFD'))

test('what we export comes back exactly, however the bytes are cut', async () => {
  const table = fc.array(fc.array(readable, { minLength: 3, maxLength: 3 }), { maxLength: 20 })
  await fc.assert(
    fc.asyncProperty(table, fc.integer({ min: 1, max: 40 }), async (rows, chunk) => {
      const columns = ['first', 'second', 'third'].map((title, i) => ({
        title,
        value: (row: string[]) => row[i],
      }))
      const file = (await collect(csvStream(columns, [rows]))).join('')
      const choice = { delimiter: ',', hasHeader: true, encoding: 'utf-8' } as const
      const { good } = await read(file, { chunk, choice })
      expect(good.map((cells) => Object.values(cells))).toEqual(rows)
    }),
    { numRuns: 150 },
  )
})

test('no input, however broken, loses a row or throws', async () => {
  const soup = fc.string({
    unit: fc.constantFrom('"', ',', '\n', '\r', 'a', ' ', '\0', ';'),
    maxLength: 80,
  })
  await fc.assert(
    fc.asyncProperty(soup, fc.integer({ min: 1, max: 9 }), async (body, chunk) => {
      const choice = { delimiter: ',', hasHeader: true } as const
      const whole = await read(`name,n\n${body}`, { choice })
      const cut = await read(`name,n\n${body}`, { choice, chunk })
      expect(cut.rows).toEqual(whole.rows)
      expect(whole.rows.map((row) => row.record)).toEqual(whole.rows.map((_, i) => i + 1))
    }),
    { numRuns: 500 },
  )
})

test('200,000 rows are read with flat memory', async () => {
  const line = csvLine([
    cellText('Ada Lovelace'),
    'ada@example.com',
    cellText('say "hi"'),
    '2018-01-22',
  ])
  const block = Buffer.from(line.repeat(1000))
  function* file(): Generator<Uint8Array> {
    yield Buffer.from('name,email,note,day\r\n')
    for (let i = 0; i < 200; i += 1) yield block
  }
  const dialect = await detectDialect(
    Buffer.concat([Buffer.from('name,email,note,day\r\n'), block]),
  )
  const reader = readRows(file(), dialect)
  const before = process.memoryUsage().rss
  let most = before
  for await (const batch of reader.batches()) {
    if (batch[0]?.record !== undefined) most = Math.max(most, process.memoryUsage().rss)
  }
  expect(reader.counts).toMatchObject({ accepted: 200_000, rejected: 0 })
  expect(most - before).toBeLessThan(120_000_000)
})
