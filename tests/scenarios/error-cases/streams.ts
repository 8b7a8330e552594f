import { DAY_MS, HOUR_MS } from '#core/time.ts'
import type { World } from '#tests/scenarios/error-world.ts'
import { casesOf } from './case.ts'
import { fails, failsOnce, status } from './failing.ts'

/** Credentials that work are entered again. */
async function login(world: World): Promise<void> {
  world.lift()
  const key = world.vendor === 'salesforce' ? 'accessToken' : 'token'
  const path = `/api/v1/connections/${world.connectionId}`
  await world.workspace.patch(path, { settings: { [key]: world.sandbox.token } })
}

const scopes = {
  status: 'error',
  category: 'MISSING_SCOPES',
  message: "This app hasn't been granted all required scopes to make this call.",
  errors: [{ message: 'x', context: { requiredGranularScopes: ['crm.objects.contacts.read'] } }],
}
const noCampaigns = {
  ...scopes,
  errors: [{ message: 'x', context: { requiredGranularScopes: ['marketing.campaigns.read'] } }],
}
const notOurs = [{ errorCode: 'MALFORMED_QUERY', message: 'unexpected token' }]
const noLocator = [{ errorCode: 'INVALID_QUERY_LOCATOR', message: 'invalid query locator' }]

/** What ends a stream: the vendor says why. */
export const streamCases = [
  ...casesOf('hubspot', [
    {
      code: 'stream.reauth',
      when: 'the token is not accepted any more',
      ...fails('hubspot', status(401)),
      mends: login,
      cleared: 'next run',
    },
    {
      code: 'stream.permission',
      when: 'the app lost a scope',
      detail: /crm\.objects\.contacts\.read/,
      ...fails('hubspot', status(403, { body: scopes })),
      cleared: 'next run',
    },
    {
      code: 'stream.not_granted',
      when: 'the account has no campaigns, and the other streams go on',
      stream: 'campaigns',
      seen: 'stream',
      detail: /marketing\.campaigns\.read/,
      async breaks(world) {
        await world.capture('ada@example.com')
        world.lift = world.sandbox.down(
          { path: '/marketing/*' },
          status(403, { body: noCampaigns }),
        )
      },
      mends: async (world) => world.lift(),
      cleared: 'next run',
    },
    {
      code: 'stream.rate_burst',
      when: 'other apps use up the ten seconds',
      ...fails('hubspot', status(429)),
      cleared: 'schedule',
    },
    {
      code: 'stream.rate_burst',
      when: 'it is told to come back in two minutes',
      ...fails('hubspot', status(429, { headers: { 'retry-after': '120' } })),
      cleared: 'schedule',
    },
    {
      code: 'stream.rate_daily',
      when: 'the calls of the day are used up',
      ...fails('hubspot', status(429, { policy: 'DAILY' })),
      cleared: 'schedule',
    },
    {
      code: 'stream.rate_share',
      when: 'the allowance that the workspace set is used up',
      stream: 'owners',
      async breaks(world) {
        await world.capture('ada@example.com')
        const path = `/api/v1/connections/${world.connectionId}`
        await world.workspace.patch(path, { dailyCalls: 1 })
      },
      async mends(world) {
        const path = `/api/v1/connections/${world.connectionId}`
        await world.workspace.patch(path, { dailyCalls: null })
        // Its day is that of UTC.
        world.clock.advance(DAY_MS)
      },
      cleared: 'schedule',
    },
    {
      code: 'stream.account',
      when: 'the account is moved to another region',
      ...fails('hubspot', status(477)),
      cleared: 'schedule',
    },
    {
      code: 'stream.mapping',
      when: 'it takes the form of a call for wrong',
      ...fails('hubspot', status(400, { body: { status: 'error', category: 'VALIDATION_ERROR' } })),
      cleared: 'next run',
    },
    {
      code: 'stream.gone',
      when: 'the object is switched off',
      ...fails('hubspot', status(404)),
      cleared: 'next run',
    },
    {
      code: 'stream.conflict',
      when: 'it is being changed by others',
      ...fails('hubspot', status(409)),
      cleared: 'next run',
    },
  ]),
  ...casesOf('pipedrive', [
    {
      code: 'stream.reauth',
      when: 'the token is not accepted any more',
      ...fails('pipedrive', status(401)),
      mends: login,
      cleared: 'next run',
    },
    {
      code: 'stream.permission',
      when: 'the app lost a scope',
      ...fails('pipedrive', status(403)),
      cleared: 'next run',
    },
    {
      code: 'stream.rate_burst',
      when: 'nothing is left of the two seconds',
      ...fails('pipedrive', status(429, { policy: 'BURST' })),
      cleared: 'schedule',
    },
    {
      code: 'stream.rate_daily',
      when: 'the company used up the tokens of the day',
      ...fails('pipedrive', status(429, { policy: 'DAILY' })),
      // The day of the company begins anew.
      async mends(world) {
        world.lift()
        world.clock.advance(DAY_MS)
      },
      cleared: 'schedule',
    },
    {
      code: 'stream.account',
      when: 'the trial is over',
      stream: 'owners',
      async breaks(world) {
        await world.capture('ada@example.com')
        world.sandbox.settings.isOpen = false
      },
      async mends(world) {
        world.sandbox.settings.isOpen = true
      },
      cleared: 'schedule',
    },
    {
      code: 'stream.account',
      when: 'the network in front of it blocks the company',
      ...fails('pipedrive', status(403, { policy: 'CDN' })),
      cleared: 'schedule',
    },
    {
      code: 'stream.mapping',
      when: 'it takes the form of a call for wrong',
      ...fails('pipedrive', status(400)),
      cleared: 'next run',
    },
    {
      code: 'stream.gone',
      when: 'the path was retired',
      ...fails('pipedrive', status(410)),
      cleared: 'next run',
    },
  ]),
  ...casesOf('salesforce', [
    {
      code: 'stream.reauth',
      when: 'the session is over and nothing renews it',
      ...fails('salesforce', status(401)),
      mends: login,
      cleared: 'next run',
    },
    {
      code: 'stream.permission',
      when: 'the edition lost the API',
      ...failsOnce('salesforce', status(403, { policy: 'API_DISABLED_FOR_ORG' })),
      cleared: 'next run',
    },
    {
      code: 'stream.rate_burst',
      when: 'too many long calls run at once',
      ...fails('salesforce', status(403, { policy: 'ConcurrentRequests' })),
      cleared: 'schedule',
    },
    {
      code: 'stream.rate_daily',
      when: 'another tool used up the calls of 24 hours',
      stream: 'owners',
      async breaks(world) {
        await world.capture('ada@example.com')
        world.sandbox.setLimits({ dailyApiRequests: 100 })
        world.sandbox.spend(100)
      },
      mends: async (world) => world.clock.advance(DAY_MS + HOUR_MS),
      cleared: 'schedule',
    },
    {
      code: 'stream.mapping',
      when: 'it takes the form of a query for wrong',
      ...failsOnce('salesforce', status(400, { body: notOurs })),
      cleared: 'next run',
    },
    {
      code: 'stream.cursor_lost',
      when: 'the position in a list is lost again and again',
      ...fails('salesforce', status(400, { body: noLocator })),
      before: (world) => world.capture('ada@example.com'),
      async breaks(world) {
        world.lift = world.sandbox.down({ path: '*/query*' }, status(400, { body: noLocator }))
      },
      cleared: 'next run',
    },
  ]),
]
