import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { DAY_MS, MINUTE_MS } from '#core/time.ts'
import { expectProblem, ManualClock, useHub, type TestWorkspace } from '#tests/hub.ts'
import { captureLeads } from './capture-leads.ts'
import { NewLead } from './lead.schema.ts'

const clock = new ManualClock(new Date('2026-11-02T09:00:00Z'))
const hub = useHub({ clock })
const PATH = '/api/v1/integrations/sales/leads'

const ada = {
  email: 'Ada@Northwind.example',
  firstName: 'Ada',
  jobTitle: 'Head of Marketing',
  company: 'Northwind',
  country: 'Germany',
  employees: 300,
  industry: 'Software',
  form: 'contact',
  consents: [{ purpose: 'marketing' }],
}

/** Events of the workspace so far, oldest first. */
async function events(workspace: TestWorkspace, subjectId: string): Promise<string[]> {
  const rows = await hub.app.store.read(workspace.id, (tx) =>
    tx.query(
      sql<{ event: string }>`select event from outbox where subject_id = ${subjectId} order by seq`,
    ),
  )
  return rows.map(({ event }) => event)
}

async function addOwner(workspace: TestWorkspace, more: object = {}): Promise<string> {
  const answer = await workspace.post('/api/v1/owners', { name: 'Grace', ...more })
  expect(answer.status).toBe(201)
  return answer.body.id
}

const fallbackTo = (ownerIds: string[], more: object = {}) => ({
  rules: [],
  fallback: { ownerIds, strategy: 'round_robin', ...more },
})

describe('capture', () => {
  test('the same submission five times is one lead with five receipts and one touch', async () => {
    const workspace = await hub.freshWorkspace()
    const answers = []
    for (let i = 0; i < 5; i++) answers.push(await workspace.post(PATH, ada))
    expect(answers.map(({ status, body }) => [status, body.match])).toEqual([
      [201, 'new'],
      ...Array.from({ length: 4 }, () => [200, 'existing_lead']),
    ])
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1)
    expect(new Set(answers.map(({ body }) => body.receiptId)).size).toBe(5)
    expect(new Set(answers.map(({ body }) => body.score.total)).size).toBe(1)
    const id = answers[0]!.body.id
    expect(answers[0]!.headers.get('location')).toBe(`/api/v1/leads/${id}`)
    const { body } = await workspace.get(`/api/v1/leads/${id}`)
    expect(body.captures).toHaveLength(5)
    expect(
      new Set(body.captures.map((one: { touchpointId: string }) => one.touchpointId)).size,
    ).toBe(1)
    expect((await events(workspace, id)).filter((event) => event === 'lead.created')).toHaveLength(
      1,
    )
    expect((await workspace.get('/api/v1/leads')).body.data).toHaveLength(1)
  })

  test('a batch answers each item: made, known within the batch, refused; the others are kept', async () => {
    const workspace = await hub.freshWorkspace()
    const answer = await workspace.post(PATH, {
      leads: [
        ada,
        { email: 'ada@northwind.example', event: 'demo_request' },
        { email: 'not an address' },
        {
          email: 'bob@acme.example',
          capturedAt: new Date(clock.now().getTime() + DAY_MS).toISOString(),
        },
        { userId: 'undefined' },
        { firstName: 'Nobody' },
        { email: 'bob@acme.example', capturedAt: '2026-10-01T00:00:00Z' },
      ],
    })
    expect(answer.status).toBe(207)
    const results = answer.body.outcomes
    expect(results.map((one: { status: number }) => one.status)).toEqual([
      201, 200, 422, 422, 422, 422, 201,
    ])
    expect((await workspace.get('/api/v1/leads')).body.data).toHaveLength(2)
  })

  test('warnings name what the sender and sales should know', async () => {
    const workspace = await hub.freshWorkspace()
    const codes = async (input: object) =>
      (await workspace.post(PATH, input)).body.warnings.map((one: { code: string }) => one.code)
    expect(await codes({ email: 'info@gmail.com', country: 'Atlantis', campaign: 'nope' })).toEqual(
      [
        'free_mail_domain',
        'role_address',
        'no_consent',
        'unknown_campaign',
        'unknown_country',
        'unmatched_territory',
        'no_owner',
      ],
    )
    await workspace.put('/api/v1/routing', fallbackTo([await addOwner(workspace)]))
    expect(await codes(ada)).toEqual(['unmatched_territory'])
    await workspace.post(PATH, { userId: 'u-1', email: 'first@x.example' })
    await workspace.post(PATH, { userId: 'u-2', email: 'second@x.example' })
    expect(await codes({ userId: 'u-1', email: 'second@x.example' })).toContain('identity_conflict')
  })

  test('a pending double opt-in is no consent, a granted one is', async () => {
    const workspace = await hub.freshWorkspace()
    const submit = async (status: string) => {
      const { body } = await workspace.post(PATH, {
        email: 'c@x.example',
        event: 'email_signup',
        consents: [{ purpose: 'newsletter', status, text: 'Yes, send me the newsletter.' }],
      })
      return body.warnings.some((one: { code: string }) => one.code === 'no_consent')
    }
    expect([await submit('pending'), await submit('granted'), await submit('withdrawn')]).toEqual([
      true,
      false,
      true,
    ])
  })

  test('a known person without a lead is an existing person', async () => {
    const workspace = await hub.freshWorkspace()
    const first = await workspace.post(PATH, { anonymousId: 'browser-1' })
    const second = await workspace.post(PATH, { email: 'd@x.example' })
    expect([first.body.match, second.body.match]).toEqual(['new', 'new'])
  })

  test('the earliest submission says where the lead came from, whatever the order of arrival', async () => {
    const workspace = await hub.freshWorkspace()
    await workspace.post(PATH, {
      email: 'e@x.example',
      channel: 'webinar',
      capturedAt: '2026-10-20T00:00:00Z',
    })
    const { body } = await workspace.post(PATH, {
      email: 'e@x.example',
      channel: 'email',
      capturedAt: '2026-10-10T00:00:00Z',
    })
    expect(body.channel).toBe('email')
  })

  test('statements do not grow with the number of submissions', async () => {
    const workspace = await hub.freshWorkspace()
    await workspace.put(
      '/api/v1/routing',
      fallbackTo([await addOwner(workspace)], { followUp: 'always' }),
    )
    const count = async (n: number) =>
      hub.app.store.transaction(workspace.id, async (tx) => {
        let statements = 0
        const counted = new Proxy(tx, {
          get(target, name) {
            if (name === 'query' || name === 'find' || name === 'execute') statements += 1
            const value: unknown = Reflect.get(target, name, target)
            return typeof value === 'function' ? value.bind(target) : value
          },
        })
        const inputs = Array.from({ length: n }, (_, i) =>
          NewLead.parse({ ...ada, email: `n${n}-${i}@x.example` }),
        )
        const outcomes = await captureLeads(inputs, {
          tx: counted,
          now: clock.now(),
          emit: () => {},
        })
        expect(outcomes).toHaveLength(n)
        return statements
      })
    const [one, many] = [await count(1), await count(200)]
    expect(many).toBe(one)
    expect(one).toBeLessThanOrEqual(20)
  })

  test('a lead of another workspace is not found', async () => {
    const workspace = await hub.freshWorkspace()
    const { body } = await workspace.post(PATH, ada)
    const other = await hub.freshWorkspace()
    expectProblem(await other.get(`/api/v1/leads/${body.id}`), 404, 'resource.not_found')
    expectProblem(
      await other.patch(`/api/v1/leads/${body.id}`, { status: 'working' }),
      404,
      'resource.not_found',
    )
  })

  test('requests that come at once make one lead a person', async () => {
    const workspace = await hub.freshWorkspace()
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, i) =>
        workspace.post(PATH, { email: `p${i % 5}@x.example`, submissionId: `s${i}` }),
      ),
    )
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(5)
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(5)
  })
})

describe('scoring', () => {
  test('each point is explained, and the points sum to the score', async () => {
    const workspace = await hub.freshWorkspace()
    const { body } = await workspace.post(PATH, ada)
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
    const { body } = await workspace.post(PATH, { ...ada, event: 'demo_request' })
    expect(body.score.mql).toBe(true)
    const { mqlAt } = (await workspace.get(`/api/v1/leads/${body.id}`)).body
    clock.advance(300 * DAY_MS)
    await hub.app.jobs.tick()
    await hub.settle()
    const faded = (await workspace.get(`/api/v1/leads/${body.id}`)).body
    expect(faded.score).toBeLessThan(body.score.total)
    await workspace.post(PATH, { ...ada, event: 'demo_request' })
    await hub.settle()
    const again = (await workspace.get(`/api/v1/leads/${body.id}`)).body
    expect(again.score).toBe(body.score.total)
    expect(again.mqlAt).toBe(mqlAt)
    expect(
      (await events(workspace, body.id)).filter((event) => event === 'lead.qualified'),
    ).toHaveLength(1)
  })

  test('an override outlives scoring until its end, and the audit log shows both values', async () => {
    const workspace = await hub.freshWorkspace()
    const { body } = await workspace.post(PATH, { email: 'f@gmail.com' })
    const path = `/api/v1/leads/${body.id}/score-override`
    const held = await workspace.put(path, { score: 90, reason: 'Met at the fair', days: 7 })
    expect(held.body).toMatchObject({
      score: 90,
      scoring: { computed: body.score.total, override: { score: 90 } },
    })
    expect(held.body.mqlAt).not.toBeNull()
    await workspace.post(PATH, { email: 'f@gmail.com', event: 'demo_request' })
    const rescored = (await workspace.get(`/api/v1/leads/${body.id}`)).body
    expect(rescored.score).toBe(90)
    expect(rescored.scoring.computed).toBeGreaterThan(body.score.total)
    const { body: audit } = await workspace.get(`/api/v1/audit?limit=100`)
    const entry = audit.data.find(
      (one: { action: string }) => one.action === 'lead.score_overridden',
    )
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
    const { body } = await workspace.post(PATH, ada)
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
})

describe('routing and follow-up', () => {
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
    const inside = await workspace.post(PATH, { email: 'g@x.example', country: 'Österreich' })
    expect(inside.body.owner).toEqual({
      id: dach,
      why: 'Rule “DACH”: country AT; the owner is its first choice.',
    })
    const outside = await workspace.post(PATH, { email: 'h@x.example', country: 'FR' })
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
        (i % 2 ? workspace : second).post(PATH, { email: `q${i}@x.example` }),
      ),
    )
    const counts = owners.map((id) => answers.filter(({ body }) => body.owner?.id === id).length)
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(40)
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
  })

  test('a lead that waits is routed once an owner is there', async () => {
    const workspace = await hub.freshWorkspace()
    const { body } = await workspace.post(PATH, ada)
    expect(body.owner).toBeNull()
    expect(await events(workspace, body.id)).toContain('lead.unrouted')
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
    const { body: late } = await workspace.post(PATH, ada)
    const { body: done } = await workspace.post(PATH, { email: 'i@x.example' })
    expect(late.task.dueAt).toBe(new Date(clock.now().getTime() + 60 * MINUTE_MS).toISOString())
    await workspace.patch(`/api/v1/tasks/${done.task.id}`, { state: 'done' })
    for (const minutes of [59, 2, 5, 60]) {
      clock.advance(minutes * MINUTE_MS)
      await hub.app.jobs.tick()
    }
    const count = async (id: string) =>
      (await events(workspace, id)).filter((event) => event === 'task.escalated').length
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
    const { body } = await workspace.post(PATH, ada)
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
    expect(await events(workspace, body.id)).toEqual(
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
    await workspace.post(PATH, {
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
    const { body } = await workspace.post(PATH, ada)
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
})

describe('reading and changing', () => {
  test('lists filter, page and export the same rows', async () => {
    const workspace = await hub.freshWorkspace()
    await workspace.post(PATH, {
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

  test('facts change under If-Match, and the score follows', async () => {
    const workspace = await hub.freshWorkspace()
    const { body } = await workspace.post(PATH, ada)
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

  test('leads of people who turn out to be one become one, with all receipts', async () => {
    const workspace = await hub.freshWorkspace()
    const { body: anonymous } = await workspace.post(PATH, {
      anonymousId: 'browser-9',
      event: 'demo_request',
      company: 'Acme',
    })
    const { body: known } = await workspace.post(PATH, { email: 'm@x.example' })
    await workspace.post(PATH, {
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
})
