import { CallBudget } from './call-budget.ts'
import { CallLedger } from './call-ledger.ts'
import { LIVE } from './call-shares.rules.ts'
import type { ReadBack } from './connection.schema.ts'
import {
  VendorFault,
  type Connector,
  type OpenConnection,
  type Session,
  type Stream,
  type VendorCall,
} from './connector.ts'
import { keepDisconnectionSettings } from './disconnection.store.ts'
import { findConnection, readSettings, updateConnection } from './connection.store.ts'
import type { Engine, Run } from './engine.ts'
import { mappingsOf, rulesOf, type StoredRule } from './field-rules.ts'
import { listRules } from './field-rule.store.ts'
import type { StreamFault } from './go-through.ts'
import { integrationOf } from './integration.ts'
import type { Lease } from './lease.ts'
import { Circuit } from './retry.ts'
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

/** Counts a call to the vendor in the metrics, and tells of it. */
export function tellOfCall(
  engine: Engine,
  workspaceId: string,
  vendor: string,
  call: VendorCall,
): void {
  const { status } = call
  const statusClass = status === 0 ? 'none' : `${Math.floor(status / 100)}xx`
  engine.metrics?.syncCalls.inc({ vendor, status: statusClass })
  engine.onVendorCall?.(workspaceId, vendor, call)
  noteCall(engine, vendor, call)
}

/** A connection that was opened for a run. */
export interface Opened {
  session: Session
  vendor: string
  readBack: ReadBack
  calls: CallLedger
  budget: CallBudget
  rules: readonly StoredRule[]
  connector: Connector
  settings: Record<string, unknown>
}

/** Opens the connection, or null when it is gone or its vendor is not known to this version. */
export async function openForRun(
  engine: Engine,
  workspaceId: string,
  row: RunRow,
): Promise<Opened | null> {
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
      calls.note()
      tellOfCall(engine, workspaceId, connector.vendor, call)
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
        if (!known) {
          // What is taken away after a deletion goes by the newest credentials as well.
          if (await keepDisconnectionSettings(tx, connectionId, changes)) return
          throw new VendorFault('gone', 'The connection was deleted in the meantime.')
        }
        const now = engine.clock.now()
        await updateConnection(tx, connectionId, { settings: { ...known, ...changes } }, now)
      })
    },
    readSettings: () => engine.store.read(workspaceId, (tx) => readSettings(tx, connectionId)),
    wait: (durationMs, signal) => engine.wait(durationMs, signal),
    ...(engine.callTimeoutMs === undefined ? {} : { timeoutMs: engine.callTimeoutMs }),
  }
}

/** A run that has taken its connection. */
export function runOf(
  engine: Engine,
  workspaceId: string,
  { id, cause, connectionId }: Pick<RunRow, 'id' | 'cause' | 'connectionId'>,
  { session, vendor, readBack, calls, budget, rules }: Opened,
  lease: Lease,
  signal: AbortSignal,
): Run {
  return {
    id,
    cause,
    workspaceId,
    connectionId,
    vendor,
    readBack,
    session,
    rulesOf: (entity, stream) => rulesOf(entity, stream, rules),
    lease,
    signal,
    patience: {
      circuit: new Circuit(),
      signal,
      wait: (durationMs, abort) => engine.wait(durationMs, abort),
      random: () => engine.random(),
    },
    async beginStream(name) {
      calls.stream = name
      await budget.passTo(cause === 'change' ? LIVE : name)
    },
    async asCheck(work) {
      calls.isCheck = true
      try {
        return await work()
      } finally {
        calls.isCheck = false
      }
    },
    engine,
  }
}

/** The fault of a connection that some domain has not signed as it stands; null when all have, or nobody must. */
export async function waitsFor(
  {
    engine,
    workspaceId,
    connectionId,
    session,
  }: Pick<Run, 'engine' | 'workspaceId' | 'connectionId' | 'session'>,
  { connector, settings }: { connector: Connector; settings: Record<string, unknown> },
  due: readonly Stream[],
): Promise<StreamFault | null> {
  const { approval } = engine
  if (!approval) return null
  const signatures = await engine.store.read(workspaceId, async (tx) =>
    approval.list(tx, await integrationOf(tx, connectionId, connector, settings, session.streams)),
  )
  const missing = signatures.flatMap((one) => (one.approvedAt === null ? [one.domain] : []))
  if (missing.length === 0) return null
  return {
    stream: due[0]?.name ?? '',
    kind: 'approval',
    detail: `Not signed yet for ${missing.join(', ')}.`,
    retryAfterMs: null,
    endsRun: true,
  }
}
