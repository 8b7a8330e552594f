import { expect, test } from 'vitest'
import { expectProblem, useHub, type TestWorkspace } from '#tests/hub.ts'

const hub = useHub()
const scopes = [
  'people:read',
  'people:reveal',
  'people:write',
  'consents:write',
  'touchpoints:read',
  'touchpoints:write',
  'campaigns:write',
  'audit:read',
]

const freshWorkspace = () => hub.freshWorkspace({ scopes })

async function identify(workspace: TestWorkspace, body: object): Promise<string> {
  const { body: person } = await workspace.post('/api/v1/people', body)
  return person.id
}

test('a person is made once, then found again under any identifier, attributes brought up to date', async () => {
  const workspace = await freshWorkspace()
  const made = await workspace.post('/api/v1/people', {
    email: 'Ada@Example.com',
    anonymousId: 'browser-1',
    firstName: 'Ada',
    traits: { plan: 'pro' },
  })
  expect([made.status, made.body.isNew]).toEqual([201, true])
  expect(made.headers.get('location')).toBe(`/api/v1/people/${made.body.id}`)
  const again = await workspace.post('/api/v1/people', {
    email: 'ada@example.COM',
    userId: 'user-17',
    lastName: 'King',
  })
  expect([again.status, again.body]).toEqual([
    200,
    { id: made.body.id, isNew: false, conflictId: null },
  ])
  const read = await workspace.get(`/api/v1/people/${made.body.id}`)
  expect(read.body).toMatchObject({
    identified: true,
    email: 'ada@example.COM',
    firstName: 'Ada',
    lastName: 'King',
    traits: { plan: 'pro' },
    merged: null,
  })
  expect(read.headers.get('etag')).toBe('"2"')
  const masked = read.body.identities.map(({ kind, masked }: Record<string, string>) => [
    kind,
    masked,
  ])
  expect(new Map(masked)).toEqual(
    new Map([
      ['email', 'a…@example.com'],
      ['anonymous_id', 'br…-1'],
      ['user_id', 'us…17'],
    ]),
  )
  expect(await workspace.auditActions()).toEqual(['identifyPerson', 'identifyPerson'])
})

test('a batch answers each item; one that names nobody does not spoil the others', async () => {
  const workspace = await freshWorkspace()
  const { status, body } = await workspace.post('/api/v1/people', {
    people: [
      { email: 'one@example.com' },
      { firstName: 'Nobody' },
      { userId: 'undefined' },
      { email: 'not an address' },
      { email: 'ONE@example.com' },
      {
        userId: 'u',
        consents: [{ purpose: 'x', status: 'granted', occurredAt: '2999-01-01T00:00:00Z' }],
      },
    ],
  })
  expect(status).toBe(207)
  expect(body.outcomes.map((outcome: { status: number }) => outcome.status)).toEqual([
    201, 422, 422, 422, 200, 422,
  ])
  expect(body.outcomes[4].data.id).toBe(body.outcomes[0].data.id)
  expect(body.outcomes[5].problem.errors[0].pointer).toBe('/consents/0/occurredAt')
})

test('the list pages, finds by e-mail in any spelling, and leaves merged people out', async () => {
  const workspace = await freshWorkspace()
  const anonymous = await identify(workspace, { anonymousId: 'browser-1' })
  const ada = await identify(workspace, { email: 'ada@example.com' })
  const bob = await identify(workspace, { email: 'bob@example.com' })
  await identify(workspace, { email: 'ada@example.com', anonymousId: 'browser-1' })
  const found = await workspace.get('/api/v1/people?email=ADA%40example.com')
  expect(found.body.data.map(({ id }: { id: string }) => id)).toEqual([ada])
  const first = await workspace.get('/api/v1/people?limit=1&identified=true')
  const second = await workspace.get(
    `/api/v1/people?limit=1&identified=true&cursor=${first.body.nextCursor}`,
  )
  expect([first.body.data[0].id, second.body.data[0].id, second.body.nextCursor]).toEqual([
    bob,
    ada,
    null,
  ])
  const merged = await workspace.get(`/api/v1/people/${anonymous}`)
  expect(merged.body).toMatchObject({ id: ada, merged: { from: anonymous } })
  expectProblem(await workspace.get('/api/v1/people/per_none'), 404, 'resource.not_found')
  expectProblem(await workspace.get('/api/v1/people?cursor=WyJ4IiwieSJd'), 422, 'request.invalid')
  const csv = await workspace.get('/api/v1/people', { accept: 'text/csv' })
  expect(csv.text.split('\r\n')[0]).toContain('Id')
  expect(csv.text).toContain('bob@example.com')
})

test('touches are recorded once a message, join their campaign and show on the timeline', async () => {
  const workspace = await freshWorkspace()
  const campaign = { key: 'spring', name: 'Spring', channel: 'webinar' }
  const { body: spring } = await workspace.post('/api/v1/campaigns', campaign)
  const touch = {
    email: 'ada@example.com',
    kind: 'webinar_attended',
    campaign: 'SPRING',
    messageId: 'm1',
    properties: { minutes: 42 },
    occurredAt: '2026-01-05T10:00:00Z',
  }
  const first = await workspace.post('/api/v1/touchpoints', touch)
  expect([first.status, first.body]).toMatchObject([
    201,
    { isNew: true, isNewPerson: true, channel: 'webinar', campaignId: spring.id, conflictId: null },
  ])
  const repeated = await workspace.post('/api/v1/touchpoints', touch)
  expect([repeated.status, repeated.body.id, repeated.body.isNew]).toEqual([
    200,
    first.body.id,
    false,
  ])
  const ad = {
    email: 'ada@example.com',
    kind: 'page_view',
    pageUrl: 'https://acme.example/?utm_source=google&utm_medium=cpc&utm_campaign=Spring',
    referrer: 'https://www.google.com/',
    occurredAt: '2026-01-04T10:00:00Z',
  }
  const batch = await workspace.post('/api/v1/touchpoints', {
    touchpoints: [
      ad,
      { ...ad, campaign: 'no such campaign' },
      { ...ad, occurredAt: '2999-01-01T00:00:00Z' },
    ],
  })
  expect(batch.body.outcomes.map((outcome: { status: number }) => outcome.status)).toEqual([
    201, 422, 422,
  ])
  expect(batch.body.outcomes[0].data).toMatchObject({
    channel: 'paid_search',
    campaignId: spring.id,
  })
  const timeline = await workspace.get(`/api/v1/people/${first.body.personId}/timeline`)
  expect(timeline.body.data).toMatchObject([
    { kind: 'webinar_attended', utm: {}, detail: { properties: { minutes: 42 } } },
    {
      kind: 'page_view',
      utm: { source: 'google', campaign: 'Spring' },
      detail: { url: ad.pageUrl },
    },
  ])
})

test('the list of touches filters by campaign, channel and time, pages and exports', async () => {
  const workspace = await freshWorkspace()
  const { body: spring } = await workspace.post('/api/v1/campaigns', {
    key: 'spring',
    name: 'Spring',
    channel: 'email',
  })
  const days = ['01', '02', '03', '04']
  await workspace.post('/api/v1/touchpoints', {
    touchpoints: days.map((day, i) => ({
      email: 'ada@example.com',
      kind: 'click',
      channel: i % 2 === 0 ? 'E-mail' : 'Podcast Ads',
      ...(i < 2 ? { campaign: spring.id } : {}),
      occurredAt: `2026-01-${day}T00:00:00Z`,
    })),
  })
  const daysOf = async (query: string) => {
    const { body } = await workspace.get(`/api/v1/touchpoints?${query}`)
    return body.data.map((row: { occurredAt: string }) => row.occurredAt.slice(8, 10))
  }
  expect(await daysOf(`campaignId=${spring.id}`)).toEqual(['02', '01'])
  expect(await daysOf('channel=podcast_ads')).toEqual(['04', '02'])
  expect(await daysOf('channel=Podcast%20Ads&from=2026-01-03T00:00:00Z')).toEqual(['04'])
  expect(await daysOf('from=2026-01-02T00:00:00Z&to=2026-01-04T00:00:00Z')).toEqual(['03', '02'])
  const first = await workspace.get('/api/v1/touchpoints?limit=3')
  expect(await daysOf(`limit=3&cursor=${first.body.nextCursor}`)).toEqual(['01'])
  const csv = await workspace.get('/api/v1/touchpoints?limit=1', { accept: 'text/csv' })
  expect(csv.text.trim().split('\r\n')).toHaveLength(5)
})

test('consent is kept with its proof, and a bare yes does not undo a no', async () => {
  const workspace = await freshWorkspace()
  const id = await identify(workspace, {
    email: 'ada@example.com',
    consents: [{ purpose: 'marketing', status: 'granted', proof: { text: 'Yes please' } }],
  })
  const say = (status: string, more: object = {}) =>
    workspace.post(`/api/v1/people/${id}/consents`, { purpose: 'marketing', status, ...more })
  const effective = async (status: string, more?: object) => {
    const answer = await say(status, more)
    expect(answer.status).toBe(201)
    return answer.body.effective[0].status
  }
  expect(await effective('withdrawn')).toBe('withdrawn')
  expect(await effective('granted')).toBe('withdrawn')
  expect(await effective('granted', { proof: { text: 'Yes again' } })).toBe('granted')
  const { body } = await workspace.get(`/api/v1/people/${id}`)
  expect(body.consents.effective).toMatchObject([
    { purpose: 'marketing', channel: 'email', status: 'granted' },
  ])
  expect(body.consents.history.map(({ proof }: { proof: unknown }) => proof)).toEqual([
    { text: 'Yes please' },
    null,
    null,
    { text: 'Yes again' },
  ])
  expectProblem(
    await workspace.post('/api/v1/people/per_none/consents', { purpose: 'x', status: 'granted' }),
    404,
    'resource.not_found',
  )
})

test('two identified people that meet are listed as a conflict, not joined', async () => {
  const workspace = await freshWorkspace()
  const ada = await identify(workspace, { email: 'ada@example.com' })
  const bob = await identify(workspace, { userId: 'bob' })
  const met = await workspace.post('/api/v1/touchpoints', {
    email: 'ada@example.com',
    userId: 'bob',
    kind: 'login',
  })
  expect(met.body.personId).toBe(bob)
  const { body } = await workspace.get('/api/v1/identity-conflicts')
  expect(body.data).toMatchObject([
    { id: met.body.conflictId, kinds: ['user_id', 'email'], state: 'open' },
  ])
  expect(new Set([body.data[0].personId, body.data[0].otherPersonId])).toEqual(new Set([ada, bob]))
  const kept = await workspace.get('/api/v1/identity-conflicts?state=kept_apart')
  expect(kept.body.data).toEqual([])
})

test('another workspace sees none of it, and each right is asked for by its scope', async () => {
  const workspace = await freshWorkspace()
  const id = await identify(workspace, { email: 'ada@example.com' })
  const other = await freshWorkspace()
  expectProblem(await other.get(`/api/v1/people/${id}`), 404, 'resource.not_found')
  expectProblem(await other.get(`/api/v1/people/${id}/timeline`), 404, 'resource.not_found')
  expect((await other.get('/api/v1/people?email=ada%40example.com')).body.data).toEqual([])
  const reader = await workspace.withKey({ scopes: ['people:read'] })
  expectProblem(await reader.post('/api/v1/people', { userId: 'u' }), 403, 'auth.forbidden')
  expectProblem(await reader.get('/api/v1/touchpoints'), 403, 'auth.forbidden')
  const grant = { purpose: 'x', status: 'granted' }
  expectProblem(await reader.post(`/api/v1/people/${id}/consents`, grant), 403, 'auth.forbidden')
})
