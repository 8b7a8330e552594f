import { expect, test } from 'vitest'
import { expectProblem, useHub } from '#tests/hub.ts'

const hub = useHub()
const path = '/api/v1/campaigns'
const spring = { key: 'Spring_Webinar', name: 'Spring webinar', channel: 'webinar' }

test('a campaign is made, read, changed and deleted; a second one under its key is refused until then', async () => {
  const workspace = await hub.freshWorkspace({ scopes: ['campaigns:read', 'campaigns:write'] })
  const made = await workspace.post(path, spring)
  expect([made.status, made.body.key, made.headers.get('etag')]).toEqual([
    201,
    'spring_webinar',
    '"1"',
  ])
  expect(made.headers.get('location')).toBe(`${path}/${made.body.id}`)
  expectProblem(
    await workspace.post(path, { ...spring, key: 'spring_webinar' }),
    409,
    'campaign.duplicate',
  )
  const changed = await workspace.patch(
    `${path}/${made.body.id}`,
    { status: 'ended' },
    { 'if-match': '"1"' },
  )
  expect([changed.body.status, changed.body.version]).toEqual(['ended', 2])
  expectProblem(
    await workspace.patch(`${path}/${made.body.id}`, { status: 'active' }, { 'if-match': '"1"' }),
    412,
    'resource.version_mismatch',
  )
  expect((await workspace.delete(`${path}/${made.body.id}`)).status).toBe(204)
  expectProblem(await workspace.get(`${path}/${made.body.id}`), 410, 'resource.gone')
  expect((await workspace.post(path, spring)).status).toBe(201)
  expect(await workspace.auditActions()).toEqual([
    'createCampaign',
    'changeCampaign',
    'deleteCampaign',
    'createCampaign',
  ])
})

test('a batch answers each item: made, invalid, contradictory, twice', async () => {
  const workspace = await hub.freshWorkspace()
  const answer = await workspace.post(path, {
    campaigns: [
      spring,
      { ...spring, key: 'x', colour: 'red' },
      { ...spring, key: 'y', startsOn: '2026-02-01', endsOn: '2026-01-01' },
      spring,
      { ...spring, key: 'z', channel: 'podcast' },
    ],
  })
  expect(answer.status).toBe(207)
  expect(answer.body.outcomes.map((outcome: { status: number }) => outcome.status)).toEqual([
    201, 422, 422, 409, 201,
  ])
  expect(answer.body.summary).toEqual({ items: 5, done: 2, refused: 3 })
  const channels = await workspace.get('/api/v1/channels?limit=500')
  expect(channels.body.data.map((channel: { key: string }) => channel.key)).toContain('podcast')
})

test('a reader whose copy is fresh gets 304, and a role without the scope cannot write', async () => {
  const workspace = await hub.freshWorkspace()
  const made = await workspace.post(path, spring)
  const again = await workspace.get(`${path}/${made.body.id}`, { 'if-none-match': '"1"' })
  expect([again.status, again.text]).toEqual([304, ''])
  const viewer = await workspace.withKey({ roles: ['viewer'] })
  expectProblem(await viewer.post(path, spring), 403, 'auth.forbidden')
})
