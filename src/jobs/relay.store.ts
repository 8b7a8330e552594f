import { sql } from 'kysely'
import type { OutboxEvent } from '#jobs/job.ts'
import type { Queries, SystemTransaction, Transaction } from '#store/store.ts'

/** A place in the outbox; `xid` is a 64-bit transaction id as text. */
export interface Position {
  xid: string
  seq: number
}

export interface RelayedEvent extends OutboxEvent, Position {}

/** Makes sure that the subscriber has a position; a new one starts with the events that are still kept. */
export async function ensurePosition(tx: SystemTransaction, subscriber: string): Promise<void> {
  await tx.execute(sql`
    insert into subscriber_positions (subscriber, xid, seq) values (${subscriber}, '0'::xid8, 0) on conflict do nothing`)
}

/** The next committed events of any kind after the subscriber's position, oldest first. */
export async function readEvents(
  tx: Queries,
  subscriber: string,
  limit: number,
): Promise<RelayedEvent[]> {
  return tx.query(sql<RelayedEvent>`
    select o.seq, o.xid::text as xid, o.workspace_id, o.event, o.subject_id, o.data, o.request_id, o.occurred_at
    from subscriber_positions p
    join lateral (
      select * from outbox
      where (xid, seq) > (p.xid, p.seq) and xid < pg_snapshot_xmin(pg_current_snapshot())
      order by xid, seq limit ${limit}
    ) o on true
    where p.subscriber = ${subscriber}
    order by o.xid, o.seq`)
}

/**
 * Locks the subscriber's position for this transaction.
 * @returns false when another process is at it or has moved it since `from` was read.
 */
export async function takePosition(
  tx: Queries,
  subscriber: string,
  from: Position,
): Promise<boolean> {
  const row = await tx.find(sql<Position>`
    select xid::text as xid, seq from subscriber_positions where subscriber = ${subscriber} for update skip locked`)
  return row !== null && row.xid === from.xid && row.seq === from.seq
}

export async function findPosition(tx: Queries, subscriber: string): Promise<Position> {
  const row = await tx.find(
    sql<Position>`select xid::text as xid, seq from subscriber_positions where subscriber = ${subscriber}`,
  )
  return row ?? { xid: '0', seq: 0 }
}

export async function movePosition(tx: Queries, subscriber: string, to: Position): Promise<void> {
  await tx.execute(
    sql`update subscriber_positions set xid = ${to.xid}::xid8, seq = ${to.seq} where subscriber = ${subscriber}`,
  )
}

export async function buryEvent(
  tx: Transaction,
  subscriber: string,
  event: OutboxEvent,
  error: string,
  tries: number,
  now: Date,
): Promise<void> {
  await tx.execute(sql`
    insert into dead_events (subscriber, seq, workspace_id, event, subject_id, error, tries, failed_at)
    values (${subscriber}, ${event.seq}, ${tx.workspaceId}, ${event.event}, ${event.subjectId}, ${error}, ${tries}, ${now})
    on conflict (subscriber, seq) do update set error = excluded.error, tries = excluded.tries, failed_at = excluded.failed_at, state = 'open'`)
}

/** Events that every subscriber has passed and that are older than the moment are let go. */
export async function trimOutbox(tx: SystemTransaction, before: Date): Promise<number> {
  return tx.execute(sql`
    delete from outbox o
    where o.occurred_at < ${before}
      and not exists (select 1 from subscriber_positions p where (p.xid, p.seq) < (o.xid, o.seq))`)
}

/** How many committed events wait for each subscriber, counted up to a bound. */
export async function countLag(
  tx: SystemTransaction,
  subscriber: string,
  most: number,
): Promise<number> {
  const row = await tx.find(sql<{ waiting: number }>`
    select count(*) as waiting from (
      select 1 from outbox o join subscriber_positions p on p.subscriber = ${subscriber} where (o.xid, o.seq) > (p.xid, p.seq) limit ${most}
    ) as ahead`)
  return row?.waiting ?? 0
}
