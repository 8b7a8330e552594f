import { expect, test } from 'vitest'
import { readersOf } from '#gateway/before-after.ts'
import { useHub, type TestAnswer, type TestWorkspace } from '#tests/hub.ts'

const hub = useHub()

const ONLY_NEW = 'only makes what is new, for many at once: the record itself is what came'
const SECRET =
  'what changes is a secret or a means to sign in: that it changed is all that may be told'
const NOTHING = 'computes and answers; no record is changed by it'
const MANY =
  'many records by one call: each has its own history, which tells both values and who chose'

/** Operations whose entries say who, when, what and which fields were given, but no before and after; each with the reason. */
const withoutBoth: Readonly<Record<string, string>> = {
  createCampaign: ONLY_NEW,
  addCampaignMember: ONLY_NEW,
  captureLead: ONLY_NEW,
  identifyPerson: ONLY_NEW,
  recordTouchpoint: ONLY_NEW,
  createProbes: ONLY_NEW,
  addPasskey: SECRET,
  startPasskey: SECRET,
  removePasskey: SECRET,
  renewRecoveryCodes: SECRET,
  startTotp: SECRET,
  confirmTotp: SECRET,
  removeTotp: SECRET,
  changePassword: SECRET,
  endOwnSession: SECRET,
  forgetDevice: SECRET,
  previewAttribution: NOTHING,
  simulateRouting: NOTHING,
  fitAttributionModel: 'starts work whose result is a new version of its own, with its history',
  recomputeAttribution: 'starts work; what changes in figures is told as a restatement',
  resolveConflicts: MANY,
  disposeLeads: 'many by one call: each lead has an entry of its own with before and after',
  assignLeads: 'many by one call: each lead has an entry of its own with before and after',
  assignConflicts: 'says who looks at them; no value of a record changes',
  assignSyncErrors: 'says who looks at them; no value of a record changes',
  dismissPersonDuplicates:
    'the pairs are named, each by an entry of its own; no value of a person changes',
  mergePersonDuplicates:
    'many by one call: each merge has an entry of its own with both people, and what it set aside is kept for undoing',
  ignoreSyncErrors: 'puts them away; no value of a record changes',
  retrySyncErrors: 'makes records due again; what the run writes has its own history',
  liftSuppression:
    'the row is named by a hash of an address; that it was lifted, by whom and why stays in it',
  putSourceClaim:
    'what a person said, in their words: personal, so that the fields are named alone',
}

test('every operation that changes something records before and after, or is listed with the reason why not', () => {
  const operations = hub.app.operations.filter(({ method }) => method !== 'GET')
  const readers = readersOf(hub.app.operations)
  const silent = operations.filter(
    (operation) =>
      !readers.has(operation) && (operation.row === undefined || 'performMany' in operation),
  )
  expect(operations.length).toBeGreaterThan(110)
  expect(silent.map(({ id }) => id).sort()).toEqual(Object.keys(withoutBoth).sort())
})

test('no column that before and after are told from holds a secret or something personal', () => {
  const told = hub.app.operations.flatMap(({ row }) => row?.columns ?? [])
  expect(told.length).toBeGreaterThan(60)
  expect(
    told.filter((name) =>
      /hash|secret(?!_until)|personal|email|token|prefix|note|answer/.test(name),
    ),
  ).toEqual([])
})

interface Entry {
  action: string
  requestId: string
  detail: { changed?: Record<string, unknown> }
}

async function changedBy(workspace: TestWorkspace, answer: TestAnswer) {
  expect(answer.status, answer.text).toBeLessThan(300)
  const { body } = await workspace.get('/api/v1/audit?limit=100')
  const own = (body.data as Entry[]).filter(
    ({ requestId }) => requestId === answer.headers.get('x-request-id'),
  )
  return own.find(({ detail }) => detail.changed !== undefined)?.detail.changed
}

test('roles, teams, grants, rules and tasks say before and after', async () => {
  const workspace = await hub.freshWorkspace()
  const owner = await workspace.post('/api/v1/owners', { name: 'Otto', email: 'otto@x.example' })
  expect(await changedBy(workspace, owner)).toMatchObject({ active: [null, true] })
  const role = '/api/v1/access/roles/reader'
  await workspace.put(role, { label: 'Reader', scopes: ['leads:read'] })
  expect(
    await changedBy(
      workspace,
      await workspace.put(role, { label: 'Reader', scopes: ['leads:read', 'people:read'] }),
    ),
  ).toEqual({ scopes: [['leads:read'], ['leads:read', 'people:read']] })
  expect(await changedBy(workspace, await workspace.delete(role))).toMatchObject({
    label: ['Reader', null],
  })
  const team = '/api/v1/access/teams/north'
  await workspace.put(team, { ownerIds: [] })
  expect(
    await changedBy(workspace, await workspace.put(team, { ownerIds: [owner.body.id] })),
  ).toEqual({ ownerIds: [[], [owner.body.id]] })
  const grant = await workspace.post('/api/v1/access/grants', {
    subject: 'role:sales',
    effect: 'deny',
    scope: 'leads:read',
    node: 'domain:sales',
  })
  expect(await changedBy(workspace, grant)).toMatchObject({ effect: [null, 'deny'] })
  expect(
    await changedBy(workspace, await workspace.delete(`/api/v1/access/grants/${grant.body.id}`)),
  ).toMatchObject({ subject: ['role:sales', null], node: ['domain:sales', null] })
  const away = await workspace.patch(`/api/v1/owners/${owner.body.id}`, { active: false })
  expect(await changedBy(workspace, away)).toEqual({ active: [true, false] })
  const quota = '/api/v1/quotas/workspace'
  await workspace.put(quota, { perDay: 1000, perMonth: 9000 })
  expect(
    await changedBy(workspace, await workspace.put(quota, { perDay: 2000, perMonth: 9000 })),
  ).toEqual({ perDay: [1000, 2000] })
  const key = await workspace.post('/api/v1/keys', { name: 'site', roles: ['viewer'] })
  const revoked = await workspace.delete(`/api/v1/keys/${key.body.id}`)
  expect(await changedBy(workspace, revoked)).toMatchObject({
    revokedAt: [null, expect.any(String)],
  })
})
