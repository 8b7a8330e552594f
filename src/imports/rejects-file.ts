import { csvStream, type CsvColumn } from '#core/csv.ts'
import type { RejectedRow } from '#imports/import.schema.ts'
import type { ImportRecord } from '#imports/import.store.ts'
import { REJECT_COLUMNS } from '#imports/plan.ts'
import { listRejects } from '#imports/reject.store.ts'
import type { Store } from '#store/store.ts'

const PAGE = 500

/**
 * The rejected rows as CSV with the columns of the file, then why and where: corrected, it can be imported as it stands.
 * Formula-safe; memory holds one page.
 */
export function rejectsFile(store: Store, record: ImportRecord): AsyncGenerator<string> {
  const columns: CsvColumn<RejectedRow>[] = record.columns.flatMap(({ column }, i) =>
    REJECT_COLUMNS.some((own) => own === column)
      ? []
      : [{ title: column, value: (row: RejectedRow) => row.cells[i] ?? '' }],
  )
  const [reason, line] = REJECT_COLUMNS
  columns.push({ title: reason, value: (row) => row.reason })
  columns.push({ title: line, type: 'number', value: (row) => row.line })
  return csvStream(columns, pagesOf(store, record))
}

async function* pagesOf(store: Store, { id, workspaceId }: ImportRecord) {
  for (let after = 0; ;) {
    const rows = await store.read(workspaceId, (tx) => listRejects(tx, id, after, PAGE))
    if (rows.length === 0) return
    yield rows
    after = rows.at(-1)!.record
  }
}
