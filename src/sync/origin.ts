import type { Transaction } from '#store/store.ts'

/** A field of a record; null for the record as a whole, when its fields are set once, as it is made. */
export interface Place {
  record: string
  field: string | null
}

/** What set a field as it is: a record of a connected system in a run, a row of an imported file, or a call. Ids and names only. */
export interface Origin {
  kind: 'sync' | 'import' | 'call'
  at: Date
  connectionId: string | null
  system: string | null
  vendor: string | null
  sourceRecord: string | null
  /** Of the connected system, as the field is mapped now. */
  properties: string[] | null
  runId: string | null
  importId: string | null
  principalId: string | null
  principalKind: string | null
  operation: string | null
  requestId: string | null
}

/** The name under which `ListOrigins` answers a place. */
export function placeKey({ record, field }: Place): string {
  return `${record} ${field ?? ''}`
}

/** The origins of many places at once, by `placeKey`; none of those whose history is not kept. */
export type ListOrigins = (
  tx: Transaction,
  places: readonly Place[],
  now: Date,
) => Promise<ReadonlyMap<string, Origin>>
