import { hashSecret } from '#access/api-key.rules.ts'
import {
  IssuedOAuthClient,
  ListOAuthClients,
  NewOAuthClient,
  OAuthClient,
  OAuthClientRef,
  RotateOAuthClient,
} from '#access/oauth/client.schema.ts'
import { redirectFaults } from '#access/oauth/client.rules.ts'
import {
  insertClient,
  listClients,
  revokeClient,
  rotateSecret,
} from '#access/oauth/client.store.ts'
import { refuseUnknownOrGreater } from '#access/grantable.ts'
import { newToken } from '#access/session.rules.ts'
import { newId } from '#core/id.ts'
import { cutPage, decodeCursor, Page } from '#core/page.ts'
import { Problem } from '#core/problem.ts'
import { HOUR_MS } from '#core/time.ts'
import { defineOperation, type ChangedRow } from '#gateway/operation.ts'

/** What audit entries tell of it, before and after. */
const clientRow = {
  table: 'oauth_clients',
  key: 'id',
  columns: [
    'name',
    'kind',
    'redirect_uris',
    'scopes',
    'rate_limit_per_minute',
    'authentication',
    'revoked_at',
    'old_secret_until',
  ],
} satisfies ChangedRow

export const createOAuthClient = defineOperation({
  id: 'createOAuthClient',
  method: 'POST',
  path: '/api/v1/oauth/clients',
  scope: 'keys:write',
  tag: 'Access',
  summary: 'Register an OAuth client',
  description:
    'The secret is in this answer and nowhere else. Its scopes are the most that its tokens can ever have.',
  event: 'oauth_client.created',
  subject: (client) => client.id,
  freshWithinMinutes: 15,
  row: clientRow,
  input: NewOAuthClient,
  output: IssuedOAuthClient,
  async perform(input, { tx, principal, now }) {
    await refuseUnknownOrGreater(tx, { roles: [], scopes: input.scopes }, principal)
    const errors = redirectFaults(input.kind, input.redirectUris)
    if (errors.length > 0) throw new Problem('request.invalid', errors[0]!.detail, { errors })
    const secret = input.kind === 'native' ? null : newToken().token
    const client: OAuthClient = {
      id: newId('cli'),
      ...input,
      authentication: secret === null ? 'none' : input.authentication,
      createdAt: now,
      revokedAt: null,
    }
    await insertClient(tx, client, secret === null ? null : hashSecret(secret), principal.id)
    return { ...client, secret }
  },
})

export const listOAuthClients = defineOperation({
  id: 'listOAuthClients',
  method: 'GET',
  path: '/api/v1/oauth/clients',
  scope: 'keys:read',
  tag: 'Access',
  summary: 'List OAuth clients',
  input: ListOAuthClients,
  output: Page(OAuthClient),
  async perform({ limit, cursor }, { tx }) {
    const before = cursor === undefined ? null : String(decodeCursor(cursor, 1)[0])
    return cutPage(await listClients(tx, limit, before), limit, (client) => [client.id])
  },
})

export const rotateOAuthClientSecret = defineOperation({
  id: 'rotateOAuthClientSecret',
  method: 'POST',
  path: '/api/v1/oauth/clients/{clientId}/rotate',
  scope: 'keys:write',
  tag: 'Access',
  summary: 'Give an OAuth client a new secret',
  description: 'The old secret works on for the overlap, so that nothing fails meanwhile.',
  event: 'oauth_client.rotated',
  subject: (client) => client.id,
  freshWithinMinutes: 15,
  row: { ...clientRow, field: 'clientId' },
  input: RotateOAuthClient,
  output: IssuedOAuthClient,
  async perform({ clientId, overlapHours }, { tx, now }) {
    const secret = newToken().token
    const oldUntil = new Date(now.getTime() + overlapHours * HOUR_MS)
    const client = await rotateSecret(tx, clientId, hashSecret(secret), oldUntil)
    if (!client)
      throw new Problem('resource.not_found', 'There is no such client with a secret to rotate.')
    return { ...client, secret }
  },
})

export const revokeOAuthClient = defineOperation({
  id: 'revokeOAuthClient',
  method: 'DELETE',
  path: '/api/v1/oauth/clients/{clientId}',
  scope: 'keys:write',
  tag: 'Access',
  summary: 'Revoke an OAuth client',
  description: 'It and all tokens made for it stop working within five seconds, everywhere.',
  event: 'oauth_client.revoked',
  subject: (client) => client.id,
  row: { ...clientRow, field: 'clientId' },
  input: OAuthClientRef,
  output: OAuthClient,
  async perform({ clientId }, { tx, now }) {
    const client = await revokeClient(tx, clientId, now)
    if (!client) throw new Problem('resource.not_found', 'There is no client with this id.')
    return client
  },
})
