import { sql } from 'kysely'
import { findImport, type ImportRecord } from '#imports/import.store.ts'
import type { Transaction } from '#store/store.ts'

/** How long a runner may be silent before another may take over. Each batch renews it. */
export const HELD_MS = 15_000

/** Thrown in a batch of an import that was cancelled or that another process runs now; nothing of the batch is kept. */
export class RunLost extends Error {
  constructor() {
    super('The import was cancelled, or another process has taken it over.')
    this.name = 'RunLost'
  }
}

/** Takes a queued or abandoned import under a token. @returns null while another runner holds it or nothing is to do. */
export async function takeRun(
  tx: Transaction,
  id: string,
  token: string,
  now: Date,
): Promise<ImportRecord | null> {
  const taken = await tx.execute(sql`
    update imports set state = 'running', run_token = ${token}, started_at = coalesce(started_at, ${now}),
      held_until = clock_timestamp() + ${HELD_MS} * interval '1 ms'
    where id = ${id} and (state = 'queued' or (state = 'running' and held_until < clock_timestamp()))`)
  return taken === 0 ? null : findImport(tx, id)
}

/** Where an import stands; the counts sum to the position. */
export interface Progress {
  position: number
  bytesRead: number
  created: number
  updated: number
  unchanged: number
  rejected: number
}

/**
 * Keeps others out until the transaction ends.
 * @throws RunLost when the run is not ours any more.
 */
export async function holdRun(tx: Transaction, id: string, token: string): Promise<Progress> {
  const row = await tx.find(sql<Progress>`
    select position, bytes_read, created, updated, unchanged, rejected from imports
    where id = ${id} and run_token = ${token} and state = 'running' for update`)
  if (row === null) throw new RunLost()
  return row
}

/** Notes what is done, and renews the hold. */
export async function advanceRun(tx: Transaction, id: string, to: Progress): Promise<void> {
  await tx.execute(sql`
    update imports set position = ${to.position}, bytes_read = ${to.bytesRead}, created = ${to.created}, updated = ${to.updated},
      unchanged = ${to.unchanged}, rejected = ${to.rejected}, failures = 0,
      held_until = clock_timestamp() + ${HELD_MS} * interval '1 ms'
    where id = ${id}`)
}

export async function finishRun(tx: Transaction, id: string, now: Date): Promise<void> {
  await tx.execute(sql`
    update imports set state = 'done', ended_at = ${now}, bytes_read = size_bytes, run_token = null, held_until = null
    where id = ${id}`)
}

export async function failRun(
  tx: Transaction,
  id: string,
  token: string,
  error: { code: string; detail: string },
  now: Date,
): Promise<void> {
  await tx.execute(sql`
    update imports set state = 'failed', ended_at = ${now}, error = ${JSON.stringify(error)}::jsonb, run_token = null, held_until = null
    where id = ${id} and run_token = ${token} and state = 'running'`)
}

/** Lets another process go on at once, unless runs broke off here too often: then the import has failed. */
export async function yieldRun(
  tx: Transaction,
  id: string,
  token: string,
  failure: { maxFailures: number; error: { code: string; detail: string }; now: Date } | null,
): Promise<void> {
  const failures = failure === null ? sql`failures` : sql`failures + 1`
  const isOver = failure === null ? sql`false` : sql`failures + 1 >= ${failure.maxFailures}`
  await tx.execute(sql`
    update imports set state = case when ${isOver} then 'failed' else 'queued' end,
      error = case when ${isOver} then ${JSON.stringify(failure?.error ?? null)}::jsonb end,
      ended_at = case when ${isOver} then ${failure?.now ?? null}::timestamptz end,
      run_token = null, held_until = null, failures = ${failures}
    where id = ${id} and run_token = ${token} and state = 'running'`)
}
