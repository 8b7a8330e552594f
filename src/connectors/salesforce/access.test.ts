import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { faultOf, pullAll, signal, streamOf, TestOrg } from '#tests/salesforce-session.ts'

let org: TestOrg
beforeEach(async () => {
  org = await TestOrg.start()
})
afterEach(() => org.stop())

async function refreshToken(): Promise<string> {
  const { clientId, clientSecret, redirectUris } = org.sandbox.oauthApp
  const answer = await fetch(`${org.sandbox.url}/services/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code: org.sandbox.authorize(),
      redirect_uri: redirectUris[0] ?? '',
      client_id: clientId,
      client_secret: clientSecret,
    }),
  })
  return ((await answer.json()) as { refresh_token: string }).refresh_token
}

const tokens = () => org.count('/services/oauth2/token')

describe('sessions', () => {
  test('the app as itself, a signed assertion and a refresh token each lead into the org', async () => {
    const asItself = org.open(org.app())
    expect((await asItself.test(signal)).account).toMatch(/^Salesforce Sandbox Org \(00D/)
    const keys = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    })
    org.sandbox.oauthApp.publicKey = keys.publicKey
    const byAssertion = org.open(
      org.app({
        clientSecret: undefined,
        privateKey: keys.privateKey,
        username: 'hub@example.com.sandbox',
      }),
    )
    expect((await byAssertion.test(signal)).account).toContain('Sandbox Org')
    const byGrant = org.open(org.app({ refreshToken: await refreshToken() }))
    expect((await byGrant.test(signal)).account).toContain('Sandbox Org')
    expect(org.saved).toContainEqual({ organizationId: org.sandbox.organizationId })
  })

  test('calls at the same time share one login', async () => {
    const session = org.open(org.app())
    const [owners, pipelines, stages] = session.streams
    await Promise.all([
      session.test(signal),
      owners!.pull!(null, signal),
      pipelines!.pull!(null, signal),
      stages!.pull!(null, signal),
    ])
    expect(tokens()).toBe(1)
  })

  test('a session that ends in the middle of a list is renewed once, and nothing is missing', async () => {
    org.sandbox.seed({
      records: {
        Lead: Array.from({ length: 4500 }, (_, i) => ({ LastName: `L${i}`, Company: 'C' })),
      },
    })
    const session = org.open(org.app({ refreshToken: await refreshToken() }))
    org.sandbox.failNext({ kind: 'expire-token', path: '*/query/*' })
    const { candidates } = await pullAll(streamOf(session, 'leads'))
    expect(new Set(candidates.map(({ externalId }) => externalId)).size).toBe(4500)
    expect(tokens()).toBe(2)
  })

  test('a rotated refresh token is kept before the session that came with it is used', async () => {
    org.sandbox.oauthApp.rotatesRefreshTokens = true
    const order: string[] = []
    const session = org.open(org.app({ refreshToken: await refreshToken() }), {
      saveSettings: async (changes) => void order.push(Object.keys(changes).join()),
      onCall: (call) => void order.push(call.path.split('/').at(-1) ?? ''),
    })
    await session.test(signal)
    expect(order.slice(0, 3)).toEqual(['token', 'refreshToken,organizationId', 'query'])
    org.sandbox.expireSessions()
    await session.test(signal)
    expect(order.filter((step) => step === 'refreshToken')).toHaveLength(1)
  })

  test('a session that stays refused ends in one question for a login, not in a loop', async () => {
    const session = org.open(org.app({ refreshToken: await refreshToken() }))
    org.sandbox.down({ path: '/services/data/*' }, { kind: 'expire-token' })
    expect((await faultOf(session.test(signal))).kind).toBe('reauth')
    expect(tokens()).toBe(2)
    org.sandbox.liftFaults()
    org.sandbox.revokeGrants()
    expect(await faultOf(session.test(signal))).toMatchObject({
      kind: 'reauth',
      code: 'invalid_grant',
    })
  })

  test('another org behind the same login is refused', async () => {
    const session = org.open(org.app({ organizationId: '00D000000000001AAA' }))
    expect(await faultOf(session.test(signal))).toMatchObject({
      kind: 'account',
      code: 'WRONG_ORG',
    })
  })

  test('calls go to no host but Salesforce’s, wherever the login points', async () => {
    const server = createServer((_request, response) => {
      response.setHeader('content-type', 'application/json')
      const answer = { access_token: 'x', instance_url: 'https://evil.example.com' }
      response.end(JSON.stringify(answer))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const session = org.open(org.app({ baseUrl: `http://127.0.0.1:${port}` }))
    const fault = await faultOf(session.test(signal))
    server.closeAllConnections()
    server.close()
    expect(fault.kind).toBe('account')
  })
})

describe('the org’s allowance', () => {
  test('the hub stops at its share of the day, and goes on when the calls come back', async () => {
    org.sandbox.setLimits({ dailyApiRequests: 100 })
    org.sandbox.spend(79)
    const session = org.open({ dailyShare: 0.8 })
    await session.test(signal)
    const fault = await faultOf(session.test(signal))
    expect(fault).toMatchObject({ kind: 'rate_daily', code: 'DAILY_SHARE_REACHED' })
    expect(org.sandbox.usedCalls()).toBe(80)
    org.clock.advance(25 * 3_600_000)
    await session.test(signal)
    await session.test(signal)
    expect(org.sandbox.usedCalls()).toBe(2)
  })

  test('what is left is told as Salesforce counts it', async () => {
    org.sandbox.setLimits({ dailyApiRequests: 100 })
    const session = org.open()
    const quota = await session.quota!(signal)
    expect(quota).toMatchObject([
      { name: 'DailyApiRequests', limit: 100, used: 1 },
      { name: 'DailyBulkApiBatches', used: 0 },
    ])
  })

  test('an allowance that others used up is waited for', async () => {
    org.sandbox.setLimits({ dailyApiRequests: 0 })
    expect((await faultOf(org.open().test(signal))).kind).toBe('rate_daily')
  })
})

describe('preparing an org', () => {
  test('the hub’s fields are made and shown to its login, once', async () => {
    const session = org.open()
    await session.prepare(signal)
    const leads = await streamOf(session, 'leads').describe!(signal)
    expect(leads.find(({ name }) => name === 'Hub_Id__c')).toMatchObject({ unique: true })
    expect(leads.find(({ name }) => name === 'Hub_Score__c')?.writable).toBe(true)
    await session.prepare(signal)
    expect(org.count('/tooling/composite')).toBe(1)
  })

  test('a login that may not is told which field to make by hand', async () => {
    org.sandbox.settings.mayCustomize = false
    const session = org.open()
    const fault = await faultOf(session.prepare(signal))
    expect(fault).toMatchObject({ kind: 'permission', code: 'HUB_ID_MISSING' })
    expect(fault.message).toContain('Hub_Id__c')
    expect(fault.message).toContain('Lead, Campaign, CampaignMember')
    org.sandbox.installHubIds(['Lead', 'CampaignMember'])
    await session.prepare(signal)
  })
})
