import { sql } from 'kysely'
import type { ContextRule } from '#access/permissions/context.rules.ts'
import type { PermissionGrant } from '#access/permissions/grant.schema.ts'
import type { Grant } from '#access/permissions/permissions.rules.ts'
import type { Queries, Transaction } from '#store/store.ts'

/** All that narrows or widens what somebody may do beyond the built-in roles. */
export interface PermissionRows {
  customScopes: string[]
  grants: Grant[]
  rules: ContextRule[]
  teams: { name: string; ownerIds: string[] }[]
}

/**
 * What a workspace has noted for a bearer of these roles, in one statement.
 * @param subjectId  the person, key or client.
 */
export async function findPermissions(
  tx: Queries,
  workspaceId: string,
  subjectId: string,
  roles: readonly string[],
): Promise<PermissionRows> {
  const subjects = [subjectId, ...roles.map((role) => `role:${role}`)]
  const row = await tx.find(sql<PermissionRows>`
    select
      (select coalesce(array_agg(distinct s), '{}') from custom_roles r, unnest(r.scopes) as s
        where r.workspace_id = ${workspaceId} and r.name = any(${roles})) as custom_scopes,
      (select coalesce(jsonb_agg(jsonb_build_object('id', g.id, 'subject', g.subject, 'effect', g.effect, 'scope', g.scope, 'node', g.node) order by g.id), '[]')
        from permission_grants g where g.workspace_id = ${workspaceId} and g.subject = any(${subjects})) as grants,
      (select coalesce(jsonb_agg(c.rule || jsonb_build_object('id', c.id, 'name', c.name) order by c.id), '[]')
        from context_rules c where c.workspace_id = ${workspaceId}) as rules,
      (select coalesce(jsonb_agg(jsonb_build_object('name', t.name, 'ownerIds', t.owner_ids)), '[]')
        from teams t where t.workspace_id = ${workspaceId}) as teams`)
  return row ?? { customScopes: [], grants: [], rules: [], teams: [] }
}

const grantColumns = sql`id, subject, effect, scope, node, created_at, created_by`

export async function listGrants(
  tx: Transaction,
  limit: number,
  before: string | null,
  subject: string | null,
): Promise<PermissionGrant[]> {
  return tx.query(sql<PermissionGrant>`
    select ${grantColumns} from permission_grants
    where (${before}::text is null or id < ${before}) and (${subject}::text is null or subject = ${subject})
    order by id desc limit ${limit + 1}`)
}

/** Adds a grant, or answers the one that says the same already. */
export async function insertGrant(
  tx: Transaction,
  grant: PermissionGrant,
): Promise<PermissionGrant> {
  const row = await tx.find(sql<PermissionGrant>`
    insert into permission_grants (id, workspace_id, subject, effect, scope, node, created_at, created_by)
    values (${grant.id}, ${tx.workspaceId}, ${grant.subject}, ${grant.effect}, ${grant.scope}, ${grant.node}, ${grant.createdAt}, ${grant.createdBy})
    on conflict (workspace_id, subject, effect, scope, node) do update set node = excluded.node
    returning ${grantColumns}`)
  return row ?? grant
}

export async function deleteGrant(tx: Transaction, id: string): Promise<PermissionGrant | null> {
  return tx.find(sql<PermissionGrant>`
    delete from permission_grants where id = ${id} returning ${grantColumns}`)
}

export async function countGrants(tx: Transaction, subject: string): Promise<number> {
  const row = await tx.find(sql<{ n: number }>`
    select count(*)::int as n from permission_grants where subject = ${subject}`)
  return row?.n ?? 0
}

export interface RoleRow {
  name: string
  label: string
  scopes: string[]
}

export async function listCustomRoles(tx: Transaction): Promise<RoleRow[]> {
  return tx.query(
    sql<RoleRow>`select name, label, scopes from custom_roles order by name limit 200`,
  )
}

export async function saveRole(tx: Transaction, role: RoleRow, now: Date): Promise<void> {
  await tx.execute(sql`
    insert into custom_roles (workspace_id, name, label, scopes, created_at)
    values (${tx.workspaceId}, ${role.name}, ${role.label}, ${role.scopes}, ${now})
    on conflict (workspace_id, name) do update set label = excluded.label, scopes = excluded.scopes`)
}

export async function deleteRole(tx: Transaction, name: string): Promise<RoleRow | null> {
  return tx.find(sql<RoleRow>`
    delete from custom_roles where name = ${name} returning name, label, scopes`)
}

export async function listTeams(tx: Transaction): Promise<{ name: string; ownerIds: string[] }[]> {
  return tx.query(sql<{ name: string; ownerIds: string[] }>`
    select name, owner_ids from teams order by name limit 200`)
}

export async function saveTeam(
  tx: Transaction,
  team: { name: string; ownerIds: readonly string[] },
  now: Date,
): Promise<void> {
  await tx.execute(sql`
    insert into teams (workspace_id, name, owner_ids, created_at) values (${tx.workspaceId}, ${team.name}, ${team.ownerIds}, ${now})
    on conflict (workspace_id, name) do update set owner_ids = excluded.owner_ids`)
}

export async function deleteTeam(
  tx: Transaction,
  name: string,
): Promise<{ name: string; ownerIds: string[] } | null> {
  return tx.find(sql<{ name: string; ownerIds: string[] }>`
    delete from teams where name = ${name} returning name, owner_ids`)
}

export interface RuleRow {
  id: string
  name: string
  rule: Omit<ContextRule, 'id' | 'name'>
  createdAt: Date
}

export async function listRules(tx: Transaction): Promise<RuleRow[]> {
  return tx.query(
    sql<RuleRow>`select id, name, rule, created_at from context_rules order by id limit 200`,
  )
}

export async function insertRule(tx: Transaction, row: RuleRow): Promise<void> {
  await tx.execute(sql`
    insert into context_rules (id, workspace_id, name, rule, created_at)
    values (${row.id}, ${tx.workspaceId}, ${row.name}, ${JSON.stringify(row.rule)}::jsonb, ${row.createdAt})`)
}

export async function deleteRule(tx: Transaction, id: string): Promise<RuleRow | null> {
  return tx.find(sql<RuleRow>`
    delete from context_rules where id = ${id} returning id, name, rule, created_at`)
}

/** The roles and scopes of a person, key or client of this workspace; null when there is none by this id. */
export async function findSubject(
  tx: Transaction,
  id: string,
): Promise<{ roles: string[]; scopes: string[] } | null> {
  return tx.find(sql<{ roles: string[]; scopes: string[] }>`
    select roles, '{}'::text[] as scopes from users where id = ${id} and active
    union all select roles, scopes from api_keys where id = ${id} and revoked_at is null and owner_id is null
    union all select '{}'::text[], scopes from oauth_clients where id = ${id} and revoked_at is null`)
}
