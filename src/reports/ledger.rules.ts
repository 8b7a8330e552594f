import { allotMinor } from '#core/money.ts'
import { DAY_MS } from '#core/time.ts'
import type { CreditModel, CreditWriter, JourneyColumns } from '#reports/model.rules.ts'

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
  /** When the first lead among its people was captured; null: there is none. */
  leadAtMs: number | null
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

/** What one model gives a deal in one window, aligned with the deal's touches there. */
export interface CreditPack {
  deal: number
  windowDays: number
  model: string
  /** The first of the touches in the window; the last is the last of the deal. */
  from: number
  shares: Float64Array
  amounts: readonly number[]
  /** The part that would have come anyway. */
  baseline: number
  baselineMinor: number
}

/** A campaign or a channel. The key is the campaign's id, empty for touches without one, or the channel. */
export interface Source {
  kind: 'campaign' | 'channel'
  key: string
}

/** How often a campaign or a channel touched a deal. */
export interface DealTouchRow extends Source {
  deal: number
  touches: number
  isSource: boolean
  isOpen: boolean
}

/** Touches of deals, grouped by deal, as columns. */
export interface DealColumns {
  /** d + 1 positions: deal i owns the touches from `offsets[i]` up to `offsets[i + 1]`. */
  offsets: Uint32Array
  columns: JourneyColumns
  channels: string[]
  /** The campaign of each touch; null: none. */
  campaigns: (string | null)[]
}

/** @param touches  grouped by deal in the order of the deals, ascending in time within one. */
export function columnsOfTouches(deals: number, touches: readonly LedgerTouch[]): DealColumns {
  const offsets = new Uint32Array(deals + 1)
  for (const touch of touches) offsets[touch.deal + 1]! += 1
  for (let i = 0; i < deals; i++) offsets[i + 1]! += offsets[i]!
  const channels = new Map<string, number>()
  const columns: JourneyColumns = {
    touchedAtMs: new Float64Array(touches.length),
    channel: new Uint16Array(touches.length),
    person: new Uint16Array(touches.length),
  }
  let people = new Map<string, number>()
  touches.forEach(({ deal, channel, personId, occurredAtMs }, i) => {
    if (i === offsets[deal]) people = new Map()
    columns.touchedAtMs[i] = occurredAtMs
    columns.channel[i] = numberOf(channels, channel)
    columns.person[i] = numberOf(people, personId)
  })
  return {
    offsets,
    columns,
    channels: [...channels.keys()],
    campaigns: touches.map(({ campaignId }) => campaignId),
  }
}

function numberOf(numbers: Map<string, number>, name: string): number {
  const known = numbers.get(name)
  if (known !== undefined) return known
  numbers.set(name, numbers.size)
  return numbers.size - 1
}

/** The first position of a deal's touches in [closedAt − window, closedAt], both ends included; the last is its end. */
export function windowStart(
  touchedAtMs: Float64Array,
  from: number,
  to: number,
  closedAtMs: number,
  windowDays: number,
): number {
  if (windowDays === 0) return from
  const firstAtMs = closedAtMs - windowDays * DAY_MS
  while (from < to && touchedAtMs[from]! < firstAtMs) from += 1
  return from
}

/** A deal's amount and dates, as its credit needs them. */
export interface CreditedDeal {
  amountMinor: number
  openedAtMs: number
  closedAtMs: number
  leadAtMs: number | null
}

/**
 * Credits one deal to its touches from `from` up to `to`, to the cent.
 *
 * @param shares  gets the shares at the positions of the touches.
 * @returns the amounts of the touches in order, the baseline's last; they sum to the amount. By largest remainder, ties to
 *   the earlier touch. Empty when there is no touch: the deal is uncredited.
 */
export function creditDeal(
  write: CreditWriter,
  columns: JourneyColumns,
  from: number,
  to: number,
  deal: CreditedDeal,
  shares: Float64Array,
): { amounts: number[]; baseline: number } {
  if (from === to) return { amounts: [], baseline: 0 }
  const baseline = write(columns, from, to, shares, deal)
  const weights = [...shares.subarray(from, to), baseline]
  const whole = weights.indexOf(1)
  if (whole < 0) return { amounts: allotMinor(deal.amountMinor, weights), baseline }
  const amounts = weights.map(() => 0)
  amounts[whole] = deal.amountMinor
  return { amounts, baseline }
}

/** Which credit is to be made: of one deal, in one window, under some of the models. */
export interface CreditTask {
  deal: number
  windowDays: number
  models: readonly CreditModel[]
}

/**
 * The credit that these tasks ask for. A pack sums to the deal's amount; there is none where no touch lies in the window.
 * O(models · touches) over the tasks.
 */
export function packsOf(
  deals: readonly LedgerDeal[],
  { offsets, columns, channels }: DealColumns,
  tasks: readonly CreditTask[],
): CreditPack[] {
  const writers = new Map<CreditModel, CreditWriter>()
  const shares = new Float64Array(columns.touchedAtMs.length)
  const packs: CreditPack[] = []
  for (const { deal, windowDays, models } of tasks) {
    const { amountMinor, openedAtMs, closedAtMs, leadAtMs } = deals[deal]!
    if (closedAtMs === null) continue
    const to = offsets[deal + 1]!
    const from = windowStart(columns.touchedAtMs, offsets[deal]!, to, closedAtMs, windowDays)
    if (from === to) continue
    const dated = { amountMinor: amountMinor ?? 0, openedAtMs, closedAtMs, leadAtMs }
    for (const each of models) {
      let write = writers.get(each)
      if (!write) writers.set(each, (write = each.bind(channels)))
      const { amounts, baseline } = creditDeal(write, columns, from, to, dated, shares)
      packs.push({
        deal,
        windowDays,
        model: each.model,
        from,
        shares: shares.slice(from, to),
        baselineMinor: amounts.pop()!,
        amounts,
        baseline,
      })
    }
  }
  return packs
}

function sourcesOf({ campaignId, channel }: LedgerTouch): Source[] {
  return [
    { kind: 'campaign', key: campaignId ?? '' },
    { kind: 'channel', key: channel },
  ]
}

export function dealTouchesOf(
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
