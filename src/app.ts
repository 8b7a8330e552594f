import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FastifyInstance } from 'fastify'
import { createClient } from 'redis'
import { createAuthenticator } from '#access/authenticate.ts'
import type { AuditFiles } from '#access/audit-chain.ts'
import { approval } from '#access/permissions/approval.store.ts'
import { createAccess } from '#access/index.ts'
import { createCompliance } from '#compliance/index.ts'
import { createMarketing, seedMarketing } from '#domains/marketing/index.ts'
import { sales } from '#domains/sales/index.ts'
import { scoring } from '#domains/scoring/index.ts'
import { scopes } from '#access/roles.ts'
import { Signals } from '#access/threats/signals.ts'
import { ThreatWatch } from '#access/threats/watch.ts'
import type { OutsideProvider } from '#access/sign-in/oidc.routes.ts'
import { ConfigError, type Config } from '#config.ts'
import { hubspot } from '#connectors/hubspot/index.ts'
import { pipedrive } from '#connectors/pipedrive/index.ts'
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
import { createWebhooks } from '#webhooks/index.ts'

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
  /** The watch over attacks; it also runs by itself. */
  threats: ThreatWatch
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
    const signals = new Signals(clock)
    const threats = new ThreatWatch(signals, { store, clock, log, metrics })
    const modules = composeModules(
      config,
      { publicUrl: () => url, store: () => store, clock, signals },
      metrics,
    )
    const operations = modules.flatMap((module) => module.operations)
    const redis = await openRedis(config, log, undo)
    const authenticator = createAuthenticator(store, clock, () => url, threats)
    undo.push(() => authenticator.flush())
    undo.push(await store.listen('throughline_credentials', () => authenticator.forget()))
    undo.push(await threats.start(config.threatIntervalMs))
    let isStopping = false
    const server = await createServer({
      store,
      clock,
      log,
      metrics,
      authenticate: authenticator.authenticate,
      watch: threats,
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
      mounts: modules.flatMap((module) => module.mounts ?? []),
      publicUrl: () => url,
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
    return {
      config,
      clock,
      log,
      metrics,
      store,
      modules,
      operations,
      jobs,
      threats,
      server,
      url,
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const CONSOLE_FOLDER = join(ROOT, 'console', 'dist')

type AccessSettings = Pick<
  Config,
  'requireApprovals' | 'oidcIssuer' | 'oidcClientId' | 'oidcClientSecret' | 'oidcName'
>

function outsideProvider(config: Partial<AccessSettings>): OutsideProvider | null {
  const { oidcIssuer: issuer, oidcClientId: clientId, oidcClientSecret: clientSecret } = config
  if (issuer === undefined && clientId === undefined && clientSecret === undefined) return null
  if (issuer === undefined || clientId === undefined || clientSecret === undefined)
    throw new ConfigError(
      'THROUGHLINE_OIDC_ISSUER, THROUGHLINE_OIDC_CLIENT_ID and THROUGHLINE_OIDC_CLIENT_SECRET belong together: set all three or none.',
    )
  return { issuer, clientId, clientSecret, name: config.oidcName ?? issuer }
}

/** What modules reach only once the hub runs. */
export interface Running {
  /** The hub's address as browsers see it, without a slash at its end. */
  publicUrl: () => string
  store: () => Store
  clock: Clock
  signals: Signals
}

/** Every module there is; the order is the order of the documentation. */
export function composeModules(
  config: Pick<Config, 'reportsKeptMs' | 'dataDir' | 'keyFile' | 'egressAllow'> &
    Partial<AccessSettings>,
  running: Running,
  metrics: Metrics | null = null,
): readonly Module[] {
  const { publicUrl } = running
  const domains = [
    people,
    createMarketing(publicUrl),
    sales,
    scoring,
    createReports(config.reportsKeptMs),
  ]
  const entities = domains.flatMap((module) => module.entities)
  const imports = createImports(domains.flatMap((module) => module.importTargets ?? []))
  const sync = createSyncModule(
    [hubspot, pipedrive, salesforce],
    entities,
    publicUrl,
    metrics,
    config.requireApprovals === false ? null : approval,
  )
  return [
    createAccess({ ...running, outside: outsideProvider(config), auditFiles: auditFiles(config) }),
    ...domains,
    imports,
    sync,
    createCompliance(
      [...domains, sync].flatMap((module) => module.personal ?? []),
      erasedListFile(config),
    ),
    createWebhooks(config.egressAllow),
  ]
}

/** Beside the key file: outside the database, and backed up with the keys. */
function besideKeys(config: Pick<Config, 'dataDir' | 'keyFile'>): string {
  return config.keyFile === undefined ? config.dataDir : dirname(config.keyFile)
}

/** Ids of people who were erased, so that a restore does not bring them back. */
export function erasedListFile(config: Pick<Config, 'dataDir' | 'keyFile'>): string {
  return join(besideKeys(config), 'erased.jsonl')
}

export function auditFiles(config: Pick<Config, 'dataDir' | 'keyFile'>): AuditFiles {
  const folder = besideKeys(config)
  return {
    keyFile: join(folder, 'audit-key.pem'),
    checkpointFile: join(folder, 'audit-checkpoints.jsonl'),
  }
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
