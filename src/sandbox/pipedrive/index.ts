import { createClock } from '#sandbox/clock.ts'
import { createFaults } from '#sandbox/faults.ts'
import { openJournal } from '#sandbox/journal.ts'
import { serve } from '#sandbox/kernel.ts'
import type { Vendor } from '#sandbox/kernel.ts'
import { DEFAULT_SETTINGS } from './account.ts'
import type { Account, AccountSettings, Caller, OauthApp } from './account.ts'
import { authenticate } from './authenticate.ts'
import { companyRoutes } from './company.routes.ts'
import { controlRoutes } from './control.routes.ts'
import { conversionRoutes } from './conversions.routes.ts'
import type { Conversions } from './conversions.routes.ts'
import { dealExtraRoutes } from './deal-extras.routes.ts'
import { notFound } from './errors.ts'
import { fieldRoutes } from './fields.routes.ts'
import { createHandle } from './handle.ts'
import type { PipedriveSandbox } from './handle.ts'
import { leadRoutes } from './leads.routes.ts'
import { RateLimiter, limitsOf } from './limits.ts'
import type { Limits, Plan } from './limits.ts'
import { mergeRoutes } from './merges.ts'
import { oauthRoutes } from './oauth.routes.ts'
import type { Codes } from './oauth.routes.ts'
import { pipelineRoutes } from './pipelines.routes.ts'
import { recentRoutes } from './recents.routes.ts'
import { recordRoutes } from './records.routes.ts'
import { searchRoutes } from './search.routes.ts'
import { AccountState } from './state.ts'
import type { Change } from './state.ts'
import { statusAnswer } from './status-answers.ts'
import { WebhookSender } from './webhooks.ts'
import { webhookRoutes } from './webhooks.routes.ts'

export type { PipedriveSandbox } from './handle.ts'

export interface PipedriveOptions {
  /** 0 (the default) takes a free port. */
  port?: number
  /** Epoch milliseconds; the real time unless given. */
  now?: () => number
  /** With a file every acknowledged write survives a kill of the process. */
  stateFile?: string
  settings?: Partial<AccountSettings>
  /** `growth` with five seats unless given: 300,000 tokens a day. */
  plan?: Plan
  seats?: number
  limits?: Partial<Limits>
  oauthApp?: Partial<OauthApp>
  /** User ids by API token; the first one is `sandbox.token`. */
  tokens?: Record<string, number>
  /** How many of the last requests `requests()` gives; 200 unless given. */
  keepRequests?: number
}

const DEFAULT_APP: OauthApp = {
  clientId: 'sandbox-client-id',
  clientSecret: 'sandbox-client-secret',
  redirectUris: ['http://localhost:3000/oauth/callback'],
  scopes: [
    'base',
    'deals:full',
    'contacts:full',
    'leads:full',
    'activities:full',
    'products:full',
    'users:read',
    'search:read',
    'recents:read',
    'admin',
  ],
}

const DEFAULT_TOKENS = { '0123456789abcdef0123456789abcdef01234567': 1 }

/** Starts a Pipedrive company on 127.0.0.1. Empty but for what the state file holds. */
export async function startPipedrive(options: PipedriveOptions = {}): Promise<PipedriveSandbox> {
  const account = openAccount(options)
  const codes: Codes = new Map()
  const conversions: Conversions = new Map()
  const faults = createFaults()
  const reset = (): void => {
    account.state.clear()
    account.webhooks.clear()
    account.limiter.reset()
    account.lostWriteCount = 0
    codes.clear()
    conversions.clear()
    faults.lift()
    kernel.log.clear()
  }
  const control = controlRoutes({ account, faults, codes, log: () => kernel.log, reset })
  const kernel = await serve(vendorOf(account, codes, conversions, control), {
    clock: account.clock,
    faults,
    ...(options.port === undefined ? {} : { port: options.port }),
    ...(options.keepRequests === undefined ? {} : { keepRequests: options.keepRequests }),
  })
  account.baseUrl = () => kernel.url
  return createHandle({ account, faults, codes, kernel, reset })
}

function openAccount(options: PipedriveOptions): Account {
  const state = new AccountState()
  if (options.stateFile !== undefined) {
    state.journal = openJournal(options.stateFile, (line) => state.replay(line as Change[]))
  }
  const clock = createClock(options.now)
  const settings = { ...DEFAULT_SETTINGS, ...options.settings }
  const limits = { ...limitsOf(options.plan ?? 'growth', options.seats ?? 5), ...options.limits }
  const account: Account = {
    state,
    clock,
    settings,
    limiter: new RateLimiter(clock, settings, limits),
    webhooks: new WebhookSender(),
    oauthApp: { ...DEFAULT_APP, ...options.oauthApp },
    apiTokens: new Map(Object.entries(options.tokens ?? DEFAULT_TOKENS)),
    baseUrl: () => '',
    lostWriteCount: 0,
  }
  account.webhooks.account = account
  state.onEvent = (event) => account.webhooks.publish(event)
  return account
}

const NOBODY: Caller = { kind: 'oauth', key: '', userId: 0, scopes: new Set() }

function vendorOf(
  account: Account,
  codes: Codes,
  conversions: Conversions,
  control: Vendor<Caller>['control'],
): Vendor<Caller> {
  return {
    control,
    routes: [
      ...recordRoutes(account),
      ...searchRoutes(account),
      ...leadRoutes(account),
      ...conversionRoutes(account, conversions),
      ...dealExtraRoutes(account),
      ...mergeRoutes(account),
      ...recentRoutes(account),
      ...fieldRoutes(account),
      ...pipelineRoutes(account),
      ...companyRoutes(account),
      ...webhookRoutes(account),
      ...oauthRoutes(account, codes),
    ],
    isOpen: (route) => (route.includes(' /oauth/') ? NOBODY : null),
    admit(call, route) {
      const caller = authenticate(account, call)
      return { caller, headers: account.limiter.admit(caller, route) }
    },
    notFound: () => notFound().answer,
    statusAnswer: (fault) => statusAnswer(account, fault),
  }
}
