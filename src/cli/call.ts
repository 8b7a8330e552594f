import type { App } from '#app.ts'
import { callOperation } from '#gateway/call.ts'
import type { Principal } from '#gateway/operation.ts'

/**
 * Performs an operation by its id as the command's own principal.
 * @param scopes  what the operation asks for beside its own scope.
 */
export async function call<Wire>(
  app: App,
  workspaceId: string,
  operationId: string,
  input: unknown,
  scopes: readonly string[] = [],
): Promise<Wire> {
  const operation = app.operations.find(({ id }) => id === operationId)
  if (!operation) throw new Error(`there is no operation ${operationId}`)
  return (await callOperation(
    app.store,
    operation,
    systemPrincipal(workspaceId, operation.scope, scopes),
    input,
    app.clock.now(),
  )) as Wire
}

/** Who acts when a command does: it stands at the machine, and has just the scope that it needs. */
export function systemPrincipal(
  workspaceId: string,
  scope: string | null,
  more: readonly string[] = [],
): Principal {
  return {
    id: 'cli',
    kind: 'system',
    workspaceId,
    scopes: new Set(scope === null ? more : [scope, ...more]),
    rateLimitPerMinute: Number.MAX_SAFE_INTEGER,
  }
}
