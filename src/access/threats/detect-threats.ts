import { respond, type Suspect } from '#access/threats/respond.ts'
import * as signals from '#access/threats/signal.store.ts'
import type { Batch } from '#access/threats/signals.ts'
import { networkOf } from '#access/threats/network.rules.ts'
import {
  detect,
  WINDOW_MS,
  type Observed,
  type Signal,
  type Subject,
} from '#access/threats/threat.rules.ts'
import { findFirstWorkspace, readPolicies } from '#access/threats/threat.store.ts'
import { HOUR_MS } from '#core/time.ts'
import type { Store, SystemTransaction } from '#store/store.ts'
import type { Sealer } from '#store/vault.ts'

export interface DetectionParts {
  store: Store
  /** The installation's sealer: addresses and networks are hashed under its key. */
  sealer: Sealer
}

const nameOf = ({ kind, id }: Subject) => `${kind} ${id}`

/** Hashes under the installation's key; the same address is hashed once a batch. */
function hasher(sealer: Sealer): (kind: string, value: string) => string {
  const known = new Map<string, string>()
  return (kind, value) => {
    const key = `${kind} ${value}`
    let hash = known.get(key)
    if (hash === undefined) {
      hash = sealer.index(`threats.${kind}`, value).subarray(0, 16).toString('hex')
      known.set(key, hash)
    }
    return hash
  }
}

/**
 * Writes down what a process saw and decides about whoever it saw: sums and sightings, then threats, measures, audit entries
 * and events, all in one transaction.
 * @returns the kinds of the new threats
 */
export async function detectThreats(
  { store, sealer }: DetectionParts,
  batch: Batch,
  now: Date,
): Promise<string[]> {
  if (batch.counts.length === 0 && batch.sightings.length === 0) return []
  const hash = hasher(sealer)
  const addresses = new Map<string, string>()
  const counts = batch.counts.map((count): signals.CounterRow => {
    const { subject, signal, workspaceId, n } = count
    const isPlace = signal === 'wrong_password' || signal === 'dead_use'
    const detail = isPlace ? hash('network', count.detail) : count.detail
    const id = subject.kind === 'address' ? hash('address', subject.id) : subject.id
    if (subject.kind === 'address') addresses.set(id, subject.id)
    const bucket = new Date(count.bucketMs)
    return { subjectKind: subject.kind, subject: id, signal, detail, bucket, workspaceId, n }
  })
  const sightings = await sightingsOf(store, batch, hash)
  const touched = new Map(
    [...counts, ...sightings].map(({ subjectKind: kind, subject: id }) => [
      nameOf({ kind, id }),
      { kind, id },
    ]),
  )
  return store.system(async (tx) => {
    await signals.lockDetection(tx)
    await signals.addCounts(tx, counts)
    await signals.addSightings(tx, sightings)
    const suspects = await judge(tx, [...touched.values()], now)
    if (suspects.length === 0) return []
    for (const suspect of suspects) suspect.address = addresses.get(suspect.subject.id) ?? null
    const hashOf = (address: string) => hash('network', networkOf(address))
    return respond(tx, store, suspects, hashOf, now)
  })
}

async function sightingsOf(
  store: Store,
  { sightings }: Batch,
  hash: (kind: string, value: string) => string,
): Promise<signals.SightingRow[]> {
  const sealers = new Map<string, Sealer>()
  for (const { workspaceId } of sightings)
    if (!sealers.has(workspaceId)) sealers.set(workspaceId, await store.sealerOf(workspaceId))
  return sightings.map((one) => ({
    subjectKind: one.subject.kind,
    subject: one.subject.id,
    network: hash('network', one.network),
    agent: hash('agent', one.agent),
    workspaceId: one.workspaceId,
    place: signals.sealPlace(sealers.get(one.workspaceId)!, one.subject.id, {
      network: one.network,
      agent: one.agent,
    }),
    firstSeenAt: new Date(one.firstMs),
    lastSeenAt: new Date(one.lastMs),
    requests: one.requests,
  }))
}

type Case = Observed & { workspaceId: string; firstSeenAt: Date }

/** Holds what is known of each subject against the policy of each workspace that it concerns. */
async function judge(tx: SystemTransaction, subjects: Subject[], now: Date): Promise<Suspect[]> {
  const cases = await gather(tx, subjects, now)
  const policies = await readPolicies(tx, [...new Set(cases.map((one) => one.workspaceId))])
  return cases.flatMap((one) => {
    const policy = policies.get(one.workspaceId)!
    const { workspaceId, subject, firstSeenAt } = one
    return detect(one, policy, now).map((finding) => ({
      workspaceId,
      subject,
      policy,
      firstSeenAt,
      finding,
      address: null,
    }))
  })
}

async function gather(tx: SystemTransaction, subjects: Subject[], now: Date): Promise<Case[]> {
  const tallies = await signals.readTallies(tx, subjects, new Date(now.getTime() - WINDOW_MS))
  const hour = new Date(now.getTime() - (now.getTime() % HOUR_MS))
  const rows = await signals.readRows(tx, subjects, hour)
  const uses = await signals.readUses(tx, subjects)
  const first = await findFirstWorkspace(tx)
  const cases = new Map<string, Case>()
  const caseOf = (row: { subjectKind: Subject['kind']; subject: string }, workspaceId: string) => {
    const subject = { kind: row.subjectKind, id: row.subject }
    const key = `${workspaceId} ${nameOf(subject)}`
    let found = cases.get(key)
    if (!found) {
      const empty = { counts: {}, rows: { recent: 0, usual: 0 }, uses: [], firstSeenAt: now }
      cases.set(key, (found = { workspaceId, subject, ...empty }))
    }
    return found
  }
  for (const row of withNobodys(tallies, first)) {
    const found = caseOf(row, row.workspaceId)
    if (row.since < found.firstSeenAt) found.firstSeenAt = row.since
    addTally(found.counts, row)
  }
  for (const { recent, usual, ...row } of rows)
    caseOf(row, row.workspaceId).rows = { recent, usual }
  for (const row of uses) {
    const found = caseOf(row, row.workspaceId)
    found.uses = [...found.uses, row]
  }
  return [...cases.values()]
}

function addTally(counts: Case['counts'], { signal, detail, n }: signals.TallyRow): void {
  const all: Partial<Record<Signal, { n: number; byDetail: Map<string, number> }>> = counts as never
  const tally = (all[signal] ??= { n: 0, byDetail: new Map() })
  tally.n += n
  tally.byDetail.set(detail, (tally.byDetail.get(detail) ?? 0) + n)
}

/**
 * Tries at accounts that nobody has belong to every workspace that the same address also tried by name; when it tried none,
 * to the first workspace, whose administrators run the hub.
 */
function withNobodys(
  tallies: readonly signals.TallyRow[],
  first: string | null,
): (signals.TallyRow & { workspaceId: string })[] {
  const named = new Map<string, Set<string>>()
  for (const { subject, workspaceId } of tallies)
    if (workspaceId !== null)
      named.set(subject, (named.get(subject) ?? new Set<string>()).add(workspaceId))
  return tallies.flatMap((row) => {
    if (row.workspaceId !== null) return [{ ...row, workspaceId: row.workspaceId }]
    const heirs = named.get(row.subject) ?? (first === null ? [] : [first])
    return [...heirs].map((workspaceId) => ({ ...row, workspaceId }))
  })
}
