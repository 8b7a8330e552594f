import { creditDeals } from '#analytics/attribution/credit.ts'
import type { RuleModel } from '#analytics/attribution/rules.ts'

/** A deal whose rows are to be made anew. One that is gone (deleted) has no touches here and gets no rows. */
export interface LedgerDeal {
  opportunityId: string
  isWon: boolean
  /** Null: the CRM has no amount; it counts as 0. */
  amountMinor: number | null
  currency: string
  openedAtMs: number
  /** Null while open. */
  closedAtMs: number | null
}

/** A touch of one of the deal's people up to its close. `deal` is the position of its deal. */
export interface LedgerTouch {
  deal: number
  touchpointId: string
  personId: string
  campaignId: string | null
  channel: string
  occurredAtMs: number
}

/** A won deal in one window, credited or not. */
export interface DealRow {
  deal: number
  windowDays: number
  /** How many touches lie in the window; 0: uncredited. */
  touches: number
}

/** What one model gives one touch in one window. `touch` is the position of the touch. */
export interface CreditRow {
  touch: number
  windowDays: number
  model: RuleModel
  share: number
  amountMinor: number
}

/** A campaign or a channel. The key is the campaign's id, empty for touches without one, or the channel. */
export interface Source {
  kind: 'campaign' | 'channel'
  key: string
}

/** What all models together give a deal's touches of one campaign or channel in one window. */
export interface SumRow extends Source {
  deal: number
  windowDays: number
  amountMinor: Record<RuleModel, number>
  share: Record<RuleModel, number>
}

/** How often a campaign or a channel touched a deal. */
export interface DealTouchRow extends Source {
  deal: number
  touches: number
  isSource: boolean
  isOpen: boolean
}

export interface LedgerRows {
  dealRows: DealRow[]
  creditRows: CreditRow[]
  sumRows: SumRow[]
  dealTouchRows: DealTouchRow[]
}

/**
 * All rows of the ledger for these deals.
 *
 * @param touches  grouped by deal in the order of `deals`, ascending in time within one.
 * @param windows  the kept windows in days; 0 for all time.
 * Each won deal gives one deal row a window; its credit rows of a model sum to its amount when it has a touch in the
 * window, and there are none otherwise. O(windows · models · touches).
 */
export function computeLedger(
  deals: readonly LedgerDeal[],
  touches: readonly LedgerTouch[],
  windows: readonly number[],
): LedgerRows {
  const offsets = offsetsOf(deals.length, touches)
  const rows: LedgerRows = {
    dealRows: [],
    creditRows: [],
    sumRows: [],
    dealTouchRows: dealTouchesOf(deals, touches),
  }
  const won = deals.flatMap((deal, i) => (deal.isWon && deal.closedAtMs !== null ? [i] : []))
  const journeys = won.map((i) => touches.slice(offsets[i], offsets[i + 1]))
  const starts = [0]
  for (const journey of journeys) starts.push(starts.at(-1)! + journey.length)
  const columns = {
    amountMinor: Float64Array.from(won, (i) => deals[i]!.amountMinor ?? 0),
    closedAtMs: Float64Array.from(won, (i) => deals[i]!.closedAtMs!),
    touchOffsets: Uint32Array.from(starts),
    touchedAtMs: Float64Array.from(journeys.flat(), (touch) => touch.occurredAtMs),
  }
  for (const windowDays of windows) {
    const credit = creditDeals(columns, { windowDays: windowDays === 0 ? null : windowDays })
    won.forEach((deal, w) => {
      const first = starts[w]!
      const length = starts[w + 1]! - first
      const linear = credit.byModel.get('linear')!.shares.subarray(first, first + length)
      rows.dealRows.push({
        deal,
        windowDays,
        touches: linear.reduce((n, share) => n + (share > 0 ? 1 : 0), 0),
      })
      for (const [model, { shares, creditMinor }] of credit.byModel) {
        for (let k = 0; k < length; k++) {
          const share = shares[first + k]!
          if (share <= 0) continue
          const amountMinor = creditMinor[first + k]!
          rows.creditRows.push({ touch: offsets[deal]! + k, windowDays, model, share, amountMinor })
        }
      }
    })
  }
  rows.sumRows = sumsOf(touches, rows.creditRows)
  return rows
}

function sourcesOf({ campaignId, channel }: LedgerTouch): Source[] {
  return [
    { kind: 'campaign', key: campaignId ?? '' },
    { kind: 'channel', key: channel },
  ]
}

const zeros = () => ({ first: 0, last: 0, linear: 0, position: 0, time_decay: 0 })

function sumsOf(touches: readonly LedgerTouch[], creditRows: readonly CreditRow[]): SumRow[] {
  const sums = new Map<string, SumRow>()
  for (const { touch, windowDays, model, share, amountMinor } of creditRows) {
    const { deal } = touches[touch]!
    for (const source of sourcesOf(touches[touch]!)) {
      const id = `${deal} ${windowDays} ${source.kind} ${source.key}`
      let sum = sums.get(id)
      if (!sum)
        sums.set(id, (sum = { ...source, deal, windowDays, amountMinor: zeros(), share: zeros() }))
      sum.amountMinor[model] += amountMinor
      sum.share[model] += share
    }
  }
  return [...sums.values()]
}

/** d + 1 positions: deal i owns the touches from `offsets[i]` up to `offsets[i + 1]`. */
function offsetsOf(deals: number, touches: readonly LedgerTouch[]): Uint32Array {
  const offsets = new Uint32Array(deals + 1)
  for (const touch of touches) offsets[touch.deal + 1]! += 1
  for (let i = 0; i < deals; i++) offsets[i + 1]! += offsets[i]!
  return offsets
}

function dealTouchesOf(
  deals: readonly LedgerDeal[],
  touches: readonly LedgerTouch[],
): DealTouchRow[] {
  const rows = new Map<string, DealTouchRow>()
  let before = -1
  for (const touch of touches) {
    const { deal, occurredAtMs } = touch
    const { openedAtMs, closedAtMs } = deals[deal]!
    const isSource = deal !== before && occurredAtMs <= openedAtMs
    const isOpen = closedAtMs === null
    before = deal
    for (const { kind, key } of sourcesOf(touch)) {
      if (key === '') continue
      const id = `${deal} ${kind} ${key}`
      let row = rows.get(id)
      if (!row) rows.set(id, (row = { deal, kind, key, touches: 0, isSource: false, isOpen }))
      row.touches += 1
      row.isSource ||= isSource
    }
  }
  return [...rows.values()]
}
