import { objectOf } from '#sandbox/json.ts'
import { parseBody } from '#sandbox/kernel.ts'
import type { Answer, Call, Route } from '#sandbox/kernel.ts'
import { requireScope, tableOf } from './account.ts'
import type { Account, AccountSettings, Caller } from './account.ts'
import { OBJECT_PATHS, contextOf } from './objects.routes.ts'
import { recordAt } from './records.ts'
import type { CrmRecord, RecordTable } from './records.ts'
import { renderRecord } from './render.ts'
import { readSearch } from './search.ts'
import type { Search } from './search.ts'

/** The results of the last searches, so that the next page need not look again. */
const KEPT_SEARCHES = 8

/** HubSpot docs: CRM search. */
export function searchRoutes(account: Account): Route<Caller>[] {
  const kept = new Map<string, CrmRecord[]>()
  return OBJECT_PATHS.map((base) => ({
    method: 'POST',
    path: `${base}/{type}/search`,
    target: (call, caller) => {
      const table = tableOf(account, call)
      requireScope(caller, table.type.readScope)
      return search(account, call, table, kept)
    },
  }))
}

function search(
  account: Account,
  call: Call,
  table: RecordTable,
  kept: Map<string, CrmRecord[]>,
): Answer {
  const body = objectOf(parseBody(call.text))
  const request = readSearch(account.state, table.type, body)
  const { searchLagMs, searchLagJitterMs } = account.settings
  const isLagging = searchLagMs > 0 || searchLagJitterMs > 0
  const criteria = [table.type.name, body['filterGroups'], body['sorts'], body['query']]
  const key = `${account.state.revision} ${JSON.stringify(criteria)}`
  const found =
    (isLagging ? undefined : kept.get(key)) ??
    findMatching(table, request, (record) => indexed(record, account.settings, account.clock.now()))
  if (!isLagging) keep(kept, key, found)
  const end = request.after + request.limit
  const view = { properties: request.properties, history: [], associations: [] }
  return {
    status: 200,
    body: {
      total: found.length,
      results: found
        .slice(request.after, end)
        .map((record) => renderRecord(contextOf(account), table, record, view)),
      ...(end < found.length ? { paging: { next: { after: String(end) } } } : {}),
    },
  }
}

/** HubSpot docs: archived objects do not appear in search results. */
function findMatching(
  table: RecordTable,
  request: Search,
  see: (record: CrmRecord) => CrmRecord | null,
): CrmRecord[] {
  const found: CrmRecord[] = []
  for (const record of table.all()) {
    const seen = see(record)
    if (seen && seen.archivedAtMs === 0 && request.matches(seen)) found.push(seen)
  }
  return request.compare ? found.sort(request.compare) : found
}

/**
 * The record as the search index has it. HubSpot docs: CRM search, "it may take a few moments for
 * newly created or updated objects to appear in search results". A write is indexed after the lag,
 * plus a jitter that depends on the record and the write.
 */
function indexed(record: CrmRecord, settings: AccountSettings, nowMs: number): CrmRecord | null {
  const { searchLagMs, searchLagJitterMs } = settings
  if (searchLagMs === 0 && searchLagJitterMs === 0) return record
  const mix = Math.imul(record.id % 0x7fffffff, 2654435761) ^ (record.updatedAtMs % 0x7fffffff)
  const jitterMs = ((mix >>> 0) / 2 ** 32) * searchLagJitterMs
  const horizonMs = nowMs - searchLagMs - jitterMs
  const isArchived = record.archivedAtMs !== 0 && record.archivedAtMs <= horizonMs
  if (isArchived) return null
  const seen = recordAt(record, horizonMs)
  return seen && seen.archivedAtMs !== 0 ? { ...seen, archivedAtMs: 0 } : seen
}

function keep(kept: Map<string, CrmRecord[]>, key: string, found: CrmRecord[]): void {
  kept.delete(key)
  kept.set(key, found)
  const oldest = kept.keys().next().value
  if (kept.size > KEPT_SEARCHES && oldest !== undefined) kept.delete(oldest)
}
