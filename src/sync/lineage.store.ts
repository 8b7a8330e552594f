import { sql } from 'kysely'
import type { Transaction } from '#store/store.ts'
import type { LineageUse } from './lineage.schema.ts'

const LIMIT = 100

/** A call or an import that gave the field of this record, as the audit log tells. */
export interface GivenRow {
  at: Date
  principalId: string
  principalKind: string
  operation: string
  requestId: string | null
  importId: string | null
}

export function listGiven(tx: Transaction, record: string, field: string): Promise<GivenRow[]> {
  return tx.query(sql<GivenRow>`
    select a.occurred_at as at, a.principal_id, a.principal_kind, a.action as operation, a.request_id, i.id as import_id
    from audit_log a left join imports i on i.id = a.request_id
    where a.workspace_id = ${tx.workspaceId} and a.subject_id = ${record} and a.action <> 'data.read'
      and (a.detail -> 'given' ? ${field} or a.detail -> 'changed' ? ${field})
    order by a.occurred_at desc, a.id desc limit ${LIMIT}`)
}

/** A record that came in by a run before its fields had a history. */
export interface ArrivalRow {
  at: Date
  runId: string
  connectionId: string
  stream: string
  externalId: string | null
}

export function listArrivals(
  tx: Transaction,
  entities: readonly string[],
  record: string,
): Promise<ArrivalRow[]> {
  return tx.query(sql<ArrivalRow>`
    select o.at, o.run_id, r.connection_id, o.stream, o.external_id
    from sync_outcomes o join sync_runs r on r.id = o.run_id
    where o.workspace_id = ${tx.workspaceId} and o.entity = any(${[...entities]}::text[]) and o.local_id = ${record}
      and o.direction = 'pull' and o.outcome = 'created'
    order by o.at desc limit ${LIMIT}`)
}

export function listMerged(tx: Transaction, record: string): Promise<{ id: string; at: Date }[]> {
  return tx.query(sql<{ id: string; at: Date }>`
    select id, updated_at as at from leads where workspace_id = ${tx.workspaceId} and merged_into = ${record}
    order by updated_at desc limit ${LIMIT}`)
}

export interface SystemRow {
  connectionId: string
  system: string
  vendor: string
  entity: string
  stream: string
  externalId: string | null
}

/** The connections with a stream of these entities, and the record's id there where it is linked. */
export function listSystems(
  tx: Transaction,
  entities: readonly string[],
  record: string,
): Promise<SystemRow[]> {
  return tx.query(sql<SystemRow>`
    select c.id as connection_id, c.name as system, c.vendor, s.entity, s.name as stream, l.external_id
    from connections c join sync_streams s on s.connection_id = c.id and s.entity = any(${[...entities]}::text[])
    left join sync_links l on l.connection_id = c.id and l.entity = s.entity and l.local_id = ${record} and l.deleted_at is null
    where c.workspace_id = ${tx.workspaceId} order by c.id, s.position limit ${LIMIT}`)
}

/** Figures, deals and models that rest on the record, and rules whose newest version asks about the field. */
export function listUses(tx: Transaction, record: string, field: string): Promise<LineageUse[]> {
  const own = sql`workspace_id = ${tx.workspaceId}`
  const quoted = [`"${field}"`, `"attributes.${field}"`]
  const asks = (column: string) =>
    sql`exists (select 1 from unnest(${quoted}::text[]) q where position(q in ${sql.ref(column)}::text) > 0)`
  return tx.query(sql<LineageUse>`
    with person as (select person_id from leads where ${own} and id = ${record}),
    deals as (
      select opportunity_id from opportunity_people where ${own} and person_id in (select person_id from person)
      union select id from opportunities where ${own} and id = ${record}
    ), credited as (
      select opportunity_id from deals
      union select op.opportunity_id from opportunity_people op join people p on p.id = op.person_id
        where op.workspace_id = ${tx.workspaceId} and (op.home_id in (select person_id from person) or p.merged_into in (select person_id from person))
    )
    (select 'credit' as kind, model as id, count(distinct opportunity_id) || ' deals in the window of ' || window_days || ' days' as detail
      from credits where ${own} and opportunity_id in (select opportunity_id from credited)
        and (person_id in (select person_id from person) or opportunity_id = ${record})
      group by model, window_days order by model, window_days limit ${LIMIT})
    union all
    (select 'deal', opportunity_id, 'part of the deal' from deals order by opportunity_id limit ${LIMIT})
    union all
    (select 'learned_model', model_id, target from learned_scores where ${own} and subject_id = ${record} order by model_id limit ${LIMIT})
    union all
    (select 'scoring', version::text, 'rules ask about the field' from (
      select version, model from scoring_versions where ${own} order by version desc limit 1) v where ${asks('model')})
    union all
    (select 'routing', version::text, 'rules ask about the field' from (
      select version, rules from routing_versions where ${own} order by version desc limit 1) v where ${asks('rules')})`)
}
