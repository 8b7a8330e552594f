import { seededRandom, type Random } from '#core/random.ts'
import type { Fold } from './table.ts'

const FOLDS_STREAM = 17

/**
 * Stratified k folds: each holds its share of either label, so that no fold is without the rarer one.
 *
 * @param labels  0 or 1, n of them.
 * @param count  number of folds, 2 or more.
 * @param seed  any 32-bit integer; the same seed gives the same folds.
 * @returns `count` folds whose test rows are a partition of 0…n−1.
 * @throws RangeError when there are fewer than `count` rows of either label.
 * @see Kohavi, "A study of cross-validation and bootstrap for accuracy estimation", IJCAI 1995.
 * O(n · count).
 */
export function stratifiedFolds(labels: Uint8Array, count: number, seed: number): Fold[] {
  const random = seededRandom(seed, FOLDS_STREAM)
  const foldOf = new Uint8Array(labels.length)
  let next = 0
  for (const label of [1, 0]) {
    const places: number[] = []
    for (let i = 0; i < labels.length; i += 1) if (labels[i] === label) places.push(i)
    if (places.length < count)
      throw new RangeError(`${count} folds need at least ${count} rows of each outcome.`)
    shuffle(places, random)
    for (const place of places) {
      foldOf[place] = next
      next = (next + 1) % count
    }
  }
  return Array.from({ length: count }, (_, fold) => splitAt(foldOf, fold))
}

/** The fold whose test rows are those with `fold` in `foldOf`. */
function splitAt(foldOf: Uint8Array, fold: number): Fold {
  let held = 0
  for (const own of foldOf) if (own === fold) held += 1
  const train = new Int32Array(foldOf.length - held)
  const test = new Int32Array(held)
  let [a, b] = [0, 0]
  for (let i = 0; i < foldOf.length; i += 1) {
    if (foldOf[i] === fold) test[b++] = i
    else train[a++] = i
  }
  return { train, test }
}

/** Fisher and Yates, in place. */
export function shuffle(items: number[] | Int32Array, random: Random): void {
  for (let i = items.length - 1; i > 0; i -= 1) {
    const j = random.integer(i + 1)
    const kept = items[i]!
    items[i] = items[j]!
    items[j] = kept
  }
}
