import { SECOND_MS } from '#core/time.ts'
import type { Stream } from './connector.ts'
import { commit, type Run } from './engine.ts'
import { noteLaneCalls, readLane } from './lane.store.ts'

/** Calls a day that changes may take of a vendor that names no number. */
const CALLS_PER_DAY = 50_000
/** A run goes on for as long as changes come, up to this: then others that wait for the connection have their turn. */
const LONGEST_MS = 30 * SECOND_MS
/** Changes that come within this are sent together; the slower pace makes the rest of a day's share last. */
const GAP_MS = 150
const SLOW_GAP_MS = 2 * SECOND_MS

/** How long changes are gathered, or null when the day's share of calls is used up and they wait for the schedule. */
export function gapOf(calls: number, share: number = CALLS_PER_DAY): number | null {
  if (calls >= share) return null
  return calls < share / 2 ? GAP_MS : SLOW_GAP_MS
}

/**
 * Sends what changed here and looks at what changed at the vendor, again and again while there is more, so that a burst is
 * one run. It ends when nothing moves any more, when another run waits, and when the vendor fails.
 * @param goThrough  does it once for these streams; answers their faults.
 * @param countCalls  the calls of the run up to now.
 */
export async function followChanges<Fault>(
  run: Run,
  goThrough: (streams: readonly Stream[]) => Promise<Fault[]>,
  countCalls: () => number,
): Promise<Fault[]> {
  const { engine, workspaceId, connectionId } = run
  const endMs = performance.now() + LONGEST_MS
  const share = engine.connectors.get(run.vendor)?.changeCallsPerDay
  let noted = countCalls()
  let mark = ''
  for (;;) {
    const lane = await engine.store.read(workspaceId, (tx) =>
      readLane(tx, connectionId, engine.clock.now()),
    )
    const gapMs = lane && gapOf(lane.calls, share)
    if (!lane || gapMs === null || lane.streams.length === 0 || lane.mark === mark) return []
    if (mark !== '' && lane.queuedRunId !== null) return []
    mark = lane.mark
    const streams = run.session.streams.filter((stream) => lane.streams.includes(stream.name))
    const faults = await goThrough(streams)
    const calls = countCalls() - noted
    noted += calls
    await commit(run, (tx) => noteLaneCalls(tx, connectionId, calls, engine.clock.now()))
    if (faults.length > 0 || performance.now() > endMs) return faults
    // A stop of the hub ends the run in order.
    await engine.wait(gapMs, run.signal).catch(() => null)
    if (run.signal.aborted) return []
  }
}
