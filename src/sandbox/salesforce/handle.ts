import type { CallCounts, LoggedCall } from '#sandbox/call-log.ts'
import type { Fault, FaultInjector, FaultRule, FaultTarget } from '#sandbox/faults.ts'
import type { JsonObject } from '#sandbox/json.ts'
import type { Kernel } from '#sandbox/kernel.ts'
import {
  addRow,
  convertLead,
  editRow,
  installHubIds,
  mergeRows,
  readStored,
  removeRow,
  seedOrg,
  storedRecords,
  undeleteRow,
} from './backstage.ts'
import type { Conversion, EditOptions, Seed, StoredRecord } from './backstage.ts'
import { settle } from './control.routes.ts'
import type { Value } from './fields.ts'
import type { Limits } from './limits.ts'
import { giveCode } from './oauth.routes.ts'
import type { OauthMemory } from './oauth.routes.ts'
import type { DuplicateRule, OauthApp, Org, OrgSettings, ValidationRule } from './org.ts'

/** A running Salesforce org. */
export interface SalesforceSandbox {
  /** Base URL: My Domain and instance in one, without a slash at the end. */
  url: string
  /** An access token that does not time out. */
  token: string
  organizationId: string
  /** The user that the token is for. */
  userId: string
  oauthApp: OauthApp
  /** What may be changed while it runs. */
  settings: OrgSettings
  now(): number
  advance(ms: number): void
  /** Changes the allocations and forgets the calls so far; null lifts one. */
  setLimits(limits: Partial<Limits>): void
  /** Another tool of the customer's uses up so many calls. */
  spend(calls: number): void
  /** Calls in the last 24 hours. */
  usedCalls(): number
  seed(seed: Seed): Record<string, string[]>
  /** `Hub_Id__c` on the objects that the hub writes. */
  installHubIds(objects?: string[]): void
  addValidationRule(rule: ValidationRule): void
  addDuplicateRule(rule: DuplicateRule): void
  add(object: string, values: JsonObject, userId?: string): string
  /** Changes a row as a person in Salesforce does. */
  edit(object: string, id: string, values: JsonObject, options?: EditOptions): void
  remove(object: string, id: string, how?: 'bin' | 'vanish'): void
  undelete(object: string, id: string): void
  convert(id: string, options?: Parameters<typeof convertLead>[2]): Conversion
  merge(object: string, masterId: string, loserIds: string[], values?: JsonObject): void
  /** Every row of an object, those in the recycle bin among them. */
  records(object: string): Generator<StoredRecord>
  /** How many rows are not deleted. */
  count(object: string): number
  read(object: string, id: string, field: string): Value
  /** The next matching call goes wrong; returns what lifts the rule. */
  failNext(rule: FaultRule): () => void
  /** All matching calls have the fault (the connection is cut unless given) until lifted. */
  down(target?: FaultTarget, fault?: Fault): () => void
  liftFaults(): void
  /** Every access token but the static ones is over. */
  expireSessions(): void
  /** Every open query cursor is lost. */
  dropCursors(): void
  authorize(options?: { redirectUri?: string; scopes?: string[]; codeChallenge?: string }): string
  /** The user takes the app's access away: every refresh token is dead. */
  revokeGrants(): void
  calls(): CallCounts
  clearCalls(): void
  requests(): LoggedCall[]
  /** Back to an empty org, without faults, calls and requests; limits and settings stay. */
  reset(): void
  stop(): Promise<void>
}

interface Parts {
  org: Org
  faults: FaultInjector
  memory: OauthMemory
  kernel: Kernel
  reset: () => void
}

/** What a test holds in its hand: the running sandbox and all that can be done to it. */
export function createHandle(parts: Parts): SalesforceSandbox {
  const { org, kernel, reset } = parts
  return {
    url: kernel.url,
    token: [...org.staticTokens.keys()][0] ?? '',
    organizationId: org.organizationId,
    userId: org.adminId,
    oauthApp: org.oauthApp,
    settings: org.settings,
    ...timeHandle(org),
    ...dataHandle(org),
    ...personHandle(org),
    ...faultHandle(parts.faults),
    ...oauthHandle(org, parts.memory),
    calls: () => kernel.log.counts(),
    clearCalls: () => kernel.log.clear(),
    requests: () => kernel.log.requests(),
    reset,
    async stop() {
      await kernel.stop()
      org.state.journal.close()
    },
  }
}

function timeHandle({ clock, quota }: Org) {
  return {
    now: () => clock.now(),
    advance: (ms: number) => clock.advance(ms),
    setLimits(limits: Partial<Limits>) {
      quota.limits = { ...quota.limits, ...limits }
      quota.reset()
    },
    spend: (calls: number) => quota.spend(calls),
    usedCalls: () => quota.usage().calls,
  }
}

function dataHandle(org: Org) {
  return {
    seed: (seed: Seed) => seedOrg(org, seed),
    installHubIds: (objects?: string[]) => installHubIds(org, objects),
    addValidationRule: (rule: ValidationRule) => void org.validationRules.push(rule),
    addDuplicateRule: (rule: DuplicateRule) => void org.duplicateRules.push(rule),
    *records(object: string) {
      settle(org)
      yield* storedRecords(org, object)
    },
    count(object: string) {
      settle(org)
      return org.state.table(object).liveCount
    },
    read(object: string, id: string, field: string) {
      settle(org)
      return readStored(org, object, id, field)
    },
  }
}

function personHandle(org: Org) {
  return {
    add: (object: string, values: JsonObject, userId?: string) =>
      addRow(org, object, values, userId),
    edit: (object: string, id: string, values: JsonObject, options?: EditOptions) =>
      editRow(org, object, id, values, options),
    remove: (object: string, id: string, how: 'bin' | 'vanish' = 'bin') =>
      removeRow(org, object, id, how),
    undelete: (object: string, id: string) => undeleteRow(org, object, id),
    convert: (id: string, options?: Parameters<typeof convertLead>[2]) =>
      convertLead(org, id, options),
    merge: (object: string, masterId: string, loserIds: string[], values?: JsonObject) =>
      mergeRows(org, object, masterId, loserIds, values),
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

function oauthHandle(org: Org, memory: OauthMemory) {
  const { state, oauthApp } = org
  return {
    expireSessions: () => state.sessions.clear(),
    dropCursors: () => org.cursors.clear(),
    authorize: ({
      redirectUri,
      scopes = [],
      codeChallenge,
    }: { redirectUri?: string; scopes?: string[]; codeChallenge?: string } = {}) =>
      giveCode(org, memory, {
        redirectUri: redirectUri ?? oauthApp.redirectUris[0] ?? '',
        scopes,
        challenge: codeChallenge ?? null,
      }),
    revokeGrants() {
      state.commit([...state.grants.keys()].map((refreshToken) => ({ do: 'revoke', refreshToken })))
    },
  }
}
