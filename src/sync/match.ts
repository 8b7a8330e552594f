import { sql } from 'kysely'
import type { Transaction } from '#store/store.ts'
import type { Candidate, Entity } from './entity.ts'
import { resolve, type LinkIds } from './passage.ts'

/** The link of a candidate's record, as the page needs it. */
export interface KnownLink {
  localId: string
  /** The vendor's record is gone for good: '' deleted, else the id that it was merged into or converted to. */
  goneTo: string | null
  base: Buffer | null
  externalModifiedAt: Date | null
  deletedAt: Date | null
}

export type Match =
  | { kind: 'known'; localId: string; link: KnownLink | null }
  | { kind: 'new' }
  | { kind: 'ambiguous'; code: string; detail: string }

/**
 * Finds the record of ours for each candidate: by link, then by the id of ours that the vendor keeps, then by the
 * entity's own rules. Two records of the vendor never become one of ours without a person.
 *
 * Two to four statements, however many candidates.
 * @param named  our ids of the records that the candidates name.
 */
export async function matchCandidates(
  tx: Transaction,
  connectionId: string,
  entity: Entity,
  candidates: readonly Candidate[],
  named: LinkIds,
): Promise<Match[]> {
  const links = await findLinks(tx, connectionId, entity.name, candidates)
  const unlinked = candidates.filter(
    (candidate) => !links.has(candidate.externalId) && !candidate.deleted,
  )
  const found = await findUnlinked(tx, entity, unlinked, named)
  const holders = await findHolders(tx, connectionId, entity.name, [...found.values()])
  const claimed = new Set<string>()
  return candidates.map((candidate): Match => {
    const link = links.get(candidate.externalId)
    if (link) return { kind: 'known', localId: link.localId, link }
    const localId = found.get(candidate.externalId)
    if (localId === undefined) return { kind: 'new' }
    const holder = holders.get(localId)
    if (holder !== undefined && candidate.localId !== localId) {
      const detail = `The record that fits is linked with ${holder} already.`
      return { kind: 'ambiguous', code: 'match.already_linked', detail }
    }
    if (claimed.has(localId)) {
      const detail = 'Another record of the same page fits the same record here.'
      return { kind: 'ambiguous', code: 'match.already_linked', detail }
    }
    claimed.add(localId)
    return { kind: 'known', localId, link: null }
  })
}

async function findLinks(
  tx: Transaction,
  connectionId: string,
  entity: string,
  candidates: readonly Candidate[],
): Promise<Map<string, KnownLink>> {
  const ids = candidates.map((candidate) => candidate.externalId)
  const rows = await tx.query(sql<KnownLink & { externalId: string }>`
    select l.external_id, l.local_id, l.base, l.external_modified_at, l.deleted_at, l.gone_to
    from unnest(${ids}::text[]) as wanted(id)
    cross join lateral (
      select * from sync_links
      where connection_id = ${connectionId} and entity = ${entity} and external_id = wanted.id limit 1) l`)
  return new Map(rows.map((row) => [row.externalId, row]))
}

/** By vendor id: our id. An id of ours that the vendor keeps counts only while the record is there. */
async function findUnlinked(
  tx: Transaction,
  entity: Entity,
  candidates: readonly Candidate[],
  named: LinkIds,
): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  const carried = candidates.filter((candidate) => candidate.localId)
  if (carried.length > 0 && entity.load) {
    const records = await entity.load(tx, [...new Set(carried.map((one) => one.localId!))])
    const present = new Set(records.map((record) => record.localId))
    for (const { externalId, localId } of carried) {
      if (localId && present.has(localId)) found.set(externalId, localId)
    }
  }
  const rest = candidates.filter((candidate) => !found.has(candidate.externalId))
  if (rest.length > 0 && entity.match) {
    const references = rest.map((candidate) => resolve(candidate, named))
    const matched = await entity.match(tx, rest, references)
    rest.forEach((candidate, i) => {
      const localId = matched[i]
      if (localId) found.set(candidate.externalId, localId)
    })
  }
  return found
}

/** By our id: the vendor's id that it is linked with. */
async function findHolders(
  tx: Transaction,
  connectionId: string,
  entity: string,
  localIds: readonly string[],
): Promise<Map<string, string>> {
  if (localIds.length === 0) return new Map()
  const rows = await tx.query(sql<{ localId: string; externalId: string }>`
    select local_id, external_id from sync_links
    where connection_id = ${connectionId} and entity = ${entity} and local_id = any(${[...localIds]})
      and deleted_at is null`)
  return new Map(rows.map((row) => [row.localId, row.externalId]))
}
