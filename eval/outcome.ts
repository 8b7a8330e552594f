import { readFile } from 'node:fs/promises'
import { gunzipSync } from 'node:zlib'
import { parse } from 'csv-parse/sync'

/** What is to be predicted: a column, and the value that counts as yes. */
export interface Outcome {
  target?: string
  positive?: string
}

export type Rows = Record<string, string>[]

/** The rows of a CSV file, gzipped or not; the delimiter is the one that its first line has most of. */
export async function readRows(path: string): Promise<Rows> {
  const bytes = await readFile(path)
  const text = path.endsWith('.gz') ? gunzipSync(bytes) : bytes
  const head = text.subarray(0, 4096).toString('utf8').split('\n')[0] ?? ''
  const delimiter = [',', ';', '\t', '|'].reduce((best, mark) =>
    head.split(mark).length > head.split(best).length ? mark : best,
  )
  return parse<Record<string, string>>(text, {
    columns: true,
    bom: true,
    delimiter,
    relax_column_count: true,
  })
}

/** The outcome of each row: whether its key is among the joined rows, or a column of theirs. */
export function joinOutcome(rows: Rows, joined: Rows, on: string, wanted: Outcome) {
  const byKey = new Map(joined.map((row) => [row[on] ?? '', row]))
  if (rows[0]?.[on] === undefined || joined[0]?.[on] === undefined)
    throw new Error(`Both files need the column "${on}".`)
  const { target } = wanted
  if (target !== undefined && joined[0]?.[target] === undefined) {
    if (rows[0]?.[target] !== undefined) return outcomeOf(rows, wanted)
    throw new Error(`There is no column "${target}" in either file.`)
  }
  const labels = Uint8Array.from(rows, (row) => {
    const match = byKey.get(row[on] ?? '')
    if (match === undefined) return 0
    return Number(target === undefined || isPositive(match[target] ?? '', wanted.positive))
  })
  return { labels, outcome: on }
}

const YES = new Set(['1', '1.0', 'yes', 'y', 'true', 't', 'won', 'converted', 'churned'])

function isPositive(value: string, positive: string | undefined): boolean {
  return positive === undefined ? YES.has(value.trim().toLowerCase()) : value.trim() === positive
}

/** The outcome of each row from a column of its own, and that column's name. */
export function outcomeOf(rows: Rows, { target, positive }: Outcome) {
  if (target === undefined) throw new Error('Give --target COLUMN, or --join FILE --on COLUMN.')
  if (rows[0]?.[target] === undefined) throw new Error(`There is no column "${target}".`)
  const counts = new Map<string, number>()
  for (const row of rows) {
    const value = (row[target] ?? '').trim()
    counts.set(value, (counts.get(value) ?? 0) + 1)
  }
  const isKnown =
    positive !== undefined || [...counts.keys()].some((value) => isPositive(value, undefined))
  // Two values without a word for yes: the rarer one is what is looked for.
  const rarer = [...counts].sort((a, b) => a[1] - b[1])[0]?.[0]
  if (!isKnown && counts.size !== 2)
    throw new Error(
      `"${target}" has ${counts.size} values: name the one to predict with --positive VALUE.`,
    )
  const labels = Uint8Array.from(rows, (row) =>
    Number(isPositive(row[target] ?? '', isKnown ? positive : rarer)),
  )
  return { labels, outcome: target }
}
