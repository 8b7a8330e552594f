import { z } from 'zod'
import { MINUTE_MS } from '#core/time.ts'
import { defineOperation, type Operation } from '#gateway/operation.ts'
import type { Transaction } from '#store/store.ts'
import { ConnectionId } from './connection.schema.ts'
import { listConnections, type ConnectionRow } from './connection.store.ts'
import { explain } from './error-catalogue.ts'
import { Health } from './error-item.schema.ts'
import {
  countCallsToday,
  countErrors,
  countPending,
  listLastRuns,
  listStreamAges,
  type LastRun,
  type StreamAge,
} from './health.store.ts'

const MAX_CONNECTIONS = 200

const getHealth = defineOperation({
  id: 'getSyncHealth',
  method: 'GET',
  path: '/api/v1/sync/health',
  scope: 'sync:read',
  tag: 'Sync',
  summary: 'Show how each connection does',
  description:
    'Last and next run, how old its data is, what is still to be sent, and open errors by cause with what to do.',
  input: z.object({ connectionId: ConnectionId.optional() }),
  output: Health,
  async perform({ connectionId }, { tx, now }) {
    const all = await listConnections(tx, MAX_CONNECTIONS, '')
    const connections = all.filter((one) => connectionId === undefined || one.id === connectionId)
    return { data: await healthOf(tx, connections, now) }
  },
})

async function healthOf(
  tx: Transaction,
  connections: readonly ConnectionRow[],
  now: Date,
): Promise<z.output<typeof Health>['data']> {
  const runs = new Map((await listLastRuns(tx)).map((row) => [row.connectionId, row]))
  const streams = Map.groupBy(await listStreamAges(tx), (row) => row.connectionId)
  const pending = new Map((await countPending(tx)).map((row) => [row.connectionId, row]))
  const errors = Map.groupBy(await countErrors(tx), (row) => row.connectionId)
  const calls = new Map(
    (await countCallsToday(tx, now)).map((row) => [row.connectionId, row.calls]),
  )
  return connections.map((connection) => {
    const { id, name, vendor, state } = connection
    const ages = (streams.get(id) ?? []).map((stream) => ageOf(stream, now))
    const { connectionId: _id, ...due } = pending.get(id) ?? {
      connectionId: id,
      count: 0,
      held: 0,
      oldestAt: null,
    }
    return {
      connectionId: `con_${id.slice(4)}` as const,
      name,
      vendor,
      state,
      lastRun: lastRunOf(runs.get(id)),
      ...timesOf(streams.get(id) ?? []),
      isStale: ages.some((stream) => stream.isStale),
      streams: ages,
      pending: due,
      callsToday: calls.get(id) ?? 0,
      errors: (errors.get(id) ?? []).map(({ connectionId: _connectionId, ...group }) => ({
        ...group,
        ...explain(group.code),
      })),
    }
  })
}

function lastRunOf(run: LastRun | undefined) {
  if (!run) return null
  const { id, state, endedAt, calls } = run
  return { id: `run_${id.slice(4)}` as const, state, endedAt, calls }
}

/** A stream is stale when its last success is older than one and a half of its intervals; one that owes no data never is. */
function ageOf(stream: StreamAge, now: Date) {
  const { name, direction, paused, everyMinutes, nextRunAt, lastSuccessAt, since } = stream
  const minutes = (from: Date) => Math.floor((now.getTime() - from.getTime()) / MINUTE_MS)
  return {
    name,
    direction,
    paused,
    everyMinutes,
    nextRunAt,
    ageMinutes: lastSuccessAt && minutes(lastSuccessAt),
    isStale: owesData(stream) && minutes(lastSuccessAt ?? since) > everyMinutes * 1.5,
  }
}

const owesData = ({ paused, granted }: StreamAge) => !paused && granted

function timesOf(streams: readonly StreamAge[]) {
  const live = streams.filter(owesData)
  const nextMs = live.map((stream) => stream.nextRunAt.getTime())
  const lastMs = live.map((stream) => stream.lastSuccessAt?.getTime() ?? 0)
  const oldestMs = Math.min(...lastMs)
  return {
    nextRunAt: nextMs.length > 0 ? new Date(Math.min(...nextMs)) : null,
    lastSuccessAt: lastMs.length > 0 && oldestMs > 0 ? new Date(oldestMs) : null,
  }
}

export const healthOperations: readonly Operation[] = [getHealth]
