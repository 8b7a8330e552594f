import { sql } from 'kysely'
import { defineRetainedRows, type Due, type RetainedKind } from '#compliance/retained-store.ts'

const isHeld = ({ heldRecords }: Due) => sql`t.local_id in ${heldRecords}`

export const syncRetained: readonly RetainedKind[] = [
  defineRetainedRows({
    name: 'sync_outcomes',
    about: 'What became of each record in each run. Runs with their counts and certificates stay.',
    defaultDays: null,
    minimumDays: 7,
    isErasable: false,
    table: 'sync_outcomes',
    id: 't.record',
    at: 't.at',
    isHeld,
    // Found through the runs, which are few: outcomes have no index by time, since each would cost their writing.
    where: ({ workspaceId, before }) => sql`t.run_id in (
      select id from sync_runs where workspace_id = ${workspaceId} and queued_at < ${before})`,
  }),
  defineRetainedRows({
    name: 'sync_changes',
    about: 'The history of fields: which side’s value won, and why. Lineage goes back no further.',
    defaultDays: null,
    minimumDays: 7,
    isErasable: true,
    table: 'sync_changes',
    id: 't.id',
    at: 't.at',
    isHeld,
  }),
  defineRetainedRows({
    name: 'sync_plans',
    about:
      'Change plans and undos that are over, with each field before and after. The outcomes and the history of what they wrote stay.',
    defaultDays: 730,
    minimumDays: 7,
    isErasable: true,
    table: 'sync_change_plans',
    id: 't.id',
    at: 't.done_at',
    isHeld: ({ heldRecords }) => sql`exists (
      select from sync_planned_changes c where c.plan_id = t.id and c.local_id in ${heldRecords})`,
    where: () => sql`t.done_at is not null`,
  }),
]
