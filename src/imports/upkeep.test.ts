import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { DAY_MS } from '#core/time.ts'
import type { JobContext } from '#jobs/job.ts'
import { ManualClock, useHub, type TestWorkspace } from '#tests/hub.ts'

const hub = useHub({ config: { runJobs: false } })
const FILE = 'email,origin\nada@x.example,social\nnobody,social\nbob@x.example,social\n'

async function upload(workspace: TestWorkspace): Promise<string> {
  const answer = await fetch(`${hub.url}/api/v1/imports?target=leads&fileName=a.csv`, {
    method: 'POST',
    body: FILE,
    headers: { authorization: `Bearer ${workspace.key}`, 'content-type': 'text/csv' },
  })
  const { id } = (await answer.json()) as { id: string }
  await workspace.patch(`/api/v1/imports/${id}`, { mapping: [{ column: 'email', field: 'email' }] })
  return id
}

/** Runs a duty of the module at some moment. */
async function runTimer(name: string, at = new Date()): Promise<void> {
  const { store, log, jobs, modules } = hub.app
  const timer = modules.flatMap((module) => module.timers).find((one) => one.name === name)!
  const context: JobContext = {
    store,
    log,
    clock: new ManualClock(at),
    signal: new AbortController().signal,
    enqueue: (job, input, options) => jobs.enqueue(job, input, options),
  }
  await timer.run(context)
}

/** What goes by itself, and what goes by the rules that hold without any of the workspace's own. */
async function tidy(days: number): Promise<void> {
  const at = new Date(Date.now() + days * DAY_MS)
  for (const name of ['imports.trim', 'compliance.retention']) await runTimer(name, at)
}

test('an import whose process died is taken up again', async () => {
  const workspace = await hub.freshWorkspace()
  const id = await upload(workspace)
  await hub.app.store.system((tx) =>
    tx.execute(sql`
      update imports set state = 'running', run_token = 'dead', started_by = 'x', started_by_kind = 'system',
        held_until = clock_timestamp() - interval '1 s' where id = ${id}`),
  )
  await runTimer('imports.resume')
  await hub.settle()
  const { body } = await workspace.get(`/api/v1/imports/${id}`)
  expect(body).toMatchObject({ state: 'done', counts: { read: 3, accepted: 2, rejected: 1 } })
})

test('files go after a week, rejected rows after a month, and what is known of rows stays', async () => {
  const workspace = await hub.freshWorkspace()
  const id = await upload(workspace)
  await workspace.post(`/api/v1/imports/${id}/start`, {})
  await hub.settle()
  const idle = await upload(workspace)
  const held = async () => {
    const [row] = await hub.app.store.read(workspace.id, (tx) =>
      tx.query(sql<{ chunks: number; rejects: number; rows: number; imports: number }>`
        select (select count(*) from import_chunks) as chunks, (select count(*) from import_rejects) as rejects,
          (select count(*) from import_rows) as rows, (select count(*) from imports) as imports`),
    )
    return row
  }
  await tidy(6)
  expect(await held()).toEqual({ chunks: 2, rejects: 1, rows: 2, imports: 2 })
  await tidy(8)
  expect(await held()).toEqual({ chunks: 1, rejects: 1, rows: 2, imports: 2 })
  await tidy(31)
  expect(await held()).toEqual({ chunks: 0, rejects: 0, rows: 2, imports: 1 })
  expect((await workspace.get(`/api/v1/imports/${idle}`)).status).toBe(404)
  expect((await workspace.get(`/api/v1/imports/${id}`)).body.counts.created).toBe(2)
})
