import { AsyncLocalStorage } from 'node:async_hooks'

type Value = string | number | boolean

/** What is known of a span when it begins. Attributes are ids, templates and figures, never what a person wrote or is called. */
export interface SpanFacts {
  kind?: 'server' | 'client' | 'consumer'
  /** W3C traceparent of what caused it, from another process or from before; what is under way here comes first. */
  parent?: string | null
  attributes?: Readonly<Record<string, Value>>
}

/** A span under way. */
export interface Span {
  set(name: string, value: Value): void
  /** @param kind  a code or the name of an error, not its message. */
  fail(kind: string): void
}

export interface Tracer {
  /** Does the work as a span: of what is under way, else of the parent, else as the root of a new trace. A throw fails it. */
  span<T>(name: string, facts: SpanFacts, work: (span: Span) => Promise<T>): Promise<T>
  /** Notes what has ended as a span of what is under way; nothing when nothing is. */
  note(name: string, facts: SpanFacts, durationMs: number, failure: string | null): void
}

/** The span that work belongs to, as the tracer keeps it. */
export interface ActiveTrace {
  traceparent: string
  /** The tracer's own. */
  context: unknown
}

const active = new AsyncLocalStorage<ActiveTrace>()

export function activeTrace(): ActiveTrace | null {
  return active.getStore() ?? null
}

/** The W3C traceparent of what is under way; null when nothing is traced. */
export function currentTrace(): string | null {
  return active.getStore()?.traceparent ?? null
}

export function runInTrace<T>(trace: ActiveTrace, work: () => T): T {
  return active.run(trace, work)
}

const noSpan: Span = { set: () => undefined, fail: () => undefined }

/** Traces nothing. */
export const noTracer: Tracer = {
  span: (_name, _facts, work) => work(noSpan),
  note: () => undefined,
}
