import { NOTHING, type ModelCredits } from '#reports/credit-sums.ts'
import type { Comparison } from '#reports/compare.schema.ts'

export interface ComparedRow {
  key: string | null
  label: string
  credits: ModelCredits
}

/** The share intervals of a fitted model, by channel. */
export type ShareIntervals = Readonly<Record<string, { low: number; high: number }>>

/**
 * Rows with each model's credit, share and rank, the most credited under `by` first.
 * @param intervals  by model; only for channels.
 */
export function compareRows(
  rows: readonly ComparedRow[],
  models: readonly string[],
  by: string,
  intervals: ReadonlyMap<string, ShareIntervals>,
): Comparison['rows'] {
  const credit = (row: ComparedRow, model: string) => row.credits[model] ?? NOTHING
  const ranks = new Map(models.map((model) => [model, ranksOf(rows, model)]))
  const totals = new Map(
    models.map((model) => [
      model,
      rows.reduce((sum, row) => sum + credit(row, model).creditedMinor, 0),
    ]),
  )
  const compared = rows.map((row, i) => {
    const cells = models.map((model) => {
      const { creditedMinor, deals } = credit(row, model)
      const total = totals.get(model)!
      const interval = (row.key !== null && intervals.get(model)?.[row.key]) || null
      const share = total === 0 ? null : creditedMinor / total
      return { model, creditedMinor, deals, share, rank: ranks.get(model)![i]!, interval }
    })
    const minors = cells.map((cell) => cell.creditedMinor)
    const places = cells.map((cell) => cell.rank)
    return {
      key: row.key,
      label: row.label,
      cells,
      spreadMinor: Math.max(...minors) - Math.min(...minors),
      rankChange: Math.max(...places) - Math.min(...places),
    }
  })
  const rankBy = (row: (typeof compared)[number]) =>
    row.cells.find((cell) => cell.model === by)!.rank
  return compared.sort((a, b) => rankBy(a) - rankBy(b) || a.label.localeCompare(b.label))
}

function ranksOf(rows: readonly ComparedRow[], model: string): number[] {
  const of = (row: ComparedRow) => (row.credits[model] ?? NOTHING).creditedMinor
  const sorted = rows.map(of).sort((a, b) => b - a)
  return rows.map((row) => sorted.indexOf(of(row)) + 1)
}

/** For each pair, one less half the sum of differences of their shares (the total variation): 1 when they agree wholly. */
export function agreementOf(
  rows: Comparison['rows'],
  models: readonly string[],
): Comparison['agreement'] {
  const share = (row: Comparison['rows'][number], model: string) =>
    row.cells.find((cell) => cell.model === model)!.share ?? 0
  return models.flatMap((model, i) =>
    models.slice(i + 1).map((other) => {
      const apart = rows.reduce(
        (sum, row) => sum + Math.abs(share(row, model) - share(row, other)),
        0,
      )
      return { model, other, sharedCredit: Math.max(0, 1 - apart / 2) }
    }),
  )
}
