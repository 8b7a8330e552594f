import type { CallCounts, LoggedCall } from '#sandbox/call-log.ts'
import type { Fault, FaultInjector, FaultRule, FaultTarget } from '#sandbox/faults.ts'
import type { Json, JsonObject } from '#sandbox/json.ts'
import type { Kernel } from '#sandbox/kernel.ts'
import type { Account, AccountSettings, OauthApp } from './account.ts'
import {
  editRecord,
  mergeRecords,
  putUser,
  readStored,
  removeRecord,
  renameField,
  seedAccount,
  storedRecords,
} from './backstage.ts'
import type { Seed, Seeded, StoredRecord, UserSeed } from './backstage.ts'
import type { Kind } from './kinds.ts'
import type { Limits, Usage } from './limits.ts'
import { giveCode } from './oauth.routes.ts'
import type { Codes } from './oauth.routes.ts'
import type { Actor, Webhook } from './state.ts'
import type { DeliveryOptions, WebhookAttempt } from './webhooks.ts'

/** A running Pipedrive company. */
export interface PipedriveSandbox {
  /** Base URL, without a slash at the end. v1 is under `/v1`, v2 under `/api/v2`. */
  url: string
  /** The API token of an admin. */
  token: string
  oauthApp: OauthApp
  /** What may be changed while it runs. */
  settings: AccountSettings
  now(): number
  advance(ms: number): void
  /** Changes the limits and forgets the calls so far; null lifts one. */
  setLimits(limits: Partial<Limits>): void
  /** Tokens spent today, and the most of any day. */
  usage(): Usage
  /** Tokens that others of the company use. */
  spend(tokens: number): void
  seed(seed: Seed): Seeded
  putUser(user: UserSeed): void
  /** Changes a record as a person in the web app does. */
  edit(kind: Kind, id: string, body: JsonObject, by?: Actor): void
  /** Deletes a record, or makes it vanish without a trace. */
  remove(kind: Kind, id: string, how?: 'delete' | 'vanish'): void
  /** Merges the first into the second. */
  merge(kind: 'person' | 'organization' | 'deal', id: string, intoId: string): void
  renameField(kind: Kind, code: string, name: string): void
  /** Every record of a kind, deleted ones among them. */
  records(kind: Kind): Generator<StoredRecord>
  /** How many records live. */
  count(kind: Kind): number
  /** One standard or custom field. */
  read(kind: Kind, id: string, field: string): Json
  /** The code of a custom field by its name; null when there is none. */
  codeOf(kind: Kind, name: string): string | null
  /** The next matching call goes wrong; returns what lifts the rule. */
  failNext(rule: FaultRule): () => void
  /** All matching calls have the fault (the connection is cut unless given) until lifted. */
  down(target?: FaultTarget, fault?: Fault): () => void
  liftFaults(): void
  /** An authorization code as the consent page gives it. */
  authorize(options?: { redirectUri?: string; scopes?: string[] }): string
  /** Uninstalls the app: every refresh token is dead. */
  revokeGrants(): void
  /** Sends the webhooks that are due now. */
  deliverWebhooks(options?: DeliveryOptions): Promise<WebhookAttempt[]>
  /** What is subscribed, by whoever did it. */
  webhooks(): Webhook[]
  /** Switches a webhook off, or takes it away behind the API's back. */
  breakWebhook(id: number, how: 'switch off' | 'delete'): void
  /** Messages that wait to be sent (again). */
  pendingWebhooks(): number
  calls(): CallCounts
  clearCalls(): void
  requests(): LoggedCall[]
  /** Back to an empty account, without faults, calls and requests; limits and settings stay. */
  reset(): void
  stop(): Promise<void>
}

interface Parts {
  account: Account
  faults: FaultInjector
  codes: Codes
  kernel: Kernel
  reset: () => void
}

/** What a test holds in its hand: the running sandbox and all that can be done to it. */
export function createHandle({ account, faults, codes, kernel, reset }: Parts): PipedriveSandbox {
  return {
    url: kernel.url,
    token: [...account.apiTokens.keys()][0] ?? '',
    oauthApp: account.oauthApp,
    settings: account.settings,
    ...timeHandle(account),
    ...dataHandle(account),
    ...faultHandle(faults),
    authorize: ({ redirectUri, scopes = [] } = {}) =>
      giveCode(account, codes, {
        redirectUri: redirectUri ?? account.oauthApp.redirectUris[0] ?? '',
        scopes,
      }),
    revokeGrants() {
      const tokens = [...account.state.grants.keys()]
      account.state.commit(tokens.map((refreshToken) => ({ do: 'revoke', refreshToken })))
    },
    webhooks: () => [...account.state.webhooks.values()],
    breakWebhook(id, how) {
      const webhook = account.state.webhooks.get(id)
      if (!webhook) throw new Error(`No webhook ${id}`)
      const off = { do: 'webhook', webhook: { ...webhook, isSwitchedOff: true } } as const
      account.state.commit([how === 'delete' ? { do: 'drop-webhook', id } : off])
    },
    deliverWebhooks: (options) => account.webhooks.deliver(options),
    pendingWebhooks: () => account.webhooks.pending(),
    calls: () => kernel.log.counts(),
    clearCalls: () => kernel.log.clear(),
    requests: () => kernel.log.requests(),
    reset,
    async stop() {
      account.webhooks.stop()
      await kernel.stop()
      account.state.journal.close()
    },
  }
}

function timeHandle({ clock, limiter, webhooks }: Account) {
  return {
    now: () => clock.now(),
    advance(ms: number) {
      clock.advance(ms)
      webhooks.clockMoved()
    },
    setLimits(limits: Partial<Limits>) {
      limiter.limits = { ...limiter.limits, ...limits }
      limiter.reset()
    },
    usage: () => limiter.usage(),
    spend: (tokens: number) => limiter.spend(tokens),
  }
}

function dataHandle(account: Account) {
  return {
    seed: (seed: Seed) => seedAccount(account, seed),
    putUser: (user: UserSeed) => putUser(account, user),
    edit: (kind: Kind, id: string, body: JsonObject, by?: Actor) =>
      editRecord(account, kind, id, body, by),
    remove: (kind: Kind, id: string, how?: 'delete' | 'vanish') =>
      removeRecord(account, kind, id, how),
    merge: (kind: 'person' | 'organization' | 'deal', id: string, intoId: string) =>
      mergeRecords(account, kind, id, intoId),
    renameField(kind: Kind, code: string, name: string) {
      renameField(account, kind, code, name)
    },
    records: (kind: Kind) => storedRecords(account, kind),
    count: (kind: Kind) => account.state.table(kind).count(),
    read: (kind: Kind, id: string, field: string) => readStored(account, kind, id, field),
    codeOf: (kind: Kind, name: string) =>
      [...account.state.fieldsOf(kind).values()].find((field) => field.name === name)?.code ?? null,
  }
}

function faultHandle(faults: FaultInjector) {
  return {
    failNext(rule: FaultRule) {
      const id = faults.add(rule)
      return () => faults.lift(id)
    },
    down(target: FaultTarget = {}, fault: Fault = { kind: 'drop-before' }) {
      const id = faults.add({ ...fault, ...target, count: 'until-lifted' })
      return () => faults.lift(id)
    },
    liftFaults: () => faults.lift(),
  }
}
