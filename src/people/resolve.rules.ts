import { isIdentifying, strengthRank, type IdentityKind } from '#people/identity.rules.ts'

/** An identity as captures name it, reduced to what can be compared. */
export interface IdentityKey {
  /** Unique for kind, source and value. */
  key: string
  kind: IdentityKind
  source: string
}

/** A person that the store found under an identity. */
export interface KnownPerson {
  id: string
  identified: boolean
  /** `kindLabel` of each identifying identity it has. Needed only when a capture has an anonymous id. */
  labels: readonly string[]
}

export interface KnownPeople {
  people: readonly KnownPerson[]
  /** Identity key → id of one of `people`. */
  personIdByKey: ReadonlyMap<string, string>
}

export interface PlannedConflict {
  /** Which capture brought the two together. */
  capture: number
  personId: string
  otherPersonId: string
  /** Kinds of the identifiers that met. */
  kinds: IdentityKind[]
}

/** What is to be done so that every capture has its one person. All ids are those after the merges. */
export interface Resolution {
  /** The person of each capture. */
  personIds: string[]
  newPeople: { id: string; identified: boolean; firstCapture: number }[]
  newIdentities: { key: string; personId: string; capture: number }[]
  /** Known anonymous people that turned out to be somebody: moved into `into`. */
  merges: { from: string; into: string }[]
  /** Known people that were anonymous and are identified now. */
  identified: string[]
  /** Known people that got an identifying identity. */
  grown: string[]
  conflicts: PlannedConflict[]
}

/** Kind and source: a person has usually one value of each. */
export function kindLabel(kind: IdentityKind, source: string): string {
  return `${kind}:${source}`
}

/**
 * Decides whose each capture is, in order, as if they came one by one: later captures see what
 * earlier ones taught.
 *
 * - No identifier known: a new person.
 * - The strongest identifying one that is known names the person (user id, external id, e-mail).
 * - An anonymous id names the person only where no identifying identifier is known. When the
 *   capture also brings an identifying value of a kind of which that person has another value
 *   already, somebody else uses the same browser: a new person.
 * - Anonymous people found along the way are merged into the person; of several anonymous ones the
 *   oldest (smallest id) stays.
 * - Identified people found along the way are never merged: each pair is a conflict to decide.
 *
 * O(total identities).
 *
 * @param captures  for each capture its identities, at least one.
 * @param newPersonId  gives ascending ids.
 */
export function resolveCaptures(
  captures: readonly (readonly IdentityKey[])[],
  known: KnownPeople,
  newPersonId: () => string,
): Resolution {
  const board = new Board(known, newPersonId)
  const personIds = captures.map((identities, capture) => board.place(identities, capture))
  return board.close(personIds)
}

interface Candidate {
  id: string
  identified: boolean
  labels: Set<string>
  isNew: boolean
  firstCapture: number
}

interface Hit {
  identity: IdentityKey
  candidate: Candidate
}

/** The state of one resolution: who owns which identity, and who became whom. */
class Board {
  readonly #newPersonId: () => string
  readonly #candidates = new Map<string, Candidate>()
  readonly #ownerByKey = new Map<string, string>()
  readonly #mergedInto = new Map<string, string>()
  readonly #newIdentities: Resolution['newIdentities'] = []
  readonly #merges: Resolution['merges'] = []
  readonly #identified = new Set<string>()
  readonly #grown = new Set<string>()
  readonly #conflicts: PlannedConflict[] = []

  constructor(known: KnownPeople, newPersonId: () => string) {
    this.#newPersonId = newPersonId
    for (const person of known.people) {
      const { id, identified } = person
      const labels = new Set(person.labels)
      this.#candidates.set(id, { id, identified, labels, isNew: false, firstCapture: -1 })
    }
    for (const [key, personId] of known.personIdByKey) this.#ownerByKey.set(key, personId)
  }

  place(identities: readonly IdentityKey[], capture: number): string {
    const hits = this.#hits(identities)
    const unknown = identities.filter((identity) => !this.#ownerByKey.has(identity.key))
    const target = chooseTarget(hits, unknown) ?? this.#addPerson(capture)
    for (const candidate of new Set(hits.map((hit) => hit.candidate))) {
      if (candidate.id === target.id || this.#mergedInto.has(candidate.id)) continue
      if (candidate.identified) this.#fileConflict(capture, target, candidate, hits, unknown)
      else this.#merge(candidate, target)
    }
    for (const identity of unknown) this.#attach(identity, target, capture)
    return target.id
  }

  close(personIds: readonly string[]): Resolution {
    const now = (id: string) => this.#current(id)
    const newPeople = [...this.#candidates.values()].filter(
      (person) => person.isNew && !this.#mergedInto.has(person.id),
    )
    return {
      personIds: personIds.map(now),
      newPeople: newPeople.map(({ id, identified, firstCapture }) => ({
        id,
        identified,
        firstCapture,
      })),
      newIdentities: this.#newIdentities.map((row) => ({ ...row, personId: now(row.personId) })),
      merges: this.#merges.map(({ from, into }) => ({ from, into: now(into) })),
      // Neither can be merged away later: both are identified by now.
      identified: [...this.#identified],
      grown: [...this.#grown],
      conflicts: this.#conflicts.map((conflict) => ({
        ...conflict,
        personId: now(conflict.personId),
        otherPersonId: now(conflict.otherPersonId),
      })),
    }
  }

  #hits(identities: readonly IdentityKey[]): Hit[] {
    const hits = identities.flatMap((identity) => {
      const owner = this.#ownerByKey.get(identity.key)
      if (owner === undefined) return []
      const candidate = this.#candidates.get(this.#current(owner))
      if (candidate === undefined) throw new Error('An identity belongs to a person that was read.')
      return [{ identity, candidate }]
    })
    return hits.sort((a, b) => strengthRank(a.identity.kind) - strengthRank(b.identity.kind))
  }

  #current(id: string): string {
    let current = id
    for (;;) {
      const next = this.#mergedInto.get(current)
      if (next === undefined) return current
      current = next
    }
  }

  #addPerson(capture: number): Candidate {
    const id = this.#newPersonId()
    const person = {
      id,
      identified: false,
      labels: new Set<string>(),
      isNew: true,
      firstCapture: capture,
    }
    this.#candidates.set(id, person)
    return person
  }

  #attach(identity: IdentityKey, person: Candidate, capture: number): void {
    if (this.#ownerByKey.has(identity.key)) return // the capture names it twice
    this.#ownerByKey.set(identity.key, person.id)
    this.#newIdentities.push({ key: identity.key, personId: person.id, capture })
    if (!isIdentifying(identity.kind)) return
    person.labels.add(kindLabel(identity.kind, identity.source))
    if (!person.isNew) this.#grown.add(person.id)
    if (!person.isNew && !person.identified) this.#identified.add(person.id)
    person.identified = true
  }

  #merge(from: Candidate, into: Candidate): void {
    this.#mergedInto.set(from.id, into.id)
    // A person that exists only in this batch leaves no trace; its captures are simply the other's.
    if (!from.isNew) this.#merges.push({ from: from.id, into: into.id })
    else if (into.isNew) into.firstCapture = Math.min(into.firstCapture, from.firstCapture)
  }

  #fileConflict(
    capture: number,
    target: Candidate,
    other: Candidate,
    hits: readonly Hit[],
    unknown: readonly IdentityKey[],
  ): void {
    const met = hits.filter(({ candidate }) => candidate === target || candidate === other)
    const isNamed = met.some(({ candidate }) => candidate === target)
    // A target that nothing known names is the new person of the identifying ids that clashed.
    const named = isNamed ? [] : unknown.filter(({ kind }) => isIdentifying(kind))
    const kinds = new Set(
      [...met.map(({ identity }) => identity), ...named].map(({ kind }) => kind),
    )
    this.#conflicts.push({
      capture,
      personId: target.id,
      otherPersonId: other.id,
      kinds: [...kinds].sort((a, b) => strengthRank(a) - strengthRank(b)),
    })
  }
}

/** The person that the hits (strongest first) name; null when it is a new one. */
function chooseTarget(hits: readonly Hit[], unknown: readonly IdentityKey[]): Candidate | null {
  const strongest = hits[0]
  if (strongest === undefined) return null
  if (isIdentifying(strongest.identity.kind)) return strongest.candidate
  const identified = hits.find(({ candidate }) => candidate.identified)?.candidate
  if (identified !== undefined) {
    const clashes = unknown.some(
      ({ kind, source }) => isIdentifying(kind) && identified.labels.has(kindLabel(kind, source)),
    )
    return clashes ? null : identified
  }
  return hits.map(({ candidate }) => candidate).reduce((a, b) => (b.id < a.id ? b : a))
}
