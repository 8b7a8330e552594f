import { createClock } from '#sandbox/clock.ts'
import { createFaults } from '#sandbox/faults.ts'
import { openJournal } from '#sandbox/journal.ts'
import { serve } from '#sandbox/kernel.ts'
import type { Call, Route, Vendor } from '#sandbox/kernel.ts'
import { authenticate } from './authenticate.ts'
import { BulkJobs } from './bulk-jobs.ts'
import { bulkRoutes } from './bulk.routes.ts'
import { collectionRoutes } from './collections.routes.ts'
import { compositeRoutes } from './composite.routes.ts'
import { controlRoutes, settle } from './control.routes.ts'
import { notFound, refuse } from './errors.ts'
import { createHandle } from './handle.ts'
import type { SalesforceSandbox } from './handle.ts'
import { KEY_PREFIXES, idOf } from './ids.ts'
import { DEFAULT_LIMITS, Quota } from './limits.ts'
import type { Limits } from './limits.ts'
import { metadataRoutes } from './metadata.routes.ts'
import { oauthRoutes } from './oauth.routes.ts'
import type { OauthMemory } from './oauth.routes.ts'
import { DEFAULT_SETTINGS, furnish } from './org.ts'
import type { Caller, OauthApp, Org, OrgSettings } from './org.ts'
import { queryRoutes } from './query.routes.ts'
import { replicationRoutes } from './replication.routes.ts'
import { rowRoutes } from './rows.routes.ts'
import { OrgState } from './state.ts'
import type { Change } from './state.ts'
import { statusAnswer } from './status-answers.ts'

export type { SalesforceSandbox } from './handle.ts'

export interface SalesforceOptions {
  /** 0 (the default) takes a free port. */
  port?: number
  /** Epoch milliseconds; the real time unless given. */
  now?: () => number
  /** With a file every acknowledged write survives a kill of the process; bulk jobs do not. */
  stateFile?: string
  settings?: Partial<OrgSettings>
  limits?: Partial<Limits>
  oauthApp?: Partial<OauthApp>
  /** Access tokens that do not time out; the first one is `sandbox.token`. */
  tokens?: string[]
  /** How many of the last requests `requests()` gives; 200 unless given. */
  keepRequests?: number
}

const DEFAULT_TOKEN = '00DSB0000000001!AQEAQSandboxAccessToken'

/** Salesforce docs: URI length, 16,384 bytes with the headers. */
const MAX_URL = 16_384
const MAX_BODY = 128 * 1024 * 1024

/** Starts a Salesforce org on 127.0.0.1. Empty but for what the state file holds. */
export async function startSalesforce(options: SalesforceOptions = {}): Promise<SalesforceSandbox> {
  const org = openOrg(options)
  const memory: OauthMemory = { codes: new Map(), spent: new Map() }
  const faults = createFaults()
  const reset = (): void => {
    org.state.clear()
    furnish(org)
    org.quota.reset()
    org.jobs.clear()
    org.cursors.clear()
    org.stagesByType.clear()
    org.rowCounters.clear()
    org.late = []
    org.validationRules = []
    org.duplicateRules = []
    memory.codes.clear()
    memory.spent.clear()
    faults.lift()
    kernel.log.clear()
  }
  const control = controlRoutes({ org, faults, memory, log: () => kernel.log, reset })
  const kernel = await serve(vendorOf(org, memory, control), {
    clock: org.clock,
    faults,
    maxBodyBytes: MAX_BODY,
    ...(options.port === undefined ? {} : { port: options.port }),
    ...(options.keepRequests === undefined ? {} : { keepRequests: options.keepRequests }),
  })
  return createHandle({ org, faults, memory, kernel, reset })
}

function openOrg(options: SalesforceOptions): Org {
  const state = new OrgState()
  let hasHistory = false
  if (options.stateFile !== undefined) {
    state.journal = openJournal(options.stateFile, (line) => {
      hasHistory = true
      state.replay(line as Change[])
    })
  }
  const clock = createClock(options.now)
  const settings = { ...DEFAULT_SETTINGS, ...options.settings }
  const adminId = idOf(KEY_PREFIXES['User'] ?? '', 1)
  const tokens = options.tokens ?? [DEFAULT_TOKEN]
  const org: Org = {
    state,
    clock,
    settings,
    quota: new Quota(clock, { ...DEFAULT_LIMITS, ...options.limits }),
    oauthApp: {
      clientId: 'sandbox-consumer-key',
      clientSecret: 'sandbox-consumer-secret',
      redirectUris: ['http://localhost:3000/oauth/callback'],
      scopes: ['api', 'refresh_token'],
      publicKey: null,
      rotatesRefreshTokens: false,
      runAsUserId: adminId,
      ...options.oauthApp,
    },
    staticTokens: new Map(tokens.map((token) => [token, { userId: adminId }])),
    validationRules: [],
    duplicateRules: [],
    cursors: new Map(),
    stagesByType: new Map(),
    jobs: new BulkJobs(),
    late: [],
    rowCounters: new Map(),
    organizationId: idOf(KEY_PREFIXES['Organization'] ?? '', 1),
    adminId,
    get basePath() {
      return `/services/data/v${settings.apiVersion}`
    },
    now: () => Math.floor((clock.now() + settings.clockSkewMs) / 1000) * 1000,
  }
  if (!hasHistory) furnish(org)
  return org
}

const NOBODY: Caller = { userId: '', token: '' }

/** Routes without a session: the token endpoints, and the list of versions. */
function isOpen(route: string): boolean {
  return /^\w+ \/(?:services\/oauth2\/|id\/)/.test(route) || route === 'GET /services/data'
}

function vendorOf(
  org: Org,
  memory: OauthMemory,
  control: Vendor<Caller>['control'],
): Vendor<Caller> {
  const inner: Route<Caller>[] = [
    ...metadataRoutes(org),
    ...queryRoutes(org),
    ...replicationRoutes(org),
    ...rowRoutes(org),
    ...collectionRoutes(org),
  ]
  const routes = [...inner, ...compositeRoutes(org, inner), ...bulkRoutes(org)]
  return {
    control,
    routes: [...routes, ...oauthRoutes(org, memory)],
    isOpen: (route) => (isOpen(route) ? NOBODY : null),
    admit(call) {
      settle(org)
      requireVersion(org, call)
      if (call.url.length > MAX_URL) {
        throw refuse(414, 'URI_TOO_LONG', 'URI length exceeds 16384 bytes')
      }
      const caller = authenticate(org, call)
      const date = new Date(org.now()).toUTCString()
      return { caller, headers: { date, ...org.quota.admit() } }
    },
    notFound: () => notFound().answer,
    statusAnswer: (fault) => statusAnswer(org, fault),
  }
}

/** Salesforce docs: API end of life; versions up to 30 are retired. */
function requireVersion(org: Org, call: Call): void {
  const version = /^v(\d+)\.0$/.exec(call.params['version'] ?? '')?.[1]
  const number = Number(version ?? 0)
  if (number >= 31 && number <= Number(org.settings.apiVersion)) return
  if (number > 0 && number < 31) {
    throw refuse(410, 'UNSUPPORTED_API_VERSION', 'This version of the API is retired.')
  }
  throw notFound()
}
