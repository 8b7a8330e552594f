import { createHash } from 'node:crypto'
import type { Transaction } from '#store/store.ts'
import type { Integration } from './approval.ts'
import type { Connector, Stream } from './connector.ts'
import { listRules } from './field-rule.store.ts'
import { hideSecrets } from './settings.rules.ts'

/**
 * What there is to sign of a connection. The fingerprint covers the vendor, the settings without their secrets (a renewed token
 * changes nothing), the streams with their directions, and the workspace's own mappings.
 */
export async function integrationOf(
  tx: Transaction,
  connectionId: string,
  connector: Connector,
  settings: Record<string, unknown>,
  streams: readonly Pick<Stream, 'name' | 'entity' | 'direction'>[],
): Promise<Integration> {
  const rules = await listRules(tx, connectionId)
  const content = [
    connector.vendor,
    Object.entries(hideSecrets(connector.settings, settings)).toSorted(byName),
    streams.map(({ name, entity, direction }) => [name, entity, direction]).toSorted(byName),
    rules.map(({ entity, field, property, direction, policy, transform }) => [
      `${entity}.${field}`,
      property,
      direction,
      policy,
      transform,
    ]),
  ]
  return {
    connectionId,
    entities: [...new Set(streams.map((stream) => stream.entity))],
    fingerprint: createHash('sha256').update(JSON.stringify(content)).digest('base64url'),
  }
}

function byName(a: readonly unknown[], b: readonly unknown[]): number {
  return String(a[0]) < String(b[0]) ? -1 : 1
}
