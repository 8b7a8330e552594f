import assert from 'node:assert/strict'
import { newId } from '#core/id.ts'
import { Problem } from '#core/problem.ts'
import type { Capture, Personal } from '#people/capture.ts'
import { homesOf, type KnownHome } from '#people/home.rules.ts'
import { normaliseIdentitySource, normaliseIdentityValue } from '#people/identity.rules.ts'
import type { LayerEdit } from '#people/layer.store.ts'
import {
  fileConflicts,
  findPeople,
  identityKey,
  insertPeople,
  lockPeople,
  mergePeople,
  openPersonal,
  type AnonymousMerge,
  type FoundPerson,
  type MovedConsent,
  type IndexedIdentity,
} from '#people/person.store.ts'
import { orderPair } from '#people/merge.rules.ts'
import { fillPersonal, mergePersonal } from '#people/personal.rules.ts'
import {
  resolveCaptures,
  type IdentityKey,
  type KnownPeople,
  type Resolution,
} from '#people/resolve.rules.ts'
import type { Transaction } from '#store/store.ts'

// Each lost race means that a rival committed, so the next look finds more of the people known.
const maxAttempts = 10

/** An identity ready for the store: compared by its blind index, written with its sealed value. */
interface PreparedIdentity extends IdentityKey, IndexedIdentity {
  kind: IdentityKey['kind']
  value: string
}

/** The people of a list of captures, written and locked. */
export interface Placed {
  resolution: Resolution
  /** The attributes that known people had before these captures, merged people's gaps filled in. */
  heldPersonal: ReadonlyMap<string, Personal>
  /** Known people that took in attributes of others by a merge. */
  refilled: ReadonlySet<string>
  /** Consents that came to a known person by a merge. */
  movedConsents: readonly MovedConsent[]
  merges: readonly AnonymousMerge[]
  /** For each capture whom it names, when that one was merged into the person by hand. */
  homes: readonly (string | null)[]
  /** People into whom others were merged by hand. */
  layered: ReadonlySet<string>
  /** What the merges filled in, for the values that are set aside. */
  fills: readonly LayerEdit[]
}

/** Another transaction was first with an identity, a merge or a change: look again. */
class RaceLost extends Error {}

/**
 * Finds or makes the one person of each capture, merges anonymous people, and adds identities.
 * Two transactions that meet the same new identity at once end with one person: the later one
 * waits, undoes its attempt and adopts the winner's.
 *
 * @throws Problem `service.unavailable` after ten lost races.
 */
export async function placePeople(
  tx: Transaction,
  captures: readonly Capture[],
  now: Date,
): Promise<Placed> {
  const prepared = captures.map((capture) => prepareIdentities(tx, capture))
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await tx.savepoint(() => placeOnce(tx, captures, prepared, now))
    } catch (error) {
      if (!(error instanceof RaceLost)) throw error
      if (attempt === maxAttempts) {
        throw new Problem(
          'service.unavailable',
          'These people are changing right now: try again.',
          {
            cause: error,
          },
        )
      }
    }
  }
}

/** The attributes that a capture brings; an e-mail identity is also the address to show. */
export function personalOf(capture: Capture): Personal {
  const email = capture.identities.find((identity) => identity.kind === 'email')?.value
  return email === undefined ? capture.personal : { email, ...withoutEmpty(capture.personal) }
}

function withoutEmpty(personal: Personal): Personal {
  return mergePersonal({}, personal)
}

async function placeOnce(
  tx: Transaction,
  captures: readonly Capture[],
  prepared: readonly (readonly PreparedIdentity[])[],
  now: Date,
): Promise<Placed> {
  const byKey = new Map(prepared.flat().map((identity) => [identity.key, identity]))
  const wanted = [...byKey.values()].map(({ kind, source, index }) => ({ kind, source, index }))
  const found = await findAndLock(tx, wanted)
  const resolution = resolveCaptures(prepared, knownPeople(found), () => newId('per'))
  const opened = openHeld(tx, found)
  const { heldPersonal, refilled } = fillFromMerged(opened, resolution)
  const { homes, homeByKey } = homesOf(prepared, knownHomes(found), resolution.personIds)
  await writePeople(tx, captures, byKey, resolution, { heldPersonal, homes }, now)
  const merges = resolution.merges.map(({ from, into }): AnonymousMerge => {
    const keys = found.find(({ id }) => id === from)?.keys ?? []
    return { from, into, home: keys.map((key) => homeByKey.get(key)).find(Boolean) ?? null }
  })
  const movedConsents = merges.length === 0 ? [] : await mergePeople(tx, merges, now)
  const layered = new Set(found.flatMap(({ id, isLayered }) => (isLayered ? [id] : [])))
  const fills = fillsOf(merges, opened, layered)
  return { resolution, heldPersonal, refilled, movedConsents, merges, homes, layered, fills }
}

/**
 * The people whom the identities name, locked and as they are under the lock.
 * @throws RaceLost when others than the locked ones turn out to be meant.
 */
async function findAndLock(
  tx: Transaction,
  wanted: readonly IndexedIdentity[],
): Promise<FoundPerson[]> {
  const found = await findPeople(tx, wanted)
  if (found.length === 0 || (await lockPeople(tx, found))) return found
  // They changed while we waited. Now that they are ours, a second look holds, if it shows no others;
  // starting anew instead would let many callers overtake one another without end.
  const seen = new Set(found.map((person) => person.id))
  const current = await findPeople(tx, wanted)
  if (!current.every((person) => seen.has(person.id))) throw new RaceLost()
  return current
}

async function writePeople(
  tx: Transaction,
  captures: readonly Capture[],
  byKey: ReadonlyMap<string, PreparedIdentity>,
  resolution: Resolution,
  {
    heldPersonal,
    homes,
  }: { heldPersonal: ReadonlyMap<string, Personal>; homes: readonly (string | null)[] },
  now: Date,
): Promise<void> {
  const { newIdentities } = resolution
  if (newIdentities.length > 0) {
    const gathered = new Map<string, Personal>()
    captures.forEach((capture, i) => {
      const personId = resolution.personIds[i]!
      const held = gathered.get(personId) ?? heldPersonal.get(personId) ?? {}
      gathered.set(personId, mergePersonal(held, personalOf(capture)))
    })
    const people = resolution.newPeople.map(({ id, identified }) => ({
      id,
      identified,
      personal: gathered.get(id) ?? {},
    }))
    const identities = newIdentities.map(({ key, personId, capture }) => {
      const { kind, source, index, value } = byKey.get(key)!
      return { kind, source, index, value, personId, homeId: homes[capture] ?? null }
    })
    const isFirst = await insertPeople(tx, people, identities, now)
    if (!isFirst) throw new RaceLost()
  }
}

/**
 * Files the conflicts of a resolution. Answers for each capture the id of its conflict that still
 * waits for a decision.
 */
export async function fileCaptureConflicts(
  tx: Transaction,
  resolution: Resolution,
  now: Date,
): Promise<Map<number, string>> {
  const rows = new Map(
    resolution.conflicts.map(({ personId, otherPersonId, kinds }) => {
      const [first, second] = orderPair(personId, otherPersonId)
      return [
        `${first} ${second}`,
        { id: newId('conf'), personId: first, otherPersonId: second, kinds },
      ]
    }),
  )
  if (rows.size === 0) return new Map()
  const filed = await fileConflicts(tx, [...rows.values()], now)
  const openByPair = new Map(
    filed
      .filter((conflict) => conflict.state === 'open')
      .map((conflict) => [`${conflict.personId} ${conflict.otherPersonId}`, conflict.id]),
  )
  const byCapture = new Map<number, string>()
  for (const { capture, personId, otherPersonId } of resolution.conflicts) {
    const id = openByPair.get(orderPair(personId, otherPersonId).join(' '))
    if (id !== undefined && !byCapture.has(capture)) byCapture.set(capture, id)
  }
  return byCapture
}

function prepareIdentities(tx: Transaction, capture: Capture): PreparedIdentity[] {
  assert(capture.identities.length > 0, 'A capture names its person by at least one identity.')
  return capture.identities.map((identity) => {
    const { kind } = identity
    const source = normaliseIdentitySource(identity)
    const value = normaliseIdentityValue(identity)
    assert(value !== '', `A capture's ${kind} is not empty.`)
    const index = tx.sealer.index(source === '' ? kind : `${kind}:${source}`, value).toString('hex')
    return { key: identityKey(kind, source, index), kind, source, index, value }
  })
}

function knownPeople(found: readonly FoundPerson[]): KnownPeople {
  return {
    people: found.map(({ id, identified, labels }) => ({ id, identified, labels: labels ?? [] })),
    personIdByKey: new Map(found.flatMap(({ id, keys }) => keys.map((key) => [key, id] as const))),
  }
}

function knownHomes(found: readonly FoundPerson[]): Map<string, KnownHome> {
  return new Map(
    found.flatMap(({ id, keys, homes }) =>
      keys.map((key, i) => [key, { personId: id, homeId: homes[i] ?? null }] as const),
    ),
  )
}

function fillsOf(
  merges: readonly AnonymousMerge[],
  opened: ReadonlyMap<string, Personal>,
  layered: ReadonlySet<string>,
): LayerEdit[] {
  return merges.flatMap(({ from, into, home }): LayerEdit[] => {
    const values = opened.get(from) ?? {}
    if (!layered.has(into) || Object.keys(values).length === 0) return []
    const change = (held: Personal) => fillPersonal(held, values)
    return [{ personId: into, homeId: home ?? into, change }]
  })
}

function openHeld(tx: Transaction, found: readonly FoundPerson[]): Map<string, Personal> {
  return new Map(found.map(({ id, personal }) => [id, openPersonal(tx, id, personal)]))
}

function fillFromMerged(opened: ReadonlyMap<string, Personal>, resolution: Resolution) {
  const heldPersonal = new Map(opened)
  const refilled = new Set<string>()
  for (const { from, into } of resolution.merges) {
    const merged = opened.get(from) ?? {}
    heldPersonal.delete(from)
    if (Object.keys(merged).length === 0) continue
    heldPersonal.set(into, fillPersonal(heldPersonal.get(into) ?? {}, merged))
    refilled.add(into)
  }
  return { heldPersonal, refilled }
}
