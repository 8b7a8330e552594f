import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Operation, Principal } from '#gateway/operation.ts'
import type { Shown } from '#gateway/shown.ts'
import type { LimitState } from '#gateway/limiter.ts'

export interface Answer {
  status: number
  /** The exact bytes to send; kept by `replay`, so that a repeated request gets the same. */
  body: string
  headers: Record<string, string>
  /** Of a read with personal fields: which records it shows. */
  shown?: Shown
}

/** One validated input, or why it was refused. Index is its place in a batch. */
export type Item = { kind: 'valid'; input: unknown } | { kind: 'invalid'; body: string }

/** One request on its way through the pipeline; each step fills in its part. */
export interface Exchange {
  operation: Operation
  request: FastifyRequest
  reply: FastifyReply
  /** The query fields, without those that are the gateway's own. */
  query: Record<string, unknown>
  requestId: string
  startedAtMs: number
  now: Date
  principal: Principal | null
  limit: LimitState | null
  /** One item, or the items of a batch. */
  items: Item[]
  isBatch: boolean
  idempotencyKey: string | null
  requestHash: Buffer | null
  expectedVersion: number | null
  /** Rows of lists that were read for this answer and not told of yet. */
  rows: number
  answer: Answer | null
}
