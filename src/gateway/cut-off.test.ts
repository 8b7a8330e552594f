import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { get, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { Client } from 'pg'
import { pino } from 'pino'
import { expect, inject, test } from 'vitest'
import { MINUTE_MS } from '#core/time.ts'
import { ManualClock, useHub, type TestWorkspace } from '#tests/hub.ts'

interface Line {
  operation: string
  status: number
  msg: string
}

const lines: Line[] = []
const log = pino({ level: 'info' }, { write: (text: string) => lines.push(JSON.parse(text)) })
const clock = new ManualClock(new Date('2026-11-23T09:00:00Z'))
const hub = useHub({ clock, log })
const ROWS = 15_000
const LIST = '/api/v1/campaigns'

/** A workspace with a list of many pages. */
async function longList(): Promise<TestWorkspace> {
  const workspace = await hub.freshWorkspace()
  await hub.app.store.transaction(workspace.id, (tx) =>
    tx.execute(sql`
      insert into campaigns (id, workspace_id, key, name, channel, status, created_at, updated_at)
      select 'cmp_' || md5(${workspace.id} || i), ${workspace.id}, 'k' || i, repeat('n', 150), 'email', 'active',
        ${clock.now()}::timestamptz - i * interval '1 second', ${clock.now()}
      from generate_series(1, ${ROWS}) i`),
  )
  return workspace
}

/** Holds the list's next page up in the database, and ends its query there. */
async function killQueryOf(table: string): Promise<void> {
  const client = new Client({ connectionString: hub.app.store.connectionString })
  await client.connect()
  try {
    await client.query(`begin; lock table ${table} in access exclusive mode`)
    const killed = () =>
      client.query(
        `select pg_terminate_backend(pid) from pg_locks where relation = '${table}'::regclass and not granted`,
      )
    await expect.poll(async () => (await killed()).rowCount, { timeout: 20_000 }).toBeGreaterThan(0)
    await client.query('commit')
  } finally {
    await client.end()
  }
}

/** Asks for the export over a connection of its own; answers its head once that came. */
async function ask(workspace: TestWorkspace, path: string): Promise<IncomingMessage> {
  const headers = { authorization: `Bearer ${workspace.key}` }
  const request = get(`${hub.url}${path}`, { headers, agent: false })
  const [answer] = (await once(request, 'response')) as [IncomingMessage]
  return answer
}

async function readAll(answer: IncomingMessage): Promise<{ text: string; fault: string | null }> {
  let text = ''
  try {
    for await (const part of answer) text += String(part)
    return { text, fault: null }
  } catch (thrown) {
    return { text, fault: (thrown as NodeJS.ErrnoException).code ?? String(thrown) }
  }
}

async function entriesOf(workspace: TestWorkspace, action: string) {
  await hub.app.accessLog.flush()
  const { body } = await workspace.get('/api/v1/audit?limit=200')
  return body.data.filter((one: { action: string }) => one.action === action)
}

test('an export whose query dies half-way cuts the connection, and counts as failed in log, levels and audit', async () => {
  const workspace = await longList()
  const answer = await ask(workspace, `${LIST}?format=csv`)
  expect(answer.statusCode).toBe(200)
  const [{ text, fault }] = await Promise.all([readAll(answer), killQueryOf('campaigns')])
  expect(fault).toBe('ECONNRESET')
  expect(answer.complete).toBe(false)
  expect(text.split('\r\n').length).toBeGreaterThan(1)
  expect(text.split('\r\n').length).toBeLessThan(ROWS)
  const line = () => lines.find(({ operation }) => operation === 'listCampaigns.csv')
  await expect.poll(line).toMatchObject({ msg: 'request failed' })
  expect(line()!.status).toBeGreaterThanOrEqual(500)
  expect(await entriesOf(workspace, 'export.broken_off')).toMatchObject([
    { detail: { operation: 'listCampaigns', status: line()!.status } },
  ])
  clock.advance(MINUTE_MS)
  await hub.app.levels.flush()
  const { body } = await workspace.get('/api/v1/service-levels?window=5m&limit=500')
  const level = body.data.find((one: Line) => one.operation === 'listCampaigns.csv')
  expect(level).toMatchObject({ calls: 1, faults: 1 })
  // The same list goes out whole once nothing stands in the way.
  const whole = await readAll(await ask(workspace, `${LIST}?format=csv`))
  expect(whole.fault).toBeNull()
  expect(whole.text.trimEnd().split('\r\n').length).toBe(ROWS + 1)
})

test('a caller who goes away half-way is no fault of the hub', async () => {
  const workspace = await longList()
  lines.length = 0
  const answer = await ask(workspace, `${LIST}?format=csv`)
  await once(answer, 'data')
  answer.destroy()
  await expect
    .poll(() => lines.find(({ operation }) => operation === 'listCampaigns.csv'))
    .toMatchObject({ status: 499, msg: 'request' })
})

test('the command leaves no file of an export that broke off, and the older one as it was', async () => {
  const workspace = await longList()
  await hub.app.store.system((tx) =>
    tx.execute(sql`update workspaces set name = 'Long list' where id = ${workspace.id}`),
  )
  const folder = await mkdtemp(join(tmpdir(), 'throughline-export-'))
  const out = join(folder, 'campaigns.csv')
  await writeFile(out, 'older')
  const run = () => {
    const entry = new URL('../main.ts', import.meta.url).pathname
    const args = ['export', 'campaigns', '--out', out, '--workspace', 'Long list']
    const env = {
      ...process.env,
      DATABASE_URL: hub.app.store.connectionString,
      THROUGHLINE_KEY_FILE: inject('keyFile'),
    }
    const child = spawn(process.execPath, [entry, ...args], {
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let said = ''
    child.stderr.on('data', (part) => (said += String(part)))
    return { ended: once(child, 'exit').then(([code]) => ({ code: code as number, said })) }
  }
  try {
    const broken = run()
    const begun = expect
      .poll(() => existsSync(`${out}.part`), { timeout: 60_000, interval: 5 })
      .toBe(true)
    const early = broken.ended.then(({ said }) => Promise.reject(new Error(`ended early: ${said}`)))
    early.catch(() => undefined)
    await Promise.race([begun, early])
    await killQueryOf('campaigns')
    const { code, said } = await broken.ended
    expect(code, said).not.toBe(0)
    expect(said).not.toBe('')
    expect(await readdir(folder)).toEqual(['campaigns.csv'])
    expect(await readFile(out, 'utf8')).toBe('older')
    const whole = await run().ended
    expect(whole.code, whole.said).toBe(0)
    expect((await readFile(out, 'utf8')).trimEnd().split('\r\n').length).toBe(ROWS + 1)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
