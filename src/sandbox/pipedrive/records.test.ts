import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'

import { startPipedrive } from './index.ts'
import type { PipedriveSandbox } from './index.ts'
import { openClient } from './test-client.ts'

let nowMs = Date.parse('2026-11-23T10:00:00.400Z')
let sandbox: PipedriveSandbox
let client: ReturnType<typeof openClient>
const folder = mkdtempSync(join(tmpdir(), 'pipedrive-sandbox-'))

beforeAll(async () => {
  sandbox = await startPipedrive({
    now: () => nowMs,
    limits: { tokenBurst: null, searchBurst: null },
    tokens: { admin: 1, clerk: 7 },
  })
  client = openClient(sandbox)
})
beforeEach(() => sandbox.reset())
afterAll(async () => {
  await sandbox.stop()
  rmSync(folder, { recursive: true })
})

const addPerson = async (body: object): Promise<string> => {
  const answer = await client.post('/api/v2/persons', { name: 'P', ...body })
  expect(answer.status).toBe(200)
  return String((answer.body['data'] as { id: number }).id)
}
const idsOf = (body: unknown) => (body as { data: { id: number }[] }).data.map(({ id }) => id)

test('the window of updates has its start and not its end, and takes no fraction of a second', async () => {
  await addPerson({})
  nowMs += 1000
  await addPerson({})
  const list = (query: string) => client.get(`/api/v2/persons?${query}`)
  const first = await list('updated_since=2026-11-23T10:00:00Z&updated_until=2026-11-23T10:00:01Z')
  expect(idsOf(first.body)).toEqual([1])
  expect(idsOf((await list('updated_since=2026-11-23T10:00:01Z')).body)).toEqual([2])
  const refused = await list('updated_since=2026-11-23T10:00:01.000Z')
  expect(refused.status).toBe(400)
  expect(refused.body['code']).toBe('ERR_SCHEMA_VALIDATION_FAILED')
})

test('a page goes on where the cursor says, also when records were added and deleted meanwhile', async () => {
  sandbox.seed({ records: { person: Array.from({ length: 6 }, (_, i) => ({ name: `P${i}` })) } })
  const first = await client.get('/api/v2/persons?limit=3')
  expect(idsOf(first.body)).toEqual([1, 2, 3])
  const { next_cursor: cursor } = first.body['additional_data'] as { next_cursor: string }
  await client.delete('/api/v2/persons/4')
  await addPerson({})
  const second = await client.get(`/api/v2/persons?limit=10&cursor=${cursor}`)
  expect(idsOf(second.body)).toEqual([5, 6, 7])
  sandbox.settings.cursorLifeMs = 60_000
  nowMs += 61_000
  expect((await client.get(`/api/v2/persons?cursor=${cursor}`)).status).toBe(400)
  sandbox.settings.cursorLifeMs = null
})

test('an update replaces the lists it sends and leaves what it does not name', async () => {
  const id = await addPerson({ emails: [{ value: 'a@x.com' }], phones: [{ value: '1' }] })
  await client.patch(`/api/v2/persons/${id}`, { emails: [{ value: 'b@x.com' }] })
  expect(sandbox.read('person', id, 'emails')).toMatchObject([{ value: 'b@x.com', primary: true }])
  expect(sandbox.read('person', id, 'phones')).toMatchObject([{ value: '1' }])
})

test('what the vendor does not know or cannot hold is refused, and nothing is changed', async () => {
  const { codes } = sandbox.seed({
    fields: { person: [{ field_name: 'L', field_type: 'enum', options: [{ label: 'A' }] }] },
  })
  const id = await addPerson({})
  const refusals = [
    { unknown: 1 },
    { owner_id: 99 },
    { org_id: 5 },
    { emails: 'a@x.com' },
    { custom_fields: { ['0'.repeat(40)]: 'x' } },
    { custom_fields: { [codes.person[0] ?? '']: 77 } },
    { name: null },
  ]
  for (const body of refusals) {
    expect((await client.patch(`/api/v2/persons/${id}`, body)).status).toBe(400)
  }
  expect((await client.post('/api/v2/persons', {})).status).toBe(400)
  expect((await client.post('/v1/leads', { title: 'L' })).status).toBe(400)
  expect((await client.get('/v1/deals')).status).toBe(403)
  expect(sandbox.count('person')).toBe(1)
})

test('a deleted record is out of the lists, readable for 30 days and then gone', async () => {
  const id = await addPerson({})
  await client.delete(`/api/v2/persons/${id}`)
  expect(idsOf((await client.get('/api/v2/persons')).body)).toEqual([])
  const read = await client.get(`/api/v2/persons/${id}`)
  expect(read.body['data']).toMatchObject({ is_deleted: true })
  expect((await client.patch(`/api/v2/persons/${id}`, { name: 'Q' })).status).toBe(404)
  nowMs += 31 * 86_400_000
  expect((await client.get(`/api/v2/persons/${id}`)).status).toBe(404)
})

test('a merge fills the blanks of the survivor and moves what named the other', async () => {
  const { ids } = sandbox.seed({
    records: { person: [{ name: 'A', phones: [{ value: '1' }] }, { name: 'B' }] },
  })
  const [a = '', b = ''] = ids.person
  const { ids: more } = sandbox.seed({ records: { deal: [{ title: 'D', person_id: Number(a) }] } })
  sandbox.merge('person', a, b)
  expect(sandbox.read('person', b, 'name')).toBe('B')
  expect(sandbox.read('person', b, 'phones')).toMatchObject([{ value: '1' }])
  expect(sandbox.read('deal', more.deal[0] ?? '', 'person_id')).toBe(Number(b))
  expect((await client.get(`/api/v2/persons/${a}`)).status).toBe(404)
})

test('stage, status and times of a deal go together', async () => {
  sandbox.seed({ pipelines: [{ name: 'B' }], stages: [{ name: 'B1', pipeline_id: 2 }] })
  const { body } = await client.post('/api/v2/deals', { title: 'D', pipeline_id: 2 })
  expect(body['data']).toMatchObject({ stage_id: 6, currency: 'EUR', stage_change_time: null })
  const moved = await client.patch('/api/v2/deals/1', { stage_id: 2 })
  expect(moved.body['data']).toMatchObject({ pipeline_id: 1 })
  const apart = { pipeline_id: 2, stage_id: 3 }
  expect((await client.patch('/api/v2/deals/1', apart)).status).toBe(400)
  const lost = await client.patch('/api/v2/deals/1', { status: 'lost', lost_reason: 'price' })
  expect(lost.body['data']).toMatchObject({ won_time: null, lost_reason: 'price' })
  const open = await client.patch('/api/v2/deals/1', { status: 'open' })
  expect(open.body['data']).toMatchObject({ close_time: null, lost_time: null, lost_reason: null })
  sandbox.settings.openDealsLimit = 1
  const capped = await client.post('/api/v2/deals', { title: 'E' })
  expect(capped.body['code']).toBe('feature_capping_deals_limit')
  sandbox.settings.openDealsLimit = null
})

test('a user sees of private records only those of his own', async () => {
  sandbox.putUser({ id: 7, email: 'clerk@x.com' })
  await addPerson({ visible_to: 1 })
  await addPerson({ visible_to: 1, owner_id: 7 })
  await addPerson({})
  const clerk = openClient(sandbox, 'clerk')
  expect(idsOf((await clerk.get('/api/v2/persons')).body)).toEqual([2, 3])
  expect((await clerk.get('/api/v2/persons/1')).status).toBe(404)
  expect(idsOf((await client.get('/api/v2/persons')).body)).toEqual([1, 2, 3])
})

test('the vendor’s clock may be off', async () => {
  sandbox.settings.clockSkewMs = -90_000
  await addPerson({})
  const [stored] = [...sandbox.records('person')]
  const skewed = new Date(nowMs - 90_000).toISOString().slice(0, 19)
  expect(stored?.shown['update_time']).toBe(`${skewed}Z`)
  sandbox.settings.clockSkewMs = 0
})

test('everything of an account comes back after a restart', async () => {
  const stateFile = join(folder, 'state.jsonl')
  const first = await startPipedrive({ stateFile })
  const { ids } = first.seed({
    users: [{ id: 7, email: 'o@x.com' }],
    fields: { person: [{ field_name: 'Hub', field_type: 'varchar' }] },
    records: { person: [{ name: 'A' }, { name: 'B' }, { name: 'C' }], deal: [{ title: 'D' }] },
    participants: [{ dealId: '1', personId: '1' }],
  })
  const code = first.codeOf('person', 'Hub') ?? ''
  first.edit('person', ids.person[0] ?? '', { custom_fields: { [code]: 'lead_1' } })
  first.merge('person', ids.person[1] ?? '', ids.person[2] ?? '')
  const before = [...first.records('person')]
  await first.stop()
  const second = await startPipedrive({ stateFile })
  expect([...second.records('person')]).toEqual(before)
  const hit = await openClient(second).get(
    `/api/v2/itemSearch/field?term=lead_1&entity_type=person&field=${code}`,
  )
  expect(idsOf(hit.body)).toEqual([Number(ids.person[0])])
  const { body } = await openClient(second).post('/api/v2/persons', { name: 'D' })
  expect(body['data']).toMatchObject({ id: 4 })
  await second.stop()
})
