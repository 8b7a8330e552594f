/**
 * Makes one try to take a deleted connection's webhooks away in a process of its own, so that a test can kill it: `disconnect-child.ts
 * <JSON>` with `databaseUrl keyFile workspaceId connectionId now`.
 */
import { pipedrive } from '#connectors/pipedrive/index.ts'
import { silentLog } from '#core/log.ts'
import { ManualClock } from '#core/time.ts'
import { openStore } from '#store/connect.ts'
import { disconnectJob } from '#sync/disconnection.jobs.ts'
import { testEngine } from '#tests/sync.ts'

interface Task {
  databaseUrl: string
  keyFile: string
  workspaceId: string
  connectionId: string
  now: string
}

const { databaseUrl, keyFile, workspaceId, connectionId, now } = JSON.parse(
  process.argv[2] ?? '{}',
) as Task
const clock = new ManualClock(new Date(now))
const store = await openStore({
  connectionString: databaseUrl,
  keyFile,
  log: silentLog,
  poolSize: 2,
})
const engine = testEngine(store, clock, { connectors: new Map([[pipedrive.vendor, pipedrive]]) })
await disconnectJob(() => engine).run(
  { workspaceId, connectionId },
  {
    store,
    clock,
    log: silentLog,
    signal: new AbortController().signal,
    enqueue: () => Promise.resolve(),
  },
)
await store.close()
