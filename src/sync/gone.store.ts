import { sql } from 'kysely'
import type { Transaction } from '#store/store.ts'
import type { Run } from './engine.ts'
import type { Candidate, Entity } from './entity.ts'
import type { Passage } from './passage.ts'

/**
 * Follows merges at the vendor: the survivor takes over the link of the first record that it took in and that is known
 * here; the links of the others say where their record went. Nothing here is merged: people may decide otherwise.
 */
export async function followGone(
  tx: Transaction,
  run: Pick<Run, 'connectionId' | 'engine'>,
  entity: Entity,
  candidates: readonly Candidate[],
  now: Date,
): Promise<void> {
  const merges = candidates.flatMap(({ externalId, mergedFrom }) =>
    (mergedFrom ?? []).flatMap((from, rank) =>
      from === externalId ? [] : [{ from, into: externalId, rank }],
    ),
  )
  if (merges.length === 0) return
  const recordset = sql`jsonb_to_recordset(${JSON.stringify(merges)}::jsonb) as r("from" text, "into" text, rank integer)`
  const moved = await tx.query(sql<{ localId: string; into: string }>`
    with heirs as (
      select distinct on (r."into") l.local_id, r."into" as external_id
      from ${recordset}
      join sync_links l on l.connection_id = ${run.connectionId} and l.entity = ${entity.name} and l.external_id = r."from"
      where l.gone_to is distinct from r."into" and not exists (
        select from sync_links s
        where s.connection_id = ${run.connectionId} and s.entity = ${entity.name} and s.external_id = r."into")
      order by r."into", r.rank
    )
    update sync_links l set external_id = h.external_id, deleted_at = null, gone_to = null, external_modified_at = null
    from heirs h
    where l.connection_id = ${run.connectionId} and l.entity = ${entity.name} and l.local_id = h.local_id
    returning l.local_id, h.external_id as into`)
  const lost = await tx.query(sql<{ localId: string; into: string }>`
    update sync_links l set gone_to = r."into", deleted_at = coalesce(l.deleted_at, ${now})
    from ${recordset}
    where l.connection_id = ${run.connectionId} and l.entity = ${entity.name} and l.external_id = r."from"
      and l.gone_to is distinct from r."into"
    returning l.local_id, r."into" as into`)
  if (moved.length + lost.length === 0) return
  const events = lost.map(({ localId, into }) => ({
    event: 'sync.merged_there',
    subjectId: localId,
    data: { entity: entity.name, connectionId: run.connectionId, survivor: into },
  }))
  await run.engine.publish(tx, events, now)
}

/** A vendor's lead that became a contact goes on under the same record here: the new link stands beside the old one. */
export async function writeConverted(
  tx: Transaction,
  run: Pick<Run, 'connectionId' | 'engine'>,
  entity: Entity,
  passages: readonly Passage[],
  now: Date,
): Promise<void> {
  const rows = passages.flatMap(({ candidate, outcome }) => {
    const heir = candidate.convertedTo?.find((one) => sharesIds(run, entity.name, one.entity))
    if (!heir || !outcome?.localId) return []
    return [{ localId: outcome.localId, entity: heir.entity, externalId: heir.externalId }]
  })
  if (rows.length === 0) return
  const recordset = sql`jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
    as r("localId" text, entity text, "externalId" text)`
  await tx.execute(sql`
    insert into sync_links (connection_id, entity, local_id, external_id, linked_at)
    select ${run.connectionId}, r.entity, r."localId", r."externalId", ${now} from ${recordset}
    on conflict do nothing`)
  await tx.execute(sql`
    update sync_links l set gone_to = r."externalId", deleted_at = coalesce(l.deleted_at, ${now}) from ${recordset}
    where l.connection_id = ${run.connectionId} and l.entity = ${entity.name} and l.local_id = r."localId"
      and l.gone_to is null`)
}

function sharesIds(run: Pick<Run, 'engine'>, a: string, b: string): boolean {
  const rootOf = (name: string) => run.engine.entities.get(name)?.sharesIdsWith ?? name
  return run.engine.entities.has(b) && rootOf(a) === rootOf(b)
}
