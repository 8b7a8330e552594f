import type { z } from 'zod'
import { keyRow } from '#access/api-key.operations.ts'
import { newSecret } from '#access/api-key.rules.ts'
import { IssuedApiKey, ApiKey, ApiKeyRef } from '#access/api-key.schema.ts'
import { countLiveOwnKeys, insertKey, revokeOwnKey } from '#access/api-key.store.ts'
import { mayBeInOwnKey } from '#access/own-key.rules.ts'
import { NewOwnKey } from '#access/own-key.schema.ts'
import { scopes as known } from '#access/roles.ts'
import { sessionOf } from '#access/sign-in/account.operations.ts'
import { newId } from '#core/id.ts'
import { Problem } from '#core/problem.ts'
import { DAY_MS } from '#core/time.ts'
import { defineOperation, type Principal } from '#gateway/operation.ts'

const MOST_LIVE = 20
const own = { scope: 'account:write', tag: 'Account' } as const

export const createOwnKey = defineOperation({
  ...own,
  id: 'createOwnKey',
  method: 'POST',
  path: '/api/v1/account/keys',
  summary: 'Make an API key of one’s own',
  description:
    'It can do what its person may at the time of each call, within the scopes it is given: fewer roles make it less, and with the person’s access it ends. It cannot sign for a person, give rights or make keys. The key itself is in this answer and nowhere else.',
  event: 'own_key.created',
  freshWithinMinutes: 15,
  subject: (key) => key.id,
  row: keyRow,
  input: NewOwnKey,
  output: IssuedApiKey,
  async perform({ name, scopes, expiresInDays }, context) {
    sessionOf(context)
    const { tx, principal, now } = context
    if ((await countLiveOwnKeys(tx, principal.id, now)) >= MOST_LIVE)
      throw new Problem(
        'request.invalid',
        `You have ${MOST_LIVE} keys: revoke those that you do not need.`,
      )
    const { token, prefix, secretHash } = newSecret()
    const key: ApiKey = {
      id: newId('key'),
      name,
      prefix,
      roles: [],
      scopes: scopesFor(principal, scopes),
      rateLimitPerMinute: 600,
      tenants: null,
      ownerId: principal.id as `usr_${string}`,
      createdAt: now,
      expiresAt: new Date(now.getTime() + expiresInDays * DAY_MS),
      revokedAt: null,
      rotatedTo: null,
      lastUsedAt: null,
    }
    await insertKey(tx, tx.workspaceId, key, secretHash, principal.id)
    return { ...key, key: token }
  },
})

export const revokeOwnKeyOperation = defineOperation({
  ...own,
  id: 'revokeOwnKey',
  method: 'DELETE',
  path: '/api/v1/account/keys/{keyId}',
  summary: 'Revoke an API key of one’s own',
  description: 'It stops working within five seconds, everywhere.',
  event: 'own_key.revoked',
  subject: (key) => key.id,
  row: { ...keyRow, field: 'keyId' },
  input: ApiKeyRef,
  output: ApiKey,
  async perform({ keyId }, context) {
    sessionOf(context)
    const { tx, principal, now } = context
    const key = await revokeOwnKey(tx, principal.id, keyId, now)
    if (!key) throw new Problem('resource.not_found', 'You have no key with this id.')
    return key
  },
})

/**
 * The scopes that are asked for, or all that the person has and a key may hold.
 * @throws Problem `request.invalid` or `auth.forbidden` at the first that cannot be had.
 */
function scopesFor(principal: Principal, asked: z.output<typeof NewOwnKey>['scopes']): string[] {
  if (asked === null) return [...principal.scopes].filter(mayBeInOwnKey).toSorted()
  for (const [i, scope] of asked.entries()) {
    const refuse = (detail: string) =>
      new Problem('request.invalid', detail, { errors: [{ pointer: `/scopes/${i}`, detail }] })
    if (!Object.hasOwn(known, scope)) throw refuse('There is no such scope: see the documentation.')
    if (!mayBeInOwnKey(scope)) throw refuse(`${scope} is for people in person, not for their keys.`)
    if (!principal.scopes.has(scope))
      throw new Problem('auth.forbidden', `You do not have ${scope} yourself.`)
  }
  return [...new Set(asked)].toSorted()
}
