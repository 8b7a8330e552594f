import type { Answer, Route } from '#sandbox/kernel.ts'
import { requireScope } from './account.ts'
import type { Account, Caller } from './account.ts'

const PATHS = ['/account-info/v3', '/account-info/2026-09']

/** HubSpot docs: account information. */
export function accountInfoRoutes(account: Account): Route<Caller>[] {
  return PATHS.flatMap((base) => [
    {
      method: 'GET',
      path: `${base}/details`,
      target: (_call, caller: Caller) => {
        requireScope(caller, 'oauth')
        return getDetails(account)
      },
    },
    {
      method: 'GET',
      path: `${base}/api-usage/daily/private-apps`,
      target: (_call, caller: Caller) => {
        requireScope(caller, 'oauth')
        return getUsage(account)
      },
    },
  ])
}

function getDetails({ settings, clock }: Account): Answer {
  const offsetMs = offsetOf(settings.timeZone, clock.now())
  return {
    status: 200,
    body: {
      portalId: settings.portalId,
      accountType: 'STANDARD',
      timeZone: settings.timeZone,
      companyCurrency: settings.companyCurrency,
      additionalCurrencies: [],
      utcOffset: offsetText(offsetMs),
      utcOffsetMilliseconds: offsetMs,
      uiDomain: 'app.hubspot.com',
      dataHostingLocation: 'na1',
    },
  }
}

/** How far the zone is ahead of UTC, in milliseconds. */
function offsetOf(timeZone: string, atMs: number): number {
  const name = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' })
    .formatToParts(atMs)
    .find(({ type }) => type === 'timeZoneName')?.value
  const [, sign, hours, minutes] = /([+-])(\d{2}):(\d{2})/.exec(name ?? '') ?? []
  const ms = (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60_000
  return sign === '-' ? -ms : ms
}

function offsetText(offsetMs: number): string {
  const minutes = Math.abs(offsetMs) / 60_000
  const hours = String(Math.floor(minutes / 60)).padStart(2, '0')
  return `${offsetMs < 0 ? '-' : '+'}${hours}:${String(minutes % 60).padStart(2, '0')}`
}

/** HubSpot docs: daily API usage of private apps. */
function getUsage({ limiter, clock }: Account): Answer {
  const { used, limit } = limiter.usage()
  const collectedAt = new Date(clock.now()).toISOString()
  return {
    status: 200,
    body: {
      results: [
        {
          name: 'private-apps-api-calls-daily',
          usageLimit: limit,
          currentUsage: used,
          collectedAt,
          fetchStatus: 'SUCCESS',
        },
      ],
    },
  }
}
