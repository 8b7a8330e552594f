import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Context,
  type Span as OtelSpan,
} from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { Problem } from '#core/problem.ts'
import { SECOND_MS } from '#core/time.ts'
import { activeTrace, runInTrace, type SpanFacts, type Tracer } from '#core/trace.ts'

const TIMEOUT_MS = 5 * SECOND_MS
const kinds = { server: SpanKind.SERVER, client: SpanKind.CLIENT, consumer: SpanKind.CONSUMER }

export interface Tracing {
  tracer: Tracer
  /** Sends what is left, and ends. */
  stop(): Promise<void>
}

/**
 * Traces to a collector that takes OTLP over HTTP. Loaded only where one is set. Nothing of it is global, so that two hubs of one process
 * keep their spans apart.
 * @param endpoint  the collector's address, without /v1/traces.
 */
export function startTracing(endpoint: string): Tracing {
  const exporter = new OTLPTraceExporter({
    url: `${endpoint.replace(/\/$/, '')}/v1/traces`,
    timeoutMillis: TIMEOUT_MS,
  })
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'throughline' }),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  })
  const otel = provider.getTracer('throughline')
  const begin = (name: string, facts: SpanFacts, startTime?: number) => {
    const { kind, attributes = {} } = facts
    return otel.startSpan(
      name,
      {
        kind: kind === undefined ? SpanKind.INTERNAL : kinds[kind],
        attributes,
        ...(startTime === undefined ? {} : { startTime }),
      },
      parentOf(facts),
    )
  }
  const tracer: Tracer = {
    async span(name, facts, work) {
      const span = begin(name, facts)
      const fail = (kind: string) => failed(span, kind)
      try {
        return await runInTrace(activeOf(span), () =>
          work({ set: (key, value) => void span.setAttribute(key, value), fail }),
        )
      } catch (error) {
        // A refusal for the caller's fault is no failure of the work.
        if (error instanceof Problem && error.status < 500)
          span.setAttribute('error.type', error.code)
        else fail(kindOf(error))
        throw error
      } finally {
        span.end()
      }
    },
    note(name, facts, durationMs, failure) {
      if (activeTrace() === null) return
      const endMs = Date.now()
      const span = begin(name, facts, endMs - durationMs)
      if (failure !== null) failed(span, failure)
      span.end(endMs)
    },
  }
  return { tracer, stop: () => provider.shutdown() }
}

function activeOf(span: OtelSpan) {
  const { traceId, spanId, traceFlags } = span.spanContext()
  const flags = (traceFlags & TraceFlags.SAMPLED).toString(16).padStart(2, '0')
  return {
    traceparent: `00-${traceId}-${spanId}-${flags}`,
    context: trace.setSpan(ROOT_CONTEXT, span),
  }
}

function parentOf({ parent }: SpanFacts): Context {
  const active = activeTrace()
  if (active) return active.context as Context
  // W3C Trace Context §3.2; a later version may add fields behind these.
  const match = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)/.exec(
    parent ?? '',
  )
  const [, traceId = '', spanId = '', flags = '00'] = match ?? []
  if (!match || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return ROOT_CONTEXT
  const traceFlags = Number.parseInt(flags, 16) & TraceFlags.SAMPLED
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true })
}

/** An error's message may quote what somebody wrote: only its kind is told. */
function kindOf(error: unknown): string {
  if (error instanceof Problem) return error.code
  return error instanceof Error ? error.name : 'unknown'
}

function failed(span: OtelSpan, kind: string): void {
  span.setStatus({ code: SpanStatusCode.ERROR })
  span.setAttribute('error.type', kind)
}
