import { sql } from 'kysely'
import type { Transaction } from '#store/store.ts'
import type { Stream } from './connector.ts'
import type { Run } from './engine.ts'
import type { Candidate, Entity, EntityWrite } from './entity.ts'
import { matchCandidates } from './match.ts'

/** By entity and vendor id: our id, for all records that the page names. */
export async function findReferenced(
  tx: Transaction,
  connectionId: string,
  candidates: readonly Candidate[],
): Promise<Map<string, string>> {
  const named = namedBy(candidates)
  if (named.length === 0) return new Map()
  const rows = await tx.query(sql<{ entity: string; externalId: string; localId: string }>`
    select l.entity, l.external_id, l.local_id
    from jsonb_to_recordset(${JSON.stringify(named)}::jsonb) as r(entity text, "externalId" text)
    cross join lateral (
      select * from sync_links
      where connection_id = ${connectionId} and entity = r.entity and external_id = r."externalId" limit 1) l`)
  return new Map(rows.map((row) => [`${row.entity}:${row.externalId}`, row.localId]))
}

function namedBy(candidates: readonly Candidate[]): { entity: string; externalId: string }[] {
  const named = new Map<string, { entity: string; externalId: string }>()
  for (const candidate of candidates) {
    for (const { entity, externalIds } of Object.values(candidate.references)) {
      for (const externalId of externalIds) {
        named.set(`${entity}:${externalId}`, { entity, externalId })
      }
    }
  }
  return [...named.values()]
}

/** By entity: vendor ids that the candidates name and that have no link. */
export async function findUnknown(
  tx: Transaction,
  connectionId: string,
  candidates: readonly Candidate[],
): Promise<Map<string, string[]>> {
  const known = await findReferenced(tx, connectionId, candidates)
  const unknown = new Map<string, string[]>()
  for (const { entity, externalId } of namedBy(candidates)) {
    if (known.has(`${entity}:${externalId}`)) continue
    const ids = unknown.get(entity) ?? []
    ids.push(externalId)
    unknown.set(entity, ids)
  }
  return unknown
}

/** Links records that others name, where they can be matched; no record is created for them. */
export async function linkIdentified(
  tx: Transaction,
  run: Pick<Run, 'connectionId'>,
  entity: Entity,
  candidates: readonly Candidate[],
  now: Date,
): Promise<void> {
  const named = await findReferenced(tx, run.connectionId, candidates)
  const matches = await matchCandidates(tx, run.connectionId, entity, candidates, named)
  const rows = candidates.flatMap((candidate, i) => {
    const match = matches[i]!
    if (match.kind !== 'known' || match.link) return []
    return [{ localId: match.localId, externalId: candidate.externalId }]
  })
  if (rows.length === 0) return
  await tx.execute(sql`
    insert into sync_links (connection_id, entity, local_id, external_id, linked_at)
    select ${run.connectionId}, ${entity.name}, "localId", "externalId", ${now}
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r("localId" text, "externalId" text)
    on conflict (local_id, connection_id, entity) do update
    set external_id = excluded.external_id, fingerprint = null, deleted_at = null`)
}

/** A record to be looked at again. */
export interface Revisit {
  externalId: string
  /** The transaction that asked for it last; null when nobody did and the record that it names has a link by now. */
  notedIn: string | null
}

/** Records to be looked at again, by vendor id: asked for, or the record that they name has a link by now. */
export async function listRevisits(
  tx: Transaction,
  connectionId: string,
  stream: string,
  after: string,
  limit: number,
): Promise<Revisit[]> {
  return tx.query(sql<Revisit>`
    select v.external_id, max(v.noted_in::text) filter (where v.wants_entity = '') as noted_in from sync_revisits v
    left join sync_links l on l.connection_id = v.connection_id and l.entity = v.wants_entity
      and l.external_id = v.wants_external_id
    where v.connection_id = ${connectionId} and v.stream = ${stream} and v.external_id > ${after}
      and (v.wants_entity = '' or l.local_id is not null)
    group by v.external_id order by v.external_id limit ${limit}`)
}

/** Forgets records that were looked at, but for those that somebody asked for again since they were listed. */
export async function settleRevisits(
  tx: Transaction,
  connectionId: string,
  stream: string,
  seen: readonly Revisit[],
): Promise<void> {
  await tx.execute(sql`
    delete from sync_revisits v
    using jsonb_to_recordset(${JSON.stringify(seen)}::jsonb) as r("externalId" text, "notedIn" text)
    where v.connection_id = ${connectionId} and v.stream = ${stream} and v.external_id = r."externalId"
      and v.wants_entity = '' and v.noted_in::text = r."notedIn"`)
}

/**
 * Forgets what was waiting for the records of a page, and remembers the named records that are still missing. What was asked
 * for stays: whether it was seen late enough only `settleRevisits` tells.
 */
export async function writeRevisits(
  tx: Transaction,
  connectionId: string,
  stream: Stream,
  seen: readonly {
    candidate: Candidate
    write: EntityWrite | null
    waitsFor?: EntityWrite['references']
    isDeferred?: boolean
  }[],
  gone: readonly string[],
  now: Date,
): Promise<void> {
  if (!stream.fetch) return
  const ids = [...gone, ...seen.map((one) => one.candidate.externalId)]
  await tx.execute(sql`
    delete from sync_revisits
    where connection_id = ${connectionId} and stream = ${stream.name} and external_id = any(${ids})
      and wants_entity <> ''`)
  const rows = seen.flatMap(({ candidate, write, waitsFor }) =>
    Object.entries(waitsFor ?? write?.references ?? {}).flatMap(([field, named]) =>
      named
        .filter((one) => one.localId === null)
        .map((one) => ({
          externalId: candidate.externalId,
          entity: candidate.references[field]?.entity ?? '',
          wanted: one.externalId,
        })),
    ),
  )
  for (const { candidate, isDeferred } of seen) {
    if (isDeferred) rows.push({ externalId: candidate.externalId, entity: '', wanted: '' })
  }
  if (rows.length === 0) return
  await tx.execute(sql`
    insert into sync_revisits (connection_id, stream, external_id, wants_entity, wants_external_id, since)
    select ${connectionId}, ${stream.name}, "externalId", entity, wanted, ${now}
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r("externalId" text, entity text, wanted text)
    on conflict (connection_id, stream, external_id, wants_entity, wants_external_id) do update
    set noted_in = excluded.noted_in`)
}
