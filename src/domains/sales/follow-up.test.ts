import { expect, test } from 'vitest'
import { MINUTE_MS } from '#core/time.ts'
import { expectProblem, ManualClock, useHub } from '#tests/hub.ts'
import { addOwner, ada, eventsOf, fallbackTo, LEADS_PATH } from '#tests/leads.ts'

const clock = new ManualClock(new Date('2026-11-02T09:00:00Z'))
const hub = useHub({ clock })

test('a lead goes by territory, says why, and waits visibly where nobody is', async () => {
  const workspace = await hub.freshWorkspace()
  const [dach, rest] = [await addOwner(workspace), await addOwner(workspace, { name: 'Linus' })]
  const rule = {
    id: 'dach',
    name: 'DACH',
    when: { countries: ['DE', 'AT', 'CH'] },
    ownerIds: [dach],
    strategy: 'single',
  }
  const published = await workspace.put('/api/v1/routing', {
    ...fallbackTo([rest]),
    rules: [rule],
  })
  expect(published.body.version).toBe(1)
  const inside = await workspace.post(LEADS_PATH, { email: 'g@x.example', country: 'Österreich' })
  expect(inside.body.owner).toEqual({
    id: dach,
    why: 'Rule “DACH”: country AT; the owner is its first choice.',
  })
  const outside = await workspace.post(LEADS_PATH, { email: 'h@x.example', country: 'FR' })
  expect(outside.body.owner.id).toBe(rest)
  const wrong = await workspace.put('/api/v1/routing', {
    ...fallbackTo([]),
    rules: [{ ...rule, ownerIds: ['own_nobody'] }],
  })
  expectProblem(wrong, 422, 'routing.rule_invalid')
})

test('requests that come at once are dealt out within one lead of each other', async () => {
  const workspace = await hub.freshWorkspace()
  const owners = [await addOwner(workspace), await addOwner(workspace), await addOwner(workspace)]
  await workspace.put('/api/v1/routing', fallbackTo(owners))
  const second = await workspace.withKey({ roles: ['admin'] })
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, i) =>
      (i % 2 ? workspace : second).post(LEADS_PATH, { email: `q${i}@x.example` }),
    ),
  )
  const counts = owners.map((id) => answers.filter(({ body }) => body.owner?.id === id).length)
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(40)
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
})

test('a lead that waits is routed once an owner is there', async () => {
  const workspace = await hub.freshWorkspace()
  const { body } = await workspace.post(LEADS_PATH, ada)
  expect(body.owner).toBeNull()
  expect(await eventsOf(hub, workspace, body.id)).toContain('lead.unrouted')
  const owner = await addOwner(workspace)
  await workspace.put('/api/v1/routing', fallbackTo([owner]))
  await hub.settle()
  const { body: lead } = await workspace.get(`/api/v1/leads/${body.id}`)
  expect(lead.ownerId).toBe(owner)
  expect(lead.task.state).toBe('open')
})

test('an overdue follow-up escalates exactly once, and a closed one never', async () => {
  const workspace = await hub.freshWorkspace()
  await workspace.put(
    '/api/v1/routing',
    fallbackTo([await addOwner(workspace)], { slaMinutes: 60, followUp: 'always' }),
  )
  const { body: late } = await workspace.post(LEADS_PATH, ada)
  const { body: done } = await workspace.post(LEADS_PATH, { email: 'i@x.example' })
  expect(late.task.dueAt).toBe(new Date(clock.now().getTime() + 60 * MINUTE_MS).toISOString())
  await workspace.patch(`/api/v1/tasks/${done.task.id}`, { state: 'done' })
  for (const minutes of [59, 2, 5, 60]) {
    clock.advance(minutes * MINUTE_MS)
    await hub.app.jobs.tick()
  }
  const count = async (id: string) =>
    (await eventsOf(hub, workspace, id)).filter((event) => event === 'task.escalated').length
  expect([await count(late.task.id), await count(done.task.id)]).toEqual([1, 0])
  expect(await workspace.auditActions()).toContain('task.escalated')
  const { body: tasks } = await workspace.get('/api/v1/tasks?state=open&isOverdue=true')
  expect(tasks.data.map((task: { id: string }) => task.id)).toEqual([late.task.id])
})

test('accepting or rejecting with a reason moves the lead and stops its follow-up', async () => {
  const workspace = await hub.freshWorkspace()
  await workspace.put(
    '/api/v1/routing',
    fallbackTo([await addOwner(workspace)], { followUp: 'always' }),
  )
  const { body } = await workspace.post(LEADS_PATH, ada)
  const path = `/api/v1/leads/${body.id}/disposition`
  expectProblem(
    await workspace.post(path, { verdict: 'accept', reason: 'spam' }),
    422,
    'request.invalid',
  )
  const accepted = await workspace.post(path, { verdict: 'accept', reason: 'good_fit' })
  expect(accepted.body).toMatchObject({
    status: 'working',
    disposition: 'accept:good_fit',
    task: { state: 'done' },
  })
  const rejected = await workspace.post(path, { verdict: 'reject', reason: 'no_budget' })
  expect(rejected.body.status).toBe('disqualified')
  expect(await eventsOf(hub, workspace, body.id)).toEqual(
    expect.arrayContaining(['lead.accepted', 'lead.rejected']),
  )
  expectProblem(
    await workspace.patch(`/api/v1/leads/${body.id}`, { status: 'qualified' }),
    409,
    'lead.transition_refused',
  )
})

test('a simulation says who would move and changes nothing', async () => {
  const workspace = await hub.freshWorkspace()
  const [a, b] = [await addOwner(workspace), await addOwner(workspace)]
  await workspace.put('/api/v1/routing', fallbackTo([a]))
  await workspace.post(LEADS_PATH, {
    leads: [
      { email: 'j@x.example', country: 'DE' },
      { email: 'k@x.example', country: 'FR' },
    ],
  })
  const rule = {
    id: 'de',
    name: 'DE',
    when: { countries: ['DE'] },
    ownerIds: [b],
    strategy: 'single',
  }
  const { body } = await workspace.post('/api/v1/routing/simulate', { rules: [rule] })
  expect(body).toMatchObject({
    leads: 2,
    moving: 1,
    unassigned: 0,
    moves: [{ fromOwnerId: a, toOwnerId: b, ruleId: 'de' }],
  })
  const { body: leads } = await workspace.get('/api/v1/leads')
  expect(leads.data.map((lead: { ownerId: string }) => lead.ownerId)).toEqual([a, a])
})

test('a lead is handed to an owner, task and all, or the rules choose again', async () => {
  const workspace = await hub.freshWorkspace()
  const [a, b] = [await addOwner(workspace), await addOwner(workspace)]
  await workspace.put('/api/v1/routing', fallbackTo([a], { followUp: 'always' }))
  const { body } = await workspace.post(LEADS_PATH, ada)
  const moved = await workspace.post(`/api/v1/leads/${body.id}/reroute`, { ownerId: b })
  expect(moved.body.ownerId).toBe(b)
  const { body: tasks } = await workspace.get(`/api/v1/tasks?leadId=${body.id}`)
  expect(tasks.data).toMatchObject([{ ownerId: b, state: 'open' }])
  expect((await workspace.post(`/api/v1/leads/${body.id}/reroute`, {})).body.ownerId).toBe(a)
  await workspace.patch(`/api/v1/owners/${a}`, { active: false })
  expectProblem(
    await workspace.post(`/api/v1/leads/${body.id}/reroute`, {}),
    409,
    'routing.no_owner',
  )
  expect((await workspace.get(`/api/v1/leads/${body.id}`)).body.ownerId).toBe(a)
})

test('many leads are accepted or rejected by one request, each with its own outcome, entry and events', async () => {
  const workspace = await hub.freshWorkspace()
  const ownerId = await addOwner(workspace)
  await workspace.put('/api/v1/routing', fallbackTo([ownerId], { followUp: 'always' }))
  const leads = Array.from({ length: 4 }, (_, i) => ({ ...ada, email: `many${i}@x.example` }))
  const made = await workspace.post(LEADS_PATH, { leads })
  const ids = made.body.outcomes.map(({ data }: { data: { id: string } }) => data.id) as string[]
  await workspace.patch(`/api/v1/leads/${ids[3]}`, { status: 'disqualified' })
  const unknown = ids[0]!.replace(/.{4}$/, 'zzzz')
  const path = '/api/v1/lead-dispositions'
  const decide = (leadIds: readonly string[], verdict: string, reason: string) =>
    workspace.post(path, {
      dispositions: leadIds.map((leadId) => ({ leadId, verdict, reason })),
    })
  const answer = await decide([ids[0]!, unknown, ids[1]!, ids[0]!], 'reject', 'spam')
  expect(answer.status, answer.text).toBe(207)
  expect(answer.body.summary).toEqual({ items: 4, done: 2, refused: 2 })
  const codes = answer.body.outcomes.map(
    (one: { data?: { status: string }; problem?: { code: string } }) =>
      one.data?.status ?? one.problem?.code,
  )
  expect(codes).toEqual(['disqualified', 'resource.not_found', 'disqualified', 'request.invalid'])
  for (const id of ids.slice(0, 2)) {
    const { body } = await workspace.get(`/api/v1/leads/${id}`)
    expect(body).toMatchObject({ status: 'disqualified', disposition: 'reject:spam' })
    expect(body.task?.state ?? 'done').not.toBe('open')
    expect(await eventsOf(hub, workspace, id)).toContain('lead.rejected')
  }
  expect((await workspace.get(`/api/v1/leads/${ids[2]}`)).body.status).toBe('new')
  const entries = (await workspace.get(`/api/v1/audit?limit=50`)).body.data as {
    action: string
    subjectId: string
    detail: object
  }[]
  const own = entries.filter(({ action }) => action === 'lead.disposed')
  expect(own.map(({ subjectId }) => subjectId).toSorted()).toEqual(ids.slice(0, 2).toSorted())
  expect(own[0]!.detail).toEqual({
    changed: { status: ['new', 'disqualified'], disposition: [null, 'reject:spam'] },
  })
  // Again: nothing is left to do, and no entry says otherwise.
  const again = await decide(ids.slice(0, 2), 'reject', 'spam')
  expect(again.body.summary).toEqual({ items: 2, done: 2, refused: 0 })
  const after = (await workspace.get(`/api/v1/audit?limit=50`)).body.data as { action: string }[]
  expect(after.filter(({ action }) => action === 'lead.disposed')).toHaveLength(2)
  const wrong = await decide([ids[2]!], 'accept', 'spam')
  expect(wrong.body.outcomes[0].problem.code).toBe('request.invalid')
  const most = Array.from({ length: 1001 }, () => ids[2]!)
  expect((await decide(most, 'reject', 'spam')).status).toBeGreaterThanOrEqual(400)
})

test('many leads go to an owner by one request with their follow-ups, and to nobody who is away for good', async () => {
  const workspace = await hub.freshWorkspace()
  const [one, other, gone] = [
    await addOwner(workspace),
    await addOwner(workspace),
    await addOwner(workspace),
  ]
  await workspace.patch(`/api/v1/owners/${gone}`, { active: false })
  await workspace.put('/api/v1/routing', fallbackTo([one], { followUp: 'always' }))
  const leads = Array.from({ length: 3 }, (_, i) => ({ ...ada, email: `to${i}@x.example` }))
  const made = await workspace.post(LEADS_PATH, { leads })
  const ids = made.body.outcomes.map(({ data }: { data: { id: string } }) => data.id) as string[]
  const answer = await workspace.post('/api/v1/lead-assignments', {
    assignments: [
      { leadId: ids[0], ownerId: other },
      { leadId: ids[1], ownerId: other },
      { leadId: ids[2], ownerId: gone },
    ],
  })
  expect(answer.body.summary).toEqual({ items: 3, done: 2, refused: 1 })
  const tasks = (await workspace.get(`/api/v1/tasks?ownerId=${other}`)).body.data as {
    leadId: string
  }[]
  expect(tasks.map(({ leadId }) => leadId).toSorted()).toEqual(ids.slice(0, 2).toSorted())
  const { body } = await workspace.get(`/api/v1/leads/${ids[0]}`)
  expect(body).toMatchObject({ ownerId: other, routing: { ruleId: null } })
  expect(body.routing.why).toContain('by hand')
  expect((await workspace.get(`/api/v1/leads/${ids[2]}`)).body.ownerId).toBe(one)
  const reader = await workspace.withKey({ scopes: ['leads:read'] })
  expectProblem(
    await reader.post('/api/v1/lead-assignments', { leadId: ids[0], ownerId: one }),
    403,
    'auth.forbidden',
  )
})
