/** Each decade from 0.1 ms to 100 s in 90 spans of equal length: two digits, so that 200 ms and 500 ms are edges. */
const PER_DECADE = 90
const DECADES = 6
const LEAST_US = 100

export const BUCKETS = PER_DECADE * DECADES

/** The span of time that holds a duration; shorter and longer ones go into the first and the last. */
export function bucketOf(durationMs: number): number {
  const us = Math.round(durationMs * 1000)
  let unitUs = LEAST_US / 10
  for (let decade = 0; decade < DECADES; decade += 1, unitUs *= 10) {
    if (us < unitUs * 100) return Math.max(0, decade * PER_DECADE + Math.floor(us / unitUs) - 10)
  }
  return BUCKETS - 1
}

/** Where the span ends, in milliseconds: all in it took less. */
export function endOfBucketMs(bucket: number): number {
  const decade = Math.floor(bucket / PER_DECADE)
  return (((bucket % PER_DECADE) + 11) * (LEAST_US / 10) * 10 ** decade) / 1000
}

/** Counts by span; sparse. */
export type Histogram = ReadonlyMap<number, number>

export function countOf(histogram: Histogram): number {
  let calls = 0
  for (const count of histogram.values()) calls += count
  return calls
}

/**
 * The least time within which a share of the calls was over, by nearest rank: the end of the span that holds it, so at most a tenth
 * above the exact value. Null without calls.
 * @param share  in (0, 1].
 */
export function percentileMs(histogram: Histogram, share: number): number | null {
  const rank = Math.ceil(share * countOf(histogram) - 1e-9)
  if (rank < 1) return null
  let seen = 0
  for (const bucket of [...histogram.keys()].sort((a, b) => a - b)) {
    seen += histogram.get(bucket)!
    if (seen >= rank) return endOfBucketMs(bucket)
  }
  return null
}

/** Calls that took a limit or longer; the limit is an edge. */
export function countSlow(histogram: Histogram, limitMs: number): number {
  let slow = 0
  for (const [bucket, count] of histogram) if (endOfBucketMs(bucket) > limitMs) slow += count
  return slow
}
