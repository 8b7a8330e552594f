import { describe, expect, test } from 'vitest'
import { expectProblem, ManualClock, useHub, type TestWorkspace } from '#tests/hub.ts'
import { joinedMember, respondedAfter, syncedMember, type MemberState } from './member.rules.ts'

const clock = new ManualClock(new Date('2026-11-23T09:00:00Z'))
const hub = useHub({ clock })

async function capture(workspace: TestWorkspace, body: object): Promise<string> {
  const made = await workspace.post('/api/v1/integrations/sales/leads', body)
  expect(made.status, made.text).toBeLessThan(300)
  return made.body.id
}

async function campaignOf(workspace: TestWorkspace): Promise<string> {
  const body = { key: 'fair', name: 'Fair', channel: 'event' }
  return (await workspace.post('/api/v1/campaigns', body)).body.id
}

test('a lead is in a campaign once, responds once, and leaves it with a trace', async () => {
  const workspace = await hub.freshWorkspace()
  const path = `/api/v1/campaigns/${await campaignOf(workspace)}/members`
  const leadId = await capture(workspace, { email: 'ada@example.com' })
  const made = await workspace.post(path, { leadId })
  expect(made).toMatchObject({ status: 201, body: { leadId, status: 'Sent', respondedAt: null } })
  expect(await workspace.post(path, { leadId, status: 'Other' })).toMatchObject({
    status: 200,
    body: { id: made.body.id, status: 'Sent' },
  })
  expectProblem(await workspace.post(path, { leadId: 'lead_none' }), 404, 'resource.not_found')
  const one = `${path}/${made.body.id}`
  const responded = await workspace.patch(one, { status: 'Responded' }, { 'if-match': '"1"' })
  expect(responded.body).toMatchObject({ respondedAt: clock.now().toISOString(), version: 2 })
  const stale = await workspace.patch(one, { status: 'Sent' }, { 'if-match': '"1"' })
  expectProblem(stale, 412, 'resource.version_mismatch')
  const back = await workspace.patch(one, { status: 'Sent' })
  expect(back.body.respondedAt).toBe(responded.body.respondedAt)
  expect((await workspace.get(`${path}?responded=true`)).body.data).toHaveLength(1)
  expect((await workspace.delete(one)).status).toBe(204)
  expect((await workspace.get(path)).body.data).toEqual([])
  expectProblem(await workspace.patch(one, { status: 'Sent' }), 410, 'resource.gone')
  expect((await workspace.post(path, { leadId })).status).toBe(201)
  expect(await workspace.auditActions()).toEqual(
    expect.arrayContaining(['addCampaignMember', 'changeCampaignMember', 'removeCampaignMember']),
  )
})

test('many come in one call, each with its own outcome', async () => {
  const workspace = await hub.freshWorkspace()
  const path = `/api/v1/campaigns/${await campaignOf(workspace)}/members`
  const leadId = await capture(workspace, { email: 'ada@example.com' })
  const members = [{ leadId }, { leadId: 'lead_none' }, { leadId }]
  const answer = await workspace.post(path, { members })
  expect(answer.status, answer.text).toBe(207)
  expect((await workspace.get(path)).body.data).toHaveLength(1)
})

test('a visitor who turns out to be a known lead hands over what they were in', async () => {
  const workspace = await hub.freshWorkspace()
  const path = `/api/v1/campaigns/${await campaignOf(workspace)}/members`
  const known = await capture(workspace, { email: 'ada@example.com' })
  const visitor = await capture(workspace, { anonymousId: 'visitor' })
  await workspace.post(path, { leadId: known })
  await workspace.post(path, { leadId: visitor, status: 'Responded' })
  await capture(workspace, { email: 'ada@example.com', anonymousId: 'visitor' })
  await hub.settle()
  const { data } = (await workspace.get(path)).body
  expect(data).toMatchObject([{ leadId: known, status: 'Responded' }])
  expect(data[0].respondedAt).not.toBeNull()
})

describe('the first response', () => {
  const at = new Date('2026-11-20T15:30:00Z')
  const now = new Date('2026-11-23T09:00:00Z')
  const member: MemberState = {
    id: 'cmb_1',
    campaignId: 'cmp_1',
    leadId: 'lead_1',
    status: 'Sent',
    respondedAt: at,
    version: 1,
    createdAt: at,
    updatedAt: at,
    deletedAt: null,
  }
  const told = (respondedAt: string) => ({
    localId: 'cmb_1',
    externalId: 'x',
    deleted: false,
    modifiedAt: now,
    values: { respondedAt },
    references: {},
  })

  test.each([
    ['the day of a moment that is known leaves the moment', '2026-11-20T00:00:00Z', at],
    ['a later day does not move it', '2026-11-22T00:00:00Z', at],
    ['an earlier day does', '2026-11-19T00:00:00Z', new Date('2026-11-19T00:00:00Z')],
  ])('%s', (_name, given, expected) => {
    expect(syncedMember(member, told(given), 'lead_1', now).respondedAt).toEqual(expected)
  })

  test('stays when the status is taken back, and is the earlier one of two memberships', () => {
    expect(respondedAfter(at, 'Sent', undefined, now)).toBe(at)
    const other = { ...member, id: 'cmb_2', respondedAt: now }
    expect(joinedMember(other, member, now).respondedAt).toEqual(at)
  })
})
