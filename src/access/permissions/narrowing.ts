import { judge, type ContextRule } from '#access/permissions/context.rules.ts'
import type { PermissionRows } from '#access/permissions/permission.store.ts'
import { coversScope, decide, pathOf, type Grant } from '#access/permissions/permissions.rules.ts'
import { allScopes, scopesOf } from '#access/roles.ts'
import type { Narrowing } from '#gateway/operation.ts'

export interface Rights {
  scopes: Set<string>
  narrowing: Narrowing | null
}

/**
 * What a bearer may do: the scopes that hold for whole domains, and what narrows or opens single teams and records. Most have
 * no grants of their own: for them there is nothing to ask beside the set of scopes.
 *
 * @param own  scopes given beside the roles.
 * @param tenants  the customer accounts that a key is limited to; null for all.
 */
export function rightsOf(
  roles: readonly string[],
  own: readonly string[],
  rows: PermissionRows,
  tenants: readonly string[] | null,
): Rights {
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
    narrowing: narrowingOf({ roles, roleScopes, grants, deep, rules, teams, tenants }),
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
}): Narrowing {
  const { roles, roleScopes, grants, deep, rules, tenants } = parts
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
    judge: (call) => {
      const verdict = judge(rules, { ...call, roles })
      return verdict.kind === 'allow' ? verdict : { kind: verdict.kind, rule: verdict.rule.name }
    },
  }
}
