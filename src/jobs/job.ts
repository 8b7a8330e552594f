import type { z } from 'zod'
import type { Log } from '#core/log.ts'
import type { Tracer } from '#core/trace.ts'
import type { Clock } from '#core/time.ts'
import type { Store, Transaction } from '#store/store.ts'

/** What a job or subscriber works with besides its input. */
export interface JobContext {
  store: Store
  clock: Clock
  log: Log
  /** Aborts when the app shuts down or the job's time is over. */
  signal: AbortSignal
  tracer?: Tracer
  /**
   * Queues another job; with `singletonKey`, at most one waits under that key. In a subscriber the job is queued by the
   * transaction of its position: it exists once what the subscriber wrote is committed, and not before.
   */
  enqueue(
    name: string,
    input: unknown,
    options?: { singletonKey?: string; startAfter?: Date },
  ): Promise<void>
}

/** Work that outlives a request: queued in PostgreSQL, retried with back-off, at last a visible dead letter. */
export interface Job<Input extends z.ZodType = z.ZodType> {
  name: string
  input: Input
  /** How many run at once in this process. */
  concurrency: number
  /** Tries after the first. */
  retryLimit: number
  timeoutMs: number
  run(input: z.output<Input>, context: JobContext): Promise<void>
}

/** Closes over the input type, so that a list of jobs needs no `any`. */
export function defineJob<Input extends z.ZodType>(job: Job<Input>): Job {
  return job
}

/** One row of the outbox. `data` holds ids and figures, never personal values. */
export interface OutboxEvent {
  seq: number
  workspaceId: string
  event: string
  subjectId: string
  data: Record<string, unknown>
  requestId: string | null
  /** W3C traceparent of what told of it; null when that was not traced. */
  trace?: string | null
  occurredAt: Date
}

/** A new event: it is written in the transaction of the change that it tells of. */
export interface EventDraft {
  event: string
  subjectId: string
  data?: Record<string, unknown>
}

/**
 * Handles committed events, in commit order, at least once, each subscriber at its own pace.
 * One call gets events of one workspace; what `tx` writes commits together with the subscriber's position.
 */
export interface Subscriber {
  name: string
  events: readonly string[]
  handle(events: readonly OutboxEvent[], tx: Transaction, context: JobContext): Promise<void>
}

/**
 * A recurring duty. Each due time is run once, in whichever process; times missed while nothing ran are made up for by one run.
 */
export interface Timer {
  name: string
  everyMs: number
  run(context: JobContext): Promise<void>
}
