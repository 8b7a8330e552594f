import type { Provider } from 'oidc-provider'
import type { Signals } from '#access/threats/signals.ts'

/** The workspace of a client as the library holds it, in the field that we added. */
export const workspaceOfClient = (client: object): string =>
  String((client as Record<string, unknown>)['workspace'])

/** Tells the watch over attacks of wrong client secrets, and of codes and refresh tokens that were used twice. */
export function tellOfMisuse(provider: Provider, signals: Signals): void {
  provider.on('grant.error', (ctx, error) => {
    if (error.error !== 'invalid_client') return
    const { client, body } = ctx.oidc
    const secret = ctx.get('authorization') || JSON.stringify(body?.['client_secret'] ?? '')
    const target = client ? { id: client.clientId, workspaceId: workspaceOfClient(client) } : null
    signals.wrongSecret(secret, target, { address: ctx.ip, agent: ctx.get('user-agent') })
  })
  // A client that ends its own tokens does so at another route.
  provider.on('grant.revoked', (ctx) => {
    const { client, entities, route } = ctx.oidc
    if (route !== 'token' || !client) return
    const userId = entities.RefreshToken?.accountId ?? entities.AuthorizationCode?.accountId
    signals.tokenReplay(client.clientId, userId ?? null, workspaceOfClient(client))
  })
}
