import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { newId } from '#core/id.ts'
import { silentLog } from '#core/log.ts'
import { Problem } from '#core/problem.ts'
import { defineOperation, type Principal } from '#gateway/operation.ts'
import { cancelImport, findImport, type ImportRecord } from '#imports/import.store.ts'
import { runImport, type ImportEngine } from '#imports/run.ts'
import type { Progress } from '#imports/run.store.ts'
import { startImport } from '#imports/start.ts'
import { indexTargets } from '#imports/targets.ts'
import { uploadFile } from '#imports/upload.ts'
import type { Store, Transaction } from '#store/store.ts'
import { useHub } from '#tests/hub.ts'

const hub = useHub()
const never = new AbortController().signal

/** Adds channels; a key that is taken breaks the batch, so that a row done twice cannot go unseen. */
function channelTarget(onBatch: () => Promise<void> = async () => {}) {
  const operation = defineOperation({
    id: 'addChannel',
    method: 'POST',
    path: '/test',
    scope: 'campaigns:write',
    tag: 'Test',
    summary: 'Add channels',
    input: z.object({ key: z.string(), source: z.string() }),
    output: z.object({ key: z.string() }),
    batch: { key: 'channels', max: 50 },
    async performMany(inputs, { tx, now }) {
      await tx.execute(sql`
        insert into channels (workspace_id, key, label, created_at)
        select ${tx.workspaceId}, key, key, ${now} from unnest(${inputs.map(({ key }) => key)}::text[]) as key`)
      await onBatch()
      return inputs.map(({ key }) => ({ kind: 'done', output: { key } }))
    },
  })
  return {
    name: 'channels',
    label: 'Channels',
    operation,
    maxCustom: 0,
    fields: [{ field: 'key', label: 'Key', kind: 'text' as const, aliases: [], required: true }],
    toInput: ({ values }: { values: object }, { source }: { source: string }) => ({
      source,
      ...values,
    }),
  }
}

/** Every tenth of the rows is refused by the database, which takes no capitals. */
const ROWS = 430
const FILE = [
  'key',
  ...Array.from({ length: ROWS }, (_, i) => (i % 10 === 3 ? `LOUD${i}` : `channel_${i}`)),
].join('\n')

function engineWith(onBatch?: () => Promise<void>): ImportEngine {
  const { store, clock } = hub.app
  return { store, clock, log: silentLog, targets: indexTargets([channelTarget(onBatch)]) }
}

async function queued(engine: ImportEngine): Promise<ImportRecord> {
  const { id: workspaceId } = await hub.freshWorkspace()
  const principal: Principal = {
    id: 'cli',
    kind: 'system',
    workspaceId,
    scopes: new Set(['campaigns:write']),
    rateLimitPerMinute: 1,
  }
  const target = engine.targets.get('channels')!
  const file = { target, fileName: 'channels.csv', bytes: [Buffer.from(FILE)], choices: {} }
  const { record } = await uploadFile(engine.store, principal, file, {
    now: new Date(),
    requestId: newId('req'),
  })
  return engine.store.transaction(workspaceId, (tx) =>
    startImport(tx, record.id, principal, engine.targets),
  )
}

/** What must hold however often the import was stopped. */
async function expectWhole({ store }: ImportEngine, { id, workspaceId }: ImportRecord) {
  await store.read(workspaceId, async (tx) => {
    const record = await findImport(tx, id)
    const [held] = await tx.query(sql<{ channels: number; rejects: number; rows: number }>`
      select (select count(*) from channels where key like 'channel%') as channels,
        (select count(*) from import_rejects where import_id = ${id}) as rejects,
        (select count(*) from import_rows where target = 'channels') as rows`)
    const { state, position, created, rejected } = record!
    expect({ state, position, created, rejected, ...held }).toEqual({
      state: 'done',
      position: ROWS,
      created: 387,
      rejected: 43,
      channels: 387,
      rejects: 43,
      rows: 387,
    })
  })
}

test('an import that is stopped after each batch takes every row once', async () => {
  const engine = engineWith()
  const record = await queued(engine)
  let runs = 0
  for (let state = 'queued'; state !== 'done'; runs += 1) {
    const stop = new AbortController()
    const reason = new Error('shut down')
    const end = runImport(engine, record.workspaceId, record.id, {
      signal: stop.signal,
      onProgress: () => stop.abort(reason),
    })
    state = await end.then(
      (after) => after!.state,
      (thrown: unknown) => {
        expect(thrown).toBe(reason)
        return 'queued'
      },
    )
  }
  expect(runs).toBeGreaterThan(8)
  await expectWhole(engine, record)
})

test('of two runners at once one works and the other leaves', async () => {
  const engine = engineWith()
  const record = await queued(engine)
  const run = () => runImport(engine, record.workspaceId, record.id, { signal: never })
  const ends = await Promise.all([run(), run()])
  expect(ends.filter((end) => end === null)).toHaveLength(1)
  await expectWhole(engine, record)
})

/** The engine with something that happens between two batches, before the second one's transaction. */
function interrupted(engine: ImportEngine, afterRow: number, happen: () => Promise<unknown>) {
  let position = 0
  const store: Store = Object.create(engine.store, {
    transaction: {
      async value<T>(workspaceId: string, work: (tx: Transaction) => Promise<T>): Promise<T> {
        if (position === afterRow) {
          position = -1
          await happen()
        }
        return engine.store.transaction(workspaceId, work)
      },
    },
  })
  const onProgress = (progress: Progress) => {
    if (position !== -1) position = progress.position
  }
  return { engine: { ...engine, store }, onProgress }
}

test('a runner that was taken for dead writes nothing more once another has taken over', async () => {
  const engine = engineWith()
  const record = await queued(engine)
  const { id, workspaceId } = record
  const slow = interrupted(engine, 100, async () => {
    await engine.store.system((tx) =>
      tx.execute(
        sql`update imports set held_until = clock_timestamp() - interval '1 s' where id = ${id}`,
      ),
    )
    expect((await runImport(engine, workspaceId, id, { signal: never }))!.state).toBe('done')
  })
  await runImport(slow.engine, workspaceId, id, { signal: never, onProgress: slow.onProgress })
  await expectWhole(engine, record)
})

test('a batch that the database could not take at the moment is tried again, and done once', async () => {
  let calls = 0
  const engine = engineWith(async () => {
    calls += 1
    if ([1, 60, 61, 100].includes(calls))
      throw new Problem('service.unavailable', 'Another change was in the way.')
  })
  const record = await queued(engine)
  await runImport(engine, record.workspaceId, record.id, { signal: never })
  await expectWhole(engine, record)
})

test('an import that breaks off at the same row again and again has failed, and says so', async () => {
  const engine = engineWith(async () => {
    throw new Error('broken')
  })
  const record = await queued(engine)
  const run = () => runImport(engine, record.workspaceId, record.id, { signal: never })
  for (let i = 0; i < 5; i += 1) await expect(run()).rejects.toThrow('broken')
  expect(await run()).toBeNull()
  const after = await engine.store.read(record.workspaceId, (tx) => findImport(tx, record.id))
  expect(after).toMatchObject({ state: 'failed', position: 0, error: { code: 'service.internal' } })
})

test('a cancelled import takes no further row', async () => {
  const engine = engineWith()
  const record = await queued(engine)
  const { id, workspaceId } = record
  const stopped = interrupted(engine, 150, () =>
    engine.store.transaction(workspaceId, (tx) => cancelImport(tx, id, new Date())),
  )
  const end = await runImport(stopped.engine, workspaceId, id, {
    signal: never,
    onProgress: stopped.onProgress,
  })
  expect(end).toMatchObject({ state: 'cancelled', position: 150 })
})
