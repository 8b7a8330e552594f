/**
 * A decision tree as columns of nodes; node 0 is the root. A row goes left where its feature is at most the
 * threshold, and where it is missing and `missingLeft` is 1. A leaf has `left` −1.
 */
export interface Tree {
  feature: Int32Array
  threshold: Float64Array
  missingLeft: Uint8Array
  left: Int32Array
  right: Int32Array
  /** Of a leaf: what it adds to the log-odds. */
  value: Float64Array
  /** How many training rows reached the node. */
  cover: Float64Array
}

/** Log-odds = `base` + what the trees add. */
export interface Boosting {
  base: number
  trees: Tree[]
}

/** What one tree adds for row `row` of the features. O(depth). */
export function treeValue(tree: Tree, features: readonly Float64Array[], row: number): number {
  let node = 0
  for (;;) {
    const left = tree.left[node]!
    if (left < 0) return tree.value[node]!
    const x = features[tree.feature[node]!]![row]!
    const goesLeft = Number.isNaN(x) ? tree.missingLeft[node] === 1 : x <= tree.threshold[node]!
    node = goesLeft ? left : tree.right[node]!
  }
}

/** The log-odds of each row; NaN is missing. O(rows · trees · depth). */
export function boostingLogOdds(
  { base, trees }: Boosting,
  features: readonly Float64Array[],
  rows: number,
): Float64Array {
  const out = new Float64Array(rows).fill(base)
  for (const tree of trees)
    for (let i = 0; i < rows; i += 1) out[i]! += treeValue(tree, features, i)
  return out
}

/** The mean over training rows of what the tree adds. */
export function treeMean(tree: Tree): number {
  const total = tree.cover[0]!
  let sum = 0
  for (let node = 0; node < tree.left.length; node += 1)
    if (tree.left[node]! < 0) sum += tree.cover[node]! * tree.value[node]!
  return sum / total
}

/** Nodes of a tree while it grows. */
export class TreeDraft {
  readonly #feature: number[] = []
  readonly #threshold: number[] = []
  readonly #missingLeft: number[] = []
  readonly #left: number[] = []
  readonly #right: number[] = []
  readonly #cover: number[] = []
  readonly value: number[] = []

  add(cover: number): number {
    this.#feature.push(-1)
    this.#threshold.push(0)
    this.#missingLeft.push(0)
    this.#left.push(-1)
    this.#right.push(-1)
    this.#cover.push(cover)
    return this.value.push(0) - 1
  }

  split(node: number, feature: number, threshold: number, missingLeft: boolean): void {
    this.#feature[node] = feature
    this.#threshold[node] = threshold
    this.#missingLeft[node] = Number(missingLeft)
  }

  child(parent: number, side: 'left' | 'right', cover: number): number {
    const node = this.add(cover)
    if (side === 'left') this.#left[parent] = node
    else this.#right[parent] = node
    return node
  }

  tree(): Tree {
    return {
      feature: Int32Array.from(this.#feature),
      threshold: Float64Array.from(this.#threshold),
      missingLeft: Uint8Array.from(this.#missingLeft),
      left: Int32Array.from(this.#left),
      right: Int32Array.from(this.#right),
      value: Float64Array.from(this.value),
      cover: Float64Array.from(this.#cover),
    }
  }
}
