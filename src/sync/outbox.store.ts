import { sql } from 'kysely'
import type { EventDraft } from '#jobs/job.ts'
import type { Transaction } from '#store/store.ts'

/** Writes events into the outbox, in the transaction of the change that they tell of. One statement. */
export async function publish(
  tx: Transaction,
  events: readonly EventDraft[],
  now: Date,
): Promise<void> {
  if (events.length === 0) return
  await tx.execute(sql`
    insert into outbox (event, subject_id, data, occurred_at)
    select event, "subjectId", coalesce(data, '{}'), ${now}
    from jsonb_to_recordset(${JSON.stringify(events)}::jsonb) as r(event text, "subjectId" text, data jsonb)`)
}
