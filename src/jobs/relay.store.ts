import { sql } from 'kysely'
import type { OutboxEvent, Subscriber } from '#jobs/job.ts'
import type { Queries, SystemTransaction, Transaction } from '#store/store.ts'

/** A place in the outbox; `xid` is a 64-bit transaction id as text. */
export interface Place {
  xid: string
  seq: number
}

export interface RelayedEvent extends OutboxEvent, Place {}

/** What waits for a subscriber, as one reading found it. */
export interface Batch {
  /** The position's version when it was read; whoever changes it first wins. */
  version: number
  /** Everything up to here is handled. */
  from: Place
  /** Everything up to here is handled once the events below are. */
  end: Place
  /** Whether the batch is kept in the table, because it has events of several workspaces. */
  isOpen: boolean
  /** The events that are left of it, in order. */
  events: RelayedEvent[]
}

/** Makes sure that each subscriber has a position; a new one starts with the events that are still kept. */
export async function ensurePositions(
  tx: SystemTransaction,
  names: readonly string[],
): Promise<void> {
  await tx.execute(sql`
    insert into subscriber_positions (subscriber)
    select name from unnest(${[...names]}::text[]) as name on conflict do nothing`)
}

/**
 * Transaction ids begin anew on another server, so after a restore from a dump every place would be wrong: events would
 * wait for ids that are far away, or be passed over. All events then get the id 0, which sorts them by `seq` before all
 * new ones, and each position goes back to the first event that it had not passed. Answers whether this was needed.
 */
export async function realignAfterRestore(tx: SystemTransaction): Promise<boolean> {
  const ahead = await tx.find(sql<{ found: boolean }>`
    select coalesce((select xid from outbox order by xid desc limit 1) > pg_snapshot_xmax(pg_current_snapshot()), false)
      or exists (select 1 from subscriber_positions where xid > pg_snapshot_xmax(pg_current_snapshot())) as found`)
  if (!ahead?.found) return false
  await tx.execute(sql`lock table subscriber_positions in exclusive mode`)
  await tx.execute(sql`
    update subscriber_positions p set
      seq = coalesce((select min(o.seq) - 1 from outbox o where (o.xid, o.seq) > (p.xid, p.seq)), (select max(seq) from outbox), 0),
      xid = '0', batch_xid = null, batch_seq = null, progress = '{}', version = version + 1`)
  await tx.execute(sql`update outbox set xid = '0'`)
  return true
}

/** The first event behind the position `p` that its subscriber `s` takes. By its order, or the planner hopes to meet one early and reads all that is kept. */
const next = (until: ReturnType<typeof sql>) => sql`
  select 1 from (
    select 1 from outbox o where (o.xid, o.seq) > (p.xid, p.seq) and ${until} and o.event = any(s.events)
    order by o.xid, o.seq limit 1) as next`

/**
 * Which subscribers have something to do, and whether events are held back by a transaction that still runs.
 * One statement for all of them, so that an idle hub asks little.
 */
export async function findBusy(
  tx: SystemTransaction,
  subscribers: readonly Subscriber[],
): Promise<{ names: string[]; isHeld: boolean }> {
  const wanted = JSON.stringify(subscribers.map(({ name, events }) => ({ name, events })))
  const row = await tx.find(sql<{ names: string[] | null; isHeld: boolean | null }>`
    select (select xid from outbox order by xid desc limit 1) >= pg_snapshot_xmin(pg_current_snapshot()) as is_held,
      (select array_agg(s.name)
        from jsonb_to_recordset(${wanted}::jsonb) as s(name text, events text[])
        join subscriber_positions p on p.subscriber = s.name
        where p.batch_xid is not null or exists (${next(sql`o.xid < pg_snapshot_xmin(pg_current_snapshot())`)})
      ) as names`)
  return { names: row?.names ?? [], isHeld: row?.isHeld ?? false }
}

interface PositionRow extends Place {
  batchXid: string | null
  batchSeq: number | null
  progress: Record<string, string>
  version: number
  horizon: string
}

/** Reads on: the batch that was begun, or else the next one of at most `limit` events. */
export async function readBatch(
  tx: SystemTransaction,
  subscriber: Subscriber,
  limit: number,
): Promise<Batch> {
  // The horizon is taken before the events are read: all that lies below it was committed by then and is seen.
  const row = await tx.find(sql<PositionRow>`
    select xid::text as xid, seq, batch_xid::text as batch_xid, batch_seq, progress, version,
      pg_snapshot_xmin(pg_current_snapshot())::text as horizon
    from subscriber_positions where subscriber = ${subscriber.name}`)
  if (!row) throw new Error(`The subscriber ${subscriber.name} has no position.`)
  const { version, horizon, batchXid, batchSeq } = row
  const from = { xid: row.xid, seq: row.seq }
  if (batchXid !== null && batchSeq !== null) {
    const end = { xid: batchXid, seq: batchSeq }
    const events = await readEvents(
      tx,
      subscriber,
      from,
      sql`(xid, seq) <= (${end.xid}::xid8, ${end.seq})`,
    )
    const left = events.filter((event) => isBefore(placeIn(row.progress, event.workspaceId), event))
    return { version, from, end, isOpen: true, events: left }
  }
  const events = await readEvents(tx, subscriber, from, sql`xid < ${horizon}::xid8`, limit)
  // After a short batch nothing below the horizon is left, of any kind: the position may go there at once.
  const last = events.length < limit ? { xid: horizon, seq: 0 } : events.at(-1)!
  const end = isBefore(from, last) ? { xid: last.xid, seq: last.seq } : from
  return { version, from, end, isOpen: false, events }
}

function readEvents(
  tx: Queries,
  { events }: Subscriber,
  from: Place,
  until: ReturnType<typeof sql>,
  limit: number | null = null,
): Promise<RelayedEvent[]> {
  return tx.query(sql<RelayedEvent>`
    select seq, xid::text as xid, workspace_id, event, subject_id, data, request_id, occurred_at, trace
    from outbox
    where (xid, seq) > (${from.xid}::xid8, ${from.seq}) and ${until} and event = any(${[...events]}::text[])
    order by outbox.xid, seq limit ${limit}`)
}

function placeIn(progress: Record<string, string>, workspaceId: string): Place {
  const [xid = '0', seq = '0'] = (progress[workspaceId] ?? '0:0').split(':')
  return { xid, seq: Number(seq) }
}

/** Whether `a` comes before `b` in the outbox. */
export function isBefore(a: Place, b: Place): boolean {
  return a.xid === b.xid ? a.seq < b.seq : BigInt(a.xid) < BigInt(b.xid)
}

/** Locks the position for this transaction; false when somebody else is at it or was quicker. */
export async function takePosition(
  tx: Queries,
  subscriber: string,
  version: number,
): Promise<boolean> {
  const row = await tx.find(sql<{ version: number }>`
    select version from subscriber_positions where subscriber = ${subscriber} for update skip locked`)
  return row?.version === version
}

/** Keeps the batch's end, so that its workspaces can be handled in a transaction each. */
export async function openBatch(tx: Queries, subscriber: string, end: Place): Promise<void> {
  await tx.execute(sql`
    update subscriber_positions set batch_xid = ${end.xid}::xid8, batch_seq = ${end.seq}, progress = '{}', version = version + 1
    where subscriber = ${subscriber}`)
}

/** Notes how far a workspace has come in the open batch. */
export async function keepProgress(
  tx: Transaction,
  subscriber: string,
  { xid, seq }: Place,
): Promise<void> {
  const place = JSON.stringify({ [tx.workspaceId]: `${xid}:${seq}` })
  await tx.execute(sql`
    update subscriber_positions set progress = progress || ${place}::jsonb, version = version + 1
    where subscriber = ${subscriber}`)
}

/** Moves the position on and closes the batch. */
export async function movePosition(tx: Queries, subscriber: string, to: Place): Promise<void> {
  await tx.execute(sql`
    update subscriber_positions set xid = ${to.xid}::xid8, seq = ${to.seq},
      batch_xid = null, batch_seq = null, progress = '{}', version = version + 1
    where subscriber = ${subscriber}`)
}

/**
 * Moves those on that nothing between them and the horizon concerns. A subscriber whose events never come would else keep
 * the outbox from being trimmed, and each look would search all of it again.
 */
export async function passQuiet(
  tx: SystemTransaction,
  subscribers: readonly Subscriber[],
): Promise<void> {
  const wanted = JSON.stringify(subscribers.map(({ name, events }) => ({ name, events })))
  await tx.execute(sql`
    update subscriber_positions p set xid = h.xid, seq = 0, version = p.version + 1
    from jsonb_to_recordset(${wanted}::jsonb) as s(name text, events text[]),
      (select pg_snapshot_xmin(pg_current_snapshot()) as xid) as h
    where p.subscriber = s.name and p.batch_xid is null
      and exists (select 1 from (
        select 1 from outbox o where (o.xid, o.seq) > (p.xid, p.seq) and o.xid < h.xid order by o.xid, o.seq limit 1) as any_event)
      and not exists (${next(sql`o.xid < h.xid`)})`)
}

/** The newest event that is committed now, of any kind; null when there is none. */
export function findNewest(tx: SystemTransaction): Promise<Place | null> {
  return tx.find(
    sql<Place>`select xid::text as xid, seq from outbox order by outbox.xid desc, seq desc limit 1`,
  )
}

/** How many events wait for each subscriber, counted up to a bound. */
export async function listLags(
  tx: SystemTransaction,
  subscribers: readonly Subscriber[],
  most: number,
): Promise<{ name: string; waiting: number }[]> {
  const wanted = JSON.stringify(subscribers.map(({ name, events }) => ({ name, events })))
  return tx.query(sql<{ name: string; waiting: number }>`
    select s.name, w.waiting
    from jsonb_to_recordset(${wanted}::jsonb) as s(name text, events text[])
    join subscriber_positions p on p.subscriber = s.name
    cross join lateral (select count(*) as waiting from (
      select 1 from outbox o where (o.xid, o.seq) > (p.xid, p.seq) and o.event = any(s.events)
      order by o.xid, o.seq limit ${most}) as ahead) as w`)
}

/**
 * Lets go of up to `limit` events that are older than the moment, that all of these subscribers have passed and that none
 * has buried. Answers how many.
 */
export function trimOutbox(
  tx: SystemTransaction,
  names: readonly string[],
  before: Date,
  limit: number,
): Promise<number> {
  return tx.execute(sql`
    delete from outbox where seq in (
      select o.seq from outbox o
      where o.occurred_at < ${before}
        and not exists (
          select 1 from subscriber_positions p where p.subscriber = any(${[...names]}::text[]) and (p.xid, p.seq) < (o.xid, o.seq))
        and not exists (select 1 from dead_events d where d.seq = o.seq and d.state in ('open', 'retry'))
      order by o.xid, o.seq limit ${limit})`)
}
