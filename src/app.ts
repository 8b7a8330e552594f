import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FastifyInstance } from 'fastify'
import { createClient } from 'redis'
import { createAuthenticator } from '#access/authenticate.ts'
import { createAccess } from '#access/index.ts'
import { createMarketing, seedMarketing } from '#domains/marketing/index.ts'
import { sales } from '#domains/sales/index.ts'
import { scopes } from '#access/roles.ts'
import type { Config } from '#config.ts'
import { hubspot } from '#connectors/hubspot/index.ts'
import { salesforce } from '#connectors/salesforce/index.ts'
import { createLog, type Log } from '#core/log.ts'
import { createMetrics, type Metrics } from '#core/metrics.ts'
import { MINUTE_MS, systemClock, type Clock } from '#core/time.ts'
import { createLimiter } from '#gateway/limiter.ts'
import { createOpenApi } from '#gateway/openapi.ts'
import type { Operation } from '#gateway/operation.ts'
import { createConsoleRoutes } from '#gateway/pages/console.routes.ts'
import { createDocsRoutes } from '#gateway/pages/docs.routes.ts'
import { createHealthRoutes } from '#gateway/pages/health.routes.ts'
import { createServer } from '#gateway/server.ts'
import { startJobs, type Jobs } from '#jobs/engine.ts'
import { createImports } from '#imports/index.ts'
import type { Module } from '#module.ts'
import { people } from '#people/index.ts'
import { createReports, seedReports } from '#reports/index.ts'
import { openStore } from '#store/connect.ts'
import { startEmbedded } from '#store/embedded.ts'
import { migrate } from '#store/migrate.ts'
import type { Store, Transaction } from '#store/store.ts'
import { createSyncModule } from '#sync/index.ts'

/** A running hub. */
export interface App {
  config: Config
  clock: Clock
  log: Log
  metrics: Metrics
  store: Store
  modules: readonly Module[]
  operations: readonly Operation[]
  jobs: Jobs
  server: FastifyInstance
  /** The address it listens on, once it does. */
  url: string
  stop(): Promise<void>
}

export interface AppOptions {
  clock?: Clock
  log?: Log
}

/** What every workspace has from its beginning; safe to run again. */
export async function seedWorkspace(tx: Transaction, now: Date): Promise<void> {
  await seedMarketing(tx, now)
  await seedReports(tx)
}

/** Puts the modules together, brings the database up to date, and listens unless told not to. */
export async function startApp(
  config: Config,
  options: AppOptions & { listen: boolean },
): Promise<App> {
  const log = options.log ?? createLog(config.logLevel)
  const clock = options.clock ?? systemClock
  const metrics = createMetrics()
  const undo: (() => Promise<unknown>)[] = []
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step()
  }
  try {
    const store = await openDatabase(config, log, undo)
    let url = config.publicUrl ?? `http://${config.httpHost}:${config.httpPort}`
    const modules = composeModules(config, () => url, metrics)
    const operations = modules.flatMap((module) => module.operations)
    const redis = await openRedis(config, log, undo)
    const authenticator = createAuthenticator(store, clock)
    undo.push(() => authenticator.flush())
    let isStopping = false
    const server = await createServer({
      store,
      clock,
      log,
      metrics,
      authenticate: authenticator.authenticate,
      limiter: createLimiter(redis),
      operations,
      rawRoutes: [
        ...modules.flatMap((module) => module.rawRoutes ?? []),
        ...createHealthRoutes({
          store,
          metrics,
          metricsToken: config.metricsToken ?? null,
          isReady: () => !isStopping,
        }),
        ...createDocsRoutes(() => createOpenApi(operations, scopes)),
        ...createConsoleRoutes(CONSOLE_FOLDER),
      ],
      publicUrl: url,
      maxBodyBytes: config.maxBodyBytes,
      writers: config.writers,
    })
    const jobs = await startJobs({
      store,
      clock,
      log,
      metrics,
      jobs: modules.flatMap((module) => module.jobs),
      subscribers: modules.flatMap((module) => module.subscribers),
      timers: [
        ...modules.flatMap((module) => module.timers),
        { name: 'access.key-use', everyMs: MINUTE_MS, run: () => authenticator.flush() },
      ],
      active: config.runJobs,
    })
    undo.push(() => jobs.stop())
    undo.push(async () => {
      isStopping = true
      await server.close()
    })
    if (options.listen) {
      const address = await server.listen({ host: config.httpHost, port: config.httpPort })
      if (config.publicUrl === undefined) url = address
    } else {
      await server.ready()
    }
    return { config, clock, log, metrics, store, modules, operations, jobs, server, url, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const CONSOLE_FOLDER = join(ROOT, 'console', 'dist')

/** Every module there is; the order is the order of the documentation. */
export function composeModules(
  config: Pick<Config, 'reportsKeptMs'>,
  publicUrl: () => string,
  metrics: Metrics | null = null,
): readonly Module[] {
  const domains = [people, createMarketing(publicUrl), sales, createReports(config.reportsKeptMs)]
  const entities = domains.flatMap((module) => module.entities)
  const imports = createImports(domains.flatMap((module) => module.importTargets ?? []))
  const sync = createSyncModule([hubspot, salesforce], entities, metrics)
  return [createAccess(publicUrl), ...domains, imports, sync]
}

async function openDatabase(
  config: Config,
  log: Log,
  undo: (() => Promise<unknown>)[],
): Promise<Store> {
  let connectionString = config.databaseUrl
  if (connectionString === undefined) {
    const database = await startEmbedded({ dataDir: config.dataDir, log })
    undo.push(() => database.stop())
    connectionString = database.connectionString
  }
  await migrate({ connectionString, folder: join(ROOT, 'migrations'), log })
  const keyFile = config.keyFile ?? join(config.dataDir, 'keys.json')
  const store = await openStore({ connectionString, keyFile, log, poolSize: config.poolSize })
  undo.push(() => store.close())
  return store
}

async function openRedis(config: Config, log: Log, undo: (() => Promise<unknown>)[]) {
  if (config.redisUrl === undefined) return null
  const redis = createClient({ url: config.redisUrl, disableOfflineQueue: true })
  redis.on('error', (error: Error) =>
    log.warn({ error }, 'Redis does not answer; limits are counted by this process'),
  )
  await redis.connect()
  undo.push(() => redis.close())
  return redis
}
