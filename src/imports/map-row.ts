import type { Problem } from '#core/problem.ts'
import { unescapeCell } from '#core/csv.ts'
import { readCell, type CellSettings, type CellValue } from '#imports/cell.ts'
import type { ColumnPlan, RejectedRow } from '#imports/import.schema.ts'
import type { FieldKind } from '#imports/mapping.ts'
import type { GoodRow, ImportRow } from '#imports/reader.ts'
import type { ImportTarget, TargetContext } from '#imports/target.ts'
import { isBlank } from '#imports/values.ts'

/** A row as the operation takes it, or why it cannot be. */
export type Mapped = { kind: 'input'; row: GoodRow; raw: Record<string, unknown> } | Rejection

export interface Rejection extends RejectedRow {
  kind: 'reject'
}

/** Reads rows into wire objects of the target. Pure; settings are worked out once. */
export function createRowMapper(
  columns: readonly ColumnPlan[],
  target: ImportTarget,
  context: TargetContext,
): (row: ImportRow) => Mapped {
  const kinds = new Map(target.fields.map(({ field, kind }) => [field, kind]))
  const readers = columns.flatMap((plan) => {
    const kind = plan.field === null ? undefined : kinds.get(plan.field)
    return kind === undefined ? [] : [columnReader(plan, kind, context)]
  })
  const customs = columns.filter(({ use }) => use === 'custom')
  return (row) => {
    if (row.kind === 'fault') {
      const { record, line, code, reason } = row
      const cells = row.values.map(unescapeCell)
      return { kind: 'reject', record, line, code, cells, reason: reason + surplus(cells, columns) }
    }
    const values: Partial<Record<string, CellValue>> = {}
    for (const { column, field, read } of readers) {
      const reading = read(row.cells[column] ?? '')
      if (reading.kind === 'fault')
        return rejectRow(row, columns, 'cell.unreadable', `“${column}”: ${reading.reason}`)
      if (reading.kind === 'value') values[field] = reading.value
    }
    const custom: Record<string, string> = {}
    for (const { column, key } of customs) {
      const text = (row.cells[column] ?? '').trim()
      if (key !== null && !isBlank(text)) custom[key] = text
    }
    return { kind: 'input', row, raw: target.toInput({ values, custom }, context) }
  }
}

function columnReader(
  { column, field, dateFormat, decimalMark }: ColumnPlan,
  kind: FieldKind,
  { zone, currency }: TargetContext,
) {
  const settings: CellSettings = { zone, currency, dateFormat: dateFormat ?? 'iso', decimalMark }
  return { column, field: field!, read: (text: string) => readCell(kind, text, settings) }
}

/** The cells of a row in the order of the file. */
export function rejectRow(
  { record, line, cells }: GoodRow,
  columns: readonly ColumnPlan[],
  code: string,
  reason: string,
): Rejection {
  const values = columns.map(({ column }) => cells[column] ?? '')
  return { kind: 'reject', record, line, code, reason, cells: values }
}

/** What stands beyond the last column is in no column of the file of rejects, so the reason says it. */
function surplus(cells: readonly string[], columns: readonly ColumnPlan[]): string {
  const beyond = cells.slice(columns.length).join(' | ').trim()
  return beyond === '' ? '' : ` Beyond the last column stands: ${beyond.slice(0, 500)}`
}

/** Why the operation refused a row, in the names of its columns. */
export function explainRefusal(problem: Problem, columns: readonly ColumnPlan[]): string {
  if (problem.errors.length === 0) return problem.message
  const sentences = problem.errors.slice(0, 3).map(({ pointer, detail }) => {
    const [, name, key] = pointer.split('/')
    const plan = columns.find(
      (plan) => plan.field === name || (name === 'custom' && plan.key === key),
    )
    if (plan === undefined) return name ? `${name}: ${detail}` : detail
    return `“${plan.column}”: ${detail}`
  })
  return [...new Set(sentences)].join(' ')
}
