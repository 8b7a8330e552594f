import { expect, test } from 'vitest'
import { DAY_MS, MINUTE_MS } from '#core/time.ts'
import {
  expectProblem,
  ManualClock,
  useHub,
  type TestAnswer,
  type TestWorkspace,
} from '#tests/hub.ts'
import { signedIn, type Browser } from '#tests/oauth.ts'

const clock = new ManualClock(new Date('2026-11-26T09:00:00Z'))
const hub = useHub({ clock })

type Person = Browser & { userId: string }

async function answerOf(answer: Response): Promise<TestAnswer> {
  const text = await answer.text()
  return {
    status: answer.status,
    headers: answer.headers,
    text,
    body: text === '' ? null : JSON.parse(text),
  }
}

async function makeKey(person: Person, more: Record<string, unknown> = {}): Promise<TestAnswer> {
  return answerOf(await person.post('/api/v1/account/keys', { name: 'My spreadsheet', ...more }))
}

const keysOf = async (person: Person) =>
  (await answerOf(await person.fetch('/api/v1/account/security'))).body.keys as {
    id: string
    lastUsedAt: string | null
    revokedAt: string | null
  }[]

const call = async (key: string, path = '/api/v1/leads', method = 'GET') =>
  (
    await fetch(hub.url + path, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(method === 'GET' ? {} : { body: JSON.stringify({ name: 'x' }) }),
    })
  ).status

async function personOf(roles = ['sales']): Promise<{ workspace: TestWorkspace; person: Person }> {
  const workspace = await hub.freshWorkspace()
  return { workspace, person: await signedIn(hub, workspace.id, roles) }
}

test('a key of one’s own does what its person may at the time of the call, and never more', async () => {
  const { workspace, person } = await personOf()
  const made = await makeKey(person)
  expect(made.status, made.text).toBe(201)
  expect(made.body).toMatchObject({ ownerId: person.userId, roles: [] })
  const { key } = made.body
  expect(await call(key)).toBe(200)
  expect(await call(key, '/api/v1/audit')).toBe(403)
  const limited = (await makeKey(person, { scopes: ['campaigns:read'] })).body.key
  expect(await call(limited, '/api/v1/campaigns')).toBe(200)
  expect(await call(limited)).toBe(403)

  const fewer = await workspace.patch(`/api/v1/users/${person.userId}`, { roles: ['finance'] })
  expect(fewer.status, fewer.text).toBe(200)
  await expect.poll(() => call(key)).toBe(403)
  const grown = await workspace.patch(`/api/v1/users/${person.userId}`, { roles: ['admin'] })
  expect(grown.status).toBe(200)
  await expect.poll(() => call(key)).toBe(200)
  // Made for what a seller may: an administrator's rights do not come to it by themselves.
  expect(await call(key, '/api/v1/audit')).toBe(403)
})

test('with its person’s access a key of their own ends, and does not come back with it', async () => {
  const { workspace, person } = await personOf()
  const { id, key } = (await makeKey(person)).body
  expect(await call(key)).toBe(200)
  const path = `/api/v1/users/${person.userId}`
  expect((await workspace.patch(path, { active: false })).status).toBe(200)
  await expect.poll(() => call(key)).toBe(401)
  expect((await workspace.patch(path, { active: true })).status).toBe(200)
  const { data } = (await workspace.get('/api/v1/keys')).body
  expect(data.find((one: { id: string }) => one.id === id).revokedAt).not.toBeNull()
  clock.advance(5000)
  expect(await call(key)).toBe(401)
})

test('only a person who was there lately makes one, not a key, and none that gives rights', async () => {
  const { workspace, person } = await personOf(['admin'])
  const { key } = (await makeKey(person)).body
  expect(await call(key, '/api/v1/account/keys', 'POST')).toBe(403)
  expect((await workspace.post('/api/v1/account/keys', { name: 'x' })).status).toBe(403)
  for (const scope of [
    'keys:write',
    'users:write',
    'access:write',
    'sales:approve',
    'account:write',
  ])
    expectProblem(await makeKey(person, { scopes: [scope] }), 422, 'request.invalid')
  expect(await call(key, '/api/v1/keys', 'POST')).toBe(403)
  const seller = await signedIn(hub, workspace.id, ['sales'])
  expectProblem(await makeKey(seller, { scopes: ['audit:read'] }), 403, 'auth.forbidden')
  clock.advance(20 * MINUTE_MS)
  const late = await makeKey(person)
  expect(late.body.code).toBe('auth.step_up_required')
})

test('its person revokes it, an administrator may, and nobody else sees or renews it', async () => {
  const { workspace, person } = await personOf()
  const other = await signedIn(hub, workspace.id, ['sales'])
  const [first, second] = [(await makeKey(person)).body, (await makeKey(person)).body]
  const path = `/api/v1/account/keys/${first.id}`
  expect((await other.fetch(path, { method: 'DELETE' })).status).toBe(404)
  expect(await keysOf(other)).toEqual([])
  expect((await person.fetch(path, { method: 'DELETE' })).status).toBe(200)
  await expect.poll(() => call(first.key)).toBe(401)
  expect(await call(second.key)).toBe(200)
  expectProblem(await workspace.post(`/api/v1/keys/${second.id}/rotate`, {}), 403, 'auth.forbidden')
  expect((await workspace.delete(`/api/v1/keys/${second.id}`)).status).toBe(200)
  await expect.poll(() => call(second.key)).toBe(401)
  expect(await workspace.auditActions()).toEqual([
    'signIn',
    'signIn',
    'createOwnKey',
    'createOwnKey',
    'revokeOwnKey',
    'revokeApiKey',
  ])
})

test('it says when it was last used, and ends by itself', async () => {
  const { person } = await personOf()
  const { key, expiresAt } = (await makeKey(person, { expiresInDays: 1 })).body
  expect(new Date(expiresAt).getTime()).toBe(clock.now().getTime() + DAY_MS)
  expect((await keysOf(person))[0]!.lastUsedAt).toBeNull()
  expect(await call(key)).toBe(200)
  const usedAt = clock.now().toISOString()
  clock.advance(MINUTE_MS)
  expect(await hub.app.jobs.tick()).toContain('access.key-use')
  expect((await keysOf(person))[0]!.lastUsedAt).toBe(usedAt)
  clock.advance(DAY_MS)
  expect(await call(key)).toBe(401)
})
