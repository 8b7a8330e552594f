import { expect, test } from 'vitest'
import { expectProblem, ManualClock, useHub } from '#tests/hub.ts'
import { HOUR_MS } from '#core/time.ts'
import { ada, addOwner, fallbackTo, LEADS_PATH } from '#tests/leads.ts'

const clock = new ManualClock(new Date('2026-11-02T09:00:00Z'))
const hub = useHub({ clock })

test('lists filter, page and export the same rows', async () => {
  const workspace = await hub.freshWorkspace()
  await workspace.post(LEADS_PATH, {
    leads: Array.from({ length: 5 }, (_, i) => ({
      ...ada,
      email: `l${i}@x.example`,
      channel: i < 2 ? 'webinar' : 'email',
    })),
  })
  const first = await workspace.get('/api/v1/leads?limit=3')
  const second = await workspace.get(`/api/v1/leads?limit=3&cursor=${first.body.nextCursor}`)
  const emails = [...first.body.data, ...second.body.data].map(
    (lead: { email: string }) => lead.email,
  )
  expect(emails).toEqual([4, 3, 2, 1, 0].map((i) => `l${i}@x.example`))
  expect(second.body.nextCursor).toBeNull()
  const ids = async (query: string) =>
    (await workspace.get(`/api/v1/leads?${query}`)).body.data.length
  expect(await ids('channel=webinar')).toBe(2)
  expect(await ids('q=L3@X.example')).toBe(1)
  expect(await ids('minScore=100')).toBe(0)
  expect(await ids('status=working')).toBe(0)
  expect(await ids('ownerId=none&isMql=true')).toBe(5)
  const csv = await workspace.get('/api/v1/leads?channel=webinar', { accept: 'text/csv' })
  expect(csv.text.trim().split('\r\n')).toHaveLength(3)
})

test('the list tells whose follow-up is late, why a lead has its score, and whose lead it is', async () => {
  const workspace = await hub.freshWorkspace()
  const ownerId = await addOwner(workspace)
  await workspace.put('/api/v1/routing', fallbackTo([ownerId], { slaMinutes: 60 }))
  const lead = (await workspace.post(LEADS_PATH, ada)).body
  const later = (await workspace.post(LEADS_PATH, { email: 'quiet@x.example' })).body
  const list = async (query: string) => (await workspace.get(`/api/v1/leads?${query}`)).body.data
  const ids = async (query: string) => (await list(query)).map(({ id }: { id: string }) => id)
  expect(await ids('isOverdue=true')).toEqual([])
  clock.advance(2 * HOUR_MS)
  expect(await ids('isOverdue=true')).toEqual([lead.id])
  expect(await ids('isOverdue=false')).toEqual([later.id])
  expect(await ids(`personId=${later.personId}`)).toEqual([later.id])
  const [row] = await list('isOverdue=true')
  expect(row.followUpDueAt).toBe(lead.task.dueAt)
  const { scoring } = (await workspace.get(`/api/v1/leads/${lead.id}`)).body
  const sizes = scoring.contributions
    .filter(({ part }: { part: string }) => part !== 'total')
    .map(({ points }: { points: number }) => Math.abs(points))
    .toSorted((a: number, b: number) => b - a)
  expect(row.reasons.map(({ points }: { points: number }) => Math.abs(points))).toEqual(
    sizes.slice(0, 3),
  )
  expect(row.reasons.length).toBeGreaterThan(1)
  const reject = { verdict: 'reject', reason: 'no_budget' }
  await workspace.post(`/api/v1/leads/${later.id}/disposition`, reject)
  expect(await ids('isOpen=true')).toEqual([lead.id])
  expect(await ids('isOpen=false')).toEqual([later.id])
  const [quiet] = await list('isOverdue=false')
  expect(quiet.followUpDueAt).toBeNull()
})

test('facts change under If-Match, and the score follows', async () => {
  const workspace = await hub.freshWorkspace()
  const { body } = await workspace.post(LEADS_PATH, ada)
  const read = await workspace.get(`/api/v1/leads/${body.id}`)
  const etag = read.headers.get('etag')!
  const changed = await workspace.patch(
    `/api/v1/leads/${body.id}`,
    { employees: 5, country: null },
    { 'if-match': etag },
  )
  expect(changed.body).toMatchObject({ employees: 5, country: null, version: 2 })
  expect(changed.body.fitScore).toBeLessThan(read.body.fitScore)
  expectProblem(
    await workspace.patch(`/api/v1/leads/${body.id}`, { employees: 6 }, { 'if-match': etag }),
    412,
    'resource.version_mismatch',
  )
})

test('the smallest change that would flip the decision, made, flips it', async () => {
  const workspace = await hub.freshWorkspace()
  const { body } = await workspace.post(LEADS_PATH, { ...ada, employees: 3 })
  const path = `/api/v1/leads/${body.id}`
  const { body: lead } = await workspace.get(path)
  const rules = {
    fit: [
      {
        id: 'size',
        label: 'Size',
        points: 60,
        when: { attribute: 'employees', is: 'between', min: 50, max: 1000 },
      },
    ],
    engagement: [],
    halfLifeDays: null,
    fitWeightPercent: 100,
    mqlThreshold: 50,
  }
  await workspace.put('/api/v1/scoring-model', { model: rules })
  const { body: flip } = await workspace.get(`${path}/score-flip`)
  expect(flip).toMatchObject({ isQualified: false, total: 0, threshold: 50, modelVersion: 1 })
  expect(flip.nearest).toMatchObject({ total: 60, changes: [{ ruleId: 'size' }] })
  const { attributes } = flip.nearest.changes[0].change
  expect(attributes).toEqual({ employees: 50 })
  const changed = await workspace.patch(path, attributes)
  expect(changed.body.scoring.computed).toBe(flip.nearest.total)
  expect((await workspace.get(`${path}/score-flip`)).body.isQualified).toBe(true)
  expect(lead.employees).toBe(3)
  expectProblem(
    await workspace.get('/api/v1/leads/lead_01a216a2863f7000937b5941f57d0000/score-flip'),
    404,
    'resource.not_found',
  )
})

test('leads of people who turn out to be one become one, with all receipts', async () => {
  const workspace = await hub.freshWorkspace()
  const { body: anonymous } = await workspace.post(LEADS_PATH, {
    anonymousId: 'browser-9',
    event: 'demo_request',
    company: 'Acme',
  })
  const { body: known } = await workspace.post(LEADS_PATH, { email: 'm@x.example' })
  await workspace.post(LEADS_PATH, {
    email: 'm@x.example',
    anonymousId: 'browser-9',
    event: 'webinar_registration',
  })
  await hub.settle()
  expectProblem(await workspace.get(`/api/v1/leads/${anonymous.id}`), 410, 'resource.gone')
  const { body: lead } = await workspace.get(`/api/v1/leads/${known.id}`)
  expect(lead.captures).toHaveLength(3)
  expect(lead.company).toBe('Acme')
  expect(lead.engagementScore).toBeGreaterThan(anonymous.score.engagement)
  expect((await workspace.get('/api/v1/leads')).body.data).toHaveLength(1)
})
