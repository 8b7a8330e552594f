import { Client } from 'pg'

/** A table in which an accepted lead leaves rows. */
export interface LeftTable {
  name: string
  columns: { name: string; type: string }[]
  /** The rows, one list for each lead. */
  rowsOfLead: Row[][]
}

type Row = Record<string, unknown>

/** Counts the rows of every table. */
export async function countRows(client: Client): Promise<Map<string, number>> {
  const { rows } = await client.query<{ name: string }>(
    `select relname as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by 1`,
  )
  const counts = new Map<string, number>()
  for (const { name } of rows) {
    const answer = await client.query<{ n: string }>(`select count(*) as n from ${name}`)
    counts.set(name, Number(answer.rows[0]!.n))
  }
  return counts
}

/** The tables in which each lead leaves rows, those that others refer to first. */
export async function grownTables(
  client: Client,
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): Promise<string[]> {
  const growthOf = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0)
  // What the hub counts of itself, a few rows a minute, is nothing that a lead leaves, and comes at any time.
  const least = growthOf('leads') / 10
  const grown = new Set([...after.keys()].filter((name) => growthOf(name) > least))
  const { rows } = await client.query<{ child: string; parent: string }>(
    `select conrelid::regclass::text as child, confrelid::regclass::text as parent from pg_constraint
     where contype = 'f' and conrelid <> confrelid`,
  )
  const ordered: string[] = []
  while (grown.size > 0) {
    const waits = (name: string) =>
      rows.some(({ child, parent }) => child === name && grown.has(parent))
    const ready = [...grown].filter((name) => !waits(name))
    if (ready.length === 0) throw new Error('tables refer to each other in a ring')
    for (const name of ready) grown.delete(name)
    ordered.push(...ready)
  }
  return ordered
}

/** Reads what the leads left in the tables; the tables held nothing else. */
export async function readLeft(client: Client, names: readonly string[]): Promise<LeftTable[]> {
  const leads = await client.query<{ id: string; person_id: string }>(
    'select id, person_id from leads order by id',
  )
  const places = new Map<string, number>()
  leads.rows.forEach((lead, i) => places.set(lead.id, i).set(lead.person_id, i))
  const tables: LeftTable[] = []
  for (const name of names) {
    const columns = await ownColumns(client, name)
    const key =
      ['lead_id', 'person_id'].find((column) => columns.some((own) => own.name === column)) ?? 'id'
    const { rows } = await client.query<{ row: Row }>(
      `select to_jsonb(t) as row from ${name} t order by ctid`,
    )
    const rowsOfLead: Row[][] = Array.from({ length: leads.rows.length }, () => [])
    rows.forEach(({ row }, i) => {
      // Rows that do not name a lead or person, such as events, are dealt out evenly in their order.
      const place =
        places.get(String(row[key])) ?? Math.floor((i * leads.rows.length) / rows.length)
      rowsOfLead[place]!.push(row)
    })
    tables.push({ name, columns, rowsOfLead })
  }
  return tables
}

/** The columns that an insert gives; the database itself fills in the others. */
async function ownColumns(client: Client, table: string): Promise<LeftTable['columns']> {
  const { rows } = await client.query<{ name: string; type: string }>(
    `select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute
     where attrelid = $1::regclass and attnum > 0 and not attisdropped and attidentity = '' and attgenerated = ''
       and atttypid <> 'xid8'::regtype order by attnum`,
    [table],
  )
  return rows
}

export async function emptyTables(client: Client, names: readonly string[]): Promise<void> {
  await client.query(`truncate ${names.join(', ')} cascade`)
  await client.query('checkpoint')
}

/**
 * Writes the rows again with plain `pg`: a transaction a lead, a prepared statement a table.
 * @returns the milliseconds that it took.
 */
export async function insertSingly(
  connectionString: string,
  tables: readonly LeftTable[],
  callers: number,
): Promise<number> {
  const leads = tables[0]?.rowsOfLead.length ?? 0
  let next = 0
  return timed(connectionString, callers, async (client) => {
    while (next < leads) {
      const place = next++
      await client.query('begin')
      for (const table of tables) {
        const rows = table.rowsOfLead[place]!
        if (rows.length > 0) await client.query(valuesStatement(table, rows))
      }
      await client.query('commit')
    }
  })
}

function valuesStatement({ name, columns }: LeftTable, rows: readonly Row[]) {
  let n = 0
  const tuples = rows.map(
    () => `(${columns.map(({ type }) => `$${(n += 1)}::${type}`).join(', ')})`,
  )
  const values = rows.flatMap((row) =>
    columns.map((column) =>
      column.type === 'jsonb' ? JSON.stringify(row[column.name]) : row[column.name],
    ),
  )
  const list = columns.map((column) => column.name).join(', ')
  return {
    name: `${name} ${rows.length}`,
    text: `insert into ${name} (${list}) values ${tuples.join(', ')}`,
    values,
  }
}

/** The same in transactions of `size` leads, their rows as one JSON parameter a table. */
export async function insertInBatches(
  connectionString: string,
  tables: readonly LeftTable[],
  callers: number,
  size: number,
): Promise<number> {
  const leads = tables[0]?.rowsOfLead.length ?? 0
  let next = 0
  return timed(connectionString, callers, async (client) => {
    while (next < leads) {
      const from = next
      next += size
      await client.query('begin')
      for (const table of tables) {
        const rows = table.rowsOfLead.slice(from, from + size).flat()
        if (rows.length > 0) await client.query(recordsetStatement(table, rows))
      }
      await client.query('commit')
    }
  })
}

function recordsetStatement({ name, columns }: LeftTable, rows: readonly Row[]) {
  const list = columns.map((column) => column.name).join(', ')
  const shape = columns.map((column) => `${column.name} ${column.type}`).join(', ')
  return {
    name,
    text: `insert into ${name} (${list}) select ${list} from jsonb_to_recordset($1::jsonb) as r(${shape})`,
    values: [JSON.stringify(rows)],
  }
}

async function timed(
  connectionString: string,
  callers: number,
  work: (client: Client) => Promise<void>,
): Promise<number> {
  const clients = Array.from({ length: callers }, () => new Client({ connectionString }))
  await Promise.all(clients.map((client) => client.connect()))
  const startMs = performance.now()
  try {
    await Promise.all(clients.map(work))
    return performance.now() - startMs
  } finally {
    await Promise.all(clients.map((client) => client.end()))
  }
}
