import type { KoaContextWithOIDC } from 'oidc-provider'
import { findTokenBearer, insertRevocation } from '#access/oauth/client.store.ts'
import type { SigningKeys } from '#access/oauth/signing-keys.ts'
import { audienceOf, verifyAccessToken } from '#access/oauth/token.ts'
import { MINUTE_MS, type Clock } from '#core/time.ts'
import type { Store } from '#store/store.ts'

/**
 * Revocation (RFC 7009) and introspection (RFC 7662) of JWT access tokens. The library authenticates the client and then
 * declines, because it keeps no such token; here the answer is completed from our list of ended tokens.
 */
export function endOrShowToken({
  store,
  clock,
  keys,
  publicUrl,
}: {
  store: Store
  clock: Clock
  keys: SigningKeys
  publicUrl: string
}): (ctx: KoaContextWithOIDC, next: () => Promise<void>) => Promise<void> {
  return async (ctx, next) => {
    await next()
    if (!isDeclined(ctx.body)) return
    const client = ctx.oidc?.client
    const sent = ctx.oidc?.params?.['token']
    if (!client || typeof sent !== 'string') return
    const now = clock.now()
    const token = await verifyAccessToken(sent, keys, publicUrl, now)
    const isOwn = token !== null && token.clientId === client.clientId
    ctx.status = 200
    if (ctx.oidc.route === 'revocation') {
      if (isOwn) {
        const until = new Date(token.expiresAt.getTime() + MINUTE_MS)
        await store.system((tx) => insertRevocation(tx, token.jti, until))
      }
      ctx.body = ''
      return
    }
    const { jti, clientId, userId, grantId, scopes, issuedAt, expiresAt } = token ?? {}
    const bearer = isOwn
      ? await store.system((tx) =>
          findTokenBearer(tx, {
            clientId: clientId!,
            userId: userId!,
            ids: grantId ? [jti!, grantId] : [jti!],
          }),
        )
      : null
    ctx.type = 'application/json'
    ctx.body = bearer
      ? {
          active: true,
          iss: publicUrl,
          aud: audienceOf(publicUrl),
          sub: userId ?? clientId,
          client_id: clientId,
          jti,
          scope: scopes!.join(' '),
          iat: issuedAt!.getTime() / 1000,
          exp: expiresAt!.getTime() / 1000,
          token_type: 'Bearer',
        }
      : { active: false }
  }
}

function isDeclined(body: unknown): boolean {
  return (
    typeof body === 'object' &&
    body !== null &&
    'error' in body &&
    body.error === 'unsupported_token_type'
  )
}
