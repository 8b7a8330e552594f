// A process that takes up jobs from the database it is given and never ends one: the test kills it in the middle.
import { z } from 'zod'
import { silentLog } from '#core/log.ts'
import { createMetrics } from '#core/metrics.ts'
import { systemClock } from '#core/time.ts'
import { startJobs } from '#jobs/engine.ts'
import { defineJob } from '#jobs/job.ts'
import { openStore } from '#store/connect.ts'

const [connectionString = '', keyFile = ''] = process.argv.slice(2)
const store = await openStore({ connectionString, keyFile, log: silentLog, poolSize: 2 })
const endless = defineJob({
  name: 'test.killed',
  input: z.object({ value: z.number() }),
  concurrency: 1,
  retryLimit: 2,
  timeoutMs: 600_000,
  run: () => new Promise(() => process.stdout.write('running\n')),
})
await startJobs({
  store,
  clock: systemClock,
  log: silentLog,
  metrics: createMetrics(),
  jobs: [endless],
  subscribers: [],
  timers: [],
  active: true,
})
