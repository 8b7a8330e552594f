import { createClock } from '../clock.ts'
import type { CallCounts, LoggedCall } from '../call-log.ts'
import { createFaults } from '../faults.ts'
import type { Fault, FaultRule, FaultTarget } from '../faults.ts'
import { openJournal } from '../journal.ts'
import { serve } from '../kernel.ts'
import type { Vendor } from '../kernel.ts'
import { accountInfoRoutes } from './account-info.routes.ts'
import { DEFAULT_SETTINGS } from './account.ts'
import type { Account, AccountSettings, Caller, OauthApp, StaticToken } from './account.ts'
import { associationRoutes } from './associations.routes.ts'
import { authenticate } from './authenticate.ts'
import { editRecord, putOwner, readStored, removeRecord, seedAccount } from './backstage.ts'
import { storedRecords } from './backstage.ts'
import type { OwnerSeed, RecordSeed, Seed, StoredRecord } from './backstage.ts'
import { batchRoutes } from './batch.routes.ts'
import { controlRoutes } from './control.routes.ts'
import { notFound, refuse } from './errors.ts'
import { DEFAULT_LIMITS, RateLimiter } from './limits.ts'
import type { Limits } from './limits.ts'
import { giveCode, oauthRoutes } from './oauth.routes.ts'
import type { Codes } from './oauth.routes.ts'
import type { ObjectTypeName } from './object-types.ts'
import { objectRoutes } from './objects.routes.ts'
import { ownerRoutes } from './owners.routes.ts'
import { pipelineRoutes } from './pipelines.routes.ts'
import { propertyRoutes } from './properties.routes.ts'
import { searchRoutes } from './search.routes.ts'
import type { Source } from './records.ts'
import { AccountState } from './state.ts'
import type { Change } from './state.ts'
import { statusAnswer } from './status-answers.ts'

export type { AccountSettings, OauthApp, StaticToken } from './account.ts'
export type { OwnerSeed, RecordSeed, Seed, StoredRecord } from './backstage.ts'
export type { Limits } from './limits.ts'
export type { ObjectTypeName } from './object-types.ts'
export type { Fault, FaultRule, FaultTarget } from '../faults.ts'
export type { CallCounts, LoggedCall } from '../call-log.ts'

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

/** A running HubSpot account. */
export interface HubspotSandbox {
  /** Base URL, without a slash at the end. */
  url: string
  /** A static token with all scopes. */
  token: string
  oauthApp: OauthApp
  /** What may be changed while it runs. */
  settings: AccountSettings
  now(): number
  advance(ms: number): void
  /** Changes the limits and forgets the calls so far; null lifts one. */
  setLimits(limits: Partial<Limits>): void
  /** Puts records, owners, properties and pipelines in; returns the record ids by type. */
  seed(seed: Seed): Record<ObjectTypeName, string[]>
  /** Adds contacts; returns their ids. */
  seedContacts(contacts: Record<string, string>[]): string[]
  putOwner(owner: OwnerSeed): void
  /** Changes a record as a person in HubSpot does. */
  edit(type: ObjectTypeName, id: string, properties: Record<string, string>, by?: Source): void
  /** Archives a record, or makes it vanish without a trace. */
  remove(type: ObjectTypeName, id: string, how?: 'archive' | 'vanish'): void
  /** Every record of a type, archived ones among them. */
  records(type: ObjectTypeName): Generator<StoredRecord>
  /** How many records are not archived. */
  count(type: ObjectTypeName): number
  /** One property as the API would show it. */
  read(type: ObjectTypeName, id: string, property: string): string | null
  /** The next matching call goes wrong; returns what lifts the rule. */
  failNext(rule: FaultRule): () => void
  /** All matching calls have the fault (the connection is cut unless given) until lifted. */
  down(target?: FaultTarget, fault?: Fault): () => void
  liftFaults(): void
  /** An authorization code as the consent page gives it. */
  authorize(options?: { redirectUri?: string; scopes?: string[]; codeChallenge?: string }): string
  /** Uninstalls the app: every refresh token is dead. */
  revokeGrants(): void
  blockHub(isBlocked: boolean): void
  calls(): CallCounts
  clearCalls(): void
  requests(): LoggedCall[]
  /** Back to an empty account, without faults, calls and requests; limits and settings stay. */
  reset(): void
  stop(): Promise<void>
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
  const { state, clock, limiter, oauthApp } = account
  return {
    url: kernel.url,
    token: [...account.staticTokens.keys()][0] ?? '',
    oauthApp,
    settings: account.settings,
    now: () => clock.now(),
    advance: (ms) => clock.advance(ms),
    setLimits(limits) {
      limiter.limits = { ...limiter.limits, ...limits }
      limiter.reset()
    },
    seed: (seed: Seed) => seedAccount(account, seed),
    seedContacts(contacts) {
      const records: RecordSeed[] = contacts.map((properties) => ({ properties }))
      return seedAccount(account, { records: { contacts: records } }).contacts
    },
    putOwner: (owner) => putOwner(account, owner),
    edit: (type, id, properties, by) => editRecord(account, type, id, properties, by),
    remove: (type, id, how = 'archive') => removeRecord(account, type, id, how),
    records: (type): Generator<StoredRecord> => storedRecords(account, type),
    count: (type) => state.table(type).liveCount,
    read: (type, id, property) => readStored(account, type, id, property),
    failNext(rule) {
      const id = faults.add(rule)
      return () => faults.lift(id)
    },
    down(target = {}, fault = { kind: 'drop-before' }) {
      const id = faults.add({ ...fault, ...target, count: 'until-lifted' })
      return () => faults.lift(id)
    },
    liftFaults: () => faults.lift(),
    authorize: ({ redirectUri, scopes = [], codeChallenge } = {}) =>
      giveCode(account, codes, {
        redirectUri: redirectUri ?? oauthApp.redirectUris[0] ?? '',
        scopes,
        challenge: codeChallenge ?? null,
      }),
    revokeGrants() {
      state.commit([...state.grants.keys()].map((refreshToken) => ({ do: 'revoke', refreshToken })))
    },
    blockHub(isBlocked) {
      account.isHubBlocked = isBlocked
    },
    calls: () => kernel.log.counts(),
    clearCalls: () => kernel.log.clear(),
    requests: () => kernel.log.requests(),
    reset,
    async stop() {
      await kernel.stop()
      state.journal.close()
    },
  }
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
