import { sql } from 'kysely'
import type { Transaction } from '#store/store.ts'

export interface NewTask {
  id: string
  leadId: string
  ownerId: string
  dueAt: Date
}

export interface TaskRow {
  id: `tsk_${string}`
  leadId: `lead_${string}`
  kind: 'follow_up'
  ownerId: `own_${string}` | null
  state: 'open' | 'done' | 'cancelled'
  dueAt: Date
  escalatedAt: Date | null
  closedAt: Date | null
  createdAt: Date
}

const columns = sql.raw(
  'id lead_id kind owner_id state due_at escalated_at closed_at created_at'
    .split(' ')
    .map((name) => `t.${name}`)
    .join(', '),
)

/** Adds follow-up tasks; a lead that has an open one keeps that. Answers those added. */
export async function insertTasks(
  tx: Transaction,
  tasks: readonly NewTask[],
  now: Date,
): Promise<TaskRow[]> {
  if (tasks.length === 0) return []
  return tx.query(sql<TaskRow>`
    insert into tasks as t (id, workspace_id, lead_id, kind, owner_id, due_at, created_at)
    select r.id, ${tx.workspaceId}, r."leadId", 'follow_up', r."ownerId", r."dueAt", ${now}::timestamptz
    from jsonb_to_recordset(${JSON.stringify(tasks)}::jsonb)
      as r(id text, "leadId" text, "ownerId" text, "dueAt" timestamptz)
    on conflict (workspace_id, lead_id, kind) where state = 'open' do nothing
    returning ${columns}`)
}

export async function findTask(tx: Transaction, id: string): Promise<TaskRow | null> {
  return tx.find(sql<TaskRow>`select ${columns} from tasks t where t.id = ${id} for no key update`)
}

/** The open follow-up of each of these leads that has one. */
export async function findOpenTasks(
  tx: Transaction,
  leadIds: readonly string[],
): Promise<Map<string, { id: `tsk_${string}`; dueAt: Date }>> {
  if (leadIds.length === 0) return new Map()
  const rows = await tx.query(sql<{ leadId: string; id: `tsk_${string}`; dueAt: Date }>`
    select lead_id, id, due_at from tasks
    where workspace_id = ${tx.workspaceId} and lead_id = any(${leadIds}::text[]) and state = 'open'`)
  return new Map(rows.map(({ leadId, id, dueAt }) => [leadId, { id, dueAt }]))
}

/** The newest task of a lead. */
export async function findTaskOfLead(tx: Transaction, leadId: string): Promise<TaskRow | null> {
  return tx.find(sql<TaskRow>`
    select ${columns} from tasks t where t.workspace_id = ${tx.workspaceId} and t.lead_id = ${leadId}
    order by t.created_at desc, t.id desc limit 1`)
}

/** Ends the open tasks of these leads; answers those that it ended. */
export async function closeTasks(
  tx: Transaction,
  leadIds: readonly string[],
  state: 'done' | 'cancelled',
  now: Date,
): Promise<TaskRow[]> {
  return tx.query(sql<TaskRow>`
    update tasks t set state = ${state}, closed_at = ${now}::timestamptz
    where t.workspace_id = ${tx.workspaceId} and t.lead_id = any(${leadIds}::text[]) and t.state = 'open'
    returning ${columns}`)
}

export async function closeTask(
  tx: Transaction,
  id: string,
  state: 'done' | 'cancelled',
  now: Date,
): Promise<TaskRow | null> {
  return tx.find(sql<TaskRow>`
    update tasks t set state = ${state}, closed_at = ${now}::timestamptz
    where t.id = ${id} and t.state = 'open' returning ${columns}`)
}

/** Gives the open tasks of these leads to the leads' owners of now. */
export async function handOverTasks(tx: Transaction, leadIds: readonly string[]): Promise<void> {
  await tx.execute(sql`
    update tasks t set owner_id = l.owner_id from leads l
    where t.workspace_id = ${tx.workspaceId} and t.lead_id = any(${leadIds}::text[]) and t.state = 'open' and l.id = t.lead_id`)
}

/** Marks overdue tasks as escalated, each once, in whichever process; answers those it marked. */
export async function escalateTasks(tx: Transaction, now: Date, limit: number): Promise<TaskRow[]> {
  return tx.query(sql<TaskRow>`
    update tasks t set escalated_at = ${now}::timestamptz
    where t.id in (
      select d.id from tasks d
      where d.workspace_id = ${tx.workspaceId} and d.state = 'open' and d.escalated_at is null and d.due_at <= ${now}::timestamptz
      order by d.due_at limit ${limit}
      for update skip locked
    )
    returning ${columns}`)
}

export interface TaskFilter {
  state?: TaskRow['state'] | undefined
  ownerId?: string | undefined
  leadId?: string | undefined
  isOverdue?: boolean | undefined
}

export async function listTasks(
  tx: Transaction,
  filter: TaskFilter,
  page: { limit: number; after: { createdAt: string; id: string } | null },
  now: Date,
): Promise<TaskRow[]> {
  const { state, ownerId, leadId, isOverdue } = filter
  return tx.query(sql<TaskRow>`
    select ${columns} from tasks t
    where t.workspace_id = ${tx.workspaceId}
      and (${state ?? null}::text is null or t.state = ${state ?? null}::text)
      and (${ownerId ?? null}::text is null or t.owner_id = ${ownerId ?? null}::text)
      and (${leadId ?? null}::text is null or t.lead_id = ${leadId ?? null}::text)
      and (${isOverdue ?? null}::boolean is null
        or (t.state = 'open' and t.due_at <= ${now}::timestamptz) = ${isOverdue ?? null}::boolean)
      and (${page.after?.id ?? null}::text is null
        or (t.created_at, t.id) < (${page.after?.createdAt ?? null}::timestamptz, ${page.after?.id ?? null}::text))
    order by t.created_at desc, t.id desc
    limit ${page.limit + 1}`)
}
