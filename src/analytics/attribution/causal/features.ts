import { DAY_MS } from '#core/time.ts'
import type { AccountJourneys } from './data.ts'
import { estimateIntent, fitIntent } from './intent.ts'
import type { IntentModel, TouchCounts } from './intent.ts'
import type { RiskSet } from './risk-set.ts'

/** Adstocks at the moments of a risk set: `(row · channels + channel) · halfLives + h`, saturated later. */
export interface Adstocks {
  rows: number
  channels: number
  halfLivesDays: readonly number[]
  values: Float32Array
}

/** A touch on the very moment counts: what is recorded at once was there before the booking. */
export function computeAdstocks(
  data: AccountJourneys,
  { unit, atMs }: Pick<RiskSet, 'unit' | 'atMs'>,
  halfLivesDays: readonly number[],
): Adstocks {
  const channels = data.channels.length
  const width = halfLivesDays.length
  const values = new Float32Array(unit.length * channels * width)
  const rates = halfLivesDays.map((days) => Math.LN2 / (days * DAY_MS))
  for (let row = 0; row < unit.length; row++) {
    const at = atMs[row]!
    for (let i = data.touchOffsets[unit[row]!]!; i < data.touchOffsets[unit[row]! + 1]!; i++) {
      const age = at - data.touchMs[i]!
      if (age < 0) break
      const cell = (row * channels + data.touchChannel[i]!) * width
      for (let h = 0; h < width; h++) values[cell + h]! += Math.exp(-age * rates[h]!)
    }
  }
  return { rows: unit.length, channels, halfLivesDays, values }
}

/** A touch within these days of another is told apart from one that comes out of nothing. */
const WARM_DAYS = 10

/**
 * Touch counts up to each moment, with the days in which they could have come. Each channel counts twice: while
 * another touch is fresh, and while none is; so that channels which answer to touches (retargeting, e-mail) are
 * not taken for a sign of intent.
 */
export function countTouches(
  data: AccountJourneys,
  { unit, atMs }: Pick<RiskSet, 'unit' | 'atMs'>,
): TouchCounts {
  const channels = data.channels.length
  const width = channels * 2
  const counts = new Float32Array(unit.length * width)
  const exposureDays = new Float32Array(unit.length * width)
  for (let row = 0; row < unit.length; row++) {
    const at = atMs[row]!
    const u = unit[row]!
    const from = row * width
    let warmMs = 0
    let warmUntil = data.firstSeenMs[u]!
    for (let i = data.touchOffsets[u]!; i < data.touchOffsets[u + 1]!; i++) {
      const touchedAt = data.touchMs[i]!
      if (touchedAt > at) break
      const isWarm = i > data.touchOffsets[u]! && touchedAt < warmUntil
      counts[from + data.touchChannel[i]! + (isWarm ? channels : 0)]! += 1
      warmMs +=
        Math.min(at, touchedAt + WARM_DAYS * DAY_MS) - Math.min(at, Math.max(warmUntil, touchedAt))
      warmUntil = touchedAt + WARM_DAYS * DAY_MS
    }
    const days = Math.max(0.5, (at - data.firstSeenMs[u]!) / DAY_MS)
    const warm = Math.min(days, warmMs / DAY_MS)
    const [first, end] = [data.personOffsets[u]!, data.personOffsets[u + 1]!]
    const people = Math.max(1, end - first)
    exposureDays.fill((days - warm) * people + 1e-3, from, from + channels)
    exposureDays.fill(warm * people + 1e-3, from + channels, from + width)
    for (let p = first; p < end; p++) {
      const channel = data.heldOut[p]!
      if (channel < 0) continue
      exposureDays[from + channel]! -= days - warm
      exposureDays[from + channels + channel]! -= warm
    }
  }
  return { rows: unit.length, channels: width, counts, exposureDays }
}

/** The nuisance part of the hazard: what moves conversions besides touches. */
export interface Context {
  rows: number
  names: string[]
  /** rows · names. */
  values: Float64Array
}

/**
 * Intercept, intent so far (mean, square, variance), time since first seen, number of people, the year's
 * wave and segments.
 */
export function describeContext(
  data: AccountJourneys,
  moments: Pick<RiskSet, 'unit' | 'atMs'>,
  intent: IntentModel | null,
): Context {
  const { unit, atMs } = moments
  const rows = unit.length
  const columns: { name: string; at: (row: number) => number }[] = [{ name: 'one', at: () => 1 }]
  if (intent !== null) {
    const { mean, variance } = estimateIntent(intent, countTouches(data, moments))
    const width = intent.factors
    for (let f = 0; f < width; f++) {
      columns.push({ name: `intent ${f + 1}`, at: (row) => mean[row * width + f]! })
      columns.push({ name: `intent ${f + 1} squared`, at: (row) => mean[row * width + f]! ** 2 })
      columns.push({ name: `doubt ${f + 1}`, at: (row) => variance[row * width + f]! })
    }
    if (width === 2)
      columns.push({ name: 'intents', at: (row) => mean[row * 2]! * mean[row * 2 + 1]! })
  }
  const age = (row: number) => (atMs[row]! - data.firstSeenMs[unit[row]!]!) / DAY_MS
  columns.push({ name: 'age', at: (row) => Math.log1p(Math.max(0, age(row))) - 3 })
  columns.push({ name: 'long age', at: (row) => Math.max(0, age(row)) / 60 - 1 })
  const people = (row: number) =>
    data.personOffsets[unit[row]! + 1]! - data.personOffsets[unit[row]!]!
  if (data.personOffsets.at(-1)! > data.firstSeenMs.length)
    columns.push({ name: 'people', at: (row) => Math.log(Math.max(1, people(row))) })
  const year = (row: number) => (2 * Math.PI * atMs[row]!) / (365.25 * DAY_MS)
  columns.push({ name: 'year sine', at: (row) => Math.sin(year(row)) })
  columns.push({ name: 'year cosine', at: (row) => Math.cos(year(row)) })
  for (const { name, levels, codes } of data.segments) {
    for (let level = 1; level < levels.length; level++)
      columns.push({
        name: `${name} ${levels[level]}`,
        at: (row) => (codes[unit[row]!] === level ? 1 : 0),
      })
  }
  const values = new Float64Array(rows * columns.length)
  for (let row = 0; row < rows; row++)
    columns.forEach(({ at }, j) => {
      values[row * columns.length + j] = at(row)
    })
  return { rows, names: columns.map(({ name }) => name), values }
}

/** Fits intent on whole lives of at most `limit` accounts, evenly chosen. */
export function fitIntentOf(
  data: AccountJourneys,
  untilMs: Float64Array,
  factors: number,
  limit = 6000,
): IntentModel {
  const units = data.firstSeenMs.length
  const step = Math.max(1, units / limit)
  const chosen = Uint32Array.from({ length: Math.floor(units / step) }, (_, i) =>
    Math.floor(i * step),
  )
  const atMs = Float64Array.from(chosen, (unit) => untilMs[unit]!)
  return fitIntent(countTouches(data, { unit: chosen, atMs }), factors)
}
