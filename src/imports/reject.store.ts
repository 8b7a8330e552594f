import { sql } from 'kysely'
import type { RejectedRow } from '#imports/import.schema.ts'
import type { Transaction } from '#store/store.ts'

const context = (importId: string, record: number, column: 'reason' | 'cells') =>
  `import_rejects.${column}:${importId}:${record}`

export async function insertRejects(
  tx: Transaction,
  importId: string,
  rejects: readonly RejectedRow[],
): Promise<void> {
  if (rejects.length === 0) return
  const { sealer } = tx
  const rows = rejects.map(({ record, line, code, reason, cells }) => ({
    record,
    line,
    code,
    reason: sealer.seal(reason, context(importId, record, 'reason')).toString('hex'),
    cells: sealer.seal(cells, context(importId, record, 'cells')).toString('hex'),
  }))
  await tx.execute(sql`
    insert into import_rejects (workspace_id, import_id, record, line, code, reason, cells)
    select ${tx.workspaceId}, ${importId}, r.record, r.line, r.code, decode(r.reason, 'hex'), decode(r.cells, 'hex')
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as r(record integer, line integer, code text, reason text, cells text)`)
}

interface SealedReject {
  record: number
  line: number
  code: string
  reason: Buffer
  cells: Buffer
}

/** The rejected rows after a record, in the order of the file. */
export async function listRejects(
  tx: Transaction,
  importId: string,
  after: number,
  limit: number,
): Promise<RejectedRow[]> {
  const rows = await tx.query(sql<SealedReject>`
    select record, line, code, reason, cells from import_rejects
    where import_id = ${importId} and record > ${after} order by record limit ${limit}`)
  return rows.map((row) => ({
    record: row.record,
    line: row.line,
    code: row.code,
    reason: tx.sealer.open<string>(row.reason, context(importId, row.record, 'reason')),
    cells: tx.sealer.open<string[]>(row.cells, context(importId, row.record, 'cells')),
  }))
}
