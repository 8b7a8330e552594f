import { DAY_MS } from '#core/time.ts'
import { ChannelNames, doubled, NO_CHANNEL } from './journeys.ts'
import type { Journeys } from './journeys.ts'

/** What is known of u units (people, accounts or deals) besides their touches. */
export interface Units {
  count: number
  /** u times since when, and until when, the unit was observed; null: not known. */
  startedAtMs: Float64Array | null
  endedAtMs: Float64Array | null
  /** As in `Journeys`, by unit. */
  heldOut: Uint16Array | null
  cluster: Uint32Array | null
}

/** Conversions in any order, as columns. */
export interface Conversions {
  unit: Uint32Array
  atMs: Float64Array
  value: Float64Array
}

/** Collects touches in any order and cuts them into journeys. Memory: 14 bytes a touch, twice while a column grows or is sorted. */
export class TouchTable {
  readonly channels = new ChannelNames()
  #unit = new Uint32Array(4096)
  #channel = new Uint16Array(4096)
  #atMs = new Float64Array(4096)
  #size = 0

  get size(): number {
    return this.#size
  }

  /** @param channel  its number in `channels`. */
  add(unit: number, channel: number, atMs: number): void {
    const at = this.#size++
    if (at === this.#unit.length) {
      this.#unit = doubled(this.#unit)
      this.#channel = doubled(this.#channel)
      this.#atMs = doubled(this.#atMs)
    }
    this.#unit[at] = unit
    this.#channel[at] = channel
    this.#atMs[at] = atMs
  }

  /**
   * The journeys of all units. The table is not to be used after it.
   *
   * A conversion ends a journey of the touches since the conversion before it, up to and with its own moment. What follows the last
   * conversion is a journey that ended in nothing, if there is a touch; so is a unit without conversions, even without a touch.
   *
   * @param windowDays  how many days of 24 hours before the end of a journey (for one without conversion: the end of observation, or its
   *   last touch) a touch counts; null: all.
   * @throws RangeError when a unit is not below `units.count` or a time is not finite.
   * O(touches + units), and O(m log m) for a unit whose m touches are out of order.
   */
  toJourneys(units: Units, conversions: Conversions, windowDays: number | null): Journeys {
    const touches = sortByUnit(
      this.#unit.subarray(0, this.#size),
      this.#atMs.subarray(0, this.#size),
      units.count,
    )
    const channel = new Uint16Array(this.#size)
    const touchedAtMs = new Float64Array(this.#size)
    for (let i = 0; i < this.#size; i++) {
      channel[i] = this.#channel[touches.order[i]!]!
      touchedAtMs[i] = this.#atMs[touches.order[i]!]!
    }
    this.#unit = this.#unit.subarray(0, 0)
    this.#atMs = this.#atMs.subarray(0, 0)
    const cutter = new Cutter(units, { channel, touchedAtMs, offsets: touches.offsets }, windowDays)
    return cutter.cut(this.channels.names, conversions)
  }
}

/** Positions sorted by unit, then time, then as they came; unit i owns those from `offsets[i]` up to `offsets[i + 1]`. */
function sortByUnit(unit: Uint32Array, atMs: Float64Array, count: number) {
  const offsets = new Uint32Array(count + 1)
  for (let i = 0; i < unit.length; i++) {
    if (unit[i]! >= count) throw new RangeError(`Unit ${unit[i]} is not below ${count}.`)
    if (!Number.isFinite(atMs[i]!)) throw new RangeError(`Time ${i} is not finite: ${atMs[i]}.`)
    offsets[unit[i]! + 1]! += 1
  }
  for (let u = 0; u < count; u++) offsets[u + 1]! += offsets[u]!
  const next = offsets.slice(0, count)
  const order = new Uint32Array(unit.length)
  for (let i = 0; i < unit.length; i++) order[next[unit[i]!]!++] = i
  for (let u = 0; u < count; u++) {
    const from = offsets[u]!
    const to = offsets[u + 1]!
    let isAscending = true
    for (let i = from + 1; i < to && isAscending; i++)
      isAscending = atMs[order[i]!]! >= atMs[order[i - 1]!]!
    if (isAscending) continue
    if (to - from <= FEW) insertInOrder(order, from, to, atMs)
    else order.subarray(from, to).sort((a, b) => atMs[a]! - atMs[b]! || a - b)
  }
  return { offsets, order }
}

/** Up to so many touches of a unit are put in order one by one, which costs less than a call of `sort`. */
const FEW = 24

/** Stable. O(m²) for m positions that stand the other way round. */
function insertInOrder(order: Uint32Array, from: number, to: number, atMs: Float64Array): void {
  for (let i = from + 1; i < to; i++) {
    const moving = order[i]!
    const movingAtMs = atMs[moving]!
    let j = i
    for (; j > from && atMs[order[j - 1]!]! > movingAtMs; j--) order[j] = order[j - 1]!
    order[j] = moving
  }
}

interface SortedTouches {
  channel: Uint16Array
  touchedAtMs: Float64Array
  offsets: Uint32Array
}

/** Writes journeys over the sorted touches, which move forward as those outside the window fall out. */
class Cutter {
  readonly #units: Units
  readonly #touches: SortedTouches
  readonly #windowMs: number
  #kept = 0
  #journeys = 0
  #offsets = new Uint32Array(4096)
  #unit = new Uint32Array(4096)
  #conversions = new Float64Array(4096)
  #value = new Float64Array(4096)
  #startedAtMs = new Float64Array(4096)
  #endedAtMs = new Float64Array(4096)

  constructor(units: Units, touches: SortedTouches, windowDays: number | null) {
    this.#units = units
    this.#touches = touches
    this.#windowMs = windowDays === null ? Infinity : windowDays * DAY_MS
    if (!(this.#windowMs >= 0))
      throw new RangeError(`A window is 0 days or more, not ${windowDays}.`)
  }

  cut(channels: readonly string[], conversions: Conversions): Journeys {
    const { count, startedAtMs, endedAtMs } = this.#units
    const { offsets, touchedAtMs } = this.#touches
    const sorted = sortByUnit(conversions.unit, conversions.atMs, count)
    for (let u = 0; u < count; u++) {
      let at = offsets[u]!
      const end = offsets[u + 1]!
      let since = startedAtMs?.[u] ?? Number.NaN
      for (let c = sorted.offsets[u]!; c < sorted.offsets[u + 1]!; c++) {
        const conversion = sorted.order[c]!
        const closedAtMs = conversions.atMs[conversion]!
        const from = at
        while (at < end && touchedAtMs[at]! <= closedAtMs) at += 1
        this.#add(u, from, at, 1, conversions.value[conversion]!, since, closedAtMs)
        since = closedAtMs
      }
      if (at === end && sorted.offsets[u]! < sorted.offsets[u + 1]!) continue
      const observedAtMs = endedAtMs?.[u] ?? Number.NaN
      const last = at < end ? touchedAtMs[end - 1]! : Number.NaN
      this.#add(u, at, end, 0, 0, since, Number.isNaN(observedAtMs) ? last : observedAtMs)
    }
    return this.#journeysOf(channels)
  }

  #add(
    unit: number,
    from: number,
    to: number,
    conversions: number,
    value: number,
    startedAtMs: number,
    endedAtMs: number,
  ): void {
    const { channel, touchedAtMs } = this.#touches
    const i = this.#journeys++
    if (i + 1 === this.#offsets.length) this.#grow()
    const earliest = Number.isNaN(endedAtMs) ? -Infinity : endedAtMs - this.#windowMs
    for (let t = from; t < to; t++) {
      if (touchedAtMs[t]! < earliest) continue
      channel[this.#kept] = channel[t]!
      touchedAtMs[this.#kept++] = touchedAtMs[t]!
    }
    this.#offsets[i + 1] = this.#kept
    this.#unit[i] = unit
    this.#conversions[i] = conversions
    this.#value[i] = value
    this.#startedAtMs[i] = startedAtMs
    this.#endedAtMs[i] = endedAtMs
  }

  #grow(): void {
    this.#offsets = doubled(this.#offsets)
    this.#unit = doubled(this.#unit)
    this.#conversions = doubled(this.#conversions)
    this.#value = doubled(this.#value)
    this.#startedAtMs = doubled(this.#startedAtMs)
    this.#endedAtMs = doubled(this.#endedAtMs)
  }

  #journeysOf(channels: readonly string[]): Journeys {
    const { startedAtMs, endedAtMs, heldOut, cluster } = this.#units
    const count = this.#journeys
    const unit = this.#unit.subarray(0, count)
    return {
      channels,
      offsets: this.#offsets.subarray(0, count + 1),
      channel: this.#touches.channel.subarray(0, this.#kept),
      touchedAtMs: this.#touches.touchedAtMs.subarray(0, this.#kept),
      conversions: this.#conversions.subarray(0, count),
      value: this.#value.subarray(0, count),
      nulls: this.#conversions.subarray(0, count).map((converted) => 1 - converted),
      startedAtMs: startedAtMs && this.#startedAtMs.subarray(0, count),
      endedAtMs: endedAtMs && this.#endedAtMs.subarray(0, count),
      heldOut: heldOut && Uint16Array.from(unit, (u) => heldOut[u] ?? NO_CHANNEL),
      // The journeys of one unit are one draw of a bootstrap, whether or not units are grouped further.
      cluster: cluster ? Uint32Array.from(unit, (u) => cluster[u]!) : unit,
    }
  }
}
