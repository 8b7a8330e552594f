import { sql, type RawBuilder } from 'kysely'
import {
  defineRetainedRows,
  type Due,
  type RetainedKind,
  type RetainedRows,
} from '#compliance/retained-store.ts'

const MONTHS = 1200
const SAMPLES = 10
const HELD_NOTE =
  'Sealed as it came and so without a person to hold: only a hold of the kind keeps it.'

const ended = sql.raw(`i.state in ('done', 'cancelled', 'failed')`)

/** Imports that ended before the moment and still have their file. */
const filed = (due: Due): RawBuilder<unknown> => sql`
  from imports i
  where i.workspace_id = ${due.workspaceId} and i.trimmed_at is null and ${ended} and i.ended_at < ${due.before}`

const importFiles: RetainedRows = {
  name: 'import_files',
  about: `Uploaded files of imports that ended, counted by file. The import with its counts stays. ${HELD_NOTE}`,
  defaultDays: 7,
  minimumDays: 1,
  isErasable: false,
  async countDue(tx, due) {
    const months = await tx.query(sql<{ month: string; count: number; held: number }>`
      select to_char(i.ended_at at time zone 'UTC', 'YYYY-MM') as month, count(*)::int as count, 0 as held
      ${filed(due)} group by 1 order by 1 limit ${MONTHS}`)
    const rows = await tx.query(sql<{ id: string }>`
      select i.id ${filed(due)} order by i.ended_at, i.id limit ${SAMPLES}`)
    return { months, samples: rows.map((row) => row.id) }
  },
  async removeDue(tx, due, limit) {
    const row = await tx.find(sql<{ count: number; oldest: Date | null; newest: Date | null }>`
      with chosen as (select i.id, i.ended_at ${filed(due)} limit ${limit} for update of i),
      gone as (delete from import_chunks c using chosen where c.import_id = chosen.id),
      noted as (update imports i set trimmed_at = i.ended_at from chosen where i.id = chosen.id)
      select count(*)::int as count, min(ended_at) as oldest, max(ended_at) as newest from chosen`)
    return row!
  },
}

export const importsRetained: readonly RetainedKind[] = [
  importFiles,
  defineRetainedRows({
    name: 'import_rejects',
    about: `Rejected rows of imports that ended. ${HELD_NOTE}`,
    defaultDays: 30,
    minimumDays: 1,
    isErasable: false,
    table: 'import_rejects',
    id: 't.import_id',
    at: '(select i.ended_at from imports i where i.id = t.import_id)',
    where: ({ workspaceId, before }) => sql`t.import_id in (
      select i.id from imports i where i.workspace_id = ${workspaceId} and ${ended} and i.ended_at < ${before})`,
  }),
]
