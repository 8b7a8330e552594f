import type { BinnedFeatures } from './bins.ts'
import { TreeDraft, type Tree } from './tree.ts'

export interface TreeLimits {
  maxLeaves: number
  maxDepth: number
  /** Rows that a leaf must hold. */
  minRows: number
  /** Ridge on the value of a leaf, in units of the second derivative. */
  l2: number
  /** Gain below which no split is made. */
  minGain: number
  learningRate: number
}

/** For each feature: 1 the score must not fall with it, −1 must not rise, 0 free. */
export type Monotone = Int8Array

/** Three sums a bin: first derivative, second derivative, rows. */
const SUMS = 3

interface Split {
  gain: number
  feature: number
  /** The last bin that goes left. */
  bin: number
  missingLeft: boolean
  left: Sums
  right: Sums
  leftValue: number
  rightValue: number
}

interface Sums {
  g: number
  h: number
  n: number
}

interface Leaf {
  node: number
  depth: number
  from: number
  to: number
  sums: Sums
  value: number
  low: number
  high: number
  histogram: Float64Array
  split: Split | null
}

/** What stays the same for all trees of a fit. */
export class TreeGrower {
  readonly #data: BinnedFeatures
  readonly #limits: TreeLimits
  readonly #monotone: Monotone | null
  readonly #offsets: Int32Array
  readonly #size: number
  readonly #right: Int32Array
  readonly #spare: Float64Array[] = []

  constructor(data: BinnedFeatures, limits: TreeLimits, monotone: Monotone | null) {
    this.#data = data
    this.#limits = limits
    this.#monotone = monotone
    this.#offsets = new Int32Array(data.edges.length)
    let size = 0
    data.edges.forEach((edges, f) => {
      this.#offsets[f] = size
      size += (edges.length + 2) * SUMS
    })
    this.#size = size
    this.#right = new Int32Array(data.rows)
  }

  /**
   * Grows one tree leaf by leaf, always splitting where the gain is greatest, on histograms of the derivatives; the
   * larger child's histogram is the parent's less the smaller's. Missing values go to the side that gains more. Under
   * a monotone constraint a split whose children stand in the wrong order is refused, and the midpoint of the two
   * bounds all that grows below them.
   *
   * @param rows  places of the rows that take part; reordered.
   * @param usable  features that may be split on.
   * @see Chen & Guestrin, "XGBoost", KDD 2016, eq. 5–7; Ke et al., "LightGBM", NeurIPS 2017; Auguste, Malory &
   *   Smirnov, "A better method to enforce monotonic constraints", arXiv 2011.00986, section 3 for the bounds.
   * O(rows · features · log leaves).
   */
  grow(
    rows: Int32Array,
    gradients: Float64Array,
    hessians: Float64Array,
    usable: Int32Array,
  ): Tree {
    const nodes = new TreeDraft()
    const histogram = this.#take()
    this.#fill(histogram, rows, 0, rows.length, gradients, hessians, usable)
    const sums: Sums = { g: 0, h: 0, n: rows.length }
    for (const row of rows) {
      sums.g += gradients[row]!
      sums.h += hessians[row]!
    }
    const value = -sums.g / (sums.h + this.#limits.l2)
    const root: Leaf = {
      node: nodes.add(rows.length),
      depth: 0,
      from: 0,
      to: rows.length,
      sums,
      value,
      low: -Infinity,
      high: Infinity,
      histogram,
      split: null,
    }
    root.split = this.#bestSplit(root, usable)
    const leaves = [root]
    while (leaves.length < this.#limits.maxLeaves) {
      const best = leaves.reduce((a, b) => ((b.split?.gain ?? 0) > (a.split?.gain ?? 0) ? b : a))
      if (best.split === null) break
      const [left, right] = this.#divide(best, best.split, rows, nodes, gradients, hessians, usable)
      leaves[leaves.indexOf(best)] = left
      leaves.push(right)
    }
    for (const leaf of leaves) {
      nodes.value[leaf.node] = leaf.value * this.#limits.learningRate
      this.#spare.push(leaf.histogram)
    }
    return nodes.tree()
  }

  #take(): Float64Array {
    return this.#spare.pop()?.fill(0) ?? new Float64Array(this.#size)
  }

  #fill(
    histogram: Float64Array,
    rows: Int32Array,
    from: number,
    to: number,
    gradients: Float64Array,
    hessians: Float64Array,
    usable: Int32Array,
  ): void {
    for (const f of usable) {
      const bins = this.#data.bins[f]!
      const offset = this.#offsets[f]!
      for (let i = from; i < to; i += 1) {
        const row = rows[i]!
        const at = offset + bins[row]! * SUMS
        histogram[at]! += gradients[row]!
        histogram[at + 1]! += hessians[row]!
        histogram[at + 2]! += 1
      }
    }
  }

  #divide(
    leaf: Leaf,
    split: Split,
    rows: Int32Array,
    nodes: TreeDraft,
    gradients: Float64Array,
    hessians: Float64Array,
    usable: Int32Array,
  ): [Leaf, Leaf] {
    const bins = this.#data.bins[split.feature]!
    let [end, away] = [leaf.from, 0]
    for (let i = leaf.from; i < leaf.to; i += 1) {
      const row = rows[i]!
      const bin = bins[row]!
      if (bin === 0 ? split.missingLeft : bin <= split.bin) rows[end++] = row
      else this.#right[away++] = row
    }
    rows.set(this.#right.subarray(0, away), end)
    const edges = this.#data.edges[split.feature]!
    nodes.split(
      leaf.node,
      split.feature,
      edges[split.bin - 1] ?? Number.MAX_VALUE,
      split.missingLeft,
    )
    const direction = this.#monotone?.[split.feature] ?? 0
    const middle = (split.leftValue + split.rightValue) / 2
    const shared = { depth: leaf.depth + 1, split: null }
    const left: Leaf = {
      ...shared,
      node: nodes.child(leaf.node, 'left', split.left.n),
      from: leaf.from,
      to: end,
      sums: split.left,
      value: split.leftValue,
      low: direction < 0 ? middle : leaf.low,
      high: direction > 0 ? middle : leaf.high,
      histogram: leaf.histogram,
    }
    const right: Leaf = {
      ...shared,
      node: nodes.child(leaf.node, 'right', split.right.n),
      from: end,
      to: leaf.to,
      sums: split.right,
      value: split.rightValue,
      low: direction > 0 ? middle : leaf.low,
      high: direction < 0 ? middle : leaf.high,
      histogram: leaf.histogram,
    }
    const [small, large] = left.sums.n <= right.sums.n ? [left, right] : [right, left]
    small.histogram = this.#take()
    this.#fill(small.histogram, rows, small.from, small.to, gradients, hessians, usable)
    for (let i = 0; i < this.#size; i += 1) large.histogram[i]! -= small.histogram[i]!
    left.split = this.#bestSplit(left, usable)
    right.split = this.#bestSplit(right, usable)
    return [left, right]
  }

  #bestSplit(leaf: Leaf, usable: Int32Array): Split | null {
    const { minRows, maxDepth, l2, minGain } = this.#limits
    if (leaf.depth >= maxDepth || leaf.sums.n < 2 * minRows) return null
    let best: Split | null = null
    const own = leaf.sums
    const kept = objective(own.g, own.h, leaf.value, l2)
    const histogram = leaf.histogram
    for (const f of usable) {
      const offset = this.#offsets[f]!
      const last = this.#data.edges[f]!.length + 1
      const missing = {
        g: histogram[offset]!,
        h: histogram[offset + 1]!,
        n: histogram[offset + 2]!,
      }
      const direction = this.#monotone?.[f] ?? 0
      for (const missingLeft of missing.n > 0 ? [true, false] : [false]) {
        let [g, h, n] = missingLeft ? [missing.g, missing.h, missing.n] : [0, 0, 0]
        // All that is present against all that is missing is a split too.
        const end = !missingLeft && missing.n > 0 ? last : last - 1
        for (let bin = 1; bin <= end; bin += 1) {
          const at = offset + bin * SUMS
          g += histogram[at]!
          h += histogram[at + 1]!
          n += histogram[at + 2]!
          if (n < minRows || !histogram[at + 2]) continue
          if (own.n - n < minRows) break
          const leftValue = clamp(-g / (h + l2), leaf)
          const rightValue = clamp(-(own.g - g) / (own.h - h + l2), leaf)
          if (direction * (leftValue - rightValue) > 0) continue
          const gain =
            kept - objective(g, h, leftValue, l2) - objective(own.g - g, own.h - h, rightValue, l2)
          if (gain <= Math.max(minGain, best?.gain ?? 0)) continue
          const left = { g, h, n }
          const right = { g: own.g - g, h: own.h - h, n: own.n - n }
          // Where none is missing, a missing value later on goes with the greater part.
          const goesLeft = missing.n > 0 ? missingLeft : n >= own.n - n
          best = {
            gain,
            feature: f,
            bin,
            missingLeft: goesLeft,
            left,
            right,
            leftValue,
            rightValue,
          }
        }
      }
    }
    return best
  }
}

/** The loss of a leaf's rows, to the second order, when all get the value. */
function objective(g: number, h: number, value: number, l2: number): number {
  return g * value + 0.5 * (h + l2) * value * value
}

function clamp(value: number, { low, high }: { low: number; high: number }): number {
  return value < low ? low : value > high ? high : value
}
