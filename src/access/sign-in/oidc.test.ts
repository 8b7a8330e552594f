import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Provider } from 'oidc-provider'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createUser } from '#access/bootstrap.ts'
import { useHub } from '#tests/hub.ts'
import { Browser } from '#tests/oauth.ts'

let server: Server
let who = { sub: 'ada', email: 'ada@example.com', email_verified: true }
const outside: Record<string, string> = {}

/** A real OpenID provider on a free port that signs everybody in as `who`. */
beforeAll(async () => {
  server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  outside['issuer'] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => server.close())

const config = {
  oidcClientId: 'hub',
  oidcClientSecret: 'the-hub-s-secret-at-the-provider',
  oidcName: 'Example',
  get oidcIssuer() {
    return outside['issuer']
  },
}
const hub = useHub({ config })

beforeAll(() => {
  const provider = new Provider(outside['issuer']!, {
    clients: [
      {
        client_id: config.oidcClientId,
        client_secret: config.oidcClientSecret,
        redirect_uris: [`${hub.url}/api/v1/session/oidc/callback`],
      },
    ],
    claims: { email: ['email', 'email_verified'] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    cookies: { keys: ['test'] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ ...who, sub }) }),
  })
  const callback = provider.callback()
  server.on('request', (request, response) => {
    void (async () => {
      if (!request.url?.startsWith('/interaction/')) return callback(request, response)
      const { prompt, params } = await provider.interactionDetails(request, response)
      if (prompt.name === 'login')
        return provider.interactionFinished(request, response, { login: { accountId: who.sub } })
      const grant = new provider.Grant({
        accountId: who.sub,
        clientId: String(params['client_id']),
      })
      grant.addOIDCScope('openid email')
      const result = { consent: { grantId: await grant.save() } }
      return provider.interactionFinished(request, response, result)
    })()
  })
})

/** Follows the way out to the provider and back in one browser. */
async function goThrough(browser = new Browser(hub.url), home = browser) {
  const begun = await browser.fetch('/api/v1/session/oidc')
  let location = begun.headers.get('location')!
  const away = new Browser(outside['issuer']!)
  while (!location.startsWith(hub.url)) {
    const answer = await away.fetch(location)
    location = new URL(answer.headers.get('location')!, outside['issuer']).href
  }
  return { answer: await home.fetch(location), location }
}

test('an invited person comes in by the outside provider, and afterwards also under a new address', async () => {
  const workspace = await hub.freshWorkspace()
  who = { sub: 'ada', email: 'ada@example.com', email_verified: true }
  const user = { name: 'Ada', email: 'Ada@Example.com', roles: ['sales'] }
  await createUser(hub.app.store, workspace.id, user, hub.app.clock.now())
  const browser = new Browser(hub.url)
  const { answer, location } = await goThrough(browser)
  expect(answer.status).toBe(303)
  expect(answer.headers.get('location')).toBe('/')
  expect((await browser.fetch('/api/v1/workspace')).status).toBe(200)
  expect((await browser.fetch(location)).status).toBe(401)
  who = { ...who, email: 'married@example.com' }
  expect((await goThrough()).answer.status).toBe(303)
})

test('the provider’s word lets nobody in who was not invited, has an unverified address, or began elsewhere', async () => {
  const workspace = await hub.freshWorkspace()
  who = { sub: 'mallory', email: 'mallory@example.com', email_verified: true }
  expect((await goThrough()).answer.status).toBe(401)
  const user = { name: 'Eve', email: 'eve@example.com', roles: ['admin'] }
  await createUser(hub.app.store, workspace.id, user, hub.app.clock.now())
  who = { sub: 'not-eve', email: 'eve@example.com', email_verified: false }
  expect((await goThrough()).answer.status).toBe(401)
  who = { sub: 'eve', email: 'eve@example.com', email_verified: true }
  expect((await goThrough(new Browser(hub.url), new Browser(hub.url))).answer.status).toBe(401)
})

test('the sign-in page learns of the provider', async () => {
  const methods = await (await fetch(`${hub.url}/api/v1/session/methods`)).json()
  expect(methods).toEqual({ password: true, passkey: true, oidc: 'Example' })
})
