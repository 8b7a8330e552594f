import { sql } from 'kysely'
import type { Transaction } from '#store/store.ts'
import type { OutcomeKind } from './outcome.store.ts'
import { runColumns, type RunRow, type RunState } from './run.store.ts'

/** A page of runs, newest first; one row more than `limit` when there are more. */
export function listRuns(
  tx: Transaction,
  filter: { connectionId?: string | undefined; state?: RunState | undefined },
  beforeId: string | null,
  limit: number,
): Promise<RunRow[]> {
  return tx.query(sql<RunRow>`
    select ${runColumns} from sync_runs
    where (${beforeId}::text is null or id < ${beforeId})
      and (${filter.connectionId ?? null}::text is null or connection_id = ${filter.connectionId ?? null})
      and (${filter.state ?? null}::text is null or state = ${filter.state ?? null})
    order by id desc limit ${limit + 1}`)
}

/** How many records of a run had an outcome for a stated cause. */
export function listCauses(
  tx: Transaction,
  runId: string,
): Promise<{ stream: string; outcome: string; code: string; records: number }[]> {
  return tx.query(sql`
    select stream, outcome, code, count(*)::int as records from sync_outcomes
    where run_id = ${runId} and code is not null
    group by stream, outcome, code order by records desc, stream, code limit 500`)
}

export interface OutcomeRow {
  stream: string
  record: string
  direction: 'pull' | 'push'
  entity: string
  localId: string | null
  externalId: string | null
  outcome: OutcomeKind
  code: string | null
  detail: string | null
  at: Date
}

/** A page of the records of a run, by stream and record; one row more than `limit` when there are more. */
export function listOutcomes(
  tx: Transaction,
  filter: {
    runId: string
    stream?: string | undefined
    outcome?: OutcomeKind | undefined
    code?: string | undefined
  },
  after: readonly [string, string] | null,
  limit: number,
): Promise<OutcomeRow[]> {
  return tx.query(sql<OutcomeRow>`
    select stream, record, direction, entity, local_id, external_id, outcome, code, detail, at from sync_outcomes
    where run_id = ${filter.runId} and (stream, record) > (${after?.[0] ?? ''}, ${after?.[1] ?? ''})
      and (${filter.stream ?? null}::text is null or stream = ${filter.stream ?? null})
      and (${filter.outcome ?? null}::text is null or outcome = ${filter.outcome ?? null})
      and (${filter.code ?? null}::text is null or code = ${filter.code ?? null})
    order by stream, record limit ${limit + 1}`)
}

/** Everything about one record: links, what is pending, and its outcomes, newest first, 500 at most. */
export async function readJourney(tx: Transaction, entity: string, localId: string) {
  const links = await tx.query(sql<{
    connectionId: string
    externalId: string
    linkedAt: Date
    externalModifiedAt: Date | null
    deletedAt: Date | null
  }>`
    select connection_id, external_id, linked_at, external_modified_at, deleted_at from sync_links
    where entity = ${entity} and local_id = ${localId} order by linked_at limit 100`)
  const pending = await tx.query(sql<{
    connectionId: string
    since: Date
    attempts: number
    nextAttemptAt: Date | null
    heldCode: string | null
  }>`
    select connection_id, since, attempts, next_attempt_at, held_code from sync_pending
    where entity = ${entity} and local_id = ${localId} order by since limit 100`)
  const outcomes = await tx.query(sql<OutcomeRow & { runId: string; connectionId: string }>`
    select o.run_id, r.connection_id, o.stream, o.record, o.direction, o.entity, o.local_id, o.external_id, o.outcome,
      o.code, o.detail, o.at
    from sync_outcomes o join sync_runs r on r.id = o.run_id
    where o.entity = ${entity} and o.local_id = ${localId} order by o.at desc, o.run_id desc limit 500`)
  return { links, pending, outcomes }
}
