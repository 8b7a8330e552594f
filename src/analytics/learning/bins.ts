/** Features cut into at most 255 bins each, and bin 0 for what is missing. */
export interface BinnedFeatures {
  rows: number
  /** A column of bins for each feature. */
  bins: Uint8Array[]
  /** The upper ends of bins 1, 2, … of each feature but the last, whose end is infinity. */
  edges: Float64Array[]
}

const MOST_BINS = 255
/** A bin of fewer rows tells nothing and costs as much as a full one. */
const ROWS_A_BIN = 16
const FEWEST_BINS = 32

/**
 * Cuts each feature where its sorted values lie: between neighbours when there are few different ones, else at
 * quantiles.
 * @see Ke et al., "LightGBM", NeurIPS 2017, section 2.1. O(features · n log n).
 */
export function binFeatures(
  features: readonly Float64Array[],
  rows: number,
  most = Math.min(MOST_BINS, Math.max(FEWEST_BINS, Math.floor(rows / ROWS_A_BIN))),
): BinnedFeatures {
  const edges = features.map((values) => edgesOf(values, most))
  return { rows, edges, bins: features.map((values, f) => binsOf(values, edges[f]!)) }
}

function edgesOf(values: Float64Array, most: number): Float64Array {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort()
  const distinct: number[] = []
  for (const value of sorted) if (value !== distinct.at(-1)) distinct.push(value)
  const edges: number[] = []
  if (distinct.length <= most) {
    for (let i = 1; i < distinct.length; i += 1)
      edges.push(middleOf(distinct[i - 1]!, distinct[i]!))
  } else {
    for (let i = 1; i < most; i += 1) {
      const place = Math.floor((i * sorted.length) / most)
      const edge = middleOf(sorted[place - 1]!, sorted[place]!)
      if (edges.length === 0 || edge > edges.at(-1)!) edges.push(edge)
    }
  }
  return Float64Array.from(edges)
}

/** Between the two; the lower one where no double lies between. */
function middleOf(low: number, high: number): number {
  const middle = low + (high - low) / 2
  return middle < high ? middle : low
}

/** The bin of each value: 0 when missing, else 1 + the number of edges below it. */
export function binsOf(values: Float64Array, edges: Float64Array): Uint8Array {
  const bins = new Uint8Array(values.length)
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i]!
    if (Number.isNaN(value)) continue
    let [low, high] = [0, edges.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (edges[middle]! < value) low = middle + 1
      else high = middle
    }
    bins[i] = low + 1
  }
  return bins
}
