import { sql, type RawBuilder } from 'kysely'
import type { Credit } from '#reports/lens.schema.ts'
import type { Lens } from '#reports/lens.store.ts'

/** Credit under each model that has any. */
export type ModelCredits = Readonly<Record<string, Credit>>

export const NOTHING: Credit = { creditedMinor: 0, deals: 0, n: 0 }

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
 * A table of the ledger, for a `from`, as it is or as it stood at the instant of the lens: the present rows that were there
 * already, and those replaced since.
 */
export function ledgerTable(table: LedgerTable, { asOf }: Pick<Lens, 'asOf'>): RawBuilder<unknown> {
  const name = sql.table(table)
  if (asOf === null) return name
  const columns = sql.raw(columnsOf[table])
  return sql`(
    select ${columns} from ${name} where recorded_at <= ${asOf}
    union all
    select ${columns} from ${sql.table(`${table}_past`)} where recorded_at <= ${asOf} and superseded_at > ${asOf}
  ) ${name}`
}

/**
 * An aggregate over rows of one kind, one model and one key: a Credit as JSON. `deals` says how many deals a row has; no two rows
 * have one in common.
 */
export const creditOfRows: RawBuilder<Credit> = sql`jsonb_build_object('creditedMinor', coalesce(sum(amount_minor), 0),
  'deals', coalesce(round(sum(share)::numeric, 9), 0), 'n', coalesce(sum(deals), 0))`
