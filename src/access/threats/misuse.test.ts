import { describe, expect, test } from 'vitest'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '#core/time.ts'
import { signInFrom } from '#tests/sender.ts'
import { ping, ThreatBench } from '#tests/threats.ts'

const bench = new ThreatBench()

describe('a valid credential that goes wrong', () => {
  test('ids tried one after the other raise one threat and slow the key down; looking into it stays possible', async () => {
    const { id, key } = await bench.newKey()
    const attacker = bench.sender().withKey(key)
    const ids = Array.from({ length: 45 }, (_, i) => `lead_${String(i).padStart(32, '0')}`)
    for (const leadId of ids)
      expect((await attacker.get(`/api/v1/leads/${leadId}`)).status).toBe(404)
    await bench.tick()
    const threat = await bench.onlyThreat('enumeration')
    expect(threat).toMatchObject({ subjectKind: 'key', subject: id })
    const answers = []
    for (let i = 0; i < 25; i += 1) answers.push((await attacker.get(ping)).status)
    expect(answers.filter((status) => status === 429)).toHaveLength(5)
    expect((await bench.workspace.get(ping)).status).toBe(200)
    const { body } = await bench.workspace.get('/api/v1/security/measures')
    expect(body.data).toMatchObject([{ kind: 'clamp', subject: id, perMinute: 20 }])
    expect((await bench.undo(threat.id)).status).toBe(200)
    await bench.tick()
    expect((await attacker.get(ping)).status).toBe(200)
  })

  test('a caller that meets missing records among many that are there enumerates nothing', async () => {
    const campaign = { key: 'spring', name: 'Spring', channel: 'email' }
    const { body } = await bench.workspace.post('/api/v1/campaigns', campaign)
    const job = bench.sender().withKey(bench.workspace.key)
    for (let i = 0; i < 45; i += 1) {
      await job.get(`/api/v1/leads/lead_${String(i).padStart(32, '0')}`)
      await job.get(`/api/v1/campaigns/${body.id}`)
      await job.get(`/api/v1/campaigns/${body.id}`)
    }
    await bench.tick()
    expect(await bench.threats()).toEqual([])
  })

  test('operations tried beyond the scopes raise one threat; one that is missed again and again raises none', async () => {
    const { id, key } = await bench.newKey({ roles: ['viewer'] })
    const caller = bench.sender().withKey(key)
    for (let i = 0; i < 50; i += 1) await caller.get('/api/v1/keys')
    await bench.tick()
    expect(await bench.threats()).toEqual([])
    const paths = ['keys', 'users', 'audit', 'leads', 'people', 'imports', 'tasks', 'owners']
    const more = ['connections', 'conflicts', 'oauth/clients', 'security/threats', 'webhooks']
    for (const path of [...paths, ...more]) await caller.get(`/api/v1/${path}`)
    await bench.tick()
    expect(await bench.onlyThreat('probing')).toMatchObject({ subject: id })
  })

  test('an export far beyond what is usual raises one threat, and the key is refused until a person undoes it', async () => {
    const policy = { mass_export: { rows: 500 } }
    expect((await bench.workspace.put('/api/v1/security/policy', { policy })).status).toBe(200)
    const leads = Array.from({ length: 40 }, (_, i) => ({ email: `lead${i}@example.com` }))
    await bench.workspace.post('/api/v1/integrations/sales/leads', { leads })
    const { id, key } = await bench.newKey()
    const job = bench.sender().withKey(key)
    for (let night = 0; night < 9; night += 1) {
      expect((await job.get('/api/v1/leads?format=csv')).status).toBe(200)
      await bench.tick()
      bench.clock.advance(DAY_MS)
    }
    expect(await bench.threats()).toEqual([])
    for (let i = 0; i < 15; i += 1) await job.get('/api/v1/leads?format=csv')
    await bench.tick()
    const threat = await bench.onlyThreat('mass_export')
    const refused = await job.get('/api/v1/leads')
    expect([refused.status, refused.body.code]).toEqual([403, 'auth.quarantined'])
    expect(refused.body.detail).toContain('security:write')
    expect((await bench.sender().withKey(bench.workspace.key).get(ping)).status).toBe(200)
    expect(threat).toMatchObject({ subject: id })
    await bench.undo(threat.id)
    await bench.tick()
    expect((await job.get(ping)).status).toBe(200)
  })
})

describe('a credential in other hands', () => {
  test('a key of some age with other software in a new network raises one threat, which grows when many networks have it', async () => {
    const { id, key, home } = await bench.keyInUse(15)
    const thief = () => bench.sender(bench.newAddress(), 'curl/8.5').withKey(key)
    expect((await thief().get(ping)).status).toBe(200)
    await bench.tick()
    const threat = await bench.onlyThreat('new_network')
    expect(threat).toMatchObject({ subjectKind: 'key', subject: id })
    expect((await home.get(ping)).status).toBe(200)
    for (let i = 0; i < 5; i += 1) await thief().get(ping)
    await bench.tick()
    expect((await bench.onlyThreat('leaked_key')).id).toBe(threat.id)
    const refused = await home.get(ping)
    expect([refused.status, refused.body.code]).toEqual([403, 'auth.quarantined'])
    expect(
      (
        await bench
          .sender()
          .withKey((await bench.newKey()).key)
          .get(ping)
      ).status,
    ).toBe(200)
    const { body } = await bench.workspace.get(`/api/v1/security/threats/${threat.id}`)
    expect(body.uses).toHaveLength(7)
    const homes = body.uses.filter(({ agent }: { agent: string }) => agent === 'acme-job/')
    expect(homes).toMatchObject([{ requests: 17 }])
    expect((await bench.undo(threat.id)).status).toBe(200)
    await bench.tick()
    bench.clock.advance(2 * DAY_MS)
    expect((await home.get(ping)).status).toBe(200)
    await bench.tick()
    expect(await bench.threats()).toMatchObject([{ state: 'dismissed' }])
  })

  test('a key at many networks at once is held back with a single threat', async () => {
    const { key } = await bench.keyInUse(2)
    for (let i = 0; i < 5; i += 1)
      await bench.sender(bench.newAddress(), 'curl/8.5').withKey(key).get(ping)
    await bench.tick()
    await bench.onlyThreat('leaked_key')
    expect((await bench.sender().withKey(key).get(ping)).body.code).toBe('auth.quarantined')
  })

  test('a move to another network with both in use for a while raises nothing', async () => {
    const { key, home } = await bench.keyInUse(15)
    const moved = bench.sender().withKey(key)
    for (let hour = 0; hour < 72; hour += 6) {
      await moved.get(ping)
      if (hour < 24) await home.get(ping)
      await bench.tick()
      bench.clock.advance(6 * HOUR_MS)
    }
    expect(await bench.threats()).toEqual([])
  })

  test('a copy of a key with the same software is told once old and new network go on beyond the overlap', async () => {
    const { key, home } = await bench.keyInUse(15)
    const copy = bench.sender().withKey(key)
    for (let hour = 0; hour < 60; hour += 6) {
      await copy.get(ping)
      await home.get(ping)
      await bench.tick()
      bench.clock.advance(6 * HOUR_MS)
    }
    await bench.onlyThreat('new_network')
  })

  test('a revoked key that is tried from a strange network raises one threat', async () => {
    const { id, key } = await bench.keyInUse(1)
    await bench.workspace.delete(`/api/v1/keys/${id}`)
    bench.clock.advance(5 * MINUTE_MS)
    const finder = bench.sender().withKey(key)
    for (let i = 0; i < 10; i += 1) expect((await finder.get(ping)).status).toBe(401)
    await bench.tick()
    expect(await bench.onlyThreat('dead_key')).toMatchObject({ subject: id })
  })

  test('a session that goes on in another browser raises one threat and ends, and its person signs in anew', async () => {
    const person = bench.sender(bench.newAddress(), 'Mozilla/5.0 (X11; Linux) Firefox/133.0')
    const userId = await signInFrom(bench.hub.app, bench.workspace.id, person)
    await person.get(ping)
    await bench.tick()
    const thief = bench.sender(bench.newAddress(), 'Mozilla/5.0 (Windows) Chrome/131.0')
    thief.headers = person.headers
    for (let i = 0; i < 10; i += 1) {
      expect((await thief.get(ping)).status).toBe(200)
      expect((await person.get(ping)).status).toBe(200)
    }
    await bench.tick()
    const threat = await bench.onlyThreat('session_replay')
    for (const one of [thief, person])
      await expect.poll(async () => (await one.get(ping)).status).toBe(401)
    const { body } = await bench.workspace.get(`/api/v1/security/threats/${threat.id}`)
    expect(body).toMatchObject({ personId: userId, measures: [{ kind: 'sign_out' }] })
    await signInFrom(bench.hub.app, bench.workspace.id, person)
    await bench.tick()
    expect((await person.get(ping)).status).toBe(200)
  })

  test('a session in two networks by turns raises one threat and ends; one that changes network once does not', async () => {
    const agent = 'Mozilla/5.0 (X11; Linux) Firefox/133.0'
    const person = bench.sender(bench.newAddress(), agent)
    await signInFrom(bench.hub.app, bench.workspace.id, person)
    const train = bench.sender(bench.newAddress(), agent)
    train.headers = person.headers
    for (const one of [person, person, train, train, train])
      expect((await one.get(ping)).status).toBe(200)
    await bench.tick()
    expect(await bench.threats()).toEqual([])
    for (let i = 0; i < 5; i += 1) {
      await person.get(ping)
      await train.get(ping)
    }
    await bench.tick()
    await bench.onlyThreat('impossible_travel')
    await expect.poll(async () => (await person.get(ping)).status).toBe(401)
  })
})

test('a month of people and jobs over real requests raises nothing', async () => {
  const email = bench.newEmail()
  const agent = 'Mozilla/5.0 (X11; Linux) Firefox/133.0'
  const desk = bench.sender(bench.newAddress(), agent)
  const password = 'green tractor over the hill'
  await signInFrom(bench.hub.app, bench.workspace.id, desk, ['admin'], email)
  expect((await desk.send('PUT', '/api/v1/account/password', { password })).status).toBe(200)
  const campaign = { key: 'spring', name: 'Spring', channel: 'email' }
  const { id } = (await bench.workspace.post('/api/v1/campaigns', campaign)).body
  const [old, fresh] = [await bench.newKey(), await bench.newKey()]
  const jobs = [bench.sender().withKey(old.key), bench.sender().withKey(fresh.key)]
  const moved = bench.sender().withKey(fresh.key)
  const hotel = bench.sender(bench.newAddress(), agent)
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
    await bench.tick()
    bench.clock.advance(DAY_MS)
  }
  expect(await bench.threats()).toEqual([])
})
