import { expect, test } from 'vitest'
import { DAY_MS } from '#core/time.ts'
import { expectProblem, ManualClock, useHub } from '#tests/hub.ts'
import { ada, eventsOf, LEADS_PATH } from '#tests/leads.ts'

const clock = new ManualClock(new Date('2026-11-02T09:00:00Z'))
const hub = useHub({ clock })

test('each point is explained, and the points sum to the score', async () => {
  const workspace = await hub.freshWorkspace()
  const { body } = await workspace.post(LEADS_PATH, ada)
  const { body: lead } = await workspace.get(`/api/v1/leads/${body.id}`)
  const sum = (part?: string) =>
    lead.scoring.contributions
      .filter((one: { part: string }) => part === undefined || one.part === part)
      .reduce((total: number, one: { points: number }) => total + one.points, 0)
  expect([sum('fit'), sum('engagement'), sum()]).toEqual([
    lead.fitScore,
    lead.engagementScore,
    lead.score,
  ])
  expect(lead.score).toBe(body.score.total)
  expect(JSON.stringify(lead.scoring.contributions)).not.toContain('Head of Marketing')
})

test('a lead qualifies once, however its score falls and rises', async () => {
  const workspace = await hub.freshWorkspace()
  const { body } = await workspace.post(LEADS_PATH, { ...ada, event: 'demo_request' })
  expect(body.score.mql).toBe(true)
  const { mqlAt } = (await workspace.get(`/api/v1/leads/${body.id}`)).body
  clock.advance(300 * DAY_MS)
  await hub.app.jobs.tick()
  await hub.settle()
  const faded = (await workspace.get(`/api/v1/leads/${body.id}`)).body
  expect(faded.score).toBeLessThan(body.score.total)
  await workspace.post(LEADS_PATH, { ...ada, event: 'demo_request' })
  await hub.settle()
  const again = (await workspace.get(`/api/v1/leads/${body.id}`)).body
  expect(again.score).toBe(body.score.total)
  expect(again.mqlAt).toBe(mqlAt)
  expect(
    (await eventsOf(hub, workspace, body.id)).filter((event) => event === 'lead.qualified'),
  ).toHaveLength(1)
})

test('an override outlives scoring until its end, and the audit log shows both values', async () => {
  const workspace = await hub.freshWorkspace()
  const { body } = await workspace.post(LEADS_PATH, { email: 'f@gmail.com' })
  const path = `/api/v1/leads/${body.id}/score-override`
  const held = await workspace.put(path, { score: 90, reason: 'Met at the fair', days: 7 })
  expect(held.body).toMatchObject({
    score: 90,
    scoring: { computed: body.score.total, override: { score: 90 } },
  })
  expect(held.body.mqlAt).not.toBeNull()
  await workspace.post(LEADS_PATH, { email: 'f@gmail.com', event: 'demo_request' })
  const rescored = (await workspace.get(`/api/v1/leads/${body.id}`)).body
  expect(rescored.score).toBe(90)
  expect(rescored.scoring.computed).toBeGreaterThan(body.score.total)
  const { body: audit } = await workspace.get(`/api/v1/audit?limit=100`)
  const entry = audit.data.find((one: { action: string }) => one.action === 'lead.score_overridden')
  expect(entry.detail).toMatchObject({ computed: body.score.total, override: 90 })
  clock.advance(8 * DAY_MS)
  await hub.app.jobs.tick()
  await hub.settle()
  const after = (await workspace.get(`/api/v1/leads/${body.id}`)).body
  expect(after.scoring.override).toBeNull()
  expect(after.score).toBe(after.scoring.computed)
})

test('publishing a model scores all leads anew; a stale If-Match is refused', async () => {
  const workspace = await hub.freshWorkspace()
  const { body } = await workspace.post(LEADS_PATH, ada)
  const { body: held } = await workspace.get('/api/v1/scoring-model')
  expect(held.version).toBe(0)
  const model = { ...held.model, fit: [], mqlThreshold: 100 }
  expect((await workspace.put('/api/v1/scoring-model', { model })).body.version).toBe(1)
  expectProblem(
    await workspace.put('/api/v1/scoring-model', { model }, { 'if-match': '"0"' }),
    412,
    'resource.version_mismatch',
  )
  await hub.settle()
  const { body: lead } = await workspace.get(`/api/v1/leads/${body.id}`)
  expect(lead).toMatchObject({ fitScore: 0, scoring: { modelVersion: 1 } })
})
