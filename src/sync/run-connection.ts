import { CallBudget } from './call-budget.ts'
import { CallLedger } from './call-ledger.ts'
import type { ReadBack } from './connection.schema.ts'
import type { Connector, OpenConnection, Session, VendorCall } from './connector.ts'
import { findConnection, readSettings, updateConnection } from './connection.store.ts'
import type { Engine } from './engine.ts'
import { mappingsOf, type StoredRule } from './field-rules.ts'
import { listRules } from './field-rule.store.ts'
import type { RunRow } from './run.store.ts'

/** A call to the vendor as a span, by the template of its path. */
function noteCall(engine: Engine, vendor: string, call: VendorCall): void {
  const { method, path, status, durationMs } = call
  const attributes = {
    'http.request.method': method,
    'url.template': path,
    'http.response.status_code': status,
    'throughline.vendor': vendor,
  }
  const failure = status === 0 ? 'no_answer' : status >= 400 ? String(status) : null
  engine.tracer?.note(`${method} ${path}`, { kind: 'client', attributes }, durationMs, failure)
}

/** Opens the connection, or null when it is gone or its vendor is not known to this version. */
export async function openForRun(
  engine: Engine,
  workspaceId: string,
  row: RunRow,
): Promise<{
  session: Session
  vendor: string
  readBack: ReadBack
  calls: CallLedger
  budget: CallBudget
  rules: readonly StoredRule[]
  connector: Connector
  settings: Record<string, unknown>
} | null> {
  const found = await engine.store.transaction(workspaceId, async (tx) => {
    const connection = await findConnection(tx, row.connectionId)
    if (!connection) return null
    const settings = await readSettings(tx, row.connectionId)
    return { connection, settings, rules: await listRules(tx, row.connectionId) }
  })
  const connector = found && engine.connectors.get(found.connection.vendor)
  if (!found?.settings || !connector) return null
  const calls = new CallLedger()
  const connection = openConnection(
    engine,
    workspaceId,
    row.connectionId,
    found.settings,
    (call) => {
      const { status } = call
      calls.note()
      const statusClass = status === 0 ? 'none' : `${Math.floor(status / 100)}xx`
      engine.metrics?.syncCalls.inc({ vendor: connector.vendor, status: statusClass })
      engine.onVendorCall?.(workspaceId, connector.vendor, call)
      noteCall(engine, connector.vendor, call)
    },
  )
  const opened = connector.open({ ...connection, mappings: mappingsOf(found.rules) })
  const session: Session = {
    ...opened,
    async close() {
      await opened.close()
      await connection.budget.close()
    },
  }
  const { rules, settings } = found
  const { readBack } = found.connection
  return {
    session,
    vendor: connector.vendor,
    readBack,
    calls,
    budget: connection.budget,
    rules,
    connector,
    settings,
  }
}

/** What a connector is given to work with. */
export function openConnection(
  engine: Engine,
  workspaceId: string,
  connectionId: string,
  settings: Record<string, unknown>,
  onCall: (call: VendorCall) => void,
): OpenConnection & { budget: CallBudget } {
  const budget = new CallBudget(engine.store, engine.clock, workspaceId, connectionId)
  return {
    budget,
    id: connectionId,
    settings,
    clock: engine.clock,
    beforeCall: () => budget.take(),
    onCall(call) {
      onCall(call)
      engine.log.debug({ connectionId, ...call }, 'vendor call')
    },
    async saveSettings(changes) {
      await engine.store.transaction(workspaceId, async (tx) => {
        const known = await readSettings(tx, connectionId, 'lock')
        if (!known) return
        const now = engine.clock.now()
        await updateConnection(tx, connectionId, { settings: { ...known, ...changes } }, now)
      })
    },
    wait: (durationMs, signal) => engine.wait(durationMs, signal),
    ...(engine.callTimeoutMs === undefined ? {} : { timeoutMs: engine.callTimeoutMs }),
  }
}
