import { sql, type RawBuilder } from 'kysely'

/** The three tables of the ledger that are read as they stood at an instant. */
type LedgerTable = 'credits' | 'credit_totals' | 'attribution_deals'

/** The columns that both the present rows of a table and its past ones have. */
const columnsOf: Readonly<Record<LedgerTable, string>> = {
  credits:
    'opportunity_id, window_days, model, touchpoint_id, person_id, campaign_id, channel, closed_at, share, amount_minor, currency',
  credit_totals:
    'opportunity_id, window_days, model, kind, key, closed_at, currency, amount_minor, share',
  attribution_deals:
    'opportunity_id, window_days, closed_at, amount_minor, currency, has_amount, touches',
}

/**
 * A table of the ledger, for a `from`, as it is or as it stood at an instant, null for now: the present rows that were there
 * already, and those replaced since.
 */
export function ledgerTable(
  table: LedgerTable,
  { asOf }: { asOf: Date | null },
): RawBuilder<unknown> {
  const name = sql.table(table)
  if (asOf === null) return name
  const columns = sql.raw(columnsOf[table])
  return sql`(
    select ${columns} from ${name} where recorded_at <= ${asOf}
    union all
    select ${columns} from ${sql.table(`${table}_past`)} where recorded_at <= ${asOf} and superseded_at > ${asOf}
  ) ${name}`
}
