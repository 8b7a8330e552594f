import type { Transaction } from '#store/store.ts'
import { listPlaceChanges } from './change.store.ts'
import type { Entity } from './entity.ts'
import { mappingsOfStream } from './field.operations.ts'
import type { FieldMappingView } from './field.schema.ts'
import { broughtBy, entitiesOf } from './lineage.rules.ts'
import type { SystemRow } from './lineage.store.ts'
import type { Connectors } from './open-session.ts'
import { listCarriers, listLastArrivals, listLastGiven, listTouchMakers } from './origin.store.ts'
import { placeKey, type ListOrigins, type Origin, type Place } from './origin.ts'

const NONE = {
  connectionId: null,
  system: null,
  vendor: null,
  sourceRecord: null,
  properties: null,
  runId: null,
  importId: null,
  principalId: null,
  principalKind: null,
  operation: null,
  requestId: null,
} satisfies Partial<Origin>

interface Carrier extends Omit<SystemRow, 'externalId'> {
  mappings: readonly FieldMappingView[]
}

/**
 * Says of many fields at once what set them, as `getLineage` says of one: the newest of a sync that brought it, an import and a
 * call. So many statements a page, however many places it has.
 */
export function createListOrigins(
  connectors: Connectors,
  entities: ReadonlyMap<string, Entity>,
): ListOrigins {
  return async (tx, places, now) => {
    const origins = new Map<string, Origin>()
    const take = (place: Place, origin: Origin) => {
      const known = origins.get(placeKey(place))
      if (!known || origin.at >= known.at) origins.set(placeKey(place), origin)
    }
    const whole = places.filter((place) => place.field === null)
    const fields = places.filter((place) => place.field !== null)
    for (const { record, ...row } of await listTouchMakers(
      tx,
      whole.map((place) => place.record),
    ))
      take({ record, field: null }, given(row))
    for (const { record, field, ...row } of await listLastGiven(tx, fields))
      take({ record, field }, given(row))
    const names = [...new Set(fields.flatMap(({ record }) => entitiesOf(record)))]
    if (names.length === 0) return origins
    const carriers: Carrier[] = []
    for (const row of await listCarriers(tx, names))
      carriers.push({
        ...row,
        mappings: await mappingsOfStream(connectors, entities, tx, row, now),
      })
    for (const [place, origin] of await synced(tx, names, fields, carriers)) take(place, origin)
    return origins
  }
}

function given(row: Pick<Origin, 'at' | 'importId'> & Partial<Origin>): Origin {
  return { ...NONE, ...row, kind: row.importId === null ? 'call' : 'import' }
}

async function synced(
  tx: Transaction,
  names: readonly string[],
  fields: readonly Place[],
  carriers: readonly Carrier[],
): Promise<[Place, Origin][]> {
  const via = (field: string | null, of: (one: Carrier) => boolean) => {
    const carrier = carriers.find(of)
    const mapping = carrier?.mappings.find((one) => one.field === field)
    const { system = null, vendor = null } = carrier ?? {}
    return { mapping, facts: { system, vendor, properties: mapping?.properties ?? null } }
  }
  const found: [Place, Origin][] = []
  const asked = Map.groupBy(fields, ({ record }) => record)
  for (const row of await listLastArrivals(tx, names, [...asked.keys()]))
    for (const place of asked.get(row.record) ?? []) {
      const { connectionId, externalId: sourceRecord, runId, at, stream } = row
      const { mapping, facts } = via(
        place.field,
        (one) => one.connectionId === connectionId && one.stream === stream,
      )
      if (mapping && mapping.direction !== 'push')
        found.push([
          place,
          { ...NONE, ...facts, kind: 'sync', at, connectionId, sourceRecord, runId },
        ])
    }
  for (const { place, row } of await listPlaceChanges(tx, names, fields, broughtBy)) {
    const { connectionId, externalId: sourceRecord, runId, at, actor: principalId, entity } = row
    const { facts } = via(
      place.field,
      (one) => one.connectionId === connectionId && one.entity === entity,
    )
    found.push([
      place,
      { ...NONE, ...facts, kind: 'sync', at, connectionId, sourceRecord, runId, principalId },
    ])
  }
  return found
}
