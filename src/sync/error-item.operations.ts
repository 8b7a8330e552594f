import { cutPage, decodeCursor, Page } from '#core/page.ts'
import { defineOperation, type Operation } from '#gateway/operation.ts'
import { explain } from './error-catalogue.ts'
import {
  Affected,
  ErrorAssign,
  ErrorIgnore,
  ErrorItem,
  ErrorQuery,
  ErrorRetry,
} from './error-item.schema.ts'
import {
  assignErrors,
  ignoreErrors,
  listErrors,
  retryErrors,
  type ErrorRow,
} from './error-item.store.ts'

function viewOf({ direction: _direction, ...row }: ErrorRow): ErrorItem {
  const { title, whatToDo } = explain(row.code)
  return {
    ...row,
    title,
    whatToDo,
    connectionId: `con_${row.connectionId.slice(4)}`,
    lastRunId: `run_${row.lastRunId.slice(4)}`,
  }
}

const listSyncErrors = defineOperation({
  id: 'listSyncErrors',
  method: 'GET',
  path: '/api/v1/sync/errors',
  scope: 'sync:read',
  tag: 'Sync',
  summary: 'List what someone has to see to',
  description:
    'One item for each record that was refused or is in conflict, and one for each stream that cannot go on. An item is closed by the success of its record.',
  input: ErrorQuery,
  output: Page(ErrorItem),
  csv: [
    { title: 'Connection', field: 'connectionId' },
    { title: 'Stream', field: 'stream' },
    { title: 'Record', field: 'record' },
    { title: 'Their id', field: 'externalId' },
    { title: 'Cause', field: 'code' },
    { title: 'What it is', field: 'title' },
    { title: 'What to do', field: 'whatToDo' },
    { title: 'Detail', field: 'detail' },
    { title: 'Owner', field: 'owner' },
    { title: 'Times', field: 'occurrences', type: 'number' },
    { title: 'Since', field: 'firstAt' },
    { title: 'Last', field: 'lastAt' },
  ],
  async perform({ limit, cursor, ...filter }, { tx }) {
    const after = cursor === undefined ? null : decodeCursor(cursor, 3).map(String)
    const key = after ? ([after[0] ?? '', after[1] ?? '', after[2] ?? ''] as const) : null
    const rows = await listErrors(tx, filter, key, limit)
    const page = cutPage(rows, limit, (row) => [row.connectionId, row.stream, row.record])
    return { ...page, data: page.data.map(viewOf) }
  },
})

const retrySyncErrors = defineOperation({
  id: 'retrySyncErrors',
  method: 'POST',
  path: '/api/v1/sync/errors/retry',
  scope: 'sync:write',
  tag: 'Sync',
  summary: 'Try the records of a cause again',
  description: 'They go into the next run; start one to have it at once.',
  event: 'sync.errors_retried',
  subject: (_output, input) => input.connectionId,
  status: 200,
  input: ErrorRetry,
  output: Affected,
  perform: async (input, { tx, now }) => ({ items: await retryErrors(tx, input, now) }),
})

const ignoreSyncErrors = defineOperation({
  id: 'ignoreSyncErrors',
  method: 'POST',
  path: '/api/v1/sync/errors/ignore',
  scope: 'sync:write',
  tag: 'Sync',
  summary: 'Set the records of a cause aside, with a reason',
  event: 'sync.errors_ignored',
  subject: (_output, input) => input.connectionId,
  status: 200,
  input: ErrorIgnore,
  output: Affected,
  perform: async ({ reason, ...group }, { tx }) => ({
    items: await ignoreErrors(tx, group, reason),
  }),
})

const assignSyncErrors = defineOperation({
  id: 'assignSyncErrors',
  method: 'POST',
  path: '/api/v1/sync/errors/assign',
  scope: 'sync:write',
  tag: 'Sync',
  summary: 'Name who sees to the records of a cause',
  event: 'sync.errors_assigned',
  subject: (_output, input) => input.connectionId,
  status: 200,
  input: ErrorAssign,
  output: Affected,
  perform: async ({ owner, ...group }, { tx }) => ({
    items: await assignErrors(tx, group, owner),
  }),
})

export const errorItemOperations: readonly Operation[] = [
  listSyncErrors,
  retrySyncErrors,
  ignoreSyncErrors,
  assignSyncErrors,
]
