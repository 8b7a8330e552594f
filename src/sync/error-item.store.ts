import { sql } from 'kysely'
import type { Transaction } from '#store/store.ts'

export interface ErrorRow {
  connectionId: string
  stream: string
  record: string
  entity: string
  direction: 'pull' | 'push'
  localId: string | null
  externalId: string | null
  code: string
  detail: string | null
  state: 'open' | 'ignored'
  owner: string | null
  reason: string | null
  occurrences: number
  firstAt: Date
  lastAt: Date
  lastRunId: string
}

/** All items of a cause, or with `records` only those. */
export interface ErrorGroup {
  connectionId: string
  stream: string
  code: string
  records?: readonly string[] | undefined
}

const columns = sql.raw(
  `connection_id, stream, record, entity, direction, local_id, external_id, code, detail, state, owner, reason,
  occurrences, first_at, last_at, last_run_id`,
)

/** A page of items, by connection, stream and record; one row more than `limit` when there are more. */
export function listErrors(
  tx: Transaction,
  filter: {
    connectionId?: string | undefined
    stream?: string | undefined
    code?: string | undefined
    state: 'open' | 'ignored'
  },
  after: readonly [string, string, string] | null,
  limit: number,
): Promise<ErrorRow[]> {
  const [connectionId, stream, record] = after ?? ['', '', '']
  return tx.query(sql<ErrorRow>`
    select ${columns} from sync_errors
    where state = ${filter.state}
      and (connection_id, stream, record) > (${connectionId}, ${stream}, ${record})
      and (${filter.connectionId ?? null}::text is null or connection_id = ${filter.connectionId ?? null})
      and (${filter.stream ?? null}::text is null or stream = ${filter.stream ?? null})
      and (${filter.code ?? null}::text is null or code = ${filter.code ?? null})
    order by connection_id, stream, record limit ${limit + 1}`)
}

function inGroup(group: ErrorGroup) {
  const records = group.records ? [...group.records] : null
  return sql`e.connection_id = ${group.connectionId} and e.stream = ${group.stream} and e.code = ${group.code}
    and (${records}::text[] is null or e.record = any(${records}::text[]))`
}

/**
 * Gives the records of a group another try in the next run: pushes are released, pulled records are looked at again.
 * The items stay open until their records succeed.
 * @returns how many items.
 */
export async function retryErrors(tx: Transaction, group: ErrorGroup, now: Date): Promise<number> {
  await tx.execute(sql`
    update sync_pending p set held_code = null, next_attempt_at = null, attempts = 0
    from sync_errors e
    where ${inGroup(group)} and e.direction = 'push'
      and p.connection_id = e.connection_id and p.entity = e.entity and p.local_id = e.local_id`)
  await tx.execute(sql`
    insert into sync_revisits (connection_id, stream, external_id, since)
    select e.connection_id, e.stream, e.external_id, ${now} from sync_errors e
    where ${inGroup(group)} and e.direction = 'pull' and e.external_id is not null
    on conflict (connection_id, stream, external_id, wants_entity, wants_external_id) do update
    set noted_in = excluded.noted_in`)
  return tx.execute(sql`
    update sync_errors e set state = 'open', reason = null where ${inGroup(group)}`)
}

/** Takes a group off the open list, with the reason. It opens again when the cause changes. */
export function ignoreErrors(tx: Transaction, group: ErrorGroup, reason: string): Promise<number> {
  return tx.execute(sql`
    update sync_errors e set state = 'ignored', reason = ${reason} where ${inGroup(group)}`)
}

export function assignErrors(
  tx: Transaction,
  group: ErrorGroup,
  owner: string | null,
): Promise<number> {
  return tx.execute(sql`update sync_errors e set owner = ${owner} where ${inGroup(group)}`)
}
