import { sql } from 'kysely'
import { beforeEach, describe, expect, test } from 'vitest'
import { linkAudit } from '#access/audit-chain.ts'
import { verifyAudit } from '#access/audit-verify.ts'
import { auditFiles } from '#app.ts'
import { applyRetention } from '#compliance/retention.run.ts'
import { DAY_MS, MINUTE_MS } from '#core/time.ts'
import { expectProblem, ManualClock, useHub, type TestWorkspace } from '#tests/hub.ts'

const START = new Date('2026-11-23T08:00:00Z')
const clock = new ManualClock(START)
const hub = useHub({ clock })
const RULES = '/api/v1/retention/rules'
const HOLDS = '/api/v1/retention/holds'
const daysAgo = (days: number) => new Date(clock.now().getTime() - days * DAY_MS).toISOString()

let workspace: TestWorkspace

beforeEach(async () => {
  workspace = await hub.freshWorkspace()
})

const parts = () => ({
  kinds: hub.app.modules.flatMap((module) => module.retained ?? []),
  stores: hub.app.modules.flatMap((module) => module.personal ?? []),
})

/** The daily duty, now. */
const apply = (signal?: AbortSignal) => applyRetention(hub.app.store, parts(), clock.now(), signal)

async function touch(email: string, days: number): Promise<void> {
  const { status, text } = await workspace.post('/api/v1/touchpoints', {
    email,
    kind: 'page_view',
    channel: 'organic_search',
    occurredAt: daysAgo(days),
  })
  expect(status, text).toBe(201)
}

/** By person, the ages in days of the touches that are there. */
async function ages(): Promise<Record<string, number[]>> {
  const { body } = await workspace.get('/api/v1/touchpoints?limit=500')
  const people = (await workspace.get('/api/v1/people?limit=500')).body.data
  const emails = new Map(
    people.map((one: { id: string; email: string }) => [one.id, one.email.split('@')[0]]),
  )
  const found: Record<string, number[]> = {}
  for (const { personId, occurredAt } of body.data) {
    const name = String(emails.get(personId))
    ;(found[name] ??= []).push((clock.now().getTime() - Date.parse(occurredAt)) / DAY_MS)
  }
  for (const list of Object.values(found)) list.sort((a, b) => a - b)
  return found
}

const personOf = async (email: string): Promise<string> =>
  (await workspace.get('/api/v1/people?limit=500')).body.data.find(
    (one: { email: string }) => one.email === email,
  ).id

async function rule(kind: string, days: number | 'keep') {
  const answer = await workspace.put(`${RULES}/${kind}`, { days })
  expect(answer.status, answer.text).toBe(200)
}

async function hold(target: string, subject: string): Promise<string> {
  const answer = await workspace.post(HOLDS, { target, subject, reason: 'Case 7.' })
  expect(answer.status, answer.text).toBe(201)
  return answer.body.id
}

const lastRun = async () => (await workspace.get('/api/v1/retention/runs')).body.data[0]

describe('retention', () => {
  test('exactly the due rows go, what a person’s hold keeps stays, and preview and report say the same', async () => {
    for (const days of [1, 30, 31, 200]) {
      await touch('ada@x.example', days)
      await touch('bob@x.example', days)
    }
    const holdId = await hold('person', await personOf('bob@x.example'))
    await rule('touchpoints', 30)
    const { body: preview } = await workspace.get('/api/v1/retention/preview?kind=touchpoints')
    expect(preview).toMatchObject({ days: 30, count: 2, held: 2 })
    expect(preview.months).toEqual([
      { month: '2026-05', count: 1, held: 1 },
      { month: '2026-10', count: 1, held: 1 },
    ])
    expect(preview.samples).toHaveLength(2)
    await apply()
    expect(await ages()).toEqual({ ada: [1, 30], bob: [1, 30, 31, 200] })
    const report = (await lastRun()).kinds.find(
      ({ kind }: { kind: string }) => kind === 'touchpoints',
    )
    expect(report).toMatchObject({
      removed: 2,
      held: 2,
      oldest: daysAgo(200),
      newest: daysAgo(31),
      before: daysAgo(30),
    })
    await workspace.post(`${HOLDS}/${holdId}/lift`, { reason: 'Settled.' })
    await apply()
    expect(await ages()).toEqual({ ada: [1, 30], bob: [1, 30] })
    const actions = await workspace.auditActions()
    expect(actions).toEqual(expect.arrayContaining(['hold.placed', 'hold.lifted', 'retention.ran']))
  })

  test('the rule of one workspace reaches no other, and no rule means that nothing goes', async () => {
    await touch('ada@x.example', 400)
    const other = await hub.freshWorkspace()
    await other.put(`${RULES}/touchpoints`, { days: 1 })
    await apply()
    expect(await ages()).toEqual({ ada: [400] })
  })

  test('a hold of a kind keeps all of it, and whoever joins a held account is held', async () => {
    await touch('ada@x.example', 50)
    await rule('touchpoints', 10)
    const holdId = await hold('kind', 'touchpoints')
    await apply()
    expect(await ages()).toEqual({ ada: [50] })
    expect((await lastRun()).held).toBe(1)
    await workspace.post(`${HOLDS}/${holdId}/lift`, { reason: 'Settled.' })
    const lead = await workspace.post('/api/v1/integrations/sales/leads', {
      email: 'ada@x.example',
    })
    await hub.app.store.transaction(workspace.id, async (tx) => {
      await tx.execute(sql`
        insert into accounts (id, detail, created_at, updated_at) values ('acc_1', '\\x00', now(), now())`)
      await tx.execute(sql`
        insert into account_records (record_id, account_id) values (${lead.body.id}, 'acc_1')`)
    })
    await hold('account', 'acc_1')
    await apply()
    expect(await ages()).toMatchObject({ ada: expect.arrayContaining([50]) })
  })

  test('a run that is stopped between batches goes on to the same end, and its report counts each row once', async () => {
    await hub.app.store.transaction(workspace.id, async (tx) => {
      await tx.execute(sql`
        insert into people (id, identified, created_at, updated_at) values ('per_many', true, now(), now())`)
      await tx.execute(sql`
        insert into touchpoints (id, person_id, kind, channel, occurred_at, received_at, source)
        select 'tch_' || n, 'per_many', 'page_view', 'direct', ${clock.now()}::timestamptz - interval '100 days', now(), 'api'
        from generate_series(1, 2500) n`)
    })
    await rule('touchpoints', 30)
    const left = async () =>
      (await hub.app.store.read(workspace.id, (tx) =>
        tx.find(sql<{ n: number }>`select count(*)::int as n from touchpoints`),
      ))!.n
    // Stopped as soon as the first batch is gone.
    const stop = new AbortController()
    const kinds = parts().kinds.map((kind) =>
      kind.name === 'touchpoints' && 'removeDue' in kind
        ? {
            ...kind,
            async removeDue(...args: Parameters<typeof kind.removeDue>) {
              const removed = await kind.removeDue(...args)
              if (removed.count === 1000) stop.abort()
              return removed
            },
          }
        : kind,
    )
    const stopped = applyRetention(hub.app.store, { ...parts(), kinds }, clock.now(), stop.signal)
    await expect(stopped).rejects.toThrow(/abort/i)
    expect(await left()).toBe(1500)
    expect(await lastRun()).toMatchObject({ endedAt: null, removed: 1000 })
    await apply()
    expect(await left()).toBe(0)
    expect(await lastRun()).toMatchObject({ removed: 2500, endedAt: clock.now().toISOString() })
    expect((await workspace.get('/api/v1/retention/runs')).body.data).toHaveLength(1)
  })

  test('leads that never became a deal lose what names them, and whoever was heard of since keeps it', async () => {
    const lead = async (email: string) =>
      (await workspace.post('/api/v1/integrations/sales/leads', { email, firstName: 'Zora' })).body
        .id
    const silent = await lead('silent@x.example')
    const back = await lead('back@x.example')
    const kept = await lead('kept@x.example')
    await hold('person', await personOf('kept@x.example'))
    await rule('unconverted_leads', 90)
    clock.advance(100 * DAY_MS)
    await touch('back@x.example', 2)
    await apply()
    await hub.settle()
    const shown = async (id: string) => (await workspace.get(`/api/v1/leads/${id}`)).body.email
    expect(await shown(silent)).toBeNull()
    expect(await shown(back)).toBe('back@x.example')
    expect(await shown(kept)).toBe('kept@x.example')
    const report = (await lastRun()).kinds.find(
      ({ kind }: { kind: string }) => kind === 'unconverted_leads',
    )
    expect(report).toMatchObject({ removed: 1, held: 1 })
    expect(await workspace.auditActions()).toContain('person.erased')
  })

  test('entries of the audit log go after a year at the earliest, and what is left still proves itself', async () => {
    const files = auditFiles(hub.app.config)
    const link = async () => {
      const verify = () =>
        hub.app.store.read(workspace.id, (tx) => verifyAudit(tx, workspace.id, files))
      const unlinked = async () => {
        await linkAudit(hub.app.store, files, clock.now())
        return (await verify()).unlinked
      }
      await expect.poll(unlinked, { timeout: 20_000 }).toBe(0)
      return verify()
    }
    const act = (key: string) =>
      workspace.post('/api/v1/campaigns', { key, name: key, channel: 'email' })
    for (let i = 0; i < 5; i += 1) await act(`a${i}`)
    clock.advance(2 * MINUTE_MS)
    await link()
    expectProblem(await workspace.put(`${RULES}/audit`, { days: 364 }), 422, 'request.invalid')
    await rule('audit', 365)
    clock.advance(366 * DAY_MS)
    await act('late')
    await apply()
    clock.advance(2 * MINUTE_MS)
    const verdict = await link()
    expect(verdict).toMatchObject({ fault: null, trimmed: 5 })
    const actions = await workspace.auditActions()
    expect(actions).not.toContain('a0')
    expect(actions.filter((action) => action === 'createCampaign')).toHaveLength(1)
    expect(actions).toContain('audit.trimmed')
    // A removal that nothing tells of, or that is told of too early, is a fault.
    const { seq } = (await hub.app.store.system((tx) =>
      tx.find(sql<{ seq: number }>`
        select max(l.seq) as seq from audit_links l join audit_log a on a.id = l.audit_id
        where l.workspace_id = ${workspace.id} and a.action = 'createCampaign'`),
    ))!
    await hub.app.store.system(async (tx) => {
      await tx.execute(sql`
        delete from audit_log where id = (select audit_id from audit_links where workspace_id = ${workspace.id} and seq = ${seq})`)
      await tx.execute(sql`
        insert into audit_log (id, workspace_id, occurred_at, principal_id, principal_kind, action, detail)
        values (${`aud_${workspace.id}`}, ${workspace.id}, ${clock.now()}, 'system', 'system', 'audit.trimmed',
          ${JSON.stringify({ throughSeq: seq, entries: 1 })}::jsonb)`)
    })
    expect((await link()).fault).toMatchObject({ kind: 'entry_missing', seq })
  })
})

describe('a legal hold', () => {
  test('stands against an erasure and names itself; once lifted, the request can be approved', async () => {
    await touch('ada@x.example', 1)
    const personId = await personOf('ada@x.example')
    const officer = await workspace.withKey({ roles: ['privacy'] })
    const request = await workspace.post('/api/v1/privacy/requests', {
      kind: 'erasure',
      personId,
      note: 'By letter.',
    })
    const approve = () => officer.post(`/api/v1/privacy/requests/${request.body.id}/approve`, {})
    for (const [target, subject] of [
      ['person', personId],
      ['kind', 'touchpoints'],
    ] as const) {
      const holdId = await hold(target, subject)
      const refused = await approve()
      expectProblem(refused, 409, 'privacy.held')
      expect(refused.body.detail).toContain(holdId)
      expect((await officer.post(`${HOLDS}/${holdId}/lift`, { reason: 'Settled.' })).status).toBe(
        200,
      )
      expectProblem(
        await officer.post(`${HOLDS}/${holdId}/lift`, { reason: 'Again.' }),
        409,
        'hold.lifted',
      )
    }
    expect((await approve()).status).toBe(200)
  })

  test('is placed and lifted only by those who may, on what is there', async () => {
    expectProblem(
      await workspace.post(HOLDS, { target: 'person', subject: 'per_0', reason: 'x' }),
      422,
      'request.invalid',
    )
    const seller = await workspace.withKey({ roles: ['sales'] })
    expectProblem(
      await seller.post(HOLDS, { target: 'kind', subject: 'touchpoints', reason: 'x' }),
      403,
      'auth.forbidden',
    )
    expectProblem(await seller.put(`${RULES}/touchpoints`, { days: 1 }), 403, 'auth.forbidden')
  })
})
