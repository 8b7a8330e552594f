import type { Client } from 'pg'

/** A table as it stands in a backup. */
export interface BackupTable {
  /** `schema.table`, quoted where SQL needs it. */
  name: string
  /** In the order of the table. */
  columns: string[]
}

/** How many rows a table has and what they are: the sum of a 64-bit hash of each row, whatever their order. */
export interface TableSum {
  rows: string
  checksum: string
}

/** The schemas that a backup holds: the hub's own and the job queue's. */
const SCHEMAS = `('public', 'pgboss')`

/** Makes rows look the same as text on both sides, whatever a server's defaults. */
export async function fixFormats(client: Client): Promise<void> {
  await client.query(`set datestyle = 'ISO, YMD'; set intervalstyle = 'postgres'; set timezone = 'UTC';
    set extra_float_digits = 1; set bytea_output = 'hex'; set statement_timeout = 0`)
}

/**
 * All tables with rows of their own, but two: the list of migrations goes into the head of a backup, and the job queue's
 * statistics stand in a table for each day, which only a database of that day has.
 */
export async function listTables(client: Client): Promise<BackupTable[]> {
  const { rows } = await client.query<BackupTable>(`
    select format('%I.%I', n.nspname, c.relname) as name,
      array_agg(a.attname::text order by a.attnum) as columns
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    where n.nspname in ${SCHEMAS} and c.relkind = 'r' and c.relname <> 'schema_migrations'
      and c.relname !~ '^queue_stats'
    group by 1 order by 1`)
  return rows
}

export async function sumTable(client: Client, name: string): Promise<TableSum> {
  const { rows } = await client.query<TableSum>(`
    select count(*)::text as rows, coalesce(sum(hashtextextended(kept.*::text, 0)), 0)::text as checksum
    from ${name} kept`)
  return rows[0]!
}

/** `version name checksum` of each migration, in order. */
export async function listApplied(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ line: string }>(
    `select concat_ws(' ', version, name, checksum) as line from schema_migrations order by version`,
  )
  return rows.map((row) => row.line)
}

export interface SequencePlace {
  name: string
  lastValue: string
}

/** Where sequences stand that have given out a number. */
export async function listSequences(client: Client): Promise<SequencePlace[]> {
  const { rows } = await client.query<SequencePlace>(`
    select format('%I.%I', schemaname, sequencename) as name, last_value::text as "lastValue"
    from pg_sequences where schemaname in ${SCHEMAS} and last_value is not null order by 1`)
  return rows
}

export interface ForeignKey {
  table: string
  name: string
  definition: string
}

export async function listForeignKeys(client: Client): Promise<ForeignKey[]> {
  const { rows } = await client.query<ForeignKey>(`
    select k.conrelid::regclass::text as table, quote_ident(k.conname) as name, pg_get_constraintdef(k.oid) as definition
    from pg_constraint k join pg_namespace n on n.oid = k.connamespace
    where k.contype = 'f' and k.conparentid = 0 and n.nspname in ${SCHEMAS} order by 1, 2`)
  return rows
}
