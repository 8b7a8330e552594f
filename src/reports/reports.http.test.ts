import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { newId } from '#core/id.ts'
import { ManualClock } from '#core/time.ts'
import { expectProblem, useHub, type TestWorkspace } from '#tests/hub.ts'

const clock = new ManualClock(new Date('2026-11-23T12:00:00Z'))
const hub = useHub({ clock })

/** A won deal with one touch of one campaign; the rows as the owning modules write them. */
async function wonDeal(workspace: TestWorkspace, amountMinor = 12_345) {
  const [campaign, person, touch, deal] = [newId('cmp'), newId('per'), newId('tch'), newId('opp')]
  const now = clock.now()
  await hub.app.store.transaction(workspace.id, async (tx) => {
    await tx.execute(sql`
      insert into channels (workspace_id, key, label, created_at) values (${tx.workspaceId}, 'email', 'Email', ${now})
      on conflict do nothing`)
    await tx.execute(sql`
      insert into campaigns (id, workspace_id, key, name, channel, status, created_at, updated_at)
      values (${campaign}, ${tx.workspaceId}, ${campaign}, '=Spring', 'email', 'active', ${now}, ${now})`)
    await tx.execute(sql`
      insert into people (id, workspace_id, identified, created_at, updated_at)
      values (${person}, ${tx.workspaceId}, true, ${now}, ${now})`)
    await tx.execute(sql`
      insert into touchpoints (id, workspace_id, person_id, kind, channel, campaign_id, occurred_at, received_at, source)
      values (${touch}, ${tx.workspaceId}, ${person}, 'email_click', 'email', ${campaign}, '2026-11-01', ${now}, 'api')`)
    await tx.execute(sql`
      insert into opportunities (id, workspace_id, name, amount_minor, currency, status, opened_at, closed_at, updated_at)
      values (${deal}, ${tx.workspaceId}, ${tx.sealer.seal('Deal', `opportunities.name:${deal}`)}, ${amountMinor}, 'EUR',
        'won', '2026-10-01', '2026-11-10', ${now})`)
    await tx.execute(sql`
      insert into opportunity_people (workspace_id, opportunity_id, person_id)
      values (${tx.workspaceId}, ${deal}, ${person})`)
  })
  return { campaign, person, deal }
}

test('a recompute is accepted, done in the background, and the figures open to their lines', async () => {
  const workspace = await hub.freshWorkspace()
  const { campaign, deal } = await wonDeal(workspace)
  const accepted = await workspace.post('/api/v1/attribution/recompute', {})
  expect([accepted.status, accepted.body]).toEqual([202, { deals: 1 }])
  const path = `/api/v1/integrations/sales/attribution/${campaign}`
  expect((await workspace.get(path)).body.freshness).toMatchObject({
    dirtyDeals: 1,
    computedAt: null,
  })
  await hub.settle()
  const report = await workspace.get(`${path}?model=first&window=all`)
  expect(report.status).toBe(200)
  expect(report.body.totals).toMatchObject({ creditedMinor: 12_345, n: 1 })
  expect(report.body.freshness).toMatchObject({
    dirtyDeals: 0,
    computedAt: '2026-11-23T12:00:00.000Z',
  })
  const lines = await workspace.get(report.body.links.credits)
  expect(lines.body).toMatchObject({
    data: [{ opportunityId: deal, creditedMinor: 12_345 }],
    total: { creditedMinor: 12_345 },
  })
  const uncredited = await workspace.get(report.body.links.uncredited)
  expect(uncredited.body.total).toEqual({ deals: 0, amountMinor: 0 })
  expect((await workspace.get(report.body.links.restatements)).body.data).toEqual([])
  expect((await workspace.get(`/api/v1/attribution/receipts/${deal}`)).body.sums.linear).toBe(
    12_345,
  )
})

test('a touch that comes in over the API moves the credit of the deals of its person', async () => {
  const workspace = await hub.freshWorkspace()
  const { campaign, person } = await wonDeal(workspace, 100)
  await workspace.post('/api/v1/attribution/recompute', {})
  await hub.settle()
  await hub.app.store.transaction(workspace.id, async (tx) => {
    const touch = newId('tch')
    await tx.execute(sql`
      insert into touchpoints (id, workspace_id, person_id, kind, channel, occurred_at, received_at, source)
      values (${touch}, ${tx.workspaceId}, ${person}, 'page_view', 'email', '2026-11-05', ${clock.now()}, 'api')`)
    await tx.execute(sql`
      insert into outbox (workspace_id, event, subject_id, data, occurred_at)
      values (${tx.workspaceId}, 'touchpoint.recorded', ${touch}, '{}', ${clock.now()})`)
  })
  await hub.settle()
  const report = await workspace.get(`/api/v1/integrations/sales/attribution/${campaign}`)
  expect(report.body.totals.creditedMinor).toBe(50)
})

test('campaigns are exported as the screen shows them, formula-safe', async () => {
  const workspace = await hub.freshWorkspace()
  await wonDeal(workspace)
  await workspace.post('/api/v1/attribution/recompute', {})
  await hub.settle()
  const { text, headers } = await workspace.get('/api/v1/attribution/campaigns', {
    accept: 'text/csv',
  })
  expect(headers.get('content-type')).toContain('text/csv')
  expect(text.split('\r\n')[1]).toContain("'=Spring")
  expect(text.split('\r\n')[1]).toContain('12345')
})

test('wrong questions are refused with what to do', async () => {
  const workspace = await hub.freshWorkspace()
  const { campaign } = await wonDeal(workspace)
  const path = `/api/v1/integrations/sales/attribution/${campaign}`
  expectProblem(await workspace.get(`${path}?window=7`), 422, 'attribution.window_unknown')
  expectProblem(await workspace.get(`${path}?window=0`), 422, 'request.invalid')
  expectProblem(await workspace.get(`${path}?model=magic`), 422, 'attribution.model_unknown')
  expectProblem(await workspace.get(`${path}?as_of=2026-01-01`), 422, 'request.invalid')
  expectProblem(
    await workspace.get(`${path}?from=2026-02-01&to=2026-01-01`),
    422,
    'request.invalid',
  )
  expectProblem(
    await workspace.get('/api/v1/integrations/sales/attribution/cmp_none'),
    404,
    'resource.not_found',
  )
  expectProblem(
    await workspace.get('/api/v1/attribution/credits?cursor=WzFd'),
    422,
    'request.invalid',
  )
  const reader = await workspace.withKey({ scopes: ['attribution:read'] })
  expectProblem(await reader.post('/api/v1/attribution/recompute', {}), 403, 'auth.forbidden')
  expectProblem(await reader.get('/api/v1/integrations/sales/performance'), 403, 'auth.forbidden')
})

test('performance and overview answer over HTTP', async () => {
  const workspace = await hub.freshWorkspace()
  await wonDeal(workspace, 700)
  const performance = await workspace.get('/api/v1/integrations/sales/performance?compare=previous')
  expect([performance.status, performance.body.current.closed.won.amountMinor]).toEqual([200, 700])
  const overview = await workspace.get('/api/v1/overview')
  expect([overview.status, overview.body.won.amountMinor.current]).toEqual([200, 700])
})
