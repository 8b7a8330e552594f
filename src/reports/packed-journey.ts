import type { JourneyColumns } from '#reports/model.rules.ts'

/** How many bytes a touch takes in a packed journey. */
export const TOUCH_BYTES = 8 + 4 + 2

/** A journey as bytes: n times, n sources, n people, each little-endian as this machine has them. */
export function packJourney(
  times: Float64Array,
  sources: Uint32Array,
  people: Uint16Array,
): Buffer {
  const parts = [times, sources, people].map((column) =>
    Buffer.from(column.buffer, column.byteOffset, column.byteLength),
  )
  return Buffer.concat(parts)
}

/**
 * Journeys as they were packed, one after the other.
 * @param channelOf  the channel number of each source.
 * @returns n + 1 positions, the touches as columns, and the number of the source of each. O(touches).
 */
export function unpackJourneys(
  journeys: readonly Buffer[],
  channelOf: Uint16Array,
): { offsets: Uint32Array; columns: JourneyColumns; source: Uint32Array } {
  const offsets = new Uint32Array(journeys.length + 1)
  journeys.forEach((bytes, i) => (offsets[i + 1] = offsets[i]! + bytes.length / TOUCH_BYTES))
  const total = offsets[journeys.length]!
  const touchedAtMs = new Float64Array(total)
  const source = new Uint32Array(total)
  const person = new Uint16Array(total)
  journeys.forEach((bytes, i) => {
    const from = offsets[i]!
    const n = offsets[i + 1]! - from
    copyInto(touchedAtMs, from, bytes.subarray(0, n * 8))
    copyInto(source, from, bytes.subarray(n * 8, n * 12))
    copyInto(person, from, bytes.subarray(n * 12))
  })
  const channel = new Uint16Array(total)
  for (let i = 0; i < total; i++) channel[i] = channelOf[source[i]!]!
  return { offsets, columns: { touchedAtMs, channel, person }, source }
}

/** Bytes of a database need not lie where a typed array may begin, so they are copied. */
function copyInto(
  column: Float64Array | Uint32Array | Uint16Array,
  at: number,
  bytes: Buffer,
): void {
  const { buffer, byteOffset, BYTES_PER_ELEMENT } = column
  new Uint8Array(buffer, byteOffset + at * BYTES_PER_ELEMENT, bytes.length).set(bytes)
}
