import type { SparseRows } from './logistic.ts'
import { UNSEEN, type Column, type Table } from './table.ts'

/** How a number column becomes cells: its value, a bend at each knot, whether it is missing. */
interface NumberCells {
  kind: 'number'
  first: number
  low: number
  high: number
  centre: number
  scale: number
  /** In units of `scale` from `centre`. */
  knots: number[]
}

/** How a category column becomes cells: one a level that is frequent enough, one for the others, one for missing. */
interface CategoryCells {
  kind: 'category'
  first: number
  /** By level: its cell after `first`. */
  cellOf: number[]
  other: number
  missing: number
}

/** How the columns of a table become the cells of a logistic regression; plain data, to be kept with the model. */
export interface CellEncoder {
  columns: (NumberCells | CategoryCells)[]
  width: number
}

const RARE = 12
const MOST_LEVELS = 60

/** Learns from training rows how columns become cells. O(columns · n log n). */
export function fitCells(table: Table): CellEncoder {
  let width = 0
  const columns = table.columns.map((column) => {
    const cells =
      column.kind === 'number' ? numberCells(column.values, width) : categoryCells(column, width)
    width +=
      cells.kind === 'number'
        ? cells.knots.length + 2
        : Math.max(cells.other, cells.missing, ...cells.cellOf) + 1
    return cells
  })
  return { columns, width }
}

function numberCells(values: Float64Array, first: number): NumberCells {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort()
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0
  const [low, high] = [at(0.002), at(0.998)]
  let [sum, squares] = [0, 0]
  for (const value of sorted) {
    const held = Math.min(high, Math.max(low, value))
    sum += held
    squares += held * held
  }
  const centre = sum / Math.max(1, sorted.length)
  const variance = squares / Math.max(1, sorted.length) - centre * centre
  const scale = variance > 1e-18 * (1 + centre * centre) ? Math.sqrt(variance) : 1
  const knots: number[] = []
  for (const share of [0.1, 0.25, 0.5, 0.75, 0.9]) {
    const knot = (at(share) - centre) / scale
    const isInside = at(share) > low && at(share) < high
    const isLowest = at(share) === low && at(share) < high
    if ((isInside || isLowest) && knot > (knots.at(-1) ?? -Infinity) + 1e-6 && !isLowest)
      knots.push(knot)
  }
  return { kind: 'number', first, low, high, centre, scale, knots }
}

function categoryCells(column: Column & { kind: 'category' }, first: number): CategoryCells {
  const counts = new Float64Array(column.levels.length)
  for (const code of column.codes) if (code >= 0) counts[code]! += 1
  const least = [...counts].sort((a, b) => b - a)[MOST_LEVELS] ?? 0
  let next = 0
  const kept = [...counts].map((count) => count >= RARE && count > least)
  const cellOf = kept.map((isKept) => (isKept ? next++ : -1))
  const other = next
  return {
    kind: 'category',
    first,
    cellOf: cellOf.map((cell) => (cell < 0 ? other : cell)),
    other,
    missing: other + 1,
  }
}

/** The cells of each row. A level that training never saw has none, so that it counts as the average. O(rows · cells). */
export function encodeCells({ columns, width }: CellEncoder, table: Table): SparseRows {
  const starts = new Int32Array(table.rows + 1)
  const most = columns.reduce(
    (sum, cells) => sum + (cells.kind === 'number' ? cells.knots.length + 1 : 1),
    0,
  )
  const places = new Int32Array(table.rows * most)
  const values = new Float64Array(table.rows * most)
  let next = 0
  for (let i = 0; i < table.rows; i += 1) {
    for (let c = 0; c < columns.length; c += 1) {
      const cells = columns[c]!
      const column = table.columns[c]!
      if (cells.kind === 'number' && column.kind === 'number') {
        const x = column.values[i]!
        if (Number.isNaN(x)) {
          places[next] = cells.first + cells.knots.length + 1
          values[next++] = 1
          continue
        }
        const z = (Math.min(cells.high, Math.max(cells.low, x)) - cells.centre) / cells.scale
        places[next] = cells.first
        values[next++] = z
        for (let k = 0; k < cells.knots.length && z > cells.knots[k]!; k += 1) {
          places[next] = cells.first + 1 + k
          values[next++] = z - cells.knots[k]!
        }
      } else if (cells.kind === 'category' && column.kind === 'category') {
        const code = column.codes[i]!
        if (code === UNSEEN) continue
        places[next] = cells.first + (code < 0 ? cells.missing : cells.cellOf[code]!)
        values[next++] = 1
      }
    }
    starts[i + 1] = next
  }
  return {
    rows: table.rows,
    width,
    starts,
    columns: places.slice(0, next),
    values: values.slice(0, next),
  }
}
