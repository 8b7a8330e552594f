import type { EventDraft } from '#jobs/job.ts'
import type { Capture, Captured, CapturedAll, Personal } from '#people/capture.ts'
import { editLayers } from '#people/layer.store.ts'
import { updatePeople } from '#people/person.store.ts'
import { isSamePersonal, mergePersonal } from '#people/personal.rules.ts'
import { fileCaptureConflicts, personalOf, placePeople, type Placed } from '#people/place-people.ts'
import { recordConsents } from '#people/record-consents.ts'
import { recordTouches, type RecordedTouch } from '#people/record-touches.ts'
import type { Transaction } from '#store/store.ts'

/**
 * Takes in what came about people: finds or makes the person of each capture, and writes
 * attributes, consents and touches. Captures of one call see each other, in order; so do
 * transactions that run at once, which wait for one another on the people they share.
 *
 * @param captures  at most 2500, each with at least one identity that is not empty.
 * @returns one outcome for each capture, and the events to commit with them: `person.created`,
 *   `person.merged`, `touchpoint.recorded`, `consent.changed`.
 * @throws Problem `service.unavailable` when the people kept changing under ten attempts.
 *
 * Three to ten statements, whatever the number of captures.
 */
export async function captureAll(
  tx: Transaction,
  captures: readonly Capture[],
  now: Date,
): Promise<CapturedAll> {
  if (captures.length === 0) return { outcomes: [], events: [] }
  const placed = await placePeople(tx, captures, now)
  const { personIds } = placed.resolution
  const conflictIds = await fileCaptureConflicts(tx, placed.resolution, now)
  const { homes } = placed
  const touches = await recordTouches(tx, captures, personIds, homes, now)
  await savePersonal(tx, captures, placed, touches, now)
  const { movedConsents } = placed
  const consentEvents = await recordConsents(tx, captures, personIds, now, movedConsents, homes)
  const isFirst = new Set(placed.resolution.newPeople.map((person) => person.firstCapture))
  const outcomes = personIds.map((personId, i): Captured => {
    const touch = touches[i] ?? null
    const conflictId = conflictIds.get(i)
    return {
      kind: 'captured',
      personId,
      homeId: homes[i] ?? null,
      isNewPerson: isFirst.has(i),
      touchpointId: touch?.id ?? null,
      isNewTouch: touch?.isNew ?? false,
      channel: touch?.channel ?? 'unknown',
      campaignId: touch?.campaignId ?? null,
      ...(conflictId === undefined ? {} : { conflictId }),
    }
  })
  const events = [
    ...personEvents(placed),
    ...outcomes.flatMap((outcome, i) => touchEvents(outcome, captures[i]!)),
    ...consentEvents,
  ]
  return { outcomes, events }
}

/** Brings the attributes of known people up to date; a redelivered message has nothing new to say. */
async function savePersonal(
  tx: Transaction,
  captures: readonly Capture[],
  placed: Placed,
  touches: readonly (RecordedTouch | null)[],
  now: Date,
): Promise<void> {
  const { resolution, heldPersonal, refilled } = placed
  const created = new Set(resolution.newPeople.map((person) => person.id))
  const becameIdentified = new Set(resolution.identified)
  const grown = new Set(resolution.grown)
  const merged = new Map<string, Personal>()
  const edits = [...placed.fills]
  captures.forEach((capture, i) => {
    const personId = resolution.personIds[i]!
    if (created.has(personId)) return
    const held = merged.get(personId) ?? heldPersonal.get(personId) ?? {}
    const isRepeat = touches[i]?.isNew === false
    if (isRepeat) return void merged.set(personId, held)
    const brought = personalOf(capture)
    merged.set(personId, mergePersonal(held, brought))
    if (placed.layered.has(personId)) {
      const change = (values: Personal) => mergePersonal(values, brought)
      edits.push({ personId, homeId: placed.homes[i] ?? personId, change })
    }
  })
  const changes = [...merged]
    .filter(
      ([id, personal]) =>
        grown.has(id) || refilled.has(id) || !isSamePersonal(personal, heldPersonal.get(id) ?? {}),
    )
    .map(([id, personal]) => ({ id, identified: becameIdentified.has(id), personal }))
  if (changes.length > 0) await updatePeople(tx, changes, now)
  await editLayers(tx, edits)
}

function personEvents({ resolution, merges }: Placed): EventDraft[] {
  return [
    ...resolution.newPeople.map(({ id }) => ({ event: 'person.created', subjectId: id })),
    ...merges.map(({ from, into, home }) => ({
      event: 'person.merged',
      subjectId: from,
      data: home === null ? { into } : { into, home },
    })),
  ]
}

function touchEvents(outcome: Captured, capture: Capture): EventDraft[] {
  if (!outcome.isNewTouch || outcome.touchpointId === null || capture.touch === null) return []
  const { personId, channel, campaignId } = outcome
  const occurredAt = capture.touch.occurredAt.toISOString()
  return [
    {
      event: 'touchpoint.recorded',
      subjectId: outcome.touchpointId,
      data: { personId, occurredAt, channel, campaignId },
    },
  ]
}
