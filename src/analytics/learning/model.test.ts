import { describe, expect, test } from 'vitest'
import { seededRandom } from '#core/random.ts'
import { crossValidate } from './evaluate.ts'
import { inferColumns } from './infer-columns.ts'
import { findLeaks } from './leakage.ts'
import { sigmoid } from './metrics.ts'
import { explain, predict, predictLogOdds } from './model.ts'
import { packModel, unpackModel } from './pack-model.ts'
import { categoryColumn, numberColumn, takeRows, type Table } from './table.ts'
import { train } from './train.ts'

/** Leads whose chance depends on visits (bent), country (many) and size, with gaps. */
function leads(rows: number, seed: number): { table: Table; labels: Uint8Array } {
  const random = seededRandom(seed, 1)
  const visits = new Float64Array(rows)
  const size = new Float64Array(rows)
  const country: (string | null)[] = []
  const pages: string[] = []
  const labels = new Uint8Array(rows)
  for (let i = 0; i < rows; i += 1) {
    visits[i] = random.uniform() < 0.2 ? Number.NaN : random.integer(20)
    size[i] = Math.round(10 ** (1 + 3 * random.uniform()))
    const place = random.weighted([5, 3, 1, 1])
    country.push(['DE', 'FR', 'US', null][place]!)
    pages.push(`page ${random.integer(40)}`)
    const v = Number.isNaN(visits[i]!) ? 2 : visits[i]!
    const logOdds =
      -2 + 0.3 * Math.min(v, 8) + [0, 0.8, -1, -0.4][place]! + (size[i]! > 500 ? 0.7 : 0)
    labels[i] = Number(random.uniform() < sigmoid(logOdds))
  }
  const columns = [
    numberColumn('visits', visits),
    numberColumn('size', size),
    categoryColumn('country', country),
    categoryColumn('page', pages),
  ]
  return { table: { rows, columns }, labels }
}

describe('a trained model', () => {
  const { table, labels } = leads(900, 7)

  for (const kind of ['logistic', 'boosting', undefined] as const) {
    test(`${kind ?? 'blend'}: its reasons sum to its score for every row, and survive storage`, () => {
      const { model } = train(table, labels, { folds: 4, seed: 42, ...(kind ? { kind } : {}) })
      const logOdds = predictLogOdds(model, table)
      const kept = unpackModel(JSON.parse(JSON.stringify(packModel(model))))
      expect(predictLogOdds(kept, table)).toEqual(logOdds)
      for (let row = 0; row < 900; row += 53) {
        const reasons = explain(kept, takeRows(table, Int32Array.of(row)), 0)
        const sum = reasons.columns.reduce((total, share) => total + share, reasons.base)
        expect(sum + reasons.calibration).toBeCloseTo(reasons.logOdds, 9)
        expect(reasons.logOdds).toBeCloseTo(logOdds[row]!, 9)
      }
      const [first] = predict(model, table)
      expect(first!.probability).toBeCloseTo(sigmoid(logOdds[0]!), 12)
      expect(first!.low).toBeLessThanOrEqual(first!.probability)
      expect(first!.high).toBeGreaterThanOrEqual(first!.probability)
    })
  }

  test('the same rows and seed give the same model', () => {
    const options = { folds: 3, seed: 42 }
    expect(packModel(train(table, labels, options).model)).toEqual(
      packModel(train(table, labels, options).model),
    )
  })

  test('learns what there is, is calibrated, and reads a level that it never saw as an average one', () => {
    const { quality } = crossValidate(table, labels, { outerFolds: 3, folds: 3, seed: 42 })
    expect(quality.auc).toBeGreaterThan(0.7)
    expect(quality.calibrationError).toBeLessThan(0.07)
    const { model } = train(table, labels, { folds: 3, seed: 42 })
    const levels = model.columns[2]!.levels
    const answers = ['FR', 'Atlantis', 'US'].map((name) => {
      const columns = [
        numberColumn('visits', Float64Array.of(5)),
        numberColumn('size', Float64Array.of(100)),
        categoryColumn('country', [name], levels),
        categoryColumn('page', ['page 1'], model.columns[3]!.levels),
      ]
      return predict(model, { rows: 1, columns })[0]!.probability
    })
    expect(answers[0]!).toBeGreaterThan(answers[1]!)
    expect(answers[1]!).toBeGreaterThan(answers[2]!)
  })

  test('finds nothing where there is nothing: encodings are learned inside the folds', () => {
    const random = seededRandom(13, 1)
    const coin = Uint8Array.from({ length: 900 }, () => Number(random.uniform() < 0.3))
    const names = Array.from({ length: 900 }, () => `name ${random.integer(300)}`)
    const noise: Table = { rows: 900, columns: [categoryColumn('name', names), table.columns[1]!] }
    const { quality } = crossValidate(noise, coin, { outerFolds: 3, folds: 3, seed: 42 })
    expect(Math.abs(quality.auc - 0.5)).toBeLessThan(0.06)
  })

  test('refuses an outcome that is too rare for its folds', () => {
    expect(() => train(table, new Uint8Array(900).fill(1, 0, 2), { folds: 5, seed: 1 })).toThrow(
      RangeError,
    )
  })
})

describe('leaking columns', () => {
  const random = seededRandom(21, 1)
  const rows = 2000
  const labels = Uint8Array.from({ length: rows }, () => Number(random.uniform() < 0.4))
  const mixed = (yes: number, no: number) =>
    [...labels].map((label) => random.uniform() < (label ? yes : no))
  const reasonFor = (column: ReturnType<typeof categoryColumn> | ReturnType<typeof numberColumn>) =>
    findLeaks([column], labels, 42).map(({ reason, severity }) => `${severity} ${reason}`)
  const flags = (name: string, yes: number, no: number) =>
    categoryColumn(
      name,
      mixed(yes, no).map((flag) => (flag ? 'a' : 'b')),
    )

  test('are found by what they know, when they were filled, and what they are called', () => {
    const amount = Float64Array.from(labels, (label) => label * 10 + random.normal())
    expect(reasonFor(numberColumn('amount', amount))).toEqual(['leak predicts_alone'])
    const filled = mixed(0.9, 0.1).map((flag) => (flag ? random.normal() : Number.NaN))
    expect(reasonFor(numberColumn('seller', Float64Array.from(filled)))).toEqual([
      'leak filled_with_outcome',
    ])
    const marks = [...labels].map((label) =>
      random.uniform() < 0.3 ? (label ? 'closed' : 'ringing') : 'other',
    )
    expect(reasonFor(categoryColumn('marks', marks))).toEqual(['leak pure_levels'])
    const quality = [...labels].map((label) =>
      random.uniform() < 0.5 ? null : random.uniform() < (label ? 0.7 : 0.4) ? 'good' : 'bad',
    )
    expect(reasonFor(categoryColumn('lead_quality', quality))).toEqual(['leak given_later'])
    expect(reasonFor(flags('lastActivity', 0.6, 0.3))).toEqual(['leak overwritten_later'])
  })

  test('are not seen in what was known before', () => {
    expect(reasonFor(flags('contract', 0.7, 0.3))).toEqual([])
    const score = Float64Array.from(labels, (label) => 600 + 20 * label + 50 * random.normal())
    expect(reasonFor(numberColumn('CreditScore', score))).toEqual([])
    expect(reasonFor(flags('blast', 0.6, 0.4))).toEqual([])
    const days = Float64Array.from(labels, (label) => 3 * label + random.integer(30))
    expect(reasonFor(numberColumn('Last login days', days))).toEqual(['suspect overwritten_later'])
  })
})

describe('columns of a file', () => {
  const count = 60
  const cells = (make: (i: number) => string | null) =>
    Array.from({ length: count }, (_, i) => make(i))
  const read = (name: string, make: (i: number) => string | null) =>
    inferColumns({ names: [name], rows: count, cells: [cells(make)] })

  test('are read as numbers, dates and categories', () => {
    const { table } = read('spend', (i) => (i === 3 ? ' ' : `€1,${String(100 + i)}.50`))
    expect(table.columns[0]).toMatchObject({ kind: 'number' })
    expect((table.columns[0] as { values: Float64Array }).values.slice(2, 5)).toEqual(
      Float64Array.of(1102.5, Number.NaN, 1104.5),
    )
    const dates = read('day', (i) => `${String(1 + (i % 28)).padStart(2, '0')}-02-2018`).table
    expect(dates.columns.map(({ name }) => name)).toEqual([
      'day',
      'day (day of week)',
      'day (day of year)',
    ])
    expect((dates.columns[0] as { values: Float64Array }).values[27]).toBe(27)
    // 1 February 2018 was a Thursday.
    expect((dates.columns[1] as { values: Float64Array }).values[0]).toBe(3)
    const us = read('day', (i) => `2/${1 + (i % 28)}/2018`).table
    expect((us.columns[0] as { values: Float64Array }).values[27]).toBe(27)
    expect(read('flag', (i) => String(i % 2)).table.columns[0]).toMatchObject({ kind: 'category' })
  })

  test('that are ids, constants, empty or free text are left out and named', () => {
    const why = (name: string, make: (i: number) => string | null) =>
      read(name, make).leftOut[0]?.why
    expect(why('Lead Number', (i) => String(660_000 - 7 * i))).toBe('id')
    expect(why('CustomerId', (i) => String(15_000_000 + 37 * i * i))).toBe('id')
    expect(why('row', (i) => String(i + 1))).toBe('id')
    expect(why('hash', (i) => `a${i * 7919}`)).toBe('id')
    expect(why('note', (i) => `they said ${i} things`)).toBe('free_text')
    expect(why('same', () => 'No')).toBe('constant')
    expect(why('none', () => null)).toBe('empty')
    expect(why('charge', (i) => `${20 + i * 1.37}`)).toBeUndefined()
  })
})
