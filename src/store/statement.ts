import { createHash } from 'node:crypto'
import {
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type RawBuilder,
} from 'kysely'
import { type CustomTypesConfig, type FieldDef, type QueryArrayConfig, types } from 'pg'

/** Compiles `sql` templates; it has no connection and knows no tables. */
const compiler = new Kysely<Record<string, never>>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
})

/** A statement as `pg` takes it. Texts seen before go as named prepared statements, which spares parsing and planning. */
export function toQuery(statement: RawBuilder<unknown>): QueryArrayConfig {
  const { sql: text, parameters } = statement.compile(compiler)
  const query: QueryArrayConfig = { text, values: [...parameters], rowMode: 'array' }
  const name = nameOf(text)
  return name === undefined ? query : { ...query, name }
}

const MAX_KNOWN_TEXTS = 1000
const names = new Map<string, string | null>()

/** A name for a text from its second use on; one-off texts would only fill the server's memory. */
function nameOf(text: string): string | undefined {
  const known = names.get(text)
  if (known) return known
  if (known === undefined) {
    if (names.size >= MAX_KNOWN_TEXTS) names.clear() // names follow from the text, so forgetting is harmless
    names.set(text, null)
    return undefined
  }
  const name = `t${createHash('sha1').update(text).digest('base64url')}`
  names.set(text, name)
  return name
}

const shapes = new Map<string, readonly string[]>()

/** Rows as objects with camelCase keys. Keys inside JSON columns stay as they are. */
export function toRows<Row>(fields: readonly FieldDef[], arrays: readonly unknown[][]): Row[] {
  if (arrays.length === 0) return []
  const keys = keysOf(fields)
  return arrays.map((values) => {
    const row: Record<string, unknown> = {}
    for (let i = 0; i < keys.length; i++) row[keys[i]!] = values[i]
    return row as Row
  })
}

function keysOf(fields: readonly FieldDef[]): readonly string[] {
  const shape = fields.map((field) => field.name).join(',')
  let keys = shapes.get(shape)
  if (!keys) {
    if (shapes.size >= MAX_KNOWN_TEXTS) shapes.clear()
    keys = fields.map((field) =>
      field.name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()),
    )
    shapes.set(shape, keys)
  }
  return keys
}

const INT8 = 20
const INT8_ARRAY = 1016
const DATE = 1082
const DATE_ARRAY = 1182
const NUMERIC_ARRAY = 1231

type TypeId = Parameters<typeof types.getTypeParser>[0]

/** A one-dimensional array whose items need no quotes, as numbers and dates. */
function plainItems(text: string): (string | null)[] {
  if (text === '{}') return []
  return text
    .slice(1, -1)
    .split(',')
    .map((item) => (item === 'NULL' ? null : item))
}

const parsers = new Map<number, (text: string) => unknown>([
  [INT8, Number],
  [INT8_ARRAY, (text) => plainItems(text).map((item) => (item === null ? null : Number(item)))],
  [DATE, String],
  [DATE_ARRAY, plainItems],
  [NUMERIC_ARRAY, plainItems],
])

/**
 * How values come back: int8 as number (identities and counts stay far below 2^53), numeric as string (it is exact),
 * date as `YYYY-MM-DD` (it has no time zone), timestamptz as Date. Set on our connections only, not for all of `pg`.
 */
export const valueTypes: CustomTypesConfig = {
  getTypeParser(oid: TypeId, format?: 'text' | 'binary') {
    const own = format === 'binary' ? undefined : parsers.get(oid)
    return own ?? types.getTypeParser(oid, format)
  },
}
