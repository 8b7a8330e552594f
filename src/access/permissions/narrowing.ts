import { judge, type ContextRule, type Verdict } from '#access/permissions/context.rules.ts'
import type { PermissionRows } from '#access/permissions/permission.store.ts'
import { coversScope, decide, pathOf, type Grant } from '#access/permissions/permissions.rules.ts'
import { allScopes, scopesOf } from '#access/roles.ts'
import type { Leave, Narrowing } from '#gateway/operation.ts'

export interface Rights {
  scopes: Set<string>
  narrowing: Narrowing | null
}

export interface Bearer {
  roles: readonly string[]
  /** Scopes given beside the roles. */
  scopes: readonly string[]
  rows: PermissionRows
  /** The customer accounts that a key is limited to; null for all. */
  tenants: readonly string[] | null
  /** A person at the console, or what acts for one: an application, a key of their own. */
  isPerson: boolean
}

/**
 * What a bearer may do: the scopes that hold for whole domains, and what narrows or opens single teams and records. Most have
 * no grants of their own: for them there is nothing to ask beside the set of scopes.
 *
 */
export function rightsOf({ roles, scopes: own, rows, tenants, isPerson }: Bearer): Rights {
  const roleScopes = new Set<string>([...scopesOf(roles), ...own, ...rows.customScopes])
  const { grants, rules, teams } = rows
  const scopes =
    grants.length === 0
      ? roleScopes
      : new Set(
          [...new Set([...allScopes, ...roleScopes])].filter(
            (scope) => decide(grants, roleScopes, scope, pathOf(scope)).allowed,
          ),
        )
  const deep = grants.filter(({ node }) => node.startsWith('team:') || node.startsWith('record:'))
  if (deep.length === 0 && rules.length === 0 && tenants === null)
    return { scopes, narrowing: null }
  return {
    scopes,
    narrowing: narrowingOf({ roles, roleScopes, grants, deep, rules, teams, tenants, isPerson }),
  }
}

function narrowingOf(parts: {
  roles: readonly string[]
  roleScopes: ReadonlySet<string>
  grants: readonly Grant[]
  deep: readonly Grant[]
  rules: readonly ContextRule[]
  teams: PermissionRows['teams']
  tenants: readonly string[] | null
  isPerson: boolean
}): Narrowing {
  const { roles, roleScopes, grants, deep, rules, tenants, isPerson } = parts
  const teamsOf = new Map<string, string[]>()
  for (const { name, ownerIds } of parts.teams)
    for (const ownerId of ownerIds) teamsOf.set(ownerId, [...(teamsOf.get(ownerId) ?? []), name])
  const accounts = tenants === null ? null : new Set(tenants)
  return {
    accounts,
    tellsApart: (scope) => deep.some((grant) => coversScope(grant.scope, scope)),
    reaches: (scope) =>
      deep.some(
        ({ effect, node }) =>
          effect === 'allow' && decide(grants, roleScopes, scope, [...pathOf(scope), node]).allowed,
      ),
    mayTouch(scope, record) {
      const teams = record.ownerId === null ? [] : (teamsOf.get(record.ownerId) ?? [])
      return decide(grants, roleScopes, scope, pathOf(scope, { id: record.id, teams })).allowed
    },
    judge: (call) => leaveOf(judge(rules, { ...call, roles, isPerson })),
  }
}

function leaveOf(verdict: Verdict): Leave {
  switch (verdict.kind) {
    case 'allow':
      return verdict
    case 'step_up':
    case 'deny':
      return { ...verdict, rule: verdict.rule.name }
  }
}
