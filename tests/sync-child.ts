/**
 * Performs one run in a process of its own, so that a test can kill it: `sync-child.ts <JSON>` with `databaseUrl keyFile
 * workspaceId runId leaseMs now`. Says "done" or why not on standard output.
 */
import { hubspot } from '#connectors/hubspot/index.ts'
import { pipedrive } from '#connectors/pipedrive/index.ts'
import { salesforce } from '#connectors/salesforce/index.ts'
import { silentLog } from '#core/log.ts'
import { ManualClock } from '#core/time.ts'
import { openStore } from '#store/connect.ts'
import { performRun } from '#sync/run.ts'
import { testEngine } from '#tests/sync.ts'

interface Task {
  databaseUrl: string
  keyFile: string
  workspaceId: string
  runId: string
  leaseMs: number
  now: string
}

const task = JSON.parse(process.argv[2] ?? '{}') as Task
const store = await openStore({
  connectionString: task.databaseUrl,
  keyFile: task.keyFile,
  log: silentLog,
  poolSize: 4,
})
const engine = testEngine(store, new ManualClock(new Date(task.now)), {
  leaseMs: task.leaseMs,
  connectors: new Map([hubspot, pipedrive, salesforce].map((one) => [one.vendor, one])),
})
const end = await performRun(engine, task.workspaceId, task.runId, new AbortController().signal)
process.stdout.write(end)
await store.close()
