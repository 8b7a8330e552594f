import { sql, type RawBuilder } from 'kysely'
import { ledgerTable } from '#reports/ledger-table.ts'
import { inPeriod, type Lens } from '#reports/lens.store.ts'

/**
 * Credit by model, kind, key, currency and day of the close, for a `from`: of now as it is kept by day, of another moment as its
 * deals add up. Rows have the columns `model, kind, key, closed_on, amount_minor, share, deals`, for the window and the currency of
 * the lens and the days of its period.
 */
export function creditDays(lens: Lens): RawBuilder<unknown> {
  const { currency, from, to, timeZone } = lens.answer
  const filter = sql`window_days = ${lens.windowDays} and currency = ${currency}`
  if (lens.asOf !== null)
    return sql`(
      select model, kind, key, (closed_at at time zone ${timeZone})::date as closed_on, amount_minor, share, 1 as deals
      from ${ledgerTable('credit_totals', lens)} where ${filter} ${inPeriod(lens)}
    ) day`
  return sql`(
    select model, kind, key, closed_on, amount_minor, share, deals from credit_days
    where ${filter} and deals > 0 ${from === null ? sql`` : sql`and closed_on >= ${from}::date`}
      ${to === null ? sql`` : sql`and closed_on <= ${to}::date`}
  ) day`
}
