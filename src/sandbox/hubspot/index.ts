import { createClock } from '#sandbox/clock.ts'
import { createFaults } from '#sandbox/faults.ts'
import { openJournal } from '#sandbox/journal.ts'
import { serve } from '#sandbox/kernel.ts'
import type { Vendor } from '#sandbox/kernel.ts'
import { accountInfoRoutes } from './account-info.routes.ts'
import { DEFAULT_SETTINGS } from './account.ts'
import type { Account, AccountSettings, Caller, OauthApp, StaticToken } from './account.ts'
import { associationLabelRoutes } from './association-labels.routes.ts'
import { associationRoutes } from './associations.routes.ts'
import { authenticate } from './authenticate.ts'
import { batchRoutes } from './batch.routes.ts'
import { campaignRoutes } from './campaigns.routes.ts'
import { controlRoutes } from './control.routes.ts'
import { notFound, refuse } from './errors.ts'
import { createHandle } from './handle.ts'
import type { HubspotSandbox } from './handle.ts'
import { DEFAULT_LIMITS, RateLimiter } from './limits.ts'
import type { Limits } from './limits.ts'
import { oauthRoutes } from './oauth.routes.ts'
import type { Codes } from './oauth.routes.ts'
import { objectRoutes } from './objects.routes.ts'
import { ownerRoutes } from './owners.routes.ts'
import { pipelineRoutes } from './pipelines.routes.ts'
import { propertyRoutes } from './properties.routes.ts'
import { searchRoutes } from './search.routes.ts'
import { AccountState } from './state.ts'
import type { Change } from './state.ts'
import { statusAnswer } from './status-answers.ts'

export type { HubspotSandbox } from './handle.ts'

export interface HubspotOptions {
  /** 0 (the default) takes a free port. */
  port?: number
  /** Epoch milliseconds; the real time unless given. */
  now?: () => number
  /** With a file every acknowledged write survives a kill of the process. */
  stateFile?: string
  settings?: Partial<AccountSettings>
  limits?: Partial<Limits>
  oauthApp?: Partial<OauthApp>
  /** The first one is `sandbox.token`. */
  tokens?: StaticToken[]
  /** How many of the last requests `requests()` gives; 200 unless given. */
  keepRequests?: number
}

const DEFAULT_APP: OauthApp = {
  appId: 1_160_452,
  clientId: 'sandbox-client-id',
  clientSecret: 'sandbox-client-secret',
  redirectUris: ['http://localhost:3000/oauth/callback'],
  scopes: ['oauth', 'contacts', 'companies', 'deals'].flatMap((name) =>
    name === 'oauth'
      ? [name, 'crm.objects.owners.read']
      : [
          `crm.objects.${name}.read`,
          `crm.objects.${name}.write`,
          `crm.schemas.${name}.read`,
          `crm.schemas.${name}.write`,
        ],
  ),
}

const DEFAULT_TOKEN: StaticToken = {
  token: 'pat-na1-00000000-0000-4000-8000-000000000001',
  appId: 19_083_857,
}

/** Starts a HubSpot account on 127.0.0.1. Empty but for what the state file holds. */
export async function startHubspot(options: HubspotOptions = {}): Promise<HubspotSandbox> {
  const account = openAccount(options)
  const codes: Codes = new Map()
  const faults = createFaults()
  const reset = (): void => {
    account.state.clear()
    account.limiter.reset()
    codes.clear()
    faults.lift()
    kernel.log.clear()
  }
  const control = controlRoutes({ account, faults, codes, log: () => kernel.log, reset })
  const kernel = await serve(vendorOf(account, codes, control), {
    clock: account.clock,
    faults,
    ...(options.port === undefined ? {} : { port: options.port }),
    ...(options.keepRequests === undefined ? {} : { keepRequests: options.keepRequests }),
  })
  return createHandle({ account, faults, codes, kernel, reset })
}

function openAccount(options: HubspotOptions): Account {
  const state = new AccountState()
  if (options.stateFile !== undefined) {
    state.journal = openJournal(options.stateFile, (line) => state.replay(line as Change[]))
  }
  const clock = createClock(options.now)
  const settings = { ...DEFAULT_SETTINGS, ...options.settings }
  const tokens = options.tokens ?? [DEFAULT_TOKEN]
  return {
    state,
    clock,
    settings,
    limiter: new RateLimiter(clock, settings, { ...DEFAULT_LIMITS, ...options.limits }),
    oauthApp: { ...DEFAULT_APP, ...options.oauthApp },
    staticTokens: new Map(tokens.map((token) => [token.token, token])),
    isHubBlocked: false,
  }
}

/** HubSpot docs: guidelines, a URL of more than about 15,000 characters fails. */
const MAX_URL = 15_000

const NOBODY: Caller = {
  kind: 'oauth',
  appId: 0,
  scopes: new Set(),
  source: { type: 'INTEGRATION', id: '0' },
}

function vendorOf(
  account: Account,
  codes: Codes,
  control: Vendor<Caller>['control'],
): Vendor<Caller> {
  return {
    control,
    routes: [
      ...batchRoutes(account),
      ...searchRoutes(account),
      ...objectRoutes(account),
      ...associationRoutes(account),
      ...associationLabelRoutes(account),
      ...campaignRoutes(account),
      ...ownerRoutes(account),
      ...pipelineRoutes(account),
      ...propertyRoutes(account),
      ...accountInfoRoutes(account),
      ...oauthRoutes(account, codes),
    ],
    isOpen: (route) => (route.includes(' /oauth/') ? NOBODY : null),
    admit(call, route) {
      if (call.url.length > MAX_URL) throw refuse(414, { message: 'URI Too Long' })
      const caller = authenticate(account, call)
      return { caller, headers: account.limiter.admit(caller, route.endsWith('/search')) }
    },
    notFound: () => notFound().answer,
    statusAnswer: (fault) => statusAnswer(account, fault),
  }
}
