import { Problem } from '#core/problem.ts'
import type { Transaction } from '#store/store.ts'
import { findConnection, readSettings } from './connection.store.ts'
import type { Session, Stream } from './connector.ts'
import type { Entity } from './entity.ts'
import { listRules, type FieldRuleRow } from './field-rule.store.ts'
import { mappingsOf, rulesOf, type StreamRules } from './field-rules.ts'
import { connectorOf, withSession, type Connectors } from './open-session.ts'

export type Entities = ReadonlyMap<string, Entity>

/** A stream of a connection with its entity and the workspace's rules. */
export interface OpenedStream {
  stream: Stream
  entity: Entity
  rules: StreamRules
  stored: FieldRuleRow[]
}

/**
 * Opens a stream whose fields are merged, while somebody waits.
 * @param drafted  in place of the rules that are kept.
 * @throws Problem `resource.not_found` for unknown connections and streams, and those that are not merged.
 */
export async function withStream<T>(
  connectors: Connectors,
  entities: Entities,
  tx: Transaction,
  { connectionId, stream: name }: { connectionId: string; stream: string },
  now: Date,
  work: (opened: OpenedStream, session: Session, signal: AbortSignal) => Promise<T>,
  drafted: FieldRuleRow[] | null = null,
): Promise<T> {
  const row = await findConnection(tx, connectionId)
  const settings = row && (await readSettings(tx, connectionId))
  if (!row || !settings) {
    throw new Problem('resource.not_found', 'There is no connection with this id.')
  }
  const stored = drafted ?? (await listRules(tx, connectionId))
  const connector = connectorOf(connectors, row.vendor)
  const run = async (session: Session, signal: AbortSignal) => {
    const stream = session.streams.find((one) => one.name === name)
    const entity = stream && entities.get(stream.entity)
    const rules = stream && entity ? rulesOf(entity, stream, stored) : null
    if (!stream || !entity || !rules) {
      const detail = `The connection has no stream ${name} whose fields can be mapped.`
      throw new Problem('resource.not_found', detail)
    }
    const own = stored.filter((rule) => rule.entity === entity.name)
    return work({ stream, entity, rules, stored: own }, session, signal)
  }
  return withSession(connector, connectionId, settings, now, run, mappingsOf(stored))
}
