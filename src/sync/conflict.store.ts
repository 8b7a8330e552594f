import { sql, type RawBuilder } from 'kysely'
import { newId } from '#core/id.ts'
import { DAY_MS } from '#core/time.ts'
import type { Transaction } from '#store/store.ts'
import type { FieldValue } from './entity.ts'
import { isSame } from './merge.ts'
import type { Disputed } from './merge-record.ts'

/** How long a conflict may wait for a person before it counts as overdue. */
const DUE_MS = 2 * DAY_MS

export type ConflictState = 'open' | 'resolved' | 'agreed'
export type Choice = 'hub' | 'crm' | 'value'

/** Both sides of a conflict as they are kept, sealed. */
export interface Sides {
  base: { ours: FieldValue; theirs: FieldValue } | null
  ours: FieldValue
  theirs: FieldValue
  theirsKey: FieldValue
  /** After a decision: what was chosen, and what the hub had before. */
  chosen?: FieldValue
  before?: FieldValue
}

export interface ConflictRow {
  id: string
  connectionId: string
  stream: string
  entity: string
  localId: string
  externalId: string
  field: string
  sides: Sides
  oursAt: Date | null
  theirsAt: Date | null
  state: ConflictState
  choice: Choice | null
  note: string | null
  owner: string | null
  dueAt: Date
  runId: string | null
  createdAt: Date
  updatedAt: Date
  resolvedAt: Date | null
  resolvedBy: string | null
  version: number
}

const context = (id: string) => `sync_conflicts.sides:${id}`
const sealed = (tx: Transaction, id: string, sides: Sides) =>
  `\\x${tx.sealer.seal(sides, context(id)).toString('hex')}`

interface Place {
  connectionId: string
  entity: string
  stream: string
  runId: string
}

/** Opens a conflict for each disputed field; one that is open gets the sides as they are now and keeps its due time. */
export async function openConflicts(
  tx: Transaction,
  place: Place,
  asked: readonly { localId: string; externalId: string; sides: Disputed }[],
  now: Date,
): Promise<void> {
  if (asked.length === 0) return
  const known = await findOpen(
    tx,
    place,
    asked.map(({ localId, sides }) => ({ localId, field: sides.field })),
  )
  const rows = asked.map(({ localId, externalId, sides }) => {
    const { field, oursAt, theirsAt, base, ours, theirs, theirsKey } = sides
    const id = known.get(`${localId}:${field}`) ?? newId('conf')
    const kept = sealed(tx, id, { base, ours, theirs, theirsKey })
    return { id, localId, externalId, field, oursAt, theirsAt, sides: kept }
  })
  await tx.execute(sql`
    insert into sync_conflicts (id, connection_id, stream, entity, local_id, external_id, field, sides, ours_at, theirs_at,
      due_at, run_id, created_at, updated_at)
    select r.id, ${place.connectionId}, ${place.stream}, ${place.entity}, r."localId", r."externalId", r.field, r.sides,
      r."oursAt", r."theirsAt", ${new Date(now.getTime() + DUE_MS)}, ${place.runId}, ${now}, ${now}
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(id text, "localId" text, "externalId" text, field text,
      sides bytea, "oursAt" timestamptz, "theirsAt" timestamptz)
    on conflict (local_id, connection_id, entity, field) where state = 'open' do update
    set sides = excluded.sides, ours_at = excluded.ours_at, theirs_at = excluded.theirs_at, updated_at = excluded.updated_at,
      external_id = excluded.external_id, run_id = excluded.run_id, version = sync_conflicts.version + 1`)
}

async function findOpen(
  tx: Transaction,
  place: { connectionId: string; entity: string },
  wanted: readonly { localId: string; field: string }[],
): Promise<Map<string, string>> {
  const rows = await tx.query(sql<{ id: string; localId: string; field: string }>`
    select c.id, c.local_id, c.field
    from jsonb_to_recordset(${JSON.stringify(wanted)}::jsonb) as r("localId" text, field text)
    join sync_conflicts c on c.local_id = r."localId" and c.field = r.field
    where c.connection_id = ${place.connectionId} and c.entity = ${place.entity} and c.state = 'open'`)
  return new Map(rows.map((row) => [`${row.localId}:${row.field}`, row.id]))
}

/** Shows the hub's present values in open conflicts: somebody went on working here while they wait. Two statements. */
export async function refreshConflicts(
  tx: Transaction,
  place: { connectionId: string; entity: string },
  present: readonly { localId: string; field: string; ours: FieldValue }[],
  now: Date,
): Promise<void> {
  if (present.length === 0) return
  const known = await findOpen(tx, place, present)
  const oursOf = new Map(
    present.flatMap(({ localId, field, ours }) => {
      const id = known.get(`${localId}:${field}`)
      return id === undefined ? [] : [[id, ours] as const]
    }),
  )
  const stale = (await findConflicts(tx, [...oursOf.keys()])).filter(
    (row) => !isSame(row.sides.ours, oursOf.get(row.id)),
  )
  await saveConflicts(
    tx,
    stale.map((row) => ({
      ...row,
      sides: { ...row.sides, ours: oursOf.get(row.id) ?? null },
      updatedAt: now,
    })),
  )
}

/** Closes open conflicts about fields on which both sides agree by now: somebody settled them by hand. */
export async function settleConflicts(
  tx: Transaction,
  place: { connectionId: string; entity: string },
  agreed: readonly { localId: string; field: string }[],
  now: Date,
): Promise<void> {
  if (agreed.length === 0) return
  await tx.execute(sql`
    update sync_conflicts c set state = 'agreed', resolved_at = ${now}, updated_at = ${now}, version = c.version + 1
    from jsonb_to_recordset(${JSON.stringify(agreed)}::jsonb) as r("localId" text, field text)
    where c.connection_id = ${place.connectionId} and c.entity = ${place.entity} and c.local_id = r."localId"
      and c.field = r.field and c.state = 'open'`)
}

/** By record: the fields that wait for a person; neither side's value may move. */
export async function findDisputed(
  tx: Transaction,
  place: { connectionId: string; entity: string },
  localIds: readonly string[],
): Promise<Map<string, Set<string>>> {
  const rows = await tx.query(sql<{ localId: string; fields: string[] }>`
    select local_id, array_agg(field) as fields from sync_conflicts
    where connection_id = ${place.connectionId} and entity = ${place.entity} and local_id = any(${[...localIds]})
      and state = 'open'
    group by local_id`)
  return new Map(rows.map((row) => [row.localId, new Set(row.fields)]))
}

interface SealedRow extends Omit<ConflictRow, 'sides'> {
  sides: Buffer
}

function openRow(tx: Transaction, { sides, ...row }: SealedRow): ConflictRow {
  return { ...row, sides: tx.sealer.open<Sides>(sides, context(row.id)) }
}

const columns =
  sql.raw(`c.id, c.connection_id, c.stream, c.entity, c.local_id, c.external_id, c.field, c.sides, c.ours_at,
  c.theirs_at, c.state, c.choice, c.note, c.owner, c.due_at, c.run_id, c.created_at, c.updated_at, c.resolved_at,
  c.resolved_by, c.version`)

export interface ConflictFilter {
  state?: ConflictState | undefined
  connectionId?: string | undefined
  entity?: string | undefined
  field?: string | undefined
  owner?: string | undefined
  localId?: string | undefined
  overdue?: boolean | undefined
}

function conditionsOf(tx: Transaction, filter: ConflictFilter, now: Date): RawBuilder<unknown> {
  const parts: RawBuilder<unknown>[] = [sql`c.workspace_id = ${tx.workspaceId}`]
  if (filter.state !== undefined) parts.push(sql`c.state = ${filter.state}`)
  if (filter.connectionId !== undefined) parts.push(sql`c.connection_id = ${filter.connectionId}`)
  if (filter.entity !== undefined) parts.push(sql`c.entity = ${filter.entity}`)
  if (filter.field !== undefined) parts.push(sql`c.field = ${filter.field}`)
  if (filter.owner !== undefined) parts.push(sql`c.owner = ${filter.owner}`)
  if (filter.localId !== undefined) parts.push(sql`c.local_id = ${filter.localId}`)
  if (filter.overdue === true) parts.push(sql`c.state = 'open' and c.due_at < ${now}`)
  if (filter.overdue === false) parts.push(sql`not (c.state = 'open' and c.due_at < ${now})`)
  return sql.join(parts, sql` and `)
}

export async function listConflicts(
  tx: Transaction,
  filter: ConflictFilter,
  after: string,
  limit: number,
  now: Date,
): Promise<ConflictRow[]> {
  const rows = await tx.query(sql<SealedRow>`
    select ${columns} from sync_conflicts c where ${conditionsOf(tx, filter, now)} and c.id > ${after}
    order by c.id limit ${limit + 1}`)
  return rows.map((row) => openRow(tx, row))
}

/** These conflicts; locked until the transaction ends unless only read. */
export async function findConflicts(
  tx: Transaction,
  ids: readonly string[],
  use: 'change' | 'read' = 'change',
): Promise<ConflictRow[]> {
  const rows = await tx.query(sql<SealedRow>`
    select ${columns} from sync_conflicts c where c.id = any(${[...ids]}) order by c.id
    ${use === 'change' ? sql`for no key update of c` : sql``}`)
  return rows.map((row) => openRow(tx, row))
}

/** Writes state, choice and sides of decided or reopened conflicts. One statement. */
export async function saveConflicts(
  tx: Transaction,
  conflicts: readonly ConflictRow[],
): Promise<void> {
  if (conflicts.length === 0) return
  const rows = conflicts.map((row) => ({ ...row, sides: sealed(tx, row.id, row.sides) }))
  await tx.execute(sql`
    update sync_conflicts c
    set sides = r.sides, state = r.state, choice = r.choice, note = r.note, owner = r.owner, due_at = r."dueAt",
      updated_at = r."updatedAt", resolved_at = r."resolvedAt", resolved_by = r."resolvedBy", version = c.version + 1
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(id text, sides bytea, state text, choice text, note text,
      owner text, "dueAt" timestamptz, "updatedAt" timestamptz, "resolvedAt" timestamptz, "resolvedBy" text)
    where c.id = r.id`)
}
