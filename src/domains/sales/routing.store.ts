import { sql } from 'kysely'
import type { Transaction } from '#store/store.ts'
import type { PublishedRow } from './score.store.ts'
import type { RouteCounter, RoutedOwner } from './routing.rules.ts'
import type { RoutingRules } from './routing.schema.ts'

export async function findRouting(tx: Transaction): Promise<PublishedRow<RoutingRules> | null> {
  return tx.find(sql<PublishedRow<RoutingRules>>`
    select version, rules, published_at, published_by from routing_versions
    where workspace_id = ${tx.workspaceId} order by version desc limit 1`)
}

/** Publishes rules under the next version; answers it. */
export async function insertRouting(
  tx: Transaction,
  rules: RoutingRules,
  by: string,
  now: Date,
): Promise<number> {
  const row = await tx.find(sql<{ version: number }>`
    insert into routing_versions (workspace_id, version, rules, published_at, published_by)
    select ${tx.workspaceId}, coalesce(max(version), 0) + 1, ${JSON.stringify(rules)}::jsonb, ${now}::timestamptz, ${by}
    from routing_versions where workspace_id = ${tx.workspaceId}
    returning version`)
  return row!.version
}

export async function listRoutedOwners(tx: Transaction): Promise<RoutedOwner[]> {
  return tx.query(sql<RoutedOwner>`
    select id, active, daily_capacity, absent_from, absent_until from owners where workspace_id = ${tx.workspaceId}`)
}

/** What each owner has got from each rule; today is the UTC day of `now`. */
export async function listCounters(tx: Transaction, now: Date): Promise<RouteCounter[]> {
  return tx.query(sql<RouteCounter>`
    select rule_id, owner_id, assigned, turn, case when day = ${dayOf(now)}::date then assigned_today else 0 end as assigned_today
    from routing_counters where workspace_id = ${tx.workspaceId}`)
}

/** Keeps counters as routing left them. The caller holds `lockLeads`, so that none was read before it changed. */
export async function saveCounters(
  tx: Transaction,
  counters: readonly RouteCounter[],
  now: Date,
): Promise<void> {
  if (counters.length === 0) return
  await tx.execute(sql`
    insert into routing_counters (workspace_id, rule_id, owner_id, assigned, day, assigned_today, turn)
    select ${tx.workspaceId}, r."ruleId", r."ownerId", r.assigned, ${dayOf(now)}::date, r."assignedToday", r.turn
    from jsonb_to_recordset(${JSON.stringify(counters)}::jsonb)
      as r("ruleId" text, "ownerId" text, assigned integer, "assignedToday" integer, turn integer)
    on conflict (workspace_id, rule_id, owner_id) do update set assigned = excluded.assigned, day = excluded.day,
      assigned_today = excluded.assigned_today, turn = excluded.turn`)
}

function dayOf(now: Date): string {
  return now.toISOString().slice(0, 10)
}
