import { afterAll, beforeAll, expect, test } from 'vitest'
import { HOUR_MS, ManualClock } from '#core/time.ts'
import { startHubspot, type HubspotSandbox } from '#sandbox/hubspot/index.ts'
import { expectProblem, useHub } from '#tests/hub.ts'

const clock = new ManualClock(new Date('2026-11-23T08:00:00Z'))
const hub = useHub({ clock })
let sandbox: HubspotSandbox
beforeAll(async () => {
  sandbox = await startHubspot({
    now: () => clock.now().getTime(),
    limits: { tenSecondly: null, daily: null, searchSecondly: null },
  })
})
afterAll(() => sandbox.stop())

test('a field is estimated, filled and told of, and one that only goes out is not taken in', async () => {
  const workspace = await hub.freshWorkspace()
  const made = await workspace.post('/api/v1/connections', {
    vendor: 'hubspot',
    name: 'CRM',
    settings: { baseUrl: sandbox.url, token: sandbox.token },
  })
  const connection = `/api/v1/connections/${made.body.id}`
  const fields = `${connection}/streams/contacts/fields`
  const run = async () => {
    clock.advance(HOUR_MS)
    expect((await workspace.post(`${connection}/runs`, {})).status).toBe(202)
    await hub.settle()
  }
  const off = await workspace.put(`${fields}/jobTitle`, { policy: 'off' })
  expect(off.status, off.text).toBe(200)
  const leads = Array.from({ length: 12 }, (_, n) => ({ email: `p${n}@example.com` }))
  await workspace.post('/api/v1/integrations/sales/leads', { leads })
  await hub.settle()
  await run()
  for (const { id } of [...sandbox.records('contacts')].slice(0, 7))
    sandbox.edit('contacts', id, { jobtitle: 'Countess' })
  await run()
  const path = `${fields}/jobTitle/backfill`
  const refused = await workspace.get(`${path}?direction=in`)
  expect(refused.body.refusal).toMatch(/not synced/)
  expectProblem(await workspace.post(path, { direction: 'in' }), 422, 'request.invalid')
  expect((await workspace.delete(`${fields}/jobTitle`)).status).toBe(200)

  const estimate = (await workspace.get(`${path}?direction=in`)).body
  expect(estimate).toMatchObject({
    records: 12,
    basis: 'counted',
    endpoints: [{ endpoint: 'POST /crm/objects/{version}/contacts/batch/read', calls: 1 }],
    calls: 1,
    days: 1,
    refusal: null,
  })
  expect(estimate.today.perDay).toBeGreaterThan(0)
  expectProblem(
    await workspace.post(`${fields}/score/backfill`, { direction: 'in' }),
    422,
    'request.invalid',
  )
  const started = await workspace.post(path, { direction: 'in' })
  expect(started.status, started.text).toBe(202)
  expect(started.body).toMatchObject({ state: 'running', total: 12, done: 0, calls: 0 })
  // Until it has worked, what was estimated is what is left.
  expect(started.body).toMatchObject({ callsLeft: estimate.calls, movedAt: started.body.askedAt })
  expect(started.body.today).toEqual({ calls: 0, perDay: estimate.today.perDay })
  expect(started.body.endsAt).not.toBeNull()
  expectProblem(await workspace.post(path, { direction: 'in' }), 409, 'sync.running')
  await hub.settle()
  const ended = (await workspace.get(`/api/v1/sync/backfills/${started.body.id}`)).body
  expect(ended).toMatchObject({ state: 'done', done: 12, calls: 1, callsLeft: 0, endsAt: null })
  expect(ended.today.calls).toBe(1)
  const ofRun = (await workspace.get(`/api/v1/sync/runs/${ended.runId}`)).body
  expect(ofRun).toMatchObject({
    cause: 'backfill',
    state: 'succeeded',
    counts: { contacts: { updated: 7, unchanged: 5 } },
  })
  const { body } = await workspace.get('/api/v1/leads?limit=50')
  expect(
    body.data.filter((lead: { jobTitle: string }) => lead.jobTitle === 'Countess'),
  ).toHaveLength(7)
  expectProblem(
    await workspace.post(`/api/v1/sync/backfills/${ended.id}/pause`, {}),
    409,
    'sync.running',
  )
  expect((await workspace.get('/api/v1/sync/backfills?state=done')).body.data).toHaveLength(1)
  expect(await workspace.auditActions()).toContain('startBackfill')
})
