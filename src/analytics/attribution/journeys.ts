/**
 * Journeys as columns: j journeys, t touches. Any figure a model needs of a journey stands in a column here; what a source does not know
 * is null, and models that need it refuse.
 *
 * A journey is what one unit (a person or an account) met before one conversion, or before nothing. Journeys with the same touches may
 * stand in one row: `conversions` and `nulls` count them.
 */
export interface Journeys {
  /** Names of the channels; their positions are what `channel` holds. At most 65,535. */
  channels: readonly string[]
  /** j + 1 positions: journey i owns the touches from `offsets[i]` up to `offsets[i + 1]`. A journey may have none. */
  offsets: Uint32Array
  /** t channels, oldest touch first within a journey. */
  channel: Uint16Array
  /** t times, epoch milliseconds, ascending within a journey; null: only the order is known. */
  touchedAtMs: Float64Array | null
  /** j counts of conversions, 0 or more. */
  conversions: Float64Array
  /** j sums of the conversions' value, in whole or fractional units of one currency. */
  value: Float64Array
  /** j counts of journeys with these touches that ended without a conversion. */
  nulls: Float64Array
  /** j times since when the unit was observed, or since its conversion before; null: not known. */
  startedAtMs: Float64Array | null
  /** j times of the conversion, or of the end of observation; null: not known. */
  endedAtMs: Float64Array | null
  /** j channels from which the unit was excluded at random (an experiment), or `NO_CHANNEL`; null: there was none. */
  heldOut: Uint16Array | null
  /** j clusters (accounts): journeys of one cluster are drawn together by a bootstrap; null: each stands for itself. */
  cluster: Uint32Array | null
}

/** Stands in `heldOut` for units of no experiment. */
export const NO_CHANNEL = 0xffff

/** What is known of a journey at its end; what is left out is 0 or unknown. */
export interface JourneyEnd {
  conversions?: number
  value?: number
  nulls?: number
}

/** Gives each channel name its number, in order of first appearance. */
export class ChannelNames {
  readonly names: string[] = []
  readonly #numbers = new Map<string, number>()

  /** @throws RangeError beyond 65,535 names. */
  numberOf(name: string): number {
    const known = this.#numbers.get(name)
    if (known !== undefined) return known
    if (this.names.length === NO_CHANNEL)
      throw new RangeError(`There are more than ${NO_CHANNEL} channels.`)
    const number = this.names.push(name) - 1
    this.#numbers.set(name, number)
    return number
  }
}

/** Builds journeys that arrive one after the other, touches in order. Memory: the columns, at most twice while one grows. */
export class JourneyBuilder {
  readonly channels = new ChannelNames()
  #channel = new Uint16Array(1024)
  #offsets = new Uint32Array(1024)
  #conversions = new Float64Array(1024)
  #value = new Float64Array(1024)
  #nulls = new Float64Array(1024)
  #touches = 0
  #journeys = 0

  addTouch(channel: string): void {
    if (this.#touches === this.#channel.length) this.#channel = doubled(this.#channel)
    this.#channel[this.#touches++] = this.channels.numberOf(channel)
  }

  endJourney({ conversions = 0, value = 0, nulls = 0 }: JourneyEnd): void {
    const i = this.#journeys++
    if (i + 1 === this.#offsets.length) {
      this.#offsets = doubled(this.#offsets)
      this.#conversions = doubled(this.#conversions)
      this.#value = doubled(this.#value)
      this.#nulls = doubled(this.#nulls)
    }
    this.#offsets[i + 1] = this.#touches
    this.#conversions[i] = conversions
    this.#value[i] = value
    this.#nulls[i] = nulls
  }

  /** The columns; the builder is not to be used after it. */
  build(): Journeys {
    return {
      channels: this.channels.names,
      offsets: this.#offsets.subarray(0, this.#journeys + 1),
      channel: this.#channel.subarray(0, this.#touches),
      touchedAtMs: null,
      conversions: this.#conversions.subarray(0, this.#journeys),
      value: this.#value.subarray(0, this.#journeys),
      nulls: this.#nulls.subarray(0, this.#journeys),
      startedAtMs: null,
      endedAtMs: null,
      heldOut: null,
      cluster: null,
    }
  }
}

/** A column twice as long that begins with what it held. */
export function doubled<T extends Uint16Array | Uint32Array | Float64Array>(column: T): T {
  const longer = new (column.constructor as new (length: number) => T)(column.length * 2)
  longer.set(column)
  return longer
}
