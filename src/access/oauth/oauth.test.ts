import { createHash, createHmac, createPublicKey } from 'node:crypto'
import { decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { sql } from 'kysely'
import * as client from 'openid-client'
import { beforeAll, expect, test } from 'vitest'
import { expectProblem, useHub, type TestWorkspace } from '#tests/hub.ts'
import { agree, discover, signedIn, type Browser } from '#tests/oauth.ts'

const hub = useHub()
const RETURN = 'http://localhost:9999/callback'
let workspace: TestWorkspace
let browser: Browser

beforeAll(async () => {
  workspace = await hub.freshWorkspace()
  browser = await signedIn(hub, workspace.id)
})

async function newClient(fields: Record<string, unknown>): Promise<{ id: string; secret: string }> {
  const { status, body } = await workspace.post('/api/v1/oauth/clients', {
    name: 'Test',
    scopes: ['leads:read', 'campaigns:read'],
    ...fields,
  })
  expect(status).toBe(201)
  return body
}

async function call(token: string, path = '/api/v1/leads') {
  return fetch(hub.url + path, { headers: { authorization: `Bearer ${token}` } })
}

/** A web client with tokens that the person agreed to. */
async function authorized(person: Browser = browser) {
  const { id, secret } = await newClient({ kind: 'web', redirectUris: [RETURN] })
  const config = await discover(hub, id, client.ClientSecretBasic(secret))
  const verifier = client.randomPKCECodeVerifier()
  const state = client.randomState()
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: RETURN,
    scope: 'leads:read campaigns:read',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
  })
  const back = await agree(person, url)
  const exchange = () =>
    client.authorizationCodeGrant(config, back, {
      pkceCodeVerifier: verifier,
      expectedState: state,
    })
  return { id, secret, config, back, exchange, tokens: await exchange() }
}

test('a service gets a token by its credentials, for its own scopes and no other', async () => {
  const { id, secret } = await newClient({ kind: 'service' })
  const config = await discover(hub, id, client.ClientSecretBasic(secret))
  const tokens = await client.clientCredentialsGrant(config, { scope: 'leads:read' })
  expect(decodeProtectedHeader(tokens.access_token)).toMatchObject({ typ: 'at+jwt', alg: 'ES256' })
  expect(decodeJwt(tokens.access_token)).toMatchObject({
    iss: hub.url,
    aud: `${hub.url}/api`,
    sub: id,
    client_id: id,
    scope: 'leads:read',
  })
  expect((await call(tokens.access_token)).status).toBe(200)
  expect((await call(tokens.access_token, '/api/v1/campaigns')).status).toBe(403)
  await expect(
    client.clientCredentialsGrant(config, { scope: 'keys:write' }),
  ).rejects.toMatchObject({ error: 'invalid_scope' })
  const post = await discover(hub, id, client.ClientSecretBasic('wrong'))
  await expect(client.clientCredentialsGrant(post, {})).rejects.toMatchObject({ status: 401 })
})

test('a person agrees, and the application acts for them with no more than they may do', async () => {
  const viewer = await signedIn(hub, workspace.id, ['viewer'])
  const { tokens, back } = await authorized(viewer)
  expect(back.searchParams.get('iss')).toBe(hub.url)
  expect(tokens.scope).toBe('campaigns:read')
  expect(decodeJwt(tokens.access_token)['sub']).toBe(viewer.userId)
  expect((await call(tokens.access_token, '/api/v1/campaigns')).status).toBe(200)
  expect((await call(tokens.access_token)).status).toBe(403)
  const me = (await (await call(tokens.access_token, '/api/v1/campaigns')).json()) as object
  expect(me).toHaveProperty('data')
})

test('an application that acts for a person has no device and is refused where one is asked for; a service is not asked', async () => {
  const person = await signedIn(hub, workspace.id, ['viewer'])
  const { tokens } = await authorized(person)
  const service = await newClient({ kind: 'service' })
  const config = await discover(hub, service.id, client.ClientSecretBasic(service.secret))
  const own = await client.clientCredentialsGrant(config, { scope: 'campaigns:read' })
  const statuses = async () =>
    Promise.all(
      [tokens, own].map(
        async ({ access_token }) => (await call(access_token, '/api/v1/campaigns')).status,
      ),
    )
  expect(await statuses()).toEqual([200, 200])
  const rule = { effect: 'deny', scopes: ['campaigns:read'], devices: 'known' }
  const made = await workspace.post('/api/v1/access/rules', { name: 'Devices', ...rule })
  await expect.poll(statuses).toEqual([403, 200])
  await workspace.delete(`/api/v1/access/rules/${made.body.id}`)
  await expect.poll(statuses).toEqual([200, 200])
})

test('who does not agree sends the application away with access_denied', async () => {
  const { id, secret } = await newClient({ kind: 'web', redirectUris: [RETURN] })
  const config = await discover(hub, id, client.ClientSecretBasic(secret))
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: RETURN,
    scope: 'leads:read',
    code_challenge: await client.calculatePKCECodeChallenge(client.randomPKCECodeVerifier()),
    code_challenge_method: 'S256',
  })
  const back = await agree(browser, url, 'deny')
  expect(back.searchParams.get('error')).toBe('access_denied')
  expect(back.searchParams.get('iss')).toBe(hub.url)
})

test('a code used twice ends the tokens of its first use', async () => {
  const { tokens, exchange } = await authorized()
  expect((await call(tokens.access_token)).status).toBe(200)
  await expect(exchange()).rejects.toMatchObject({ error: 'invalid_grant' })
  await expect.poll(async () => (await call(tokens.access_token)).status).toBe(401)
})

test('a refresh token used twice is told of as a single threat', async () => {
  const other = await hub.freshWorkspace()
  const [before, person] = [workspace, await signedIn(hub, other.id)]
  workspace = other
  try {
    const { tokens, config, id } = await authorized(person)
    await client.refreshTokenGrant(config, tokens.refresh_token!)
    await hub.app.threats.tick()
    const threats = async () => (await other.get('/api/v1/security/threats')).body.data
    expect(await threats()).toEqual([])
    const again = client.refreshTokenGrant(config, tokens.refresh_token!)
    await expect(again).rejects.toMatchObject({ error: 'invalid_grant' })
    await hub.app.threats.tick()
    const grant = { kind: 'token_replay', subject: `${id} ${person.userId}` }
    expect(await threats()).toMatchObject([grant])
  } finally {
    workspace = before
  }
})

test('refresh tokens rotate, and one that is used twice ends its whole family', async () => {
  const { tokens, config } = await authorized()
  const second = await client.refreshTokenGrant(config, tokens.refresh_token!)
  expect(second.refresh_token).not.toBe(tokens.refresh_token)
  expect((await call(second.access_token)).status).toBe(200)
  await expect(client.refreshTokenGrant(config, tokens.refresh_token!)).rejects.toMatchObject({
    error: 'invalid_grant',
  })
  await expect(client.refreshTokenGrant(config, second.refresh_token!)).rejects.toMatchObject({
    error: 'invalid_grant',
  })
  await expect.poll(async () => (await call(second.access_token)).status).toBe(401)
})

test('of five uses of a refresh token at the same moment none leaves a living family behind', async () => {
  const { tokens, config } = await authorized()
  const tries = await Promise.allSettled(
    Array.from({ length: 5 }, () => client.refreshTokenGrant(config, tokens.refresh_token!)),
  )
  const won = tries.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  expect(won.length).toBeLessThanOrEqual(1)
  for (const { refresh_token: next } of won)
    await expect(client.refreshTokenGrant(config, next!)).rejects.toMatchObject({
      error: 'invalid_grant',
    })
})

test('a revoked access token stops within five seconds, and introspection says so', async () => {
  const { tokens, config } = await authorized()
  expect(await client.tokenIntrospection(config, tokens.access_token)).toMatchObject({
    active: true,
    scope: 'leads:read campaigns:read',
    token_type: 'Bearer',
  })
  expect((await call(tokens.access_token)).status).toBe(200)
  await client.tokenRevocation(config, tokens.access_token)
  await expect
    .poll(async () => (await call(tokens.access_token)).status, { timeout: 5000 })
    .toBe(401)
  expect(await client.tokenIntrospection(config, tokens.access_token)).toEqual({ active: false })
  await client.tokenRevocation(config, 'unknown')
  expect(await client.tokenIntrospection(config, 'unknown')).toEqual({ active: false })
  await client.tokenRevocation(config, tokens.refresh_token!)
  await expect(client.refreshTokenGrant(config, tokens.refresh_token!)).rejects.toMatchObject({
    error: 'invalid_grant',
  })
})

test('a client neither ends nor sees the tokens of another', async () => {
  const { tokens } = await authorized()
  const { id, secret } = await newClient({ kind: 'service' })
  const other = await discover(hub, id, client.ClientSecretBasic(secret))
  expect(await client.tokenIntrospection(other, tokens.access_token)).toEqual({ active: false })
  await client.tokenRevocation(other, tokens.access_token)
  expect((await call(tokens.access_token)).status).toBe(200)
})

test('authorization requests without S256, or with another address to return to, are refused', async () => {
  const { id } = await newClient({ kind: 'web', redirectUris: [RETURN] })
  const challenge = createHash('sha256').update('v'.repeat(43)).digest('base64url')
  const ask = async (fields: Record<string, string>) => {
    const query = new URLSearchParams({
      client_id: id,
      response_type: 'code',
      redirect_uri: RETURN,
      scope: 'leads:read',
      ...fields,
    })
    const answer = await browser.fetch(`/oauth/authorize?${query}`)
    return { status: answer.status, location: answer.headers.get('location') ?? '' }
  }
  const good = { code_challenge: challenge, code_challenge_method: 'S256' }
  expect((await ask(good)).location).toMatch(/^\/authorize\//)
  for (const wrong of [
    {},
    { code_challenge: 'v'.repeat(43), code_challenge_method: 'plain' },
    { code_challenge: challenge },
    { ...good, response_type: 'token' },
  ])
    expect((await ask(wrong)).location).toContain('error=')
  for (const uri of [
    `${RETURN}/`,
    `${RETURN}?x=1`,
    'http://localhost:9998/callback',
    'https://evil.example',
  ])
    expect(await ask({ ...good, redirect_uri: uri })).toEqual({ status: 400, location: '' })
  expect((await ask({ ...good, scope: 'keys:write' })).location).toContain('error=invalid_scope')
  expect((await ask({ ...good, resource: 'https://elsewhere.example' })).location).toContain(
    'error=invalid_target',
  )
})

test('the password and implicit grants do not exist', async () => {
  const { id, secret } = await newClient({ kind: 'web', redirectUris: [RETURN] })
  const answer = await fetch(`${hub.url}/oauth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'password', username: 'a', password: 'b' }),
  })
  expect(answer.status).toBe(400)
  expect(answer.headers.get('cache-control')).toContain('no-store')
  expect(await answer.json()).toMatchObject({ error: 'unsupported_grant_type' })
})

test('forged tokens are refused: none, HMAC with the public key, foreign keys, other type, audience, issuer or time', async () => {
  const { tokens } = await authorized()
  const [header = '', payload = '', signature = ''] = tokens.access_token.split('.')
  const claims = decodeJwt(tokens.access_token)
  const jwks = (await (await fetch(`${hub.url}/oauth/jwks`)).json()) as { keys: object[] }
  const kid = decodeProtectedHeader(tokens.access_token).kid!
  const pem = createPublicKey({ key: jwks.keys[0] as never, format: 'jwk' }).export({
    type: 'spki',
    format: 'pem',
  })
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const hmac = `${encode({ alg: 'HS256', typ: 'at+jwt', kid })}.${payload}`
  const own = await generateKeyPair('ES256', { extractable: true })
  const jwk = await exportJWK(own.publicKey)
  const sign = (fields: object, change: object = {}) =>
    new SignJWT({ ...claims, ...change })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', ...fields })
      .sign(own.privateKey)
  const forged = [
    `${encode({ alg: 'none', typ: 'at+jwt' })}.${payload}.`,
    `${encode({ alg: 'none', typ: 'at+jwt', kid })}.${payload}.${signature}`,
    `${hmac}.${createHmac('sha256', pem).update(hmac).digest('base64url')}`,
    `${header}.${encode({ ...claims, scope: 'keys:write' })}.${signature}`,
    `${header}.${payload}.${signature.slice(0, -4)}AAAA`,
    await sign({ kid }),
    await sign({ kid, jwk }),
    await sign({ jku: `${hub.url}/evil`, kid: 'evil' }),
    await sign({ x5u: `${hub.url}/evil`, kid: 'evil' }),
    await sign({ kid: '../../../../etc/passwd' }),
    await sign({ kid: "' or 1=1 --" }),
    await sign({ kid: '__proto__' }),
    await sign({ kid: 'constructor' }),
    tokens.refresh_token!,
  ]
  for (const token of forged) {
    const answer = await call(token)
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toContain('Bearer')
  }
})

test('tokens signed by the real key but of another type, issuer, audience or time are refused', async () => {
  const { tokens } = await authorized()
  const claims = decodeJwt(tokens.access_token)
  const { OAuthServer } = await import('#access/oauth/server.ts')
  const server = new OAuthServer(
    hub.app.store,
    hub.app.clock,
    () => hub.url,
    hub.app.threats.signals,
  )
  const [jwk] = (await server.keys.current()).private
  const { importJWK } = await import('jose')
  const key = await importJWK(jwk!, 'ES256')
  const sign = (change: object, header: object = {}) =>
    new SignJWT({ ...claims, ...change })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: jwk!.kid!, ...header })
      .sign(key)
  expect((await call(await sign({}))).status).toBe(200)
  const now = Math.floor(Date.now() / 1000)
  const wrong = [
    await sign({}, { typ: 'JWT' }),
    await sign({}, { typ: undefined }),
    await sign({ aud: 'https://elsewhere.example' }),
    await sign({ aud: undefined }),
    await sign({ iss: 'https://elsewhere.example' }),
    await sign({ exp: now - 60 }),
    await sign({ exp: undefined }),
    await sign({ nbf: now + 600 }),
    await sign({ client_id: undefined }),
    await sign({ client_id: 'cli_0' }),
    await sign({ sub: 'usr_0' }),
  ]
  for (const token of wrong) expect((await call(token)).status).toBe(401)
})

test('a rotated signing key signs from now on, and tokens of the old one go on', async () => {
  const { tokens, config } = await authorized()
  const { OAuthServer } = await import('#access/oauth/server.ts')
  const other = new OAuthServer(
    hub.app.store,
    hub.app.clock,
    () => hub.url,
    hub.app.threats.signals,
  )
  const kid = await other.keys.rotate()
  expect((await call(tokens.access_token)).status).toBe(200)
  const fresh = await other.provider()
  expect(fresh.issuer).toBe(hub.url)
  const jwks = (await other.keys.current()).public
  expect([...jwks.keys()]).toContain(kid)
  expect(jwks.size).toBeGreaterThan(1)
  expect((await client.tokenIntrospection(config, tokens.access_token)).active).toBe(true)
})

test('a revoked client takes its tokens along, and a rotated secret overlaps the old one', async () => {
  const { id, secret } = await newClient({ kind: 'service' })
  const old = await discover(hub, id, client.ClientSecretBasic(secret))
  const rotated = await workspace.post(`/api/v1/oauth/clients/${id}/rotate`, { overlapHours: 1 })
  const next = await discover(hub, id, client.ClientSecretBasic(rotated.body.secret))
  const tokens = await client.clientCredentialsGrant(old, {})
  expect((await client.clientCredentialsGrant(next, {})).access_token).toBeTruthy()
  await workspace.post(`/api/v1/oauth/clients/${id}/rotate`, { overlapHours: 0 })
  await expect(client.clientCredentialsGrant(old, {})).rejects.toMatchObject({ status: 401 })
  await workspace.delete(`/api/v1/oauth/clients/${id}`)
  await expect.poll(async () => (await call(tokens.access_token)).status).toBe(401)
})

test('nobody registers a client with more than they have, or with a careless redirect', async () => {
  const keyed = await workspace.withKey({ scopes: ['keys:write'] })
  const greater = { name: 'x', kind: 'service', scopes: ['leads:read'] }
  expectProblem(await keyed.post('/api/v1/oauth/clients', greater), 403, 'auth.forbidden')
  for (const uri of [
    'http://app.example/cb',
    'https://app.example/*',
    'https://app.example/#x',
    '/cb',
  ])
    expectProblem(
      await workspace.post('/api/v1/oauth/clients', {
        name: 'x',
        kind: 'web',
        redirectUris: [uri],
        scopes: ['leads:read'],
      }),
      422,
      'request.invalid',
    )
})

test('another workspace sees no request, and its people cannot agree to it', async () => {
  const stranger = await signedIn(hub, (await hub.freshWorkspace()).id)
  await expect(authorized(stranger)).rejects.toThrow('404')
})

test('a dump of the tables holds no usable secret, code or token', async () => {
  const { id, secret, tokens } = await authorized()
  const code = new URL((await authorized()).back).searchParams.get('code')!
  const dump = await hub.app.store.system(async (tx) => {
    const tables = [
      'oauth_clients',
      'oauth_artifacts',
      'oauth_signing_keys',
      'oauth_revocations',
      'sessions',
    ]
    const rows = await Promise.all(
      tables.map((table) =>
        tx.query(
          sql<{
            line: string
          }>`select encode(convert_to(t::text, 'UTF8'), 'escape') as line from ${sql.table(table)} t limit 10000`,
        ),
      ),
    )
    return rows
      .flat()
      .map((row) => row.line)
      .join('\n')
  })
  expect(dump).toContain(id)
  for (const usable of [secret, tokens.access_token, tokens.refresh_token!, code]) {
    const hex = Buffer.from(usable).toString('hex')
    expect(dump.includes(usable) || dump.includes(hex)).toBe(false)
  }
  expect(dump).not.toContain('"d":')
})

test('the metadata names S256 alone and the endpoints that answer', async () => {
  const metadata = (await (
    await fetch(`${hub.url}/.well-known/oauth-authorization-server`)
  ).json()) as Record<string, unknown>
  expect(metadata).toMatchObject({
    issuer: hub.url,
    code_challenge_methods_supported: ['S256'],
    response_types_supported: ['code'],
    authorization_response_iss_parameter_supported: true,
  })
  expect((await fetch(String(metadata['jwks_uri']))).status).toBe(200)
})
