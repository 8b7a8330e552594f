import fc from 'fast-check'
import { expect, test } from 'vitest'
import { detectDateFormat } from '#imports/date-format.ts'
import { parseDate, type DateFormat } from '#imports/dates.ts'

const utc = (text: string, format: DateFormat, zone = 'UTC') =>
  parseDate(text, format, zone)?.toISOString() ?? null

const at = (text: string) => utc(text, 'iso', 'Europe/Amsterdam')
const found = (...samples: string[]) => detectDateFormat(samples).format

const written: [text: string, format: DateFormat, expected: string | null][] = [
  ['2018-01-22', 'iso', '2018-01-22T00:00:00.000Z'],
  ['2018/1/2', 'iso', '2018-01-02T00:00:00.000Z'],
  ['2018.01.22', 'iso', '2018-01-22T00:00:00.000Z'],
  ['20180122', 'iso', '2018-01-22T00:00:00.000Z'],
  ['2018-02-26 19:58:54', 'iso', '2018-02-26T19:58:54.000Z'],
  ['2018-02-26T19:58', 'iso', '2018-02-26T19:58:00.000Z'],
  ['2018-02-26T19:58:54.123456Z', 'iso', '2018-02-26T19:58:54.123Z'],
  ['2018-02-26T19:58:54+02:00', 'iso', '2018-02-26T17:58:54.000Z'],
  ['2018-02-26T19:58:54-0530', 'iso', '2018-02-27T01:28:54.000Z'],
  ['2018-02-26 19:58:54+00', 'iso', '2018-02-26T19:58:54.000Z'],
  ['2018-02-26 19:58:54 UTC', 'iso', '2018-02-26T19:58:54.000Z'],
  ['20180226T195854Z', 'iso', null],
  ['2018-02-29', 'iso', null],
  ['2016-02-29', 'iso', '2016-02-29T00:00:00.000Z'],
  ['2018-13-01', 'iso', null],
  ['2018-01-22 25:00', 'iso', null],
  ['2018-01-22 10:61', 'iso', null],
  ['2018-1/22', 'iso', null],
  ['22-01-2018', 'iso', null],
  ['22-01-2018', 'day-first', '2018-01-22T00:00:00.000Z'],
  ['1/2/18', 'day-first', '2018-02-01T00:00:00.000Z'],
  ['1/2/68', 'day-first', '2068-02-01T00:00:00.000Z'],
  ['1/2/69', 'day-first', '1969-02-01T00:00:00.000Z'],
  ['22.01.2018 14:05', 'day-first', '2018-01-22T14:05:00.000Z'],
  ['22.01.2018, 14:05', 'day-first', '2018-01-22T14:05:00.000Z'],
  ['31-02-2018', 'day-first', null],
  ['2018-01-22', 'day-first', '2018-01-22T00:00:00.000Z'],
  ['22 Jan 2018', 'day-first', '2018-01-22T00:00:00.000Z'],
  ['01/22/2018', 'month-first', '2018-01-22T00:00:00.000Z'],
  ['1/22/2018 3:04 PM', 'month-first', '2018-01-22T15:04:00.000Z'],
  ['1/22/2018 12:00:00 AM', 'month-first', '2018-01-22T00:00:00.000Z'],
  ['1/22/2018 12:30 p.m.', 'month-first', '2018-01-22T12:30:00.000Z'],
  ['1/22/2018, 3:04:05\u202fPM', 'month-first', '2018-01-22T15:04:05.000Z'],
  ['1/22/2018 3 pm', 'month-first', '2018-01-22T15:00:00.000Z'],
  ['1/22/2018 13:00 PM', 'month-first', null],
  ['22/01/2018', 'month-first', null],
  ['22 Jan 2018', 'named', '2018-01-22T00:00:00.000Z'],
  ['Jan 22, 2018', 'named', '2018-01-22T00:00:00.000Z'],
  ['January 22nd, 2018', 'named', '2018-01-22T00:00:00.000Z'],
  ['22-Jan-18', 'named', '2018-01-22T00:00:00.000Z'],
  ['22 Jan 18', 'named', '2018-01-22T00:00:00.000Z'],
  ['Mon, 22 Jan 2018 10:00:00 GMT', 'named', '2018-01-22T10:00:00.000Z'],
  ['Monday, January 22, 2018 3:04 PM', 'named', '2018-01-22T15:04:00.000Z'],
  ['22. Januar 2018', 'named', '2018-01-22T00:00:00.000Z'],
  ['3. März 2018', 'named', '2018-03-03T00:00:00.000Z'],
  ['22 août 2018', 'named', '2018-08-22T00:00:00.000Z'],
  ['22 de enero de 2018', 'named', '2018-01-22T00:00:00.000Z'],
  ['5 mei 2018', 'named', '2018-05-05T00:00:00.000Z'],
  ['2018 Jan 22', 'named', '2018-01-22T00:00:00.000Z'],
  ['31 Feb 2018', 'named', null],
  ['22 Foo 2018', 'named', null],
  ['1516579200', 'epoch-seconds', '2018-01-22T00:00:00.000Z'],
  ['1516579200123', 'epoch-milliseconds', '2018-01-22T00:00:00.123Z'],
  ['43122', 'excel-serial', '2018-01-22T00:00:00.000Z'],
  ['43122.5', 'excel-serial', '2018-01-22T12:00:00.000Z'],
  ['43122,75', 'excel-serial', '2018-01-22T18:00:00.000Z'],
  ['60', 'excel-serial', null],
  ['', 'iso', null],
  ['0000-00-00', 'iso', null],
  ['yesterday', 'named', null],
  ['1'.repeat(100_000), 'named', null],
]

test.each(written)('%s as %s is %s', (text, format, expected) => {
  expect(utc(text, format)).toBe(expected)
})

test('local times are right on both sides of a change of clocks', () => {
  expect(at('2018-03-25 01:59')).toBe('2018-03-25T00:59:00.000Z')
  expect(at('2018-03-25 03:00')).toBe('2018-03-25T01:00:00.000Z')
  // 02:30 does not exist: as much later as the clocks jump.
  expect(at('2018-03-25 02:30')).toBe('2018-03-25T01:30:00.000Z')
  // 02:30 exists twice: the first.
  expect(at('2018-10-28 02:30')).toBe('2018-10-28T00:30:00.000Z')
  expect(at('2018-10-28 03:00')).toBe('2018-10-28T02:00:00.000Z')
  expect(at('2018-07-01')).toBe('2018-06-30T22:00:00.000Z')
})

test('west of Greenwich, half hours and a day that a country left out', () => {
  expect(utc('2018-11-04 01:30', 'iso', 'America/New_York')).toBe('2018-11-04T05:30:00.000Z')
  expect(utc('2018-03-11 02:30', 'iso', 'America/New_York')).toBe('2018-03-11T07:30:00.000Z')
  expect(utc('2018-01-22', 'iso', 'Asia/Kolkata')).toBe('2018-01-21T18:30:00.000Z')
  expect(utc('2018-04-01 01:45', 'iso', 'Australia/Lord_Howe')).toBe('2018-03-31T14:45:00.000Z')
  // Midnight did not exist in São Paulo that day.
  expect(utc('2018-11-04', 'iso', 'America/Sao_Paulo')).toBe('2018-11-04T03:00:00.000Z')
  expect(utc('2011-12-30', 'iso', 'Pacific/Apia')).toBe('2011-12-30T10:00:00.000Z')
})

test('a zone that is not known is refused, not taken for UTC', () => {
  expect(() => parseDate('2018-01-22', 'iso', 'Mars/Olympus')).toThrow(RangeError)
})

test('every moment that Intl shows as a local time is read back, but for the repeated hour', () => {
  const zones = ['Europe/Amsterdam', 'America/New_York', 'Australia/Lord_Howe', 'Africa/Casablanca']
  const moments = fc.integer({ min: 0, max: 2_000_000_000 })
  fc.assert(
    fc.property(moments, fc.constantFrom(...zones), (seconds, zone) => {
      const shown = new Intl.DateTimeFormat('sv-SE', {
        timeZone: zone,
        dateStyle: 'short',
        timeStyle: 'medium',
      })
      const text = shown.format(seconds * 1000)
      const back = parseDate(text, 'iso', zone)
      expect(back && shown.format(back)).toBe(text)
      expect(back?.getTime()).toBeLessThanOrEqual(seconds * 1000)
    }),
    { numRuns: 500 },
  )
})

test('a value above 12 settles which comes first', () => {
  expect(detectDateFormat(['01-02-2018', '22-01-2018', ''])).toMatchObject({
    format: 'day-first',
    isAmbiguous: false,
    total: 2,
    parsed: 2,
    hasTimes: false,
  })
  expect(detectDateFormat(['01/02/2018', '01/22/2018 3:04 PM'])).toMatchObject({
    format: 'month-first',
    isAmbiguous: false,
    hasTimes: true,
  })
})

test('without a value above 12 the caller must choose, and is told what is taken otherwise', () => {
  expect(detectDateFormat(['01/02/2018', '03/04/2018'])).toMatchObject({
    format: 'day-first',
    isAmbiguous: true,
  })
  expect(detectDateFormat(['01/02/2018'], { order: 'month-first' })).toMatchObject({
    format: 'month-first',
    isAmbiguous: true,
  })
})

test('values that contradict each other are reported, not averaged away', () => {
  const verdict = detectDateFormat(['22/01/2018', '23/01/2018', '01/24/2018'])
  expect(verdict).toMatchObject({ format: 'day-first', isAmbiguous: true, unread: ['01/24/2018'] })
})

test('other formats are told apart by their looks', () => {
  expect(found('2018-02-26 19:58:54', '2018-05-08 20:17:59')).toBe('iso')
  expect(found('20180122', '20180123')).toBe('iso')
  expect(found('22 Jan 2018', 'Feb 3, 2018')).toBe('named')
  expect(found('1516579200', '1516579201')).toBe('epoch-seconds')
  expect(found('1516579200123', '1516579201123')).toBe('epoch-milliseconds')
  expect(found('43122', '43123.5')).toBe('excel-serial')
  expect(found('red', 'blue', '2018-01-01')).toBeNull()
  expect(found('', ' ')).toBeNull()
})

test('a detected format reads back what it was detected from', () => {
  const days = fc.date({
    min: new Date('1970-01-01'),
    max: new Date('2068-12-31'),
    noInvalidDate: true,
  })
  const write: Record<'day-first' | 'month-first', (d: string, m: string, y: string) => string> = {
    'day-first': (d, m, y) => `${d}/${m}/${y}`,
    'month-first': (d, m, y) => `${m}/${d}/${y}`,
  }
  fc.assert(
    fc.property(
      fc.array(days, { minLength: 1 }),
      fc.constantFrom('day-first', 'month-first'),
      (dates, order) => {
        const isos = dates.map((date) => date.toISOString().slice(0, 10))
        const samples = isos.map((iso) => {
          const [y = '', m = '', d = ''] = iso.split('-')
          return write[order](d, m, y)
        })
        const verdict = detectDateFormat(samples, { order })
        expect(verdict).toMatchObject({ format: order, parsed: dates.length })
        const read = samples.map((text) => utc(text, order)?.slice(0, 10))
        expect(read).toEqual(isos)
      },
    ),
  )
})
