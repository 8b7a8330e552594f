import { Secret, TOTP } from 'otpauth'
import { sql } from 'kysely'
import { beforeAll, expect, test } from 'vitest'
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '#core/time.ts'
import { SoftPasskey } from '#tests/authenticator.ts'
import { ManualClock, useHub, type TestWorkspace } from '#tests/hub.ts'
import { Browser, signedIn } from '#tests/oauth.ts'

const clock = new ManualClock(new Date('2026-11-23T09:00:00Z'))
const hub = useHub({ clock })
const GOOD = 'green tractor over the hill'
let workspace: TestWorkspace
let people = 0

beforeAll(async () => {
  workspace = await hub.freshWorkspace()
})

const site = () => hub.url.replace('127.0.0.1', 'localhost')
const newEmail = () => `person${(people += 1)}@example.com`
const body = async (answer: Response): Promise<any> => answer.json() // oxlint-disable-line typescript/no-explicit-any

/** A person with a password, and the browser in which they set it. */
async function newPerson(password = GOOD, roles = ['admin']) {
  const email = newEmail()
  const browser = await signedIn(hub, workspace.id, roles, email)
  const set = await browser.post('/api/v1/account/password', { password }, 'PUT')
  expect(set.status).toBe(200)
  return { email, password, browser, userId: browser.userId }
}

const codeOf = (secret: string, atMs = clock.now().getTime()) =>
  new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: atMs })

async function withTotp() {
  const person = await newPerson()
  const { secret } = await body(await person.browser.post('/api/v1/account/totp', {}))
  const confirmed = await person.browser.post('/api/v1/account/totp/confirm', {
    code: codeOf(secret),
  })
  expect(confirmed.status).toBe(201)
  const { codes } = (await confirmed.json()) as { codes: string[] }
  clock.advance(60 * SECOND_MS)
  return { ...person, secret, codes }
}

async function byPassword(email: string, password: string, browser = new Browser(hub.url)) {
  const answer = await browser.post('/api/v1/session/password', { email, password })
  return { answer, browser }
}

const me = async (browser: Browser) => (await browser.fetch('/api/v1/workspace')).status

test('a password signs in, a wrong one and an unknown address are told the same', async () => {
  const { email, password } = await newPerson()
  const good = await byPassword(email.toUpperCase(), password)
  expect(good.answer.status).toBe(204)
  expect(await me(good.browser)).toBe(200)
  const wrong = await byPassword(email, 'not the password')
  const unknown = await byPassword('nobody@example.com', password)
  expect(wrong.answer.status).toBe(401)
  const strip = ({ instance: _i, requestId: _r, ...rest }: Record<string, unknown>) => rest
  expect(strip(await body(wrong.answer))).toEqual(strip(await body(unknown.answer)))
})

test('the session cookie is new at each sign-in, out of reach of scripts, and dead after sign-out', async () => {
  const { email, password } = await newPerson()
  const { answer, browser } = await byPassword(email, password)
  const line = answer.headers.getSetCookie().find((one) => one.startsWith('throughline_session='))!
  for (const part of ['HttpOnly', 'SameSite=Lax', 'Path=/']) expect(line).toContain(part)
  expect(line).not.toContain('Domain')
  const first = browser.cookie('throughline_session')
  await byPassword(email, password, browser)
  expect(browser.cookie('throughline_session')).not.toBe(first)
  const stolen = browser.cookie('throughline_session')
  await browser.fetch('/api/v1/session', { method: 'DELETE' })
  const answerOf = () =>
    fetch(`${hub.url}/api/v1/workspace`, { headers: { cookie: `throughline_session=${stolen}` } })
  await expect.poll(async () => (await answerOf()).status).toBe(401)
})

test('a session ends after half an hour of silence and after twelve hours in any case', async () => {
  const idle = await newPerson()
  const busy = await newPerson()
  clock.advance(29 * MINUTE_MS)
  expect(await me(idle.browser)).toBe(200)
  clock.advance(31 * MINUTE_MS)
  expect(await me(idle.browser)).toBe(401)
  const { browser } = await byPassword(busy.email, busy.password)
  for (let i = 0; i < 35; i += 1) {
    clock.advance(20 * MINUTE_MS)
    expect(await me(browser)).toBe(200)
  }
  clock.advance(21 * MINUTE_MS)
  expect(await me(browser)).toBe(401)
})

test('after a password the authenticator app is asked, and its code counts once, also five times at the same moment', async () => {
  const { email, password, secret } = await withTotp()
  const first = await byPassword(email, password)
  const { next, challenge } = await body(first.answer)
  expect(next).toBe('second_factor')
  expect(await me(first.browser)).toBe(401)
  const others = await Promise.all(
    Array.from(
      { length: 4 },
      async () => (await body((await byPassword(email, password)).answer)).challenge,
    ),
  )
  const code = codeOf(secret)
  const answers = await Promise.all(
    [challenge, ...others].map((one) =>
      new Browser(hub.url).post('/api/v1/session/second-factor', { challenge: one, code }),
    ),
  )
  expect(answers.map((one) => one.status).toSorted((a, b) => a - b)).toEqual([
    204, 401, 401, 401, 401,
  ])
  clock.advance(30 * SECOND_MS)
  const again = await body((await byPassword(email, password)).answer)
  const late = await new Browser(hub.url).post('/api/v1/session/second-factor', {
    challenge: again.challenge,
    code,
  })
  expect(late.status).toBe(401)
})

test('a code from one step ago counts, from two steps ago it does not', async () => {
  const { email, password, secret } = await withTotp()
  const attempt = async (agoMs: number) => {
    const { challenge } = await body((await byPassword(email, password)).answer)
    const code = codeOf(secret, clock.now().getTime() - agoMs)
    return (await new Browser(hub.url).post('/api/v1/session/second-factor', { challenge, code }))
      .status
  }
  expect(await attempt(61 * SECOND_MS)).toBe(401)
  expect(await attempt(30 * SECOND_MS)).toBe(204)
})

test('eight wrong codes stop the next ones, the right one included, for a while', async () => {
  const { email, password, secret } = await withTotp()
  const { challenge } = await body((await byPassword(email, password)).answer)
  const attempt = async (code: string) =>
    (await new Browser(hub.url).post('/api/v1/session/second-factor', { challenge, code })).status
  for (let i = 0; i < 8; i += 1) expect(await attempt('000000')).toBe(401)
  expect(await attempt(codeOf(secret))).toBe(429)
  clock.advance(16 * MINUTE_MS)
  const later = await body((await byPassword(email, password)).answer)
  const good = await new Browser(hub.url).post('/api/v1/session/second-factor', {
    challenge: later.challenge,
    code: codeOf(secret),
  })
  expect(good.status).toBe(204)
})

test('a recovery code signs in once', async () => {
  const { email, password, codes } = await withTotp()
  const attempt = async () => {
    const { challenge } = await body((await byPassword(email, password)).answer)
    return (
      await new Browser(hub.url).post('/api/v1/session/second-factor', {
        challenge,
        recoveryCode: codes[3]!.toUpperCase().replaceAll('-', ' '),
      })
    ).status
  }
  expect(codes).toHaveLength(10)
  expect(await attempt()).toBe(204)
  expect(await attempt()).toBe(401)
})

async function withPasskey() {
  const person = await newPerson()
  const passkey = new SoftPasskey()
  const begun = await body(await person.browser.post('/api/v1/account/passkeys/options', {}))
  const added = await person.browser.post('/api/v1/account/passkeys', {
    name: 'Laptop',
    challenge: begun.challenge,
    passkey: passkey.enrol(begun.options.challenge, site()),
  })
  expect(added.status).toBe(201)
  return { ...person, passkey }
}

async function byPasskey(prove: (challenge: string) => object) {
  const browser = new Browser(hub.url)
  const { challenge, options } = await body(
    await browser.post('/api/v1/session/passkey/options', {}),
  )
  const sent = { challenge, passkey: prove(options.challenge) }
  const answer = await browser.post('/api/v1/session/passkey', sent)
  return { status: answer.status, browser, sent }
}

test('a passkey signs in alone; another site, a replay, a stranger and an unverified person are refused', async () => {
  const { passkey } = await withPasskey()
  const good = await byPasskey((challenge) => passkey.prove(challenge, site()))
  expect(good.status).toBe(204)
  expect(await me(good.browser)).toBe(200)
  expect((await good.browser.post('/api/v1/session/passkey', good.sent)).status).toBe(401)
  const wrong = [
    (challenge: string) => passkey.prove(challenge, 'https://evil.example'),
    (challenge: string) => passkey.prove(challenge, site(), { rpId: 'evil.example' }),
    (challenge: string) => passkey.prove(challenge, site(), { isVerified: false }),
    (_challenge: string) => passkey.prove('b3RoZXI', site()),
    (challenge: string) => passkey.prove(challenge, site(), { counter: 1 }),
    (challenge: string) => new SoftPasskey().prove(challenge, site()),
  ]
  for (const prove of wrong) expect((await byPasskey(prove)).status).toBe(401)
})

test('with a passkey the password alone does not sign in', async () => {
  const { email, password } = await withPasskey()
  const { answer, browser } = await byPassword(email, password)
  expect(await body(answer)).toEqual({ next: 'passkey' })
  expect(await me(browser)).toBe(401)
})

test('a flood of wrong passwords is stopped, and neither shuts the owner out of a known browser nor ends their session', async () => {
  const { email, password, browser } = await newPerson()
  const statuses: number[] = []
  for (let i = 0; i < 14; i += 1) statuses.push((await byPassword(email, 'guess')).answer.status)
  expect(statuses.slice(0, 10)).toEqual(Array(10).fill(401))
  expect(statuses.slice(10)).toEqual(Array(4).fill(429))
  expect((await byPassword(email, password)).answer.status).toBe(429)
  expect(await me(browser)).toBe(200)
  expect((await byPassword(email, password, browser)).answer.status).toBe(204)
  clock.advance(16 * MINUTE_MS)
  expect((await byPassword(email, password)).answer.status).toBe(204)
})

test('forwarding headers do not make a new source', async () => {
  const { email } = await newPerson()
  const statuses: number[] = []
  for (let i = 0; i < 12; i += 1) {
    const answer = await new Browser(hub.url).fetch('/api/v1/session/password', {
      method: 'POST',
      body: JSON.stringify({ email, password: 'guess' }),
      headers: { 'content-type': 'application/json', 'x-forwarded-for': `10.0.0.${i}` },
    })
    statuses.push(answer.status)
  }
  expect(statuses.slice(-2)).toEqual([429, 429])
})

test('a password must be long, uncommon and no name of its surroundings', async () => {
  const { browser } = await newPerson()
  const attempt = async (password: string) =>
    (await browser.post('/api/v1/account/password', { password }, 'PUT')).status
  for (const bad of [
    'short',
    'fourteen chars',
    'password12345678',
    'aaaaaaaaaaaaaaaaaa',
    'abcabcabcabcabcabc',
    'Throughline Test Ada 1',
  ])
    expect(await attempt(bad), bad).toBe(422)
  expect(await attempt('ünïcødé pässwörd mit 🚜 und Regen')).toBe(200)
  expect(await attempt('x'.repeat(20) + 'y z long sentences are fine '.repeat(3))).toBe(200)
})

test('with a second factor eight characters do, and then the factor stays until a longer password is set', async () => {
  const { browser } = await withTotp()
  expect(
    (await browser.post('/api/v1/account/password', { password: 'kiwi7rod' }, 'PUT')).status,
  ).toBe(200)
  expect((await browser.fetch('/api/v1/account/totp', { method: 'DELETE' })).status).toBe(422)
  expect((await browser.post('/api/v1/account/password', { password: GOOD }, 'PUT')).status).toBe(
    200,
  )
  expect((await browser.fetch('/api/v1/account/totp', { method: 'DELETE' })).status).toBe(200)
})

test('a change of password ends the other sessions and gives this one a new token', async () => {
  const { email, password, browser } = await newPerson()
  const other = await byPassword(email, password)
  const before = browser.cookie('throughline_session')
  await browser.post('/api/v1/account/password', { password: 'purple ladder in the snow' }, 'PUT')
  expect(browser.cookie('throughline_session')).not.toBe(before)
  await expect.poll(() => me(other.browser)).toBe(401)
  expect(await me(browser)).toBe(200)
})

test('dangerous acts need a fresh sign-in, which a step-up gives together with a new token', async () => {
  const { browser, password, secret } = await withTotp()
  const create = () => browser.post('/api/v1/keys', { name: 'x', roles: ['viewer'] })
  expect((await create()).status).toBe(201)
  clock.advance(16 * MINUTE_MS)
  const stale = await create()
  expect(stale.status).toBe(401)
  expect((await body(stale)).code).toBe('auth.step_up_required')
  expect(stale.headers.get('www-authenticate')).toContain('insufficient_user_authentication')
  const before = browser.cookie('throughline_session')
  const half = await browser.post('/api/v1/session/step-up', { password })
  expect(half.status).toBe(401)
  const done = await browser.post('/api/v1/session/step-up', { password, code: codeOf(secret) })
  expect(done.status).toBe(204)
  expect(browser.cookie('throughline_session')).not.toBe(before)
  expect((await create()).status).toBe(201)
})

test('a passkey steps up as well, and only the own one', async () => {
  const { browser, passkey } = await withPasskey()
  const stranger = await withPasskey()
  const attempt = async (key: SoftPasskey) => {
    const { passkey: asked } = await body(await browser.post('/api/v1/session/step-up/options', {}))
    const sent = { challenge: asked.challenge, passkey: key.prove(asked.options.challenge, site()) }
    return (await browser.post('/api/v1/session/step-up', sent)).status
  }
  expect(await attempt(stranger.passkey)).toBe(401)
  expect(await attempt(passkey)).toBe(204)
})

test('people see their sessions and end them, and nobody else’s', async () => {
  const { email, password, browser } = await newPerson()
  const other = await byPassword(email, password)
  const stranger = await newPerson()
  const security = await body(await browser.fetch('/api/v1/account/security'))
  expect(security.sessions).toHaveLength(2)
  expect(security.sessions[0]).toMatchObject({ methods: ['password'], address: '127.0.0.1' })
  const id = security.sessions.find((one: { isThis: boolean }) => !one.isThis).id
  const end = (by: Browser) => by.fetch(`/api/v1/account/sessions/${id}`, { method: 'DELETE' })
  expect((await end(stranger.browser)).status).toBe(404)
  expect((await end(browser)).status).toBe(200)
  await expect.poll(() => me(other.browser)).toBe(401)
})

test('an invited person signs in by their link once and sets a password', async () => {
  const admin = await newPerson()
  const email = newEmail()
  const invited = await body(
    await admin.browser.post('/api/v1/users', { name: 'Ben', email, roles: ['sales'] }),
  )
  const browser = new Browser(hub.url)
  const token = invited.link.split('#')[1]
  expect((await browser.post('/api/v1/session', { token })).status).toBe(204)
  expect((await new Browser(hub.url).post('/api/v1/session', { token })).status).toBe(401)
  expect((await browser.post('/api/v1/account/password', { password: GOOD }, 'PUT')).status).toBe(
    200,
  )
  expect((await byPassword(email, GOOD)).answer.status).toBe(204)
  const twin = await admin.browser.post('/api/v1/users', {
    name: 'Ben',
    email: email.toUpperCase(),
    roles: ['sales'],
  })
  expect(twin.status).toBe(409)
})

test('nobody raises themselves, the last administrator stays, and a deactivated person is out at once', async () => {
  const own = await hub.freshWorkspace()
  const admin = await signedIn(hub, own.id, ['admin'])
  const clerk = await signedIn(hub, own.id, ['sales'])
  const patch = (by: Browser, id: string, change: object) =>
    by.post(`/api/v1/users/${id}`, change, 'PATCH')
  expect((await patch(clerk, clerk.userId, { roles: ['admin'] })).status).toBe(403)
  expect((await patch(admin, admin.userId, { roles: ['sales'] })).status).toBe(409)
  expect((await patch(admin, admin.userId, { active: false })).status).toBe(409)
  expect((await patch(admin, clerk.userId, { active: false })).status).toBe(200)
  await expect.poll(() => me(clerk)).toBe(401)
  const stranger = await signedIn(hub, workspace.id, ['admin'])
  expect((await patch(stranger, admin.userId, { active: false })).status).toBe(404)
})

test('writes from other sites’ pages are refused at every way in', async () => {
  for (const path of [
    'password',
    'second-factor',
    'passkey/options',
    'passkey',
    'step-up/options',
    'step-up',
  ]) {
    const answer = await fetch(`${hub.url}/api/v1/session/${path}`, {
      method: 'POST',
      headers: { origin: 'https://evil.example', 'content-type': 'application/json' },
      body: '{}',
    })
    expect(answer.status, path).toBe(403)
  }
})

test('a dump of the tables holds no password, secret, code, address or session token', async () => {
  const { email, password, secret, codes, browser } = await withTotp()
  const dump = await hub.app.store.system(async (tx) => {
    const tables = [
      'users',
      'sessions',
      'user_passwords',
      'user_totp',
      'user_recovery_codes',
      'user_devices',
      'sign_in_challenges',
      'sign_in_failures',
      'audit_log',
    ]
    const rows = await Promise.all(
      tables.map((table) =>
        tx.query(
          sql<{ line: string }>`select t::text as line from ${sql.table(table)} t limit 10000`,
        ),
      ),
    )
    return rows
      .flat()
      .map((row) => row.line)
      .join('\n')
  })
  const session = browser.cookie('throughline_session')!
  for (const planted of [email, password, secret, codes[0]!, session]) {
    expect(dump).not.toContain(planted)
    expect(dump).not.toContain(Buffer.from(planted).toString('hex'))
  }
  expect(clock.now().getTime()).toBeGreaterThan(HOUR_MS)
})
