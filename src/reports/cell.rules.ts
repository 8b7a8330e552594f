import type { CellDataset, CellOrigin, CellRecord } from '#reports/cell.schema.ts'
import { placeKey, type Origin, type Place } from '#sync/origin.ts'

/** The fields on which figures stand, by the kind of record. */
const FIELDS = {
  deal: ['amountMinor', 'currency', 'status', 'stage', 'closedAt', 'leads'],
  touch: ['personId', 'occurredAt', 'channel', 'campaignId'],
  campaign: ['budgetMinor', 'currency', 'startsOn', 'endsOn'],
} as const satisfies Record<CellRecord['kind'], readonly string[]>

const KINDS: Readonly<Record<string, CellRecord['kind']>> = {
  opp: 'deal',
  tch: 'touch',
  cmp: 'campaign',
}

/** True when figures stand on the field of the record. */
export function isFieldUsed(record: string, field: string): boolean {
  const kind = KINDS[record.slice(0, record.indexOf('_'))]
  return kind !== undefined && (FIELDS[kind] as readonly string[]).includes(field)
}

type Bare = Omit<CellRecord, 'fields'>

/** Whose origins are asked for: a touch is set as a whole, when it comes in. */
export function placesOf({ kind, record }: Bare): Place[] {
  return kind === 'touch'
    ? [{ record, field: null }]
    : FIELDS[kind].map((field) => ({ record, field }))
}

export function withOrigins(bare: Bare, origins: ReadonlyMap<string, Origin>): CellRecord {
  const originOf = (field: string): CellOrigin | null => {
    const place = { record: bare.record, field: bare.kind === 'touch' ? null : field }
    return origins.get(placeKey(place)) ?? null
  }
  return {
    ...bare,
    fields: FIELDS[bare.kind].map((field) => ({ field, origin: originOf(field) })),
  }
}

const SPEC = 'https://openlineage.io/spec/facets'
const PRODUCER = { _producer: 'urn:throughline:hub' }

/** How each column of a report is made from the columns of records. */
type Made = readonly [dataset: string, fields: readonly string[], subtype: string]
const DIVIDED: readonly Made[] = [
  ['opportunity', ['status', 'stage', 'closedAt', 'currency'], 'FILTER'],
  ['touchpoint', ['channel', 'campaignId'], 'GROUP_BY'],
  ['touchpoint', ['personId'], 'JOIN'],
  ['opportunity', ['leads'], 'JOIN'],
  ['touchpoint', ['occurredAt'], 'WINDOW'],
]
const COLUMNS: Readonly<Record<string, readonly Made[]>> = {
  creditedMinor: [['opportunity', ['amountMinor'], 'AGGREGATION'], ...DIVIDED],
  deals: DIVIDED,
  n: DIVIDED,
  costMinor: [
    ['campaign', ['budgetMinor'], 'TRANSFORMATION'],
    ['campaign', ['currency', 'startsOn', 'endsOn'], 'FILTER'],
  ],
}
const DIRECT = new Set(['AGGREGATION', 'TRANSFORMATION'])

/** The report of campaigns or of channels as a dataset of OpenLineage: which columns of which records make its columns. */
export function reportDataset(workspaceId: string, by: 'campaigns' | 'channels'): CellDataset {
  const namespace = `throughline://${workspaceId}`
  const columns = Object.entries(COLUMNS).filter(
    ([column]) => by === 'campaigns' || column !== 'costMinor',
  )
  const inputFields = (made: readonly Made[]) =>
    made.flatMap(([name, fields, subtype]) =>
      fields.map((field) => ({
        namespace,
        name,
        field,
        transformations: [
          { type: DIRECT.has(subtype) ? 'DIRECT' : 'INDIRECT', subtype, masking: false },
        ],
      })),
    )
  return {
    namespace,
    name: `attribution.${by}`,
    facets: {
      schema: {
        ...PRODUCER,
        _schemaURL: `${SPEC}/1-1-1/SchemaDatasetFacet.json#/$defs/SchemaDatasetFacet`,
        fields: columns.map(([name]) => ({ name })),
      },
      columnLineage: {
        ...PRODUCER,
        _schemaURL: `${SPEC}/1-2-0/ColumnLineageDatasetFacet.json#/$defs/ColumnLineageDatasetFacet`,
        fields: Object.fromEntries(
          columns.map(([column, made]) => [column, { inputFields: inputFields(made) }]),
        ),
      },
    },
  }
}
