import { creditDeal, windowStart } from '#reports/ledger.rules.ts'
import type { CreditModel, CreditWriter, JourneyColumns } from '#reports/model.rules.ts'

/** Won deals with their touches, all before the close, as columns. */
export interface PackedDeals {
  opportunityIds: string[]
  amountMinor: Float64Array
  openedAtMs: Float64Array
  closedAtMs: Float64Array
  /** NaN: no lead is known. */
  leadAtMs: Float64Array
  /** d + 1 positions: deal i owns the touches from `offsets[i]` up to `offsets[i + 1]`. */
  offsets: Uint32Array
  columns: JourneyColumns
  /** Campaign and channel of each touch, by number. */
  source: Uint32Array
}

export interface PreviewSide {
  model: CreditModel
  /** 0: all time. */
  windowDays: number
}

export interface MovedDeal {
  opportunityId: string
  amountMinor: number
  movedMinor: number
}

/** Sums of one side: by source, and what no touch got. */
interface Sums {
  bySource: Float64Array
  baselineMinor: number
  uncreditedMinor: number
}

/**
 * Adds up what two models in two windows give the same deals, batch by batch, and keeps the deals that move most.
 * Memory: two doubles a source, besides a batch. O(touches) for rules.
 */
export class PreviewTally {
  readonly before: Sums
  readonly after: Sums
  deals = 0
  touches = 0
  wonMinor = 0
  movedMinor = 0
  movedDeals = 0
  #most: MovedDeal[] = []
  readonly #keep: number
  readonly #sides: { write: CreditWriter; windowDays: number; sums: Sums }[]
  /** What a deal's sources gain from the one side to the other; zero between deals. */
  readonly #gain: Float64Array

  /** @param channels  the channel names by which touches are numbered. */
  constructor(
    sides: readonly [PreviewSide, PreviewSide],
    channels: readonly string[],
    sources: number,
    keep: number,
  ) {
    this.#sides = sides.map(({ model, windowDays }) => ({
      write: model.bind(channels),
      windowDays,
      sums: { bySource: new Float64Array(sources), baselineMinor: 0, uncreditedMinor: 0 },
    }))
    this.before = this.#sides[0]!.sums
    this.after = this.#sides[1]!.sums
    this.#gain = new Float64Array(sources)
    this.#keep = keep
  }

  /** The deals of which most changes hands, most first. */
  get most(): readonly MovedDeal[] {
    return this.#most.sort(byMoved).slice(0, this.#keep)
  }

  add(batch: PackedDeals): void {
    const shares = new Float64Array(batch.source.length)
    for (let deal = 0; deal < batch.opportunityIds.length; deal++) {
      const amountMinor = batch.amountMinor[deal]!
      this.deals += 1
      this.touches += batch.offsets[deal + 1]! - batch.offsets[deal]!
      this.wonMinor += amountMinor
      const movedMinor = this.#addDeal(batch, deal, shares)
      if (movedMinor === 0) continue
      this.movedMinor += movedMinor
      this.movedDeals += 1
      this.#keepMost({ opportunityId: batch.opportunityIds[deal]!, amountMinor, movedMinor })
    }
  }

  /** Answers how much of the deal changes hands: half of all differences, each being one's gain and another's loss. */
  #addDeal(batch: PackedDeals, deal: number, shares: Float64Array): number {
    const { offsets, columns, source } = batch
    const leadAtMs = batch.leadAtMs[deal]!
    const dated = {
      amountMinor: batch.amountMinor[deal]!,
      openedAtMs: batch.openedAtMs[deal]!,
      closedAtMs: batch.closedAtMs[deal]!,
      leadAtMs: Number.isNaN(leadAtMs) ? null : leadAtMs,
    }
    const to = offsets[deal + 1]!
    let [baselineGain, uncreditedGain] = [0, 0]
    for (let side = 0; side < 2; side++) {
      const { write, windowDays, sums } = this.#sides[side]!
      const sign = side === 0 ? -1 : 1
      const start = offsets[deal]!
      const from = windowStart(columns.touchedAtMs, start, to, dated.closedAtMs, windowDays)
      if (from === to) {
        sums.uncreditedMinor += dated.amountMinor
        uncreditedGain += sign * dated.amountMinor
        continue
      }
      const { amounts } = creditDeal(write, columns, from, to, dated, shares)
      for (let i = from; i < to; i++) {
        sums.bySource[source[i]!]! += amounts[i - from]!
        this.#gain[source[i]!]! += sign * amounts[i - from]!
      }
      const baselineMinor = amounts[to - from]!
      sums.baselineMinor += baselineMinor
      baselineGain += sign * baselineMinor
    }
    let moved = Math.abs(baselineGain) + Math.abs(uncreditedGain)
    for (let i = offsets[deal]!; i < to; i++) {
      moved += Math.abs(this.#gain[source[i]!]!)
      this.#gain[source[i]!] = 0
    }
    return moved / 2
  }

  #keepMost(deal: MovedDeal): void {
    this.#most.push(deal)
    if (this.#most.length > 20 * this.#keep + 100) this.#most = [...this.most]
  }
}

function byMoved(a: MovedDeal, b: MovedDeal): number {
  return b.movedMinor - a.movedMinor || a.opportunityId.localeCompare(b.opportunityId)
}
