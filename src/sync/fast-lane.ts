import { z } from 'zod'
import { newId } from '#core/id.ts'
import { MINUTE_MS, SECOND_MS } from '#core/time.ts'
import { defineJob, type Job, type JobContext, type Subscriber } from '#jobs/job.ts'
import type { Engine } from './engine.ts'
import { gapOf } from './follow.ts'
import { readLane, withdrawRun, type Lane } from './lane.store.ts'
import { insertRun } from './run.store.ts'
import { performRun } from './run.ts'

const JOB = 'sync.change'
/** A connection that another run works on is looked at again after this: its end is told before it lets go. */
const TAKEN_MS = SECOND_MS

const Input = z.object({ workspaceId: z.string(), connectionId: z.string() })

/** Sees that what changed is sent at once. A burst is one job a connection: one runs, and one more waits at most. */
export async function wakeLanes(
  context: Pick<JobContext, 'enqueue'>,
  workspaceId: string,
  connectionIds: readonly string[],
): Promise<void> {
  for (const connectionId of connectionIds) {
    await context.enqueue(JOB, { workspaceId, connectionId }, { singletonKey: connectionId })
  }
}

/** One connection's changes. A vendor that hangs holds up its own connection and one of the places. */
export function changeJob(engineOf: (context: JobContext) => Engine): Job {
  return defineJob({
    name: JOB,
    input: Input,
    concurrency: 8,
    retryLimit: 0,
    timeoutMs: 30 * MINUTE_MS,
    async run(input, context) {
      const { workspaceId, connectionId } = Input.parse(input)
      const wait = await sendChanges(engineOf(context), workspaceId, connectionId, context)
      if (wait === null) return
      const startAfter = new Date(Date.now() + wait)
      const options = { singletonKey: connectionId, ...(wait > 0 ? { startAfter } : {}) }
      await context.enqueue(JOB, { workspaceId, connectionId }, options)
    },
  })
}

/**
 * What wakes a lane besides changes: the vendor told of some, a run that had the connection is over, a connection that
 * rested goes on.
 */
export const laneSubscriber: Subscriber = {
  name: 'sync.lane',
  events: ['sync.hook_received', 'sync.run_ended', 'connection.updated'],
  async handle(events, _tx, context) {
    const due = new Map<string, string>()
    for (const { event, subjectId, workspaceId, data } of events) {
      const isOwn = event === 'sync.run_ended' && data['cause'] === 'change'
      const connectionId = event === 'sync.run_ended' ? data['connectionId'] : subjectId
      if (!isOwn && typeof connectionId === 'string') due.set(connectionId, workspaceId)
    }
    for (const [connectionId, workspaceId] of due) {
      await wakeLanes(context, workspaceId, [connectionId])
    }
  },
}

/**
 * One run of cause 'change' when something is due and may go at once.
 * @returns in how many milliseconds to look again; null when an event will tell.
 */
async function sendChanges(
  engine: Engine,
  workspaceId: string,
  connectionId: string,
  context: JobContext,
): Promise<number | null> {
  const look = () =>
    engine.store.read(workspaceId, (tx) => readLane(tx, connectionId, engine.clock.now()))
  const lane = await look()
  if (!lane || !mayGo(engine, lane)) return null
  if (lane.queuedRunId !== null) {
    const runId = lane.queuedRunId
    await context.enqueue('sync.run', { workspaceId, runId }, { singletonKey: runId })
    return null // its end wakes the lane
  }
  if (lane.isTaken) return TAKEN_MS
  const runId = newId('run')
  const now = engine.clock.now()
  const run = { id: runId, workspaceId, connectionId, streams: lane.streams, dueAt: now }
  const isQueued = await engine.store.transaction(workspaceId, (tx) =>
    insertRun(tx, { ...run, cause: 'change', slots: 0, retries: 0 }, now),
  )
  if (!isQueued) return TAKEN_MS
  if ((await performRun(engine, workspaceId, runId, context.signal)) === 'busy') {
    await engine.store.transaction(workspaceId, (tx) => withdrawRun(tx, runId))
    return TAKEN_MS
  }
  // What came in while the run was ending; what it could not move is not tried again and again.
  const rest = await look()
  return rest && mayGo(engine, rest) && rest.mark !== lane.mark ? 0 : null
}

function mayGo(engine: Engine, lane: Lane): boolean {
  const share = engine.connectors.get(lane.vendor)?.changeCallsPerDay
  return (
    lane.streams.length > 0 && !lane.isResting && lane.hasCalls && gapOf(lane.calls, share) !== null
  )
}
