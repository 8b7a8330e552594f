import { sql } from 'kysely'
import type { Transaction } from '#store/store.ts'
import { listRunChanges } from './change.store.ts'
import { readStandings, type LinkStanding } from './change-plan.store.ts'
import type { Side } from './change-plan.rules.ts'
import type { Entity, EntityRecord } from './entity.ts'
import { effectsOf, type Effect } from './undo.rules.ts'

/** A stream of a run. */
interface UndoPlace {
  runId: string
  connectionId: string
  stream: string
}

/** A record that a run wrote, and how it stands now as far as the hub knows. */
export interface AffectedRecord {
  localId: string
  /** As the run named it. */
  externalId: string | null
  /** The run made it on this side. */
  made: Side | null
  /** The run deleted it on this side, or took in that it was. */
  deleted: Side | null
  /** It changed a record that was there. */
  isUpdated: boolean
  at: Date
  effects: readonly Effect[]
  record: EntityRecord | null
  standing: LinkStanding | null
}

interface OutcomeSum {
  localId: string
  externalId: string | null
  said: string[]
  at: Date
}

/** The next records that a run wrote in a stream, by id, with all that an undo is decided by. Five statements beside the module's. */
export async function listAffected(
  tx: Transaction,
  place: UndoPlace,
  entity: Entity,
  after: string,
  limit: number,
): Promise<{ records: AffectedRecord[]; last: string | null }> {
  const sums = await tx.query(sql<OutcomeSum>`
    select local_id, max(external_id) as external_id, array_agg(direction || ' ' || outcome) as said, max(at) as at
    from sync_outcomes
    where workspace_id = ${tx.workspaceId} and entity = ${entity.name} and local_id > ${after}
      and run_id = ${place.runId} and stream = ${place.stream} and outcome not in ('unchanged', 'skipped')
    group by local_id order by local_id limit ${limit}`)
  const ids = sums.map((one) => one.localId)
  if (ids.length === 0) return { records: [], last: null }
  const { connectionId } = place
  const changes = await listRunChanges(tx, { ...place, entity: entity.name }, ids)
  const records = new Map(
    ((await entity.load?.(tx, ids)) ?? []).map((record) => [record.localId, record]),
  )
  const standings = await readStandings(tx, connectionId, entity.name, ids)
  const whichSide = (said: readonly string[], what: string): Side | null =>
    said.includes(`push ${what}`) ? 'there' : said.includes(`pull ${what}`) ? 'here' : null
  return {
    last: sums.length < limit ? null : (ids.at(-1) ?? null),
    records: sums.map(({ localId, externalId, said, at }) => ({
      localId,
      externalId,
      made: whichSide(said, 'created'),
      deleted: whichSide(said, 'deleted'),
      isUpdated: whichSide(said, 'updated') !== null,
      at,
      effects: effectsOf(changes.get(localId) ?? []),
      record: records.get(localId) ?? null,
      standing: standings.get(localId) ?? null,
    })),
  }
}

/** Who last changed a field of a record after a moment: a principal, or `crm` for somebody in the connected system. */
interface LaterAuthor {
  by: string
  at: Date
}

export const authorKey = (localId: string, side: Side, field: string) =>
  `${localId} ${side} ${field}`

/** By record, side and field: who changed it since a run, as the history of syncs and the audit log tell. Two statements. */
export async function listLaterAuthors(
  tx: Transaction,
  place: { connectionId: string; entity: string; runId: string },
  edited: readonly { localId: string; field: string }[],
  since: Date,
): Promise<Map<string, LaterAuthor>> {
  const authors = new Map<string, LaterAuthor>()
  if (edited.length === 0) return authors
  const rows = JSON.stringify(edited)
  const note = (key: string, by: string, at: Date) => {
    const known = authors.get(key)
    if (!known || known.at < at) authors.set(key, { by, at })
  }
  const synced = await tx.query(sql<{
    localId: string
    field: string
    isSent: boolean
    actor: string | null
    at: Date
  }>`
    select distinct on (r."localId", r.field) r."localId" as local_id, r.field, c.actor, c.at,
      exists (select from sync_outcomes o where o.run_id = c.run_id and o.local_id = c.local_id and o.direction = 'push'
        and o.outcome = 'updated') as is_sent
    from jsonb_to_recordset(${rows}::jsonb) as r("localId" text, field text)
    join sync_changes c on c.workspace_id = ${tx.workspaceId} and c.entity = ${place.entity} and c.local_id = r."localId"
      and r.field = any(c.fields)
    where c.connection_id = ${place.connectionId} and c.at >= ${since} and c.run_id is distinct from ${place.runId}
    order by r."localId", r.field, c.id desc`)
  for (const { localId, field, actor, isSent, at } of synced) {
    if (!isSent) note(authorKey(localId, 'here', field), actor ?? 'crm', at)
    if (isSent || actor !== null) note(authorKey(localId, 'there', field), actor ?? 'hub', at)
  }
  const given = await tx.query(sql<{ localId: string; field: string; by: string; at: Date }>`
    select distinct on (r."localId", r.field) r."localId" as local_id, r.field, a.principal_id as by, a.occurred_at as at
    from jsonb_to_recordset(${rows}::jsonb) as r("localId" text, field text)
    join audit_log a on a.workspace_id = ${tx.workspaceId} and a.subject_id = r."localId" and a.action <> 'data.read'
      and (a.detail -> 'given' ? r.field or a.detail -> 'changed' ? r.field)
    where a.occurred_at >= ${since}
    order by r."localId", r.field, a.occurred_at desc`)
  for (const { localId, field, by, at } of given) note(authorKey(localId, 'here', field), by, at)
  return authors
}

/** Since when a run may have written: what came before it is no later edit. */
export async function findRunSpan(
  tx: Transaction,
  runId: string,
): Promise<{ startedAt: Date; endedAt: Date } | null> {
  return tx.find(sql<{ startedAt: Date; endedAt: Date }>`
    select coalesce(started_at, queued_at) as started_at, ended_at from sync_runs
    where id = ${runId} and ended_at is not null`)
}
