import { areSuppressed, SUPPRESSED } from '#compliance/suppressed.ts'
import { Problem } from '#core/problem.ts'
import { performBatch, type BatchOutcome } from '#gateway/batch.ts'
import type { Principal } from '#gateway/operation.ts'
import type { ColumnPlan } from '#imports/import.schema.ts'
import { explainRefusal, rejectRow, type Mapped, type Rejection } from '#imports/map-row.ts'
import { claimRows, releaseRows, rowKey } from '#imports/row-key.store.ts'
import type { BatchTarget } from '#imports/targets.ts'
import type { Transaction } from '#store/store.ts'

export interface RowsContext {
  target: BatchTarget
  columns: readonly ColumnPlan[]
  source: string
  principal: Principal
  now: Date
  /** Audit entries and events of the rows are filed under it. */
  requestId: string
}

export interface PerformedRows {
  created: number
  updated: number
  /** Rows that were taken before, by this import or another. */
  unchanged: number
  rejects: Rejection[]
}

type Input = Extract<Mapped, { kind: 'input' }>

/**
 * Performs rows inside the transaction, each one once: a row that is known does nothing. Rows that the operation refuses
 * become rejects and stay unknown, so that they may come again.
 *
 * @param rows  at most as many as the operation takes in a batch.
 */
export async function performRows(
  tx: Transaction,
  rows: readonly Mapped[],
  context: RowsContext,
): Promise<PerformedRows> {
  const { target, columns, source } = context
  const rejects = rows.filter((row) => row.kind === 'reject')
  const twins = new Map<string, Input[]>()
  for (const row of rows) {
    if (row.kind === 'reject') continue
    const key = rowKey(tx, target.name, source, row.raw)
    const known = twins.get(key)
    if (known === undefined) twins.set(key, [row])
    else known.push(row)
  }
  if (twins.size === 0) return { created: 0, updated: 0, unchanged: 0, rejects }
  const fresh = await claimRows(tx, target.name, [...twins.keys()])
  const performing = [...twins].filter(([key]) => fresh.has(key))
  const raws = performing.map(([, [first]]) => first!.raw)
  const outcomes = await performWanted(tx, raws, context)
  const counts = { created: 0, updated: 0 }
  const refused: string[] = []
  performing.forEach(([key, same], i) => {
    const outcome = outcomes[i]!
    if (outcome.kind === 'done') {
      counts[outcome.status === 201 ? 'created' : 'updated'] += 1
      return
    }
    refused.push(key)
    const reason = explainRefusal(outcome.problem, columns)
    for (const { row } of same) rejects.push(rejectRow(row, columns, outcome.problem.code, reason))
  })
  await releaseRows(tx, target.name, refused)
  const unchanged = rows.length - rejects.length - counts.created - counts.updated
  return { ...counts, unchanged, rejects }
}

/** Performs what may come in; rows of people who were erased on request are refused and bring nobody back. */
async function performWanted(
  tx: Transaction,
  raws: readonly Input['raw'][],
  { target, principal, now, requestId }: RowsContext,
): Promise<BatchOutcome[]> {
  if (raws.length === 0) return []
  const emails = raws.map((raw) => (typeof raw['email'] === 'string' ? raw['email'] : null))
  const suppressed = await areSuppressed(tx, emails)
  const wanted = raws.filter((_raw, i) => !suppressed[i])
  const performed =
    wanted.length === 0
      ? []
      : await performBatch(tx, target.operation, principal, wanted, { now, requestId })
  let next = 0
  return suppressed.map((isSuppressed) =>
    isSuppressed
      ? { kind: 'refused', problem: new Problem('privacy.suppressed', SUPPRESSED) }
      : performed[next++]!,
  )
}
