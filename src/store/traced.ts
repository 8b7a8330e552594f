import { currentTrace, type Tracer } from '#core/trace.ts'
import type { Store } from '#store/store.ts'

/** The same store, with a span for each transaction of work that is traced. What engines do by themselves has none. */
export function traceStore(store: Store, tracer: Tracer): Store {
  const spanned = <T>(kind: string, workspaceId: string, run: () => Promise<T>): Promise<T> =>
    currentTrace() === null
      ? run()
      : tracer.span(
          kind,
          {
            attributes: { 'db.system.name': 'postgresql', 'throughline.workspace_id': workspaceId },
          },
          run,
        )
  return {
    transaction: (id, work) => spanned('transaction', id, () => store.transaction(id, work)),
    read: (id, work) => spanned('read', id, () => store.read(id, work)),
    system: (work) => store.system(work),
    aside: (statement, timeoutMs) => store.aside(statement, timeoutMs),
    sealerOf: (id) => store.sealerOf(id),
    createKeys: (tx, id) => store.createKeys(tx, id),
    listen: (channel, onNotify) => store.listen(channel, onNotify),
    ping: (timeoutMs) => store.ping(timeoutMs),
    connectionString: store.connectionString,
    close: () => store.close(),
  }
}
