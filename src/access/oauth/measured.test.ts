import { Client } from 'pg'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { MINUTE_MS } from '#core/time.ts'
import { ManualClock, useHub, type TestWorkspace } from '#tests/hub.ts'

interface Line {
  operation: string
  status: number
  workspaceId?: string
  principalId?: string
}

const lines: Line[] = []
const log = pino({ level: 'info' }, { write: (text: string) => lines.push(JSON.parse(text)) })
const clock = new ManualClock(new Date())
const hub = useHub({ clock, log })

async function service(workspace: TestWorkspace): Promise<{ id: string; secret: string }> {
  const made = await workspace.post('/api/v1/oauth/clients', {
    name: 'Service',
    kind: 'service',
    scopes: ['leads:read'],
  })
  expect(made.status, made.text).toBe(201)
  return made.body
}

function post(path: string, { id, secret }: { id: string; secret: string }, form: object) {
  return fetch(hub.url + path, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
    body: new URLSearchParams({ ...form }),
  })
}

const grant = { grant_type: 'client_credentials' }

async function levelsOf(workspace: TestWorkspace) {
  clock.advance(MINUTE_MS)
  await hub.app.levels.flush()
  const { body } = await workspace.get('/api/v1/service-levels?window=5m&limit=500')
  const rows = body.data as { operation: string; calls: number; refused: number; faults: number }[]
  return new Map(rows.map((row) => [row.operation, row]))
}

test('calls of the authorization server count by their route: in levels of the client’s workspace, in the metrics and in the log', async () => {
  const workspace = await hub.freshWorkspace()
  const client = await service(workspace)
  const answer = await post('/oauth/token', client, grant)
  expect(answer.status).toBe(200)
  const { access_token: token } = (await answer.json()) as { access_token: string }
  expect((await post('/oauth/introspect', client, { token })).status).toBe(200)
  expect((await post('/oauth/token', client, { ...grant, scope: 'keys:write' })).status).toBe(400)
  expect((await post('/oauth/token', { ...client, secret: 'wrong' }, grant)).status).toBe(401)
  expect((await post('/oauth/revoke', client, { token })).status).toBe(200)
  expect((await fetch(`${hub.url}/oauth/jwks`)).status).toBe(200)
  expect((await fetch(`${hub.url}/oauth/authorize?client_id=${client.id}`)).status).toBe(400)
  const levels = await levelsOf(workspace)
  // Who did not prove to be the client belongs to no workspace.
  expect(levels.get('oauth.token')).toMatchObject({ calls: 2, refused: 1, faults: 0 })
  expect(levels.get('oauth.introspect')).toMatchObject({ calls: 1, refused: 0 })
  expect(levels.get('oauth.revoke')).toMatchObject({ calls: 1, refused: 0 })
  const own = lines.filter(({ principalId }) => principalId === client.id)
  expect(own).toContainEqual(
    expect.objectContaining({ operation: 'oauth.token', status: 200, workspaceId: workspace.id }),
  )
  const metrics = await hub.app.metrics.registry.metrics()
  for (const [operation, status, calls] of [
    ['oauth.token', '2xx', 1],
    ['oauth.token', '4xx', 2],
    ['oauth.introspect', '2xx', 1],
    ['oauth.revoke', '2xx', 1],
    ['oauth.jwks', '2xx', 1],
    ['oauth.authorize', '4xx', 1],
  ] as const)
    expect(metrics).toMatch(
      new RegExp(`_seconds_count{operation="${operation}",status="${status}"} ${calls}\\n`),
    )
})

test('a fault of the authorization server counts as one and leaves nobody waiting', async () => {
  const workspace = await hub.freshWorkspace()
  const client = await service(workspace)
  const answer = await post('/oauth/token', client, grant)
  const { access_token: token } = (await answer.json()) as { access_token: string }
  const database = new Client({ connectionString: hub.app.store.connectionString })
  await database.connect()
  try {
    await database.query('alter table oauth_revocations rename to oauth_revocations_away')
    expect((await post('/oauth/revoke', client, { token })).status).toBe(500)
  } finally {
    await database.query('alter table oauth_revocations_away rename to oauth_revocations')
    await database.end()
  }
  const levels = await levelsOf(workspace)
  expect(levels.get('oauth.revoke')).toMatchObject({ calls: 1, faults: 1 })
  expect(lines.filter(({ status }) => status === 500)).toMatchObject([
    { operation: 'oauth.revoke' },
  ])
})
