import { VendorFault, type FaultKind } from './connector.ts'
import { commit, type Run } from './engine.ts'
import { closeStreamError, openErrors, type OutcomePlace } from './outcome.store.ts'

/** Where its item stands: real time is of no stream. */
const STREAM = 'webhooks'
/** What somebody has to see to; other faults hit the streams as well, which tell of them. */
const LASTING: readonly FaultKind[] = ['permission', 'mapping', 'record', 'conflict', 'gone']

/**
 * Sees that the vendor tells of changes. Where it does not let the hub do so, an item says what to do: the run goes on, since all
 * that is told is read by the schedule as well.
 */
export async function seeToHooks(run: Run): Promise<void> {
  const { session, engine, connectionId } = run
  if (!session.subscribe || !engine.hookAddress) return
  const address = engine.hookAddress(run.vendor, connectionId)
  const place: OutcomePlace = {
    runId: run.id,
    connectionId,
    stream: STREAM,
    entity: STREAM,
    direction: 'pull',
  }
  try {
    await session.subscribe(address, run.signal)
    await commit(run, (tx) => closeStreamError(tx, place))
  } catch (error) {
    run.signal.throwIfAborted()
    if (!(error instanceof VendorFault)) throw error
    if (!LASTING.includes(error.kind)) return
    const ids = { record: '', localId: null, externalId: null }
    const item = { ...ids, code: 'hooks.not_made', detail: error.message }
    await commit(run, (tx) => openErrors(tx, place, [item], engine.clock.now()))
  }
}
