import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import type { Log } from '#core/log.ts'
import { Problem } from '#core/problem.ts'
import type { Clock } from '#core/time.ts'
import { recordWork } from '#gateway/batch.ts'
import type { Principal } from '#gateway/operation.ts'
import { readFile } from '#imports/file.store.ts'
import { findImport, getWorkspaceDefaults, type ImportRecord } from '#imports/import.store.ts'
import { createRowMapper, type Mapped } from '#imports/map-row.ts'
import { performRows } from '#imports/perform-rows.ts'
import { readRows } from '#imports/reader.ts'
import { insertRejects } from '#imports/reject.store.ts'
import {
  advanceRun,
  failRun,
  finishRun,
  holdRun,
  RunLost,
  takeRun,
  yieldRun,
  type Progress,
} from '#imports/run.store.ts'
import { getTarget, type BatchTarget, type Targets } from '#imports/targets.ts'
import type { Store, Transaction } from '#store/store.ts'

/** What every run works with. */
export interface ImportEngine {
  store: Store
  clock: Clock
  log: Log
  targets: Targets
}

export interface RunOptions {
  signal: AbortSignal
  /** After each batch, with the position and counts since the import began. */
  onProgress?(progress: Progress): void
}

const MAX_ROWS = 500
const MAX_CHARS = 4 * 1024 * 1024
const MAX_FAILURES = 5
const MAX_TRIES = 6

/**
 * Runs a queued import, or goes on with one whose process died, until its end. Each batch of rows commits together with the
 * position, the counts, the rejects and the keys of its rows, so that a stop at any moment loses and repeats nothing.
 *
 * @returns the import as it stands then; null when another process is at it or there is nothing to do.
 * @throws the reason of the signal when it is aborted, and what broke a batch again and again; the import waits for another
 *   run then. A file that turns out to be damaged is no throw: the import has failed.
 */
export async function runImport(
  engine: ImportEngine,
  workspaceId: string,
  importId: string,
  options: RunOptions,
): Promise<ImportRecord | null> {
  const { store, clock, log } = engine
  const token = randomUUID()
  const inTransaction = <T>(work: (tx: Transaction) => Promise<T>) =>
    store.transaction(workspaceId, work)
  const record = await inTransaction((tx) => takeRun(tx, importId, token, clock.now()))
  if (record === null) return null
  try {
    await new Run(engine, record, token, options).toEnd()
  } catch (thrown) {
    if (thrown instanceof RunLost) {
      log.info({ importId, workspaceId }, 'the import is not ours any more')
    } else if (thrown instanceof Problem && thrown.status < 500) {
      const error = { code: thrown.code, detail: thrown.message }
      await inTransaction((tx) => failRun(tx, importId, token, error, clock.now()))
    } else {
      const failure = options.signal.aborted
        ? null
        : {
            maxFailures: MAX_FAILURES,
            error: {
              code: 'service.internal',
              detail: 'Runs broke off at the same row again and again: see the log of the hub.',
            },
            now: clock.now(),
          }
      // When the database is away this fails too; the hold then passes by itself.
      await inTransaction((tx) => yieldRun(tx, importId, token, failure)).catch((error: unknown) =>
        log.warn({ importId, workspaceId, error }, 'the import is given up without a word'),
      )
      throw thrown
    }
  }
  return inTransaction((tx) => findImport(tx, importId))
}

class Run {
  readonly #engine: ImportEngine
  readonly #record: ImportRecord
  readonly #token: string
  readonly #options: RunOptions
  readonly #target: BatchTarget
  readonly #principal: Principal
  #progress: Progress
  #bytesRead = 0

  constructor(engine: ImportEngine, record: ImportRecord, token: string, options: RunOptions) {
    this.#engine = engine
    this.#record = record
    this.#token = token
    this.#options = options
    this.#target = getTarget(engine.targets, record.target)
    const { position, bytesRead, created, updated, unchanged, rejected } = record
    this.#progress = { position, bytesRead, created, updated, unchanged, rejected }
    const { scope } = this.#target.operation
    this.#principal = {
      id: record.startedBy ?? record.createdBy,
      kind: record.startedByKind ?? 'system',
      workspaceId: record.workspaceId,
      // Who started it was seen to have it.
      scopes: new Set(scope === null ? [] : [scope]),
      rateLimitPerMinute: Number.MAX_SAFE_INTEGER,
    }
  }

  async toEnd(): Promise<void> {
    const { dialect, position, columns, source, zone } = this.#record
    const { currency } = await this.#inTransaction(getWorkspaceDefaults)
    const map = createRowMapper(columns, this.#target, { source, zone, currency })
    const reader = readRows(this.#readFile(), dialect, { skipRecords: position })
    const maxRows = Math.min(MAX_ROWS, this.#target.operation.batch.max)
    let batch: Mapped[] = []
    let chars = 0
    for await (const rows of reader.batches()) {
      for (const row of rows) {
        if (row.kind === 'row') for (const column in row.cells) chars += row.cells[column]!.length
        batch.push(map(row))
        if (batch.length < maxRows && chars < MAX_CHARS) continue
        await this.#perform(batch)
        batch = []
        chars = 0
      }
    }
    if (batch.length > 0) await this.#perform(batch)
    await this.#finish()
  }

  /** One batch, tried again when the database could not take it at the moment. */
  async #perform(batch: readonly Mapped[]): Promise<void> {
    const { signal } = this.#options
    for (let tries = 1; ; tries += 1) {
      signal.throwIfAborted()
      try {
        this.#progress = await this.#inTransaction((tx) => this.#commit(tx, batch))
        break
      } catch (thrown) {
        const isPassing = thrown instanceof Problem && thrown.code === 'service.unavailable'
        if (!isPassing || tries >= MAX_TRIES) throw thrown
        await setTimeout(100 * 2 ** tries, undefined, { signal })
      }
    }
    this.#options.onProgress?.(this.#progress)
  }

  async #commit(tx: Transaction, batch: readonly Mapped[]): Promise<Progress> {
    const { id, columns, source } = this.#record
    const held = await holdRun(tx, id, this.#token)
    const position = recordOf(batch.at(-1)!)
    // The commit of an earlier try came through although its answer did not.
    if (held.position >= position) return held
    const { created, updated, unchanged, rejects } = await performRows(tx, batch, {
      target: this.#target,
      columns,
      source,
      principal: this.#principal,
      now: this.#engine.clock.now(),
      requestId: id,
    })
    await insertRejects(tx, id, rejects)
    const progress: Progress = {
      position,
      bytesRead: this.#bytesRead,
      created: held.created + created,
      updated: held.updated + updated,
      unchanged: held.unchanged + unchanged,
      rejected: held.rejected + rejects.length,
    }
    await advanceRun(tx, id, progress)
    return progress
  }

  async #finish(): Promise<void> {
    const { id } = this.#record
    const now = this.#engine.clock.now()
    await this.#inTransaction(async (tx) => {
      await holdRun(tx, id, this.#token)
      await finishRun(tx, id, now)
      const data = { target: this.#target.name, ...this.#progress }
      const work = {
        audits: [{ action: 'finishImport', subjectId: id }],
        events: [{ event: 'import.finished', subjectId: id, data }],
      }
      await recordWork(tx, this.#principal, work, { now, requestId: id })
    })
  }

  async *#readFile(): AsyncGenerator<Buffer> {
    const { id, sizeBytes } = this.#record
    const pieces = readFile((work) => this.#inTransaction(work), id, sizeBytes)
    for await (const piece of pieces) {
      this.#options.signal.throwIfAborted()
      this.#bytesRead += piece.length
      yield piece
    }
  }

  #inTransaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#engine.store.transaction(this.#record.workspaceId, work)
  }
}

function recordOf(row: Mapped): number {
  return row.kind === 'reject' ? row.record : row.row.record
}
