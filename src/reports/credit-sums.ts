import { sql, type RawBuilder } from 'kysely'
import { AttributionModel, type Credit } from '#reports/lens.schema.ts'

/** Credit under each model. */
export type ModelCredits = Record<AttributionModel, Credit>

const NOTHING: Credit = { creditedMinor: 0, deals: 0, n: 0 }

export const NO_CREDIT: ModelCredits = {
  first: NOTHING,
  last: NOTHING,
  linear: NOTHING,
  position: NOTHING,
  time_decay: NOTHING,
}

interface Columns {
  minor: RawBuilder<unknown>
  share: RawBuilder<unknown>
}

/** The columns of one model in `credit_sums`. */
export function columnsOf(model: AttributionModel): Columns {
  return { minor: sql.ref(`${model}_minor`), share: sql.ref(`${model}_share`) }
}

/**
 * An aggregate over rows of `credit_sums` of one kind: JSON with the credit under each model. Each row is another deal or
 * another campaign, so that within one campaign or channel, rows with a share count deals.
 */
export const modelCredits: RawBuilder<ModelCredits> = sql`jsonb_build_object(${sql.join(
  AttributionModel.options.flatMap((model) => [
    sql`${sql.lit(model)}::text`,
    creditOf(columnsOf(model)),
  ]),
)})`

/** The same for one model. */
export function creditOf({ minor, share }: Columns): RawBuilder<Credit> {
  return sql`jsonb_build_object('creditedMinor', coalesce(sum(${minor}), 0),
    'deals', coalesce(round(sum(${share})::numeric, 9), 0), 'n', count(*) filter (where ${share} > 0))`
}
