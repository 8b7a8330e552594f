import { describe, expect, test } from 'vitest'
import { HOUR_MS, MINUTE_MS } from '#core/time.ts'
import { type Sender, signInFrom } from '#tests/sender.ts'
import { ping, ThreatBench } from '#tests/threats.ts'

const bench = new ThreatBench()

describe('guessed keys', () => {
  test('keys guessed from one address raise one threat, and the address is refused while others’ keys work on', async () => {
    const attacker = bench.sender()
    const neighbour = bench.sender().withKey(bench.workspace.key)
    const prefix = bench.workspace.key.slice(0, 16)
    for (let i = 0; i < 35; i += 1) {
      const guess = prefix + String(i).padStart(43, 'a')
      expect((await attacker.withKey(guess).get(ping)).status).toBe(401)
    }
    await bench.tick()
    const threat = await bench.onlyThreat('brute_force')
    expect(threat.subjectKind).toBe('address')
    const refused = await attacker.withKey(bench.workspace.key).get(ping)
    expect([refused.status, refused.body.code]).toEqual([403, 'auth.address_blocked'])
    expect((await attacker.get('/')).status).toBe(403)
    expect((await neighbour.get(ping)).status).toBe(200)
    const { body } = await bench.workspace.get(`/api/v1/security/threats/${threat.id}`)
    expect(body).toMatchObject({ address: attacker.address, evidence: { tries: 35, targets: 1 } })
    expect(JSON.stringify(await bench.threats())).not.toContain(attacker.address)
    await bench.tick()
    expect((await bench.undo(threat.id)).status).toBe(200)
    await bench.tick()
    expect((await attacker.withKey(bench.workspace.key).get(ping)).status).toBe(200)
    await bench.onlyThreat('brute_force')
    expect(await bench.workspace.auditActions()).toEqual(
      expect.arrayContaining(['threat.detected', 'threat.block', 'undoThreat', 'threat.undone']),
    )
  })

  test('a block ends by itself', async () => {
    const attacker = bench.sender()
    await bench.guessKeys(attacker, 30, 'b')
    await bench.tick()
    await bench.onlyThreat('brute_force')
    expect((await attacker.withKey(bench.workspace.key).get(ping)).status).toBe(403)
    bench.clock.advance(61 * MINUTE_MS)
    expect((await attacker.withKey(bench.workspace.key).get(ping)).status).toBe(200)
  })
})

describe('guessing passwords', () => {
  test('a flood of wrong passwords from one address raises one threat, and so does one from many networks, which shuts nobody out', async () => {
    const email = bench.newEmail()
    const owner = bench.sender()
    await signInFrom(bench.hub.app, bench.workspace.id, owner, ['admin'], email)
    const attacker = bench.sender()
    const guess = (from: Sender, password: string) =>
      from.post('/api/v1/session/password', { email, password })
    for (let i = 0; i < 32; i += 1) await guess(attacker, `guess number ${i}`)
    await bench.tick()
    const first = await bench.onlyThreat('brute_force')
    expect((await guess(attacker, 'one more')).body.code).toBe('auth.address_blocked')
    expect((await owner.get(ping)).status).toBe(200)
    expect((await bench.undo(first.id)).status).toBe(200)
    bench.clock.advance(2 * HOUR_MS)
    await signInFrom(bench.hub.app, bench.workspace.id, owner)

    for (let i = 0; i < 36; i += 1) await guess(bench.sender(), `another guess ${i}`)
    await bench.tick()
    const spread = (await bench.threats()).filter(({ id }) => id !== first.id)
    expect(spread.map(({ kind }) => kind)).toEqual(['distributed_guessing'])
    expect((await owner.get(ping)).status).toBe(200)
    expect((await bench.workspace.get('/api/v1/security/measures')).body.data).toEqual([])
  })

  test('the same wrong key again and again is a job with a slip in it, and a forgotten one calls from where it always did', async () => {
    const job = bench.sender().withKey(`${bench.workspace.key.slice(0, -1)}!`)
    for (let i = 0; i < 60; i += 1) await job.get(ping)
    const { id, home } = await bench.keyInUse(1)
    expect((await bench.workspace.delete(`/api/v1/keys/${id}`)).status).toBe(200)
    bench.clock.advance(5 * MINUTE_MS)
    for (let i = 0; i < 40; i += 1) expect((await home.get(ping)).status).toBe(401)
    await bench.tick()
    expect(await bench.threats()).toEqual([])
  })

  test('an address that others share is told of and not shut out', async () => {
    const office = bench.newAddress()
    const colleague = bench.sender(office).withKey((await bench.newKey()).key)
    await colleague.get(ping)
    await bench.tick()
    bench.clock.advance(2 * HOUR_MS)
    const attacker = bench.sender(office)
    await bench.guessKeys(attacker, 30, 'c')
    await bench.tick()
    const { id } = await bench.onlyThreat('brute_force')
    const { body } = await bench.workspace.get(`/api/v1/security/threats/${id}`)
    expect(body).toMatchObject({ heldBack: 'shared_network', measures: [] })
    expect((await colleague.get(ping)).status).toBe(200)
  })

  test('a proxy in the first hour of a hub is not shut out', async () => {
    const proxy = bench.newAddress()
    for (const { key } of [await bench.newKey(), await bench.newKey()])
      await bench.sender(proxy).withKey(key).get(ping)
    const attacker = bench.sender(proxy)
    await bench.guessKeys(attacker, 30, 'h')
    await bench.tick()
    await bench.onlyThreat('brute_force')
    expect((await attacker.withKey(bench.workspace.key).get(ping)).status).toBe(200)
  })

  test('wrong client secrets are guesses too', async () => {
    const made = await bench.workspace.post('/api/v1/oauth/clients', {
      name: 'Service',
      kind: 'service',
      scopes: ['leads:read'],
    })
    const attacker = bench.sender()
    for (let i = 0; i < 30; i += 1) {
      const basic = Buffer.from(`${made.body.id}:guess${i}`).toString('base64')
      attacker.headers = {
        authorization: `Basic ${basic}`,
        'content-type': 'application/x-www-form-urlencoded',
      }
      const answer = await attacker.post('/oauth/token', 'grant_type=client_credentials')
      expect(JSON.stringify(answer.body)).toContain('invalid_client')
    }
    await bench.tick()
    await bench.onlyThreat('brute_force')
  })
})
