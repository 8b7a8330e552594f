import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { Client } from 'pg'
import { type BackupSecret, encryptText } from '#store/backup/frames.ts'
import { toText } from '#store/backup/lines.ts'
import {
  fixFormats,
  listApplied,
  listSequences,
  listTables,
  sumTable,
} from '#store/backup/tables.ts'

export interface BackupCount {
  tables: number
  rows: number
}

const FETCH_ROWS = 200

/**
 * Writes all rows of one moment into an encrypted file, in memory that does not grow with the database. The hub may go on.
 * The file gets its name when it is whole; one that is there already is replaced.
 */
export async function writeBackup(
  connectionString: string,
  path: string,
  secret: BackupSecret,
): Promise<BackupCount> {
  const client = new Client({ connectionString, application_name: 'throughline backup' })
  await client.connect()
  const count: BackupCount = { tables: 0, rows: 0 }
  const draft = `${path}.part`
  try {
    await fixFormats(client)
    await client.query('begin isolation level repeatable read read only')
    const out = createWriteStream(draft, { mode: 0o600, flush: true })
    await pipeline(encryptText(readDatabase(client, count), secret), out)
    await client.query('commit')
    await rename(draft, path)
    return count
  } finally {
    await rm(draft, { force: true })
    await client.end()
  }
}

async function* readDatabase(client: Client, count: BackupCount): AsyncIterable<string> {
  yield toText({ kind: 'head', migrations: await listApplied(client) })
  for (const { name, columns } of await listTables(client)) {
    yield toText({ kind: 'table', name, columns })
    await client.query(
      `declare backup_rows no scroll cursor for select kept.*::text from ${name} kept`,
    )
    for (;;) {
      const { rows } = await client.query<[string]>({
        text: `fetch ${FETCH_ROWS} from backup_rows`,
        rowMode: 'array',
      })
      if (rows.length === 0) break
      yield toText({ kind: 'rows', rows: rows.map(([row]) => row) })
    }
    await client.query('close backup_rows')
    const sum = await sumTable(client, name)
    yield toText({ kind: 'sum', ...sum })
    count.tables++
    count.rows += Number(sum.rows)
  }
  yield toText({ kind: 'sequences', places: await listSequences(client) })
  yield toText({ kind: 'done', tables: count.tables })
}
