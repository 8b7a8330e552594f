import type { SandboxClock } from '#sandbox/clock.ts'
import type { Call } from '#sandbox/kernel.ts'
import type { RateLimiter } from './limits.ts'
import type { Actor, AccountState, Row } from './state.ts'
import type { WebhookSender } from './webhooks.ts'
import { refuse } from './errors.ts'

/** How the account behaves; everything may be changed while it runs. */
export interface AccountSettings {
  companyId: number
  companyName: string
  /** First label of the company's host name. */
  companyDomain: string
  currency: string
  /** IANA name; the daily budget starts again at its midnight. */
  timeZone: string
  /** Writes show up in search after this many milliseconds; 0 unless set. */
  searchLagMs: number
  /** A further lag of 0 up to this, different for each write. */
  searchLagJitterMs: number
  /** How far the vendor's clock is ahead (or, below 0, behind) of the sandbox's. */
  clockSkewMs: number
  /** Cursors are refused after this; null for never. */
  cursorLifeMs: number | null
  /** True gives a new refresh token with each renewal and kills the one before. */
  rotatesRefreshTokens: boolean
  /** `postal_address notes im birthday job_title` of persons exist only with it. */
  hasContactSync: boolean
  /** False refuses everything with 402. */
  isOpen: boolean
  /** Open deals the plan allows; null for any number. */
  openDealsLimit: number | null
  /** How long a conversion of a lead or a deal takes. */
  conversionMs: number
  /** True sends webhooks as soon as they are due, false only when asked to. */
  sendsWebhooks: boolean
  /** Leaves out the rate headers, which the vendor does not promise. */
  hidesRateHeaders: boolean
}

export const DEFAULT_SETTINGS: AccountSettings = {
  companyId: 54_235_233,
  companyName: 'Example',
  companyDomain: 'example',
  currency: 'EUR',
  timeZone: 'UTC',
  searchLagMs: 0,
  searchLagJitterMs: 0,
  clockSkewMs: 0,
  cursorLifeMs: null,
  rotatesRefreshTokens: false,
  hasContactSync: false,
  isOpen: true,
  openDealsLimit: null,
  conversionMs: 0,
  sendsWebhooks: true,
  hidesRateHeaders: false,
}

/** The registered app of the OAuth flow. */
export interface OauthApp {
  clientId: string
  clientSecret: string
  redirectUris: string[]
  scopes: string[]
}

/** Everything the routes of one account share. */
export interface Account {
  state: AccountState
  clock: SandboxClock
  settings: AccountSettings
  limiter: RateLimiter
  webhooks: WebhookSender
  oauthApp: OauthApp
  /** User ids by API token. */
  apiTokens: Map<string, number>
  /** Where the sandbox listens, for links in answers. */
  baseUrl: () => string
  /** Writes met by a `lose-rows` fault so far. */
  lostWriteCount: number
}

/** Who a call is from. */
export interface Caller {
  /** API tokens and OAuth access tokens have limits of their own. */
  kind: 'token' | 'oauth'
  /** What the burst limit counts by. */
  key: string
  userId: number
  /** Null for all. */
  scopes: ReadonlySet<string> | null
}

/** The vendor's time, epoch milliseconds. */
export function vendorNow(account: Pick<Account, 'clock' | 'settings'>): number {
  return account.clock.now() + account.settings.clockSkewMs
}

/** What an API call of this caller is recorded as. Pipedrive docs: webhooks v2, meta.change_source. */
export function actorOf(caller: Caller): Actor {
  return { userId: caller.userId, source: 'api' }
}

/** Pipedrive docs: scopes; 403 when none of these was granted. */
export function requireScope(caller: Caller, ...scopes: string[]): void {
  if (caller.scopes === null || scopes.some((scope) => caller.scopes?.has(scope))) return
  throw scopeMismatch()
}

/** Also the answer of paths that were retired (recorded). */
export function scopeMismatch() {
  return refuse(403, {
    error: 'Scope and URL mismatch',
    errorCode: 403,
    error_info: 'Please check developers.pipedrive.com',
  })
}

/**
 * Whether a user may see a record. Pipedrive docs: visibility groups, 1 is the owner and followers. What a user may not
 * see is left out of lists without a word.
 */
export function canSee(account: Account, caller: Caller, row: Row): boolean {
  if (Number(row.values['visible_to']) !== 1) return true
  if (account.state.users.get(caller.userId)?.isAdmin !== false) return true
  const isFollower = row.followers.some(({ userId }) => userId === caller.userId)
  return row.values['owner_id'] === caller.userId || isFollower
}

/** The comma-separated query parameter as a list. */
export function listParameter(call: Call, name: string): string[] {
  return (call.query.get(name) ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}
