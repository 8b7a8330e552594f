import { sql } from 'kysely'
import { SECOND_MS } from '#core/time.ts'
import type { Transaction } from '#store/store.ts'
import { findConnection, readSettings } from './connection.store.ts'
import { VendorFault, type FaultKind, type Session } from './connector.ts'
import { commit, type Engine, type Run } from './engine.ts'
import { releaseHooks, takeHooks } from './hook-lease.store.ts'
import { closeStreamError, openErrors, type OutcomePlace } from './outcome.store.ts'
import { openConnection, tellOfCall, waitsFor } from './run-connection.ts'

/** Where its item stands: real time is of no stream. */
const STREAM = 'webhooks'
/** What somebody has to see to; other faults hit the streams as well, which tell of them. */
const LASTING: readonly FaultKind[] = ['permission', 'mapping', 'record', 'conflict', 'gone']
/** Of one look, which ends before the right to it does: a process that dies in it holds up nobody for long. */
const LOOK_MS = 100 * SECOND_MS
const HELD_MS = LOOK_MS + 20 * SECOND_MS

/** What is looked after: the session is opened with the settings as they stand. */
interface Place {
  engine: Engine
  workspaceId: string
  connectionId: string
  vendor: string
  session: Session
  signal: AbortSignal
  /** Of the run that it is noted under. */
  runId: string
  commit<T>(work: (tx: Transaction) => Promise<T>): Promise<T>
}

/**
 * Sees that the vendor tells of changes. Where it does not let the hub do so, an item says what to do: the run goes on, since all
 * that is told is read by the schedule as well.
 */
export async function seeToHooks(run: Run): Promise<void> {
  await look({ ...run, runId: run.id, commit: (work) => commit(run, work) })
}

/** `taken`: somebody else is at it; `put_off`: the vendor did not answer, or asked for patience. */
type Look = 'done' | 'taken' | 'put_off'

/** The same at once, after somebody changed the connection. */
export async function seeToHooksNow(
  engine: Engine,
  workspaceId: string,
  connectionId: string,
  signal: AbortSignal,
): Promise<Look> {
  const found = await engine.store.read(workspaceId, async (tx) => {
    const connection = await findConnection(tx, connectionId)
    const settings = connection && (await readSettings(tx, connectionId))
    const runId = connection && (await findLastRun(tx, connectionId))
    return settings && runId && { connection, settings, runId }
  })
  // Before its first run nothing is there; without a sign-in nothing can be done. Both are made up for by a run.
  if (!found || found.connection.state === 'needs_login') return 'done'
  const { connection, settings, runId } = found
  const { vendor } = connection
  const connector = engine.connectors.get(vendor)
  if (!connector?.hooks?.ownAddress) return 'done'
  const opened = openConnection(engine, workspaceId, connectionId, settings, (call) =>
    tellOfCall(engine, workspaceId, vendor, call),
  )
  const session = connector.open(opened)
  try {
    const place = { engine, workspaceId, connectionId, vendor, session, signal, runId }
    if ((await waitsFor(place, { connector, settings }, [])) !== null) return 'done'
    return await look({
      ...place,
      commit: (work) => engine.store.transaction(workspaceId, work),
    })
  } finally {
    await session.close()
    await opened.budget.close()
  }
}

async function look(place: Place): Promise<Look> {
  const { engine, connectionId, vendor, session } = place
  if (!session.subscribe || !engine.hookAddress) return 'done'
  const isOurs = await place.commit((tx) => takeHooks(tx, connectionId, HELD_MS))
  if (!isOurs) return 'taken'
  const at: OutcomePlace = {
    runId: place.runId,
    connectionId,
    stream: STREAM,
    entity: STREAM,
    direction: 'pull',
  }
  const patience = AbortSignal.any([place.signal, AbortSignal.timeout(LOOK_MS)])
  try {
    await session.subscribe(engine.hookAddress(vendor, connectionId), patience)
    await place.commit((tx) => closeStreamError(tx, at))
    return 'done'
  } catch (error) {
    place.signal.throwIfAborted()
    if (patience.aborted) return 'put_off'
    if (!(error instanceof VendorFault)) throw error
    if (!LASTING.includes(error.kind)) return 'put_off'
    const ids = { record: '', localId: null, externalId: null }
    const item = { ...ids, code: 'hooks.not_made', detail: error.message }
    await place.commit((tx) => openErrors(tx, at, [item], engine.clock.now()))
    return 'done'
  } finally {
    await engine.store.transaction(place.workspaceId, (tx) => releaseHooks(tx, connectionId))
  }
}

/** The run that noted last what became of the connection; null before its first. */
async function findLastRun(tx: Transaction, connectionId: string): Promise<string | null> {
  const row = await tx.find(sql<{ id: string }>`
    select id from sync_runs where connection_id = ${connectionId} and started_at is not null order by id desc limit 1`)
  return row?.id ?? null
}
