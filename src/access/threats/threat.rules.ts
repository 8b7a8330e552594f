import type { SubjectKind, ThreatKind, ThreatPolicy } from '#access/threats/threat.schema.ts'
import { DAY_MS, HOUR_MS } from '#core/time.ts'

/** Whom a sign is about. An address is named by its keyed hash. */
export interface Subject {
  kind: SubjectKind
  id: string
}

/** What is counted; each count is of the last hour, but for rows. */
export type Signal =
  | 'wrong_secret' // of an address; detail: the account or key that was tried
  | 'right_secret' // of an address; detail: the person who then got in
  | 'wrong_password' // of a person; detail: the network it came from
  | 'not_found' // different records
  | 'record_request'
  | 'forbidden' // different operations
  | 'rows'
  | 'return' // of a session to a network that it left minutes before
  | 'dead_use' // of a revoked or expired key; detail: the network
  | 'token_replay'

export interface Tally {
  n: number
  byDetail: ReadonlyMap<string, number>
}

/** One network and kind of software that a credential was used from. */
export interface Use {
  network: string
  agent: string
  firstSeenAt: Date
  lastSeenAt: Date
  requests: number
  known: boolean
}

/** All that is known of one subject at a moment, as one workspace may see it. */
export interface Observed {
  subject: Subject
  counts: Readonly<Partial<Record<Signal, Tally>>>
  /** Rows read within two hours, and the most of any two hours of the 28 days before. */
  rows: { recent: number; usual: number }
  uses: readonly Use[]
}

export interface Finding {
  kind: ThreatKind
  evidence: Record<string, number>
}

/** How far back signs are looked at. */
export const WINDOW_MS = HOUR_MS

/** With so many networks a key has no home that it could be away from. */
const ROAMING = 8

/** A key may read this many times more in its first days: whoever connects a warehouse reads everything once. */
const INTRODUCTION_MS = 7 * DAY_MS
const INTRODUCTION_FACTOR = 10

/** What the signs amount to under a workspace's policy; at most one finding a family. Pure: the same values, the same answer. */
export function detect(observed: Observed, policy: ThreatPolicy, now: Date): Finding[] {
  const found = (findings: (Finding | null)[]) => findings.filter((finding) => finding !== null)
  switch (observed.subject.kind) {
    case 'address':
      return found([bruteForce(observed, policy)])
    case 'session':
      return found([sessionReplay(observed, policy) ?? impossibleTravel(observed, policy)])
    case 'key':
    case 'client':
      return found([
        ...ofReader(observed, policy, now),
        leakedKey(observed, policy, now) ?? newNetwork(observed, policy, now),
        deadKey(observed, policy),
      ])
    case 'user':
      return found([...ofReader(observed, policy, now), distributedGuessing(observed, policy)])
    case 'grant':
      return found([...ofReader(observed, policy, now), tokenReplay(observed)])
  }
}

const countOf = ({ counts }: Observed, signal: Signal): number => counts[signal]?.n ?? 0

/** Tries of a person who then got in from the same address count as slips of the hand, up to so many. */
const SLIPS = 5

/** In a large office many mistype in one morning, and then get it right; whoever guesses at many accounts does not. */
function bruteForce({ counts }: Observed, policy: ThreatPolicy): Finding | null {
  const entered = counts.right_secret?.byDetail
  const guessed = [...(counts.wrong_secret?.byDetail ?? [])].filter(
    ([target, n]) => n > SLIPS || entered?.has(target) !== true,
  )
  const tries = guessed.reduce((sum, [, n]) => sum + n, 0)
  const targets = guessed.filter(([target]) => target !== '').length
  return tries >= policy.brute_force.tries
    ? { kind: 'brute_force', evidence: { tries, targets } }
    : null
}

/** From one network it is brute force, and the address's; here the account is what the tries have in common. */
function distributedGuessing(observed: Observed, policy: ThreatPolicy): Finding | null {
  const tries = countOf(observed, 'wrong_password')
  const networks = observed.counts.wrong_password?.byDetail.size ?? 0
  const { tries: most, networks: few } = policy.distributed_guessing
  return tries >= most && networks >= few
    ? { kind: 'distributed_guessing', evidence: { tries, networks } }
    : null
}

/** What a valid credential does with its rights. */
function ofReader(observed: Observed, policy: ThreatPolicy, now: Date): (Finding | null)[] {
  return [
    enumeration(observed, policy),
    probing(observed, policy),
    massExport(observed, policy, now),
  ]
}

/** An honest caller meets a missing record among many that are there; whoever guesses ids meets little else. */
function enumeration(observed: Observed, policy: ThreatPolicy): Finding | null {
  const notFound = countOf(observed, 'not_found')
  const requests = countOf(observed, 'record_request')
  return notFound >= policy.enumeration.records && notFound * 2 >= requests
    ? { kind: 'enumeration', evidence: { notFound, requests } }
    : null
}

function probing(observed: Observed, policy: ThreatPolicy): Finding | null {
  const operations = countOf(observed, 'forbidden')
  return operations >= policy.probing.operations
    ? { kind: 'probing', evidence: { operations } }
    : null
}

function massExport(observed: Observed, policy: ThreatPolicy, now: Date): Finding | null {
  const { recent, usual } = observed.rows
  const { rows, timesUsual } = policy.mass_export
  const since = sinceOf(observed.uses)
  const isIntroduction = since !== null && now.getTime() - since < INTRODUCTION_MS
  const most = Math.max(rows * (isIntroduction ? INTRODUCTION_FACTOR : 1), usual * timesUsual)
  return recent >= most ? { kind: 'mass_export', evidence: { rows: recent, usual } } : null
}

const sinceOf = (uses: readonly Use[]): number | null =>
  uses.length === 0 ? null : Math.min(...uses.map((use) => use.firstSeenAt.getTime()))

/** When each network was first and last seen, with its kinds of software. */
function networksOf(uses: readonly Use[]) {
  const networks = new Map<
    string,
    { firstMs: number; lastMs: number; agents: Set<string>; known: boolean }
  >()
  for (const { network, agent, firstSeenAt, lastSeenAt, known } of uses) {
    const [firstMs, lastMs] = [firstSeenAt.getTime(), lastSeenAt.getTime()]
    const row = networks.get(network)
    if (row) {
      row.firstMs = Math.min(row.firstMs, firstMs)
      row.lastMs = Math.max(row.lastMs, lastMs)
      row.known ||= known
      row.agents.add(agent)
    } else networks.set(network, { firstMs, lastMs, agents: new Set([agent]), known })
  }
  return [...networks.values()]
}

/**
 * Many networks that the key never had before, all within an hour: more than one holds it. A key that roams by its nature, as
 * that of functions in a cloud, meets a few new ones every day.
 */
function leakedKey(observed: Observed, policy: ThreatPolicy, now: Date): Finding | null {
  const nowMs = now.getTime()
  const since = sinceOf(observed.uses)
  if (since === null || nowMs - since < DAY_MS) return null
  const networks = networksOf(observed.uses)
  const fresh = networks.filter(
    ({ firstMs, lastMs, known }) =>
      !known && nowMs - firstMs < DAY_MS && nowMs - lastMs < WINDOW_MS && firstMs > since,
  ).length
  const older = networks.filter(({ firstMs }) => nowMs - firstMs >= DAY_MS).length
  return fresh >= policy.leaked_key.networks && fresh * 2 >= older
    ? { kind: 'leaked_key', evidence: { networks: fresh } }
    : null
}

/**
 * A network that a key of some age was never used from. With other software than ever before it is told at once. With the same
 * it is first taken for a move: told only when the old networks go on beyond the overlap, as they do when a key was copied.
 */
function newNetwork(observed: Observed, policy: ThreatPolicy, now: Date): Finding | null {
  const { afterDays, overlapHours } = policy.new_network
  const networks = networksOf(observed.uses)
  for (const fresh of networks) {
    const ageMs = now.getTime() - fresh.firstMs
    if (fresh.known || ageMs > 7 * DAY_MS) continue
    const older = networks.filter(({ firstMs }) => firstMs < fresh.firstMs)
    const historyMs = fresh.firstMs - Math.min(...older.map(({ firstMs }) => firstMs))
    if (older.length === 0 || historyMs < afterDays * DAY_MS) continue
    const isOtherSoftware = ![...fresh.agents].some((agent) =>
      older.some(({ agents }) => agents.has(agent)),
    )
    const besideMs = Math.max(...older.map(({ lastMs }) => lastMs)) - fresh.firstMs
    const goesOn = Math.min(besideMs, fresh.lastMs - fresh.firstMs) > overlapHours * HOUR_MS
    if (isOtherSoftware || (goesOn && older.length < ROAMING)) {
      return {
        kind: 'new_network',
        evidence: { historyDays: Math.floor(historyMs / DAY_MS), otherSoftware: +isOtherSoftware },
      }
    }
  }
  return null
}

/** A job that somebody forgot calls from where it always did; who found the key calls from elsewhere. */
function deadKey(observed: Observed, policy: ThreatPolicy): Finding | null {
  const known = new Set(observed.uses.map(({ network }) => network))
  const strange = [...(observed.counts.dead_use?.byDetail ?? [])].filter(
    ([network]) => !known.has(network),
  )
  const uses = strange.reduce((sum, [, n]) => sum + n, 0)
  return uses >= policy.dead_key.uses
    ? { kind: 'dead_key', evidence: { uses, networks: strange.length } }
    : null
}

/** A browser does not become another one in the middle of a session. */
function sessionReplay(observed: Observed, policy: ThreatPolicy): Finding | null {
  const [first, ...others] = observed.uses.toSorted(
    (a, b) => a.firstSeenAt.getTime() - b.firstSeenAt.getTime(),
  )
  const foreign = others.filter(({ agent, known }) => agent !== first?.agent && !known)
  const requests = foreign.reduce((sum, use) => sum + use.requests, 0)
  return requests >= policy.session_replay.requests
    ? { kind: 'session_replay', evidence: { requests, places: observed.uses.length } }
    : null
}

/** Nobody is in two networks by turns within minutes. There is no map of addresses here, so no distance and no country. */
function impossibleTravel(observed: Observed, policy: ThreatPolicy): Finding | null {
  const returns = countOf(observed, 'return')
  return returns >= policy.impossible_travel.returns
    ? { kind: 'impossible_travel', evidence: { returns } }
    : null
}

/** The authorization server has ended the family of tokens already: once is enough to tell. */
function tokenReplay(observed: Observed): Finding | null {
  const replays = countOf(observed, 'token_replay')
  return replays > 0 ? { kind: 'token_replay', evidence: { replays } } : null
}
