import { sql } from 'kysely'
import { z } from 'zod'
import { Problem } from '#core/problem.ts'
import { DAY_MS } from '#core/time.ts'
import { defineOperation, type Operation } from '#gateway/operation.ts'
import type { Transaction } from '#store/store.ts'
import { readCallDay } from './call-budget.ts'
import { CallPlan } from './call-plan.schema.ts'
import { ConnectionId } from './connection.schema.ts'
import { findConnection, readSettings } from './connection.store.ts'
import type { Connector, Stream } from './connector.ts'
import type { Entity } from './entity.ts'
import { connectorOf, type Connectors } from './open-session.ts'

/** Calls of Salesforce's Bulk API a file: create, upload, close, one look, the results. */
const CALLS_A_FILE = 5
const COUNTED_AT_ONCE = 5000

/** What a stream's due records take, by the sizes of its calls. Pure. */
export function callsFor(
  stream: Pick<Stream, 'batchSize' | 'fetchSize' | 'bulk' | 'fetch' | 'costs'>,
  { newThere, changed }: { newThere: number; changed: number },
): { calls: number; checkCalls: number } {
  const { bulk } = stream
  const batchSize = stream.costs?.update.records ?? stream.batchSize
  const read = stream.fetchSize ?? stream.batchSize
  const isBulk = bulk !== undefined && newThere + changed >= bulk.atLeast
  const written = (count: number) =>
    isBulk ? Math.ceil(count / bulk.batchSize) * CALLS_A_FILE : Math.ceil(count / batchSize)
  return {
    // What is there is read before it is written.
    calls: written(newThere) + written(changed) + (stream.fetch ? Math.ceil(changed / read) : 0),
    checkCalls: stream.fetch ? Math.ceil((newThere + changed) / read) : 0,
  }
}

/** The calls that the next whole run will make, before it is let loose. No call is made for it. */
export function callPlanOperation(
  connectors: Connectors,
  entities: ReadonlyMap<string, Entity>,
): Operation {
  return defineOperation({
    id: 'getCallPlan',
    method: 'GET',
    path: '/api/v1/connections/{connectionId}/call-plan',
    scope: 'connections:read',
    tag: 'Connections',
    summary: 'How many calls the next run will take, and how many are left today',
    description:
      'Counted from what is due and the sizes of the calls of each stream; reading what changed there is in the base. Set ' +
      '`dailyCalls` on the connection to leave the rest of the vendor’s allowance to other tools: a run stops at it and goes on the next day.',
    input: z.object({ connectionId: ConnectionId }),
    output: CallPlan,
    async perform({ connectionId }, { tx, now }) {
      const connection = await findConnection(tx, connectionId)
      const settings = connection && (await readSettings(tx, connectionId))
      if (!connection || !settings)
        throw new Problem('resource.not_found', 'There is no connection with this id.')
      const connector = connectorOf(connectors, connection.vendor)
      const streams = await streamsOf(connector, connectionId, settings, now)
      const planned: z.output<typeof CallPlan>['nextRun']['streams'] = []
      for (const stream of streams) {
        const entity = entities.get(stream.entity)
        if (!stream.push || !entity) continue
        const due = await countDue(tx, connectionId, stream, entity)
        planned.push({ stream: stream.name, ...due, ...callsFor(stream, due) })
      }
      const quiet = await lastQuietRun(tx, connectionId)
      const base = quiet ?? 2 * streams.length + 3
      const sum = (field: 'calls' | 'checkCalls') =>
        planned.reduce((total, one) => total + one[field], 0)
      const calls = base + sum('calls')
      const today = await readCallDay(tx, connectionId, now)
      const { allowed } = today
      const left = allowed === null ? null : Math.max(0, allowed - today.taken)
      const over = left === null ? 0 : Math.max(0, calls + sum('checkCalls') - left)
      return {
        connectionId,
        today: { ...today, resetsAt: new Date((Math.floor(now.getTime() / DAY_MS) + 1) * DAY_MS) },
        nextRun: {
          base,
          baseFrom: quiet === null ? ('assumed' as const) : ('last_quiet_run' as const),
          streams: planned,
          calls,
          checkCalls: sum('checkCalls'),
          days: allowed === null ? null : 1 + Math.ceil(over / allowed),
        },
      }
    },
  })
}

/** The streams of a connection as its connector has them; no call is made. */
export async function streamsOf(
  connector: Connector,
  id: string,
  settings: Record<string, unknown>,
  now: Date,
): Promise<readonly Stream[]> {
  const session = connector.open({
    id,
    settings,
    clock: { now: () => now },
    onCall: () => undefined,
    saveSettings: async () => undefined,
    wait: async () => undefined,
  })
  await session.close()
  return session.streams
}

/** What is due of a stream; of one that was never seeded, everything that there is. */
async function countDue(
  tx: Transaction,
  connectionId: string,
  stream: Stream,
  entity: Entity,
): Promise<{ newThere: number; changed: number }> {
  const due = await tx.find(sql<{ newThere: number; changed: number; isSeeded: boolean }>`
    select count(*) filter (where l.local_id is null or l.deleted_at is not null)::int as new_there,
      count(*) filter (where l.local_id is not null and l.deleted_at is null)::int as changed,
      coalesce((select (s.seed ->> 'done')::boolean from sync_streams s
        where s.connection_id = ${connectionId} and s.name = ${stream.name}), false) as is_seeded
    from sync_pending p
    left join sync_links l on l.connection_id = p.connection_id and l.entity = p.entity and l.local_id = p.local_id
    where p.connection_id = ${connectionId} and p.entity = ${stream.entity} and p.held_code is null`)
  const { newThere = 0, changed = 0, isSeeded = false } = due ?? {}
  if (isSeeded || !entity.listIds) return { newThere, changed }
  let all = 0
  for (let after: string | null = null; ;) {
    const ids: string[] = await entity.listIds(tx, after, COUNTED_AT_ONCE)
    all += ids.length
    if (ids.length < COUNTED_AT_ONCE)
      return { newThere: Math.max(newThere, all - changed), changed }
    after = ids.at(-1) ?? null
  }
}

/** Calls of the last whole run that wrote nothing there; null: there was none. */
async function lastQuietRun(tx: Transaction, connectionId: string): Promise<number | null> {
  const row = await tx.find(sql<{ calls: number }>`
    select r.calls from sync_runs r
    where r.connection_id = ${connectionId} and r.state = 'succeeded' and r.cause not in ('change', 'plan', 'undo', 'backfill') and not exists (
      select from sync_outcomes o where o.run_id = r.id and o.direction = 'push' and o.outcome in ('created', 'updated', 'deleted'))
    order by r.ended_at desc limit 1`)
  return row?.calls ?? null
}
