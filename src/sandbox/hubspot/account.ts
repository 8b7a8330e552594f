import type { Call } from '#sandbox/kernel.ts'
import type { SandboxClock } from '#sandbox/clock.ts'
import { refuse } from './errors.ts'
import type { RateLimiter } from './limits.ts'
import { findObjectType } from './object-types.ts'
import type { ObjectType } from './object-types.ts'
import type { Source } from './records.ts'
import type { RecordTable } from './records.ts'
import type { AccountState } from './state.ts'

/** How the account behaves; everything may be changed while it runs. */
export interface AccountSettings {
  portalId: number
  /** IANA name; the daily limit starts again at its midnight. */
  timeZone: string
  companyCurrency: string
  /** Writes show up in search after this many milliseconds; 0 unless set. */
  searchLagMs: number
  /** A further lag of 0 up to this, different for each write: search comes out of order. */
  searchLagJitterMs: number
  /** True for accounts in the beta in which a merge keeps the primary's id. */
  mergeKeepsPrimaryId: boolean
  /** True sends `Retry-After` with a 429, which HubSpot does only sometimes. */
  sendsRetryAfter: boolean
}

export const DEFAULT_SETTINGS: AccountSettings = {
  portalId: 62515,
  timeZone: 'US/Eastern',
  companyCurrency: 'USD',
  searchLagMs: 0,
  searchLagJitterMs: 0,
  mergeKeepsPrimaryId: false,
  sendsRetryAfter: false,
}

/** The registered public app of the OAuth flow. */
export interface OauthApp {
  appId: number
  clientId: string
  clientSecret: string
  redirectUris: string[]
  scopes: string[]
}

/** A private app's or service key's token, which never expires. */
export interface StaticToken {
  token: string
  appId: number
  /** All scopes when absent. */
  scopes?: string[]
}

/** Everything the routes of one account share. */
export interface Account {
  state: AccountState
  clock: SandboxClock
  settings: AccountSettings
  limiter: RateLimiter
  oauthApp: OauthApp
  staticTokens: Map<string, StaticToken>
  /** True once the app may no longer enter the account: tokens are refused with BAD_HUB. */
  isHubBlocked: boolean
}

/** Who a call is from. */
export interface Caller {
  /** Private apps and service keys, or a public app's installation. */
  kind: 'static' | 'oauth'
  appId: number
  /** Null for all. */
  scopes: ReadonlySet<string> | null
  /** What our writes show as in the property history. */
  source: Source
}

/** HubSpot docs: scopes; error handling, 403 MISSING_SCOPES. Any one of `scopes` is enough. */
export function requireScope(caller: Caller, ...scopes: string[]): void {
  if (caller.scopes === null || scopes.some((scope) => caller.scopes?.has(scope))) return
  throw refuse(403, {
    category: 'MISSING_SCOPES',
    message:
      "This app hasn't been granted all required scopes to make this call. Read more about required scopes here: https://developers.hubspot.com/scopes.",
    errors: [
      {
        message: 'One or more of the following scopes are required.',
        context: { requiredGranularScopes: scopes },
      },
    ],
    links: { scopes: 'https://developers.hubspot.com/scopes' },
  })
}

/** The object type of a path segment. HubSpot docs: object type ids. */
export function typeOf(spelling: string | undefined): ObjectType {
  const type = findObjectType(spelling ?? '')
  if (type) return type
  throw refuse(400, { message: `Unable to infer object type from: ${spelling}` })
}

export function tableOf(account: Account, call: Call): RecordTable {
  return account.state.table(typeOf(call.params['type']).name)
}

/** HubSpot docs: date-based API versioning. Both families answer with the same bodies. */
const DATE_VERSION = '2026-09'

/** `isDated` for calls on date-versioned paths. */
export function isDated(call: Call): boolean {
  return call.path.includes(`/${DATE_VERSION}`)
}

/** The query parameter, given once, repeatedly, or with commas. HubSpot docs: CRM list. */
export function listParameter(call: Call, name: string): string[] {
  return call.query
    .getAll(name)
    .flatMap((value) => value.split(','))
    .map((value) => value.trim())
    .filter((value) => value !== '')
}
