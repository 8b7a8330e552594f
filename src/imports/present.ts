import type { Import, ImportPreview } from '#imports/import.schema.ts'
import type { ImportRecord } from '#imports/import.store.ts'
import { createRowMapper } from '#imports/map-row.ts'
import { findTodo, sampleOf, type Preparation } from '#imports/plan.ts'
import type { TargetContext } from '#imports/target.ts'
import type { BatchTarget, Targets } from '#imports/targets.ts'

/** An import as callers see it. */
export function toImport(record: ImportRecord, targets: Targets): Import {
  const { dialect, created, updated, unchanged, rejected, sizeBytes, bytesRead } = record
  const { compression, encoding, delimiter, newline, hasHeader, reasons } = dialect
  const target = targets.get(record.target)
  const missing = [{ pointer: '/target', detail: 'This hub does not know the target any more.' }]
  return {
    id: record.id,
    target: record.target,
    state: record.state === 'uploading' ? 'uploaded' : record.state,
    fileName: record.fileName,
    sizeBytes,
    source: record.source,
    zone: record.zone,
    dialect: { compression, encoding, delimiter, newline, hasHeader, reasons },
    columns: record.columns,
    todo: target === undefined ? missing : findTodo(record.columns, target),
    progress: sizeBytes === 0 ? 0 : Math.min(1, bytesRead / sizeBytes),
    counts: {
      read: record.position,
      accepted: created + updated + unchanged,
      created,
      updated,
      unchanged,
      rejected,
    },
    error: record.error,
    createdBy: record.createdBy,
    createdAt: record.createdAt,
    startedAt: record.startedAt,
    endedAt: record.endedAt,
  }
}

const SAMPLES = 5
const ROWS = 10

/** The same with a look at the first rows, as written and as they would be taken. */
export function toPreview(
  record: ImportRecord,
  { rows }: Preparation,
  targets: Targets,
  target: BatchTarget,
  context: TargetContext,
): ImportPreview {
  const map = createRowMapper(record.columns, target, context)
  const samples = record.columns.map(({ column }) => ({
    column,
    values: sampleOf(column, rows)
      .values.slice(0, SAMPLES)
      .map((value) => value.slice(0, 200)),
  }))
  const first = rows.slice(0, ROWS).map((row) => {
    const mapped = map(row)
    if (mapped.kind === 'input') return { line: row.line, input: mapped.raw }
    const { line, code, reason } = mapped
    return { line, code, reason }
  })
  return { ...toImport(record, targets), samples, rows: first }
}
