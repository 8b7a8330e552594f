import { describe, expect, test } from 'vitest'
import { expectProblem, useHub } from '#tests/hub.ts'

const hub = useHub()

describe('credentials', () => {
  test('a request without a key is refused with a challenge, and so is one with a wrong key', async () => {
    const none = await fetch(`${hub.url}/api/v1/keys`)
    expect(none.status).toBe(401)
    expect(none.headers.get('www-authenticate')).toContain('Bearer')
    const workspace = await hub.freshWorkspace()
    const wrong = await workspace.get('/api/v1/keys', {
      authorization: `Bearer ${workspace.key.slice(0, -1)}x`,
    })
    expectProblem(wrong, 401, 'auth.required')
  })

  test('a key without the scope is refused, and the answer names the scope', async () => {
    const workspace = await hub.freshWorkspace({ scopes: ['workspace:read'] })
    const answer = await workspace.get('/api/v1/keys')
    expectProblem(answer, 403, 'auth.forbidden')
    expect(answer.body.detail).toContain('keys:read')
  })

  test('a new key is shown once, works, and is dead within five seconds of its revocation', async () => {
    const workspace = await hub.freshWorkspace()
    const made = await workspace.post('/api/v1/keys', { name: 'site', roles: ['viewer'] })
    expect(made.status).toBe(201)
    const use = () =>
      workspace.get('/api/v1/workspace', { authorization: `Bearer ${made.body.key}` })
    expect((await use()).status).toBe(200)
    const listed = await workspace.get('/api/v1/keys')
    expect(listed.text).not.toContain(made.body.key)
    expect((await workspace.delete(`/api/v1/keys/${made.body.id}`)).body.revokedAt).not.toBeNull()
    await expect.poll(async () => (await use()).status, { timeout: 5000, interval: 200 }).toBe(401)
  })

  test('rotation gives a new key while the old one works on for the overlap', async () => {
    const workspace = await hub.freshWorkspace()
    const old = await workspace.post('/api/v1/keys', { name: 'site', roles: ['viewer'] })
    const fresh = await workspace.post(`/api/v1/keys/${old.body.id}/rotate`, { overlapHours: 1 })
    for (const key of [old.body.key, fresh.body.key]) {
      expect(
        (await workspace.get('/api/v1/workspace', { authorization: `Bearer ${key}` })).status,
      ).toBe(200)
    }
  })

  test('nobody gives away more than they have', async () => {
    const workspace = await hub.freshWorkspace({ scopes: ['keys:write'] })
    expectProblem(
      await workspace.post('/api/v1/keys', { name: 'x', roles: ['admin'] }),
      403,
      'auth.forbidden',
    )
  })

  test('what belongs to another workspace is not found', async () => {
    const [one, other] = [await hub.freshWorkspace(), await hub.freshWorkspace()]
    const made = await one.post('/api/v1/keys', { name: 'x', roles: ['viewer'] })
    expectProblem(await other.delete(`/api/v1/keys/${made.body.id}`), 404, 'resource.not_found')
    expect((await other.get('/api/v1/keys')).text).not.toContain(made.body.id)
  })
})

describe('input', () => {
  test('each fault is named by a pointer, unknown fields included', async () => {
    const workspace = await hub.freshWorkspace()
    const answer = await workspace.post('/api/v1/keys', {
      name: '',
      rateLimitPerMinute: '5',
      colour: 'red',
    })
    expectProblem(answer, 422, 'request.invalid')
    expect(answer.body.errors.map((fault: { pointer: string }) => fault.pointer).sort()).toEqual([
      '/colour',
      '/name',
      '/rateLimitPerMinute',
    ])
  })

  test('what is no JSON, no JSON object, too large, encoded or of another type is refused as a problem', async () => {
    const workspace = await hub.freshWorkspace()
    const send = (body: string, headers: Record<string, string>) =>
      fetch(`${hub.url}/api/v1/keys`, {
        method: 'POST',
        body,
        headers: { authorization: `Bearer ${workspace.key}`, ...headers },
      })
    const json = { 'content-type': 'application/json' }
    const cases: [Response, number][] = [
      [await send('{', json), 400],
      [await send('[]', json), 422],
      [await send('{"name":"a\\u0000b"}', json), 422],
      [await send('{"__proto__":{"x":1}}', json), 400],
      [await send('name=x', { 'content-type': 'application/x-www-form-urlencoded' }), 415],
      [await send('{}', { ...json, 'content-encoding': 'gzip' }), 415],
      [await send(`{"name":"${'x'.repeat(1_100_000)}"}`, json), 413],
    ]
    for (const [answer, status] of cases) {
      expect(answer.status).toBe(status)
      expect(answer.headers.get('content-type')).toBe('application/problem+json')
    }
  })

  test('an unknown path is 404, a known path under another method 405 with Allow', async () => {
    const workspace = await hub.freshWorkspace()
    expectProblem(await workspace.get('/api/v1/nothing'), 404, 'resource.not_found')
    const wrong = await workspace.put('/api/v1/keys', {})
    expectProblem(wrong, 405, 'request.method_not_allowed')
    expect(wrong.headers.get('allow')).toBe('POST, GET')
  })
})

describe('idempotency', () => {
  test('the same key and body answer the same, another body is refused, and the effect happens once', async () => {
    const workspace = await hub.freshWorkspace()
    const headers = { 'idempotency-key': 'abc' }
    const first = await workspace.post('/api/v1/keys', { name: 'x', roles: ['viewer'] }, headers)
    const again = await workspace.post('/api/v1/keys', { name: 'x', roles: ['viewer'] }, headers)
    expect([again.status, again.text, again.headers.get('idempotency-replayed')]).toEqual([
      first.status,
      first.text,
      'true',
    ])
    expectProblem(
      await workspace.post('/api/v1/keys', { name: 'y', roles: ['viewer'] }, headers),
      422,
      'idempotency.key_reused',
    )
    expect(await workspace.auditActions()).toEqual(['createApiKey'])
  })

  test('ten twins at once have one effect and one answer', async () => {
    const workspace = await hub.freshWorkspace()
    const answers = await Promise.all(
      Array.from({ length: 10 }, () =>
        workspace.post(
          '/api/v1/keys',
          { name: 'x', roles: ['viewer'] },
          { 'idempotency-key': 'twin' },
        ),
      ),
    )
    expect(new Set(answers.map((answer) => answer.text)).size).toBe(1)
    expect(await workspace.auditActions()).toEqual(['createApiKey'])
  })
})

test('the rate limit lets exactly the limit through and says when to come back', async () => {
  const workspace = await hub.freshWorkspace({ roles: ['viewer'], rateLimitPerMinute: 5 })
  const answers = []
  for (let i = 0; i < 7; i += 1) answers.push(await workspace.get('/api/v1/workspace'))
  expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200, 200, 200, 429, 429])
  const refused = answers[5]!
  expectProblem(refused, 429, 'quota.exceeded')
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(refused.headers.get('ratelimit')).toMatch(/^"principal";r=0;t=\d+$/)
})

test('lists page by cursor, refuse a foreign cursor, and come as formula-safe CSV of all pages', async () => {
  const workspace = await hub.freshWorkspace()
  for (const name of ['=cmd()', 'two', 'three'])
    await workspace.post('/api/v1/keys', { name, roles: ['viewer'] })
  const page = await workspace.get('/api/v1/keys?limit=2')
  const rest = await workspace.get(`/api/v1/keys?limit=2&cursor=${page.body.nextCursor}`)
  expect(page.body.data.length + rest.body.data.length).toBe(4)
  expect(rest.body.nextCursor).toBeNull()
  expectProblem(await workspace.get('/api/v1/keys?cursor=bm8'), 422, 'request.invalid')
  const csv = await workspace.get('/api/v1/keys?format=csv')
  expect(csv.headers.get('content-type')).toContain('text/csv')
  expect(csv.text.trim().split('\r\n')).toHaveLength(5)
  expect(csv.text).toContain("'=cmd()")
})

test('the hub says that it lives, is ready, and how it fares; the document names every operation', async () => {
  for (const path of ['/healthz', '/readyz']) expect((await fetch(hub.url + path)).status).toBe(200)
  expect(await (await fetch(`${hub.url}/metrics`)).text()).toContain(
    'throughline_http_request_duration_seconds_bucket',
  )
  const document = (await (await fetch(`${hub.url}/openapi.json`)).json()) as {
    openapi: string
    paths: Record<string, Record<string, { operationId: string }>>
  }
  const named = Object.values(document.paths).flatMap((path) =>
    Object.values(path).map((operation) => operation.operationId),
  )
  expect(named.sort()).toEqual(hub.app.operations.map((operation) => operation.id).sort())
})
