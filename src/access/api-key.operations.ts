import {
  ApiKey,
  ApiKeyRef,
  IssuedApiKey,
  ListApiKeys,
  NewApiKey,
  RotateApiKey,
} from '#access/api-key.schema.ts'
import { newSecret } from '#access/api-key.rules.ts'
import { insertKey, listKeys, lockKey, markRotated, revokeKey } from '#access/api-key.store.ts'
import { refuseUnknownOrGreater } from '#access/grantable.ts'
import { newId } from '#core/id.ts'
import { cutPage, decodeCursor, Page } from '#core/page.ts'
import { Problem } from '#core/problem.ts'
import { HOUR_MS } from '#core/time.ts'
import { defineOperation, type ChangedRow } from '#gateway/operation.ts'

/** What audit entries tell of it, before and after. */
export const keyRow = {
  table: 'api_keys',
  key: 'id',
  columns: [
    'name',
    'roles',
    'scopes',
    'rate_limit_per_minute',
    'tenants',
    'expires_at',
    'revoked_at',
    'rotated_to',
  ],
} satisfies ChangedRow

const notFound = () => new Problem('resource.not_found', 'There is no key with this id.')

export const createApiKey = defineOperation({
  id: 'createApiKey',
  method: 'POST',
  path: '/api/v1/keys',
  scope: 'keys:write',
  tag: 'Access',
  summary: 'Make an API key',
  description:
    'The key itself is in this answer and nowhere else. Nobody can give a key more than they have themselves.',
  event: 'api_key.created',
  freshWithinMinutes: 15,
  subject: (key) => key.id,
  row: keyRow,
  input: NewApiKey,
  output: IssuedApiKey,
  async perform(input, { tx, principal, now }) {
    await refuseUnknownOrGreater(tx, input, principal)
    const { token, prefix, secretHash } = newSecret()
    const key: ApiKey = {
      id: newId('key'),
      ...input,
      prefix,
      ownerId: null,
      createdAt: now,
      revokedAt: null,
      rotatedTo: null,
      lastUsedAt: null,
    }
    await insertKey(tx, tx.workspaceId, key, secretHash, principal.id)
    return { ...key, key: token }
  },
})

export const listApiKeys = defineOperation({
  id: 'listApiKeys',
  method: 'GET',
  path: '/api/v1/keys',
  scope: 'keys:read',
  tag: 'Access',
  summary: 'List API keys',
  input: ListApiKeys,
  output: Page(ApiKey),
  csv: [
    { title: 'Id', field: 'id' },
    { title: 'Name', field: 'name' },
    { title: 'Prefix', field: 'prefix' },
    { title: 'Roles', field: 'roles' },
    { title: 'Created', field: 'createdAt' },
    { title: 'Expires', field: 'expiresAt' },
    { title: 'Revoked', field: 'revokedAt' },
    { title: 'Last used', field: 'lastUsedAt' },
  ],
  async perform({ limit, cursor }, { tx }) {
    const before = cursor === undefined ? null : String(decodeCursor(cursor, 1)[0])
    return cutPage(await listKeys(tx, limit, before), limit, (key) => [key.id])
  },
})

export const revokeApiKey = defineOperation({
  id: 'revokeApiKey',
  method: 'DELETE',
  path: '/api/v1/keys/{keyId}',
  scope: 'keys:write',
  tag: 'Access',
  summary: 'Revoke an API key',
  description: 'It stops working within five seconds, everywhere.',
  event: 'api_key.revoked',
  subject: (key) => key.id,
  row: { ...keyRow, field: 'keyId' },
  input: ApiKeyRef,
  output: ApiKey,
  async perform({ keyId }, { tx, now }) {
    const key = await revokeKey(tx, keyId, now)
    if (!key) throw notFound()
    return key
  },
})

export const rotateApiKey = defineOperation({
  id: 'rotateApiKey',
  method: 'POST',
  path: '/api/v1/keys/{keyId}/rotate',
  scope: 'keys:write',
  tag: 'Access',
  summary: 'Replace an API key',
  description:
    'Makes a new key with the same rights; the old one works on for the overlap, so that nothing fails meanwhile.',
  event: 'api_key.rotated',
  freshWithinMinutes: 15,
  subject: (key) => key.id,
  row: { ...keyRow, field: 'keyId' },
  input: RotateApiKey,
  output: IssuedApiKey,
  async perform({ keyId, overlapHours }, { tx, principal, now }) {
    const old = await lockKey(tx, keyId)
    if (!old) throw notFound()
    if (old.ownerId !== null)
      throw new Problem(
        'auth.forbidden',
        'This is a person’s own key: only they make another. You can revoke it.',
      )
    if (old.revokedAt !== null)
      throw new Problem('resource.gone', 'The key was revoked: make a new one.')
    const { token, prefix, secretHash } = newSecret()
    const key: ApiKey = {
      ...old,
      id: newId('key'),
      prefix,
      createdAt: now,
      rotatedTo: null,
      lastUsedAt: null,
    }
    await insertKey(tx, tx.workspaceId, key, secretHash, principal.id)
    await markRotated(tx, keyId, key.id, new Date(now.getTime() + overlapHours * HOUR_MS))
    return { ...key, key: token }
  },
})
