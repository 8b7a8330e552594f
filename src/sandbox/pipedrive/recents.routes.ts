import type { JsonObject } from '#sandbox/json.ts'
import type { Answer, Call, Route } from '#sandbox/kernel.ts'
import { canSee, listParameter, requireScope, vendorNow } from './account.ts'
import type { Account, Caller } from './account.ts'
import { invalidV1 } from './errors.ts'
import { KIND_INFO } from './kinds.ts'
import type { Kind } from './kinds.ts'
import { renderPersonV1 } from './render.ts'
import type { Row } from './state.ts'
import { second } from './tables.ts'
import { timeV1 } from './values.ts'

/** Pipedrive answers for the last month only. */
const MONTH_MS = 31 * 86_400_000
const RECENT_KINDS: readonly Kind[] = ['person', 'organization', 'deal', 'activity', 'product']
const MAX_PAGE = 500

/**
 * Pipedrive docs: API v1, recents. What changed after a time, deleted and merged records among it: they are not active.
 * A survivor of a merge names what it took in.
 */
export function recentRoutes(account: Account): Route<Caller>[] {
  return [
    {
      method: 'GET',
      path: '/v1/recents',
      target: (call, caller) => {
        requireScope(caller, 'recents:read')
        return recents(account, call, caller)
      },
    },
  ]
}

function recents(account: Account, call: Call, caller: Caller): Answer {
  const since = call.query.get('since_timestamp') ?? ''
  const sinceMs = Date.parse(`${since.replace(' ', 'T')}Z`)
  if (!/^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$/.test(since) || Number.isNaN(sinceMs)) {
    throw invalidV1('since_timestamp: is not valid')
  }
  const fromMs = Math.max(sinceMs, vendorNow(account) - MONTH_MS)
  const items = listParameter(call, 'items')
  const kinds = RECENT_KINDS.filter((kind) => items.length === 0 || items.includes(kind))
  const found = kinds.flatMap((kind) =>
    account.state
      .table(kind)
      .byTime('updatedAtMs')
      .filter((row) => second(row.updatedAtMs) > second(fromMs) && canSee(account, caller, row))
      .map((row) => ({ kind, row })),
  )
  const start = Number(call.query.get('start') ?? '0') || 0
  const limit = Math.min(MAX_PAGE, Number(call.query.get('limit') ?? '100') || 100)
  const page = found.slice(start, start + limit)
  const hasMore = start + limit < found.length
  return {
    status: 200,
    body: {
      success: true,
      data: page.map(({ kind, row }) => ({
        item: kind,
        id: Number(row.id),
        data: render(account, kind, row),
      })),
      additional_data: {
        since_timestamp: since,
        last_timestamp_on_page: timeV1(page.at(-1)?.row.updatedAtMs ?? fromMs),
        pagination: {
          start,
          limit,
          more_items_in_collection: hasMore,
          ...(hasMore ? { next_start: start + limit } : {}),
        },
      },
    },
  }
}

function render(account: Account, kind: Kind, row: Row): JsonObject {
  const isActive = row.deletedAtMs === 0
  const { titleField } = KIND_INFO[kind]
  const base = {
    id: Number(row.id),
    [titleField]: row.values[titleField] ?? '',
    add_time: timeV1(row.addedAtMs),
    update_time: timeV1(row.updatedAtMs),
  }
  if (kind === 'deal') return { ...base, active: isActive, deleted: !isActive }
  if (kind !== 'person') return { ...base, active_flag: isActive }
  const merge = row.mergedFrom === null ? {} : { merge_what_id: Number(row.mergedFrom) }
  return { ...renderPersonV1(account, row), ...merge }
}
