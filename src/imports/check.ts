import { parseRaw } from '#gateway/batch.ts'
import type { ImportCheck } from '#imports/import.schema.ts'
import type { ImportRecord } from '#imports/import.store.ts'
import { createRowMapper, explainRefusal, rejectRow, type Rejection } from '#imports/map-row.ts'
import { readRows } from '#imports/reader.ts'
import { findKnownRows, rowKey } from '#imports/row-key.store.ts'
import type { TargetContext } from '#imports/target.ts'
import type { BatchTarget } from '#imports/targets.ts'
import type { Transaction } from '#store/store.ts'

const FIRST_REJECTS = 20
const LOOK_UP = 2000

/**
 * Reads the whole file as an import would and writes nothing. What only the database can tell (an unknown campaign, say) is
 * not seen here.
 * @throws Problem as reading does, when the file is damaged.
 */
export async function checkRows(
  tx: Transaction,
  { dialect, columns }: Pick<ImportRecord, 'dialect' | 'columns'>,
  file: AsyncIterable<Uint8Array>,
  target: BatchTarget,
  context: TargetContext,
): Promise<ImportCheck> {
  const map = createRowMapper(columns, target, context)
  const codes = new Map<string, number>()
  const check: ImportCheck = {
    read: 0,
    new: 0,
    unchanged: 0,
    rejected: 0,
    byCode: [],
    firstRejects: [],
  }
  let keys: string[] = []
  const lookUp = async () => {
    const unique = [...new Set(keys)]
    const known = await findKnownRows(tx, target.name, unique)
    const fresh = unique.length - known.size
    check.new += fresh
    check.unchanged += keys.length - fresh
    keys = []
  }
  const reject = ({ record, line, code, reason }: Rejection) => {
    check.rejected += 1
    codes.set(code, (codes.get(code) ?? 0) + 1)
    if (check.firstRejects.length < FIRST_REJECTS)
      check.firstRejects.push({ record, line, code, reason })
  }
  for await (const row of readRows(file, dialect)) {
    check.read += 1
    const mapped = map(row)
    if (mapped.kind === 'reject') {
      reject(mapped)
      continue
    }
    const parsed = parseRaw(target.operation, mapped.raw)
    if ('problem' in parsed) {
      const { problem } = parsed
      reject(rejectRow(mapped.row, columns, problem.code, explainRefusal(problem, columns)))
      continue
    }
    keys.push(rowKey(tx, target.name, context.source, mapped.raw))
    if (keys.length >= LOOK_UP) await lookUp()
  }
  await lookUp()
  check.byCode = [...codes]
    .map(([code, rows]) => ({ code, rows }))
    .toSorted((a, b) => b.rows - a.rows)
  return check
}
