import { newId } from '#core/id.ts'
import { HOUR_MS, MINUTE_MS, DAY_MS } from '#core/time.ts'
import { familyOf, measureFor, settle, type MeasureDraft } from '#access/threats/response.rules.ts'
import { readNetworksInUse } from '#access/threats/signal.store.ts'
import type { Finding, Subject } from '#access/threats/threat.rules.ts'
import type { ThreatPolicy } from '#access/threats/threat.schema.ts'
import * as store from '#access/threats/threat.store.ts'
import type { Store, SystemTransaction } from '#store/store.ts'

/** A finding about somebody in one workspace. */
export interface Suspect {
  workspaceId: string
  subject: Subject
  policy: ThreatPolicy
  finding: Finding
  firstSeenAt: Date
  /** The address itself, when the finding is about one. */
  address: string | null
}

/** A network counts as shared when valid credentials came from it this long before the first sign of the attack. */
const SHARED_BEFORE_MS = HOUR_MS

type Settled = Suspect & {
  threatId: string
  news: 'new' | 'more' | 'same'
  measure: MeasureDraft | null
  heldBack: string | null
}

/** Makes threats of findings, takes their measures, and tells of both. @returns the kinds of the new threats. */
export async function respond(
  tx: SystemTransaction,
  hub: Store,
  suspects: readonly Suspect[],
  networkHash: (address: string) => string,
  now: Date,
): Promise<string[]> {
  const shared = await sharedAddresses(tx, suspects, networkHash)
  const settled = await settleAll(tx, suspects, shared, now)
  const fresh = settled.filter(({ news }) => news === 'new')
  await store.insertThreats(tx, await draftsOf(hub, fresh), now)
  const going = settled.filter(({ news }) => news !== 'new')
  await store.updateThreats(
    tx,
    going.map(({ threatId: id, finding }) => ({ id, ...finding })),
    now,
  )
  const taken = await store.insertMeasures(tx, settled.flatMap(toMeasure(now)), now)
  const signedOut = taken.flatMap(({ kind, subject }) => (kind === 'sign_out' ? [subject] : []))
  if (signedOut.length > 0) await store.endSessionsOf(tx, signedOut, now)
  await store.recordDeeds(tx, deedsOf(settled, taken), now)
  return fresh.map(({ finding }) => finding.kind)
}

/** Addresses in networks that others use too: shutting one out would shut those out, which is what an attacker may want. */
async function sharedAddresses(
  tx: SystemTransaction,
  suspects: readonly Suspect[],
  networkHash: (address: string) => string,
): Promise<Set<string>> {
  const asked = suspects.flatMap(({ address, subject, firstSeenAt }) =>
    address === null
      ? []
      : [
          {
            id: subject.id,
            network: networkHash(address),
            before: new Date(firstSeenAt.getTime() - SHARED_BEFORE_MS),
          },
        ],
  )
  if (asked.length === 0) return new Set()
  const inUse = new Set(await readNetworksInUse(tx, asked))
  return new Set(asked.filter(({ network }) => inUse.has(network)).map(({ id }) => id))
}

async function settleAll(
  tx: SystemTransaction,
  suspects: readonly Suspect[],
  shared: ReadonlySet<string>,
  now: Date,
): Promise<Settled[]> {
  const subjects = suspects.map(({ subject }) => subject)
  const standing = await store.readStanding(tx, subjects, new Date(now.getTime() - DAY_MS))
  return suspects.flatMap((suspect): Settled[] => {
    const { finding, subject, workspaceId, policy } = suspect
    const family = familyOf(finding.kind)
    const own = standing.filter(
      (row) =>
        row.workspaceId === workspaceId &&
        row.family === family &&
        row.subjectKind === subject.kind &&
        row.subject === subject.id,
    )
    const settlement = settle(finding.kind, own, now)
    if (settlement.kind === 'quiet') return []
    const wanted = measureFor(finding.kind, subject, policy)
    const isHeld = wanted?.kind === 'block' && shared.has(subject.id)
    const answer = {
      ...suspect,
      measure: isHeld ? null : wanted,
      heldBack: isHeld ? 'shared_network' : null,
    }
    if (settlement.kind === 'new')
      return [{ ...answer, threatId: newId('thr'), news: 'new' as const }]
    const { id: threatId, to } = settlement
    if (to !== null) return [{ ...answer, threatId, news: 'more' as const }]
    const open = own.find(({ id }) => id === threatId)!
    // A lesser sign of the same attack changes nothing about the threat, nor about what is done.
    if (open.kind !== finding.kind) return []
    return [{ ...answer, threatId, news: 'same' as const }]
  })
}

async function draftsOf(hub: Store, settled: readonly Settled[]): Promise<store.ThreatDraft[]> {
  const drafts: store.ThreatDraft[] = []
  for (const {
    threatId,
    workspaceId,
    subject,
    finding,
    firstSeenAt,
    address,
    heldBack,
  } of settled) {
    const sealer = await hub.sealerOf(workspaceId)
    drafts.push({
      id: threatId,
      workspaceId,
      kind: finding.kind,
      family: familyOf(finding.kind),
      subjectKind: subject.kind,
      subject: subject.id,
      firstSeenAt,
      evidence: finding.evidence,
      place: address === null ? null : store.sealAddress(sealer, subject.id, address),
      heldBack,
    })
  }
  return drafts
}

const toMeasure =
  (now: Date) =>
  ({ workspaceId, threatId, subject, measure }: Settled): store.MeasureRow[] =>
    measure === null
      ? []
      : [
          {
            workspaceId,
            threatId,
            kind: measure.kind,
            subjectKind: subject.kind,
            subject: subject.id,
            perMinute: measure.perMinute,
            endsAt: new Date(now.getTime() + measure.forMinutes * MINUTE_MS),
          },
        ]

function deedsOf(settled: readonly Settled[], taken: readonly store.MeasureRow[]) {
  const told = (name: string, { workspaceId, threatId, subject, finding }: Settled) => ({
    workspaceId,
    name,
    threatId,
    detail: { kind: finding.kind, subjectKind: subject.kind, subject: subject.id },
  })
  const detected = settled.flatMap((one) => {
    if (one.news === 'new') return [told('threat.detected', one)]
    return one.news === 'more' ? [told('threat.escalated', one)] : []
  })
  const measures = taken.map(({ workspaceId, threatId, kind, subjectKind, subject, endsAt }) => ({
    workspaceId,
    name: `threat.${kind}`,
    threatId,
    detail: { subjectKind, subject, endsAt },
  }))
  return { audits: [...detected, ...measures], events: detected }
}
