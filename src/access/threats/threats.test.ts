import { sql } from 'kysely'
import { beforeEach, describe, expect, test } from 'vitest'
import { startApp } from '#app.ts'
import { silentLog } from '#core/log.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#core/time.ts'
import { ManualClock, expectProblem, useHub, type TestWorkspace } from '#tests/hub.ts'
import { Sender, signInFrom } from '#tests/sender.ts'

const clock = new ManualClock(new Date('2026-11-02T09:00:00Z'))
const hub = useHub({ clock })
const JOB = 'acme-job/2.1'
let workspace: TestWorkspace
let nets = 0

/** An address in a network that nobody used before. */
const newAddress = () => `127.${100 + Math.trunc((nets += 1) / 250)}.${nets % 250}.7`
const sender = (address = newAddress(), agent = JOB) => new Sender(hub.app, address, agent)
const tick = () => hub.app.threats.tick()

beforeEach(async () => {
  clock.advance(3 * HOUR_MS) // out of the window of the test before
  workspace = await hub.freshWorkspace()
})

interface Seen {
  id: string
  kind: string
  subjectKind: string
  subject: string
  state: string
}

async function threats(of = workspace): Promise<Seen[]> {
  const { status, body } = await of.get('/api/v1/security/threats')
  expect(status).toBe(200)
  return body.data
}

/** The only threat of the workspace. */
async function onlyThreat(kind: string): Promise<Seen> {
  const all = await threats()
  expect(all.map((one) => one.kind)).toEqual([kind])
  return all[0]!
}

async function newKey(fields: object = {}): Promise<{ id: string; key: string }> {
  const { status, body } = await workspace.post('/api/v1/keys', {
    name: 'job',
    roles: ['integrator'],
    rateLimitPerMinute: 100_000,
    ...fields,
  })
  expect(status).toBe(201)
  return body
}

const ping = '/api/v1/workspace'

/** A key that was used from one place for some days. */
async function keyInUse(days: number) {
  const made = await newKey()
  const home = sender().withKey(made.key)
  for (let day = 0; day <= days; day += 1) {
    expect((await home.get(ping)).status).toBe(200)
    await tick()
    if (day < days) clock.advance(DAY_MS)
  }
  return { ...made, home }
}

const undo = (id: string, by = workspace) => by.post(`/api/v1/security/threats/${id}/undo`, {})

describe('guessed keys', () => {
  test('keys guessed from one address raise one threat, and the address is refused while others’ keys work on', async () => {
    const attacker = sender()
    const neighbour = sender().withKey(workspace.key)
    const prefix = workspace.key.slice(0, 16)
    for (let i = 0; i < 35; i += 1) {
      const guess = prefix + String(i).padStart(43, 'a')
      expect((await attacker.withKey(guess).get(ping)).status).toBe(401)
    }
    await tick()
    const threat = await onlyThreat('brute_force')
    expect(threat.subjectKind).toBe('address')
    const refused = await attacker.withKey(workspace.key).get(ping)
    expect([refused.status, refused.body.code]).toEqual([403, 'auth.address_blocked'])
    expect((await attacker.get('/')).status).toBe(403)
    expect((await neighbour.get(ping)).status).toBe(200)
    const { body } = await workspace.get(`/api/v1/security/threats/${threat.id}`)
    expect(body).toMatchObject({ address: attacker.address, evidence: { tries: 35, targets: 1 } })
    expect(JSON.stringify(await threats())).not.toContain(attacker.address)
    await tick()
    expect((await undo(threat.id)).status).toBe(200)
    await tick()
    expect((await attacker.withKey(workspace.key).get(ping)).status).toBe(200)
    await onlyThreat('brute_force')
    expect(await workspace.auditActions()).toEqual(
      expect.arrayContaining(['threat.detected', 'threat.block', 'undoThreat', 'threat.undone']),
    )
  })

  test('a block ends by itself', async () => {
    const attacker = sender()
    const prefix = workspace.key.slice(0, 16)
    for (let i = 0; i < 30; i += 1)
      await attacker.withKey(prefix + String(i).padStart(43, 'b')).get(ping)
    await tick()
    await onlyThreat('brute_force')
    expect((await attacker.withKey(workspace.key).get(ping)).status).toBe(403)
    clock.advance(61 * MINUTE_MS)
    expect((await attacker.withKey(workspace.key).get(ping)).status).toBe(200)
  })
})

describe('guessing passwords', () => {
  test('a flood of wrong passwords from one address raises one threat, and so does one from many networks, which shuts nobody out', async () => {
    const email = `owner${nets}@example.com`
    const owner = sender()
    await signInFrom(hub.app, workspace.id, owner, ['admin'], email)
    const attacker = sender()
    const guess = (from: Sender, password: string) =>
      from.post('/api/v1/session/password', { email, password })
    for (let i = 0; i < 32; i += 1) await guess(attacker, `guess number ${i}`)
    await tick()
    const first = await onlyThreat('brute_force')
    expect((await guess(attacker, 'one more')).body.code).toBe('auth.address_blocked')
    expect((await owner.get(ping)).status).toBe(200)
    expect((await undo(first.id)).status).toBe(200)
    clock.advance(2 * HOUR_MS)
    await signInFrom(hub.app, workspace.id, owner)

    for (let i = 0; i < 36; i += 1) await guess(sender(), `another guess ${i}`)
    await tick()
    const spread = (await threats()).filter(({ id }) => id !== first.id)
    expect(spread.map(({ kind }) => kind)).toEqual(['distributed_guessing'])
    expect((await owner.get(ping)).status).toBe(200)
    expect((await workspace.get('/api/v1/security/measures')).body.data).toEqual([])
  })

  test('the same wrong key again and again is a job with a slip in it, and a forgotten one calls from where it always did', async () => {
    const job = sender().withKey(`${workspace.key.slice(0, -1)}!`)
    for (let i = 0; i < 60; i += 1) await job.get(ping)
    const { id, home } = await keyInUse(1)
    expect((await workspace.delete(`/api/v1/keys/${id}`)).status).toBe(200)
    clock.advance(5 * MINUTE_MS)
    for (let i = 0; i < 40; i += 1) expect((await home.get(ping)).status).toBe(401)
    await tick()
    expect(await threats()).toEqual([])
  })

  test('an address that others share is told of and not shut out', async () => {
    const office = newAddress()
    const colleague = sender(office).withKey((await newKey()).key)
    await colleague.get(ping)
    await tick()
    clock.advance(2 * HOUR_MS)
    const attacker = sender(office)
    const prefix = workspace.key.slice(0, 16)
    for (let i = 0; i < 30; i += 1)
      await attacker.withKey(prefix + String(i).padStart(43, 'c')).get(ping)
    await tick()
    const { id } = await onlyThreat('brute_force')
    const { body } = await workspace.get(`/api/v1/security/threats/${id}`)
    expect(body).toMatchObject({ heldBack: 'shared_network', measures: [] })
    expect((await colleague.get(ping)).status).toBe(200)
  })

  test('a proxy in the first hour of a hub is not shut out', async () => {
    const proxy = newAddress()
    for (const { key } of [await newKey(), await newKey()])
      await sender(proxy).withKey(key).get(ping)
    const attacker = sender(proxy)
    const prefix = workspace.key.slice(0, 16)
    for (let i = 0; i < 30; i += 1)
      await attacker.withKey(prefix + String(i).padStart(43, 'h')).get(ping)
    await tick()
    await onlyThreat('brute_force')
    expect((await attacker.withKey(workspace.key).get(ping)).status).toBe(200)
  })

  test('wrong client secrets are guesses too', async () => {
    const made = await workspace.post('/api/v1/oauth/clients', {
      name: 'Service',
      kind: 'service',
      scopes: ['leads:read'],
    })
    const attacker = sender()
    for (let i = 0; i < 30; i += 1) {
      const basic = Buffer.from(`${made.body.id}:guess${i}`).toString('base64')
      attacker.headers = {
        authorization: `Basic ${basic}`,
        'content-type': 'application/x-www-form-urlencoded',
      }
      const answer = await attacker.post('/oauth/token', 'grant_type=client_credentials')
      expect(JSON.stringify(answer.body)).toContain('invalid_client')
    }
    await tick()
    await onlyThreat('brute_force')
  })
})

describe('a valid credential that goes wrong', () => {
  test('ids tried one after the other raise one threat and slow the key down; looking into it stays possible', async () => {
    const { id, key } = await newKey()
    const attacker = sender().withKey(key)
    const ids = Array.from({ length: 45 }, (_, i) => `lead_${String(i).padStart(32, '0')}`)
    for (const leadId of ids)
      expect((await attacker.get(`/api/v1/leads/${leadId}`)).status).toBe(404)
    await tick()
    const threat = await onlyThreat('enumeration')
    expect(threat).toMatchObject({ subjectKind: 'key', subject: id })
    const answers = []
    for (let i = 0; i < 25; i += 1) answers.push((await attacker.get(ping)).status)
    expect(answers.filter((status) => status === 429)).toHaveLength(5)
    expect((await workspace.get(ping)).status).toBe(200)
    const { body } = await workspace.get('/api/v1/security/measures')
    expect(body.data).toMatchObject([{ kind: 'clamp', subject: id, perMinute: 20 }])
    expect((await undo(threat.id)).status).toBe(200)
    await tick()
    expect((await attacker.get(ping)).status).toBe(200)
  })

  test('a caller that meets missing records among many that are there enumerates nothing', async () => {
    const campaign = { key: 'spring', name: 'Spring', channel: 'email' }
    const { body } = await workspace.post('/api/v1/campaigns', campaign)
    const job = sender().withKey(workspace.key)
    for (let i = 0; i < 45; i += 1) {
      await job.get(`/api/v1/leads/lead_${String(i).padStart(32, '0')}`)
      await job.get(`/api/v1/campaigns/${body.id}`)
      await job.get(`/api/v1/campaigns/${body.id}`)
    }
    await tick()
    expect(await threats()).toEqual([])
  })

  test('operations tried beyond the scopes raise one threat; one that is missed again and again raises none', async () => {
    const { id, key } = await newKey({ roles: ['viewer'] })
    const caller = sender().withKey(key)
    for (let i = 0; i < 50; i += 1) await caller.get('/api/v1/keys')
    await tick()
    expect(await threats()).toEqual([])
    const paths = ['keys', 'users', 'audit', 'leads', 'people', 'imports', 'tasks', 'owners']
    const more = ['connections', 'conflicts', 'oauth/clients', 'security/threats', 'webhooks']
    for (const path of [...paths, ...more]) await caller.get(`/api/v1/${path}`)
    await tick()
    expect(await onlyThreat('probing')).toMatchObject({ subject: id })
  })

  test('an export far beyond what is usual raises one threat, and the key is refused until a person undoes it', async () => {
    const policy = { mass_export: { rows: 500 } }
    expect((await workspace.put('/api/v1/security/policy', { policy })).status).toBe(200)
    const leads = Array.from({ length: 40 }, (_, i) => ({ email: `lead${i}@example.com` }))
    await workspace.post('/api/v1/integrations/sales/leads', { leads })
    const { id, key } = await newKey()
    const job = sender().withKey(key)
    for (let night = 0; night < 9; night += 1) {
      expect((await job.get('/api/v1/leads?format=csv')).status).toBe(200)
      await tick()
      clock.advance(DAY_MS)
    }
    expect(await threats()).toEqual([])
    for (let i = 0; i < 15; i += 1) await job.get('/api/v1/leads?format=csv')
    await tick()
    const threat = await onlyThreat('mass_export')
    const refused = await job.get('/api/v1/leads')
    expect([refused.status, refused.body.code]).toEqual([403, 'auth.quarantined'])
    expect(refused.body.detail).toContain('security:write')
    expect((await sender().withKey(workspace.key).get(ping)).status).toBe(200)
    expect(threat).toMatchObject({ subject: id })
    await undo(threat.id)
    await tick()
    expect((await job.get(ping)).status).toBe(200)
  })
})

describe('a credential in other hands', () => {
  test('a key of some age with other software in a new network raises one threat, which grows when many networks have it', async () => {
    const { id, key, home } = await keyInUse(15)
    const thief = () => sender(newAddress(), 'curl/8.5').withKey(key)
    expect((await thief().get(ping)).status).toBe(200)
    await tick()
    const threat = await onlyThreat('new_network')
    expect(threat).toMatchObject({ subjectKind: 'key', subject: id })
    expect((await home.get(ping)).status).toBe(200)
    for (let i = 0; i < 5; i += 1) await thief().get(ping)
    await tick()
    expect((await onlyThreat('leaked_key')).id).toBe(threat.id)
    const refused = await home.get(ping)
    expect([refused.status, refused.body.code]).toEqual([403, 'auth.quarantined'])
    expect(
      (
        await sender()
          .withKey((await newKey()).key)
          .get(ping)
      ).status,
    ).toBe(200)
    const { body } = await workspace.get(`/api/v1/security/threats/${threat.id}`)
    expect(body.uses).toHaveLength(7)
    const homes = body.uses.filter(({ agent }: { agent: string }) => agent === 'acme-job/')
    expect(homes).toMatchObject([{ requests: 17 }])
    expect((await undo(threat.id)).status).toBe(200)
    await tick()
    clock.advance(2 * DAY_MS)
    expect((await home.get(ping)).status).toBe(200)
    await tick()
    expect(await threats()).toMatchObject([{ state: 'dismissed' }])
  })

  test('a key at many networks at once is held back with a single threat', async () => {
    const { key } = await keyInUse(2)
    for (let i = 0; i < 5; i += 1) await sender(newAddress(), 'curl/8.5').withKey(key).get(ping)
    await tick()
    await onlyThreat('leaked_key')
    expect((await sender().withKey(key).get(ping)).body.code).toBe('auth.quarantined')
  })

  test('a move to another network with both in use for a while raises nothing', async () => {
    const { key, home } = await keyInUse(15)
    const moved = sender().withKey(key)
    for (let hour = 0; hour < 72; hour += 6) {
      await moved.get(ping)
      if (hour < 24) await home.get(ping)
      await tick()
      clock.advance(6 * HOUR_MS)
    }
    expect(await threats()).toEqual([])
  })

  test('a copy of a key with the same software is told once old and new network go on beyond the overlap', async () => {
    const { key, home } = await keyInUse(15)
    const copy = sender().withKey(key)
    for (let hour = 0; hour < 60; hour += 6) {
      await copy.get(ping)
      await home.get(ping)
      await tick()
      clock.advance(6 * HOUR_MS)
    }
    await onlyThreat('new_network')
  })

  test('a revoked key that is tried from a strange network raises one threat', async () => {
    const { id, key } = await keyInUse(1)
    await workspace.delete(`/api/v1/keys/${id}`)
    clock.advance(5 * MINUTE_MS)
    const finder = sender().withKey(key)
    for (let i = 0; i < 10; i += 1) expect((await finder.get(ping)).status).toBe(401)
    await tick()
    expect(await onlyThreat('dead_key')).toMatchObject({ subject: id })
  })

  test('a session that goes on in another browser raises one threat and ends, and its person signs in anew', async () => {
    const person = sender(newAddress(), 'Mozilla/5.0 (X11; Linux) Firefox/133.0')
    const userId = await signInFrom(hub.app, workspace.id, person)
    await person.get(ping)
    await tick()
    const thief = sender(newAddress(), 'Mozilla/5.0 (Windows) Chrome/131.0')
    thief.headers = person.headers
    for (let i = 0; i < 10; i += 1) {
      expect((await thief.get(ping)).status).toBe(200)
      expect((await person.get(ping)).status).toBe(200)
    }
    await tick()
    const threat = await onlyThreat('session_replay')
    for (const one of [thief, person])
      await expect.poll(async () => (await one.get(ping)).status).toBe(401)
    const { body } = await workspace.get(`/api/v1/security/threats/${threat.id}`)
    expect(body).toMatchObject({ personId: userId, measures: [{ kind: 'sign_out' }] })
    await signInFrom(hub.app, workspace.id, person)
    await tick()
    expect((await person.get(ping)).status).toBe(200)
  })

  test('a session in two networks by turns raises one threat and ends; one that changes network once does not', async () => {
    const agent = 'Mozilla/5.0 (X11; Linux) Firefox/133.0'
    const person = sender(newAddress(), agent)
    await signInFrom(hub.app, workspace.id, person)
    const train = sender(newAddress(), agent)
    train.headers = person.headers
    for (const one of [person, person, train, train, train])
      expect((await one.get(ping)).status).toBe(200)
    await tick()
    expect(await threats()).toEqual([])
    for (let i = 0; i < 5; i += 1) {
      await person.get(ping)
      await train.get(ping)
    }
    await tick()
    await onlyThreat('impossible_travel')
    await expect.poll(async () => (await person.get(ping)).status).toBe(401)
  })
})

describe('deciding', () => {
  /** A threat about a key that guessed ids, with its clamp. */
  async function enumerated() {
    const made = await newKey({ roles: ['admin'] })
    const caller = sender().withKey(made.key)
    for (let i = 0; i < 41; i += 1)
      await caller.get(`/api/v1/leads/lead_${String(i).padStart(32, '0')}`)
    await tick()
    return { ...made, caller, threat: await onlyThreat('enumeration') }
  }

  test('takes security:write, another credential than the one it is about, and works under its own clamp', async () => {
    const { caller, threat } = await enumerated()
    const path = `/api/v1/security/threats/${threat.id}`
    const auditor = await workspace.withKey({ scopes: ['security:read'] })
    expect((await auditor.get(path)).body.address).toBeNull()
    expectProblem(await undo(threat.id, auditor), 403, 'auth.forbidden')
    const integrator = await workspace.withKey({ roles: ['integrator'] })
    expectProblem(await integrator.get(path), 403, 'auth.forbidden')
    const other = await hub.freshWorkspace()
    expectProblem(await other.get(path), 404, 'resource.not_found')
    for (let i = 0; i < 25; i += 1) await caller.get(ping)
    expect((await caller.get(ping)).status).toBe(429)
    const own = await caller.post(`${path}/undo`, {})
    expect([own.status, own.body.code]).toEqual([403, 'threat.own_credential'])
    const admin = sender()
    await signInFrom(hub.app, workspace.id, admin)
    expect((await admin.post(`${path}/undo`, {})).body).toMatchObject({ state: 'dismissed' })
    await tick()
    expect((await caller.get(ping)).status).toBe(200)
  })

  test('a threat that was decided is not asked about again for the same signs, and counts among the figures', async () => {
    const { caller, threat } = await enumerated()
    const decide = (decision: string) =>
      workspace.post(`/api/v1/security/threats/${threat.id}/decision`, { decision })
    expect((await decide('confirmed')).body.state).toBe('confirmed')
    await caller.get('/api/v1/leads/lead_z')
    await tick()
    await onlyThreat('enumeration')
    const figures = async () => (await workspace.get('/api/v1/security/figures')).body.kinds
    expect(await figures()).toEqual([
      { kind: 'enumeration', open: 0, confirmed: 1, dismissed: 0, falseShare: 0 },
    ])
    expect((await decide('dismissed')).body.state).toBe('dismissed')
    expect((await figures())[0].falseShare).toBe(1)
  })

  test('what is told and what is done follow the workspace’s own policy, within bounds', async () => {
    const path = '/api/v1/security/policy'
    const first = await workspace.get(path)
    expect(first.body).toMatchObject({ version: 0, policy: { enumeration: { action: 'clamp' } } })
    const silly = await workspace.put(path, { policy: { brute_force: { tries: 1 } } })
    expectProblem(silly, 422, 'request.invalid')
    const set = { policy: { enumeration: { action: 'quarantine', records: 10 } } }
    expect((await workspace.put(path, set)).body.version).toBe(1)
    const { key } = await newKey()
    const caller = sender().withKey(key)
    for (let i = 0; i < 10; i += 1) await caller.get(`/api/v1/leads/lead_${i}`)
    await tick()
    await onlyThreat('enumeration')
    expect((await caller.get(ping)).body.code).toBe('auth.quarantined')
    const stale = await workspace.put(path, set, { 'if-match': '"7"' })
    expectProblem(stale, 412, 'resource.version_mismatch')
  })

  test('a detected and an undone threat are told to other systems, without an address', async () => {
    const heard: { event: string; data: Record<string, unknown> }[] = []
    const { threat } = await enumerated()
    await undo(threat.id)
    await hub.app.store.system(async (tx) => {
      const rows = await tx.query(sql<(typeof heard)[number]>`
        select event, data from outbox where subject_id = ${threat.id} order by seq`)
      heard.push(...rows)
    })
    expect(heard.map(({ event }) => event)).toEqual(['threat.detected', 'threat.undone'])
    expect(heard[0]!.data).toEqual({
      kind: 'enumeration',
      subjectKind: 'key',
      subject: threat.subject,
    })
  })

  test('an undo holds at once in every process, and so does what was undone', async () => {
    const other = await startApp(hub.app.config, { listen: true, log: silentLog, clock })
    try {
      const prefix = workspace.key.slice(0, 16)
      const attacker = sender()
      const there = new Sender(other, attacker.address, JOB).withKey(workspace.key)
      const statusThere = async () => (await there.get(ping)).status
      expect(await statusThere()).toBe(200)
      for (let i = 0; i < 30; i += 1)
        await attacker.withKey(prefix + String(i).padStart(43, 'd')).get(ping)
      await tick()
      const { id } = await onlyThreat('brute_force')
      await expect.poll(statusThere).toBe(403)
      await undo(id)
      await expect.poll(statusThere).toBe(200)
      await expect
        .poll(async () => (await attacker.withKey(workspace.key).get(ping)).status)
        .toBe(200)
    } finally {
      await other.stop()
    }
  })

  test('the watch goes round by itself', async () => {
    const config = { ...hub.app.config, threatIntervalMs: 20 }
    const other = await startApp(config, { listen: true, log: silentLog, clock })
    try {
      const prefix = workspace.key.slice(0, 16)
      const attacker = new Sender(other, newAddress(), JOB)
      const guess = (i: number) => attacker.withKey(prefix + String(i).padStart(43, 'g')).get(ping)
      for (let i = 0; i < 30; i += 1) await guess(i)
      await expect.poll(async () => (await guess(0)).body.code).toBe('auth.address_blocked')
      await onlyThreat('brute_force')
    } finally {
      await other.stop()
    }
  })

  test('two processes that see halves of one attack make one threat of it', async () => {
    const other = await startApp(hub.app.config, { listen: true, log: silentLog, clock })
    try {
      const prefix = workspace.key.slice(0, 16)
      const here = sender()
      const there = new Sender(other, here.address, JOB)
      for (let i = 0; i < 20; i += 1) {
        await here.withKey(prefix + String(i).padStart(43, 'e')).get(ping)
        await there.withKey(prefix + String(i).padStart(43, 'f')).get(ping)
      }
      await Promise.all([tick(), other.threats.tick()])
      await onlyThreat('brute_force')
    } finally {
      await other.stop()
    }
  })
})

test('a month of people and jobs over real requests raises nothing', async () => {
  const email = `regular${nets}@example.com`
  const agent = 'Mozilla/5.0 (X11; Linux) Firefox/133.0'
  const desk = sender(newAddress(), agent)
  const password = 'green tractor over the hill'
  await signInFrom(hub.app, workspace.id, desk, ['admin'], email)
  expect((await desk.send('PUT', '/api/v1/account/password', { password })).status).toBe(200)
  const campaign = { key: 'spring', name: 'Spring', channel: 'email' }
  const { id } = (await workspace.post('/api/v1/campaigns', campaign)).body
  const [old, fresh] = [await newKey(), await newKey()]
  const jobs = [sender().withKey(old.key), sender().withKey(fresh.key)]
  const moved = sender().withKey(fresh.key)
  const hotel = sender(newAddress(), agent)
  for (let day = 0; day < 31; day += 1) {
    const place = day === 9 || day === 10 ? hotel : desk
    const signIn = (typed: string) =>
      place.post('/api/v1/session/password', { email, password: typed })
    if (day % 5 === 0)
      for (const typed of ['Green tractor', 'green tractor over']) await signIn(typed)
    const entered = await signIn(password)
    expect(entered.status).toBe(204)
    place.keep(entered)
    const [first, second] = jobs
    const nightly =
      day < 20 ? [first!, second!] : day < 22 ? [first!, second!, moved] : [first!, moved]
    for (const one of [place, place, ...nightly]) {
      expect((await one.get(`/api/v1/campaigns/${id}`)).status).toBe(200)
      await one.get('/api/v1/campaigns/cmp_gone')
    }
    if (day % 7 === 4) expect((await place.get('/api/v1/leads?format=csv')).status).toBe(200)
    await tick()
    clock.advance(DAY_MS)
  }
  expect(await threats()).toEqual([])
})
