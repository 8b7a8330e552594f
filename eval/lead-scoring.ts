// How right learned scores are, by five stratified folds (seed 42), every choice made inside the folds.
//   npm run eval -- lead-scoring --data FILE --target COLUMN [--positive VALUE] [--drop A,B] [--keep A,B] [--keep-leaky]
//     [--join FILE --on COLUMN] [--monotone Column=+,Other=-] [--json]
// With --join and no --target, the outcome is whether the joined file has the row's key (won deals of leads).
// Without --data: X Education, Olist, Telco from THROUGHLINE_DATA (default ../shared/data) and a set made here.
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { crossValidate } from '#analytics/learning/evaluate.ts'
import { inferColumns, sourceName, type TextTable } from '#analytics/learning/infer-columns.ts'
import { findLeaks, type LeakFinding } from '#analytics/learning/leakage.ts'
import { calibrationTable, liftTable, type Quality } from '#analytics/learning/metrics.ts'
import { predict } from '#analytics/learning/model.ts'
import { takeLabels, takeRows, type Table } from '#analytics/learning/table.ts'
import { train } from '#analytics/learning/train.ts'
import { figure, report, type Figure } from '#bench/figures.ts'
import { makeNonLinear } from './non-linear.ts'
import { joinOutcome, outcomeOf, readRows, type Outcome } from './outcome.ts'

const SEED = 42
const FOLDS = 5

const { values: args } = parseArgs({
  args: process.argv.slice(2).filter((arg) => arg !== '--'),
  options: {
    data: { type: 'string' },
    target: { type: 'string' },
    positive: { type: 'string' },
    drop: { type: 'string', multiple: true },
    keep: { type: 'string', multiple: true },
    'keep-leaky': { type: 'boolean', default: false },
    join: { type: 'string' },
    on: { type: 'string' },
    monotone: { type: 'string' },
  },
})

interface Task extends Outcome {
  name: string
  data: string
  drop: string[]
  keep: string[]
  keepLeaky: boolean
  join?: { file: string; on: string }
  monotone?: Record<string, 1 | -1>
}

interface Prepared {
  table: Table
  labels: Uint8Array
  leaks: LeakFinding[]
  dropped: string[]
}

async function prepare(task: Task): Promise<Prepared> {
  const rows = await readRows(task.data)
  const { labels, outcome } = task.join
    ? joinOutcome(rows, await readRows(task.join.file), task.join.on, task)
    : outcomeOf(rows, task)
  const names = Object.keys(rows[0] ?? {})
  for (const name of [...task.drop, ...task.keep])
    if (!names.includes(name)) throw new Error(`There is no column "${name}".`)
  const used = names.filter((name) => name !== outcome && !task.drop.includes(name))
  const source: TextTable = {
    names: used,
    rows: rows.length,
    cells: used.map((name) => rows.map((row) => row[name] ?? null)),
  }
  const { table, leftOut, kinds } = inferColumns(source)
  for (const { name, why } of leftOut) console.log(`  left out: ${name} (${why.replace('_', ' ')})`)
  const leaks = findLeaks(table.columns, labels, SEED)
  const bad = new Set(
    leaks.filter(({ severity }) => severity === 'leak').map(({ name }) => sourceName(name)),
  )
  for (const name of task.keep) bad.delete(name)
  for (const { name, detail, severity } of leaks)
    console.log(
      `  WARNING leakage: ${name}: ${detail}${severity === 'suspect' || !bad.has(name) ? '; kept' : task.keepLeaky ? '; kept as asked' : '; dropped'}`,
    )
  const dropped = task.keepLeaky ? [] : [...bad]
  const columns = table.columns.filter(({ name }) => !dropped.includes(sourceName(name)))
  console.log(
    `  ${rows.length} rows, ${columns.length} features of ${kinds.size} columns, ${labels.reduce((sum, label) => sum + label, 0)} positive`,
  )
  if (columns.length === 0) throw new Error('No column is left to learn from.')
  return { table: { rows: table.rows, columns }, labels, leaks, dropped }
}

interface Bars {
  auc?: number
  brier?: number
  calibrationError?: number
}

async function evaluate(
  task: Task,
  bars: Bars = {},
): Promise<{ figures: Figure[]; prepared: Prepared }> {
  console.log(task.name)
  const prepared = await prepare(task)
  return { figures: figuresOf(task.name, prepared, bars, task.monotone), prepared }
}

function figuresOf(
  name: string,
  { table, labels }: Pick<Prepared, 'table' | 'labels'>,
  bars: Bars,
  monotone?: Record<string, 1 | -1>,
): Figure[] {
  const startedMs = process.cpuUsage()
  const { quality, probabilities, choices } = crossValidate(table, labels, {
    outerFolds: FOLDS,
    folds: FOLDS,
    seed: SEED,
    ...(monotone === undefined ? {} : { monotone }),
  })
  const { user, system } = process.cpuUsage(startedMs)
  console.log(
    `  chosen by fold: ${choices.map(({ kind, logisticWeight, calibration }) => `${kind} ${logisticWeight} ${calibration}`).join(', ')}`,
  )
  show('lift by tenth ', liftTable(probabilities, labels))
  show('calibration   ', calibrationTable(probabilities, labels))
  return [
    ...qualityFigures(name, quality, bars),
    figure(`${name}: processor time`, (user + system) / 1e6, 's'),
  ]
}

function show(title: string, bins: { rows: number; positives: number; predicted: number }[]): void {
  const cells = bins.map(({ rows, positives, predicted }) =>
    rows === 0 ? '–' : `${(100 * predicted).toFixed(0)}/${((100 * positives) / rows).toFixed(0)}`,
  )
  console.log(`  ${title} predicted/observed %: ${cells.join('  ')}`)
}

function qualityFigures(name: string, quality: Quality, bars: Bars): Figure[] {
  const { auc, brier, calibrationError } = bars
  return [
    figure(`${name}: AUC`, quality.auc, '', auc === undefined ? undefined : { atLeast: auc }),
    figure(`${name}: log-loss`, quality.logLoss, 'nats'),
    figure(
      `${name}: Brier`,
      quality.brier,
      '',
      brier === undefined ? undefined : { atMost: brier },
    ),
    figure(
      `${name}: ECE`,
      quality.calibrationError,
      '',
      calibrationError === undefined ? undefined : { atMost: calibrationError },
    ),
    figure(`${name}: lift of the top tenth`, quality.topDecileLift, '×'),
  ]
}

const split = (lists: string[] | undefined) =>
  (lists ?? [])
    .flatMap((list) => list.split(','))
    .map((name) => name.trim())
    .filter((name) => name !== '')

function monotoneOf(text: string | undefined): Record<string, 1 | -1> | undefined {
  if (text === undefined) return undefined
  return Object.fromEntries(
    text.split(',').map((part) => {
      const [name = '', sign] = part.split('=')
      if (sign !== '+' && sign !== '-')
        throw new Error(`--monotone takes Column=+ or Column=-, not "${part}".`)
      return [name.trim(), sign === '+' ? 1 : -1]
    }),
  )
}

async function evaluateGiven(data: string): Promise<Figure[]> {
  if (args.join !== undefined && args.on === undefined) throw new Error('--join needs --on COLUMN.')
  const monotone = monotoneOf(args.monotone)
  const { figures, prepared } = await evaluate({
    name: data.split('/').at(-1) ?? data,
    data,
    drop: split(args.drop),
    keep: split(args.keep),
    keepLeaky: args['keep-leaky'],
    ...(args.target === undefined ? {} : { target: args.target }),
    ...(args.positive === undefined ? {} : { positive: args.positive }),
    ...(args.join === undefined ? {} : { join: { file: args.join, on: args.on! } }),
    ...(monotone === undefined ? {} : { monotone }),
  })
  return [...figures, figure('columns warned of as leaking', prepared.leaks.length, 'columns')]
}

/** What X Education's own documentation says is filled in after contact. */
const LEAKY = [
  'Tags',
  'Lead Quality',
  'Lead Profile',
  'Last Activity',
  'Last Notable Activity',
  'Asymmetrique Activity Index',
  'Asymmetrique Profile Index',
  'Asymmetrique Activity Score',
  'Asymmetrique Profile Score',
]

async function evaluateAll(folder: string): Promise<Figure[]> {
  const at = (name: string) => join(folder, name)
  const plain = { drop: [], keep: [], keepLeaky: false }
  const figures: Figure[] = []
  const leads = at('leads/x_education_leads.csv.gz')
  const deals = { file: at('leads/olist_closed_deals.csv.gz'), on: 'mql_id' }
  const tasks: [Task, Bars][] = [
    [
      { ...plain, name: 'X Education', data: leads, target: 'Converted' },
      { auc: 0.87, calibrationError: 0.02 },
    ],
    [{ ...plain, name: 'Olist', data: at('leads/olist_mql.csv.gz'), join: deals }, { auc: 0.7 }],
    [
      { ...plain, name: 'Telco', data: at('churn/telco_churn.csv.gz'), target: 'Churn' },
      { auc: 0.842, brier: 0.137 },
    ],
  ]
  for (const [task, bars] of tasks) {
    const isThere = await access(task.data).then(
      () => true,
      () => false,
    )
    if (!isThere) {
      console.log(
        `${task.name}: ${task.data} is not there; set THROUGHLINE_DATA to the folder that holds it.`,
      )
      continue
    }
    const { figures: own, prepared } = await evaluate(task, bars)
    figures.push(...own)
    if (task.name === 'X Education') {
      const warned = new Set(prepared.leaks.map(({ name }) => name))
      figures.push(
        figure(
          'X Education: leaky columns warned of',
          LEAKY.filter((name) => warned.has(name)).length,
          'of 9',
          {
            atLeast: LEAKY.length,
          },
        ),
        figure(
          'X Education: other columns dropped as leaking',
          prepared.dropped.filter((name) => !LEAKY.includes(name)).length,
          'columns',
          { atMost: 0 },
        ),
      )
    } else {
      figures.push(
        figure(`${task.name}: columns dropped as leaking`, prepared.dropped.length, 'columns', {
          atMost: 0,
        }),
      )
    }
  }
  console.log('made here: strongly non-linear')
  const made = makeNonLinear(6000, SEED)
  figures.push(...figuresOf('non-linear', made, { auc: 0.86 }))
  figures.push(figure('non-linear: AUC of the true probabilities', made.ceiling, ''))
  figures.push(
    figure('intervals that cover the true probability (asked for .9)', coverage(), 'of 1'),
  )
  return figures
}

/** How often the interval of a new row holds its true probability: four made worlds, 2,500 rows to learn from each. */
function coverage(): number {
  const [learned, asked] = [2500, 1500]
  const covered = [101, 102, 103, 104].map((seed) => {
    const { table, labels, truth } = makeNonLinear(learned + asked, seed)
    const places = Int32Array.from({ length: learned + asked }, (_, i) => i)
    const [known, fresh] = [places.slice(0, learned), places.slice(learned)]
    const { model } = train(takeRows(table, known), takeLabels(labels, known), {
      folds: FOLDS,
      seed: SEED,
    })
    const intervals = predict(model, takeRows(table, fresh))
    return intervals.filter(
      ({ low, high }, i) => low <= truth[fresh[i]!]! && truth[fresh[i]!]! <= high,
    ).length
  })
  return covered.reduce((sum, count) => sum + count, 0) / (4 * asked)
}

const figures =
  args.data === undefined
    ? await evaluateAll(process.env['THROUGHLINE_DATA'] ?? '../shared/data')
    : await evaluateGiven(args.data)
report('lead-scoring', figures)
if (figures.some(({ ok }) => ok === false)) process.exitCode = 1
