import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startHubspot, type HubspotSandbox } from '#sandbox/hubspot/index.ts'
import { expectProblem, useHub, type TestWorkspace } from '#tests/hub.ts'

const hub = useHub()
let sandbox: HubspotSandbox
let workspace: TestWorkspace

beforeAll(async () => {
  sandbox = await startHubspot({
    limits: { tenSecondly: null, daily: null, searchSecondly: null },
  })
})
afterAll(() => sandbox.stop())
beforeEach(async () => {
  sandbox.reset()
  workspace = await hub.freshWorkspace()
})

const settings = () => ({ baseUrl: sandbox.url, token: sandbox.token })

async function connect(): Promise<string> {
  const made = await workspace.post('/api/v1/connections', {
    vendor: 'hubspot',
    name: 'CRM',
    settings: settings(),
  })
  expect(made.status).toBe(201)
  return made.body.id
}

/** Runs the connection now and answers the run once it has ended. */
async function runNow(connectionId: string) {
  const asked = await workspace.post(`/api/v1/connections/${connectionId}/runs`, {})
  expect(asked.status, asked.text).toBe(202)
  await hub.settle()
  return (await workspace.get(`/api/v1/sync/runs/${asked.body.id}`)).body
}

async function captureLead(email: string): Promise<string> {
  const made = await workspace.post('/api/v1/integrations/sales/leads', { email })
  expect(made.status).toBeLessThan(300)
  await hub.settle()
  return made.body.lead?.id ?? made.body.id
}

describe('connections', () => {
  test('credentials that do not work are refused with what to do and nothing is kept', async () => {
    const refused = await workspace.post('/api/v1/connections', {
      vendor: 'hubspot',
      name: 'CRM',
      settings: { ...settings(), token: 'pat-wrong' },
    })
    expectProblem(refused, 422, 'connection.failed')
    expect((await workspace.get('/api/v1/connections')).body.data).toEqual([])
  })

  test('secrets never come back, in no answer and in no audit entry', async () => {
    const id = await connect()
    const answers = [
      await workspace.get(`/api/v1/connections/${id}`),
      await workspace.get('/api/v1/connections'),
      await workspace.patch(`/api/v1/connections/${id}`, { name: 'Sales CRM' }),
      await workspace.get('/api/v1/audit'),
    ]
    for (const answer of answers) expect(answer.text).not.toContain(sandbox.token)
    expect(answers[0]?.body.settings).toMatchObject({ token: true, baseUrl: sandbox.url })
  })

  test('unknown vendors, missing credentials and taken names are told apart', async () => {
    await connect()
    const post = (body: object) => workspace.post('/api/v1/connections', body)
    expectProblem(await post({ vendor: 'x', name: 'y', settings: {} }), 422, 'request.invalid')
    const empty = await post({ vendor: 'hubspot', name: 'y', settings: {} })
    expectProblem(empty, 422, 'request.invalid')
    expect(empty.body.errors[0].pointer).toBe('/settings/token')
    const twin = await post({ vendor: 'hubspot', name: 'CRM', settings: settings() })
    expectProblem(twin, 409, 'connection.duplicate')
  })

  test('streams come with cadence and reason, and can be paused and sped up', async () => {
    const id = await connect()
    const { data } = (await workspace.get(`/api/v1/connections/${id}/streams`)).body
    expect(data.map((stream: { name: string }) => stream.name)).toEqual([
      'owners',
      'pipelines',
      'stages',
      'companies',
      'contacts',
      'deals',
      'tasks',
      'campaigns',
    ])
    const path = `/api/v1/connections/${id}/streams/deals`
    const changed = await workspace.patch(path, { paused: true, everyMinutes: 60 })
    expect(changed.body).toMatchObject({ paused: true, everyMinutes: 60, version: 2 })
    const run = await workspace.post(`/api/v1/connections/${id}/runs`, { streams: ['deals'] })
    expectProblem(run, 409, 'sync.paused')
  })

  test('another workspace finds neither the connection nor its runs', async () => {
    const id = await connect()
    const run = await runNow(id)
    const other = await hub.freshWorkspace()
    for (const path of [`/api/v1/connections/${id}`, `/api/v1/sync/runs/${run.id}`]) {
      expectProblem(await other.get(path), 404, 'resource.not_found')
    }
    expect((await other.get('/api/v1/sync/health')).body.data).toEqual([])
  })
})

describe('from a captured lead to the CRM', () => {
  test('a run now brings it there, and its journey shows every step', async () => {
    const id = await connect()
    const leadId = await captureLead('ada@example.com')
    const run = await runNow(id)
    expect(run).toMatchObject({ state: 'succeeded', counts: { contacts: { created: 1 } } })
    expect(sandbox.count('contacts')).toBe(1)
    const journey = (await workspace.get(`/api/v1/records/lead/${leadId}/journey`)).body
    expect(journey.links).toHaveLength(1)
    expect(journey.pending).toEqual([])
    expect(journey.outcomes[0]).toMatchObject({ outcome: 'created', stream: 'contacts' })
    expect(JSON.stringify(journey)).not.toContain('ada@example.com')
  })

  test('a refusal is counted by cause, explained, retried by group and closed by success', async () => {
    const id = await connect()
    const leadId = await captureLead('grace@example.com')
    const refusal = { category: 'VALIDATION_ERROR', message: '"error":"INVALID_OPTION","name":"x"' }
    const lift = sandbox.down(
      { path: '*/contacts/batch/upsert' },
      { kind: 'status', status: 400, body: { status: 'error', ...refusal } },
    )
    const run = await runNow(id)
    lift()
    expect(run).toMatchObject({ state: 'partial', counts: { contacts: { refused: 1 } } })
    expect(run.causes).toMatchObject([{ code: 'INVALID_OPTION', records: 1 }])
    expect(run.causes[0].whatToDo).toContain('Add the option')
    const records = await workspace.get(`/api/v1/sync/runs/${run.id}/records?outcome=refused`)
    expect(records.body.data).toMatchObject([{ localId: leadId, code: 'INVALID_OPTION' }])
    const health = (await workspace.get('/api/v1/sync/health')).body.data[0]
    expect(health).toMatchObject({ pending: { count: 1, held: 1 } })
    expect(health.errors).toMatchObject([{ code: 'INVALID_OPTION', count: 1, stream: 'contacts' }])
    const group = { connectionId: id, stream: 'contacts', code: 'INVALID_OPTION' }
    const retried = await workspace.post('/api/v1/sync/errors/retry', group)
    expect(retried.body).toEqual({ items: 1 })
    expect(await runNow(id)).toMatchObject({ state: 'succeeded' })
    expect((await workspace.get('/api/v1/sync/errors')).body.data).toEqual([])
  })

  test('a record that the CRM drops with a success is named by the certificate until it has arrived', async () => {
    const id = await connect()
    const leadId = await captureLead('lost@example.com')
    const path = '*/contacts/batch/upsert'
    sandbox.failNext({ kind: 'drop-writes', share: 1, seed: 1, count: 1, path })
    const run = await runNow(id)
    expect(run).toMatchObject({ state: 'partial' })
    expect(run.causes).toMatchObject([{ code: 'certificate.missing', records: 1 }])
    const at = `/api/v1/sync/runs/${run.id}`
    const { body } = await workspace.get(`${at}/certificate`)
    expect(body).toMatchObject({ verdict: 'incomplete' })
    expect(body.checkCalls).toBeGreaterThan(0)
    const contacts = body.streams.find(({ stream }: { stream: string }) => stream === 'contacts')
    expect(contacts).toMatchObject({
      scope: 'written',
      here: { records: 1 },
      there: { records: 0 },
      missing: 1,
    })
    const named = await workspace.get(`${at}/records?code=certificate.missing`)
    expect(named.body.data).toMatchObject([{ localId: leadId, outcome: 'refused' }])
    // It is due again at once: the fast lane may have sent it already.
    const next = await runNow(id)
    expect(next).toMatchObject({ state: 'succeeded' })
    const healed = await workspace.get(`/api/v1/sync/runs/${next.id}/certificate`)
    expect(healed.body).toMatchObject({ verdict: 'complete' })
    expect((await workspace.get('/api/v1/sync/errors')).body.data).toEqual([])
    expectProblem(
      await workspace.get('/api/v1/sync/runs/run_01a216a2863f7000937b5941f57d0000/certificate'),
      404,
      'resource.not_found',
    )
    const other = await hub.freshWorkspace()
    expectProblem(await other.get(`${at}/certificate`), 404, 'resource.not_found')
  })

  test('an ignored item keeps its reason and leaves the open list', async () => {
    const id = await connect()
    await captureLead('joan@example.com')
    const lift = sandbox.down({ path: '*/contacts/*' }, { kind: 'status', status: 403 })
    await runNow(id)
    lift()
    const [item] = (await workspace.get('/api/v1/sync/errors')).body.data
    expect(item).toMatchObject({ code: 'stream.permission', record: '' })
    const group = { connectionId: id, stream: item.stream, code: item.code }
    await workspace.post('/api/v1/sync/errors/assign', { ...group, owner: 'Sam' })
    await workspace.post('/api/v1/sync/errors/ignore', { ...group, reason: 'Known, fixed Monday' })
    expect((await workspace.get('/api/v1/sync/errors')).body.data).toEqual([])
    const ignored = await workspace.get('/api/v1/sync/errors?state=ignored')
    expect(ignored.body.data).toMatchObject([{ owner: 'Sam', reason: 'Known, fixed Monday' }])
  })

  test('lost credentials ask for a login, and new ones set everything going again', async () => {
    const id = await connect()
    await captureLead('mary@example.com')
    const lift = sandbox.down({}, { kind: 'status', status: 401 })
    expect(await runNow(id)).toMatchObject({ state: 'failed', fault: { kind: 'reauth' } })
    lift()
    const path = `/api/v1/connections/${id}`
    expect((await workspace.get(path)).body.state).toBe('needs_login')
    const mended = await workspace.patch(path, { settings: { token: sandbox.token } })
    expect(mended.body.state).toBe('active')
    expect(await runNow(id)).toMatchObject({ state: 'succeeded' })
    expect(sandbox.count('contacts')).toBe(1)
  })
})
