import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { startApp } from '#app.ts'
import { silentLog } from '#core/log.ts'
import { expectProblem } from '#tests/hub.ts'
import { Sender, signInFrom } from '#tests/sender.ts'
import { JOB, ping, ThreatBench } from '#tests/threats.ts'

const bench = new ThreatBench()

describe('deciding', () => {
  /** A threat about a key that guessed ids, with its clamp. */
  async function enumerated() {
    const made = await bench.newKey({ roles: ['admin'] })
    const caller = bench.sender().withKey(made.key)
    for (let i = 0; i < 41; i += 1)
      await caller.get(`/api/v1/leads/lead_${String(i).padStart(32, '0')}`)
    await bench.tick()
    return { ...made, caller, threat: await bench.onlyThreat('enumeration') }
  }

  test('takes security:write, another credential than the one it is about, and works under its own clamp', async () => {
    const { caller, threat } = await enumerated()
    const path = `/api/v1/security/threats/${threat.id}`
    const auditor = await bench.workspace.withKey({ scopes: ['security:read'] })
    expect((await auditor.get(path)).body.address).toBeNull()
    expectProblem(await bench.undo(threat.id, auditor), 403, 'auth.forbidden')
    const integrator = await bench.workspace.withKey({ roles: ['integrator'] })
    expectProblem(await integrator.get(path), 403, 'auth.forbidden')
    const other = await bench.hub.freshWorkspace()
    expectProblem(await other.get(path), 404, 'resource.not_found')
    for (let i = 0; i < 25; i += 1) await caller.get(ping)
    expect((await caller.get(ping)).status).toBe(429)
    const own = await caller.post(`${path}/undo`, {})
    expect([own.status, own.body.code]).toEqual([403, 'threat.own_credential'])
    const admin = bench.sender()
    await signInFrom(bench.hub.app, bench.workspace.id, admin)
    expect((await admin.post(`${path}/undo`, {})).body).toMatchObject({ state: 'dismissed' })
    await bench.tick()
    expect((await caller.get(ping)).status).toBe(200)
  })

  test('a threat that was decided is not asked about again for the same signs, and counts among the figures', async () => {
    const { caller, threat } = await enumerated()
    const decide = (decision: string) =>
      bench.workspace.post(`/api/v1/security/threats/${threat.id}/decision`, { decision })
    expect((await decide('confirmed')).body.state).toBe('confirmed')
    await caller.get('/api/v1/leads/lead_z')
    await bench.tick()
    await bench.onlyThreat('enumeration')
    const figures = async () => (await bench.workspace.get('/api/v1/security/figures')).body.kinds
    expect(await figures()).toEqual([
      { kind: 'enumeration', open: 0, confirmed: 1, dismissed: 0, falseShare: 0 },
    ])
    expect((await decide('dismissed')).body.state).toBe('dismissed')
    expect((await figures())[0].falseShare).toBe(1)
  })

  test('what is told and what is done follow the workspace’s own policy, within bounds', async () => {
    const path = '/api/v1/security/policy'
    const first = await bench.workspace.get(path)
    expect(first.body).toMatchObject({ version: 0, policy: { enumeration: { action: 'clamp' } } })
    const silly = await bench.workspace.put(path, { policy: { brute_force: { tries: 1 } } })
    expectProblem(silly, 422, 'request.invalid')
    const set = { policy: { enumeration: { action: 'quarantine', records: 10 } } }
    expect((await bench.workspace.put(path, set)).body.version).toBe(1)
    const { key } = await bench.newKey()
    const caller = bench.sender().withKey(key)
    for (let i = 0; i < 10; i += 1) await caller.get(`/api/v1/leads/lead_${i}`)
    await bench.tick()
    await bench.onlyThreat('enumeration')
    expect((await caller.get(ping)).body.code).toBe('auth.quarantined')
    const stale = await bench.workspace.put(path, set, { 'if-match': '"7"' })
    expectProblem(stale, 412, 'resource.version_mismatch')
  })

  test('a detected and an undone threat are told to other systems, without an address', async () => {
    const heard: { event: string; data: Record<string, unknown> }[] = []
    const { threat } = await enumerated()
    await bench.undo(threat.id)
    await bench.hub.app.store.system(async (tx) => {
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
    const other = await startApp(bench.hub.app.config, {
      listen: true,
      log: silentLog,
      clock: bench.clock,
    })
    try {
      const prefix = bench.workspace.key.slice(0, 16)
      const attacker = bench.sender()
      const there = new Sender(other, attacker.address, JOB).withKey(bench.workspace.key)
      const statusThere = async () => (await there.get(ping)).status
      expect(await statusThere()).toBe(200)
      for (let i = 0; i < 30; i += 1)
        await attacker.withKey(prefix + String(i).padStart(43, 'd')).get(ping)
      await bench.tick()
      const { id } = await bench.onlyThreat('brute_force')
      await expect.poll(statusThere).toBe(403)
      await bench.undo(id)
      await expect.poll(statusThere).toBe(200)
      await expect
        .poll(async () => (await attacker.withKey(bench.workspace.key).get(ping)).status)
        .toBe(200)
    } finally {
      await other.stop()
    }
  })

  test('the watch goes round by itself', async () => {
    const config = { ...bench.hub.app.config, threatIntervalMs: 20 }
    const other = await startApp(config, { listen: true, log: silentLog, clock: bench.clock })
    try {
      const prefix = bench.workspace.key.slice(0, 16)
      const attacker = new Sender(other, bench.newAddress(), JOB)
      const guess = (i: number) => attacker.withKey(prefix + String(i).padStart(43, 'g')).get(ping)
      for (let i = 0; i < 30; i += 1) await guess(i)
      await expect.poll(async () => (await guess(0)).body.code).toBe('auth.address_blocked')
      await bench.onlyThreat('brute_force')
    } finally {
      await other.stop()
    }
  })

  test('two processes that see halves of one attack make one threat of it', async () => {
    const other = await startApp(bench.hub.app.config, {
      listen: true,
      log: silentLog,
      clock: bench.clock,
    })
    try {
      const prefix = bench.workspace.key.slice(0, 16)
      const here = bench.sender()
      const there = new Sender(other, here.address, JOB)
      for (let i = 0; i < 20; i += 1) {
        await here.withKey(prefix + String(i).padStart(43, 'e')).get(ping)
        await there.withKey(prefix + String(i).padStart(43, 'f')).get(ping)
      }
      await Promise.all([bench.tick(), other.threats.tick()])
      await bench.onlyThreat('brute_force')
    } finally {
      await other.stop()
    }
  })
})
