import { z } from 'zod'
import { MINUTE_MS, SECOND_MS } from '#core/time.ts'
import { defineJob, type Job, type JobContext, type Subscriber, type Timer } from '#jobs/job.ts'
import { recordOwnWork } from '#jobs/own-work.ts'
import { VendorFault } from './connector.ts'
import { isFinal, isOver, pauseMs } from './disconnection.rules.ts'
import {
  deleteDisconnection,
  keepDisconnectionSettings,
  leaveToPeople,
  listDueDisconnections,
  putOffDisconnection,
  takeDisconnection,
  type TakenDisconnection,
} from './disconnection.store.ts'
import type { Engine } from './engine.ts'
import { tellOfCall } from './run-connection.ts'

const JOB = 'sync.disconnect'
const MOST = 1000
/** Of a try; the next one begins later in any case. */
const TRY_MS = 100 * SECOND_MS

const Input = z.object({ workspaceId: z.string(), connectionId: z.string() })

/** What the hub made at a connected system goes as soon as the connection is gone here. */
export const disconnectSubscriber: Subscriber = {
  name: JOB,
  events: ['connection.deleted'],
  async handle(events, _tx, context) {
    for (const { workspaceId, subjectId } of events) await askFor(workspaceId, subjectId, context)
  },
}

/** Takes up what a connected system did not answer to, and what a process died in. */
export const disconnectTimer: Timer = {
  name: JOB,
  everyMs: MINUTE_MS,
  async run(context) {
    const now = context.clock.now()
    const due = await context.store.system((tx) => listDueDisconnections(tx, now, MOST))
    for (const { workspaceId, connectionId } of due)
      await askFor(workspaceId, connectionId, context)
  },
}

function askFor(workspaceId: string, connectionId: string, context: JobContext): Promise<void> {
  return context.enqueue(JOB, { workspaceId, connectionId }, { singletonKey: connectionId })
}

export function disconnectJob(engineOf: (context: JobContext) => Engine): Job {
  return defineJob({
    name: JOB,
    input: Input,
    concurrency: 2,
    retryLimit: 0,
    timeoutMs: TRY_MS + 10 * SECOND_MS,
    async run(input, context) {
      const { workspaceId, connectionId } = Input.parse(input)
      await disconnect(engineOf(context), workspaceId, connectionId, context.signal)
    },
  })
}

/** One try to take away what the hub made there, if one is due. What is gone already is no reason to fail, so a try may be repeated. */
async function disconnect(
  engine: Engine,
  workspaceId: string,
  connectionId: string,
  signal: AbortSignal,
): Promise<void> {
  const { store, clock } = engine
  const taken = await store.transaction(workspaceId, (tx) =>
    takeDisconnection(tx, connectionId, clock.now()),
  )
  if (!taken) return
  const fault = await takeAway(engine, workspaceId, taken, signal).catch((error: unknown) => {
    // Nothing waits for ever: after its time, also what the hub itself fails at is left to people.
    if (signal.aborted || !isOver(taken.deletedAt, clock.now())) throw error
    return new VendorFault('transient', 'The hub failed at it.', { cause: error })
  })
  const now = clock.now()
  await store.transaction(workspaceId, async (tx) => {
    const tell = (event: string, detail: Record<string, unknown>) => {
      const audits = [{ action: event, subjectId: connectionId, detail }]
      return recordOwnWork(tx, { events: [{ event, subjectId: connectionId }], audits }, now)
    }
    const { vendor, address, attempts, deletedAt } = taken
    if (fault === null) {
      const isNews = await deleteDisconnection(tx, connectionId)
      if (isNews) await tell('connection.webhooks_removed', { vendor, address, attempts })
    } else if (isFinal(fault.kind) || isOver(deletedAt, now)) {
      const isNews = await leaveToPeople(tx, connectionId, fault.message)
      if (isNews)
        await tell('connection.webhooks_left', { vendor, address, attempts, fault: fault.kind })
    } else {
      const nextAttemptAt = new Date(now.getTime() + pauseMs(attempts, fault.retryAfterMs))
      await putOffDisconnection(tx, connectionId, fault.message, nextAttemptAt)
    }
  })
}

/** @returns null once nothing of ours is left there. */
async function takeAway(
  engine: Engine,
  workspaceId: string,
  { connectionId: id, vendor, settings }: TakenDisconnection,
  signal: AbortSignal,
): Promise<VendorFault | null> {
  const connector = engine.connectors.get(vendor)
  if (!connector)
    return new VendorFault('gone', `This hub has no connector for ${vendor} any more.`)
  const patience = AbortSignal.any([signal, AbortSignal.timeout(TRY_MS)])
  try {
    // Its allowance of calls went with the connection: these few are made in any case.
    const session = connector.open({
      id,
      settings,
      clock: engine.clock,
      onCall: (call) => tellOfCall(engine, workspaceId, vendor, call),
      saveSettings: (changes) =>
        engine.store.transaction(workspaceId, async (tx) => {
          await keepDisconnectionSettings(tx, id, changes)
        }),
      wait: (durationMs, abort) => engine.wait(durationMs, abort),
      ...(engine.callTimeoutMs === undefined ? {} : { timeoutMs: engine.callTimeoutMs }),
    })
    try {
      await session.subscribe?.(null, patience)
    } finally {
      await session.close()
    }
    return null
  } catch (error) {
    if (error instanceof VendorFault) return error
    if (signal.aborted || !patience.aborted) throw error
    return new VendorFault('transient', 'It took longer than a try may.', { cause: error })
  }
}
