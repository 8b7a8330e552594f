import { sql } from 'kysely'
import type { Transaction } from '#store/store.ts'
import type { LineageUse } from './lineage.schema.ts'

const LIMIT = 100
/** Messages to other systems are looked through from the newest back, so many at most. */
const MESSAGES = 5000

/**
 * Where the field went as a value that is kept: scores that were worked out from it, reads and exports that showed it, messages
 * about its record, and weekly reports whose week closed a deal that it is part of.
 */
export function listTold(tx: Transaction, record: string, field: string): Promise<LineageUse[]> {
  const own = sql`workspace_id = ${tx.workspaceId}`
  const quoted = [`"${field}"`, `"attributes.${field}"`]
  return tx.query(sql<LineageUse>`
    with person as (select person_id from leads where ${own} and id = ${record}),
    deals as (
      select opportunity_id as id from opportunity_people where ${own} and person_id in (select person_id from person)
      union select id from opportunities where ${own} and id = ${record}
    )
    (select 'lead_score' as kind, l.id, l.score || ' points by version ' || l.score_version as detail
      from leads l join scoring_versions v on v.workspace_id = l.workspace_id and v.version = l.score_version
      where l.workspace_id = ${tx.workspaceId} and l.id = ${record}
        and exists (select 1 from unnest(${quoted}::text[]) q where position(q in v.model::text) > 0))
    union all
    (select 'export', operation, 'shown ' || count(*) || ' times, the last at ' || max(at) from (
      select detail ->> 'operation' as operation, to_char(occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as at
      from audit_log
      where ${own} and action = 'data.read' and detail -> 'records' ? ${record} and (detail -> 'fields' ?| ${[field, '*']}::text[])
      order by occurred_at desc limit 1000) shown
      group by operation order by operation limit ${LIMIT})
    union all
    (select 'webhook', d.endpoint_id, count(*) || ' messages about the record, ' || count(*) filter (where d.state = 'delivered') || ' of them delivered'
      from (select id, payload from webhook_messages where ${own} order by id desc limit ${MESSAGES}) m
      join webhook_deliveries d on d.message_id = m.id
      where position(${`"${record}"`} in m.payload) > 0
      group by d.endpoint_id order by d.endpoint_id limit ${LIMIT})
    union all
    (select 'weekly_report', r.id, 'the week of ' || r.week || ' closed ' || count(*) || ' deals that it is part of'
      from deals join opportunities o on o.id = deals.id join workspaces w on w.id = o.workspace_id
      join weekly_reports r on r.workspace_id = o.workspace_id
        and r.week = date_trunc('week', o.closed_at at time zone w.time_zone)::date
      where o.workspace_id = ${tx.workspaceId} and o.status = 'won'
      group by r.id, r.week order by r.week desc limit ${LIMIT})`)
}
