import { z } from 'zod'
import { refuseUnknownOrGreater } from '#access/grantable.ts'
import { isNetwork } from '#core/network.ts'
import * as schema from '#access/permissions/grant.schema.ts'
import * as store from '#access/permissions/permission.store.ts'
import { coversScope, domainOf, domains } from '#access/permissions/permissions.rules.ts'
import { Role, RoleRef, SaveRole, ScopeList } from '#access/permissions/role.schema.ts'
import { roles, scopes } from '#access/roles.ts'
import { newId } from '#core/id.ts'
import { cutPage, decodeCursor, Page, PageQuery } from '#core/page.ts'
import { Problem } from '#core/problem.ts'
import { findZone } from '#core/zone.ts'
import { defineOperation, type Operation, type ChangedRow } from '#gateway/operation.ts'

/** What audit entries tell of it, before and after. */
const roleRow = {
  table: 'custom_roles',
  key: 'name',
  field: 'name',
  columns: ['label', 'scopes'],
} satisfies ChangedRow

/** What audit entries tell of it, before and after. */
const grantRow = {
  table: 'permission_grants',
  key: 'id',
  columns: ['subject', 'effect', 'scope', 'node'],
} satisfies ChangedRow

/** What audit entries tell of it, before and after. */
const teamRow = {
  table: 'teams',
  key: 'name',
  field: 'name',
  columns: ['owner_ids'],
} satisfies ChangedRow

/** What audit entries tell of it, before and after. */
const ruleRow = { table: 'context_rules', key: 'id', columns: ['rule'] } satisfies ChangedRow

const read = { scope: 'access:read', tag: 'Permissions' } as const
const write = { scope: 'access:write', tag: 'Permissions', freshWithinMinutes: 15 } as const
const MAX_GRANTS = 500

const missing = (what: string) => new Problem('resource.not_found', `There is no such ${what}.`)
const refuse = (pointer: string, detail: string) =>
  new Problem('request.invalid', detail, { errors: [{ pointer, detail }] })

const listScopes = defineOperation({
  ...read,
  id: 'listScopes',
  method: 'GET',
  path: '/api/v1/access/scopes',
  summary: 'List every scope, what it lets its bearer do, and its domain',
  input: z.object({}),
  output: ScopeList,
  perform: () =>
    Promise.resolve({
      data: Object.entries(scopes).map(([name, about]) => ({
        name,
        about,
        domain: domainOf(name),
      })),
    }),
})

const listRoles = defineOperation({
  ...read,
  id: 'listRoles',
  method: 'GET',
  path: '/api/v1/access/roles',
  scope: 'users:read',
  summary: 'List roles, built in and own',
  input: PageQuery,
  output: Page(Role),
  async perform(_input, { tx }) {
    const builtIn = Object.entries(roles).map(([name, role]) => ({
      name,
      label: role.label,
      scopes: [...role.scopes],
      builtIn: true,
    }))
    const own = (await store.listCustomRoles(tx)).map((role) => ({ ...role, builtIn: false }))
    return { data: [...builtIn, ...own], nextCursor: null }
  },
})

const putRole = defineOperation({
  ...write,
  id: 'saveRole',
  method: 'PUT',
  path: '/api/v1/access/roles/{name}',
  summary: 'Make or change an own role',
  description: 'Nobody can put more into a role than they have themselves.',
  event: 'role.saved',
  subject: (role) => role.name,
  row: roleRow,
  input: SaveRole,
  output: Role,
  async perform(role, context) {
    const { tx, principal, now } = context
    if (Object.hasOwn(roles, role.name))
      throw refuse('/name', 'A built-in role has this name and cannot be changed.')
    await refuseUnknownOrGreater(tx, { roles: [], scopes: role.scopes }, principal)
    await store.saveRole(tx, role, now)
    context.audit({ action: 'role.scopes', subjectId: role.name, detail: { scopes: role.scopes } })
    return { ...role, builtIn: false }
  },
})

const removeRole = defineOperation({
  ...write,
  id: 'deleteRole',
  method: 'DELETE',
  path: '/api/v1/access/roles/{name}',
  summary: 'Remove an own role; who has it loses its scopes',
  event: 'role.deleted',
  subject: (role) => role.name,
  row: roleRow,
  input: RoleRef,
  output: Role,
  async perform({ name }, { tx }) {
    const role = await store.deleteRole(tx, name)
    if (!role) throw missing('role')
    return { ...role, builtIn: false }
  },
})

const listAllGrants = defineOperation({
  ...read,
  id: 'listGrants',
  method: 'GET',
  path: '/api/v1/access/grants',
  summary: 'List rights and denials at the nodes of the tree',
  input: schema.ListGrants,
  output: Page(schema.PermissionGrant),
  async perform({ limit, cursor, subject }, { tx }) {
    const before = cursor === undefined ? null : String(decodeCursor(cursor, 1)[0])
    const rows = await store.listGrants(tx, limit, before, subject ?? null)
    return cutPage(rows, limit, (row) => [row.id])
  },
})

const createGrant = defineOperation({
  ...write,
  id: 'createGrant',
  method: 'POST',
  path: '/api/v1/access/grants',
  summary: 'Allow or deny at a node: it holds for everything below, and a denial wins',
  event: 'grant.created',
  subject: (grant) => grant.id,
  row: grantRow,
  input: schema.NewGrant,
  output: schema.PermissionGrant,
  async perform(input, context) {
    const { tx, principal, now } = context
    const domain = /^domain:(.+)$/.exec(input.node)?.[1]
    if (domain !== undefined && !domains.some((name) => name === domain))
      throw refuse('/node', `There are the domains ${domains.join(', ')}.`)
    if (!input.scope.includes('*') && !Object.hasOwn(scopes, input.scope))
      throw refuse('/scope', 'There is no such scope: see the documentation.')
    if (input.effect === 'allow') {
      const greater = Object.keys(scopes).find(
        (scope) =>
          scope !== 'account:write' &&
          coversScope(input.scope, scope) &&
          !principal.scopes.has(scope),
      )
      if (greater !== undefined)
        throw new Problem(
          'auth.forbidden',
          `You cannot give ${greater}, which you do not have yourself.`,
        )
    }
    if ((await store.countGrants(tx, input.subject)) >= MAX_GRANTS)
      throw refuse('/subject', `A subject has at most ${MAX_GRANTS} grants: use a role or a team.`)
    const grant = { id: newId('grt'), ...input, createdAt: now, createdBy: principal.id }
    const kept = await store.insertGrant(tx, grant)
    context.audit({ action: 'grant.details', subjectId: kept.id, detail: { ...input } })
    return kept
  },
})

const removeGrant = defineOperation({
  ...write,
  id: 'deleteGrant',
  method: 'DELETE',
  path: '/api/v1/access/grants/{grantId}',
  summary: 'Take a right or a denial back; it ends within five seconds',
  event: 'grant.deleted',
  subject: (grant) => grant.id,
  row: { ...grantRow, field: 'grantId' },
  input: schema.GrantRef,
  output: schema.PermissionGrant,
  async perform({ grantId }, context) {
    const grant = await store.deleteGrant(context.tx, grantId)
    if (!grant) throw missing('grant')
    const { subject, effect, scope, node } = grant
    context.audit({
      action: 'grant.details',
      subjectId: grantId,
      detail: { subject, effect, scope, node },
    })
    return grant
  },
})

const listAllTeams = defineOperation({
  ...read,
  id: 'listTeams',
  method: 'GET',
  path: '/api/v1/access/teams',
  summary: 'List teams: a record belongs to the teams of its owner',
  input: PageQuery,
  output: Page(schema.Team),
  perform: async (_input, { tx }) => ({ data: await store.listTeams(tx), nextCursor: null }),
})

const putTeam = defineOperation({
  ...write,
  id: 'saveTeam',
  method: 'PUT',
  path: '/api/v1/access/teams/{name}',
  summary: 'Make or change a team',
  event: 'team.saved',
  subject: (team) => team.name,
  row: teamRow,
  input: schema.Team,
  output: schema.Team,
  async perform(team, { tx, now }) {
    await store.saveTeam(tx, team, now)
    return team
  },
})

const removeTeam = defineOperation({
  ...write,
  id: 'deleteTeam',
  method: 'DELETE',
  path: '/api/v1/access/teams/{name}',
  summary: 'Remove a team',
  event: 'team.deleted',
  subject: (team) => team.name,
  row: teamRow,
  input: schema.TeamRef,
  output: schema.Team,
  async perform({ name }, { tx }) {
    const team = await store.deleteTeam(tx, name)
    if (!team) throw missing('team')
    return team
  },
})

const listAllRules = defineOperation({
  ...read,
  id: 'listAccessRules',
  method: 'GET',
  path: '/api/v1/access/rules',
  summary: 'List rules on time, network, kind of data, purpose and device',
  input: PageQuery,
  output: Page(schema.AccessRule),
  async perform(_input, { tx }) {
    return { data: (await store.listRules(tx)).map(toRule), nextCursor: null }
  },
})

const createRule = defineOperation({
  ...write,
  id: 'createAccessRule',
  method: 'POST',
  path: '/api/v1/access/rules',
  summary: 'Tie scopes to circumstances',
  description:
    'Where one of the stated circumstances does not hold, the call is denied or asks for a step-up. The purpose is what the caller states in X-Purpose. A device that does not suffice takes a step-up by a second factor, which confirms it. One’s own account stays open on every device.',
  event: 'access_rule.created',
  subject: (rule) => rule.id,
  row: ruleRow,
  input: schema.ContextRuleFields,
  output: schema.AccessRule,
  async perform({ name, ...rule }, { tx, now }) {
    const wrong = rule.networks.findIndex((network) => !isNetwork(network))
    if (wrong >= 0) throw refuse(`/networks/${wrong}`, 'Write an address or network: 10.0.0.0/8.')
    if (rule.hours !== null && findZone(rule.hours.timeZone) === null)
      throw refuse('/hours/timeZone', 'There is no such time zone: write Europe/Berlin, say.')
    const row = { id: newId('crl'), name, rule, createdAt: now }
    await store.insertRule(tx, row)
    return toRule(row)
  },
})

const removeRule = defineOperation({
  ...write,
  id: 'deleteAccessRule',
  method: 'DELETE',
  path: '/api/v1/access/rules/{ruleId}',
  summary: 'Remove a rule on circumstances',
  event: 'access_rule.deleted',
  subject: (rule) => rule.id,
  row: { ...ruleRow, field: 'ruleId' },
  input: schema.AccessRuleRef,
  output: schema.AccessRule,
  async perform({ ruleId }, { tx }) {
    const row = await store.deleteRule(tx, ruleId)
    if (!row) throw missing('rule')
    return toRule(row)
  },
})

function toRule({ id, name, rule, createdAt }: store.RuleRow): z.infer<typeof schema.AccessRule> {
  return { ...rule, devices: rule.devices ?? null, id: `crl_${id.slice(4)}`, name, createdAt }
}

export const permissionOperations: readonly Operation[] = [
  listScopes,
  listRoles,
  putRole,
  removeRole,
  listAllGrants,
  createGrant,
  removeGrant,
  listAllTeams,
  putTeam,
  removeTeam,
  listAllRules,
  createRule,
  removeRule,
]
