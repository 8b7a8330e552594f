import { beforeAll, expect, test } from 'vitest'
import { issueKey } from '#access/bootstrap.ts'
import { isDuring, judge, type ContextRule } from '#access/permissions/context.rules.ts'
import { allScopes, scopes } from '#access/roles.ts'
import { networkList } from '#core/network.ts'
import { expectProblem, useHub, type TestWorkspace } from '#tests/hub.ts'

const hub = useHub()
let workspace: TestWorkspace
let owners: { emea: string; apac: string }
let leads: { emea: string; apac: string }

beforeAll(async () => {
  workspace = await hub.freshWorkspace()
  const owner = async (name: string) =>
    (await workspace.post('/api/v1/owners', { name, email: `${name}@acme.example` })).body
      .id as string
  owners = { emea: await owner('ella'), apac: await owner('aki') }
  const lead = async (name: string, ownerId: string) => {
    const { body } = await workspace.post('/api/v1/integrations/sales/leads', {
      email: `${name}@example.com`,
    })
    const routed = await workspace.post(`/api/v1/leads/${body.id}/reroute`, { ownerId })
    expect(routed.body.ownerId).toBe(ownerId)
    return body.id as string
  }
  leads = { emea: await lead('one', owners.emea), apac: await lead('two', owners.apac) }
  for (const [name, ownerId] of Object.entries(owners))
    await workspace.put(`/api/v1/access/teams/${name}`, { ownerIds: [ownerId] })
})

/** A key by its id and token, so that grants can name it. */
async function keyOf(roles: string[], more: { scopes?: string[]; tenants?: string[] } = {}) {
  const now = hub.app.clock.now()
  const { id, token } = await issueKey(
    hub.app.store,
    workspace.id,
    { name: 'k', roles, ...more },
    now,
  )
  const call = async (method: string, path: string, body?: unknown, headers: object = {}) => {
    const answer = await fetch(hub.url + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: answer.status, body: (await answer.json()) as any } // oxlint-disable-line typescript/no-explicit-any
  }
  return {
    id,
    call,
    get: (path: string, headers: object = {}) => call('GET', path, undefined, headers),
  }
}

const grant = async (subject: string, effect: string, scope: string, node: string) => {
  const { status, body } = await workspace.post('/api/v1/access/grants', {
    subject,
    effect,
    scope,
    node,
  })
  expect(status).toBe(201)
  return body.id as string
}

const idsOf = (body: { data: { id: string }[] }) => body.data.map((row) => row.id).sort()

test('a denial at a team hides its records in lists, alone and from writes, and ends within five seconds of being taken back', async () => {
  const key = await keyOf(['sales'])
  expect(idsOf((await key.get('/api/v1/leads')).body)).toEqual(Object.values(leads).sort())
  const id = await grant(key.id, 'deny', 'leads:*', 'team:apac')
  await expect
    .poll(async () => idsOf((await key.get('/api/v1/leads')).body), { timeout: 5000 })
    .toEqual([leads.emea])
  expect((await key.get(`/api/v1/leads/${leads.apac}`)).status).toBe(404)
  expect((await key.get(`/api/v1/leads/${leads.emea}`)).status).toBe(200)
  const before = await workspace.get(`/api/v1/leads/${leads.apac}`)
  const write = await key.call('PATCH', `/api/v1/leads/${leads.apac}`, { company: 'Changed' })
  expect(write.status).toBe(404)
  expect((await workspace.get(`/api/v1/leads/${leads.apac}`)).body).toEqual(before.body)
  const csv = await fetch(`${hub.url}/api/v1/leads?format=csv`, {
    headers: { authorization: `Bearer ${workspace.key}` },
  })
  expect(await csv.text()).toContain(leads.apac)
  await workspace.delete(`/api/v1/access/grants/${id}`)
  await expect
    .poll(async () => (await key.get('/api/v1/leads')).body.data.length, { timeout: 5000 })
    .toBe(2)
})

test('a right at one record opens that record to somebody without the scope, and nothing else', async () => {
  const key = await keyOf(['viewer'])
  expect((await key.get('/api/v1/leads')).status).toBe(403)
  await grant(key.id, 'allow', 'leads:read', `record:${leads.emea}`)
  await expect.poll(async () => (await key.get(`/api/v1/leads/${leads.emea}`)).status).toBe(200)
  expect((await key.get(`/api/v1/leads/${leads.apac}`)).status).toBe(404)
  expect(idsOf((await key.get('/api/v1/leads')).body)).toEqual([leads.emea])
  expect((await key.call('PATCH', `/api/v1/leads/${leads.emea}`, { company: 'x' })).status).toBe(
    403,
  )
  expect(
    (await key.call('POST', '/api/v1/integrations/sales/leads', { email: 'x@example.com' })).status,
  ).toBe(403)
})

test('a denial for a role at a domain wins over a right of the person at a record', async () => {
  await workspace.put('/api/v1/access/roles/trainee', {
    label: 'Trainee',
    scopes: ['leads:read', 'workspace:read'],
  })
  const key = await keyOf(['trainee'])
  expect((await key.get('/api/v1/leads')).status).toBe(200)
  await grant('role:trainee', 'deny', 'leads:read', 'domain:sales')
  await grant(key.id, 'allow', 'leads:read', `record:${leads.emea}`)
  await expect.poll(async () => (await key.get(`/api/v1/leads/${leads.emea}`)).status).toBe(403)
  const { body } = await workspace.get(
    `/api/v1/access/explain?principal=${key.id}&scope=leads:read&record=${leads.emea}`,
  )
  expect(body).toMatchObject({
    allowed: false,
    because: 'denial',
    decidedBy: { subject: 'role:trainee', node: 'domain:sales', effect: 'deny' },
    path: ['org', 'domain:sales', `record:${leads.emea}`],
    personalValues: 'masked',
  })
  expect(body.considered).toHaveLength(2)
})

test('explain says which role gives a scope, and that nothing does', async () => {
  const key = await keyOf(['sales'])
  const explain = async (scope: string) =>
    (await workspace.get(`/api/v1/access/explain?principal=${key.id}&scope=${scope}`)).body
  expect(await explain('leads:read')).toMatchObject({
    allowed: true,
    because: 'role',
    rolesWithScope: ['sales'],
    personalValues: 'clear',
  })
  expect(await explain('campaigns:write')).toMatchObject({
    allowed: false,
    because: 'default',
    decidedBy: null,
  })
  expectProblem(
    await workspace.get('/api/v1/access/explain?principal=key_0&scope=leads:read'),
    404,
    'resource.not_found',
  )
})

test('explain names a role of the workspace’s own that gives the scope', async () => {
  const role = { label: 'Route planner', scopes: ['routing:write'] }
  expect((await workspace.put('/api/v1/access/roles/route-planner', role)).status).toBe(200)
  const key = await keyOf(['route-planner'])
  const asked = `/api/v1/access/explain?principal=${key.id}&scope=routing:write`
  expect((await workspace.get(asked)).body).toMatchObject({
    allowed: true,
    because: 'role',
    rolesWithScope: ['route-planner'],
  })
})

test('every scope is listed once, with what it lets its bearer do and its domain', async () => {
  const { body } = await workspace.get('/api/v1/access/scopes')
  const list = body.data as { name: string; about: string; domain: string }[]
  expect(list.map(({ name }) => name)).toEqual(allScopes)
  expect(list.find(({ name }) => name === 'leads:write')).toEqual({
    name: 'leads:write',
    about: scopes['leads:write'],
    domain: 'sales',
  })
})

test('nobody grants, or puts into a role, what they do not have', async () => {
  const clerk = await workspace.withKey({ scopes: ['access:write', 'leads:read'] })
  const ask = (scope: string) =>
    clerk.post('/api/v1/access/grants', {
      subject: 'role:sales',
      effect: 'allow',
      scope,
      node: 'org',
    })
  expectProblem(await ask('keys:write'), 403, 'auth.forbidden')
  expectProblem(await ask('*'), 403, 'auth.forbidden')
  expect((await ask('leads:read')).status).toBe(201)
  expectProblem(
    await clerk.put('/api/v1/access/roles/sly', { label: 'Sly', scopes: ['keys:write'] }),
    403,
    'auth.forbidden',
  )
  expectProblem(
    await workspace.put('/api/v1/access/roles/admin', { label: 'x', scopes: [] }),
    422,
    'request.invalid',
  )
})

test('who may not see personal values gets them masked, everywhere and in the documented form', async () => {
  const key = await keyOf([], {
    scopes: ['leads:read', 'leads:write', 'owners:read', 'people:read'],
  })
  const lead = (await key.get(`/api/v1/leads/${leads.emea}`)).body
  expect(lead.id).toBe(leads.emea)
  expect(lead.email).toBe('•••')
  const made = await key.call('POST', '/api/v1/integrations/sales/leads', {
    leads: [{ email: 'fresh@example.com', firstName: 'Fresh' }],
  })
  expect(made.status).toBe(207)
  expect(JSON.stringify(made.body)).not.toMatch(/fresh@example|Fresh/)
  const csv = await fetch(`${hub.url}/api/v1/leads?format=csv`, {
    headers: { authorization: `Bearer ${await tokenWithout()}` },
  })
  expect(await csv.text()).not.toContain('one@example.com')
  expect((await key.get('/api/v1/leads?q=one@example.com')).status).not.toBe(200)
  const { operations } = hub.app
  const schema = operations.find((operation) => operation.id === 'getLead')!.output
  expect(schema.safeParse(lead).success).toBe(true)
})

async function tokenWithout(): Promise<string> {
  const now = hub.app.clock.now()
  const input = { name: 'k', roles: [], scopes: ['leads:read'] }
  return (await issueKey(hub.app.store, workspace.id, input, now)).token
}

test('a key limited to customer accounts reads nothing that is not told by account', async () => {
  const key = await keyOf(['sales'], { tenants: ['acc_1'] })
  for (const path of ['/api/v1/leads', '/api/v1/owners', '/api/v1/workspace', '/api/v1/overview'])
    expect((await key.get(path)).status, path).toBe(403)
})

test('a rule ties scopes to networks, purposes and hours', async () => {
  const own = await hub.freshWorkspace()
  const call = async (headers: Record<string, string> = {}) =>
    (await own.get('/api/v1/leads', headers)).status
  expect(await call()).toBe(200)
  const rule = {
    name: 'Stated purpose',
    effect: 'deny',
    scopes: ['leads:*'],
    purposes: ['support'],
  }
  const made = await own.post('/api/v1/access/rules', rule)
  expect(made.status).toBe(201)
  await expect.poll(() => call()).toBe(403)
  expect(await call({ 'x-purpose': 'support' })).toBe(200)
  expect(await call({ 'x-purpose': 'curiosity' })).toBe(403)
  await own.delete(`/api/v1/access/rules/${made.body.id}`)
  await expect.poll(() => call()).toBe(200)
  await own.post('/api/v1/access/rules', {
    name: 'Office',
    effect: 'deny',
    scopes: ['leads:read'],
    networks: ['10.0.0.0/8'],
  })
  await expect.poll(() => call()).toBe(403)
  expect((await own.get('/api/v1/campaigns')).status).toBe(200)
  expectProblem(
    await own.post('/api/v1/access/rules', { ...rule, networks: ['10.0.0.0/99'] }),
    422,
    'request.invalid',
  )
})

const rule = (fields: Partial<ContextRule>): ContextRule => ({
  id: 'crl_1',
  name: 'r',
  effect: 'deny',
  scopes: ['*'],
  roles: [],
  dataClass: 'any',
  networks: [],
  hours: null,
  purposes: [],
  ...fields,
})
const at = (text: string, more = {}) => ({
  scope: 'leads:read',
  roles: ['sales'],
  now: new Date(text),
  remoteAddress: '10.1.2.3',
  purpose: null,
  isPersonal: true,
  isPerson: true,
  device: null,
  ...more,
})
const TUESDAY = '2026-11-24T10:00:00Z'
const firstSeen = (day: string, confirmed: string | null = null) => ({
  device: { firstSeenAt: new Date(day), confirmedAt: confirmed && new Date(confirmed) },
})
const fresh = firstSeen('2026-11-17T10:00:01Z')
const weekOld = firstSeen('2026-11-17T10:00:00Z')
const confirmed = firstSeen(TUESDAY, TUESDAY)
const NO_DEVICE = { device: null }
const KEY = { isPerson: false, device: null }

test.each([
  [
    'inside the hours',
    rule({
      hours: { days: [1, 2, 3, 4, 5], from: '08:00', to: '18:00', timeZone: 'Europe/Berlin' },
    }),
    at('2026-11-25T07:30:00Z'),
    'allow',
  ],
  [
    'before the hours of its zone',
    rule({ hours: { days: [3], from: '08:00', to: '18:00', timeZone: 'America/New_York' } }),
    at('2026-11-25T07:30:00Z'),
    'deny',
  ],
  [
    'at the weekend',
    rule({ hours: { days: [1, 2, 3, 4, 5], from: '00:00', to: '23:59', timeZone: 'UTC' } }),
    at('2026-11-28T10:00:00Z'),
    'deny',
  ],
  [
    'outside the network',
    rule({ networks: ['192.168.0.0/16'] }),
    at('2026-11-25T07:30:00Z'),
    'deny',
  ],
  [
    'for another role',
    rule({ roles: ['finance'], networks: ['192.168.0.0/16'] }),
    at('2026-11-25T07:30:00Z'),
    'allow',
  ],
  [
    'for data that is not personal',
    rule({ dataClass: 'personal', networks: ['192.168.0.0/16'] }),
    at('2026-11-25T07:30:00Z', { isPersonal: false }),
    'allow',
  ],
  [
    'with a step-up and no other circumstance',
    rule({ effect: 'step_up' }),
    at('2026-11-25T07:30:00Z'),
    'step_up',
  ],
  ['on a new device', rule({ devices: 'known' }), at(TUESDAY, fresh), 'deny'],
  ['on a device of a week', rule({ devices: 'known' }), at(TUESDAY, weekOld), 'allow'],
  [
    'on a new device that is confirmed',
    rule({ devices: 'known' }),
    at(TUESDAY, confirmed),
    'allow',
  ],
  ['on a known device', rule({ devices: 'confirmed' }), at(TUESDAY, weekOld), 'deny'],
  ['on a confirmed device', rule({ devices: 'confirmed' }), at(TUESDAY, confirmed), 'allow'],
  ['of a person without a device', rule({ devices: 'known' }), at(TUESDAY, NO_DEVICE), 'deny'],
  ['of a key, by a device', rule({ devices: 'confirmed' }), at(TUESDAY, KEY), 'allow'],
  [
    'of a key, by its network beside a device',
    rule({ devices: 'confirmed', networks: ['192.168.0.0/16'] }),
    at(TUESDAY, KEY),
    'deny',
  ],
  [
    'on a confirmed device outside the network',
    rule({ devices: 'confirmed', networks: ['192.168.0.0/16'] }),
    at(TUESDAY, confirmed),
    'deny',
  ],
  [
    'to one’s own account on a new device',
    rule({ devices: 'confirmed' }),
    at(TUESDAY, { ...fresh, scope: 'account:write' }),
    'allow',
  ],
  ['by a rule from before devices', rule({}), at(TUESDAY, confirmed), 'deny'],
  [
    'with a step-up on a new device',
    rule({ effect: 'step_up', devices: 'confirmed' }),
    at(TUESDAY, fresh),
    'step_up',
  ],
] as const)('a call %s is judged', (_what, given, call, verdict) => {
  expect(judge([given], call).kind).toBe(verdict)
})

test.each([
  ['all at once', { networks: ['192.168.0.0/16'], purposes: ['support'], devices: 'confirmed' }],
  ['a device alone', { devices: 'known' }],
  ['nothing', {}],
] as const)('a refusal names what does not hold: %s', (what, fields) => {
  const verdict = judge([rule(fields as Partial<ContextRule>)], at(TUESDAY, fresh))
  expect(verdict).toMatchObject({ kind: 'deny', takesSecondFactor: 'devices' in fields })
  expect(verdict.kind === 'deny' && verdict.unmet).toEqual(
    {
      'all at once': [
        'from this network',
        'without a stated purpose',
        'on a device that is not confirmed',
      ],
      'a device alone': ['on a device that is not known for 7 days yet'],
      nothing: [],
    }[what],
  )
})

test('of two rules that ask to confirm, the one that takes a second factor wins in either order', () => {
  const plain = rule({ effect: 'step_up', networks: ['192.168.0.0/16'] })
  const strong = rule({ effect: 'step_up', devices: 'confirmed' })
  for (const rules of [
    [plain, strong],
    [strong, plain],
  ])
    expect(judge(rules, at(TUESDAY, fresh))).toMatchObject({
      rule: strong,
      takesSecondFactor: true,
    })
})

test('networks hold IPv4 inside IPv6, and hours may span midnight', () => {
  expect(networkList(['10.0.0.0/8'])('::ffff:10.9.9.9')).toBe(true)
  expect(networkList(['2001:db8::/32'])('2001:db8:1::1')).toBe(true)
  expect(networkList(['10.0.0.0/8'])('not an address')).toBe(false)
  const night = { days: [1, 2, 3, 4, 5, 6, 7], from: '22:00', to: '06:00', timeZone: 'UTC' }
  expect(isDuring(night, new Date('2026-11-25T23:00:00Z'))).toBe(true)
  expect(isDuring(night, new Date('2026-11-25T12:00:00Z'))).toBe(false)
})
