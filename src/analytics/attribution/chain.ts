import { NO_CHANNEL } from './journeys.ts'
import type { Journeys } from './journeys.ts'
import { createKeyIndex, createKeySums } from './key-index.ts'
import type { KeyIndex } from './key-index.ts'

/**
 * A Markov chain of order k, estimated from journeys, as columns over S states and E transitions that were seen. All arrays may lie in
 * shared memory.
 *
 * A state is the last k channels; a journey of fewer touches is one state. Identical consecutive states are one visit.
 */
export interface Chain {
  order: number
  channelCount: number
  /** S counts of journeys that begin in the state. */
  start: Float64Array
  /** S counts of visits; by conservation of flow they are also the expected visits of the chain with nothing removed. */
  visits: Float64Array
  /** S probabilities that a visit ends in a conversion. */
  converts: Float64Array
  /** S expected values of that end: probability × mean value of the state's conversions. */
  worth: Float64Array
  /** S × k channels of the state, filled up with `NO_CHANNEL`. */
  members: Uint16Array
  /** S + 1 positions: state i is entered by the transitions from `entries[i]` up to `entries[i + 1]`. */
  entries: Uint32Array
  /** E states that the transition leaves. */
  source: Uint32Array
  /** E probabilities of the transition, given its source. */
  probability: Float64Array
  /** Of journeys with a touch. */
  conversions: number
  value: number
}

/** Counts as they come out of the journeys, before they are arranged. */
interface Counts {
  states: KeyIndex
  /** By state: journeys that begin or end in it. */
  start: Float64Array
  conversions: Float64Array
  value: Float64Array
  /** Transitions, by source key × (channels + 1) + the channel that comes next + 1. */
  edgeKeys: Float64Array
  edges: Float64Array
}

/**
 * Estimates the chain.
 *
 * @param order  k, 1 or more.
 * @param isShared  puts the columns into shared memory, for worker threads.
 * @throws RangeError when the order is not a whole number above 0 or (channels + 1)^(k + 1) is beyond 2^53.
 * @see Anderl, Becker, von Wangenheim & Schumann, "Mapping the customer journey", IJRM 33 (2016), §3; the conventions are those of the
 *   R package ChannelAttribution.
 * O(touches + S + E) time; about 40 bytes a state and 20 a transition, and a table of up to 64 MiB to number them.
 */
export function estimateChain(journeys: Journeys, order: number, isShared = false): Chain {
  if (!Number.isInteger(order) || order < 1)
    throw new RangeError(`An order is a whole number above 0, not ${order}.`)
  const base = journeys.channels.length + 1
  const counts = countTransitions(journeys, order)
  return arrange(counts, order, base, isShared)
}

function countTransitions(journeys: Journeys, order: number): Counts {
  const { offsets, channel, conversions, value, nulls } = journeys
  const base = journeys.channels.length + 1
  const span = base ** order
  const edges = createKeySums(span * base)
  const states = createKeyIndex(span)
  let start = new Float64Array(1024)
  let converted = new Float64Array(1024)
  let worth = new Float64Array(1024)
  for (let i = 0; i < conversions.length; i++) {
    const weight = conversions[i]! + nulls[i]!
    const from = offsets[i]!
    const to = offsets[i + 1]!
    if (weight === 0 || from === to) continue
    const first = Math.min(from + order, to)
    let key = 0
    for (let t = from; t < first; t++) key = key * base + channel[t]! + 1
    const begun = states.slotOf(key)
    for (let t = first; t < to; t++) {
      const edgeKey = key * base + channel[t]! + 1
      const next = edgeKey - (channel[t - order]! + 1) * span
      if (next !== key) edges.add(edgeKey, weight)
      key = next
    }
    const ended = states.slotOf(key)
    start = atLeast(start, states.size)
    converted = atLeast(converted, states.size)
    worth = atLeast(worth, states.size)
    start[begun]! += weight
    converted[ended]! += conversions[i]!
    worth[ended]! += value[i]!
  }
  const { keys, sums } = edges.entries()
  return { states, start, conversions: converted, value: worth, edgeKeys: keys, edges: sums }
}

/** From counts to probabilities, and transitions sorted by the state they enter (a counting sort). */
function arrange(counts: Counts, order: number, base: number, isShared: boolean): Chain {
  const { states, edgeKeys, edges } = counts
  const edgeCount = edgeKeys.length
  const span = base ** order
  const target = new Uint32Array(edgeCount)
  for (let e = 0; e < edgeCount; e++) target[e] = states.slotOf(edgeKeys[e]! % span)
  const stateCount = states.size
  const { place, keys } = byKey(states.keys())
  const visits = column(counts.start, place, isShared)
  const entries = new Uint32Array(memory(4 * (stateCount + 1), isShared))
  for (let e = 0; e < edgeCount; e++) {
    target[e] = place[target[e]!]!
    visits[target[e]!]! += edges[e]!
    entries[target[e]! + 1]! += 1
  }
  for (let s = 0; s < stateCount; s++) entries[s + 1]! += entries[s]!
  const source = new Uint32Array(memory(4 * edgeCount, isShared))
  const probability = new Float64Array(memory(8 * edgeCount, isShared))
  const next = entries.slice(0, stateCount)
  for (let e = 0; e < edgeCount; e++) {
    const at = next[target[e]!]!++
    source[at] = place[states.slotOf(Math.floor(edgeKeys[e]! / base))]!
    probability[at] = edges[e]! / visits[source[at]]!
  }
  const converts = column(counts.conversions, place, isShared)
  const worth = column(counts.value, place, isShared)
  const conversions = converts.reduce((sum, count) => sum + count, 0)
  const value = worth.reduce((sum, amount) => sum + amount, 0)
  for (let s = 0; s < stateCount; s++) {
    converts[s]! /= visits[s]!
    worth[s]! /= visits[s]!
  }
  return {
    order,
    channelCount: base - 1,
    start: column(counts.start, place, isShared),
    visits,
    converts,
    worth,
    members: membersOf(keys, order, base, isShared),
    entries,
    source,
    probability,
    conversions,
    value,
  }
}

/** The channels of each state, out of its key. A channel that stands twice is named once. */
function membersOf(
  keys: Float64Array,
  order: number,
  base: number,
  isShared: boolean,
): Uint16Array {
  const members = new Uint16Array(memory(2 * keys.length * order, isShared)).fill(NO_CHANNEL)
  for (let s = 0; s < keys.length; s++) {
    let key = keys[s]!
    for (let m = 0; m < order && key > 0; m++) {
      members[s * order + m] = (key % base) - 1
      key = Math.floor(key / base)
    }
  }
  return members
}

/**
 * States in the order of their keys: those that differ in their newest channel alone stand side by side, are entered from the same states,
 * and so find these in the cache.
 */
function byKey(keys: Float64Array): { place: Uint32Array; keys: Float64Array } {
  const sorted = Float64Array.from(keys).sort()
  const places = createKeyIndex((sorted.at(-1) ?? 0) + 1)
  for (const key of sorted) places.slotOf(key)
  return { place: Uint32Array.from(keys, (key) => places.slotOf(key)), keys: sorted }
}

function column(values: Float64Array, place: Uint32Array, isShared: boolean): Float64Array {
  const arranged = new Float64Array(memory(8 * place.length, isShared))
  for (let s = 0; s < place.length; s++) arranged[place[s]!] = values[s] ?? 0
  return arranged
}

function memory(bytes: number, isShared: boolean): ArrayBufferLike {
  return isShared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes)
}

function atLeast(values: Float64Array<ArrayBuffer>, length: number): Float64Array<ArrayBuffer> {
  if (values.length >= length) return values
  const longer = new Float64Array(Math.max(length, values.length * 2))
  longer.set(values)
  return longer
}
