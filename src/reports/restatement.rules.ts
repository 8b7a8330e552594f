/** What one deal gives one bucket of one week. */
export interface LedgerCell {
  opportunityId: string
  /** Monday of the week of the close. */
  week: string
  windowDays: number
  /** `all` for uncredited revenue, which no model changes. */
  model: string
  bucket: 'campaign' | 'no_campaign' | 'uncredited'
  campaignId: string | null
  currency: string
  amountMinor: number
  /** Deals, in fractions. */
  share: number
}

/** The change of one bucket of one week for one cause: its rows sum to the change of the figure. */
export interface Restatement extends Omit<LedgerCell, 'opportunityId' | 'amountMinor' | 'share'> {
  cause: RestatementCause
  deltaMinor: number
  deltaShare: number
  opportunityIds: string[]
}

export type RestatementCause =
  | 'late_deal'
  | 'deal_deleted'
  | 'deal_not_won'
  | 'close_date_changed'
  | 'amount_changed'
  | 'touches_changed'

/** A deal as the ledger has it; absent when it is not won. */
export interface DealFacts {
  week: string
  closedAtMs: number
  amountMinor: number
  currency: string
}

/** Shares are sums of doubles: below this they are the same. */
const SHARE_EPSILON = 1e-9

/** Why a deal's figures moved; of several causes at once, the one that moves the whole deal comes first. */
export function causeOf(
  before: DealFacts | undefined,
  after: DealFacts | undefined,
  isDeleted: boolean,
): RestatementCause {
  if (!after) return isDeleted ? 'deal_deleted' : 'deal_not_won'
  if (!before) return 'late_deal'
  if (before.closedAtMs !== after.closedAtMs) return 'close_date_changed'
  if (before.amountMinor !== after.amountMinor || before.currency !== after.currency)
    return 'amount_changed'
  return 'touches_changed'
}

/**
 * The rows that say what moved in weeks that were final, from the cells before and after.
 *
 * @param firstOpenWeek  Monday of the first week whose figures had not been final when the ledger was last computed.
 * @param causes  by deal.
 * For each bucket and week, the deltas over all causes sum to the sum after less the sum before. O(cells).
 */
export function restate(
  before: readonly LedgerCell[],
  after: readonly LedgerCell[],
  firstOpenWeek: string,
  causes: ReadonlyMap<string, RestatementCause>,
): Restatement[] {
  const changes = new Map<string, LedgerCell>()
  const add = (cell: LedgerCell, sign: 1 | -1) => {
    if (cell.week >= firstOpenWeek) return
    const key = [bucketKey(cell), cell.opportunityId].join(' ')
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
    const cause = causes.get(opportunityId) ?? 'touches_changed'
    const key = `${bucketKey(cell)} ${cause}`
    let row = rows.get(key)
    if (!row)
      rows.set(key, (row = { ...cell, cause, deltaMinor: 0, deltaShare: 0, opportunityIds: [] }))
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
