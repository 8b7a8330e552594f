import { askedBy } from '#access/permissions/context.rules.ts'
import { ExplainQuery, Explanation } from '#access/permissions/grant.schema.ts'
import {
  findPermissions,
  findSubject,
  listCustomRoles,
} from '#access/permissions/permission.store.ts'
import {
  coversScope,
  decide,
  domainOf,
  pathOf,
  type Decision,
} from '#access/permissions/permissions.rules.ts'
import { roles, scopesOf } from '#access/roles.ts'
import { Problem } from '#core/problem.ts'
import { defineOperation, REVEAL_SCOPE } from '#gateway/operation.ts'

/** “Why can X see this?” The same evaluator as at the gate, with everything it looked at. */
export const explainAccess = defineOperation({
  id: 'explainAccess',
  method: 'GET',
  path: '/api/v1/access/explain',
  scope: 'access:read',
  tag: 'Permissions',
  summary: 'Why somebody may or may not do something',
  input: ExplainQuery,
  output: Explanation,
  async perform({ principal, scope, record, team }, { tx }) {
    const subject = await findSubject(tx, principal)
    if (!subject)
      throw new Problem(
        'resource.not_found',
        'There is no active person, key or client by this id.',
      )
    const rows = await findPermissions(tx, tx.workspaceId, principal, subject.roles)
    const ownRoles = new Map((await listCustomRoles(tx)).map((role) => [role.name, role.scopes]))
    const own = [...scopesOf(subject.roles), ...subject.scopes, ...rows.customScopes]
    const isPerson = principal.startsWith('usr_')
    const teams = team === undefined ? [] : [team]
    const path = pathOf(scope, record === undefined ? undefined : { id: record, teams })
    const decision = decide(rows.grants, new Set(own), scope, path)
    const reveal = decide(rows.grants, new Set(own), REVEAL_SCOPE, pathOf(REVEAL_SCOPE))
    return {
      principal,
      roles: subject.roles,
      scope,
      allowed: decision.allowed,
      because: decision.because,
      detail: inWords(decision, scope),
      path,
      decidedBy: decision.grant && pick(decision.grant),
      considered: rows.grants.map((grant) => ({
        ...pick(grant),
        applies: path.includes(grant.node) && coversScope(grant.scope, scope),
      })),
      rolesWithScope: subject.roles.filter((name) =>
        (ownRoles.get(name) ?? roles[name]?.scopes ?? []).some((one) => one === scope),
      ),
      personalValues: reveal.allowed ? ('clear' as const) : ('masked' as const),
      contextRules: rows.rules
        .filter((rule) => rule.scopes.some((pattern) => coversScope(pattern, scope)))
        .flatMap((rule) => {
          const holdsOnly = askedBy(rule, isPerson, scope)
          return holdsOnly === null ? [] : [{ name: rule.name, effect: rule.effect, holdsOnly }]
        }),
    }
  },
})

type GrantLike = NonNullable<Decision['grant']>

const pick = ({ subject, effect, scope, node }: GrantLike) => ({ subject, effect, scope, node })

function inWords(decision: Decision, scope: string): string {
  switch (decision.because) {
    case 'role':
      return `A role or the key itself gives ${scope}, and no denial stands on the way.`
    case 'grant':
      return `Allowed at ${decision.grant?.node} for ${decision.grant?.subject}.`
    case 'denial':
      return `Denied at ${decision.grant?.node} for ${decision.grant?.subject}: a denial wins over every right.`
    case 'default':
      return `Nothing gives ${scope} in ${domainOf(scope)}: what is not allowed is denied.`
  }
}
