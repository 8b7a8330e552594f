import { randomBytes } from 'node:crypto'

import type { Answer, Call, Route } from '#sandbox/kernel.ts'
import { textOfHeader } from './call.ts'
import { refuse } from './errors.ts'
import type { Caller, Org } from './org.ts'
import { SoqlError } from './soql-ast.ts'
import { runQuery } from './soql-run.ts'
import type { Found } from './soql-run.ts'

/** Salesforce docs: query, queryAll; 2,000 rows a page unless the call asks for fewer. */
const PAGE = 2000
const LEAST_PAGE = 200

export function queryRoutes(org: Org): Route<Caller>[] {
  return ['query', 'queryAll'].flatMap((name) => {
    const path = `/services/data/{version}/${name}`
    return [
      { method: 'GET', path, target: (call) => firstPage(org, call, name === 'queryAll') },
      { method: 'GET', path: `${path}/{locator}`, target: (call) => nextPage(org, call) },
    ] satisfies Route<Caller>[]
  })
}

function firstPage(org: Org, call: Call, withDeleted: boolean): Answer {
  const found = asQuery(() => runQuery(org, call.query.get('q') ?? '', withDeleted))
  if (found.count !== null) {
    return { status: 200, body: { totalSize: found.count, done: true, records: [] } }
  }
  const pageSize = pageSizeOf(call)
  const cursor = `01g${randomBytes(9).toString('hex').slice(0, 15)}`
  if (found.rows.length > pageSize) keepCursor(org, cursor, { found, pageSize })
  return pageFrom(org, cursor, { found, pageSize }, 0)
}

/** The id of the cursor and the first row: `01g…-2000`. */
function nextPage(org: Org, call: Call): Answer {
  const [cursor = '', from = ''] = (call.params['locator'] ?? '').split('-')
  const open = org.cursors.get(cursor)
  if (!open || !/^\d+$/.test(from)) {
    throw refuse(400, 'INVALID_QUERY_LOCATOR', 'invalid query locator')
  }
  return pageFrom(org, cursor, open, Number(from))
}

function pageFrom(
  org: Org,
  cursor: string,
  { found, pageSize }: { found: Found; pageSize: number },
  from: number,
): Answer {
  const to = Math.min(from + pageSize, found.rows.length)
  const done = to >= found.rows.length
  const records = found.rows.slice(from, to).map((row) => found.render(row))
  return {
    status: 200,
    body: {
      totalSize: found.rows.length,
      done,
      ...(done ? {} : { nextRecordsUrl: `${org.basePath}/query/${cursor}-${to}` }),
      records,
    },
  }
}

/** The oldest cursors go when a user holds too many. */
function keepCursor(org: Org, id: string, cursor: { found: Found; pageSize: number }): void {
  org.cursors.set(id, cursor)
  for (const oldest of org.cursors.keys()) {
    if (org.cursors.size <= org.settings.maxOpenCursors) return
    org.cursors.delete(oldest)
  }
}

function pageSizeOf(call: Call): number {
  const asked = /batchSize\s*=\s*(\d+)/i.exec(textOfHeader(call, 'sforce-query-options'))?.[1]
  return asked === undefined ? PAGE : Math.min(PAGE, Math.max(LEAST_PAGE, Number(asked)))
}

/** A query that cannot be answered is a 400 with the code and the place. */
export function asQuery<T>(act: () => T): T {
  try {
    return act()
  } catch (error) {
    if (error instanceof SoqlError) throw refuse(400, error.code, error.message)
    throw error
  }
}
