import { dirname, join } from 'node:path'
import type { Server as HttpsServer } from 'node:https'
import { fileURLToPath } from 'node:url'
import type { FastifyInstance } from 'fastify'
import { createClient } from 'redis'
import { createAlerts } from '#alerts/index.ts'
import { createAuthenticator } from '#access/authenticate.ts'
import type { AuditFiles } from '#access/audit-chain.ts'
import { installationSealer } from '#access/installation.ts'
import { approval } from '#access/permissions/approval.store.ts'
import { createAccess } from '#access/index.ts'
import { createCompliance } from '#compliance/index.ts'
import { createMarketing, seedMarketing } from '#domains/marketing/index.ts'
import { sales } from '#domains/sales/index.ts'
import { scoring } from '#domains/scoring/index.ts'
import { roles, scopes } from '#access/roles.ts'
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
import { AccessLog } from '#gateway/access-log.ts'
import { Egress } from '#egress/egress.ts'
import { createMailer, type Mailer } from '#egress/mail.ts'
import type { ObservedCall } from '#gateway/gateway.ts'
import { createClientOf } from '#gateway/client-address.ts'
import { createLimiter } from '#gateway/limiter.ts'
import { RateWindows } from '#gateway/rate-windows.ts'
import { createOpenApi } from '#gateway/openapi.ts'
import type { Operation } from '#gateway/operation.ts'
import { createConsoleRoutes } from '#gateway/pages/console.routes.ts'
import { createDocsRoutes } from '#gateway/pages/docs.routes.ts'
import { createHealthRoutes } from '#gateway/pages/health.routes.ts'
import { createServer } from '#gateway/server.ts'
import { readTls, TlsRenewal, type TlsFiles } from '#gateway/tls.ts'
import { startJobs, type Jobs } from '#jobs/engine.ts'
import { jobWatches } from '#jobs/watches.ts'
import { createImports } from '#imports/index.ts'
import { createLevels } from '#levels/index.ts'
import { LAG_OPERATION } from '#levels/level.kpis.ts'
import { CallRecorder } from '#levels/call-recorder.ts'
import { Pulse } from '#levels/pulse.ts'
import { QuotaMeters } from '#levels/quota-meters.ts'
import type { Module } from '#module.ts'
import { people } from '#people/index.ts'
import { createReports, seedReports } from '#reports/index.ts'
import type { Tracer } from '#core/trace.ts'
import { traceStore } from '#store/traced.ts'
import { guardOf, type GuardSettings, type KeyGuard } from '#store/key-guard.ts'
import { openStore } from '#store/connect.ts'
import { startEmbedded } from '#store/embedded.ts'
import { migrate } from '#store/migrate.ts'
import { statisticsDuty } from '#store/statistics.ts'
import type { Store, Transaction } from '#store/store.ts'
import type { Pace } from '#sync/engine.ts'
import { createOriginReader, createSyncModule } from '#sync/index.ts'
import { checkListening, checkWaysOut } from '#transport.ts'
import { createWebhooks } from '#webhooks/index.ts'

/** A running hub. */
export interface App {
  config: Config
  clock: Clock
  log: Log
  metrics: Metrics
  store: Store
  /** Reads of personal data that wait to be written. */
  accessLog: AccessLog
  modules: readonly Module[]
  operations: readonly Operation[]
  jobs: Jobs
  /** Tells the database what this process counted, as it does by itself every second. */
  levels: Pick<Pulse, 'flush'>
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
  /** How the sync engine waits; in real time unless given. */
  syncPace?: Pace
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
    if (options.listen) checkListening(config)
    for (const warning of checkWaysOut(config)) log.warn({}, warning)
    const tlsFiles = options.listen ? tlsFilesOf(config) : null
    const tls = tlsFiles && (await readTls(tlsFiles))
    const tracer = await openTracing(config, undo)
    const opened = await openDatabase(config, log, undo)
    const store = tracer ? traceStore(opened, tracer) : opened
    const calls = new CallRecorder(() => store, clock)
    let url =
      config.publicUrl ?? `${tls ? 'https' : 'http'}://${config.httpHost}:${config.httpPort}`
    const signals = new Signals(clock)
    const threats = new ThreatWatch(signals, { store, clock, log, metrics })
    const modules = composeModules(
      config,
      {
        publicUrl: () => url,
        store: () => store,
        clock,
        onCall: (call) => calls.record(call),
        signals,
        ...(options.syncPace ? { syncPace: options.syncPace } : {}),
      },
      metrics,
    )
    const operations = modules.flatMap((module) => module.operations)
    const redis = await openRedis(config, log, undo)
    const authenticator = createAuthenticator(store, clock, () => url, threats)
    undo.push(() => authenticator.flush())
    const accessLog = new AccessLog(store, log)
    undo.push(() => accessLog.flush())
    undo.push(await store.listen('throughline_credentials', () => authenticator.forget()))
    const quotas = new QuotaMeters(() => store, clock, log)
    undo.push(await store.listen('throughline_quotas', (id) => quotas.forget(id)))
    const windows = new RateWindows(store, () => installationSealer(store), log)
    const levels = new Pulse(
      [
        (isLast) => quotas.flush(isLast),
        (isLast) => calls.flush(isLast),
        (isLast) => windows.flush(isLast),
        statisticsDuty(store),
      ],
      log,
    )
    undo.push(() => levels.stop())
    undo.push(await threats.start(config.threatIntervalMs))
    let isStopping = false
    const server = await createServer({
      store,
      clock,
      log,
      metrics,
      authenticate: authenticator.authenticate,
      whose: (credentials) => authenticator.whose(credentials),
      clientOf: createClientOf(config.trustedProxies, config.proxyHeader),
      ...(tls && { tls }),
      accessLog,
      watch: threats,
      limiter: createLimiter(redis, windows, log),
      quotas,
      ...(tracer && { tracer }),
      onCall: (call) => calls.record(call),
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
      tracer,
    })
    undo.push(() => jobs.stop())
    undo.push(async () => {
      isStopping = true
      await server.close()
    })
    if (options.listen) {
      const address = await server.listen({ host: config.httpHost, port: config.httpPort })
      if (config.publicUrl === undefined) url = tls ? address.replace('http:', 'https:') : address
      if (tls && tlsFiles) {
        const renewal = new TlsRenewal(server.server as HttpsServer, tlsFiles, tls, log)
        undo.push(async () => renewal.stop())
      }
    } else {
      await server.ready()
    }
    return {
      config,
      clock,
      log,
      metrics,
      store,
      accessLog,
      modules,
      operations,
      jobs,
      levels,
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

function tlsFilesOf({ tlsCertFile, tlsKeyFile }: Config): TlsFiles | null {
  return tlsCertFile === undefined || tlsKeyFile === undefined
    ? null
    : { certFile: tlsCertFile, keyFile: tlsKeyFile }
}

type AccessSettings = Pick<
  Config,
  'requireApprovals' | 'oidcIssuer' | 'oidcClientId' | 'oidcClientSecret' | 'oidcName'
>
type MailSettings = Pick<Config, 'smtpUrl' | 'mailFrom' | 'egressAllow'>

function outsideProvider(config: Partial<AccessSettings>): OutsideProvider | null {
  const { oidcIssuer: issuer, oidcClientId: clientId, oidcClientSecret: clientSecret } = config
  if (issuer === undefined && clientId === undefined && clientSecret === undefined) return null
  if (issuer === undefined || clientId === undefined || clientSecret === undefined)
    throw new ConfigError(
      'THROUGHLINE_OIDC_ISSUER, THROUGHLINE_OIDC_CLIENT_ID and THROUGHLINE_OIDC_CLIENT_SECRET belong together: set all three or none.',
    )
  return { issuer, clientId, clientSecret, name: config.oidcName ?? issuer }
}

function mailer({ smtpUrl, mailFrom, egressAllow = [] }: Partial<MailSettings>): Mailer | null {
  if (smtpUrl === undefined && mailFrom === undefined) return null
  if (smtpUrl === undefined || mailFrom === undefined)
    throw new ConfigError(
      'THROUGHLINE_SMTP_URL and THROUGHLINE_MAIL_FROM belong together: set both or none.',
    )
  return createMailer(smtpUrl, mailFrom, egressAllow)
}

/** What modules reach only once the hub runs. */
export interface Running {
  /** The hub's address as browsers see it, without a slash at its end. */
  publicUrl: () => string
  store: () => Store
  clock: Clock
  /** Service levels count what is called. */
  onCall?: (call: ObservedCall) => void
  syncPace?: Pace
  signals: Signals
}

/** Every module there is; the order is the order of the documentation. */
export function composeModules(
  config: Pick<Config, 'reportsKeptMs' | 'dataDir' | 'keyFile' | 'egressAllow'> &
    Partial<AccessSettings & MailSettings>,
  running: Running,
  metrics: Metrics | null = null,
): readonly Module[] {
  const { publicUrl } = running
  const connectors = [hubspot, pipedrive, salesforce]
  const keepingRecords = [people, createMarketing(publicUrl), sales, scoring]
  const entities = keepingRecords.flatMap((module) => module.entities)
  const origins = createOriginReader(connectors, entities)
  const domains = [...keepingRecords, createReports(config.reportsKeptMs, origins)]
  const imports = createImports(domains.flatMap((module) => module.importTargets ?? []))
  const sync = createSyncModule(
    connectors,
    entities,
    publicUrl,
    {
      metrics,
      onVendorCall: (workspaceId, vendor, { status, durationMs }) =>
        running.onCall?.({ workspaceId, operation: `vendor.${vendor}`, status, durationMs }),
      onWritten: (workspaceId, lagMs) =>
        running.onCall?.({ workspaceId, operation: LAG_OPERATION, status: 200, durationMs: lagMs }),
    },
    config.requireApprovals === false ? null : approval,
    running.syncPace,
  )
  const access = createAccess({
    ...running,
    outside: outsideProvider(config),
    auditFiles: auditFiles(config),
  })
  const egress = new Egress(config.egressAllow)
  const webhooks = createWebhooks(egress)
  const keepers = [...domains, imports, sync, webhooks, access]
  const compliance = createCompliance({
    stores: keepers.flatMap((module) => module.personal ?? []),
    kinds: keepers.flatMap((module) => module.retained ?? []),
    erasedList: erasedListFile(config),
  })
  const shown = [access, ...domains, imports, sync, compliance, webhooks]
  const watches = [...shown.flatMap((module) => module.watches ?? []), ...jobWatches]
  const modules: Module[] = [
    ...shown,
    createAlerts({ watches, egress, mailer: mailer(config), publicUrl }),
    createLevels(
      Object.keys(roles),
      (id) => routes().get(id) ?? null,
      [...domains, sync].flatMap((module) => module.kpis ?? []),
    ),
  ]
  const routes = once(
    () =>
      new Map(
        modules.flatMap((module) =>
          module.operations.map(({ id, method, path }) => [id, `${method} ${path}`]),
        ),
      ),
  )
  return modules
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | null = null
  return () => (made ??= { value: make() }).value
}

/** Where the keys of the installation are, and what seals them there. */
export function keyPlaceOf(config: Pick<Config, 'dataDir' | 'keyFile'> & GuardSettings): {
  keyFile: string
  keyGuard: KeyGuard | null
} {
  const keyFile = config.keyFile ?? join(config.dataDir, 'keys.json')
  try {
    return { keyFile, keyGuard: guardOf(config) }
  } catch (error) {
    throw new ConfigError(error instanceof Error ? error.message : String(error))
  }
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
  const { poolSize } = config
  const store = await openStore({ connectionString, ...keyPlaceOf(config), log, poolSize })
  undo.push(() => store.close())
  return store
}

/** Its library takes memory: it is loaded where a collector is set. */
async function openTracing(
  { otlpEndpoint }: Config,
  undo: (() => Promise<unknown>)[],
): Promise<Tracer | undefined> {
  if (otlpEndpoint === undefined) return undefined
  const { startTracing } = await import('#levels/tracing.ts')
  const tracing = startTracing(otlpEndpoint)
  undo.push(() => tracing.stop().catch(() => undefined)) // a collector that is away must not keep the hub from its stop
  return tracing.tracer
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
