const DENSE_KEYS = 2 ** 24
const DENSE_SUMS = 2 ** 23
const EMPTY = -1

/** Numbers keys 0, 1, 2 … in order of first appearance. Keys are whole numbers below 2^53. */
export interface KeyIndex {
  readonly size: number
  /** The number of the key, a new one when it is not known. */
  slotOf(key: number): number
  /** All keys, by number. */
  keys(): Float64Array
}

/** A table where it fits in 64 MiB, open addressing beyond. @throws RangeError when keys can exceed 2^53. */
export function createKeyIndex(keyCount: number): KeyIndex {
  if (!(keyCount <= Number.MAX_SAFE_INTEGER))
    throw new RangeError('There are too many states: take a lower order or fewer channels.')
  return keyCount <= DENSE_KEYS ? new DenseIndex(keyCount) : new HashIndex()
}

class DenseIndex implements KeyIndex {
  size = 0
  readonly #slots: Int32Array
  #keys = new Float64Array(1024)

  constructor(keyCount: number) {
    this.#slots = new Int32Array(keyCount)
  }

  slotOf(key: number): number {
    const slot = this.#slots[key]!
    if (slot > 0) return slot - 1
    if (this.size === this.#keys.length) this.#keys = longer(this.#keys)
    this.#keys[this.size] = key
    this.#slots[key] = ++this.size
    return this.size - 1
  }

  keys(): Float64Array {
    return this.#keys.subarray(0, this.size)
  }
}

/** Sums of weights by key. */
export interface KeySums {
  add(key: number, weight: number): void
  /** All keys with a sum above 0, and their sums. */
  entries(): { keys: Float64Array; sums: Float64Array }
}

/** A table where it fits in 64 MiB, since one look-up then adds; open addressing beyond. */
export function createKeySums(keyCount: number): KeySums {
  return keyCount <= DENSE_SUMS ? new DenseSums(keyCount) : new HashSums(createKeyIndex(keyCount))
}

class DenseSums implements KeySums {
  readonly #sums: Float64Array

  constructor(keyCount: number) {
    this.#sums = new Float64Array(keyCount)
  }

  add(key: number, weight: number): void {
    this.#sums[key]! += weight
  }

  entries(): { keys: Float64Array; sums: Float64Array } {
    let count = 0
    for (const sum of this.#sums) if (sum > 0) count += 1
    const keys = new Float64Array(count)
    const sums = new Float64Array(count)
    let at = 0
    for (let key = 0; key < this.#sums.length; key++) {
      if (this.#sums[key]! <= 0) continue
      keys[at] = key
      sums[at++] = this.#sums[key]!
    }
    return { keys, sums }
  }
}

class HashSums implements KeySums {
  readonly #index: KeyIndex
  #sums = new Float64Array(4096)

  constructor(index: KeyIndex) {
    this.#index = index
  }

  add(key: number, weight: number): void {
    const slot = this.#index.slotOf(key)
    if (slot === this.#sums.length) this.#sums = longer(this.#sums)
    this.#sums[slot]! += weight
  }

  entries(): { keys: Float64Array; sums: Float64Array } {
    return { keys: this.#index.keys(), sums: this.#sums.subarray(0, this.#index.size) }
  }
}

/** Linear probing, at most 60 % full. */
class HashIndex implements KeyIndex {
  size = 0
  #keys = new Float64Array(1024)
  #slots = new Int32Array(4096).fill(EMPTY)

  slotOf(key: number): number {
    const mask = this.#slots.length - 1
    let at = hash(key) & mask
    for (;;) {
      const slot = this.#slots[at]!
      if (slot === EMPTY) break
      if (this.#keys[slot] === key) return slot
      at = (at + 1) & mask
    }
    if (this.size === this.#keys.length) this.#keys = longer(this.#keys)
    this.#keys[this.size] = key
    this.#slots[at] = this.size++
    if (this.size > this.#slots.length * 0.6) this.#grow()
    return this.size - 1
  }

  keys(): Float64Array {
    return this.#keys.subarray(0, this.size)
  }

  #grow(): void {
    const mask = this.#slots.length * 2 - 1
    this.#slots = new Int32Array(mask + 1).fill(EMPTY)
    for (let slot = 0; slot < this.size; slot++) {
      let at = hash(this.#keys[slot]!) & mask
      while (this.#slots[at] !== EMPTY) at = (at + 1) & mask
      this.#slots[at] = slot
    }
  }
}

function longer(keys: Float64Array): Float64Array<ArrayBuffer> {
  const twice = new Float64Array(keys.length * 2)
  twice.set(keys)
  return twice
}

function hash(key: number): number {
  const low = key | 0
  const high = (key / 2 ** 32) | 0
  const mixed = Math.imul(low ^ Math.imul(high, 0x85ebca6b), 0x9e3779b1)
  return mixed ^ (mixed >>> 15)
}
