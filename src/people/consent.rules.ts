import type { ConsentStatus } from '#people/capture.ts'

/** One consent as it was recorded. */
export interface ConsentRecord {
  purpose: string
  /** The channel it is for, or `any` for all channels of the purpose. */
  channel: string
  status: ConsentStatus
  source: string
  /** Whether it came with evidence of the person's own act: the text, the page, the address. */
  hasProof: boolean
  occurredAt: Date
}

/** What holds for one purpose and channel now. */
export interface EffectiveConsent {
  purpose: string
  channel: string
  status: ConsentStatus
  /** Since when this status holds. */
  since: Date
  /** The source whose record made it so. */
  source: string
}

// At the same moment the more restrictive record has the last word.
const restriction: Record<ConsentStatus, number> = {
  granted: 0,
  pending: 1,
  denied: 2,
  withdrawn: 3,
}

/**
 * What holds for every purpose and channel that the history names, sorted by purpose and channel.
 *
 * The records are read in the order of their time, whatever the order of their arrival:
 * - `denied` and `withdrawn` always take effect.
 * - `granted` takes effect at once where nothing was refused or is waiting. After a refusal, or
 *   while a double opt-in is pending, only a grant with proof re-opens: an import or a CRM that
 *   still says yes does not undo a no, because the controller must be able to demonstrate consent
 *   (GDPR Art. 7(1)) and withdrawing must be as easy as giving it (Art. 7(3)).
 * - `pending` (double opt-in asked, not confirmed) takes effect only where nothing is known yet.
 * - a record for channel `any` counts for each channel of its purpose.
 *
 * O(n · channels) time for n records.
 */
export function effectiveConsents(history: readonly ConsentRecord[]): EffectiveConsent[] {
  const ordered = inOrder(history)
  const pairs = new Map(history.map((record) => [`${record.purpose}\0${record.channel}`, record]))
  return [...pairs]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { purpose, channel }]) => foldConsent(ordered, purpose, channel))
    .filter((consent) => consent !== null)
}

/**
 * Whether the person may be addressed for the purpose over the channel: only a consent in force
 * allows it. A channel that was never asked for follows the records for `any`.
 */
export function isAllowed(
  history: readonly ConsentRecord[],
  purpose: string,
  channel: string,
): boolean {
  return foldConsent(inOrder(history), purpose, channel)?.status === 'granted'
}

/** The source of consents that a merge of two people lays down, where their records alone would allow more than one of them did. */
export const MERGE_SOURCE = 'throughline.merge'

/** What two people said for one purpose and channel, and what holds once they are one. */
export interface JoinedConsent {
  purpose: string
  channel: string
  into: ConsentStatus | null
  from: ConsentStatus | null
  after: ConsentStatus
  /** Whether the joined history allows more than this: the merge has to say it itself. */
  isGuarded: boolean
}

/**
 * What holds after a merge by hand, by purpose and channel: the more restrictive of the two, whoever spoke last. A person may have
 * refused under one address and agreed under another, and who merges them cannot know which of the two they meant for both.
 */
export function joinConsents(
  into: readonly ConsentRecord[],
  from: readonly ConsentRecord[],
): JoinedConsent[] {
  const [ours, theirs, all] = [inOrder(into), inOrder(from), inOrder([...into, ...from])]
  return effectiveConsents(all).map(({ purpose, channel, status }) => {
    const [mine, other] = [ours, theirs].map(
      (history) => foldConsent(history, purpose, channel)?.status ?? null,
    ) as [ConsentStatus | null, ConsentStatus | null]
    const after = [mine, other].reduce<ConsentStatus>(
      (worst, one) => (one !== null && restriction[one] > restriction[worst] ? one : worst),
      status,
    )
    return { purpose, channel, into: mine, from: other, after, isGuarded: after !== status }
  })
}

function inOrder(history: readonly ConsentRecord[]): ConsentRecord[] {
  return history.toSorted(
    (a, b) =>
      a.occurredAt.getTime() - b.occurredAt.getTime() ||
      restriction[a.status] - restriction[b.status],
  )
}

function foldConsent(
  ordered: readonly ConsentRecord[],
  purpose: string,
  channel: string,
): EffectiveConsent | null {
  let held: ConsentRecord | null = null
  for (const record of ordered) {
    if (record.purpose !== purpose) continue
    if (record.channel !== channel && record.channel !== 'any') continue
    if (held === null || takesEffect(held.status, record)) held = record
  }
  if (held === null) return null
  return { purpose, channel, status: held.status, since: held.occurredAt, source: held.source }
}

function takesEffect(current: ConsentStatus, record: ConsentRecord): boolean {
  if (record.status === current) return false
  // Only a merge lays it over what is known: the other of the two had not confirmed yet.
  if (record.status === 'pending' && record.source === MERGE_SOURCE) return current === 'granted'
  if (record.status === 'granted') return record.hasProof
  if (record.status === 'denied') return current !== 'withdrawn'
  return record.status === 'withdrawn'
}
