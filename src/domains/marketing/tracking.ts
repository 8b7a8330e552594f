import { newId } from '#core/id.ts'
import type { OperationContext } from '#gateway/operation.ts'
import type { Capture } from '#people/capture.ts'
import { captureAll } from '#people/capture.store.ts'
import { isDeeperThan, readEvent, trackingSource, type Arrival } from './tracking.rules.ts'
import { findKnownUserIds, insertQuarantined } from './tracking.store.ts'

/** How many events were put to use, and how many were set aside. */
export interface Tracked {
  captured: number
  quarantined: number
}

/** Captures the usable events of a delivery and sets the others aside with the reason: none is lost. */
export async function trackEvents(
  events: readonly unknown[],
  arrival: Arrival,
  context: OperationContext,
): Promise<Tracked> {
  const { tx, now, principal } = context
  const read = events.map((event) => readEvent(event, arrival))
  const usable = read.filter((event) => event.kind === 'capture')
  const previousIds = usable.flatMap(({ previousId }) => previousId ?? [])
  const known = previousIds.length === 0 ? new Set() : await findKnownUserIds(tx, previousIds)
  const captures = usable.map(({ capture, previousId }): Capture => {
    if (previousId === undefined || !known.has(previousId)) return capture
    // An alias between two accounts: both are named, so that the pair is filed for a decision.
    const others = capture.identities.filter(({ value }) => value !== previousId)
    return { ...capture, identities: [...others, { kind: 'user_id', value: previousId }] }
  })
  const told = await captureAll(tx, captures, now)
  for (const event of told.events) context.emit(event)
  const setAside = read.flatMap((event, i) =>
    event.kind === 'quarantine'
      ? [
          {
            id: newId('evt'),
            source: trackingSource,
            reason: event.reason,
            payload: keptPayload(events[i]),
          },
        ]
      : [],
  )
  if (setAside.length > 0) await insertQuarantined(tx, setAside, now)
  const tracked = { captured: captures.length, quarantined: setAside.length }
  context.audit({ action: 'trackEvents', subjectId: principal.id, detail: { ...tracked } })
  return tracked
}

const maxKeptLength = 40_000

/** The event as it came, as long as it can be written down at all; a huge one is cut. */
function keptPayload(event: unknown): unknown {
  if (isDeeperThan(event, 500)) return null
  const text = JSON.stringify(event)
  return text.length <= maxKeptLength ? event : { cut: text.slice(0, maxKeptLength) }
}
