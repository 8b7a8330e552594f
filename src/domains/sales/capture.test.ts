import { expect, test } from 'vitest'
import { captureAll } from '#people/capture.store.ts'
import type { Capture } from '#people/capture.ts'
import { DAY_MS } from '#core/time.ts'
import { captureLeads } from './capture-leads.ts'
import { NewLead } from './lead.schema.ts'
import { expectProblem, ManualClock, useHub } from '#tests/hub.ts'
import { addOwner, ada, eventsOf, fallbackTo, LEADS_PATH } from '#tests/leads.ts'

const clock = new ManualClock(new Date('2026-11-02T09:00:00Z'))
const hub = useHub({ clock })

test('the same submission five times is one lead with five receipts and one touch', async () => {
  const workspace = await hub.freshWorkspace()
  const answers = []
  for (let i = 0; i < 5; i++) answers.push(await workspace.post(LEADS_PATH, ada))
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
  expect(new Set(body.captures.map((one: { touchpointId: string }) => one.touchpointId)).size).toBe(
    1,
  )
  expect(
    (await eventsOf(hub, workspace, id)).filter((event) => event === 'lead.created'),
  ).toHaveLength(1)
  expect((await workspace.get('/api/v1/leads')).body.data).toHaveLength(1)
})

test('a batch answers each item: made, known within the batch, refused; the others are kept', async () => {
  const workspace = await hub.freshWorkspace()
  const answer = await workspace.post(LEADS_PATH, {
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
    (await workspace.post(LEADS_PATH, input)).body.warnings.map((one: { code: string }) => one.code)
  expect(await codes({ email: 'info@gmail.com', country: 'Atlantis', campaign: 'nope' })).toEqual([
    'free_mail_domain',
    'role_address',
    'no_consent',
    'unknown_campaign',
    'unknown_country',
    'unmatched_territory',
    'no_owner',
  ])
  await workspace.put('/api/v1/routing', fallbackTo([await addOwner(workspace)]))
  expect(await codes(ada)).toEqual(['unmatched_territory'])
  await workspace.post(LEADS_PATH, { userId: 'u-1', email: 'first@x.example' })
  await workspace.post(LEADS_PATH, { userId: 'u-2', email: 'second@x.example' })
  expect(await codes({ userId: 'u-1', email: 'second@x.example' })).toContain('identity_conflict')
})

test('a pending double opt-in is no consent, a granted one is', async () => {
  const workspace = await hub.freshWorkspace()
  const submit = async (status: string) => {
    const { body } = await workspace.post(LEADS_PATH, {
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

test('somebody who was known without being a lead is an existing person, with all that was known', async () => {
  const workspace = await hub.freshWorkspace()
  const capture: Capture = {
    source: 'segment',
    identities: [{ kind: 'email', value: 'd@x.example' }],
    personal: { jobTitle: 'Director of Operations' },
    consents: [{ purpose: 'marketing', channel: 'email', status: 'granted' }],
    touch: { kind: 'demo_request', channel: 'email', occurredAt: clock.now() },
  }
  await hub.app.store.transaction(workspace.id, (tx) => captureAll(tx, [capture], clock.now()))
  const { status, body } = await workspace.post(LEADS_PATH, {
    email: 'd@x.example',
    event: 'import',
  })
  expect([status, body.match, body.score.engagement]).toEqual([201, 'existing_person', 50])
  expect(body.score.fit).toBeGreaterThan(0)
  expect(body.warnings.map((one: { code: string }) => one.code)).not.toContain('no_consent')
})

test('the earliest submission says where the lead came from, whatever the order of arrival', async () => {
  const workspace = await hub.freshWorkspace()
  await workspace.post(LEADS_PATH, {
    email: 'e@x.example',
    channel: 'webinar',
    capturedAt: '2026-10-20T00:00:00Z',
  })
  const { body } = await workspace.post(LEADS_PATH, {
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
  const { body } = await workspace.post(LEADS_PATH, ada)
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
      workspace.post(LEADS_PATH, { email: `p${i % 5}@x.example`, submissionId: `s${i}` }),
    ),
  )
  expect(new Set(answers.map(({ body }) => body.id)).size).toBe(5)
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(5)
})
