import { afterAll, beforeAll, expect, inject } from 'vitest'
import { createWorkspace, issueKey } from '#access/bootstrap.ts'
import { seedWorkspace, startApp, type App } from '#app.ts'
import { loadConfig, type Config } from '#config.ts'
import { silentLog, type Log } from '#core/log.ts'
import type { ProblemCode } from '#core/problem.ts'
import { ManualClock, type Clock } from '#core/time.ts'
import type { Pace } from '#sync/engine.ts'
import { copyDatabase, type TestDatabase } from '#tests/store.ts'

/** An answer as tests look at it. */
export interface TestAnswer {
  status: number
  headers: Headers
  text: string
  // The wire is whatever the test says it is.
  // oxlint-disable-next-line typescript/no-explicit-any
  body: any
}

/** A workspace of its own with an API key: tests that use different ones cannot meet. */
export interface TestWorkspace {
  id: string
  key: string
  get(path: string, headers?: Record<string, string>): Promise<TestAnswer>
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<TestAnswer>
  put(path: string, body: unknown, headers?: Record<string, string>): Promise<TestAnswer>
  patch(path: string, body: unknown, headers?: Record<string, string>): Promise<TestAnswer>
  delete(path: string, headers?: Record<string, string>): Promise<TestAnswer>
  /** The actions in the audit log, oldest first, without what was only read or refused. */
  auditActions(): Promise<string[]>
  /** Another key of the same workspace. */
  withKey(options: {
    roles?: string[]
    scopes?: string[]
    rateLimitPerMinute?: number
  }): Promise<TestWorkspace>
}

/** One running hub over real HTTP for the tests of a file. */
export interface TestHub {
  readonly app: App
  readonly url: string
  freshWorkspace(options?: {
    roles?: string[]
    scopes?: string[]
    rateLimitPerMinute?: number
    currency?: string
  }): Promise<TestWorkspace>
  /** Waits until every event is handled and no job waits. */
  settle(): Promise<void>
}

/** Starts a hub before the tests of this file and stops it after them. Jobs run only through `settle` or the clock's timers. */
export function useHub(
  options: { clock?: Clock; config?: Partial<Config>; log?: Log; syncPace?: Pace } = {},
): TestHub {
  let app: App | undefined
  let database: TestDatabase | undefined
  const running = (): App => {
    if (!app) throw new Error('the hub starts in beforeAll: use it inside a test')
    return app
  }
  beforeAll(async () => {
    // Of its own: relay, queue and timers take up whatever the database holds, also what belongs to another file's hub.
    database = await copyDatabase()
    const config = loadConfig(
      {},
      {
        databaseUrl: database.connectionString,
        keyFile: inject('keyFile'),
        httpPort: 0,
        poolSize: 8,
        runJobs: false,
        reportsKeptMs: 0,
        requireApprovals: false,
        threatIntervalMs: 0,
        ...options.config,
      },
    )
    app = await startApp(config, {
      listen: true,
      log: options.log ?? silentLog,
      ...(options.clock ? { clock: options.clock } : {}),
      ...(options.syncPace ? { syncPace: options.syncPace } : {}),
    })
  })
  afterAll(async () => {
    await app?.stop()
    await database?.drop()
  })
  return {
    get app() {
      return running()
    },
    get url() {
      return running().url
    },
    async freshWorkspace({ currency = 'EUR', ...key } = {}) {
      const { store, clock } = running()
      const now = clock.now()
      const id = await createWorkspace(
        store,
        { name: 'Test', currency, timeZone: 'UTC' },
        now,
        seedWorkspace,
      )
      return openWorkspace(running(), id, key)
    },
    async settle() {
      await running().jobs.drain()
    },
  }
}

export async function openWorkspace(
  app: App,
  id: string,
  options: { roles?: string[]; scopes?: string[]; rateLimitPerMinute?: number } = {},
): Promise<TestWorkspace> {
  const roles = options.roles ?? (options.scopes ? [] : ['admin'])
  const { token } = await issueKey(
    app.store,
    id,
    {
      name: 'test',
      roles,
      scopes: options.scopes ?? [],
      rateLimitPerMinute: options.rateLimitPerMinute ?? 1_000_000,
    },
    app.clock.now(),
  )
  const send = async (
    method: string,
    path: string,
    body: unknown,
    headers: Record<string, string> = {},
  ): Promise<TestAnswer> => {
    const answer = await fetch(app.url + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    const isJson = (answer.headers.get('content-type') ?? '').includes('json')
    return {
      status: answer.status,
      headers: answer.headers,
      text,
      body: isJson && text !== '' ? JSON.parse(text) : null,
    }
  }
  const workspace: TestWorkspace = {
    id,
    key: token,
    get: (path, headers) => send('GET', path, undefined, headers),
    post: (path, body, headers) => send('POST', path, body, headers),
    put: (path, body, headers) => send('PUT', path, body, headers),
    patch: (path, body, headers) => send('PATCH', path, body, headers),
    delete: (path, headers) => send('DELETE', path, undefined, headers),
    async auditActions() {
      const admin = await openWorkspace(app, id, { scopes: ['audit:read'] })
      const { body } = await admin.get('/api/v1/audit?limit=500')
      const actions = (body.data as { action: string }[]).map((entry) => entry.action).reverse()
      return actions.filter((action) => action !== 'data.read' && action !== 'access.refused')
    },
    withKey: (key) => openWorkspace(app, id, key),
  }
  return workspace
}

/** Asserts an RFC 9457 problem of this status and code. */
export function expectProblem(answer: TestAnswer, status: number, code: ProblemCode): void {
  expect({
    status: answer.status,
    code: answer.body?.code,
    type: answer.headers.get('content-type'),
  }).toEqual({
    status,
    code,
    type: 'application/problem+json',
  })
  expect(answer.body.status).toBe(status)
  expect(answer.body.instance).toBe(answer.headers.get('x-request-id'))
}

export { ManualClock }
