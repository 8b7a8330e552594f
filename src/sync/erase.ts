import { sql } from 'kysely'
import { z } from 'zod'
import { HOUR_MS, MINUTE_MS } from '#core/time.ts'
import { defineJob, type Job, type JobContext, type Subscriber, type Timer } from '#jobs/job.ts'
import { findConnection, readSettings } from './connection.store.ts'
import { VendorFault, type Session } from './connector.ts'
import type { Engine } from './engine.ts'
import { openConnection } from './run-connection.ts'

const JOB_NAME = 'sync.erase'
const PAGE = 100
/** Until the next try, by how many came before; the last goes on for ever. */
const RETRY_MS = [5 * MINUTE_MS, HOUR_MS, 6 * HOUR_MS, 24 * HOUR_MS]

/** What was erased here is to be erased there as well. */
export const eraseSubscriber: Subscriber = {
  name: JOB_NAME,
  events: ['privacy.person_erased'],
  async handle(events, tx, context) {
    const rows = await tx.query(sql<{ connectionId: string }>`
      select distinct connection_id from sync_erasures where state = 'waiting'`)
    for (const { connectionId } of rows) await askFor(events[0]!.workspaceId, connectionId, context)
  },
}

/** Takes up what a connected system did not answer to. */
export const eraseTimer: Timer = {
  name: JOB_NAME,
  everyMs: 5 * MINUTE_MS,
  async run(context) {
    const now = context.clock.now()
    const rows = await context.store.system((tx) =>
      tx.query(sql<{ workspaceId: string; connectionId: string }>`
        select distinct workspace_id, connection_id from sync_erasures
        where state = 'waiting' and next_attempt_at <= ${now} limit 1000`),
    )
    for (const row of rows) await askFor(row.workspaceId, row.connectionId, context)
  },
}

function askFor(workspaceId: string, connectionId: string, context: JobContext): Promise<void> {
  const input = { workspaceId, connectionId }
  return context.enqueue(JOB_NAME, input, { singletonKey: connectionId })
}

export function eraseJob(engineOf: (context: JobContext) => Engine): Job {
  return defineJob({
    name: JOB_NAME,
    input: z.object({ workspaceId: z.string(), connectionId: z.string() }),
    concurrency: 2,
    retryLimit: 0,
    timeoutMs: HOUR_MS,
    run: ({ workspaceId, connectionId }, context) =>
      eraseThere(engineOf(context), workspaceId, connectionId, context.signal),
  })
}

interface Erasure {
  entity: string
  externalId: string
  attempts: number
}

/** Erases what is due at one connection, one record after the other; each answer is kept as it comes. Erasing twice is harmless. */
export async function eraseThere(
  engine: Engine,
  workspaceId: string,
  connectionId: string,
  signal: AbortSignal,
): Promise<void> {
  const { store, clock } = engine
  const due = await store.read(workspaceId, (tx) =>
    tx.query(sql<Erasure>`
      select entity, external_id, attempts from sync_erasures
      where connection_id = ${connectionId} and state = 'waiting' and next_attempt_at <= ${clock.now()}
      order by entity, external_id limit ${PAGE}`),
  )
  const found = await store.read(workspaceId, async (tx) => {
    const connection = await findConnection(tx, connectionId)
    return connection && { connection, settings: await readSettings(tx, connectionId) }
  })
  const connector = found && engine.connectors.get(found.connection.vendor)
  if (due.length === 0 || !found?.settings || !connector) return
  const connection = openConnection(
    engine,
    workspaceId,
    connectionId,
    found.settings,
    () => undefined,
  )
  const session = connector.open(connection)
  try {
    for (const one of due) {
      signal.throwIfAborted()
      const answer = await ask(session.erase, one, signal)
      await store.transaction(workspaceId, (tx) =>
        tx.execute(sql`
          update sync_erasures set state = ${answer.state}, detail = ${answer.detail}, attempts = attempts + 1,
            next_attempt_at = ${new Date(clock.now().getTime() + retryMs(one.attempts))},
            done_at = case when ${answer.state} = 'done' then ${clock.now()}::timestamptz end
          where connection_id = ${connectionId} and entity = ${one.entity} and external_id = ${one.externalId}`),
      )
    }
  } finally {
    await session.close()
    await connection.budget.close()
  }
}

function retryMs(attempts: number): number {
  return RETRY_MS[Math.min(attempts, RETRY_MS.length - 1)]!
}

async function ask(
  erase: Session['erase'],
  { entity, externalId }: Erasure,
  signal: AbortSignal,
): Promise<{ state: 'waiting' | 'done' | 'by_hand'; detail: string | null }> {
  if (!erase)
    return { state: 'by_hand', detail: 'The hub cannot erase there: have it done by hand.' }
  try {
    return { state: 'done', detail: await erase(entity, externalId, signal) }
  } catch (error) {
    if (!(error instanceof VendorFault)) throw error
    if (error.kind === 'gone') return { state: 'done', detail: 'It was not there any more.' }
    return { state: 'waiting', detail: error.message }
  }
}
