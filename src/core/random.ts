/**
 * A seeded source of random numbers. Whole and uniform draws are the same everywhere; a normal draw may
 * differ in its last bit between JavaScript engines, whose logarithms do.
 */
export interface Random {
  /** A double in [0, 1). */
  uniform(): number
  /** A standard normal draw. */
  normal(): number
  /** A whole number in [0, below). */
  integer(below: number): number
  pick<T>(items: readonly T[]): T
  /** An index, with probability in proportion to its weight. */
  weighted(weights: readonly number[]): number
}

/**
 * xoshiro128** 1.1, its state filled by a 32-bit finaliser from the seed and a stream name, so that
 * each part of a world has its own stream and a change to one part moves no other.
 *
 * @see Blackman & Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS 47 (2021);
 *   the reference code at prng.di.unimi.it is in the public domain.
 */
export function seededRandom(seed: number, stream: number): Random {
  let a = mix(seed, stream, 1, 0)
  let b = mix(seed, stream, 2, 0)
  let c = mix(seed, stream, 3, 0)
  let d = mix(seed, stream, 4, 0) | 1 // the all-zero state is the one that must not be
  function next(): number {
    const times5 = Math.imul(b, 5)
    const result = Math.imul((times5 << 7) | (times5 >>> 25), 9)
    const shifted = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    d = (d << 11) | (d >>> 21)
    return result >>> 0
  }
  const uniform = () => next() / 2 ** 32
  return {
    uniform,
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    integer: (below) => Math.floor(uniform() * below),
    pick(items) {
      return items[Math.floor(uniform() * items.length)]!
    },
    weighted(weights) {
      let left = uniform() * weights.reduce((sum, weight) => sum + weight, 0)
      for (let i = 0; i < weights.length; i++) {
        left -= weights[i]!
        if (left < 0) return i
      }
      return weights.length - 1
    },
  }
}

/**
 * A double in [0, 1) that depends on nothing but its key. A counterfactual world asks for the same
 * keys and so lives through the same luck (common random numbers): only the cause differs.
 */
export function keyedUniform(seed: number, a: number, b: number, c: number): number {
  return mix(seed, a, b, c) / 2 ** 32
}

/** 32 well-mixed bits of four integers: a chain of the MurmurHash3 finaliser (Appleby, public domain). */
export function mix(seed: number, a: number, b: number, c: number): number {
  let hash = finalise(Math.imul(seed, 0x9e3779b1) ^ (a + 0x7f4a7c15))
  hash = finalise(hash ^ Math.imul(b + 1, 0x85ebca77))
  return finalise(hash ^ Math.imul(c + 1, 0xc2b2ae3d)) >>> 0
}

function finalise(value: number): number {
  let hash = value
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

/**
 * The Poisson count of a rate at a uniform draw, by inversion: it grows with the rate for the same
 * draw, as common random numbers need. Counts end at 20.
 */
export function poissonAt(uniform: number, rate: number): number {
  if (uniform < 1 - rate) return 0 // e^−rate ≥ 1 − rate, and most draws end here
  let term = Math.exp(-rate)
  let below = term
  let count = 0
  while (uniform >= below && count < 20) {
    count += 1
    term *= rate / count
    below += term
  }
  return count
}
