import { sql, type RawBuilder } from 'kysely'

/**
 * Of two columns the first that is not null. As `case` and not as `coalesce`: PostgreSQL takes `coalesce` over columns for something
 * that might leak, and a condition with it never reaches an index of a table under row-level security; each look-up then reads the
 * whole table.
 */
export function eitherOf(first: string, second: string): RawBuilder<string> {
  const [a, b] = [sql.ref(first), sql.ref(second)]
  return sql`case when ${a} is null then ${b} else ${a} end`
}
