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

/** The cells that one credit of a deal has in common. */
type Credit = Pick<
  LedgerCell,
  'opportunityId' | 'week' | 'windowDays' | 'model' | 'currency' | 'cause'
>
type Bucket = Pick<LedgerCell, 'bucket' | 'campaignId' | 'amountMinor' | 'share'>

/**
 * The rows that say what moved in weeks that were final, from the cells before and after.
 *
 * @param firstOpenWeek  Monday of the first week whose figures had not been final when the ledger was last computed.
 * For each bucket and week, the deltas over all causes sum to the sum after less the sum before. O(cells); quickest when the
 * cells of a credit come one after the other.
 */
export function restate(
  before: Iterable<LedgerCell>,
  after: Iterable<LedgerCell>,
  firstOpenWeek: string,
): Restatement[] {
  const rows = new Map<string, Map<string, Restatement>>()
  for (const { credit, buckets } of changesOf(before, after, firstOpenWeek)) {
    const { opportunityId, ...of } = credit
    const weekKey = [of.week, of.windowDays, of.model, of.currency, of.cause].join(' ')
    for (const [key, { amountMinor, share, ...bucket }] of buckets) {
      if (amountMinor === 0 && Math.abs(share) < SHARE_EPSILON) continue
      const ofWeek = entryOf(rows, weekKey, () => new Map<string, Restatement>())
      const row = entryOf(ofWeek, key, () => ({
        ...of,
        ...bucket,
        deltaMinor: 0,
        deltaShare: 0,
        opportunityIds: [],
      }))
      row.deltaMinor += amountMinor
      row.deltaShare += share
      row.opportunityIds.push(opportunityId)
    }
  }
  return [...rows.values()].flatMap((ofWeek) => [...ofWeek.values()])
}

/** What each credit of a deal moved, bucket by bucket. */
function changesOf(
  before: Iterable<LedgerCell>,
  after: Iterable<LedgerCell>,
  firstOpenWeek: string,
): Iterable<{ credit: Credit; buckets: Map<string, Bucket> }> {
  const changes = new Map<string, { credit: Credit; buckets: Map<string, Bucket> }>()
  let last: { credit: Credit; buckets: Map<string, Bucket> } | undefined
  const add = (cell: LedgerCell, sign: 1 | -1) => {
    const { opportunityId, week, windowDays, model, currency, cause } = cell
    if (week >= firstOpenWeek) return
    if (last === undefined || !isOf(last.credit, cell)) {
      const credit = { opportunityId, week, windowDays, model, currency, cause }
      const key = Object.values(credit).join(' ')
      last = entryOf(changes, key, () => ({ credit, buckets: new Map<string, Bucket>() }))
    }
    const { bucket, campaignId } = cell
    const of = entryOf(last.buckets, bucket + (campaignId ?? ''), () => ({
      bucket,
      campaignId,
      amountMinor: 0,
      share: 0,
    }))
    of.amountMinor += sign * cell.amountMinor
    of.share += sign * cell.share
  }
  for (const cell of before) add(cell, -1)
  for (const cell of after) add(cell, 1)
  return changes.values()
}

function isOf(credit: Credit, cell: LedgerCell): boolean {
  return (
    credit.opportunityId === cell.opportunityId &&
    credit.windowDays === cell.windowDays &&
    credit.model === cell.model &&
    credit.week === cell.week &&
    credit.currency === cell.currency &&
    credit.cause === cell.cause
  )
}

function entryOf<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  let value = map.get(key)
  if (value === undefined) map.set(key, (value = make()))
  return value
}
