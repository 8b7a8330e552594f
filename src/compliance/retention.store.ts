import { sql } from 'kysely'
import type { Removed } from '#compliance/retained-store.ts'
import type { KeptRule } from '#compliance/retention.rules.ts'
import type { RetentionRun } from '#compliance/retention.schema.ts'
import type { SystemTransaction, Transaction } from '#store/store.ts'

/** The rules of the workspace, of one kind or of all. There are as many as kinds. */
export function listRules(tx: Transaction, kind: string | null = null): Promise<KeptRule[]> {
  return tx.query(sql<KeptRule>`
    select kind, keep_days, updated_at, updated_by from retention_rules
    where workspace_id = ${tx.workspaceId} and (${kind}::text is null or kind = ${kind})`)
}

export async function saveRule(
  tx: Transaction,
  { kind, keepDays, updatedAt, updatedBy }: KeptRule,
): Promise<void> {
  await tx.execute(sql`
    insert into retention_rules (workspace_id, kind, keep_days, updated_at, updated_by)
    values (${tx.workspaceId}, ${kind}, ${keepDays}, ${updatedAt}, ${updatedBy})
    on conflict (workspace_id, kind) do update
    set keep_days = excluded.keep_days, updated_at = excluded.updated_at, updated_by = excluded.updated_by`)
}

/** Kinds that a hold keeps as a whole. */
export async function listHeldKinds(tx: Transaction): Promise<Set<string>> {
  const rows = await tx.query(sql<{ subject: string }>`
    select distinct subject from legal_holds
    where workspace_id = ${tx.workspaceId} and target = 'kind' and lifted_at is null`)
  return new Set(rows.map((row) => row.subject))
}

/** Workspaces in the order of their ids, a page at a time. */
export async function listWorkspaces(
  tx: SystemTransaction,
  afterId: string,
  limit: number,
): Promise<string[]> {
  const rows = await tx.query(sql<{ id: string }>`
    select id from workspaces where id > ${afterId} order by id limit ${limit}`)
  return rows.map((row) => row.id)
}

export interface OpenKind {
  kind: string
  before: Date
}

/** The run that was begun and has not ended, if there is one. */
export function findOpenRun(tx: Transaction): Promise<{ id: string } | null> {
  return tx.find(sql<{ id: string }>`
    select id from retention_runs where workspace_id = ${tx.workspaceId} and ended_at is null`)
}

/** Begins a run over these kinds; another process that did so first is found by `findOpenRun`. */
export async function insertRun(
  tx: Transaction,
  id: string,
  kinds: readonly OpenKind[],
  now: Date,
): Promise<void> {
  await tx.execute(sql`insert into retention_runs (id, started_at) values (${id}, ${now})`)
  await tx.execute(sql`
    insert into retention_run_kinds (run_id, kind, before)
    select ${id}, kind, before from jsonb_to_recordset(${JSON.stringify(kinds)}::jsonb) as r(kind text, before timestamptz)`)
}

/** What a run has not come to the end of. */
export function listOpenKinds(tx: Transaction, runId: string): Promise<OpenKind[]> {
  return tx.query(sql<OpenKind>`
    select kind, before from retention_run_kinds where run_id = ${runId} and done_at is null order by kind`)
}

/** Keeps others from the kind of this run until the transaction ends. @returns whether it is still open. */
export async function lockOpenKind(tx: Transaction, runId: string, kind: string): Promise<boolean> {
  const row = await tx.find(sql<{ kind: string }>`
    select kind from retention_run_kinds where run_id = ${runId} and kind = ${kind} and done_at is null for update`)
  return row !== null
}

/** Adds a batch to the report; `held` is given with the last one. */
export async function noteRemoved(
  tx: Transaction,
  runId: string,
  kind: string,
  removed: Removed,
  end: { at: Date; held: number } | null,
): Promise<void> {
  await tx.execute(sql`
    update retention_run_kinds set removed = removed + ${removed.count}, oldest = least(oldest, ${removed.oldest}),
      newest = greatest(newest, ${removed.newest}), done_at = ${end?.at ?? null}, held = ${end?.held ?? 0}
    where run_id = ${runId} and kind = ${kind}`)
}

/** Ends a run whose kinds are all done. @returns false when somebody did before. */
export async function endRun(tx: Transaction, runId: string, now: Date): Promise<boolean> {
  const count = await tx.execute(sql`
    update retention_runs r set ended_at = ${now}
    where id = ${runId} and ended_at is null
      and not exists (select 1 from retention_run_kinds k where k.run_id = r.id and k.done_at is null)`)
  return count > 0
}

const runs = sql.raw(`
  select r.id, r.started_at, r.ended_at,
    coalesce(sum(k.removed), 0)::int as removed, coalesce(sum(k.held), 0)::int as held,
    coalesce(jsonb_agg(jsonb_build_object('kind', k.kind, 'before', k.before, 'removed', k.removed, 'held', k.held,
      'oldest', k.oldest, 'newest', k.newest, 'doneAt', k.done_at) order by k.kind) filter (where k.kind is not null), '[]') as kinds
  from retention_runs r left join retention_run_kinds k on k.run_id = r.id`)

type RunKind = RetentionRun['kinds'][number]
/** Times inside JSON come as text. */
type Told = {
  [Name in keyof RunKind]: RunKind[Name] extends Date | null ? string | null : RunKind[Name]
}
interface RunRow extends Omit<RetentionRun, 'kinds'> {
  kinds: (Omit<Told, 'before'> & { before: string })[]
}

const dateOf = (value: string | null) => (value === null ? null : new Date(value))

function toRun({ kinds, ...run }: RunRow): RetentionRun {
  return {
    ...run,
    kinds: kinds.map((kind) => ({
      ...kind,
      before: new Date(kind.before),
      oldest: dateOf(kind.oldest),
      newest: dateOf(kind.newest),
      doneAt: dateOf(kind.doneAt),
    })),
  }
}

export async function findRun(tx: Transaction, id: string): Promise<RetentionRun | null> {
  const row = await tx.find(sql<RunRow>`${runs} where r.id = ${id} group by r.id`)
  return row && toRun(row)
}

export async function listRuns(
  tx: Transaction,
  beforeId: string | null,
  limit: number,
): Promise<RetentionRun[]> {
  const rows = await tx.query(sql<RunRow>`
    ${runs} where r.workspace_id = ${tx.workspaceId} and (${beforeId}::text is null or r.id < ${beforeId})
    group by r.id order by r.id desc limit ${limit + 1}`)
  return rows.map(toRun)
}
