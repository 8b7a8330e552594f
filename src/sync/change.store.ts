import { sql, type RawBuilder } from 'kysely'
import { newId } from '#core/id.ts'
import type { Transaction } from '#store/store.ts'
import type { FieldChange } from './merge-record.ts'
import type { Place } from './origin.ts'

export interface ChangeDraft {
  localId: string
  externalId: string
  changes: readonly FieldChange[]
}

/** What happened to a record, field by field. */
export interface ChangeRow {
  id: string
  connectionId: string
  entity: string
  localId: string
  externalId: string
  runId: string | null
  actor: string | null
  at: Date
  changes: FieldChange[]
}

const context = (id: string) => `sync_changes.detail:${id}`

/** Keeps what a page changed: one row a record, its fields sealed together. One statement. */
export async function insertChanges(
  tx: Transaction,
  place: { connectionId: string; entity: string; runId: string | null; actor?: string },
  drafts: readonly ChangeDraft[],
  now: Date,
): Promise<void> {
  if (drafts.length === 0) return
  const rows = drafts.map(({ localId, externalId, changes }) => {
    const id = newId('chg')
    const detail = `\\x${tx.sealer.seal(changes, context(id)).toString('hex')}`
    return { id, localId, externalId, fields: changes.map((one) => one.field), detail }
  })
  await tx.execute(sql`
    insert into sync_changes (id, connection_id, entity, local_id, external_id, run_id, actor, at, fields, detail)
    select r.id, ${place.connectionId}, ${place.entity}, r."localId", r."externalId", ${place.runId}, ${place.actor ?? null},
      ${now}, array(select jsonb_array_elements_text(r.fields)), r.detail
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as r(id text, "localId" text, "externalId" text, fields jsonb, detail bytea)`)
}

interface SealedRow extends Omit<ChangeRow, 'changes'> {
  detail: Buffer
}

function openRow(tx: Transaction, { detail, ...row }: SealedRow): ChangeRow {
  return { ...row, changes: tx.sealer.open<FieldChange[]>(detail, context(row.id)) }
}

const columns = sql.raw(
  'id, connection_id, entity, local_id, external_id, run_id, actor, at, detail',
)

/** The changes of one record, newest first. */
export async function listRecordChanges(
  tx: Transaction,
  record: { entity: string; localId: string },
  before: string | null,
  limit: number,
): Promise<ChangeRow[]> {
  const rows = await tx.query(sql<SealedRow>`
    select ${columns} from sync_changes
    where workspace_id = ${tx.workspaceId} and entity = ${record.entity} and local_id = ${record.localId}
      and (${before}::text is null or id < ${before}::text)
    order by id desc limit ${limit + 1}`)
  return rows.map((row) => openRow(tx, row))
}

/** What one run did to these records of a connection, by record, in the order in which it was done. */
export function listRunChanges(
  tx: Transaction,
  place: RunPlace,
  localIds: readonly string[],
): Promise<Map<string, FieldChange[]>> {
  return listChangesWhere(tx, place, localIds, sql`run_id = ${place.runId}`)
}

/** What others than this run did to these records of a connection since a moment, by record. */
export function listChangesSince(
  tx: Transaction,
  place: RunPlace,
  localIds: readonly string[],
  since: Date,
): Promise<Map<string, FieldChange[]>> {
  const isOther = sql`at >= ${since} and run_id is distinct from ${place.runId}`
  return listChangesWhere(tx, place, localIds, isOther)
}

interface RunPlace {
  runId: string
  connectionId: string
  entity: string
}

async function listChangesWhere(
  tx: Transaction,
  place: RunPlace,
  localIds: readonly string[],
  condition: RawBuilder<unknown>,
): Promise<Map<string, FieldChange[]>> {
  if (localIds.length === 0) return new Map()
  const rows = await tx.query(sql<SealedRow>`
    select ${columns} from sync_changes
    where workspace_id = ${tx.workspaceId} and entity = ${place.entity} and local_id = any(${[...localIds]}::text[])
      and connection_id = ${place.connectionId} and ${condition}
    order by id`)
  const changes = new Map<string, FieldChange[]>()
  for (const row of rows) {
    const known = changes.get(row.localId) ?? []
    known.push(...openRow(tx, row).changes)
    changes.set(row.localId, known)
  }
  return changes
}

/** The newest changes of one field of a record that goes by these entities, a hundred at most. */
export async function listRecordFieldChanges(
  tx: Transaction,
  entities: readonly string[],
  localId: string,
  field: string,
): Promise<ChangeRow[]> {
  const rows = await tx.query(sql<SealedRow>`
    select ${columns} from sync_changes
    where workspace_id = ${tx.workspaceId} and entity = any(${[...entities]}::text[]) and local_id = ${localId}
      and ${field} = any(fields)
    order by id desc limit 100`)
  return rows.map((row) => openRow(tx, row))
}

/** Of each of these fields the newest of its last hundred changes that `isWanted`. */
export async function listPlaceChanges(
  tx: Transaction,
  entities: readonly string[],
  places: readonly Place[],
  isWanted: (change: FieldChange) => boolean,
): Promise<{ place: Place; row: ChangeRow }[]> {
  const rows = await tx.query(sql<SealedRow & { place: number }>`
    select r.place::int - 1 as place, c.*
    from unnest(${places.map(({ record }) => record)}::text[], ${places.map(({ field }) => field)}::text[])
      with ordinality as r (record, field, place)
    cross join lateral (
      select ${columns} from sync_changes
      where workspace_id = ${tx.workspaceId} and entity = any(${[...entities]}::text[]) and local_id = r.record
        and r.field = any(fields)
      order by id desc limit 100
    ) c
    order by r.place, c.id desc`)
  const found: { place: Place; row: ChangeRow }[] = []
  const done = new Set<number>()
  for (const { place: i, ...sealed } of rows) {
    if (done.has(i)) continue
    const row = openRow(tx, sealed)
    const place = places[i]!
    if (!row.changes.some((change) => change.field === place.field && isWanted(change))) continue
    done.add(i)
    found.push({ place, row })
  }
  return found
}

/** Changes of one field over a time, in order, for going through them page by page. */
export async function listFieldChanges(
  tx: Transaction,
  place: { connectionId: string; entity: string; field: string; from: Date },
  after: string,
  limit: number,
): Promise<ChangeRow[]> {
  const rows = await tx.query(sql<SealedRow>`
    select ${columns} from sync_changes
    where connection_id = ${place.connectionId} and entity = ${place.entity} and ${place.field} = any(fields)
      and at >= ${place.from} and id > ${after}
    order by id limit ${limit}`)
  return rows.map((row) => openRow(tx, row))
}
