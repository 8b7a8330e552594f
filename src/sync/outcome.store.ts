import { sql } from 'kysely'
import type { Transaction } from '#store/store.ts'

export type OutcomeKind =
  | 'created'
  | 'updated'
  | 'unchanged'
  | 'deleted'
  | 'skipped'
  | 'refused'
  | 'conflict'

/** What became of one record in one run. At least one of the ids is known. */
export interface Outcome {
  localId: string | null
  externalId: string | null
  outcome: OutcomeKind
  code: string | null
  /** Without personal data. */
  detail: string | null
}

export interface OutcomePlace {
  runId: string
  connectionId: string
  stream: string
  entity: string
  direction: 'pull' | 'push'
}

/**
 * Keeps the outcomes of a page, opens an item for each record that was refused or is in conflict, and closes the items
 * of the others. Four statements, however many records.
 *
 * A run that goes on after a crash meets some records twice: the first outcome stays when the second is "unchanged".
 */
export async function writeOutcomes(
  tx: Transaction,
  place: OutcomePlace,
  outcomes: readonly Outcome[],
  now: Date,
): Promise<void> {
  if (outcomes.length === 0) return
  const rows = outcomes.map((outcome) => ({
    ...outcome,
    record: recordOf(place, outcome),
  }))
  await insertOutcomes(tx, place, rows, now)
  const isFaulty = (row: Outcome) => row.outcome === 'refused' || row.outcome === 'conflict'
  const isOver = (row: Outcome) => row.outcome === 'skipped' || row.outcome === 'deleted'
  const recordsOf = (some: readonly Row[]) => some.map((row) => row.record)
  const sound = rows.filter((row) => !isFaulty(row))
  await closeErrors(tx, place, recordsOf(sound.filter((row) => !isOver(row))), 'word')
  await closeErrors(tx, place, recordsOf(sound.filter(isOver)), 'sight')
  await openErrors(tx, place, rows.filter(isFaulty), now)
}

/** What an outcome and its item go by: the id of the side that the record comes from, which is known from the start. */
function recordOf(place: OutcomePlace, { localId, externalId }: Outcome): string {
  const [first, second] = place.direction === 'push' ? [localId, externalId] : [externalId, localId]
  return first ?? second ?? ''
}

type Row = Outcome & { record: string }

async function insertOutcomes(
  tx: Transaction,
  place: OutcomePlace,
  rows: readonly Row[],
  now: Date,
): Promise<void> {
  await tx.execute(sql`
    insert into sync_outcomes
      (run_id, stream, record, direction, entity, local_id, external_id, outcome, code, detail, at)
    select ${place.runId}, ${place.stream}, record, ${place.direction}, ${place.entity}, "localId", "externalId",
      outcome, code, detail, ${now}
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as r(record text, "localId" text, "externalId" text, outcome text, code text, detail text)
    on conflict (run_id, stream, record) do update
    set outcome = excluded.outcome, code = excluded.code, detail = excluded.detail, at = excluded.at,
      external_id = excluded.external_id
    where excluded.outcome <> 'unchanged'`)
}

/**
 * Closes the items of these records. That the vendor says it kept a record is no news where it said so before: the items of the
 * certificate go only on the sight of the record, or when there is nothing of it to see.
 */
async function closeErrors(
  tx: Transaction,
  place: OutcomePlace,
  records: readonly string[],
  on: 'word' | 'sight',
): Promise<void> {
  if (records.length === 0) return
  await tx.execute(sql`
    delete from sync_errors
    where connection_id = ${place.connectionId} and stream = ${place.stream} and record = any(${[...records]})
      and (${on} = 'sight' or code not like 'certificate.%')`)
}

/** Closes the items of the certificate of these records, which were seen to be there. One statement. */
export async function closeAccused(
  tx: Transaction,
  place: OutcomePlace,
  records: readonly string[],
): Promise<void> {
  if (records.length === 0) return
  await tx.execute(sql`
    delete from sync_errors
    where connection_id = ${place.connectionId} and stream = ${place.stream} and record = any(${[...records]})
      and code like 'certificate.%'`)
}

/** Opens items, or counts one that is open; an ignored one opens again only for another cause. */
export async function openErrors(
  tx: Transaction,
  place: OutcomePlace,
  rows: readonly (Omit<Row, 'outcome'> & { outcome?: string })[],
  now: Date,
): Promise<void> {
  if (rows.length === 0) return
  await tx.execute(sql`
    insert into sync_errors as known
      (connection_id, stream, record, direction, entity, local_id, external_id, code, detail, first_at, last_at, last_run_id)
    select ${place.connectionId}, ${place.stream}, record, ${place.direction}, ${place.entity}, "localId", "externalId",
      coalesce(code, 'UNKNOWN'), detail, ${now}, ${now}, ${place.runId}
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as r(record text, "localId" text, "externalId" text, code text, detail text)
    on conflict (connection_id, stream, record) do update
    set code = excluded.code, detail = excluded.detail, external_id = excluded.external_id,
      last_at = excluded.last_at, last_run_id = excluded.last_run_id, occurrences = known.occurrences + 1,
      first_at = case when known.code = excluded.code then known.first_at else excluded.first_at end,
      state = case when known.code = excluded.code then known.state else 'open' end`)
}

/** Closes the item of a stream's own fault, once the stream was gone through. */
export async function closeStreamError(tx: Transaction, place: OutcomePlace): Promise<void> {
  await closeErrors(tx, place, [''], 'sight')
}

/** A stream that is paused has no fault of its own any more. */
export async function closeStreamFault(
  tx: Transaction,
  connectionId: string,
  stream: string,
): Promise<void> {
  await tx.execute(sql`
    delete from sync_errors
    where connection_id = ${connectionId} and stream = ${stream} and record = '' and starts_with(code, 'stream.')`)
}
