import { sql } from 'kysely'
import type { OutboxEvent, Subscriber } from '#jobs/job.ts'
import type { Transaction } from '#store/store.ts'
import type { Entity } from './entity.ts'
import { wakeLanes } from './fast-lane.ts'

/** Notes which records are due at which connections, in the order of their changes. */
export function pendingSubscriber(entities: readonly Entity[]): Subscriber {
  const entitiesOf = new Map<string, string[]>()
  for (const entity of entities) {
    for (const event of entity.pushAfter) {
      entitiesOf.set(event, [...(entitiesOf.get(event) ?? []), entity.name])
    }
  }
  return {
    name: 'sync.pending',
    events: [...entitiesOf.keys()],
    async handle(events, tx, context) {
      const connectionIds = await notePending(tx, events, entitiesOf)
      await wakeLanes(context, events[0]!.workspaceId, connectionIds)
    },
  }
}

/**
 * One statement for all events, whatever the number of connections. Connections that are paused or need a login are
 * owed the change as well: nothing is lost while they rest. A change also lifts a hold: the record is another one now.
 * Rows are taken in the order of their ids, as a run takes those that it settles: neither waits for the other in a circle.
 * @returns the connections that can be sent something at once.
 */
async function notePending(
  tx: Transaction,
  events: readonly OutboxEvent[],
  entitiesOf: ReadonlyMap<string, readonly string[]>,
): Promise<string[]> {
  const due = new Map<
    string,
    { entity: string; localId: string; firstSeq: number; lastSeq: number; since: Date }
  >()
  for (const { event, subjectId, seq, occurredAt } of events) {
    for (const entity of entitiesOf.get(event) ?? []) {
      const key = `${entity}:${subjectId}`
      const known = due.get(key)
      if (known) known.lastSeq = Math.max(known.lastSeq, seq)
      else {
        due.set(key, { entity, localId: subjectId, firstSeq: seq, lastSeq: seq, since: occurredAt })
      }
    }
  }
  if (due.size === 0) return []
  const rows = await tx.query(sql<{ id: string }>`
    with noted as (
    insert into sync_pending as known (connection_id, entity, local_id, first_seq, last_seq, since)
    select s.connection_id, r.entity, r."localId", r."firstSeq", r."lastSeq", r.since
    from jsonb_to_recordset(${JSON.stringify([...due.values()])}::jsonb)
      as r(entity text, "localId" text, "firstSeq" bigint, "lastSeq" bigint, since timestamptz)
    join sync_streams s on s.direction in ('push', 'both') and s.entity = r.entity
    order by r.entity, r."localId", s.connection_id
    on conflict (local_id, connection_id, entity) do update
    set last_seq = greatest(known.last_seq, excluded.last_seq), changed_in = pg_current_xact_id(), held_code = null, next_attempt_at = null, attempts = 0
    returning connection_id)
    select c.id from connections c where c.state = 'active' and c.id in (select connection_id from noted)`)
  return rows.map((row) => row.id)
}
