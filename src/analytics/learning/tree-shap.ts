import { treeMean, type Tree } from './tree.ts'

/** A step of the way from the root: which feature, and the weights with which it counts when unknown or known. */
interface Way {
  feature: Int32Array
  zero: Float64Array
  one: Float64Array
  weight: Float64Array
}

/**
 * Adds to `out` each feature's exact Shapley value in what the tree says of one row, path-dependent: an unknown
 * feature is averaged over the training rows that reached the node. They sum to the tree's value less its mean.
 *
 * @returns the tree's mean, which the contributions start from.
 * @see Lundberg, Erion & Lee, "Consistent individualized feature attribution for tree ensembles", arXiv 1802.03888,
 *   algorithm 2. O(leaves · depth²).
 */
export function addTreeShap(
  tree: Tree,
  features: readonly Float64Array[],
  row: number,
  out: Float64Array,
): number {
  const walk = (
    node: number,
    length: number,
    parent: Way,
    zero: number,
    one: number,
    feature: number,
  ): void => {
    const way = copyWay(parent, length)
    extend(way, length, zero, one, feature)
    let end = length + 1
    const left = tree.left[node]!
    if (left < 0) {
      for (let i = 1; i < end; i += 1) {
        const weight = unwoundSum(way, end - 1, i)
        out[way.feature[i]!]! += weight * (way.one[i]! - way.zero[i]!) * tree.value[node]!
      }
      return
    }
    const own = tree.feature[node]!
    const x = features[own]![row]!
    const goesLeft = Number.isNaN(x) ? tree.missingLeft[node] === 1 : x <= tree.threshold[node]!
    const [hot, cold] = goesLeft ? [left, tree.right[node]!] : [tree.right[node]!, left]
    let [zeroBefore, oneBefore] = [1, 1]
    for (let i = 1; i < end; i += 1) {
      if (way.feature[i] !== own) continue
      zeroBefore = way.zero[i]!
      oneBefore = way.one[i]!
      unwind(way, end - 1, i)
      end -= 1
      break
    }
    const cover = tree.cover[node]!
    walk(hot, end, way, (zeroBefore * tree.cover[hot]!) / cover, oneBefore, own)
    walk(cold, end, way, (zeroBefore * tree.cover[cold]!) / cover, 0, own)
  }
  walk(0, 0, emptyWay(0), 1, 1, -1)
  return treeMean(tree)
}

function emptyWay(length: number): Way {
  return {
    feature: new Int32Array(length),
    zero: new Float64Array(length),
    one: new Float64Array(length),
    weight: new Float64Array(length),
  }
}

function copyWay(from: Way, length: number): Way {
  const way = emptyWay(length + 1)
  way.feature.set(from.feature.subarray(0, length))
  way.zero.set(from.zero.subarray(0, length))
  way.one.set(from.one.subarray(0, length))
  way.weight.set(from.weight.subarray(0, length))
  return way
}

function extend(way: Way, length: number, zero: number, one: number, feature: number): void {
  way.feature[length] = feature
  way.zero[length] = zero
  way.one[length] = one
  way.weight[length] = length === 0 ? 1 : 0
  for (let i = length - 1; i >= 0; i -= 1) {
    way.weight[i + 1]! += (one * way.weight[i]! * (i + 1)) / (length + 1)
    way.weight[i] = (zero * way.weight[i]! * (length - i)) / (length + 1)
  }
}

/** Takes step `place` back out of a way whose last step is `last`. */
function unwind(way: Way, last: number, place: number): void {
  const one = way.one[place]!
  const zero = way.zero[place]!
  let next = way.weight[last]!
  for (let i = last - 1; i >= 0; i -= 1) {
    if (one !== 0) {
      const kept = way.weight[i]!
      way.weight[i] = (next * (last + 1)) / ((i + 1) * one)
      next = kept - (way.weight[i]! * zero * (last - i)) / (last + 1)
    } else {
      way.weight[i] = (way.weight[i]! * (last + 1)) / (zero * (last - i))
    }
  }
  for (let i = place; i < last; i += 1) {
    way.feature[i] = way.feature[i + 1]!
    way.zero[i] = way.zero[i + 1]!
    way.one[i] = way.one[i + 1]!
  }
}

function unwoundSum(way: Way, last: number, place: number): number {
  const one = way.one[place]!
  const zero = way.zero[place]!
  let next = way.weight[last]!
  let total = 0
  for (let i = last - 1; i >= 0; i -= 1) {
    if (one !== 0) {
      const weight = (next * (last + 1)) / ((i + 1) * one)
      total += weight
      next = way.weight[i]! - (weight * zero * (last - i)) / (last + 1)
    } else {
      total += (way.weight[i]! * (last + 1)) / (zero * (last - i))
    }
  }
  return total
}
