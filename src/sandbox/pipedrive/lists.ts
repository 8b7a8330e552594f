import { isObject, numberOf, scalarText, textOf } from '#sandbox/json.ts'
import type { Json, JsonObject } from '#sandbox/json.ts'
import type { Answer, Call } from '#sandbox/kernel.ts'
import { canSee, listParameter } from './account.ts'
import type { Account, Caller } from './account.ts'
import { invalid } from './errors.ts'
import type { KindInfo } from './kinds.ts'
import { renderV2 } from './render.ts'
import type { View } from './render.ts'
import type { Row } from './state.ts'
import { second } from './tables.ts'
import { parseTime } from './values.ts'

const MAX_PAGE = 500
const MAX_IDS = 100
const MAX_CUSTOM_FIELDS = 15
const SORTS = { id: 'id', update_time: 'updatedAtMs', add_time: 'addedAtMs' } as const

interface Sort {
  field: keyof typeof SORTS
  isDescending: boolean
}

/** `limit` of 1 to 500, 100 unless given. */
export function limitOf(call: Call, maximum = MAX_PAGE): number {
  const limit = Number(call.query.get('limit') ?? '100')
  if (Number.isInteger(limit) && limit >= 1 && limit <= maximum) return limit
  throw invalid(`limit: must be from 1 to ${maximum}`)
}

/** What a v2 call wants to see. Pipedrive docs: at most 15 custom fields can be named. */
export function viewOf(call: Call): View {
  const customFields = listParameter(call, 'custom_fields')
  if (customFields.length > MAX_CUSTOM_FIELDS) throw invalid('custom_fields: at most 15 keys')
  return {
    customFields,
    hasOptionLabels: call.query.get('include_option_labels') === 'true',
    counts: listParameter(call, 'include_fields').filter((name) => name.endsWith('_count')),
  }
}

/** A v2 list: filters, a window of update times, an order, a page after an opaque cursor. */
export function listRows(
  account: Account,
  call: Call,
  caller: Caller,
  info: KindInfo,
  isWanted: (row: Row) => boolean,
): Answer {
  const view = viewOf(call)
  const limit = limitOf(call)
  const sort = sortOf(call)
  const window = windowOf(call)
  const filters = filtersOf(call, info)
  const ids = listParameter(call, 'ids')
  if (ids.length > MAX_IDS) throw invalid('ids: at most 100')
  const wantedIds = ids.length > 0 ? new Set(ids) : null
  const isShown = (row: Row) =>
    isWanted(row) &&
    window(row) &&
    (wantedIds === null || wantedIds.has(row.id)) &&
    filters.every(([name, value]) => scalarText(row.values[name]) === value) &&
    canSee(account, caller, row)
  const page: Row[] = []
  let next: Row | null = null
  for (const row of rowsFrom(account, info, sort, cursorOf(account, call, sort))) {
    if (!isShown(row)) continue
    if (page.length === limit) {
      next = row
      break
    }
    page.push(row)
  }
  return {
    status: 200,
    body: {
      success: true,
      data: page.map((row) => renderV2(account, info.kind, row, view)),
      additional_data: { next_cursor: next && cursorFor(account, sort, next) },
    },
  }
}

function sortOf(call: Call): Sort {
  const field = call.query.get('sort_by') ?? 'id'
  const direction = call.query.get('sort_direction') ?? 'asc'
  if (!(field in SORTS)) throw invalid('sort_by: must be one of id, update_time, add_time')
  if (direction !== 'asc' && direction !== 'desc') {
    throw invalid('sort_direction: must be asc or desc')
  }
  return { field: field as Sort['field'], isDescending: direction === 'desc' }
}

/** `updated_since` is within the window, `updated_until` is not; neither takes fractions of a second. */
function windowOf(call: Call): (row: Row) => boolean {
  const [since, until] = ['updated_since', 'updated_until'].map((name) => {
    const text = call.query.get(name)
    const ms = text === null ? null : parseTime(text)
    if (text !== null && ms === null) throw invalid(`${name}: Invalid datetime format`)
    return ms === null ? null : second(ms)
  })
  return ({ updatedAtMs }) =>
    second(updatedAtMs) >= (since ?? Number.NEGATIVE_INFINITY) &&
    second(updatedAtMs) < (until ?? Number.POSITIVE_INFINITY)
}

function filtersOf(call: Call, info: KindInfo): [string, string][] {
  return info.filters.flatMap((name): [string, string][] => {
    const value = call.query.get(name)
    return value === null ? [] : [[name, value]]
  })
}

/** The records in their order, from the cursor on. */
function* rowsFrom(
  account: Account,
  info: KindInfo,
  sort: Sort,
  from: { value: number; id: number } | null,
): Generator<Row> {
  const table = account.state.table(info.kind)
  const key = SORTS[sort.field]
  const rows = key === 'id' ? table.all() : table.byTime(key)
  const size = rows.length
  const start = from && key === 'id' && !sort.isDescending ? table.positionFrom(from.id) : 0
  for (let i = start; i < size; i += 1) {
    const row = rows[sort.isDescending ? size - 1 - i : i]
    if (row && (!from || isFrom(row, key, sort, from))) yield row
  }
}

function isFrom(
  row: Row,
  key: (typeof SORTS)[Sort['field']],
  sort: Sort,
  from: { value: number; id: number },
): boolean {
  const id = Number(row.id)
  const value = key === 'id' ? id : second(row[key])
  const order = value === from.value ? id - from.id : value - from.value
  return sort.isDescending ? order <= 0 : order >= 0
}

/** The cursor names the first record of the next page, as the vendor's do. */
function cursorFor(account: Account, sort: Sort, row: Row): string {
  const key = SORTS[sort.field]
  const fieldValue = key === 'id' ? Number(row.id) : second(row[key])
  const sortDirection = sort.isDescending ? 'desc' : 'asc'
  const givenAtMs = account.clock.now()
  const cursor = { field: sort.field, fieldValue, sortDirection, id: Number(row.id), givenAtMs }
  return Buffer.from(JSON.stringify(cursor)).toString('base64url')
}

function cursorOf(account: Account, call: Call, sort: Sort): { value: number; id: number } | null {
  const text = call.query.get('cursor')
  if (text === null || text === '') return null
  const given = readCursor(text)
  const givenAtMs = numberOf(given['givenAtMs']) ?? 0
  const life = account.settings.cursorLifeMs
  const isStale = life !== null && account.clock.now() - givenAtMs > life
  const isSame = textOf(given['field']) === sort.field
  const id = numberOf(given['id'])
  const value = numberOf(given['fieldValue'])
  if (id === undefined || value === undefined || !isSame || isStale) {
    throw invalid('cursor: Invalid cursor')
  }
  return { value, id }
}

function readCursor(text: string): JsonObject {
  try {
    const read = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as Json
    return isObject(read) ? read : {}
  } catch (error) {
    if (error instanceof SyntaxError) return {}
    throw error
  }
}

/** A page of rows that are few, such as stages and fields, by position. */
export function listFew(call: Call, rows: readonly JsonObject[]): Answer {
  const limit = limitOf(call)
  const start = Number(Buffer.from(call.query.get('cursor') ?? '', 'base64url').toString() || 0)
  if (!Number.isInteger(start) || start < 0) throw invalid('cursor: Invalid cursor')
  const end = start + limit
  const next = end < rows.length ? Buffer.from(String(end)).toString('base64url') : null
  return {
    status: 200,
    body: {
      success: true,
      data: rows.slice(start, end),
      additional_data: { next_cursor: next },
    },
  }
}

/** A page of a v1 list, by `start` and `limit`. */
export function listV1(call: Call, rows: readonly JsonObject[]): Answer {
  const start = Math.max(0, Number(call.query.get('start') ?? '0') || 0)
  const limit = Math.min(MAX_PAGE, Math.max(1, Number(call.query.get('limit') ?? '100') || 100))
  const hasMore = start + limit < rows.length
  return {
    status: 200,
    body: {
      success: true,
      data: rows.slice(start, start + limit),
      additional_data: {
        start,
        limit,
        more_items_in_collection: hasMore,
        ...(hasMore ? { next_start: start + limit } : {}),
      },
    },
  }
}
