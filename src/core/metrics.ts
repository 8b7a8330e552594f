import { Counter, Gauge, Histogram, Registry } from 'prom-client'

/** The instruments of one running app. Names carry base units; labels stay few and bounded. */
export function createMetrics() {
  const registry = new Registry()
  const registers = [registry]
  return {
    registry,
    requestDuration: new Histogram({
      name: 'throughline_http_request_duration_seconds',
      help: 'Time from the first byte in to the last byte out, by operation and status class.',
      labelNames: ['operation', 'status'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5, 10, 30],
      registers,
    }),
    syncRecords: new Counter({
      name: 'throughline_sync_records_total',
      help: 'Records of sync runs by vendor, stream, direction and outcome.',
      labelNames: ['vendor', 'stream', 'direction', 'outcome'],
      registers,
    }),
    syncCalls: new Counter({
      name: 'throughline_sync_calls_total',
      help: 'Calls to connected systems by vendor and status class.',
      labelNames: ['vendor', 'status'],
      registers,
    }),
    jobDuration: new Histogram({
      name: 'throughline_job_duration_seconds',
      help: 'Run time of jobs by name and outcome.',
      labelNames: ['job', 'outcome'],
      buckets: [0.01, 0.1, 0.5, 1, 5, 15, 60, 300, 1800],
      registers,
    }),
    threats: new Counter({
      name: 'throughline_threats_total',
      help: 'Threats that were raised, by kind.',
      labelNames: ['kind'],
      registers,
    }),
    outboxLag: new Gauge({
      name: 'throughline_outbox_lag_events',
      help: 'Events of the outbox that a subscriber has not handled yet.',
      labelNames: ['subscriber'],
      registers,
    }),
  }
}

export type Metrics = ReturnType<typeof createMetrics>
