import type { FieldMappingView } from './field.schema.ts'
import type { OpenLineageEvent } from './lineage.schema.ts'

/** A stream of a run with its fields as they are mapped; none where the vendor's records are taken as they are. */
export interface RunStream {
  name: string
  entity: string
  mappings: readonly FieldMappingView[]
}

export interface LineageRun {
  id: string
  workspaceId: string
  connectionId: string
  vendor: string
  state: string
  at: Date
  startedAt: Date | null
  endedAt: Date | null
  streams: readonly RunStream[]
}

const PRODUCER = 'urn:throughline:hub'
const SPEC = 'https://openlineage.io/spec'
const EVENT = `${SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent`
const SCHEMA = `${SPEC}/facets/1-1-1/SchemaDatasetFacet.json#/$defs/SchemaDatasetFacet`
const COLUMNS = `${SPEC}/facets/1-2-0/ColumnLineageDatasetFacet.json#/$defs/ColumnLineageDatasetFacet`

type Dataset = OpenLineageEvent['inputs'][number]

const facet = (schemaUrl: string, more: object) => ({
  _producer: PRODUCER,
  _schemaURL: schemaUrl,
  ...more,
})

/** OpenLineage wants a UUID: the one in our id. */
export function uuidOf(id: string): string {
  const hex = id.slice(id.indexOf('_') + 1)
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

const endOf: Readonly<Record<string, OpenLineageEvent['eventType']>> = {
  succeeded: 'COMPLETE',
  partial: 'COMPLETE',
  failed: 'FAIL',
}

/**
 * The events of a run (OpenLineage 2-0-2): that it began, and how it ended. Each stream is a dataset on both sides; which way a
 * field goes decides on which side it is an output.
 */
export function runEvents(run: LineageRun): OpenLineageEvent[] {
  const there = `${run.vendor}://${run.connectionId}`
  const here = `throughline://${run.workspaceId}`
  const inputs: Dataset[] = []
  const outputs: Dataset[] = []
  for (const stream of run.streams) {
    const isIn = ({ direction }: FieldMappingView) => direction !== 'push'
    const isOut = ({ direction }: FieldMappingView) => direction !== 'pull'
    const pulled = stream.mappings.filter((one) => isIn(one) && one.policy !== 'off')
    const pushed = stream.mappings.filter((one) => isOut(one) && one.policy !== 'off')
    const vendorSide = { namespace: there, name: stream.name }
    const hubSide = { namespace: here, name: stream.entity }
    if (pulled.length > 0 || stream.mappings.length === 0) {
      const names = [...new Set(pulled.flatMap(({ properties }) => properties))]
      inputs.push({ ...vendorSide, facets: schemaFacet(names) })
      const columns = pulled.map((one) => [one.field, one.properties, one] as const)
      outputs.push({ ...hubSide, facets: lineageFacets(columns, vendorSide) })
    }
    if (pushed.length > 0) {
      inputs.push({ ...hubSide, facets: schemaFacet(pushed.map(({ field }) => field)) })
      const columns = pushed.flatMap((one) =>
        one.properties.map((property) => [property, [one.field], one] as const),
      )
      outputs.push({ ...vendorSide, facets: lineageFacets(columns, hubSide) })
    }
  }
  const event = (eventType: OpenLineageEvent['eventType'], eventTime: Date): OpenLineageEvent => ({
    eventType,
    eventTime,
    producer: PRODUCER,
    schemaURL: EVENT,
    run: { runId: uuidOf(run.id), facets: {} },
    job: { namespace: here, name: `sync.${run.connectionId}`, facets: {} },
    inputs,
    outputs,
  })
  const events = [event('START', run.startedAt ?? run.at)]
  const end = endOf[run.state]
  if (end && run.endedAt) events.push(event(end, run.endedAt))
  return events
}

function schemaFacet(names: readonly string[]): Dataset['facets'] {
  return { schema: facet(SCHEMA, { fields: names.map((name) => ({ name })) }) }
}

function lineageFacets(
  columns: readonly (readonly [string, readonly string[], FieldMappingView])[],
  from: { namespace: string; name: string },
): Dataset['facets'] {
  const fields: Record<string, { inputFields: object[] }> = {}
  for (const [column, sources, { transform }] of columns) {
    const subtype = transform.kind === 'none' ? 'IDENTITY' : 'TRANSFORMATION'
    const transformations = [
      { type: 'DIRECT', subtype, description: transform.kind, masking: false },
    ]
    fields[column] ??= { inputFields: [] }
    for (const field of sources)
      fields[column].inputFields.push({ ...from, field, transformations })
  }
  return { ...schemaFacet(Object.keys(fields)), columnLineage: facet(COLUMNS, { fields }) }
}
