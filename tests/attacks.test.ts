import { execFile } from 'node:child_process'
import { request as httpRequest } from 'node:http'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeEach, describe, expect, test } from 'vitest'
import { expectProblem, useHub, type TestWorkspace } from '#tests/hub.ts'

const run = promisify(execFile)
const hub = useHub()
let workspace: TestWorkspace
beforeEach(async () => {
  workspace = await hub.freshWorkspace()
})

/** Sends a path as it is written: `fetch` would tidy it up. */
function rawGet(
  path: string,
): Promise<{ status: number; body: string; headers: NodeJS.Dict<string | string[]> }> {
  const { hostname, port } = new URL(hub.url)
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ hostname, port, path, method: 'GET' }, (answer) => {
      let body = ''
      answer.setEncoding('utf8')
      answer.on('data', (part: string) => (body += part))
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, body, headers: answer.headers }),
      )
    })
    sent.on('error', reject)
    sent.end()
  })
}

describe('what is sent in as data stays data', () => {
  test('SQL in filters, searches, cursors and ids finds nothing and changes nothing', async () => {
    await workspace.post('/api/v1/people', { email: 'ada@example.com' })
    const attacks = ["' or '1'='1", "'; drop table people; --", '") or 1=1 --', '%', '\\', '\u0000']
    for (const attack of attacks) {
      const text = encodeURIComponent(attack)
      for (const path of [
        `/api/v1/people?q=${text}`,
        `/api/v1/people?cursor=${text}`,
        `/api/v1/leads?channel=${text}`,
        `/api/v1/leads?q=${text}`,
        `/api/v1/campaigns?status=${text}`,
        `/api/v1/people/per_${text}`,
        `/api/v1/sync/runs?state=${text}`,
      ]) {
        const answer = await workspace.get(path)
        expect(answer.status, `${path} ${answer.text}`).toBeLessThan(500)
        if (answer.status === 200) expect(answer.body.data, path).toEqual([])
      }
    }
    expect((await workspace.get('/api/v1/people')).body.data).toHaveLength(1)
  })

  test('a body that names the prototype changes no object of the hub', async () => {
    for (const name of ['__proto__', 'constructor', 'prototype']) {
      const body = `{"email":"eve@example.com","${name}":{"isAdmin":true},"traits":{"${name}":"x"}}`
      const answer = await fetch(`${hub.url}/api/v1/people`, {
        method: 'POST',
        headers: { authorization: `Bearer ${workspace.key}`, 'content-type': 'application/json' },
        body,
      })
      expect(answer.status).toBeGreaterThanOrEqual(400)
      expect(answer.status).toBeLessThan(500)
    }
    expect(({} as Record<string, unknown>)['isAdmin']).toBeUndefined()
  })

  test('line breaks in what a caller sends make no further line of the log and no further header', async () => {
    const script = `import { createLog } from '#core/log.ts'
      createLog('info').info({ requestId: 'req_1\\n{"level":50,"msg":"forged"}' }, 'a\\nb')`
    const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', script], {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
    })
    const lines = `${stdout}\n${stderr}`.split('\n').filter((line) => line.startsWith('{'))
    expect(lines).toHaveLength(1)
    expect(JSON.parse(lines[0]!)).toMatchObject({ level: 30, msg: 'a\nb' })
    const answer = await rawGet('/api/v1/people?q=%0d%0aset-cookie:%20evil=1')
    expect(answer.headers['set-cookie']).toBeUndefined()
  })

  test('a caller cannot set what is the hub’s to set', async () => {
    const answer = await workspace.post('/api/v1/campaigns', {
      key: 'spring',
      name: 'Spring',
      channel: 'email',
      workspaceId: 'wsp_01a216a2863f7000937b5941f57d0000',
      version: 7,
    })
    expectProblem(answer, 422, 'request.invalid')
    expect(
      answer.body.errors.map((fault: { pointer: string }) => fault.pointer).toSorted(),
    ).toEqual(['/version', '/workspaceId'])
  })
})

describe('the pages', () => {
  test('no path climbs out of the folder of the console', async () => {
    for (const path of [
      '/../package.json',
      '/assets/../../package.json',
      '/assets/..%2f..%2fpackage.json',
      '/assets/%2e%2e/%2e%2e/package.json',
      '/..\\..\\package.json',
      '/assets/%00/../../../package.json',
      '//etc/passwd',
    ]) {
      const { body } = await rawGet(path)
      expect(body, path).not.toContain('"name": "throughline"')
      expect(body, path).not.toContain('root:')
    }
  })

  test('no page is shown in a frame of another site, and none is guessed to be of another type', async () => {
    for (const path of ['/', '/docs', '/sync', '/api/v1/people']) {
      const { headers } = await rawGet(path)
      expect(headers['x-content-type-options'], path).toBe('nosniff')
      const policy = String(headers['content-security-policy'] ?? '')
      if (String(headers['content-type']).includes('html'))
        expect(policy, path).toContain("frame-ancestors 'none'")
    }
  })
})

describe('keys', () => {
  test('an idempotency key of another caller answers with nothing of theirs', async () => {
    const body = { email: 'ada@example.com' }
    const headers = { 'idempotency-key': 'the-same-key' }
    const first = await workspace.post('/api/v1/people', body, headers)
    const other = await hub.freshWorkspace()
    const second = await other.post('/api/v1/people', body, headers)
    expect(second.status).toBe(201)
    expect(second.body.id).not.toBe(first.body.id)
    expect(second.headers.get('idempotency-replayed')).toBeNull()
  })

  test('a guessed key is refused like a wrong one, whatever part of it is right', async () => {
    const right = workspace.key
    const guesses = [
      right.slice(0, -1),
      `${right.slice(0, -1)}x`,
      `${right}x`,
      right.slice(0, 12),
      '',
    ]
    const answers = await Promise.all(
      guesses.map((guess) =>
        fetch(`${hub.url}/api/v1/people`, { headers: { authorization: `Bearer ${guess}` } }),
      ),
    )
    const bodies = await Promise.all(
      answers.map((answer) => answer.json() as Promise<{ code: string; detail: string }>),
    )
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]))
    expect(new Set(bodies.slice(0, 4).map(({ code, detail }) => `${code} ${detail}`)).size).toBe(1)
  })
})
