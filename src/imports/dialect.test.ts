import { gzipSync } from 'node:zlib'
import iconv from 'iconv-lite'
import { expect, test } from 'vitest'
import { detectDialect, SAMPLE_BYTES, type Dialect } from '#imports/dialect.ts'

const people = 'name;city\nŁukasz Żółć;Łódź\nGrażyna Dąbrowska;Kraków\nŚwiętosława;Gdańsk\n'
const cyrillic = 'имя;город\nАлексей Иванов;Москва\nМария Петрова;Санкт-Петербург\n'
const japanese = '名前,都市\n田中太郎さん,東京都港区\n鈴木花子さんのお名前,大阪府大阪市\n'

const files: [title: string, file: string | Uint8Array, expected: Partial<Dialect>][] = [
  ['commas', 'a,b\n1,2\n', { delimiter: ',', newline: 'LF', hasHeader: true, columns: ['a', 'b'] }],
  ['semicolons beside decimal commas', 'a;b\n1,5;2,5\n3,5;4,5\n', { delimiter: ';' }],
  [
    'semicolons beside commas in quotes',
    'a;b\n"x, y, z";"1, 2"\n"u, v, w";"3, 4"\n',
    { delimiter: ';' },
  ],
  ['tabs', 'a\tb\n1\t2,5\n', { delimiter: '\t' }],
  ['bars', 'a|b\n1|2\n', { delimiter: '|' }],
  ['delimiters inside quotes', 'a,b\n";;;;",2\n";;;;",3\n', { delimiter: ',' }],
  ['newlines inside quotes', 'a,b\r\n"x\ny\nz",2\r\n', { delimiter: ',', newline: 'CRLF' }],
  ['one column', 'email\nada@example.com\n', { delimiter: ',', columns: ['email'] }],
  [
    'a sep line',
    'sep=|\r\na|b\r\n1|2\r\n',
    { delimiter: '|', hasSepLine: true, columns: ['a', 'b'] },
  ],
  ['a sep line of a tab', 'sep=\t\na\tb\n1\t2\n', { delimiter: '\t', hasSepLine: true }],
  ['spaces before quotes', 'a, "b"\n1, "2"\n', { skipInitialSpace: true, columns: ['a', 'b'] }],
  ['CR alone', 'a,b\r1,2\r', { newline: 'CR', columns: ['a', 'b'] }],
  ['CRLF and LF', 'a,b\r\n1,2\n', { newline: 'mixed' }],
  [
    'no header',
    '1,ada@example.com\n2,bob@example.com\n',
    { hasHeader: false, columns: ['column 1', 'column 2'] },
  ],
  ['no header, dates first', '2018-01-22,social\n2018-01-23,email\n', { hasHeader: false }],
  ['words below words', 'origin,segment\nsocial,pet\nemail,toys\n', { hasHeader: true }],
  ['words that repeat', 'social,pet\nemail,toys\nsocial,toys\n', { hasHeader: false }],
  ['blank lines above', '\n\na,b\n1,2\n', { columns: ['a', 'b'] }],
  ['UTF-8 with mark', '\uFEFFa,é\n1,2\n', { encoding: 'utf-8', hasBom: true, columns: ['a', 'é'] }],
  [
    'UTF-16 with mark',
    iconv.encode('a,é\n1,2\n', 'utf-16le', { addBOM: true }),
    { encoding: 'utf-16le', columns: ['a', 'é'] },
  ],
  [
    'UTF-16 big endian',
    iconv.encode('a,é\n1,2\n', 'utf-16be', { addBOM: true }),
    { encoding: 'utf-16be', hasBom: true },
  ],
  [
    'UTF-16 without mark',
    iconv.encode('a,b\n1,2\n', 'utf-16le'),
    { encoding: 'utf-16le', hasBom: false },
  ],
  [
    'Western European',
    iconv.encode('name;n\nJosé Müller;1\nFrançois;2\n', 'windows-1252'),
    { encoding: 'windows-1252' },
  ],
  [
    'Western European with euro signs',
    iconv.encode('a;b\n€ 5;“x”\n', 'windows-1252'),
    { encoding: 'windows-1252' },
  ],
  [
    'Central European',
    iconv.encode(people, 'iso-8859-2'),
    { encoding: 'iso-8859-2', columns: ['name', 'city'] },
  ],
  [
    'Central European, of Windows',
    iconv.encode(people, 'windows-1250'),
    { encoding: 'windows-1250' },
  ],
  [
    'Cyrillic',
    iconv.encode(cyrillic, 'windows-1251'),
    { encoding: 'windows-1251', columns: ['имя', 'город'] },
  ],
  [
    'Japanese',
    iconv.encode(japanese, 'shift_jis'),
    { encoding: 'shift_jis', columns: ['名前', '都市'] },
  ],
  ['gzip', gzipSync('a;b\n1;2\n'), { compression: 'gzip', delimiter: ';', columns: ['a', 'b'] }],
]

test.each(files)('the file is read for what it is: %s', async (_, file, expected) => {
  const dialect = await detectDialect(Buffer.from(file))
  expect(dialect).toMatchObject(expected)
  expect(dialect.reasons.length).toBeGreaterThanOrEqual(4)
  expect(structuredClone(dialect)).toEqual(dialect)
})

const refused: [title: string, bytes: number[], reason: RegExp][] = [
  ['a workbook', [0x50, 0x4b, 3, 4, 20, 0], /Excel workbook \(\.xlsx\): save it as CSV/],
  ['an old workbook', [0xd0, 0xcf, 0x11, 0xe0], /\.xls/],
  ['a PDF', [...Buffer.from('%PDF-1.7')], /PDF/],
  ['nothing', [], /empty/],
  ['nothing, packed', [...gzipSync('')], /empty/],
  ['a damaged gzip', [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xff, 0xff, 0xff], /damaged/],
]

test.each(refused)('what is no CSV is refused with what to do: %s', async (_, bytes, reason) => {
  await expect(detectDialect(Buffer.from(bytes))).rejects.toMatchObject({
    code: 'import.file_unreadable',
    message: expect.stringMatching(reason),
  })
})

test('a row cut by the end of the sample says nothing', async () => {
  const row = `${'x'.repeat(40_000)},"${';'.repeat(10_000)}"
`
  const file = Buffer.from(`a,b
${row.repeat(6)}`)
  expect(file.length).toBeGreaterThan(SAMPLE_BYTES)
  const plain = await detectDialect(file)
  expect(plain).toMatchObject({ delimiter: ',', hasHeader: true })
  expect(plain.reasons.join(' ')).toContain('100 % of rows')
  const packed = await detectDialect(gzipSync(file, { level: 0 }))
  expect(packed).toEqual({ ...plain, compression: 'gzip', reasons: expect.any(Array) })
})

test('a character cut by the end of the sample does not make it another encoding', async () => {
  const file = Buffer.from(`a,b\n${'é,1\n'.repeat(80_000)}`)
  for (const length of [SAMPLE_BYTES, SAMPLE_BYTES + 1, SAMPLE_BYTES + 2, SAMPLE_BYTES + 3]) {
    const from = file.subarray(0, length)
    expect(await detectDialect(from)).toMatchObject({ encoding: 'utf-8' })
  }
})

test('a gzip bomb is not unpacked to look at its head', async () => {
  const bomb = gzipSync(Buffer.alloc(200_000_000, 'a,1\n'))
  const before = process.memoryUsage().rss
  expect(await detectDialect(bomb)).toMatchObject({ delimiter: ',' })
  expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000)
})

test('what is chosen by hand holds, and the rest is decided around it', async () => {
  const file = Buffer.from('a;b,c\n1;2,3\n')
  expect(await detectDialect(file, { delimiter: ',', hasHeader: false })).toMatchObject({
    delimiter: ',',
    columns: ['column 1', 'column 2'],
  })
  const latin = iconv.encode('é;b\n1;2\n', 'windows-1252')
  expect(await detectDialect(latin, { encoding: 'iso-8859-15' })).toMatchObject({
    encoding: 'iso-8859-15',
    columns: ['é', 'b'],
  })
})

test('an encoding that nobody knows is refused', async () => {
  await expect(detectDialect(Buffer.from('a,b\n'), { encoding: 'klingon' })).rejects.toMatchObject({
    code: 'request.invalid',
  })
})
