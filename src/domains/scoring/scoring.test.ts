import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { DAY_MS } from '#core/time.ts'
import type { Store, Transaction } from '#store/store.ts'
import { expectProblem, ManualClock, useHub, type TestWorkspace } from '#tests/hub.ts'
import { plantOutcomes, signedIn } from '#tests/outcomes.ts'
import { probabilityOf } from './explain.rules.ts'
import { listPastLeads } from './lead-case.store.ts'
import { listPastOpportunities } from './opportunity-case.store.ts'
import { scoreAll } from './score-cases.ts'

const NOW = new Date('2026-11-02T09:00:00Z')
const clock = new ManualClock(NOW)
const hub = useHub({ clock })
const MODELS = '/api/v1/scoring/models'

async function trained(workspace: TestWorkspace, target: string): Promise<string> {
  const asked = await workspace.post(MODELS, { target, horizonDays: 60 })
  expect(asked.status).toBe(202)
  expect(asked.body.status).toBe('training')
  await hub.settle()
  return asked.body.id
}

test(
  'learns from its own outcomes, and a person alone puts it into use',
  { timeout: 300_000 },
  async () => {
    const workspace = await hub.freshWorkspace()
    await plantOutcomes(hub.app.store, workspace.id, 1000, NOW)
    const id = await trained(workspace, 'lead_qualified')
    const { body: model } = await workspace.get(`${MODELS}/${id}`)
    expect(model.status).toBe('candidate')
    const { backTest, leaks, importance, rows } = model.report
    expect(rows).toBeGreaterThan(500)
    expect(backTest.quality.auc).toBeGreaterThan(0.6)
    expect(backTest.lift).toHaveLength(10)
    expect(backTest.calibration).toHaveLength(10)
    expect(backTest.rules.rows).toBe(backTest.quality.rows)
    expect(backTest.besideRules.auc).toBeGreaterThan(backTest.rules.auc)
    expect(leaks).toEqual([])
    expect(importance.slice(0, 4).map(({ name }: { name: string }) => name)).toContain('channel')

    // A candidate changes nothing.
    const leadId = await anyLead(workspace, false)
    const lead = `/api/v1/leads/${leadId}/score`
    const before = (await workspace.get(lead)).body
    expect(before.learned).toEqual([])
    expectProblem(
      await workspace.post(`${MODELS}/${id}/promote`, {}),
      403,
      'scoring.person_required',
    )
    const viewer = await signedIn(hub, workspace, ['viewer'])
    expectProblem(await viewer.post(`${MODELS}/${id}/promote`), 403, 'auth.forbidden')
    expect((await workspace.get(`${MODELS}/${id}`)).body.status).toBe('candidate')

    const person = await signedIn(hub, workspace, ['marketing'])
    const promoted = await person.post(`${MODELS}/${id}/promote`)
    expect(promoted.body).toMatchObject({ status: 'promoted', promotedBy: person.userId })
    expect(await workspace.auditActions()).toContain('model.promoted')
    await hub.settle()
    const { body: scored } = await workspace.get(lead)
    expect(scored.rules).toEqual(before.rules) // the rule score stays as it is
    const [one] = scored.learned
    expect(one).toMatchObject({ target: 'lead_qualified', modelId: id })
    expect(one.low).toBeLessThanOrEqual(one.probability)
    expect(one.high).toBeGreaterThanOrEqual(one.probability)
    const sum = one.reasons.reduce(
      (total: number, reason: { points: number }) => total + reason.points,
      one.base,
    )
    expect(sum).toBe(one.points)
    expect(Math.abs(probabilityOf(one.points) - one.probability)).toBeLessThan(2e-4)
    const qualified = await anyLead(workspace, true)
    expect((await workspace.get(`/api/v1/leads/${qualified}/score`)).body.learned).toEqual([])

    // Back out of it, and into it again.
    const second = `${id}2` as const
    await hub.app.store.transaction(workspace.id, (tx) =>
      tx.execute(sql`
        insert into learned_models (id, workspace_id, target, horizon_days, status, requested_at, requested_by, trained_at, report, model)
        select ${second}, workspace_id, target, horizon_days, 'candidate', requested_at, requested_by, trained_at, report, model
        from learned_models where id = ${id}`),
    )
    await person.post(`${MODELS}/${second}/promote`)
    expect((await workspace.get(`${MODELS}/${id}`)).body.status).toBe('retired')
    expect((await person.post(`${MODELS}/${id}/promote`)).body.status).toBe('promoted')
    expectProblem(await person.post(`${MODELS}/${id}/promote`), 409, 'scoring.state_refused')
    expect((await person.post(`${MODELS}/${id}/retire`)).body.status).toBe('retired')
    expect((await workspace.get(lead)).body.learned).toEqual([])
    const { body: list } = await workspace.get(`${MODELS}?limit=1`)
    expect(list.data[0]).toMatchObject({ id: second, status: 'retired' })
    expect(
      (await workspace.get(`${MODELS}?limit=1&cursor=${list.nextCursor}`)).body.data[0].id,
    ).toBe(id)
  },
)

test('too few outcomes are refused, with what is missing', async () => {
  const workspace = await hub.freshWorkspace()
  await plantOutcomes(hub.app.store, workspace.id, 120, NOW)
  const answer = await workspace.post(MODELS, { target: 'lead_won' })
  expectProblem(answer, 422, 'scoring.too_little_data')
  expect(answer.body.detail).toMatch(
    /^Missing: \d+ more leads whose 90 days are over \(\d+ of 300\); \d+ more/,
  )
  expect((await workspace.get(MODELS)).body.data).toEqual([])
})

test('nothing after its moment is in a case: later touches, consents, submissions and stages change no feature', async () => {
  const workspace = await hub.freshWorkspace()
  await plantOutcomes(hub.app.store, workspace.id, 300, NOW)
  const read = (tx: Transaction) =>
    Promise.all([
      listPastLeads(tx, 'lead_qualified', { horizonDays: 60, now: NOW, limit: 1000 }),
      listPastOpportunities(tx, { now: NOW, limit: 1000 }),
    ])
  const run = <T>(work: (tx: Transaction) => Promise<T>) =>
    hub.app.store.transaction(workspace.id, work)
  const before = await run(read)
  expect(before[0].length).toBeGreaterThan(100)
  expect(before[1].length).toBeGreaterThan(30)
  const moments = JSON.stringify(
    before[0].map(({ id, personId, at }, i) => ({ i, id, personId, at })),
  )
  const later = sql`from jsonb_to_recordset(${moments}::jsonb) as r(i int, id text, "personId" text, at timestamptz)`
  const add = (seconds: number, mark: string) =>
    run(async (tx) => {
      await tx.execute(sql`
        insert into touchpoints (id, workspace_id, person_id, kind, channel, occurred_at, received_at, source)
        select 'tch_' || ${mark} || r.id, ${tx.workspaceId}, r."personId", 'demo_request', 'late',
          r.at + make_interval(secs => ${seconds}::int), ${NOW}::timestamptz, 'test' ${later}`)
      await tx.execute(sql`
        insert into consents (id, workspace_id, person_id, purpose, channel, status, source, occurred_at, created_at)
        select 'cns_' || ${mark} || r.id, ${tx.workspaceId}, r."personId", 'marketing', 'email', 'granted', 'test',
          r.at + make_interval(secs => ${seconds}::int), ${NOW}::timestamptz ${later}`)
      await tx.execute(sql`
        insert into lead_captures (id, workspace_id, lead_id, match, source, channel, captured_at, received_at)
        select 'cap_' || ${mark} || r.id, ${tx.workspaceId}, r.id, 'new', 'test', 'late',
          r.at + make_interval(secs => ${seconds}::int), ${NOW}::timestamptz ${later}`)
    })
  // Far enough behind every moment of the opportunities too.
  await add(1, 'after')
  const leadsAfter = await run((tx) =>
    listPastLeads(tx, 'lead_qualified', { horizonDays: 60, now: NOW, limit: 1000 }),
  )
  expect(leadsAfter).toEqual(before[0])
  await add(-1, 'before')
  const [changed] = await run(read)
  expect(
    changed.every(
      ({ features }, i) => features['touches'] === Number(before[0][i]!.features['touches']) + 1,
    ),
  ).toBe(true)
  expect(
    changed.every(
      ({ features }) => features['consent'] === 'granted' && features['captures'] === 1,
    ),
  ).toBe(true)

  const deals = before[1]
  const dealMoments = JSON.stringify(deals.map(({ id, at }) => ({ id, at })))
  const again = await run((tx) => listPastOpportunities(tx, { now: NOW, limit: 1000 }))
  await run(async (tx) => {
    await tx.execute(sql`
      insert into pipelines (id, workspace_id, label, updated_at) values (${`pip_${tx.workspaceId}`}, ${tx.workspaceId}, 'P', ${NOW}::timestamptz)`)
    await tx.execute(sql`
      insert into stages (id, workspace_id, pipeline_id, label, position, probability, outcome)
      values (${`stg_${tx.workspaceId}`}, ${tx.workspaceId}, ${`pip_${tx.workspaceId}`}, 'S', 1, 0.5, 'open')`)
    await tx.execute(sql`
      insert into opportunity_stages (workspace_id, opportunity_id, entered_at, stage_id)
      select ${tx.workspaceId}, r.id, r.at + interval '1 second', ${`stg_${tx.workspaceId}`}
      from jsonb_to_recordset(${dealMoments}::jsonb) as r(id text, at timestamptz)`)
  })
  expect(await run((tx) => listPastOpportunities(tx, { now: NOW, limit: 1000 }))).toEqual(again)
})

test(
  'scoring takes two statements a batch, whatever is in it, and takes away what is settled',
  { timeout: 300_000 },
  async () => {
    const workspace = await hub.freshWorkspace()
    await plantOutcomes(hub.app.store, workspace.id, 1500, NOW)
    const id = await trained(workspace, 'lead_qualified')
    await (await signedIn(hub, workspace, ['admin'])).post(`${MODELS}/${id}/promote`)
    await hub.settle()
    let statements = 0
    const counting = <T extends object>(target: T): T =>
      new Proxy(target, {
        get(own, name: keyof T & string) {
          const value = own[name]
          if (typeof value !== 'function') return value
          if (['query', 'find', 'execute', 'stream'].includes(name)) statements += 1
          return value.bind(own) as unknown
        },
      })
    const { store } = hub.app
    const counted: Store = Object.assign(Object.create(store) as Store, {
      transaction: <T>(space: string, work: (tx: Transaction) => Promise<T>) =>
        store.transaction(space, (tx) => work(counting(tx))),
      read: <T>(space: string, work: (tx: Transaction) => Promise<T>) =>
        store.read(space, (tx) => work(counting(tx))),
    })
    clock.advance(1000)
    const input = { workspaceId: workspace.id, target: 'lead_qualified' as const, changed: false }
    const signal = AbortSignal.timeout(280_000)
    const scored = await scoreAll(input, { store: counted, clock, signal })
    expect(scored).toBeGreaterThan(500)
    const batches = Math.floor(scored / 500) + 1
    expect(statements).toBeLessThanOrEqual(2 * batches + 3)
    // Nothing changed, so nothing is to be done; a lead that changed is.
    expect(await scoreAll({ ...input, changed: true }, { store, clock, signal })).toBe(0)
    const open = await anyLead(workspace, false)
    clock.advance(1000)
    await store.transaction(workspace.id, (tx) =>
      tx.execute(sql`update leads set updated_at = ${clock.now()}::timestamptz where id = ${open}`),
    )
    clock.advance(1000)
    expect(await scoreAll({ ...input, changed: true }, { store, clock, signal })).toBe(1)
    const { body: page } = await workspace.get(
      '/api/v1/scoring/lead-probabilities?target=lead_qualified&limit=300',
    )
    const probabilities = page.data.map((row: { probability: number }) => row.probability)
    expect(probabilities).toEqual(probabilities.toSorted((a: number, b: number) => b - a))
    const next = await workspace.get(
      `/api/v1/scoring/lead-probabilities?target=lead_qualified&limit=300&cursor=${page.nextCursor}`,
    )
    expect(next.body.data[0].probability).toBeLessThanOrEqual(probabilities.at(-1))
    // The lead gets a deal: a full round takes its probability away.
    await store.transaction(workspace.id, async (tx) => {
      await tx.execute(sql`
      insert into opportunities (id, workspace_id, name, currency, status, opened_at, updated_at)
      values (${`opp_x${open.slice(5)}`}, ${tx.workspaceId}, ''::bytea, 'EUR', 'open', ${NOW}::timestamptz, ${NOW}::timestamptz)`)
      await tx.execute(sql`
      insert into opportunity_people (workspace_id, opportunity_id, person_id)
      select ${tx.workspaceId}, ${`opp_x${open.slice(5)}`}, person_id from leads where id = ${open}`)
    })
    clock.advance(DAY_MS)
    expect(await scoreAll(input, { store, clock, signal })).toBe(scored - 1)
  },
)

test(
  'win probabilities and the forecast: months add up, intervals hold the expected, earlier forecasts are tested',
  { timeout: 300_000 },
  async () => {
    clock.set(NOW)
    const workspace = await hub.freshWorkspace()
    await plantOutcomes(hub.app.store, workspace.id, 1500, NOW)
    const path = '/api/v1/scoring/pipeline-forecast?months=12'
    const { body: before } = await workspace.get(path)
    expect(before.method).toBe('crm_stage')
    const id = await trained(workspace, 'opportunity_won')
    const person = await signedIn(hub, workspace, ['sales'])
    expect((await person.post(`${MODELS}/${id}/promote`)).status).toBe(200)
    await hub.settle()
    const deals = await hub.app.store.read(workspace.id, (tx) =>
      tx.query(sql<{ id: string; amountMinor: number }>`
        select id, amount_minor from opportunities where workspace_id = ${tx.workspaceId} and status = 'open' limit 1000`),
    )
    expect(deals.length).toBeLessThan(500)
    const { body: listed } = await workspace.get(
      '/api/v1/scoring/opportunity-probabilities?limit=500',
    )
    expect(listed.data).toHaveLength(deals.length)
    const { body: one } = await workspace.get(
      `/api/v1/opportunities/${deals[0]!.id}/win-probability`,
    )
    const { learned } = one
    expect(
      learned.reasons.reduce((sum: number, r: { points: number }) => sum + r.points, learned.base),
    ).toBe(learned.points)
    const { body: forecast } = await workspace.get(path)
    expect(forecast).toMatchObject({ method: 'learned', modelId: id, openDeals: deals.length })
    const expected = forecast.cells.reduce(
      (sum: number, cell: { expectedMinor: number }) => sum + cell.expectedMinor,
      0,
    )
    const byId = new Map(deals.map(({ id: dealId, amountMinor }) => [dealId, amountMinor]))
    const total = listed.data.reduce(
      (sum: number, row: { id: string; probability: number }) =>
        sum + byId.get(row.id)! * row.probability,
      0,
    )
    // A year is enough for nearly all of it.
    expect(expected).toBeGreaterThan(0.98 * total)
    expect(expected).toBeLessThanOrEqual(total + forecast.cells.length)
    for (const cell of forecast.cells) expect(cell.lowMinor).toBeLessThanOrEqual(cell.highMinor)
    expect(forecast.tests.length).toBeGreaterThanOrEqual(2)
    for (const { expectedMinor, actualMinor } of forecast.tests)
      expect(Math.abs(expectedMinor / actualMinor - 1)).toBeLessThan(0.5)
  },
)

async function anyLead(workspace: TestWorkspace, hasDeal: boolean): Promise<string> {
  const row = await hub.app.store.read(workspace.id, (tx) =>
    tx.find(sql<{ id: string }>`
      select l.id from leads l where l.workspace_id = ${tx.workspaceId}
        and ${hasDeal} = exists (select from opportunity_people op where op.workspace_id = l.workspace_id and op.person_id = l.person_id)
      order by l.id limit 1`),
  )
  return row!.id
}
