import { Client } from 'pg'
import { type BackupSecret, decryptText } from '#store/backup/frames.ts'
import { parseLines } from '#store/backup/lines.ts'
import {
  type BackupTable,
  fixFormats,
  listApplied,
  listForeignKeys,
  listTables,
  sumTable,
} from '#store/backup/tables.ts'
import type { BackupCount } from '#store/backup/write.ts'

/** @throws Error when the database has tables: a restore never overwrites. */
export async function requireEmpty(connectionString: string): Promise<void> {
  const client = new Client({ connectionString })
  await client.connect()
  try {
    const tables = await listTables(client)
    if (tables.length > 0)
      throw new Error(
        `The database has ${tables.length} tables already. Restore into an empty database or a new data folder with the key file.`,
      )
  } finally {
    await client.end()
  }
}

/**
 * Loads a backup into a database that has all tables and nobody's rows, and compares each table's rows with the sums that
 * were taken at the backup. All of it or nothing.
 * @throws Error that says what to do: another release made it, the file was damaged, or rows differ.
 */
export async function loadBackup(
  connectionString: string,
  path: string,
  secret: BackupSecret,
): Promise<BackupCount> {
  const client = new Client({ connectionString, application_name: 'throughline restore' })
  await client.connect()
  try {
    await fixFormats(client)
    await client.query('begin')
    const count = await load(client, path, secret)
    await client.query('commit')
    return count
  } finally {
    await client.end() // without a commit, all is undone
  }
}

async function load(client: Client, path: string, secret: BackupSecret): Promise<BackupCount> {
  const present = new Map((await listTables(client)).map((table) => [table.name, table]))
  // Rows come table by table, so what they refer to may come later: the references are made, and checked, at the end.
  const foreignKeys = await listForeignKeys(client)
  for (const key of foreignKeys)
    await client.query(`alter table ${key.table} drop constraint ${key.name}`)
  if (present.size > 0) await client.query(`truncate ${[...present.keys()].join(', ')}`)

  const count: BackupCount = { tables: 0, rows: 0 }
  let table: BackupTable | null = null
  let isDone = false
  for await (const line of parseLines(decryptText(path, secret))) {
    switch (line.kind) {
      case 'head':
        requireSameRelease(await listApplied(client), line.migrations)
        break
      case 'table':
        table = requireSameColumns(present.get(line.name), line)
        break
      case 'rows':
        await insertRows(client, requireTable(table), line.rows)
        break
      case 'sum': {
        const { name } = requireTable(table)
        const found = await sumTable(client, name)
        if (found.rows !== line.rows || found.checksum !== line.checksum)
          throw new Error(
            `${name} came back with ${found.rows} of ${line.rows} rows or with other values. Nothing was restored.`,
          )
        count.tables++
        count.rows += Number(line.rows)
        break
      }
      case 'sequences':
        for (const place of line.places)
          await client.query('select setval($1::regclass, $2)', [place.name, place.lastValue])
        break
      case 'done':
        isDone = line.tables === count.tables
        break
    }
  }
  if (!isDone) throw new Error('The backup ends before its last table. Nothing was restored.')
  for (const key of foreignKeys)
    await client.query(`alter table ${key.table} add constraint ${key.name} ${key.definition}`)
  return count
}

async function insertRows(client: Client, { name, columns }: BackupTable, rows: string[]) {
  const list = columns.map((column) => `"${column.replaceAll('"', '""')}"`).join(', ')
  await client.query(
    `insert into ${name} (${list}) overriding system value select ${list} from unnest($1::${name}[])`,
    [rows],
  )
}

function requireSameRelease(here: string[], there: string[]): void {
  if (here.join('\n') === there.join('\n')) return
  throw new Error(
    `The backup was made with ${there.length} migrations and this program has ${here.length}, or others. ` +
      'Restore it with the release that made it, then upgrade.',
  )
}

function requireSameColumns(here: BackupTable | undefined, there: BackupTable): BackupTable {
  if (here && here.columns.join() === there.columns.join()) return here
  throw new Error(
    `${there.name} is another table in this release. Restore the backup with the release that made it.`,
  )
}

function requireTable(table: BackupTable | null): BackupTable {
  if (!table) throw new Error('The backup has rows before its first table.')
  return table
}
