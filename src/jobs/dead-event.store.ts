import { sql } from 'kysely'
import type { OutboxEvent } from '#jobs/job.ts'
import type { SystemTransaction, Transaction } from '#store/store.ts'

/** An event that a subscriber gave up on. */
export interface DeadEvent {
  subscriber: string
  seq: number
  event: string
  subjectId: string
  /** Kind and place of the failure; no values. */
  error: string
  tries: number
  failedAt: Date
}

/** The events of this workspace that wait for somebody to look at them, newest first. */
export function listDeadEvents(tx: Transaction, limit: number): Promise<DeadEvent[]> {
  return tx.query(sql<DeadEvent>`
    select subscriber, seq, event, subject_id, error, tries, failed_at from dead_events
    where state = 'open' order by failed_at desc, seq desc limit ${limit}`)
}

/** Asks for one more try of a dead event (`retry`), or lets it be (`dismissed`). False when there is none that is open. */
export async function settleDeadEvent(
  tx: Transaction,
  { subscriber, seq }: Pick<DeadEvent, 'subscriber' | 'seq'>,
  state: 'retry' | 'dismissed',
): Promise<boolean> {
  const changed = await tx.execute(sql`
    update dead_events set state = ${state} where subscriber = ${subscriber} and seq = ${seq} and state = 'open'`)
  return changed > 0
}

export interface Burial {
  subscriber: string
  event: OutboxEvent
  error: string
  tries: number
  at: Date
}

export async function buryEvent(
  tx: Transaction,
  { subscriber, event, error, tries, at }: Burial,
): Promise<void> {
  await tx.execute(sql`
    insert into dead_events (subscriber, seq, event, subject_id, error, tries, failed_at)
    values (${subscriber}, ${event.seq}, ${event.event}, ${event.subjectId}, ${error}, ${tries}, ${at})
    on conflict (subscriber, seq) do update set
      error = excluded.error, tries = dead_events.tries + excluded.tries, failed_at = excluded.failed_at, state = 'open'`)
}

/** The events that were asked for once more, with the subscriber each is for. */
export function listRetries(
  tx: SystemTransaction,
  subscribers: readonly string[],
  limit: number,
): Promise<(OutboxEvent & { subscriber: string })[]> {
  return tx.query(sql<OutboxEvent & { subscriber: string }>`
    select d.subscriber, o.seq, o.workspace_id, o.event, o.subject_id, o.data, o.request_id, o.occurred_at, o.trace
    from dead_events d join outbox o using (seq)
    where d.state = 'retry' and d.subscriber = any(${[...subscribers]}::text[])
    order by d.seq limit ${limit}`)
}

/** Marks the retry as done in this transaction; false when somebody else is at it. */
export async function takeRetry(
  tx: Transaction,
  subscriber: string,
  seq: number,
): Promise<boolean> {
  const changed = await tx.execute(sql`
    update dead_events set state = 'replayed' where (subscriber, seq) in (
      select subscriber, seq from dead_events
      where subscriber = ${subscriber} and seq = ${seq} and state = 'retry' for update skip locked)`)
  return changed > 0
}
