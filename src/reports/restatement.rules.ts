import type { ChangeCause } from '#reports/change.rules.ts'

/** What one deal gives one bucket of one week. */
export interface LedgerCell {
  opportunityId: string
  /** Monday of the week of the close. */
  week: string
  windowDays: number
  /** `all` for uncredited revenue, which no model changes. */
  model: string
  bucket: 'campaign' | 'no_campaign' | 'baseline' | 'uncredited'
  campaignId: string | null
  currency: string
  amountMinor: number
  /** Deals, in fractions. */
  share: number
  /** Why the cell is replaced or came to be. */
  cause: RestatementCause
}

/** The change of one bucket of one week for one cause: its rows sum to the change of the figure. */
export interface Restatement extends Omit<LedgerCell, 'opportunityId' | 'amountMinor' | 'share'> {
  deltaMinor: number
  deltaShare: number
  opportunityIds: string[]
}

/** A deal that was won in a week that had ended is late. */
export type RestatementCause = Exclude<ChangeCause, 'deal_won'> | 'late_deal'

/** Shares are sums of doubles: below this they are the same. */
const SHARE_EPSILON = 1e-9

/**
 * The rows that say what moved in weeks that were final, from the cells before and after.
 *
 * @param firstOpenWeek  Monday of the first week whose figures had not been final when the ledger was last computed.
 * For each bucket and week, the deltas over all causes sum to the sum after less the sum before. O(cells).
 */
export function restate(
  before: readonly LedgerCell[],
  after: readonly LedgerCell[],
  firstOpenWeek: string,
): Restatement[] {
  const changes = new Map<string, LedgerCell>()
  const add = (cell: LedgerCell, sign: 1 | -1) => {
    if (cell.week >= firstOpenWeek) return
    const key = [bucketKey(cell), cell.cause, cell.opportunityId].join(' ')
    const known = changes.get(key)
    const { amountMinor = 0, share = 0 } = known ?? {}
    changes.set(key, {
      ...cell,
      amountMinor: amountMinor + sign * cell.amountMinor,
      share: share + sign * cell.share,
    })
  }
  for (const cell of before) add(cell, -1)
  for (const cell of after) add(cell, 1)

  const rows = new Map<string, Restatement>()
  for (const { opportunityId, amountMinor, share, ...cell } of changes.values()) {
    if (amountMinor === 0 && Math.abs(share) < SHARE_EPSILON) continue
    const key = `${bucketKey(cell)} ${cell.cause}`
    let row = rows.get(key)
    if (!row) rows.set(key, (row = { ...cell, deltaMinor: 0, deltaShare: 0, opportunityIds: [] }))
    row.deltaMinor += amountMinor
    row.deltaShare += share
    row.opportunityIds.push(opportunityId)
  }
  return [...rows.values()]
}

function bucketKey(cell: Omit<LedgerCell, 'opportunityId' | 'amountMinor' | 'share'>): string {
  return [
    cell.week,
    cell.windowDays,
    cell.model,
    cell.bucket,
    cell.campaignId ?? '',
    cell.currency,
  ].join(' ')
}
