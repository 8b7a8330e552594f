import { isDeepStrictEqual } from 'node:util'
import { newId } from '#core/id.ts'
import type { EventDraft } from '#jobs/job.ts'
import type { Capture } from '#people/capture.ts'
import { effectiveConsents, type ConsentRecord } from '#people/consent.rules.ts'
import {
  insertConsents,
  listConsents,
  openProof,
  type ConsentRow,
  type NewConsent,
} from '#people/consent.store.ts'
import type { MovedConsent } from '#people/person.store.ts'
import type { Transaction } from '#store/store.ts'

type Held = Pick<
  NewConsent,
  'homeId' | 'purpose' | 'channel' | 'status' | 'source' | 'proof' | 'occurredAt'
>

/**
 * Writes the consents of captures whose people are known. One that repeats the newest record of
 * its purpose, channel and source, proof included, writes nothing, so that a redelivery does not
 * lengthen the history. What was said of another who was merged into the person is no repeat: it
 * goes with that one when the merge is undone.
 *
 * @param moved  consents that these people just got by a merge.
 * @param homes  for each capture whom it names, when that one was merged into the person by hand.
 * @returns a `consent.changed` event for each purpose and channel whose effective status changed, or
 *   may have changed by the merge.
 */
export async function recordConsents(
  tx: Transaction,
  captures: readonly Capture[],
  personIds: readonly string[],
  now: Date,
  moved: readonly MovedConsent[] = [],
  homes: readonly (string | null)[] = [],
): Promise<EventDraft[]> {
  const givers = new Set([
    ...personIds.filter((_, i) => captures[i]!.consents.length > 0),
    ...moved.map(({ personId }) => personId),
  ])
  if (givers.size === 0) return []
  const before = new Map<string, Held[]>([...givers].map((id) => [id, []]))
  for (const row of await listConsents(tx, [...givers]))
    before.get(row.personId)!.push(hold(tx, row))
  const after = new Map([...before].map(([id, history]) => [id, [...history]]))
  const added: NewConsent[] = []
  captures.forEach(({ consents, source, touch }, i) => {
    const personId = personIds[i]!
    for (const { purpose, channel, status, proof, occurredAt } of consents) {
      const decided = occurredAt ?? touch?.occurredAt ?? now
      const homeId = homes[i] ?? null
      const record = {
        homeId,
        purpose,
        channel,
        status,
        source,
        proof: proof ?? null,
        occurredAt: decided,
      }
      const history = after.get(personId)!
      if (isRepeat(history, record)) continue
      history.push(record)
      added.push({ id: newId('cns'), personId, ...record })
    }
  })
  if (added.length > 0) await insertConsents(tx, added, now)
  return [...givers].flatMap((id) => {
    const told = moved.filter(({ personId }) => personId === id).map(({ purpose }) => purpose)
    return changes(id, before.get(id)!, after.get(id)!, new Set(told))
  })
}

function hold(tx: Transaction, row: ConsentRow): Held {
  const { homeId, purpose, channel, status, source, occurredAt } = row
  return { homeId, purpose, channel, status, source, proof: openProof(tx, row), occurredAt }
}

function isRepeat(history: readonly Held[], record: Held): boolean {
  const newest = history.findLast(
    (held) =>
      held.homeId === record.homeId &&
      held.purpose === record.purpose &&
      held.channel === record.channel,
  )
  return (
    newest !== undefined &&
    newest.status === record.status &&
    newest.source === record.source &&
    isDeepStrictEqual(newest.proof, record.proof)
  )
}

function changes(
  personId: string,
  before: readonly Held[],
  after: readonly Held[],
  told: ReadonlySet<string>,
): EventDraft[] {
  const old = new Map(
    effectiveConsents(before.map(toRecord)).map((consent) => [pairOf(consent), consent.status]),
  )
  return effectiveConsents(after.map(toRecord))
    .filter((consent) => told.has(consent.purpose) || old.get(pairOf(consent)) !== consent.status)
    .map(({ purpose, channel, status }) => ({
      event: 'consent.changed',
      subjectId: personId,
      data: { purpose, channel, status },
    }))
}

function pairOf({ purpose, channel }: { purpose: string; channel: string }): string {
  return `${purpose}\0${channel}`
}

function toRecord({ proof, ...held }: Held): ConsentRecord {
  return { ...held, hasProof: proof !== null }
}
