import { queryOptions } from '@tanstack/react-query'
import type { z } from 'zod'
import { ApiKey, IssuedApiKey } from '#access/api-key.schema.ts'
import { IssuedOAuthClient, OAuthClient } from '#access/oauth/client.schema.ts'
import {
  AccessRule,
  Explanation,
  PermissionGrant,
  Team,
  type ContextRuleFields,
  type NewGrant,
} from '#access/permissions/grant.schema.ts'
import { ScopeList } from '#access/permissions/role.schema.ts'
import { Page } from '#core/page.ts'
import { Owner } from '#domains/sales/owner.schema.ts'
import { act, read } from '#console/api.ts'
import { listQuery } from '#console/list-query.ts'

export type Grant = z.output<typeof PermissionGrant>
export type GrantFields = z.input<typeof NewGrant>
export type TeamRow = z.output<typeof Team>
export type Rule = z.output<typeof AccessRule>
export type RuleFields = z.input<typeof ContextRuleFields>
export type Why = z.output<typeof Explanation>
export type Client = z.output<typeof OAuthClient>
export type Key = z.output<typeof ApiKey>

/** What an act on rights reads again. */
export const AREA = 'access'
const ACCESS = '/api/v1/access'
const CLIENTS = '/api/v1/oauth/clients'
const KEYS = '/api/v1/keys'

const one = (path: string, id: string) => `${path}/${encodeURIComponent(id)}`

export const scopesQuery = queryOptions({
  queryKey: [AREA, 'scopes'],
  queryFn: async ({ signal }) => (await read(ScopeList, `${ACCESS}/scopes`, {}, signal)).data,
})

export function saveRole(name: string, label: string, scopes: string[]): Promise<unknown> {
  return act('PUT', one(`${ACCESS}/roles`, name), { label, scopes })
}

export function deleteRole(name: string): Promise<unknown> {
  return act('DELETE', one(`${ACCESS}/roles`, name))
}

export function grantsQuery(subject: string | undefined) {
  return listQuery([AREA], Page(PermissionGrant), `${ACCESS}/grants`, { subject }, 200)
}

export function createGrant(fields: GrantFields): Promise<unknown> {
  return act('POST', `${ACCESS}/grants`, fields)
}

export function deleteGrant(grantId: string): Promise<unknown> {
  return act('DELETE', one(`${ACCESS}/grants`, grantId))
}

/** All of them: a workspace has at most 200. */
export const teamsQuery = queryOptions({
  queryKey: [AREA, 'teams'],
  queryFn: async ({ signal }) =>
    (await read(Page(Team), `${ACCESS}/teams`, { limit: 200 }, signal)).data,
})

/** The first 200 owners, to choose from. */
export const ownersQuery = queryOptions({
  queryKey: [AREA, 'owners'],
  queryFn: async ({ signal }) =>
    (await read(Page(Owner), '/api/v1/owners', { limit: 200 }, signal)).data,
})

export function saveTeam(name: string, ownerIds: string[]): Promise<unknown> {
  return act('PUT', one(`${ACCESS}/teams`, name), { ownerIds })
}

export function deleteTeam(name: string): Promise<unknown> {
  return act('DELETE', one(`${ACCESS}/teams`, name))
}

/** All of them: a workspace has at most 200. */
export const rulesQuery = queryOptions({
  queryKey: [AREA, 'rules'],
  queryFn: async ({ signal }) =>
    (await read(Page(AccessRule), `${ACCESS}/rules`, { limit: 200 }, signal)).data,
})

export function createRule(fields: RuleFields): Promise<unknown> {
  return act('POST', `${ACCESS}/rules`, fields)
}

export function deleteRule(ruleId: string): Promise<unknown> {
  return act('DELETE', one(`${ACCESS}/rules`, ruleId))
}

export interface Question {
  principal: string
  scope: string
  record: string | undefined
  team: string | undefined
}

export function whyExport(question: Question) {
  return { path: `${ACCESS}/explain`, fields: { ...question }, isList: false }
}

export function whyQuery(question: Question) {
  const { path, fields } = whyExport(question)
  return queryOptions({
    queryKey: [AREA, 'why', fields],
    queryFn: ({ signal }) => read(Explanation, path, fields, signal),
  })
}

export const clientsQuery = listQuery([AREA], Page(OAuthClient), CLIENTS)

export interface ClientFields {
  name: string
  kind: Client['kind']
  redirectUris: string[]
  scopes: string[]
}

/** @returns the secret, shown this once; a native client has none. */
export async function createClient(fields: ClientFields): Promise<string | null> {
  return IssuedOAuthClient.parse(await act('POST', CLIENTS, fields)).secret
}

export async function rotateClient(id: string, overlapHours: number): Promise<string | null> {
  const answer = await act('POST', `${one(CLIENTS, id)}/rotate`, { overlapHours })
  return IssuedOAuthClient.parse(answer).secret
}

export function revokeClient(id: string): Promise<unknown> {
  return act('DELETE', one(CLIENTS, id))
}

export const keysExport = { path: KEYS, fields: {} }

export const keysQuery = listQuery([AREA], Page(ApiKey), KEYS)

export interface KeyFields {
  name: string
  roles: string[]
  scopes: string[]
  tenants: string[] | null
  rateLimitPerMinute: number
  expiresAt: Date | null
}

/** @returns the key, shown this once. */
export async function createKey(fields: KeyFields): Promise<string> {
  return IssuedApiKey.parse(await act('POST', KEYS, fields)).key
}

export async function rotateKey(id: string, overlapHours: number): Promise<string> {
  return IssuedApiKey.parse(await act('POST', `${one(KEYS, id)}/rotate`, { overlapHours })).key
}

export function revokeKey(id: string): Promise<unknown> {
  return act('DELETE', one(KEYS, id))
}
