import { sql } from 'kysely'
import type { Transaction } from '#store/store.ts'
import type { ArrivalRow, GivenRow, SystemRow } from './lineage.store.ts'
import type { Place } from './origin.ts'

/** The newest call or import that gave each field. */
export function listLastGiven(
  tx: Transaction,
  places: readonly Place[],
): Promise<(GivenRow & Place)[]> {
  return tx.query(sql<GivenRow & Place>`
    select r.record, r.field, a.at, a.principal_id, a.principal_kind, a.operation, a.request_id, i.id as import_id
    from unnest(${places.map((place) => place.record)}::text[], ${places.map((place) => place.field)}::text[]) as r (record, field)
    cross join lateral (
      select occurred_at as at, principal_id, principal_kind, action as operation, request_id from audit_log
      where workspace_id = ${tx.workspaceId} and subject_id = r.record and action <> 'data.read'
        and (detail -> 'given' ? r.field or detail -> 'changed' ? r.field)
      order by id desc limit 1
    ) a left join imports i on i.id = a.request_id`)
}

/** The call or import that made each touchpoint: one of its own, or the capture of the lead that it came with. */
export function listTouchMakers(
  tx: Transaction,
  touchpointIds: readonly string[],
): Promise<(GivenRow & { record: string })[]> {
  return tx.query(sql<GivenRow & { record: string }>`
    with touch as (
      select id, person_id, received_at from touchpoints where id = any(${[...touchpointIds]}::text[])
    ), subject as (
      select id as record, id as subject_id, received_at from touch
      union all
      select t.id, l.id, t.received_at from touch t join leads l on l.person_id = t.person_id
        join lead_captures c on c.lead_id = l.id and c.touchpoint_id = t.id
    )
    select distinct on (s.record) s.record, a.occurred_at as at, a.principal_id, a.principal_kind, a.action as operation,
      a.request_id, i.id as import_id
    from subject s
    join audit_log a on a.workspace_id = ${tx.workspaceId} and a.subject_id = s.subject_id and a.occurred_at = s.received_at
      and a.action <> 'data.read'
    left join imports i on i.id = a.request_id
    order by s.record, a.id`)
}

/** The newest run that brought each record in before its fields had a history. */
export function listLastArrivals(
  tx: Transaction,
  entities: readonly string[],
  records: readonly string[],
): Promise<(ArrivalRow & { record: string; entity: string })[]> {
  return tx.query(sql<ArrivalRow & { record: string; entity: string }>`
    select r.record, o.at, o.run_id, o.connection_id, o.stream, o.entity, o.external_id
    from unnest(${[...records]}::text[]) as r (record)
    cross join lateral (
      select s.at, s.run_id, s.stream, s.entity, s.external_id, n.connection_id
      from sync_outcomes s join sync_runs n on n.id = s.run_id
      where s.workspace_id = ${tx.workspaceId} and s.entity = any(${[...entities]}::text[]) and s.local_id = r.record
        and s.direction = 'pull' and s.outcome = 'created'
      order by s.at desc limit 1
    ) o`)
}

/** The streams that carry these entities. */
export function listCarriers(
  tx: Transaction,
  entities: readonly string[],
): Promise<Omit<SystemRow, 'externalId'>[]> {
  return tx.query(sql<Omit<SystemRow, 'externalId'>>`
    select c.id as connection_id, c.name as system, c.vendor, s.entity, s.name as stream
    from connections c join sync_streams s on s.connection_id = c.id and s.entity = any(${[...entities]}::text[])
    where c.workspace_id = ${tx.workspaceId} order by c.id, s.position limit 100`)
}
