import { seededRandom } from '#core/random.ts'
import { shuffle } from './folds.ts'
import { logit } from './metrics.ts'
import { numberColumn, type CategoryColumn, type Table } from './table.ts'

const ENCODE_STREAM = 31
const PARTS = 5

/** How the columns of a table become features of trees; plain data, to be kept with the model. */
export interface TargetEncoder {
  /** By column: null for a number, else the value of each level, of missing, and of a level that was never seen. */
  columns: ({ levels: number[]; missing: number; unseen: number } | null)[]
}

/**
 * Features for trees: numbers as they are; a category as the log-odds of the label at its level, drawn towards the
 * mean of all by as much as levels differ no more than chance would make them (empirical Bayes).
 *
 * The training rows themselves get their level's value from the other parts of the training rows only, so that no
 * row's own label is among its features.
 * @see Micci-Barreca, SIGKDD Explorations 3 (2001); Pargent et al., "Regularized target encoding outperforms
 *   traditional methods", Computational Statistics 37 (2022) for the cross-fitting. O(columns · n · parts).
 */
export function fitTargets(
  table: Table,
  labels: Uint8Array,
  seed: number,
): { encoder: TargetEncoder; features: Float64Array[] } {
  const part = new Uint8Array(table.rows)
  const order = Int32Array.from({ length: table.rows }, (_, i) => i)
  shuffle(order, seededRandom(seed, ENCODE_STREAM))
  order.forEach((row, i) => (part[row] = i % PARTS))
  const columns = table.columns.map((column) =>
    column.kind === 'number' ? null : levelValues(column, labels, part, -1),
  )
  const features = table.columns.map((column) => {
    if (column.kind === 'number') return column.values
    const out = new Float64Array(table.rows)
    for (let held = 0; held < PARTS; held += 1) {
      const values = levelValues(column, labels, part, held)
      for (let i = 0; i < table.rows; i += 1)
        if (part[i] === held) out[i] = valueOf(values, column.codes[i]!)
    }
    return out
  })
  return { encoder: { columns }, features }
}

/** The features of rows that the encoder was not fitted on. */
export function encodeTargets({ columns }: TargetEncoder, table: Table): Float64Array[] {
  return table.columns.map((column, c) => {
    const values = columns[c]
    if (column.kind === 'number' || !values)
      return column.kind === 'number' ? column.values : new Float64Array(table.rows)
    return Float64Array.from(column.codes, (code) => valueOf(values, code))
  })
}

/** From how many levels on a logistic regression gets a category by its targets instead of level by level. */
const MANY_LEVELS = 20

/** The table with categories of many levels as numbers, by `fitTargets`; the others stay as they are. */
export function fitManyLevels(
  table: Table,
  labels: Uint8Array,
  seed: number,
): { encoder: TargetEncoder; table: Table } {
  const { encoder, features } = fitTargets(table, labels, seed)
  const columns = encoder.columns.map((values) =>
    values !== null && values.levels.length > MANY_LEVELS ? values : null,
  )
  return { encoder: { columns }, table: withFeatures(table, columns, features) }
}

/** The same for rows that the encoder was not fitted on. */
export function encodeManyLevels(encoder: TargetEncoder, table: Table): Table {
  return encoder.columns.every((values) => values === null)
    ? table
    : withFeatures(table, encoder.columns, encodeTargets(encoder, table))
}

function withFeatures(
  table: Table,
  columns: TargetEncoder['columns'],
  features: readonly Float64Array[],
): Table {
  return {
    rows: table.rows,
    columns: table.columns.map((column, c) =>
      columns[c] ? numberColumn(column.name, features[c]!) : column,
    ),
  }
}

function valueOf(
  { levels, missing, unseen }: { levels: number[]; missing: number; unseen: number },
  code: number,
): number {
  if (code >= 0) return levels[code] ?? unseen
  return code === -1 ? missing : unseen
}

/** The values of the levels over all rows but those of part `held`. */
function levelValues(
  { codes, levels }: CategoryColumn,
  labels: Uint8Array,
  part: Uint8Array,
  held: number,
): { levels: number[]; missing: number; unseen: number } {
  const rows = new Float64Array(levels.length + 1) // the last one is missing
  const positives = new Float64Array(levels.length + 1)
  let [allRows, allPositives] = [0, 0]
  for (let i = 0; i < codes.length; i += 1) {
    if (part[i] === held || codes[i]! < -1) continue
    const at = codes[i]! < 0 ? levels.length : codes[i]!
    rows[at]! += 1
    positives[at]! += labels[i]!
    allRows += 1
    allPositives += labels[i]!
  }
  const mean = (allPositives + 0.5) / (allRows + 1)
  const weight = priorRows(rows, positives, mean)
  const values = Array.from(rows, (n, at) => logit((positives[at]! + weight * mean) / (n + weight)))
  const missing = values.pop()!
  return { levels: values, missing, unseen: logit(mean) }
}

/** How many rows' worth the common mean counts: the variance of one label over the variance between levels. */
function priorRows(rows: Float64Array, positives: Float64Array, mean: number): number {
  const noise = mean * (1 - mean)
  let [between, mass, squares, used] = [0, 0, 0, 0]
  for (let at = 0; at < rows.length; at += 1) {
    const n = rows[at]!
    if (n === 0) continue
    between += n * (positives[at]! / n - mean) ** 2
    mass += n
    squares += n * n
    used += 1
  }
  const spread = mass - squares / Math.max(1, mass)
  if (used < 2 || spread <= 0) return 100
  const variance = (between - (used - 1) * noise) / spread
  return Math.min(500, Math.max(2, noise / Math.max(1e-9, variance)))
}
