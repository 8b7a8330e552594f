import { gzipSync } from 'node:zlib'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { expectProblem, useHub, type TestAnswer, type TestWorkspace } from '#tests/hub.ts'

const hub = useHub()

const LEADS = [
  'Lead ID,E-Mail,Created,Origin,Shoe size',
  'a1,ada@northwind.example,2024-03-01,social,38',
  'a2,bob@northwind.example,2024-03-02,,44',
  'a3,not an address,2024-03-03,email,40',
  'a4,cleo@northwind.example,2099-01-01,email,41',
  'a5,dan@northwind.example,2024-03-05,Paid Search,43',
].join('\n')

async function upload(
  workspace: TestWorkspace,
  content: string | Uint8Array<ArrayBuffer>,
  query: Record<string, string> = {},
): Promise<TestAnswer> {
  const fields = new URLSearchParams({ target: 'leads', fileName: 'leads.csv', ...query })
  const answer = await fetch(`${hub.url}/api/v1/imports?${fields}`, {
    method: 'POST',
    body: content,
    headers: { authorization: `Bearer ${workspace.key}`, 'content-type': 'text/csv' },
  })
  const text = await answer.text()
  return { status: answer.status, headers: answer.headers, text, body: JSON.parse(text) }
}

/** Uploads, starts, and answers the import at its end. */
async function importAll(
  workspace: TestWorkspace,
  content: string,
  query: Record<string, string> = {},
) {
  const { body } = await upload(workspace, content, query)
  expect((await workspace.post(`/api/v1/imports/${body.id}/start`, {})).status).toBe(202)
  await hub.settle()
  return (await workspace.get(`/api/v1/imports/${body.id}`)).body
}

async function count(workspace: TestWorkspace, table: 'leads' | 'lead_captures' | 'touchpoints') {
  const rows = await hub.app.store.read(workspace.id, (tx) =>
    tx.query(sql<{ n: number }>`select count(*) as n from ${sql.table(table)}`),
  )
  return rows[0]!.n
}

test('the targets say what their columns can fill, what that takes, and how large a file may be', async () => {
  const workspace = await hub.freshWorkspace()
  const { body } = await workspace.get('/api/v1/imports/targets')
  expect(body.maxBytes).toBe(64 * 1024 * 1024)
  const leads = body.data.find(({ name }: { name: string }) => name === 'leads')
  expect(leads).toMatchObject({ label: 'Leads', scope: 'leads:write' })
  expect(leads.fields).toContainEqual({
    field: 'email',
    label: 'E-mail',
    kind: 'email',
    required: false,
  })
  const { body: made } = await upload(workspace, LEADS)
  const filled = made.columns.flatMap(({ field }: { field: string | null }) => field ?? [])
  const known = leads.fields.map(({ field }: { field: string }) => field)
  expect(filled.filter((field: string) => !known.includes(field))).toEqual([])
})

test('a file is guessed, checked, imported, and its rejected rows come back to be corrected', async () => {
  const workspace = await hub.freshWorkspace()
  const made = await upload(workspace, LEADS)
  expect(made.status).toBe(201)
  const { id, columns, samples, rows, todo, state } = made.body
  expect(made.headers.get('location')).toBe(`/api/v1/imports/${id}`)
  const uses = columns.map((plan: Record<string, unknown>) => [
    plan.column,
    plan.field ?? plan.key,
    plan.dateFormat,
  ])
  expect(uses).toEqual([
    ['Lead ID', 'externalId', null],
    ['E-Mail', 'email', null],
    ['Created', 'capturedAt', 'iso'],
    ['Origin', 'channel', null],
    ['Shoe size', 'shoe_size', null],
  ])
  expect([state, todo]).toEqual(['uploaded', []])
  expect(samples[3].values).toEqual(['social', 'email', 'email', 'Paid Search'])
  expect(rows[0]).toEqual({
    line: 2,
    input: {
      source: 'import',
      externalId: 'a1',
      email: 'ada@northwind.example',
      capturedAt: '2024-03-01T00:00:00.000Z',
      channel: 'social',
      custom: { shoe_size: '38' },
      event: 'form_submission',
    },
  })
  expect(rows[2]).toMatchObject({ line: 4, code: 'cell.unreadable' })

  const check = await workspace.post(`/api/v1/imports/${id}/check`, {})
  expect(check.status).toBe(200)
  expect(check.body).toMatchObject({ read: 5, new: 4, unchanged: 0, rejected: 1 })
  expect(check.body.byCode).toEqual([{ code: 'cell.unreadable', rows: 1 }])
  expect(await count(workspace, 'leads')).toBe(0)

  const started = await workspace.post(`/api/v1/imports/${id}/start`, {})
  expect([started.status, started.body.state]).toEqual([202, 'queued'])
  await hub.settle()
  const done = (await workspace.get(`/api/v1/imports/${id}`)).body
  expect(done).toMatchObject({
    state: 'done',
    progress: 1,
    counts: { read: 5, accepted: 3, created: 3, updated: 0, unchanged: 0, rejected: 2 },
  })
  expect(await count(workspace, 'leads')).toBe(3)
  expect(await count(workspace, 'touchpoints')).toBe(3)
  const audit = await workspace.get('/api/v1/audit?action=captureLead')
  expect(new Set(audit.body.data.map((entry: { requestId: string }) => entry.requestId))).toEqual(
    new Set([id]),
  )

  const listed = await workspace.get(`/api/v1/imports/${id}/rejects`)
  expect(
    listed.body.data.map((row: { line: number; code: string }) => [row.line, row.code]),
  ).toEqual([
    [4, 'cell.unreadable'],
    [5, 'request.invalid'],
  ])
  const file = await workspace.get(`/api/v1/imports/${id}/rejects.csv`)
  const [header, third, fourth] = file.text.split('\r\n')
  expect(header).toBe('Lead ID,E-Mail,Created,Origin,Shoe size,reject_reason,reject_line')
  expect(third).toMatch(/^a3,not an address,2024-03-03,email,40,.*E-Mail.*,4$/)
  expect(fourth).toMatch(/^a4,cleo@northwind\.example,2099-01-01,email,41,.*“Created”.*future.*,5$/)

  const corrected = file.text
    .replace('not an address', 'ann@northwind.example')
    .replace('2099', '2024')
  const again = await importAll(workspace, corrected)
  expect(again.columns.slice(5).map((plan: { use: string }) => plan.use)).toEqual([
    'ignore',
    'ignore',
  ])
  expect(again.counts).toMatchObject({ read: 2, created: 2, rejected: 0 })
  expect(await count(workspace, 'leads')).toBe(5)
})

test('the same file again changes nothing, also with its columns in another order', async () => {
  const workspace = await hub.freshWorkspace()
  await importAll(workspace, 'email,origin\nada@x.example,social\nbob@x.example,email\n')
  const before = [await count(workspace, 'lead_captures'), await count(workspace, 'touchpoints')]
  const second = await importAll(
    workspace,
    'origin,email\nsocial,ada@x.example\nemail,bob@x.example\nemail,eve@x.example\n',
  )
  expect(second.counts).toMatchObject({ read: 3, created: 1, unchanged: 2, rejected: 0 })
  expect(before).toEqual([2, 2])
  expect(await count(workspace, 'lead_captures')).toBe(3)
})

test('a row that stands twice in a file is performed once, and a changed row updates its lead', async () => {
  const workspace = await hub.freshWorkspace()
  const first = await importAll(workspace, 'email,company\nada@x.example,X\nada@x.example,X\n')
  expect(first.counts).toMatchObject({ created: 1, unchanged: 1 })
  const second = await importAll(workspace, 'email,company\nada@x.example,Y\n')
  expect(second.counts).toMatchObject({ created: 0, updated: 1 })
  expect(await count(workspace, 'leads')).toBe(1)
})

describe('what must be settled first', () => {
  const AMBIGUOUS = 'email,date\nada@x.example,03/04/2024\nbob@x.example,05/06/2024\n'

  test('dates that could be either way round keep an import from starting until someone chooses', async () => {
    const workspace = await hub.freshWorkspace()
    const { body } = await upload(workspace, AMBIGUOUS)
    const path = `/api/v1/imports/${body.id}`
    expect(body.columns[1]).toMatchObject({ isAmbiguous: true })
    const refused = await workspace.post(`${path}/start`, {})
    expectProblem(refused, 422, 'import.unsettled')
    expect(refused.body.errors).toEqual([
      { pointer: '/dateFormats', detail: expect.stringContaining('“date”') },
    ])
    const changed = await workspace.patch(path, {
      dateFormats: [{ column: 'date', format: 'day-first' }],
      zone: 'Europe/Berlin',
    })
    expect(changed.body.todo).toEqual([])
    expect(changed.body.rows[0].input.capturedAt).toBe('2024-04-02T22:00:00.000Z')
    expect((await workspace.post(`${path}/start`, {})).status).toBe(202)
    await hub.settle()
    expect((await workspace.get(path)).body.counts.created).toBe(2)
  })

  test('a file without anything that names a person says so', async () => {
    const workspace = await hub.freshWorkspace()
    const { body } = await upload(workspace, 'colour,size\nred,1\nblue,2\n')
    expect(body.todo[0].detail).toContain('email, externalId, userId')
    expectProblem(
      await workspace.post(`/api/v1/imports/${body.id}/start`, {}),
      422,
      'import.unsettled',
    )
  })

  test('choices that cannot be are refused by place, good ones hold over later ones', async () => {
    const workspace = await hub.freshWorkspace()
    const { body } = await upload(workspace, 'a;b;c\n1;x@x.example;3\n2;y@x.example;4\n')
    const path = `/api/v1/imports/${body.id}`
    const refused = await workspace.patch(path, {
      mapping: [
        { column: 'z', ignore: true },
        { column: 'a', field: 'shoe' },
        { column: 'b', field: 'email' },
        { column: 'c', field: 'email' },
      ],
    })
    expectProblem(refused, 422, 'request.invalid')
    expect(refused.body.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual([
      '/mapping/0',
      '/mapping/1',
      '/mapping/3',
    ])
    await workspace.patch(path, { mapping: [{ column: 'a', field: 'externalId' }] })
    await workspace.patch(path, { mapping: [{ column: 'c', ignore: true }], source: 'olist' })
    const { columns, source } = (await workspace.get(path)).body
    const uses = columns.map((plan: Record<string, unknown>) => plan.field ?? plan.use)
    expect([source, ...uses]).toEqual(['olist', 'externalId', 'email', 'ignore'])
    const reread = await workspace.patch(path, { delimiter: ',' })
    expect(reread.body.columns.map(({ column }: { column: string }) => column)).toEqual(['a;b;c'])
    expect((await workspace.get(`${path}/preview`)).body.rows).toHaveLength(2)
  })
})

test('of two starts at once one runs', async () => {
  const workspace = await hub.freshWorkspace()
  const { body } = await upload(workspace, LEADS)
  const starts = await Promise.all(
    [1, 2].map(() => workspace.post(`/api/v1/imports/${body.id}/start`, {})),
  )
  expect(starts.map(({ status }) => status)).toEqual(expect.arrayContaining([202, 409]))
  await hub.settle()
  expect((await workspace.get(`/api/v1/imports/${body.id}`)).body.counts.read).toBe(5)
  expect(await count(workspace, 'lead_captures')).toBe(3)
})

test('a cancelled import does nothing until it is started again', async () => {
  const workspace = await hub.freshWorkspace()
  const { body } = await upload(workspace, LEADS)
  const path = `/api/v1/imports/${body.id}`
  expect((await workspace.post(`${path}/cancel`, {})).body.state).toBe('cancelled')
  await hub.settle()
  expect(await count(workspace, 'leads')).toBe(0)
  expectProblem(await workspace.post(`${path}/cancel`, {}), 409, 'import.state_refused')
  expectProblem(await workspace.patch(path, { zone: 'UTC' }), 409, 'import.state_refused')
  expect((await workspace.post(`${path}/start`, {})).status).toBe(202)
  await hub.settle()
  expect((await workspace.get(path)).body.state).toBe('done')
  expectProblem(await workspace.post(`${path}/start`, {}), 409, 'import.state_refused')
  const listed = await workspace.get('/api/v1/imports?state=done')
  expect(listed.body.data.map(({ id }: { id: string }) => id)).toEqual([body.id])
})

describe('refused', () => {
  test('what is no table leaves nothing behind', async () => {
    const workspace = await hub.freshWorkspace()
    const packed = gzipSync(LEADS)
    const files: (string | Uint8Array<ArrayBuffer>)[] = [
      '',
      new Uint8Array([0x50, 0x4b, 3, 4, 9, 9]),
      new Uint8Array(5000).map((_, i) => (i * 7919) % 5),
      new Uint8Array(packed.subarray(0, packed.length - 20)),
    ]
    for (const file of files)
      expectProblem(await upload(workspace, file), 422, 'import.file_unreadable')
    expect((await workspace.get('/api/v1/imports')).body.data).toEqual([])
    const left = await hub.app.store.read(workspace.id, (tx) =>
      tx.query(sql`select 1 from import_chunks`),
    )
    expect(left).toEqual([])
  })

  test('a wrong target, a missing name, an unknown zone', async () => {
    const workspace = await hub.freshWorkspace()
    for (const query of [{ target: 'shoes' }, { fileName: '' }, { zone: 'Mars/Base' }, { a: 'b' }])
      expectProblem(await upload(workspace, LEADS, query), 422, 'request.invalid')
  })

  test('an import is no way around the scope of what it does, nor into another workspace', async () => {
    const workspace = await hub.freshWorkspace()
    const limited = await workspace.withKey({ scopes: ['imports:write', 'imports:read'] })
    expectProblem(await upload(limited, LEADS), 403, 'auth.forbidden')
    const { body } = await upload(workspace, LEADS)
    expectProblem(await limited.post(`/api/v1/imports/${body.id}/start`, {}), 403, 'auth.forbidden')
    const other = await hub.freshWorkspace()
    for (const tail of ['', '/preview', '/rejects', '/rejects.csv'])
      expectProblem(await other.get(`/api/v1/imports/${body.id}${tail}`), 404, 'resource.not_found')
    expectProblem(
      await other.post(`/api/v1/imports/${body.id}/start`, {}),
      404,
      'resource.not_found',
    )
  })
})

test('rows with faults of the file itself are rejected one by one, and the others taken', async () => {
  const workspace = await hub.freshWorkspace()
  const done = await importAll(
    workspace,
    'email,company\nada@x.example,A\nbob@x.example\ncleo@x.example,"C" x\ndan@x.example,D,surplus\neve@x.example,=E\n',
  )
  expect(done.counts).toMatchObject({ read: 5, created: 2, rejected: 3 })
  const { text } = await workspace.get(`/api/v1/imports/${done.id}/rejects.csv`)
  const lines = text.trim().split('\r\n')
  expect(lines.map((line) => line.slice(line.lastIndexOf(',')))).toEqual([
    ',reject_line',
    ',3',
    ',4',
    ',5',
  ])
  expect(lines[3]).toContain('surplus')
})

test('what is kept of a file cannot be read in the database', async () => {
  const workspace = await hub.freshWorkspace()
  await importAll(workspace, LEADS)
  const found = await hub.app.store.system((tx) =>
    tx.query(sql<{ n: number }>`
      select (select count(*) from import_chunks where workspace_id = ${workspace.id} and position('northwind'::bytea in content) > 0)
        + (select count(*) from import_rejects where workspace_id = ${workspace.id} and position('address'::bytea in cells) > 0) as n`),
  )
  expect(found[0]!.n).toBe(0)
})
