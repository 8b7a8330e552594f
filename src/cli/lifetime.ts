import { SECOND_MS } from '#core/time.ts'

const DRAIN_MS = 20 * SECOND_MS

/**
 * Waits for SIGTERM or SIGINT, then stops in order: no new requests, those under way end, jobs are handed back, the database
 * closes. A second signal, or 20 seconds, ends the wait.
 */
export async function untilStopped(stop: () => Promise<void>): Promise<void> {
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve())
  })
  const force = () => process.exit(1)
  process.once('SIGTERM', force)
  process.once('SIGINT', force)
  const timer = setTimeout(() => {
    process.stderr.write('throughline: still busy after 20 s, stopping anyway\n')
    process.exit(1)
  }, DRAIN_MS)
  timer.unref()
  await stop()
  process.exit(0)
}
