import { sql } from 'kysely'
import type { Transaction } from '#store/store.ts'
import type { Stream } from './connector.ts'
import type { Entity } from './entity.ts'

const COUNTED_AT_ONCE = 5000

/** What is due of a stream, and how many records are linked; of one that was never seeded, everything that there is is due. */
export async function countDue(
  tx: Transaction,
  connectionId: string,
  stream: Stream,
  entity: Entity,
): Promise<{ newThere: number; changed: number; linked: number }> {
  const due = await tx.find(sql<{
    newThere: number
    changed: number
    linked: number
    isSeeded: boolean
  }>`
    select count(*) filter (where l.local_id is null or l.deleted_at is not null)::int as new_there,
      count(*) filter (where l.local_id is not null and l.deleted_at is null)::int as changed,
      (select count(*) from sync_links k
        where k.connection_id = ${connectionId} and k.entity = ${entity.name} and k.deleted_at is null)::int as linked,
      coalesce((select (s.seed ->> 'done')::boolean from sync_streams s
        where s.connection_id = ${connectionId} and s.name = ${stream.name}), false) as is_seeded
    from sync_pending p
    left join sync_links l on l.connection_id = p.connection_id and l.entity = p.entity and l.local_id = p.local_id
    where p.connection_id = ${connectionId} and p.entity = ${entity.name} and p.held_code is null`)
  const { newThere = 0, changed = 0, linked = 0, isSeeded = false } = due ?? {}
  // A stream that makes nothing there passes what is not there without a call.
  const only = (count: number) => (stream.onlyLinked === true ? 0 : count)
  if (isSeeded || !entity.listIds || stream.onlyLinked === true)
    return { newThere: only(newThere), changed, linked }
  let all = 0
  for (let after: string | null = null; ;) {
    const ids: string[] = await entity.listIds(tx, after, COUNTED_AT_ONCE)
    all += ids.length
    if (ids.length < COUNTED_AT_ONCE)
      return { newThere: Math.max(newThere, all - changed), changed, linked }
    after = ids.at(-1) ?? null
  }
}

/**
 * By stream, the calls of its last whole pass in which it wrote nothing; `''` are those of the connection as a whole. Streams
 * that never had one are absent.
 */
export async function readQuietCalls(
  tx: Transaction,
  connectionId: string,
): Promise<Map<string, number>> {
  const rows = await tx.query(sql<{ stream: string; calls: number }>`
    select distinct on (s.name) s.name as stream, coalesce(k.calls, 0) as calls
    from (select name from sync_streams where connection_id = ${connectionId} union all select '') s
    join sync_runs r on r.connection_id = ${connectionId} and r.state = 'succeeded' and r.cause not in ('change', 'plan', 'undo', 'backfill')
      and (s.name = any(r.streams) or s.name = '')
    left join sync_run_calls k on k.run_id = r.id and k.stream = s.name
    where not exists (
      select from sync_outcomes o where o.run_id = r.id and o.direction = 'push' and (o.stream = s.name or s.name = '')
        and o.outcome in ('created', 'updated', 'deleted'))
      and exists (select from sync_run_calls any_of where any_of.run_id = r.id)
    order by s.name, r.ended_at desc`)
  return new Map(rows.map(({ stream, calls }) => [stream, calls]))
}
