import { DAY_MS } from '#core/time.ts'
import type { Stream } from './connector.ts'
import type { StreamRules } from './field-rules.ts'

/** `in`: what the connected system has is taken in. `out`: what the hub has is written there. */
export type BackfillDirection = 'in' | 'out'

/** Calls a day that a connection may make that has no allowance and whose vendor names no number. */
const CALLS_PER_DAY = 50_000
/** Until a call was measured. */
const ASSUMED_CALL_MS = 500

/** The rules of one field alone: everything else of the record stays as it is. Null: the stream has no such field. */
export function onlyField(rules: StreamRules, field: string): StreamRules | null {
  const known = rules.fields.get(field)
  if (!known) return null
  const mappings = rules.mappings.filter((mapping) => mapping.field === field)
  return { fields: new Map([[field, known]]), mappings }
}

/** Why a field cannot be filled this way; null when it can. */
export function refusalOf(
  rules: StreamRules,
  field: string,
  direction: BackfillDirection,
): string | null {
  const known = rules.fields.get(field)
  if (!known || known.policy === 'off') return 'The field is not synced: map it first.'
  if (direction === 'in' && known.direction === 'push')
    return 'The field only goes out: nothing of it is taken in.'
  if (direction === 'out' && known.direction === 'pull')
    return 'The field only comes in: nothing of it is written there.'
  return null
}

/** The most calls a day that a backfill may take. */
export function callsADay(
  allowed: number | null,
  vendorCalls: number | undefined,
  sharePercent: number,
): number {
  return Math.max(1, Math.floor(((allowed ?? vendorCalls ?? CALLS_PER_DAY) * sharePercent) / 100))
}

interface CallsByEndpoint {
  endpoint: string
  calls: number
}

/** A page is as long as live sync may have to wait for its turn. */
const MOST_A_PAGE = 500

/** Records of a page: never more than one call reads. */
export function pageSizeOf(stream: Pick<Stream, 'batchSize' | 'fetchSize'>): number {
  return Math.min(MOST_A_PAGE, stream.fetchSize ?? stream.batchSize)
}

/**
 * The calls that a backfill makes, by endpoint. Records there are read before they are written; a page that has something to send
 * makes calls of its own, so that few records far apart take one each.
 */
export function callsOf(
  stream: Pick<Stream, 'batchSize' | 'fetchSize' | 'costs'>,
  direction: BackfillDirection,
  { records, toWrite }: { records: number; toWrite: number },
): CallsByEndpoint[] {
  const size = pageSizeOf(stream)
  const pages = Math.ceil(records / size)
  const read = stream.costs?.read ?? { endpoint: 'read', records: size }
  const write = stream.costs?.update ?? { endpoint: 'write', records: stream.batchSize }
  const callsFor = (due: number, perCall: number) => {
    const busyPages = Math.min(pages, due)
    return busyPages === 0 ? 0 : busyPages * Math.ceil(due / busyPages / perCall)
  }
  const toRead = direction === 'in' ? records : toWrite
  const reads = { endpoint: read.endpoint, calls: callsFor(toRead, read.records) }
  if (direction === 'in') return [reads]
  return [reads, { endpoint: write.endpoint, calls: callsFor(toWrite, write.records) }]
}

/**
 * When a backfill is through, if nothing else holds it up: at the measured pace, and with each day's share of calls.
 *
 * @param callMs  milliseconds a call took of late; null: not measured.
 * @param leftToday  calls of its share that are left today.
 * @returns the whole time in milliseconds, and the days on which it works; 1: today.
 */
export function durationOf(
  calls: number,
  callMs: number | null,
  perDay: number,
  leftToday: number,
  dayLeftMs: number,
): { durationMs: number; days: number } {
  const paceMs = callMs ?? ASSUMED_CALL_MS
  if (calls <= leftToday) return { durationMs: Math.ceil(calls * paceMs), days: 1 }
  const more = calls - leftToday
  const days = Math.ceil(more / perDay)
  const lastDay = more - (days - 1) * perDay
  const durationMs = dayLeftMs + (days - 1) * DAY_MS + Math.ceil(lastDay * paceMs)
  return { durationMs, days: days + 1 }
}

/** The calls that are left: at what the records so far took, or as was estimated; null where neither is known. */
export function remainingCalls(
  calls: number,
  plannedCalls: number | null,
  { done, total }: { done: number; total: number },
): number | null {
  const left = Math.max(0, total - done)
  if (done > 0 && calls > 0) return Math.ceil((calls / done) * left)
  return plannedCalls
}
