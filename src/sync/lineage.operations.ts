import { z } from 'zod'
import { Problem } from '#core/problem.ts'
import { defineOperation, type Operation } from '#gateway/operation.ts'
import type { Transaction } from '#store/store.ts'
import { listRecordFieldChanges, type ChangeRow } from './change.store.ts'
import { findConnection } from './connection.store.ts'
import { RunId } from './connection.schema.ts'
import type { Entity } from './entity.ts'
import { mappingsOfStream } from './field.operations.ts'
import type { FieldMappingView } from './field.schema.ts'
import {
  Lineage,
  LineageQuery,
  RunLineage,
  type LineageStep,
  type LineageUse,
} from './lineage.schema.ts'
import {
  listArrivals,
  listGiven,
  listMerged,
  listSystems,
  listUses,
  type SystemRow,
} from './lineage.store.ts'
import { broughtBy, entitiesOf } from './lineage.rules.ts'
import { listTold } from './lineage-told.store.ts'
import type { Connectors } from './open-session.ts'
import { runEvents, type RunStream } from './openlineage.rules.ts'
import { listTouchMakers } from './origin.store.ts'
import { findRun } from './run.store.ts'
import { listStreams } from './stream.store.ts'

const TAG = 'Lineage'
const EMPTY = {
  verdict: null,
  reason: null,
  mapping: null,
  connectionId: null,
  system: null,
  vendor: null,
  sourceRecord: null,
  runId: null,
  importId: null,
  principalId: null,
  principalKind: null,
  operation: null,
  requestId: null,
} satisfies Partial<LineageStep>

/** Where a value came from, and what uses it. */
export function lineageOperations(
  connectors: Connectors,
  entities: ReadonlyMap<string, Entity>,
): readonly Operation[] {
  const mappingsOf = (tx: Transaction, connectionId: string, stream: string, now: Date) =>
    mappingsOfStream(connectors, entities, tx, { connectionId, stream }, now)

  const trace = defineOperation({
    id: 'getLineage',
    method: 'GET',
    path: '/api/v1/lineage',
    scope: 'lineage:read',
    tag: TAG,
    summary: 'Trace a field of a record to what set it, and to what uses it',
    description:
      'Backward from the history of syncs, from imports and calls as the audit log tells, and from merges; it goes back as far as these are kept. Ids and names only, no values.',
    input: LineageQuery,
    output: Lineage,
    async perform({ record, field }, { tx, now }) {
      const names = entitiesOf(record)
      const systems = await listSystems(tx, names, record)
      const mapped = new Map<string, FieldMappingView>()
      for (const { connectionId, stream, entity } of systems) {
        const views = await mappingsOf(tx, connectionId, stream, now)
        const own = views.find((view) => view.field === field)
        if (own) mapped.set(`${connectionId} ${entity}`, own)
      }
      const backward = await stepsOf(tx, names, record, field, systems, mapped)
      const uses = await listUses(tx, record, field)
      const told = await listTold(tx, record, field)
      const forward = [...sentTo(systems, mapped), ...uses, ...told]
      const origin = backward.find((step) => step.brought) ?? null
      return { record, field, origin, backward, forward }
    },
  })

  const ofRun = defineOperation({
    id: 'getRunLineage',
    method: 'GET',
    path: '/api/v1/lineage/runs/{runId}',
    scope: 'lineage:read',
    tag: TAG,
    summary: 'A sync run as OpenLineage events, column by column',
    description:
      'RunEvents of OpenLineage 2-0-2 with the facets schema and columnLineage, as the fields are mapped now.',
    input: z.object({ runId: RunId }),
    output: RunLineage,
    async perform({ runId }, { tx, now }) {
      const run = await findRun(tx, runId)
      const connection = run && (await findConnection(tx, run.connectionId))
      if (!run || !connection)
        throw new Problem('resource.not_found', 'There is no run with this id.')
      const known = await listStreams(tx, run.connectionId)
      const streams: RunStream[] = []
      for (const { name, entity } of known.filter((one) => run.streams.includes(one.name)))
        streams.push({ name, entity, mappings: await mappingsOf(tx, run.connectionId, name, now) })
      const { vendor } = connection
      const { workspaceId } = tx
      return { events: runEvents({ ...run, workspaceId, vendor, at: run.queuedAt, streams }) }
    },
  })
  return [trace, ofRun]
}

async function stepsOf(
  tx: Transaction,
  entities: readonly string[],
  record: string,
  field: string,
  systems: readonly SystemRow[],
  mapped: ReadonlyMap<string, FieldMappingView>,
): Promise<LineageStep[]> {
  const system = (connectionId: string) => systems.find((one) => one.connectionId === connectionId)
  const viaSync = (connectionId: string, entity: string) => ({
    ...EMPTY,
    kind: 'sync' as const,
    mapping: mappingStep(mapped.get(`${connectionId} ${entity}`)),
    connectionId,
    system: system(connectionId)?.system ?? null,
    vendor: system(connectionId)?.vendor ?? null,
  })
  const changes = await listRecordFieldChanges(tx, entities, record, field)
  const arrivals = await listArrivals(tx, entities, record)
  const given = record.startsWith('tch_')
    ? await listTouchMakers(tx, [record])
    : await listGiven(tx, record, field)
  const merged = await listMerged(tx, record)
  const steps: LineageStep[] = [
    ...changes.flatMap((row: ChangeRow) =>
      row.changes
        .filter((change) => change.field === field)
        .map(({ verdict, reason }) => ({
          ...viaSync(row.connectionId, row.entity),
          at: row.at,
          brought: broughtBy({ verdict }),
          verdict,
          reason,
          sourceRecord: row.externalId,
          runId: row.runId,
          principalId: row.actor,
        })),
    ),
    ...arrivals.map(({ at, connectionId, stream, externalId, runId }) => {
      const entity = systems.find((one) => one.stream === stream)?.entity ?? ''
      const step = viaSync(connectionId, entity)
      return {
        ...step,
        at,
        brought: step.mapping !== null && step.mapping.direction !== 'push',
        sourceRecord: externalId,
        runId,
      }
    }),
    ...given.map(({ importId, at, principalId, principalKind, operation, requestId }) => ({
      ...EMPTY,
      at,
      principalId,
      principalKind,
      operation,
      requestId,
      kind: importId === null ? ('call' as const) : ('import' as const),
      brought: true,
      importId,
    })),
    ...merged.map(mergeStep),
  ]
  return steps.sort((a, b) => b.at.getTime() - a.at.getTime())
}

function mergeStep({ id, at }: { id: string; at: Date }): LineageStep {
  return { ...EMPTY, kind: 'merge', at, brought: false, sourceRecord: id }
}

function mappingStep(view: FieldMappingView | undefined): LineageStep['mapping'] {
  if (!view) return null
  const { properties, direction, policy, transform, version } = view
  return { properties, direction, policy, transform: transform.kind, version }
}

/** Connected systems that are sent the field. */
function sentTo(
  systems: readonly SystemRow[],
  mapped: ReadonlyMap<string, FieldMappingView>,
): LineageUse[] {
  return systems.flatMap(({ connectionId, entity, externalId, system }) => {
    const view = mapped.get(`${connectionId} ${entity}`)
    if (!view || externalId === null || view.direction === 'pull' || view.policy === 'off')
      return []
    const detail = `sent to ${view.properties.join(', ')} of ${externalId} in ${system}`
    return [{ kind: 'connection' as const, id: connectionId, detail }]
  })
}
