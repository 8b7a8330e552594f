import { createReadStream, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { detectDateFormat } from '#imports/date-format.ts'
import { parseDate } from '#imports/dates.ts'
import { detectDialect } from '#imports/dialect.ts'
import { guessMapping, type ColumnSample, type TargetField } from '#imports/mapping.ts'
import { readRows } from '#imports/reader.ts'

const lead: TargetField[] = [
  {
    field: 'externalId',
    label: 'Lead id',
    kind: 'id',
    aliases: ['mql_id', 'lead id', 'id', 'prospect id', 'record id'],
    required: true,
  },
  { field: 'email', label: 'E-mail', kind: 'email', aliases: ['email address', 'mail'] },
  {
    field: 'phone',
    label: 'Phone',
    kind: 'phone',
    aliases: ['telephone', 'mobile', 'phone number'],
  },
  { field: 'firstName', label: 'First name', kind: 'text', aliases: ['given name', 'voornaam'] },
  { field: 'lastName', label: 'Last name', kind: 'text', aliases: ['surname', 'family name'] },
  { field: 'company', label: 'Company', kind: 'text', aliases: ['account', 'organisation'] },
  {
    field: 'capturedAt',
    label: 'Captured at',
    kind: 'date',
    aliases: ['first contact date', 'created', 'created at', 'create date'],
  },
  {
    field: 'channel',
    label: 'Channel',
    kind: 'text',
    aliases: ['origin', 'source', 'lead source'],
  },
  { field: 'value', label: 'Value', kind: 'money', aliases: ['amount', 'deal value'] },
  { field: 'optedIn', label: 'Opted in', kind: 'boolean', aliases: ['opt in', 'newsletter'] },
]

function fields(...columns: [column: string, ...values: string[]][]): Record<string, string> {
  const samples: ColumnSample[] = columns.map(([column, ...values]) => ({ column, values }))
  const { guesses } = guessMapping(samples, lead)
  return Object.fromEntries(guesses.map(({ column, field }) => [column, field]))
}

test('a file of marketing-qualified leads is mapped, what is left is kept', () => {
  const columns = [
    { column: 'mql_id', values: ['dac32acd4db4c29c230538b72f8dd87d'] },
    { column: 'first_contact_date', values: ['01-02-2018', '22-01-2018'] },
    { column: 'landing_page_id', values: ['88740e65d5d6b056e0cda098e1ea6313'] },
    { column: 'origin', values: ['social', 'email'] },
  ]
  const { guesses, custom, missing } = guessMapping(columns, lead)
  expect(guesses.map(({ column, field }) => [column, field])).toEqual([
    ['mql_id', 'externalId'],
    ['first_contact_date', 'capturedAt'],
    ['origin', 'channel'],
  ])
  for (const { confidence, reason } of guesses) {
    expect(confidence).toBeGreaterThanOrEqual(0.9)
    expect(reason).toMatch(/is a name of/)
  }
  expect(custom).toEqual([{ column: 'landing_page_id', key: 'landing_page_id' }])
  expect(missing).toEqual([])
})

test('names are found in any case and spelling', () => {
  expect(
    fields(['E-Mail Address'], ['FirstName'], ['LAST-NAME'], ['Téléphone'], ['Created At']),
  ).toEqual({
    'E-Mail Address': 'email',
    FirstName: 'firstName',
    'LAST-NAME': 'lastName',
    Téléphone: 'phone',
    'Created At': 'capturedAt',
  })
  expect(fields(['Frist Name'], ['Contact Phone Number'], ['organization'])).toEqual({
    'Contact Phone Number': 'phone',
    organization: 'company',
  })
})

test('addresses are found under any name, and a name without them is doubted', () => {
  expect(fields(['column 3', 'ada@example.com', 'bob@example.com'])).toEqual({
    'column 3': 'email',
  })
  expect(fields(['mail', 'sent', 'bounced'], ['to', 'ada@example.com'])).toEqual({ to: 'email' })
  expect(fields(['created', 'Ada', 'Bob'])).toEqual({})
})

test('a field takes one column, the surest', () => {
  const found = fields(
    ['source', 'social'],
    ['Channel', 'email'],
    ['Do Not Email', 'No', 'No'],
    ['Email', 'ada@example.com', ''],
  )
  expect(Object.values(found).filter((field) => field === 'channel')).toHaveLength(1)
  expect(found).toMatchObject({ Email: 'email' })
})

test('a required field without a column is named', () => {
  const { missing } = guessMapping([{ column: 'colour', values: ['red'] }], lead)
  expect(missing).toEqual(['externalId'])
})

test('custom keys are unique, whatever the columns are called', () => {
  const columns = ['Colour', 'colour!', '???', '***'].map((column) => ({ column, values: [] }))
  const keys = guessMapping(columns, []).custom.map(({ key }) => key)
  expect(keys).toEqual(['colour', 'colour_2', 'column', 'column_2'])
})

test('each column is either mapped once or kept, and no field is filled twice', () => {
  const names = fc.uniqueArray(
    fc.oneof(fc.string(), fc.constantFrom('email', 'id', 'source', 'origin')),
  )
  fc.assert(
    fc.property(names, fc.array(fc.string({ maxLength: 12 })), (columns, values) => {
      const samples = columns.map((column) => ({ column, values }))
      const { guesses, custom } = guessMapping(samples, lead)
      const seen = [...guesses, ...custom].map(({ column }) => column)
      expect(seen.toSorted()).toEqual(columns.toSorted())
      expect(new Set(guesses.map(({ field }) => field)).size).toBe(guesses.length)
    }),
  )
})

const file = join(process.env['THROUGHLINE_DATA'] ?? '../shared/data', 'leads/olist_mql.csv.gz')

test('a real file of 8,000 leads goes through whole, where it is at hand', async ({ annotate }) => {
  if (!existsSync(file)) {
    await annotate(`${file} is not here, so this run says nothing about it; set THROUGHLINE_DATA.`)
    return
  }
  const dialect = await detectDialect(readFileSync(file))
  const reader = readRows(createReadStream(file), dialect)
  const rows: Record<string, string>[] = []
  for await (const row of reader) if (row.kind === 'row') rows.push(row.cells)
  expect(reader.counts.rejected).toBe(0)
  const samples = dialect.columns.map((column) => {
    return { column, values: rows.map((cells) => cells[column] ?? '') }
  })
  const { guesses } = guessMapping(samples, lead)
  expect(guesses.map(({ field }) => field)).toEqual(['externalId', 'capturedAt', 'channel'])
  const dates = samples[1]?.values ?? []
  expect(detectDateFormat(dates)).toMatchObject({ format: 'day-first', isAmbiguous: false })
  const unread = dates.filter((text) => parseDate(text, 'day-first', 'America/Sao_Paulo') === null)
  expect(unread).toEqual([])
})
