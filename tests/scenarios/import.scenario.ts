import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { useHub } from '#tests/hub.ts'

const hub = useHub()
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const OLIST = join(process.env['THROUGHLINE_DATA'] ?? '../shared/data', 'leads/olist_mql.csv.gz')

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'throughline-import-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** A workspace that the command can name. */
async function namedWorkspace() {
  const workspace = await hub.freshWorkspace()
  await hub.app.store.system((tx) =>
    tx.execute(sql`update workspaces set name = id where id = ${workspace.id}`),
  )
  return workspace.id
}

function begin(workspaceId: string, args: string[]) {
  const child = spawn(
    process.execPath,
    [join(ROOT, 'bin/throughline.js'), ...args, '--workspace', workspaceId],
    {
      env: {
        ...process.env,
        DATABASE_URL: hub.app.store.connectionString,
        THROUGHLINE_KEY_FILE: inject('keyFile'),
        THROUGHLINE_LOG_LEVEL: 'error',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  let out = ''
  let err = ''
  child.stdout.on('data', (part: Buffer) => (out += part.toString()))
  child.stderr.on('data', (part: Buffer) => (err += part.toString()))
  const end = new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
    child.once('close', (code) => resolve({ code, out, err }))
  })
  return { child, end }
}

const run = (workspaceId: string, ...args: string[]) => begin(workspaceId, args).end

/** The last line of what the command says: the counts. */
const lastLine = (text: string) => text.trim().split('\n').at(-1)

async function figures(workspaceId: string) {
  const [row] = await hub.app.store.read(workspaceId, (tx) =>
    tx.query(sql<{ imports: number; position: number; leads: number; captures: number }>`
      select (select count(*) from imports) as imports, (select max(position) from imports) as position,
        (select count(*) from leads) as leads, (select count(*) from lead_captures) as captures`),
  )
  return row!
}

test('an import that is killed goes on where it was, and each lead is there once', async () => {
  const workspaceId = await namedWorkspace()
  const path = join(folder, 'killed.csv')
  const rows = Array.from({ length: 6000 }, (_, i) => `lead-${i},person${i}@x.example,2024-05-17`)
  await writeFile(path, ['lead id,email,created at', ...rows].join('\n'))
  const args = ['import', 'leads', path]
  const first = begin(workspaceId, args)
  await expect
    .poll(async () => (await figures(workspaceId)).position ?? 0, { timeout: 60_000, interval: 20 })
    .toBeGreaterThan(0)
  first.child.kill('SIGKILL')
  expect((await first.end).code).toBeNull()
  const midway = await figures(workspaceId)
  expect(midway.position).toBeLessThan(6000)
  expect(midway.captures).toBe(midway.position)
  // As if the dead process had been silent for long enough.
  await hub.app.store.system((tx) =>
    tx.execute(
      sql`update imports set held_until = clock_timestamp() where workspace_id = ${workspaceId}`,
    ),
  )
  const second = await run(workspaceId, ...args)
  expect(second.err).not.toContain('Error')
  expect(second.out).toContain(`Going on after row ${midway.position}`)
  expect(lastLine(second.out)).toBe(
    '6,000 rows read: 6,000 created, 0 updated, 0 unchanged, 0 rejected',
  )
  expect(await figures(workspaceId)).toEqual({
    imports: 1,
    position: 6000,
    leads: 6000,
    captures: 6000,
  })
})

test('rejects are written as a file that can be corrected, and nothing taken is a failure', async () => {
  const workspaceId = await namedWorkspace()
  const [path, rejects] = [join(folder, 'bad.csv'), join(folder, 'rejects.csv')]
  await writeFile(path, 'email;note\nada(at)x.example;=1+1\n')
  const answer = await run(
    workspaceId,
    'import',
    'leads',
    path,
    '--map',
    'email=email',
    '--rejects',
    rejects,
  )
  expect(answer.code).toBe(1)
  expect(answer.out).toContain('1 rows read: 0 created, 0 updated, 0 unchanged, 1 rejected')
  const [header, row] = (await readFile(rejects, 'utf8')).split('\r\n')
  expect(header).toBe('email,note,reject_reason,reject_line')
  expect(row).toMatch(/^ada\(at\)x\.example,'=1\+1,.*e-mail address.*,2$/)
})

test('a column of dates that can be read two ways must be chosen, and the message says how', async () => {
  const workspaceId = await namedWorkspace()
  const path = join(folder, 'dates.csv')
  await writeFile(path, 'email,date\nada@x.example,03/04/2024\n')
  const refused = await run(workspaceId, 'import', 'leads', path)
  expect(refused.code).toBe(1)
  expect(refused.err).toContain('--date-format "date=day-first"')
  const dry = await run(workspaceId, 'import', 'leads', path, '-d', 'date=month-first', '--dry-run')
  expect(lastLine(dry.out)).toBe('1 rows read: 1 would be imported, 0 unchanged, 0 rejected')
  expect((await figures(workspaceId)).imports).toBe(0)
})

test('the marketing-qualified leads of Olist import whole, and again change nothing', async ({
  annotate,
}) => {
  if (!existsSync(OLIST)) {
    await annotate(`${OLIST} is not here, so this run says nothing about it; set THROUGHLINE_DATA.`)
    return
  }
  const workspaceId = await namedWorkspace()
  const args = ['import', 'leads', OLIST, '--source', 'olist']
  const first = await run(workspaceId, ...args)
  expect(lastLine(first.out)).toBe(
    '3,981 rows read: 3,981 created, 0 updated, 0 unchanged, 0 rejected',
  )
  const second = await run(workspaceId, ...args)
  expect(lastLine(second.out)).toBe(
    '3,981 rows read: 0 created, 0 updated, 3,981 unchanged, 0 rejected',
  )
  expect(await figures(workspaceId)).toMatchObject({ leads: 3981, captures: 3981 })
  const channels = await hub.app.store.read(workspaceId, (tx) =>
    tx.query(
      sql<{ channel: string; first: string; n: number }>`
        select channel, min(captured_at)::date as first, count(*) as n from leads group by channel order by n desc, channel`,
    ),
  )
  expect(channels.map(({ channel }) => channel)).toContain('organic_search')
  expect(channels.map(({ channel }) => channel)).toContain('unknown')
  expect(channels.every(({ first }) => first.startsWith('201'))).toBe(true)
})
