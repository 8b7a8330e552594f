import { sql } from 'kysely'
import type { Transaction } from '#store/store.ts'
import type { StoredRule } from './field-rules.ts'

export interface FieldRuleRow extends StoredRule {
  updatedAt: Date
  version: number
}

/** All rules of a connection: at most a few hundred. */
export function listRules(tx: Transaction, connectionId: string): Promise<FieldRuleRow[]> {
  return tx.query(sql<FieldRuleRow>`
    select entity, field, property, direction, policy, transform, updated_at, version from sync_field_rules
    where connection_id = ${connectionId} order by entity, field limit 5000`)
}

/** Adds a rule or replaces that of the field. */
export async function saveRule(
  tx: Transaction,
  connectionId: string,
  rule: StoredRule,
  now: Date,
): Promise<FieldRuleRow> {
  const row = await tx.find(sql<FieldRuleRow>`
    insert into sync_field_rules as known (connection_id, entity, field, property, direction, policy, transform, updated_at)
    values (${connectionId}, ${rule.entity}, ${rule.field}, ${rule.property}, ${rule.direction}, ${rule.policy},
      ${JSON.stringify(rule.transform)}::jsonb, ${now})
    on conflict (connection_id, entity, field) do update
    set property = excluded.property, direction = excluded.direction, policy = excluded.policy,
      transform = excluded.transform, updated_at = excluded.updated_at, version = known.version + 1
    returning entity, field, property, direction, policy, transform, updated_at, version`)
  if (!row) throw new Error('a rule that was written is not there')
  return row
}

/** @returns whether there was one. */
export async function deleteRule(
  tx: Transaction,
  connectionId: string,
  entity: string,
  field: string,
): Promise<boolean> {
  const rows = await tx.execute(sql`
    delete from sync_field_rules
    where connection_id = ${connectionId} and entity = ${entity} and field = ${field}`)
  return rows === 1
}
