import type { Chain } from './chain.ts'

/** Conversions and value that remain, for one removal after the other. */
export interface Remaining {
  conversions: Float64Array
  value: Float64Array
}

/** How much of all visits the figures may still be wrong by. */
const TOLERANCE = 1e-13
/** Changes of this share of all visits are rounding. */
const ROUNDING = 1e-15
const MAX_CYCLES = 20_000
/** So many removals are solved side by side: the transitions are read once for all of them. The sweep is written out for 8. */
const WIDTH = 8
/** Sweeps between two extrapolations. */
const CYCLE = 4

/**
 * What remains of conversions and value when sets of channels are removed: every state that holds one of them becomes a lost journey.
 *
 * The expected visits x of a removal solve x = start + x·P over the states that are left, an M-matrix system. Gauss-Seidel sweeps start
 * from the visits with nothing removed, an upper bound, and every few sweeps a reduced rank extrapolation takes out the slowest modes:
 * without it some 45 sweeps, with it some 15. One solution gives conversions (x·converts) and value (x·worth) at once.
 *
 * @param removals  n sets, each as C flags by channel: 1 is removed.
 * @returns n figures each.
 * @see Sidi, "Vector Extrapolation Methods with Applications", SIAM 2017, ch. 2 (RRE); as an accelerator it is restarted GMRES.
 * O(sweeps · E · n) time; 48 doubles a state.
 */
export function solveRemovals(chain: Chain, removals: readonly Uint8Array[]): Remaining {
  const count = removals.length
  const remaining = { conversions: new Float64Array(count), value: new Float64Array(count) }
  for (let from = 0; from < count; from += WIDTH) {
    const block = removals.slice(from, from + WIDTH)
    const visits = solveBlock(chain, columnsByChannel(chain.channelCount, block))
    for (let s = 0; s < chain.start.length; s++) {
      for (let w = 0; w < block.length; w++) {
        const x = visits[s * WIDTH + w]!
        remaining.conversions[from + w]! += x * chain.converts[s]!
        remaining.value[from + w]! += x * chain.worth[s]!
      }
    }
  }
  return remaining
}

/** The sets that remove one channel each, from `first` up to `last`. */
export function singleRemovals(channelCount: number, first: number, last: number): Uint8Array[] {
  return Array.from({ length: last - first }, (_, i) => {
    const removed = new Uint8Array(channelCount)
    removed[first + i] = 1
    return removed
  })
}

/** By channel: bit w is set when the w-th of up to eight sets removes it. */
function columnsByChannel(channelCount: number, block: readonly Uint8Array[]): Uint8Array {
  const columns = new Uint8Array(channelCount)
  for (const [w, removed] of block.entries())
    for (let c = 0; c < channelCount; c++) if (removed[c] === 1) columns[c]! |= 1 << w
  return columns
}

/** S × 8 expected visits, by state. */
function solveBlock(chain: Chain, columns: Uint8Array): Float64Array {
  const { visits } = chain
  const x = new Float64Array(visits.length * WIDTH)
  const lost = lostColumns(chain, columns)
  let total = 0
  for (let s = 0; s < visits.length; s++) {
    total += visits[s]!
    for (let w = 0; w < WIDTH; w++) x[s * WIDTH + w] = (lost[s]! >> w) & 1 ? 0 : visits[s]!
  }
  const steps = Array.from({ length: CYCLE }, () => new Float64Array(x.length))
  const slowest = new Float64Array(WIDTH)
  for (let cycle = 0; cycle < MAX_CYCLES; cycle++) {
    let before: Float64Array | null = null
    for (const step of steps) {
      const changes = sweep(chain, x, lost, step)
      if (before) {
        for (let w = 0; w < WIDTH; w++)
          if (before[w]! > 0)
            slowest[w] = Math.min(0.999_999, Math.max(slowest[w]!, changes[w]! / before[w]!))
        // What is still missing is at most the change over one minus the slowest rate.
        const isDone = (change: number, w: number) =>
          change <= total * Math.max(TOLERANCE * (1 - slowest[w]!), ROUNDING)
        if (changes.every(isDone)) return x
      }
      before = changes
    }
    extrapolate(x, steps)
  }
  throw new Error('The removal of a channel did not converge.')
}

/**
 * One Gauss-Seidel sweep of eight columns.
 *
 * @param step  gets the change of every entry.
 * @returns the sum of absolute changes, by column.
 */
function sweep(chain: Chain, x: Float64Array, lost: Uint8Array, step: Float64Array): Float64Array {
  const { start, entries, source, probability } = chain
  const sums = new Float64Array(WIDTH)
  const changes = new Float64Array(WIDTH)
  for (let s = 0; s < start.length; s++) {
    const begin = start[s]!
    let s0 = begin
    let s1 = begin
    let s2 = begin
    let s3 = begin
    let s4 = begin
    let s5 = begin
    let s6 = begin
    let s7 = begin
    const end = entries[s + 1]!
    for (let e = entries[s]!; e < end; e++) {
      const p = probability[e]!
      const at = source[e]! * WIDTH
      s0 += p * x[at]!
      s1 += p * x[at + 1]!
      s2 += p * x[at + 2]!
      s3 += p * x[at + 3]!
      s4 += p * x[at + 4]!
      s5 += p * x[at + 5]!
      s6 += p * x[at + 6]!
      s7 += p * x[at + 7]!
    }
    const own = s * WIDTH
    sums[0] = s0
    sums[1] = s1
    sums[2] = s2
    sums[3] = s3
    sums[4] = s4
    sums[5] = s5
    sums[6] = s6
    sums[7] = s7
    const isLost = lost[s]!
    for (let w = 0; w < WIDTH; w++) {
      if ((isLost >> w) & 1) continue
      const change = sums[w]! - x[own + w]!
      changes[w]! += Math.abs(change)
      step[own + w] = change
      x[own + w] = sums[w]!
    }
  }
  return changes
}

/**
 * Replaces each column of x by the affine combination of the last iterates whose step would have been least.
 *
 * With steps u₀ … u₍c₋₁₎ and weights γ that sum to 1 and minimise ‖Σ γᵢuᵢ‖, the new column is x − Σᵢ uᵢ · Σ₍j<i₎ γⱼ.
 */
function extrapolate(x: Float64Array, steps: readonly Float64Array[]): void {
  const c = steps.length
  const gram = new Float64Array(WIDTH * c * c)
  for (let i = 0; i < c; i++) {
    for (let j = i; j < c; j++) {
      const dots = columnDots(steps[i]!, steps[j]!)
      for (let w = 0; w < WIDTH; w++) {
        gram[(w * c + i) * c + j] = dots[w]!
        gram[(w * c + j) * c + i] = dots[w]!
      }
    }
  }
  const back = new Float64Array(WIDTH * c)
  for (let w = 0; w < WIDTH; w++) {
    const weights = leastWeights(gram.subarray(w * c * c, (w + 1) * c * c), c)
    if (weights === null) continue
    let sum = 0
    for (let i = 0; i < c; i++) {
      back[i * WIDTH + w] = sum
      sum += weights[i]!
    }
  }
  for (let i = 1; i < c; i++) {
    const step = steps[i]!
    for (let at = 0; at < x.length; at++) x[at]! -= step[at]! * back[i * WIDTH + (at & 7)]!
  }
}

function columnDots(a: Float64Array, b: Float64Array): Float64Array {
  const dots = new Float64Array(WIDTH)
  for (let at = 0; at < a.length; at++) dots[at & 7]! += a[at]! * b[at]!
  return dots
}

/** γ with Σγ = 1 that minimises γᵀGγ: solves G·y = 1 and scales; null when G is singular or the weights are of no use. */
function leastWeights(gram: Float64Array, c: number): Float64Array | null {
  const a = gram.slice()
  const y = new Float64Array(c).fill(1)
  const scale = a[(c - 1) * c + c - 1]!
  if (!(scale > 0)) return null
  for (let i = 0; i < c; i++) a[i * c + i]! *= 1 + 1e-14 // steps that have become alike
  for (let i = 0; i < c; i++) {
    const pivot = a[i * c + i]!
    if (!(pivot > scale * 1e-14)) return null
    for (let j = i + 1; j < c; j++) {
      const factor = a[j * c + i]! / pivot
      for (let m = i; m < c; m++) a[j * c + m]! -= factor * a[i * c + m]!
      y[j]! -= factor * y[i]!
    }
  }
  for (let i = c - 1; i >= 0; i--) {
    for (let m = i + 1; m < c; m++) y[i]! -= a[i * c + m]! * y[m]!
    y[i]! /= a[i * c + i]!
  }
  const sum = y.reduce((total, weight) => total + weight, 0)
  return Number.isFinite(sum) && sum !== 0 ? y.map((weight) => weight / sum) : null
}

/** By state: bit w is set when the state holds a channel that column w removes. */
function lostColumns({ members, order, start }: Chain, columns: Uint8Array): Uint8Array {
  const lost = new Uint8Array(start.length)
  for (let m = 0; m < members.length; m++) lost[Math.floor(m / order)]! |= columns[members[m]!] ?? 0 // NO_CHANNEL is in no set
  return lost
}
