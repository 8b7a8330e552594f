import type { IncomingMessage } from 'node:http'
import type { Provider } from 'oidc-provider'
import { workspaceOfClient } from '#access/oauth/misuse.ts'
import type { MountCaller } from '#gateway/raw-route.ts'

const callers = new WeakMap<IncomingMessage, MountCaller>()

/** Keeps which client called, for the figures and the log; a client that did not prove itself belongs to no workspace. */
export function rememberCallers(provider: Provider): void {
  provider.use(async (ctx, next) => {
    try {
      await next()
    } finally {
      const client = ctx.oidc?.client
      if (client !== undefined && ctx.status !== 401) {
        const { clientId } = client
        callers.set(ctx.req, { workspaceId: workspaceOfClient(client), principalId: clientId })
      }
    }
  })
}

export function callerOf(request: IncomingMessage): MountCaller | null {
  return callers.get(request) ?? null
}
