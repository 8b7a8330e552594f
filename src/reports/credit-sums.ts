import { sql, type RawBuilder } from 'kysely'
import type { Credit } from '#reports/lens.schema.ts'

/** Credit under each model that has any. */
export type ModelCredits = Readonly<Record<string, Credit>>

export const NOTHING: Credit = { creditedMinor: 0, deals: 0, n: 0 }

/**
 * An aggregate over rows of one kind, one model and one key: a Credit as JSON. `deals` says how many deals a row has; no two rows
 * have one in common.
 */
export const creditOfRows: RawBuilder<Credit> = sql`jsonb_build_object('creditedMinor', coalesce(sum(amount_minor), 0),
  'deals', coalesce(round(sum(share)::numeric, 9), 0), 'n', coalesce(sum(deals), 0))`
