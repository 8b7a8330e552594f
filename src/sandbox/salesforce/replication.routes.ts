import type { Answer, Call, Route } from '#sandbox/kernel.ts'
import { objectIn } from './call.ts'
import { refuse } from './errors.ts'
import type { Caller, Org } from './org.ts'
import { readTime, restTime } from './times.ts'

/** Salesforce docs: get updated, get deleted; 30 days back, minutes, at most 600,000 ids. */
const WINDOW_MS = 30 * 86_400_000
const MINUTE_MS = 60_000
const MAX_IDS = 600_000

export function replicationRoutes(org: Org): Route<Caller>[] {
  const path = '/services/data/{version}/sobjects/{sObject}'
  return [
    { method: 'GET', path: `${path}/updated`, target: (call) => updated(org, call) },
    { method: 'GET', path: `${path}/deleted`, target: (call) => deleted(org, call) },
  ]
}

interface Span {
  fromMs: number
  toMs: number
  /** Up to here nothing can be committed any more: before the oldest running transaction. */
  coveredMs: number
}

function spanOf(org: Org, call: Call): Span {
  const nowMs = org.now()
  const fromMs = momentIn(call, 'start')
  const toMs = momentIn(call, 'end')
  if (fromMs < nowMs - WINDOW_MS) {
    const message = 'startDate before org replication enabled date / start too old'
    throw refuse(400, 'INVALID_REPLICATION_DATE', message)
  }
  if (toMs - fromMs < MINUTE_MS) {
    const message = 'endDate must be at least one minute greater than startDate'
    throw refuse(400, 'INVALID_REPLICATION_DATE', message)
  }
  const running = org.late.flatMap(({ changes }) =>
    changes.flatMap((change) => (change.do === 'put' ? change.record.stampMs : [])),
  )
  const coveredMs = Math.min(toMs, nowMs, ...running)
  return { fromMs, toMs, coveredMs: minute(coveredMs) }
}

function momentIn(call: Call, name: string): number {
  // A plus that was not encoded comes as a space.
  const ms = readTime((call.query.get(name) ?? '').replace(' ', '+'))
  if (ms === null) throw refuse(400, 'INVALID_REPLICATION_DATE', `${name} is not a date and time`)
  return minute(ms)
}

const minute = (ms: number) => Math.floor(ms / MINUTE_MS) * MINUTE_MS

function updated(org: Org, call: Call): Answer {
  const { name } = objectIn(org, call)
  const { fromMs, toMs, coveredMs } = spanOf(org, call)
  const ids: string[] = []
  for (const row of org.state.table(name).all()) {
    if (!row.isDeleted && row.modifiedAtMs >= fromMs && row.modifiedAtMs < toMs) ids.push(row.id)
  }
  if (ids.length > MAX_IDS) throw tooMany()
  return { status: 200, body: { ids, latestDateCovered: restTime(coveredMs) } }
}

function deleted(org: Org, call: Call): Answer {
  const { name } = objectIn(org, call)
  const { fromMs, toMs, coveredMs } = spanOf(org, call)
  const deletedRecords: { deletedDate: string; id: string }[] = []
  for (const row of org.state.table(name).all()) {
    if (!row.isDeleted || row.modifiedAtMs < fromMs || row.modifiedAtMs >= toMs) continue
    deletedRecords.push({ deletedDate: restTime(row.modifiedAtMs), id: row.id })
  }
  if (deletedRecords.length > MAX_IDS) throw tooMany()
  const earliestDateAvailable = restTime(minute(org.now() - WINDOW_MS))
  const latestDateCovered = restTime(coveredMs)
  return { status: 200, body: { deletedRecords, earliestDateAvailable, latestDateCovered } }
}

function tooMany() {
  return refuse(400, 'EXCEEDED_ID_LIMIT', 'exceeded max number of ids')
}
