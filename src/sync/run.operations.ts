import { newId } from '#core/id.ts'
import { cutPage, decodeCursor, Page } from '#core/page.ts'
import { Problem } from '#core/problem.ts'
import { defineOperation, type Operation } from '#gateway/operation.ts'
import type { Transaction } from '#store/store.ts'
import { findConnection } from './connection.store.ts'
import { explain } from './error-catalogue.ts'
import {
  Journey,
  JourneyQuery,
  NewRun,
  RecordOutcome,
  RecordQuery,
  RunDetail,
  RunQuery,
  RunView,
} from './run.schema.ts'
import {
  listCauses,
  listOutcomes,
  listRuns,
  readJourney,
  type OutcomeRow,
} from './run-list.store.ts'
import { findQueuedRun, findRun, insertRun, type RunRow } from './run.store.ts'
import { listStreams } from './stream.store.ts'

const noRun = () => new Problem('resource.not_found', 'There is no run with this id.')

export function runViewOf(row: RunRow): RunView {
  const { faultStream, faultKind, faultDetail, checkCalls: _checkCalls, ...rest } = row
  const entry = faultKind && explain(`stream.${faultKind}`)
  return {
    ...rest,
    id: `run_${row.id.slice(4)}`,
    connectionId: `con_${row.connectionId.slice(4)}`,
    fault: entry
      ? {
          stream: faultStream,
          kind: faultKind,
          detail: faultDetail,
          title: entry.title,
          whatToDo: entry.whatToDo,
        }
      : null,
  }
}

const createRun = defineOperation({
  id: 'createSyncRun',
  method: 'POST',
  path: '/api/v1/connections/{connectionId}/runs',
  scope: 'sync:write',
  tag: 'Sync',
  summary: 'Run now',
  description:
    'Queues a run of all streams that are not paused, or of those named. While one waits already, that one is answered.',
  event: 'sync.run_requested',
  subject: (run) => run.id,
  location: (run) => `/api/v1/sync/runs/${run.id}`,
  status: 202,
  input: NewRun,
  output: RunView,
  async perform({ connectionId, streams, reconcile }, { tx, now }) {
    const chosen = await chooseStreams(tx, connectionId, streams)
    const waiting = await findQueuedRun(tx, connectionId)
    const id = waiting ?? newId('run')
    if (!waiting) {
      const { workspaceId } = tx
      const dueAt = now
      const run = { id, workspaceId, connectionId, streams: chosen, dueAt, reconcile }
      await insertRun(tx, { ...run, cause: 'manual', slots: 0, retries: 0 }, now)
    }
    const row = await findRun(tx, id)
    if (!row) {
      throw new Problem('sync.running', 'A run was started at this very moment: look at that one.')
    }
    return runViewOf(row)
  },
})

/** The streams of a run: those named, else all that are not paused. @throws Problem for unknown or paused ones. */
export async function chooseStreams(
  tx: Transaction,
  connectionId: string,
  wanted: readonly string[] | undefined,
): Promise<string[]> {
  const connection = await findConnection(tx, connectionId)
  if (!connection) {
    throw new Problem('resource.not_found', 'There is no connection with this id.')
  }
  if (connection.state === 'paused') {
    throw new Problem('sync.paused', 'The connection is paused: set it to active first.')
  }
  const streams = await listStreams(tx, connectionId)
  const unknown = wanted?.find((name) => !streams.some((stream) => stream.name === name))
  if (unknown !== undefined) {
    throw new Problem('request.invalid', `The connection has no stream ${unknown}.`, {
      errors: [
        {
          pointer: '/streams',
          detail: `There are ${streams.map((stream) => stream.name).join(', ')}.`,
        },
      ],
    })
  }
  const paused = streams.filter((stream) => stream.paused).map((stream) => stream.name)
  const blocked = wanted?.find((name) => paused.includes(name))
  if (blocked !== undefined) {
    throw new Problem('sync.paused', `The stream ${blocked} is paused: let it run first.`)
  }
  return wanted
    ? [...wanted]
    : streams.map((one) => one.name).filter((one) => !paused.includes(one))
}

const listSyncRuns = defineOperation({
  id: 'listSyncRuns',
  method: 'GET',
  path: '/api/v1/sync/runs',
  scope: 'sync:read',
  tag: 'Sync',
  summary: 'List runs, newest first',
  input: RunQuery,
  output: Page(RunView),
  csv: [
    { title: 'Run', field: 'id' },
    { title: 'Connection', field: 'connectionId' },
    { title: 'Cause', field: 'cause' },
    { title: 'State', field: 'state' },
    { title: 'Due', field: 'dueAt' },
    { title: 'Started', field: 'startedAt' },
    { title: 'Ended', field: 'endedAt' },
    { title: 'Calls', field: 'calls', type: 'number' },
    { title: 'Fault', field: 'fault.detail' },
  ],
  async perform({ limit, cursor, ...filter }, { tx }) {
    const before = cursor === undefined ? null : String(decodeCursor(cursor, 1)[0])
    const page = cutPage(await listRuns(tx, filter, before, limit), limit, (row) => [row.id])
    return { ...page, data: page.data.map(runViewOf) }
  },
})

const getSyncRun = defineOperation({
  id: 'getSyncRun',
  method: 'GET',
  path: '/api/v1/sync/runs/{runId}',
  scope: 'sync:read',
  tag: 'Sync',
  summary: 'Show a run: its records by outcome and by cause',
  input: RecordQuery.pick({ runId: true }),
  output: RunDetail,
  async perform({ runId }, { tx }) {
    const row = await findRun(tx, runId)
    if (!row) throw noRun()
    const causes = await listCauses(tx, runId)
    return {
      ...runViewOf(row),
      causes: causes.map((cause) => {
        const { title, whatToDo } = explain(cause.code)
        return { ...cause, title, whatToDo }
      }),
    }
  },
})

function recordOf({ record: _record, ...row }: OutcomeRow): RecordOutcome {
  return row
}

const listRunRecords = defineOperation({
  id: 'listSyncRunRecords',
  method: 'GET',
  path: '/api/v1/sync/runs/{runId}/records',
  scope: 'sync:read',
  tag: 'Sync',
  summary: 'List what became of each record of a run',
  input: RecordQuery,
  output: Page(RecordOutcome),
  csv: [
    { title: 'Stream', field: 'stream' },
    { title: 'Direction', field: 'direction' },
    { title: 'Entity', field: 'entity' },
    { title: 'Id', field: 'localId' },
    { title: 'Their id', field: 'externalId' },
    { title: 'Outcome', field: 'outcome' },
    { title: 'Cause', field: 'code' },
    { title: 'Detail', field: 'detail' },
    { title: 'At', field: 'at' },
  ],
  async perform({ limit, cursor, ...filter }, { tx }) {
    if (!(await findRun(tx, filter.runId))) throw noRun()
    const after = cursor === undefined ? null : decodeCursor(cursor, 2).map(String)
    const key = after ? ([after[0] ?? '', after[1] ?? ''] as const) : null
    const rows = await listOutcomes(tx, filter, key, limit)
    const page = cutPage(rows, limit, (row) => [row.stream, row.record])
    return { ...page, data: page.data.map(recordOf) }
  },
})

const getJourney = defineOperation({
  id: 'getRecordJourney',
  method: 'GET',
  path: '/api/v1/records/{entity}/{localId}/journey',
  scope: 'sync:read',
  tag: 'Sync',
  summary: 'Follow one record through all runs',
  description: 'Where it is linked, what is still to be sent, and its outcome in each run.',
  input: JourneyQuery,
  output: Journey,
  async perform({ entity, localId }, { tx }) {
    const { links, pending, outcomes } = await readJourney(tx, entity, localId)
    const connectionId = (id: string) => `con_${id.slice(4)}` as const
    return {
      links: links.map((row) => ({ ...row, connectionId: connectionId(row.connectionId) })),
      pending: pending.map((row) => ({ ...row, connectionId: connectionId(row.connectionId) })),
      outcomes: outcomes.map(({ record: _record, entity: _entity, localId: _localId, ...row }) => ({
        ...row,
        runId: `run_${row.runId.slice(4)}` as const,
        connectionId: connectionId(row.connectionId),
      })),
    }
  },
})

export const runOperations: readonly Operation[] = [
  createRun,
  listSyncRuns,
  getSyncRun,
  listRunRecords,
  getJourney,
]
