import { Problem } from '#core/problem.ts'
import { SECOND_MS } from '#core/time.ts'
import { findZone } from '#core/zone.ts'
import { VendorFault, type Connector, type FieldMapping, type Session } from './connector.ts'
import { explain } from './error-catalogue.ts'

/** A person waits for the answer: a vendor that takes longer counts as not reachable. */
const TIMEOUT_MS = 10 * SECOND_MS

export type Connectors = ReadonlyMap<string, Connector>

/** @throws Problem `request.invalid` for a vendor that this hub has no connector for. */
export function connectorOf(connectors: Connectors, vendor: string): Connector {
  const connector = connectors.get(vendor)
  if (connector) return connector
  const detail = `There are ${[...connectors.keys()].join(', ')}.`
  throw new Problem('request.invalid', `There is no connector for ${vendor}.`, {
    errors: [{ pointer: '/vendor', detail }],
  })
}

/** Opens the connection for one cheap call. @throws Problem `connection.failed` with what to do. */
export function tryOut(
  connector: Connector,
  id: string,
  settings: Record<string, unknown>,
  now: Date,
): Promise<{ account: string; dayZone: string | null; streams: Session['streams'] }> {
  return withSession(connector, id, settings, now, async (session, signal) => {
    const { account, dayZone } = await session.test(signal)
    return {
      account,
      dayZone: dayZone == null ? null : findZone(dayZone),
      streams: session.streams,
    }
  })
}

/** Opens the connection while somebody waits, for ten seconds at most. @throws Problem `connection.failed` with what to do. */
export async function withSession<T>(
  connector: Connector,
  id: string,
  settings: Record<string, unknown>,
  now: Date,
  work: (session: Session, signal: AbortSignal) => Promise<T>,
  mappings: readonly FieldMapping[] = [],
): Promise<T> {
  let session: Session | null = null
  try {
    session = connector.open({
      id,
      settings,
      mappings,
      clock: { now: () => now },
      onCall: () => undefined,
      saveSettings: async (changes) => {
        Object.assign(settings, changes)
      },
      wait: async (_durationMs, signal) => signal.throwIfAborted(),
    })
    return await work(session, AbortSignal.timeout(TIMEOUT_MS))
  } catch (cause) {
    const isTimeout = cause instanceof Error && cause.name === 'TimeoutError'
    if (!isTimeout && !(cause instanceof VendorFault)) throw cause
    const kind = cause instanceof VendorFault ? cause.kind : 'transient'
    const said = cause instanceof VendorFault ? cause.message : 'No answer within ten seconds.'
    const { title } = explain(`stream.${kind}`)
    throw new Problem(
      'connection.failed',
      `${title}: ${said} Correct the settings and try again.`,
      {
        cause,
      },
    )
  } finally {
    await session?.close()
  }
}
