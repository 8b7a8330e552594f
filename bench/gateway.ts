// What a request pays for passing the gateway, from authenticate to observe: an operation that does nothing, beside a bare route of
// the same server that opens the same transaction and answers the same. They take turns. Flags: --requests 4000, --rounds 5.
import { parseArgs } from 'node:util'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent } from 'undici'
import { z } from 'zod'
import { createAuthenticator } from '#access/authenticate.ts'
import { createWorkspace, issueKey } from '#access/bootstrap.ts'
import { installationSealer } from '#access/installation.ts'
import { seedWorkspace, startApp } from '#app.ts'
import { figure, report } from '#bench/figures.ts'
import { loadConfig } from '#config.ts'
import { createLog } from '#core/log.ts'
import { AccessLog } from '#gateway/access-log.ts'
import { createClientOf } from '#gateway/client-address.ts'
import { createLimiter } from '#gateway/limiter.ts'
import { RateWindows } from '#gateway/rate-windows.ts'
import { defineOperation } from '#gateway/operation.ts'
import { CallRecorder } from '#levels/call-recorder.ts'
import { QuotaMeters } from '#levels/quota-meters.ts'
import { createServer } from '#gateway/server.ts'

const BAR_MS = 1

const { values: flags } = parseArgs({
  options: {
    requests: { type: 'string', default: '4000' },
    rounds: { type: 'string', default: '5' },
  },
})

const answer = { id: 'probe', at: '2026-11-26T00:00:00Z' }
const probe = defineOperation({
  id: 'probe',
  method: 'GET',
  path: '/api/v1/probe',
  scope: 'people:read',
  tag: 'Bench',
  summary: 'Answers at once',
  input: z.object({ q: z.string().max(100).optional() }),
  output: z.object({ id: z.string(), at: z.string() }),
  perform: async () => answer,
})

const folder = await mkdtemp(join(tmpdir(), 'throughline-bench-'))
// Log lines are made and written, as in a real hub, where they cost the least: to nowhere.
const app = await startApp(loadConfig({}, { dataDir: folder, httpPort: 0, runJobs: false }), {
  listen: false,
  log: createLog('error'),
})
const { store, clock, log, metrics } = app
const now = clock.now()
const details = { name: 'Bench', currency: 'EUR', timeZone: 'UTC' }
const workspaceId = await createWorkspace(store, details, now, seedWorkspace)
const { token: key } = await issueKey(
  store,
  workspaceId,
  { name: 'bench', roles: ['admin'], rateLimitPerMinute: 10_000_000 },
  now,
)
const calls = new CallRecorder(() => store, clock)
const authenticator = createAuthenticator(store, clock, () => 'http://127.0.0.1', app.threats)
const windows = new RateWindows(store, () => installationSealer(store), log)
const server = await createServer({
  store,
  clock,
  log,
  metrics,
  authenticate: authenticator.authenticate,
  whose: (credentials) => authenticator.whose(credentials),
  clientOf: createClientOf([], 'x-forwarded-for'),
  accessLog: new AccessLog(store, log),
  watch: app.threats,
  limiter: createLimiter(null, windows, log),
  quotas: new QuotaMeters(() => store, clock, log),
  onCall: (call) => calls.record(call),
  operations: [probe],
  rawRoutes: [],
  mounts: [],
  publicUrl: () => 'http://127.0.0.1',
  maxBodyBytes: 1_000_000,
  writers: 2,
})
server.get('/bare', () => store.transaction(workspaceId, async () => answer))
const origin = await server.listen({ host: '127.0.0.1', port: 0 })
const agent = new Agent({ connections: 1, pipelining: 1 })

/** Milliseconds of each of `count` requests, one after the other. */
async function timesOf(path: string, count: number): Promise<number[]> {
  const times: number[] = []
  for (let i = 0; i < count; i += 1) {
    const startMs = performance.now()
    const { statusCode, body } = await agent.request({
      origin,
      method: 'GET',
      path,
      headers: { authorization: `Bearer ${key}` },
    })
    await body.dump()
    times.push(performance.now() - startMs)
    if (statusCode !== 200) throw new Error(`${path} answered ${statusCode}`)
  }
  return times
}

const quantile = (times: readonly number[], part: number) =>
  times.toSorted((a, b) => a - b)[Math.floor(times.length * part)]!

const count = Math.round(Number(flags.requests) / Number(flags.rounds))
await timesOf('/bare', 500)
await timesOf(probe.path, 500)
const bare: number[] = []
const through: number[] = []
for (let round = 0; round < Number(flags.rounds); round += 1) {
  bare.push(...(await timesOf('/bare', count)))
  through.push(...(await timesOf(probe.path, count)))
}
await agent.close()
await server.close()
await authenticator.flush()
await app.stop()
await rm(folder, { recursive: true, force: true })
report('gateway', [
  figure('requests of each', bare.length, ''),
  figure('bare route: p50', quantile(bare, 0.5), 'ms'),
  figure('through the gateway: p50', quantile(through, 0.5), 'ms'),
  figure('the gateway: p50', quantile(through, 0.5) - quantile(bare, 0.5), 'ms', {
    atMost: BAR_MS,
  }),
  figure('the gateway: p99', quantile(through, 0.99) - quantile(bare, 0.99), 'ms'),
])
