import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { performBatch } from '#gateway/batch.ts'
import { defineOperation, type Principal } from '#gateway/operation.ts'
import { useHub } from '#tests/hub.ts'

const hub = useHub()

/** Its table refuses keys with capitals, which the schema does not see. */
const addChannels = defineOperation({
  id: 'addChannels',
  method: 'POST',
  path: '/test',
  scope: 'campaigns:write',
  tag: 'Test',
  summary: 'Add channels',
  event: 'channel.added',
  subject: ({ key }) => key,
  input: z.object({ key: z.string().max(20) }),
  output: z.object({ key: z.string() }),
  batch: { key: 'channels', max: 10 },
  async performMany(inputs, context) {
    const { tx, now } = context
    for (const { key } of inputs) context.emit({ event: 'channel.seen', subjectId: key })
    await tx.execute(sql`
      insert into channels (workspace_id, key, label, created_at)
      select ${tx.workspaceId}, key, key, ${now} from unnest(${inputs.map(({ key }) => key)}::text[]) as key`)
    return inputs.map(({ key }) => ({ kind: 'done', output: { key } }))
  },
})

async function perform(raws: unknown[]) {
  const { id } = await hub.freshWorkspace()
  const principal: Principal = {
    id: 'cli',
    kind: 'system',
    workspaceId: id,
    scopes: new Set(),
    rateLimitPerMinute: 1,
  }
  const { store } = hub.app
  const call = { now: new Date(), requestId: 'imp_1' }
  const outcomes = await store.transaction(id, (tx) =>
    performBatch(tx, addChannels, principal, raws, call),
  )
  const told = await store.system((tx) =>
    tx.query(
      sql<{
        what: string
      }>`select concat(event, ' ', subject_id, ' ', request_id) as what from outbox where workspace_id = ${id} order by seq`,
    ),
  )
  const audited = await store.read(id, (tx) =>
    tx.query(
      sql<{
        what: string
      }>`select concat(action, ' ', subject_id) as what from audit_log order by id`,
    ),
  )
  return { outcomes, told: told.map(({ what }) => what), audited: audited.map(({ what }) => what) }
}

test('a batch leaves the audit entries and events of requests, under the id of the work', async () => {
  const { outcomes, told, audited } = await perform([{ key: 'one' }, { key: 'two' }])
  expect(outcomes.map((outcome) => outcome.kind === 'done' && outcome.status)).toEqual([201, 201])
  expect(audited).toEqual(['addChannels one', 'addChannels two'])
  expect(told.toSorted()).toEqual([
    'channel.added one imp_1',
    'channel.added two imp_1',
    'channel.seen one imp_1',
    'channel.seen two imp_1',
  ])
})

test('an item that the database refuses spoils no other and tells nothing', async () => {
  const { outcomes, told, audited } = await perform([
    { key: 'one' },
    { key: 'LOUD' },
    { key: 'two' },
  ])
  expect(outcomes.map(({ kind }) => kind)).toEqual(['done', 'refused', 'done'])
  expect(audited).toEqual(['addChannels one', 'addChannels two'])
  expect(told.filter((what) => what.includes('LOUD'))).toEqual([])
})

test('items that the schema refuses say where, and unknown fields are refused as over HTTP', async () => {
  const { outcomes } = await perform([
    { key: 7 },
    { key: 'one', colour: 'red' },
    { key: 'a\0' },
    { key: 'two' },
  ])
  const pointers = outcomes.map((outcome) =>
    outcome.kind === 'refused' ? outcome.problem.errors.map(({ pointer }) => pointer) : 'done',
  )
  expect(pointers).toEqual([['/key'], ['/colour'], [], 'done'])
})
