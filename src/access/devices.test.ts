import { Secret, TOTP } from 'otpauth'
import { sql } from 'kysely'
import { beforeAll, expect, test } from 'vitest'
import { createSignInLink } from '#access/bootstrap.ts'
import { hashToken } from '#access/session.rules.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '#core/time.ts'
import { ManualClock, useHub, type TestWorkspace } from '#tests/hub.ts'
import { Browser, signedIn } from '#tests/oauth.ts'

const clock = new ManualClock(new Date('2026-11-23T09:00:00Z'))
const hub = useHub({ clock })
const SESSION = 'throughline_session'
const DEVICE = 'throughline_device'
const PASSWORD = 'green tractor over the hill'
const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; rv:152.0) Gecko/20100101 Firefox/152.0'
let workspace: TestWorkspace
let people = 0

beforeAll(async () => {
  workspace = await hub.freshWorkspace()
})

type Person = Awaited<ReturnType<typeof signedIn>>
const body = async (answer: Response): Promise<any> => answer.json() // oxlint-disable-line typescript/no-explicit-any
const leads = async (by: Browser) => by.fetch('/api/v1/leads')
const statusOf = async (by: Browser) => (await leads(by)).status
const security = async (by: Browser) => body(await by.fetch('/api/v1/account/security'))
const codeOf = (secret: string) =>
  new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: clock.now().getTime() })

/** Signs a person in from a browser, by a link. */
async function enter(person: { userId: string }, browser: Browser, of: TestWorkspace) {
  const now = clock.now()
  const link = await createSignInLink(hub.app.store, of.id, person.userId, hub.url, now)
  const answer = await browser.fetch('/api/v1/session', {
    method: 'POST',
    body: JSON.stringify({ token: link.split('#')[1] }),
    headers: { 'content-type': 'application/json', 'user-agent': FIREFOX },
  })
  expect(answer.status).toBe(204)
  return browser
}

/** With a password and an authenticator app; signed in again by the link alone, in the same browser. */
async function withSecondFactor(of = workspace) {
  const email = `device${(people += 1)}@example.com`
  const person = await signedIn(hub, of.id, ['admin'], email)
  await person.post('/api/v1/account/password', { password: PASSWORD }, 'PUT')
  const { secret } = await body(await person.post('/api/v1/account/totp', {}))
  await person.post('/api/v1/account/totp/confirm', { code: codeOf(secret) })
  clock.advance(60 * SECOND_MS)
  return { person, secret, stepUp: () => ({ password: PASSWORD, code: codeOf(secret) }) }
}

const send = (cookies: Record<string, string | undefined>) =>
  fetch(`${hub.url}/api/v1/leads`, {
    headers: {
      cookie: Object.entries(cookies)
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => `${name}=${value}`)
        .join('; '),
    },
  })

async function ruleOn(of: TestWorkspace, devices: string, effect: string, more: object = {}) {
  const rule = { name: 'Own devices', effect, scopes: ['leads:read'], devices, ...more }
  expect((await of.post('/api/v1/access/rules', rule)).status).toBe(201)
}

test('a stolen session cookie is worth nothing without the cookie of its device', async () => {
  const person = await signedIn(hub, workspace.id)
  expect(await statusOf(person)).toBe(200)
  const session = person.cookie(SESSION)
  expect((await send({ [SESSION]: session })).status).toBe(401)
  expect((await send({ [SESSION]: session, [DEVICE]: 'a guess' })).status).toBe(401)
  const stepUp = await fetch(`${hub.url}/api/v1/session/step-up/options`, {
    method: 'POST',
    headers: {
      cookie: `${SESSION}=${session}`,
      origin: hub.url,
      'content-type': 'application/json',
    },
    body: '{}',
  })
  expect(stepUp.status).toBe(401)
  // The thief is refused; the owner is not put out.
  expect(await statusOf(person)).toBe(200)
})

test('a session that begins on a device known to the hub is bound from its first moment', async () => {
  const person = await signedIn(hub, workspace.id)
  await enter(person, person, workspace)
  expect((await send({ [SESSION]: person.cookie(SESSION) })).status).toBe(401)
})

test('the copied device cookie of another person opens nothing and makes no device known', async () => {
  const own = await hub.freshWorkspace()
  const victim = await signedIn(hub, own.id)
  expect(await statusOf(victim)).toBe(200)
  await hub.app.store.system((tx) =>
    tx.execute(sql`update user_devices set confirmed_at = ${clock.now()}, created_at = ${new Date(clock.now().getTime() - 30 * DAY_MS)}
      where user_id = ${victim.userId}`),
  )
  const thief = await signedIn(hub, own.id)
  expect(await statusOf(thief)).toBe(200)
  const copied = victim.cookie(DEVICE)
  expect((await send({ [SESSION]: thief.cookie(SESSION), [DEVICE]: copied })).status).toBe(401)
  expect((await send({ [DEVICE]: copied })).status).toBe(401)
  await ruleOn(own, 'known', 'deny')
  // A sign-in of the thief's own on the copied cookie: the same browser, as it were, and another person's device.
  const link = await createSignInLink(hub.app.store, own.id, thief.userId, hub.url, clock.now())
  const answer = await fetch(`${hub.url}/api/v1/session`, {
    method: 'POST',
    headers: { cookie: `${DEVICE}=${copied}`, origin: hub.url, 'content-type': 'application/json' },
    body: JSON.stringify({ token: link.split('#')[1] }),
  })
  const [cookie = ''] = answer.headers.getSetCookie()
  const session = cookie.split(';')[0]!.split('=')[1]
  await expect
    .poll(async () => (await send({ [SESSION]: session, [DEVICE]: copied })).status)
    .toBe(403)
  expect(await statusOf(victim)).toBe(200)
})

test('a client that keeps no device cookie has a session as ever, and no device', async () => {
  const own = await hub.freshWorkspace()
  const person = await signedIn(hub, own.id)
  const session = { [SESSION]: person.cookie(SESSION) }
  expect((await send(session)).status).toBe(200)
  expect((await send(session)).status).toBe(200)
  await ruleOn(own, 'known', 'deny')
  await expect.poll(async () => (await send(session)).status).toBe(403)
  const refusal = await body(await send(session))
  expect(refusal.detail).toContain('without a device that is known here')
})

test('a session from before there were devices goes on, and the next sign-in has one', async () => {
  const own = await hub.freshWorkspace()
  const person = await signedIn(hub, own.id)
  await hub.app.store.system((tx) =>
    tx.execute(
      sql`update sessions set device_id = null, device_bound_at = null where user_id = ${person.userId}`,
    ),
  )
  expect(await statusOf(person)).toBe(200)
  const before = await security(person)
  expect(before.sessions[0]).toMatchObject({ deviceId: null, isThis: true })
  await enter(person, person, own)
  const after = await security(person)
  expect(after.sessions[0].deviceId).toBe(after.devices[0].id)
  expect(after.devices).toHaveLength(1)
})

test('a device that nobody knows, or that was forgotten, gets a secret of the hub’s own', async () => {
  const person = await signedIn(hub, workspace.id)
  const chosen = 'chosen-by-somebody'
  const browser = new Browser(hub.url)
  const link = await createSignInLink(
    hub.app.store,
    workspace.id,
    person.userId,
    hub.url,
    clock.now(),
  )
  await browser.fetch('/api/v1/session', {
    method: 'POST',
    headers: { cookie: `${DEVICE}=${chosen}`, 'content-type': 'application/json' },
    body: JSON.stringify({ token: link.split('#')[1] }),
  })
  expect(browser.cookie(DEVICE)).toMatch(/^[\w-]{43}$/)
  const rows = await hub.app.store.system((tx) =>
    tx.query(
      sql<{ id: string }>`select id from user_devices where token_hash = ${hashToken(chosen)}`,
    ),
  )
  expect(rows).toEqual([])
})

test('a device is known after a week, and the refusal before says so', async () => {
  const own = await hub.freshWorkspace()
  await ruleOn(own, 'known', 'deny')
  const person = await signedIn(hub, own.id)
  await expect.poll(() => statusOf(person)).toBe(403)
  const refusal = await body(await leads(person))
  expect(refusal.detail).toContain('“Own devices”')
  expect(refusal.detail).toContain('on a device that is not known for 7 days yet')
  expect(refusal.detail).toContain('authenticator app or a passkey')
  clock.advance(7 * DAY_MS)
  await enter(person, person, own)
  await expect.poll(() => statusOf(person)).toBe(200)
  expect(await statusOf(await enter(person, new Browser(hub.url), own))).toBe(403)
  expect((await own.get('/api/v1/leads')).status).toBe(200)
})

test('on an unconfirmed device a rule asks for a second factor, which confirms it for good', async () => {
  const own = await hub.freshWorkspace()
  await ruleOn(own, 'confirmed', 'step_up')
  const { person, stepUp } = await withSecondFactor(own)
  await expect.poll(() => statusOf(person)).toBe(401)
  const refusal = await body(await leads(person))
  expect(refusal.code).toBe('auth.second_factor_required')
  expect(refusal.detail).toContain('on a device that is not confirmed')
  expect((await person.post('/api/v1/session/step-up', stepUp())).status).toBe(204)
  await expect.poll(() => statusOf(person)).toBe(200)
  const { devices } = await security(person)
  expect(devices).toHaveLength(1)
  expect(devices[0]).toMatchObject({ standing: 'confirmed', confirmedBy: ['password', 'totp'] })
  clock.advance(29 * MINUTE_MS)
  expect(await statusOf(person)).toBe(200)
  clock.advance(12 * HOUR_MS)
  await enter(person, person, own)
  expect(await statusOf(person)).toBe(200)
})

test('where the client keeps no device, a second factor opens for a quarter of an hour and confirms nothing', async () => {
  const own = await hub.freshWorkspace()
  const { secret, person } = await withSecondFactor(own)
  const link = await createSignInLink(hub.app.store, own.id, person.userId, hub.url, clock.now())
  const post = async (path: string, sent: object, cookie: string) => {
    const answer = await fetch(hub.url + path, {
      method: 'POST',
      headers: { cookie, origin: hub.url, 'content-type': 'application/json' },
      body: JSON.stringify(sent),
    })
    expect(answer.status).toBe(204)
    return answer.headers.getSetCookie()[0]!.split(';')[0]!.split('=')[1]!
  }
  const first = await post('/api/v1/session', { token: link.split('#')[1] }, '')
  await ruleOn(own, 'confirmed', 'step_up')
  await expect.poll(async () => (await send({ [SESSION]: first })).status).toBe(401)
  const proof = { password: PASSWORD, code: codeOf(secret) }
  const session = await post('/api/v1/session/step-up', proof, `${SESSION}=${first}`)
  expect((await send({ [SESSION]: session })).status).toBe(200)
  clock.advance(16 * MINUTE_MS)
  expect((await send({ [SESSION]: session })).status).toBe(401)
  const rows = await hub.app.store.system((tx) =>
    tx.query(
      sql<{
        id: string
      }>`select id from user_devices where user_id = ${person.userId} and confirmed_at is not null`,
    ),
  )
  expect(rows).toEqual([])
})

test('a sign-in with a second factor confirms its device', async () => {
  const own = await hub.freshWorkspace()
  await ruleOn(own, 'confirmed', 'deny')
  const { person, secret } = await withSecondFactor(own)
  const { email } = await security(person)
  const browser = new Browser(hub.url)
  const first = await browser.post('/api/v1/session/password', { email, password: PASSWORD })
  const { challenge } = await body(first)
  await browser.post('/api/v1/session/second-factor', { challenge, code: codeOf(secret) })
  await expect.poll(() => statusOf(person)).toBe(403)
  expect(await statusOf(browser)).toBe(200)
})

test('a fresh sign-in or step-up by a password alone does not do where a device is asked for', async () => {
  const own = await hub.freshWorkspace()
  await ruleOn(own, 'known', 'step_up')
  const person = await signedIn(hub, own.id, ['admin'], `device${(people += 1)}@example.com`)
  await person.post('/api/v1/account/password', { password: PASSWORD }, 'PUT')
  await expect.poll(() => statusOf(person)).toBe(401)
  expect((await person.post('/api/v1/session/step-up', { password: PASSWORD })).status).toBe(204)
  expect((await body(await leads(person))).code).toBe('auth.second_factor_required')
})

test('a key of one’s own has no device and is refused where one is asked for; a key of the workspace is not asked', async () => {
  const own = await hub.freshWorkspace()
  const person = await signedIn(hub, own.id)
  const made = await person.post('/api/v1/account/keys', { name: 'mine', expiresInDays: 7 })
  const { key } = await body(made)
  const byKey = async () =>
    fetch(`${hub.url}/api/v1/leads`, { headers: { authorization: `Bearer ${key}` } })
  expect((await byKey()).status).toBe(200)
  await ruleOn(own, 'confirmed', 'deny')
  await expect.poll(async () => (await byKey()).status).toBe(403)
  expect((await body(await byKey())).detail).toContain('do it at the console')
  expect((await own.get('/api/v1/leads')).status).toBe(200)
})

test('explain names the device among the circumstances for people, and asks none of keys', async () => {
  const own = await hub.freshWorkspace()
  const person = await signedIn(hub, own.id)
  await ruleOn(own, 'confirmed', 'deny')
  await ruleOn(own, 'known', 'step_up', { name: 'Office', networks: ['10.0.0.0/8'] })
  const explain = async (principal: string) =>
    (await own.get(`/api/v1/access/explain?principal=${principal}&scope=leads:read`)).body
      .contextRules
  expect(await explain(person.userId)).toEqual([
    { name: 'Own devices', effect: 'deny', holdsOnly: ['on a confirmed device'] },
    {
      name: 'Office',
      effect: 'step_up',
      holdsOnly: ['from 10.0.0.0/8', 'on a device that is known for 7 days or confirmed'],
    },
  ])
  const { body: key } = await own.post('/api/v1/keys', { name: 'x', roles: ['viewer'] })
  expect(await explain(key.id)).toEqual([
    { name: 'Office', effect: 'step_up', holdsOnly: ['from 10.0.0.0/8'] },
  ])
})

test('people see their devices in plain words and forget one, which ends its sessions', async () => {
  const person = await signedIn(hub, workspace.id)
  const other = await enter(person, new Browser(hub.url), workspace)
  expect(await statusOf(other)).toBe(200)
  const { devices, sessions } = await security(person)
  expect(devices).toHaveLength(2)
  const [there, here] = devices.toSorted((a: { isThis: boolean }) => (a.isThis ? 1 : -1))
  expect(here).toMatchObject({ isThis: true, standing: 'new', confirmedAt: null })
  expect(there).toMatchObject({ isThis: false, name: 'Firefox on Windows' })
  const used = sessions.map(({ deviceId }: { deviceId: string }) => deviceId)
  expect(new Set(used)).toEqual(new Set([there.id, here.id]))
  const forget = (by: Browser) =>
    by.fetch(`/api/v1/account/devices/${there.id}`, { method: 'DELETE' })
  const stranger = await signedIn(hub, workspace.id)
  expect((await forget(stranger)).status).toBe(404)
  expect(await statusOf(other)).toBe(200)
  expect((await forget(person)).status).toBe(200)
  await expect.poll(() => statusOf(other)).toBe(401)
  expect(await statusOf(person)).toBe(200)
  const before = other.cookie(DEVICE)
  await enter(person, other, workspace)
  expect(other.cookie(DEVICE)).not.toBe(before)
})

test('a sign-in from a new device leaves an entry of its own, except the first one ever', async () => {
  const own = await hub.freshWorkspace()
  const person = await signedIn(hub, own.id)
  await enter(person, person, own)
  const signIns = async () =>
    (await own.auditActions()).filter((action) => action.startsWith('signIn'))
  expect(await signIns()).toEqual(['signIn', 'signIn'])
  await enter(person, new Browser(hub.url), own)
  expect(await signIns()).toEqual(['signIn', 'signIn', 'signIn', 'signInNewDevice'])
})

test('devices go a year after they were last seen, and with their person’s access', async () => {
  const own = await hub.freshWorkspace()
  const person = await signedIn(hub, own.id)
  const admin = await signedIn(hub, own.id)
  const devicesOf = async ({ userId }: Person) =>
    (
      await hub.app.store.system((tx) =>
        tx.query(sql<{ id: string }>`select id from user_devices where user_id = ${userId}`),
      )
    ).length
  await admin.post(`/api/v1/users/${person.userId}`, { active: false }, 'PATCH')
  expect(await devicesOf(person)).toBe(0)
  clock.advance(364 * DAY_MS)
  await hub.app.jobs.tick()
  expect(await devicesOf(admin)).toBe(1)
  clock.advance(2 * DAY_MS)
  await hub.app.jobs.tick()
  expect(await devicesOf(admin)).toBe(0)
})
