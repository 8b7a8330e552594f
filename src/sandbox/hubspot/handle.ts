import type { CallCounts, LoggedCall } from '#sandbox/call-log.ts'
import type { Fault, FaultInjector, FaultRule, FaultTarget } from '#sandbox/faults.ts'
import type { Kernel } from '#sandbox/kernel.ts'
import type { Account, AccountSettings, OauthApp } from './account.ts'
import {
  editCampaign,
  editRecord,
  putOwner,
  readStored,
  removeRecord,
  seedAccount,
  storedRecords,
} from './backstage.ts'
import type { OwnerSeed, RecordSeed, Seed, StoredRecord } from './backstage.ts'
import { deleteCampaigns } from './campaign-writes.ts'
import type { Campaign } from './campaigns.routes.ts'
import type { Limits } from './limits.ts'
import { giveCode } from './oauth.routes.ts'
import type { Codes } from './oauth.routes.ts'
import type { ObjectTypeName } from './object-types.ts'
import type { Source } from './records.ts'
import { deliverWebhook } from './webhooks.ts'
import type { WebhookAttempt, WebhookDelivery } from './webhooks.ts'

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
  /** Other private apps of the account make so many calls. */
  spend(calls: number): void
  /** Puts records, owners, properties and pipelines in; returns the record ids by type. */
  seed(seed: Seed): Record<ObjectTypeName, string[]>
  /** Adds contacts; returns their ids. */
  seedContacts(contacts: Record<string, string>[]): string[]
  putOwner(owner: OwnerSeed): void
  /** Changes a record as a person in HubSpot does. */
  edit(type: ObjectTypeName, id: string, properties: Record<string, string>, by?: Source): void
  /** Archives a record, or makes it vanish without a trace. */
  remove(type: ObjectTypeName, id: string, how?: 'archive' | 'vanish'): void
  /** Changes a campaign as a person in HubSpot does; a blank empties a property. */
  editCampaign(id: string, properties: Record<string, string>): void
  removeCampaign(id: string): void
  campaigns(): Campaign[]
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
  /** Sends signed events to a target of ours, once and now. */
  fireWebhook(delivery: WebhookDelivery): Promise<WebhookAttempt[]>
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
export function createHandle(parts: Parts): HubspotSandbox {
  const { account, kernel, reset } = parts
  return {
    url: kernel.url,
    token: [...account.staticTokens.keys()][0] ?? '',
    oauthApp: account.oauthApp,
    settings: account.settings,
    ...timeHandle(account),
    ...dataHandle(account),
    ...faultHandle(parts.faults),
    ...oauthHandle(account, parts.codes),
    fireWebhook: (delivery) => deliverWebhook(account, delivery),
    calls: () => kernel.log.counts(),
    clearCalls: () => kernel.log.clear(),
    requests: () => kernel.log.requests(),
    reset,
    async stop() {
      await kernel.stop()
      account.state.journal.close()
    },
  }
}

function timeHandle({ clock, limiter }: Account) {
  return {
    now: () => clock.now(),
    advance: (ms: number) => clock.advance(ms),
    spend: (calls: number) => limiter.spend(calls),
    setLimits(limits: Partial<Limits>) {
      limiter.limits = { ...limiter.limits, ...limits }
      limiter.reset()
    },
  }
}

function dataHandle(account: Account) {
  return {
    seed: (seed: Seed) => seedAccount(account, seed),
    seedContacts(contacts: Record<string, string>[]) {
      const records: RecordSeed[] = contacts.map((properties) => ({ properties }))
      return seedAccount(account, { records: { contacts: records } }).contacts
    },
    putOwner: (owner: OwnerSeed) => putOwner(account, owner),
    edit: (type: ObjectTypeName, id: string, properties: Record<string, string>, by?: Source) =>
      editRecord(account, type, id, properties, by),
    remove: (type: ObjectTypeName, id: string, how: 'archive' | 'vanish' = 'archive') =>
      removeRecord(account, type, id, how),
    editCampaign: (id: string, properties: Record<string, string>) =>
      editCampaign(account, id, properties),
    removeCampaign: (id: string) => void deleteCampaigns(account, [id]),
    campaigns: () => [...account.state.campaigns.values()],
    records: (type: ObjectTypeName) => storedRecords(account, type),
    count: (type: ObjectTypeName) => account.state.table(type).liveCount,
    read: (type: ObjectTypeName, id: string, property: string) =>
      readStored(account, type, id, property),
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

function oauthHandle(
  account: Account,
  codes: Codes,
): Pick<HubspotSandbox, 'authorize' | 'revokeGrants' | 'blockHub'> {
  const { state, oauthApp } = account
  return {
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
  }
}
