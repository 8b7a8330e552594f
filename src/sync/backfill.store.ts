import { sql } from 'kysely'
import type { Transaction } from '#store/store.ts'
import type { BackfillDirection } from './backfill.rules.ts'
import { openMergeBase, type MergeBase } from './base.ts'
import { callDay } from './call-day.store.ts'
import type { PendingRow } from './push-page.store.ts'

export type BackfillState = 'running' | 'paused' | 'done' | 'cancelled' | 'failed'
export type BackfillWait = 'live_sync' | 'calls' | 'connection' | 'plan' | 'vendor'

export interface BackfillRow {
  id: string
  connectionId: string
  runId: string
  stream: string
  entity: string
  field: string
  direction: BackfillDirection
  /** Percent of a day's calls that it may take. */
  share: number
  state: BackfillState
  position: string
  total: number
  done: number
  waitsFor: BackfillWait | null
  resumeAt: Date | null
  faultKind: string | null
  faultDetail: string | null
  askedBy: string
  askedAt: Date
  movedAt: Date | null
  decidedBy: string | null
  endedAt: Date | null
  version: number
}

const columns = sql.raw(
  `id, connection_id, run_id, stream, entity, field, direction, share, state, position, total, done, waits_for, resume_at,
  fault_kind, fault_detail, asked_by, asked_at, moved_at, decided_by, ended_at, version`,
)

export function findBackfill(tx: Transaction, id: string): Promise<BackfillRow | null> {
  return tx.find(sql<BackfillRow>`select ${columns} from sync_backfills where id = ${id}`)
}

export function listBackfills(
  tx: Transaction,
  filter: { connectionId?: string | undefined; state?: BackfillState | undefined },
  before: string | null,
  limit: number,
): Promise<BackfillRow[]> {
  return tx.query(sql<BackfillRow>`
    select ${columns} from sync_backfills
    where workspace_id = ${tx.workspaceId} and (${before}::text is null or id < ${before})
      and (${filter.connectionId ?? null}::text is null or connection_id = ${filter.connectionId ?? null})
      and (${filter.state ?? null}::text is null or state = ${filter.state ?? null})
    order by id desc limit ${limit + 1}`)
}

/** Begins a backfill with its run; false when one of the field is open already. */
export async function insertBackfill(
  tx: Transaction,
  row: Pick<
    BackfillRow,
    | 'id'
    | 'connectionId'
    | 'runId'
    | 'stream'
    | 'entity'
    | 'field'
    | 'direction'
    | 'share'
    | 'total'
    | 'askedBy'
  > & { plannedCalls: number },
  now: Date,
): Promise<boolean> {
  const rows = await tx.execute(sql`
    insert into sync_backfills
      (id, connection_id, run_id, stream, entity, field, direction, share, state, total, planned_calls, asked_by, asked_at,
        moved_at)
    values (${row.id}, ${row.connectionId}, ${row.runId}, ${row.stream}, ${row.entity}, ${row.field}, ${row.direction},
      ${row.share}, 'running', ${row.total}, ${row.plannedCalls}, ${row.askedBy}, ${now}, ${now})
    on conflict do nothing`)
  if (rows === 0) return false
  // Under way from the start: it never stands in the queue of the runs that live sync takes.
  await tx.execute(sql`
    insert into sync_runs (id, connection_id, streams, cause, due_at, slots, state, queued_at, started_at)
    values (${row.runId}, ${row.connectionId}, array[${row.stream}], 'backfill', ${now}, 0, 'running', ${now}, ${now})`)
  return true
}

/** Moves a backfill on from one of these states; false when it is in none of them. */
export async function moveBackfill(
  tx: Transaction,
  id: string,
  from: readonly BackfillState[],
  to: BackfillState,
  by: string | null,
  now: Date,
  fault: { kind: string; detail: string } | null = null,
): Promise<boolean> {
  const rows = await tx.execute(sql`
    update sync_backfills
    set state = ${to}, decided_by = coalesce(${by}, decided_by), waits_for = null, resume_at = null, version = version + 1,
      moved_at = ${now},
      fault_kind = ${fault?.kind ?? null}, fault_detail = ${fault?.detail ?? null},
      ended_at = case when ${to} in ('done', 'cancelled') then ${now}::timestamptz end
    where id = ${id} and state = any(${[...from]}::text[])`)
  return rows === 1
}

/** Notes why it stands still, and until when. */
export async function noteWait(
  tx: Transaction,
  id: string,
  wait: { waitsFor: BackfillWait | null; resumeAt: Date | null; detail?: string },
): Promise<void> {
  await tx.execute(sql`
    update sync_backfills set waits_for = ${wait.waitsFor}, resume_at = ${wait.resumeAt}, fault_detail = ${wait.detail ?? null}
    where id = ${id} and (waits_for, resume_at, fault_detail)
      is distinct from (${wait.waitsFor}::text, ${wait.resumeAt}::timestamptz, ${wait.detail ?? null}::text)`)
}

/** Moves the position past a page; the same page again moves nothing. False: it was paused or cancelled meanwhile. */
export async function advance(
  tx: Transaction,
  id: string,
  from: string,
  to: string,
  records: number,
  now: Date,
): Promise<boolean> {
  const rows = await tx.execute(sql`
    update sync_backfills set position = ${to}, done = done + ${records}, moved_at = ${now}
    where id = ${id} and position = ${from} and state = 'running'`)
  return rows === 1
}

/** Adds to the calls of the day. */
export async function addDayCalls(
  tx: Transaction,
  id: string,
  calls: number,
  now: Date,
): Promise<void> {
  if (calls === 0) return
  await tx.execute(sql`
    update sync_backfills b
    set day_calls = ${calls} + case when b.day = ${callDay(now)} then b.day_calls else 0 end, day = ${callDay(now)}
    from connections c where b.id = ${id} and c.id = b.connection_id`)
}

/** Calls that the backfills of a connection took today. */
export async function countDayCalls(
  tx: Transaction,
  connectionId: string,
  now: Date,
): Promise<number> {
  const row = await tx.find(sql<{ calls: number }>`
    select coalesce(sum(b.day_calls), 0)::int as calls from sync_backfills b
    join connections c on c.id = b.connection_id
    where b.connection_id = ${connectionId} and b.day = ${callDay(now)}`)
  return row?.calls ?? 0
}

/** Records of a connection that are linked and there. */
export async function countLinked(
  tx: Transaction,
  connectionId: string,
  entity: string,
): Promise<number> {
  const row = await tx.find(sql<{ count: number }>`
    select count(*)::int as count from sync_links
    where workspace_id = ${tx.workspaceId} and connection_id = ${connectionId} and entity = ${entity} and deleted_at is null`)
  return row?.count ?? 0
}

/** The next linked records that are there, by id, as the push has them. */
export async function listLinked(
  tx: Transaction,
  place: { connectionId: string; entity: string },
  after: string,
  limit: number,
  now: Date,
): Promise<PendingRow[]> {
  const rows = await tx.query(sql<
    Pick<PendingRow, 'localId' | 'externalId' | 'fingerprint' | 'base' | 'deletedAt' | 'goneTo'>
  >`
    select local_id, external_id, fingerprint, base, deleted_at, gone_to from sync_links
    where workspace_id = ${tx.workspaceId} and connection_id = ${place.connectionId} and entity = ${place.entity}
      and local_id > ${after} and deleted_at is null
    order by local_id limit ${limit}`)
  const rest = { isElsewhere: false, firstSeq: 0, changedIn: '0', since: now, attempts: 0 }
  return rows.map((row) => ({ ...row, ...rest }))
}

/** Linked records chosen evenly, with what both sides last agreed on. */
export async function sampleLinked(
  tx: Transaction,
  place: { connectionId: string; entity: string },
  limit: number,
): Promise<{ localId: string; externalId: string; base: MergeBase | null }[]> {
  const { connectionId, entity } = place
  const rows = await tx.query(sql<{ localId: string; externalId: string; base: Buffer | null }>`
    select local_id, external_id, base from sync_links
    where workspace_id = ${tx.workspaceId} and connection_id = ${connectionId} and entity = ${entity} and deleted_at is null
    order by hashtext(local_id) limit ${limit}`)
  return rows.map(({ localId, externalId, base }) => ({
    localId,
    externalId,
    base: openMergeBase(tx, connectionId, entity, localId, base),
  }))
}

/** Milliseconds a call took in the last runs of a connection; null: none was measured. */
export async function measureCallMs(tx: Transaction, connectionId: string): Promise<number | null> {
  const row = await tx.find(sql<{ ms: number | null }>`
    select (sum(extract(epoch from ended_at - started_at)) * 1000 / nullif(sum(calls + check_calls), 0))::float8 as ms from (
      select * from sync_runs
      where connection_id = ${connectionId} and ended_at is not null and calls > 0 and cause <> 'backfill'
      order by id desc limit 20) r`)
  return row?.ms ?? null
}

/** Whether live sync has the connection or wants it: a run that waits or is under way. */
export async function isLiveSyncOn(tx: Transaction, connectionId: string): Promise<boolean> {
  const row = await tx.find(sql<{ isOn: boolean }>`
    select exists (select from sync_runs where connection_id = ${connectionId} and state in ('queued', 'running')
      and cause <> 'backfill') as is_on`)
  return row?.isOn ?? false
}

/** Whether the stream may run: it is not paused, and its connection is active. */
export async function mayStreamRun(
  tx: Transaction,
  connectionId: string,
  stream: string,
): Promise<boolean> {
  const row = await tx.find(sql<{ may: boolean }>`
    select c.state = 'active' and not s.paused as may
    from connections c join sync_streams s on s.connection_id = c.id and s.name = ${stream} where c.id = ${connectionId}`)
  return row?.may ?? false
}
