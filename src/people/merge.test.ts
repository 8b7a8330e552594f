import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { ManualClock, expectProblem, useHub, type TestWorkspace } from '#tests/hub.ts'
import { findSides } from '#people/merge.store.ts'
import { layMerges } from '#people/merge.ts'
import { runMerges } from '#tests/merges.ts'
import { rowsRead, runOnServer } from '#tests/store.ts'

const clock = new ManualClock(new Date('2026-11-23T09:00:00Z'))
const hub = useHub({ clock })

async function identify(workspace: TestWorkspace, more: object): Promise<string> {
  const answer = await workspace.post('/api/v1/people', more)
  expect(answer.status, answer.text).toBeLessThan(300)
  return answer.body.id
}

async function touch(workspace: TestWorkspace, more: object): Promise<string> {
  const answer = await workspace.post('/api/v1/touchpoints', { kind: 'page_view', ...more })
  expect(answer.status, answer.text).toBe(201)
  return answer.body.id
}

async function merge(workspace: TestWorkspace, into: string, from: string): Promise<string> {
  const answer = await workspace.post(`/api/v1/people/${into}/merge`, { with: from })
  expect(answer.status, answer.text).toBe(200)
  return answer.body.id
}

const unmerge = (workspace: TestWorkspace, id: string) =>
  workspace.post(`/api/v1/people/merges/${id}/unmerge`, {})

const person = async (workspace: TestWorkspace, id: string) =>
  (await workspace.get(`/api/v1/people/${id}`)).body

const touchIds = async (workspace: TestWorkspace, personId: string): Promise<string[]> =>
  (await workspace.get(`/api/v1/people/${personId}/timeline`)).body.data.map(
    ({ id }: { id: string }) => id,
  )

/** What a caller sees of a person, without what every change counts up. */
const facts = ({ updatedAt: _at, version: _version, ...rest }: Record<string, unknown>) => rest

test('a merge that is undone leaves both people as they were, and what came since with whom it names', async () => {
  const workspace = await hub.freshWorkspace()
  const ada = await identify(workspace, {
    email: 'ada@example.com',
    firstName: 'Ada',
    phone: '+49 30 1',
  })
  const twin = await identify(workspace, {
    email: 'ada.l@example.com',
    firstName: 'A.',
    jobTitle: 'CTO',
  })
  const early = await touch(workspace, { email: 'ada.l@example.com', channel: 'email' })
  const before = [await person(workspace, ada), await person(workspace, twin)].map(facts)

  const id = await merge(workspace, ada, twin)
  const both = await person(workspace, twin)
  expect(both).toMatchObject({ id: ada, firstName: 'Ada', phone: '+49 30 1', jobTitle: 'CTO' })
  expect(both.identities).toHaveLength(2)
  expect(await touchIds(workspace, ada)).toEqual([early])
  await identify(workspace, { email: 'ada.l@example.com', userId: 'u7', phone: '+49 30 2' })
  await identify(workspace, { email: 'ada@example.com', country: 'DE' })
  const hers = await touch(workspace, { userId: 'u7' })
  const ours = await touch(workspace, { email: 'ada@example.com' })
  expect(await person(workspace, ada)).toMatchObject({ phone: '+49 30 2', country: 'DE' })

  const undone = await unmerge(workspace, id)
  expect(undone.status, undone.text).toBe(200)
  const after = [await person(workspace, ada), await person(workspace, twin)].map(facts)
  expect(after[0]).toEqual({ ...before[0], country: 'DE' })
  expect(after[1]).toMatchObject({ ...before[1], phone: '+49 30 2', identities: expect.anything() })
  expect(after[1]!['identities']).toHaveLength(2)
  expect((await touchIds(workspace, twin)).toSorted()).toEqual([early, hers].toSorted())
  expect(await touchIds(workspace, ada)).toEqual([ours])
  expectProblem(await unmerge(workspace, 'mrg_0'), 404, 'resource.not_found')
})

test('merging twice is merging once, and what is done is told and noted once', async () => {
  const workspace = await hub.freshWorkspace()
  const [a, b] = [
    await identify(workspace, { email: 'a@x.example' }),
    await identify(workspace, { email: 'b@x.example' }),
  ]
  const [first, ...rest] = await Promise.all(
    Array.from({ length: 6 }, () => merge(workspace, a, b)),
  )
  expect(new Set(rest)).toEqual(new Set([first]))
  const undone = await Promise.all(Array.from({ length: 4 }, () => unmerge(workspace, first!)))
  expect(undone.map(({ status }) => status)).toEqual([200, 200, 200, 200])
  expect(new Set(undone.map(({ body }) => body.undoneAt)).size).toBe(1)
  const actions = (await workspace.auditActions()).filter((action) => action.includes('merged'))
  expect(actions).toEqual(['person.merged', 'person.unmerged'])
  const told = await hub.app.store.transaction(workspace.id, (tx) =>
    tx.query(
      sql<{
        event: string
      }>`select event from outbox where event like 'person.%merged' order by seq`,
    ),
  )
  expect(told.map(({ event }) => event)).toEqual(['person.merged', 'person.unmerged'])
})

test('merges of the same people in all directions at once leave one survivor and lose nobody', async () => {
  const workspace = await hub.freshWorkspace()
  const ids: string[] = []
  for (let i = 0; i < 5; i += 1) ids.push(await identify(workspace, { email: `p${i}@x.example` }))
  for (let round = 0; round < 4; round += 1) {
    const pairs = ids.flatMap((into) => ids.map((from) => [into, from] as const))
    const answers = await Promise.all(
      pairs.map(([into, from]) => workspace.post(`/api/v1/people/${into}/merge`, { with: from })),
    )
    expect(answers.every(({ status }) => status === 200 || status === 409)).toBe(true)
  }
  const survivors = new Set(
    await Promise.all(ids.map(async (id) => (await person(workspace, id)).id)),
  )
  expect(survivors.size).toBe(1)
  expect((await person(workspace, ids[0]!)).identities).toHaveLength(5)
  for (;;) {
    const { data } = (await workspace.get('/api/v1/people/merges?state=merged')).body
    if (data.length === 0) break
    expect((await unmerge(workspace, data[0].id)).status).toBe(200)
  }
  for (const id of ids) expect(await person(workspace, id)).toMatchObject({ id, merged: null })
})

test('a merge that others rest on is undone after them, and the refusal names the one to begin with', async () => {
  const workspace = await hub.freshWorkspace()
  const [a, b, c, d] = (await Promise.all(
    ['a', 'b', 'c', 'd'].map((name) =>
      identify(workspace, { email: `${name}@x.example`, firstName: name }),
    ),
  )) as [string, string, string, string]
  const first = await merge(workspace, b, a)
  const second = await merge(workspace, c, b)
  const third = await merge(workspace, c, d)
  expect(await person(workspace, a)).toMatchObject({ id: c, firstName: 'c' })
  const refused = await unmerge(workspace, first)
  expectProblem(refused, 409, 'merge.undo_later_first')
  expect(refused.body.detail).toContain(third)
  expectProblem(await unmerge(workspace, second), 409, 'merge.undo_later_first')
  for (const id of [third, second]) expect((await unmerge(workspace, id)).status).toBe(200)
  expect(await person(workspace, a)).toMatchObject({ id: b, firstName: 'b' })
  expect((await unmerge(workspace, first)).status).toBe(200)
  expect(await person(workspace, a)).toMatchObject({ id: a, firstName: 'a' })
  const listed = (await workspace.get(`/api/v1/people/merges?personId=${b}&limit=1`)).body
  expect(listed.data).toMatchObject([
    { id: second, fromId: b, intoId: c, undoneBy: expect.any(String) },
  ])
  const next = await workspace.get(
    `/api/v1/people/merges?personId=${b}&limit=1&cursor=${listed.nextCursor}`,
  )
  expect(next.body).toMatchObject({ data: [{ id: first }], nextCursor: null })
})

test('of two consents the more restrictive holds after a merge, whoever spoke last, and each has its own again after', async () => {
  const workspace = await hub.freshWorkspace()
  const a = await identify(workspace, { email: 'a@x.example' })
  const b = await identify(workspace, { email: 'b@x.example' })
  const say = (id: string, status: string, occurredAt: string, channel = 'email') =>
    workspace.post(`/api/v1/people/${id}/consents`, {
      purpose: 'marketing',
      channel,
      status,
      occurredAt,
      proof: { text: 'yes' },
    })
  await say(b, 'withdrawn', '2026-01-01T00:00:00Z')
  await say(a, 'granted', '2026-02-01T00:00:00Z')
  await say(b, 'pending', '2026-01-01T00:00:00Z', 'sms')
  await say(a, 'granted', '2026-02-01T00:00:00Z', 'sms')
  const effective = async (id: string) => {
    const rows = (await person(workspace, id)).consents.effective as {
      channel: string
      status: string
    }[]
    return Object.fromEntries(rows.map(({ channel, status }) => [channel, status]))
  }
  const preview = (await workspace.get(`/api/v1/people/${a}/merge-preview?with=${b}`)).body
  expect(preview.consents).toMatchObject([
    { channel: 'email', into: 'granted', from: 'withdrawn', after: 'withdrawn' },
    { channel: 'sms', into: 'granted', from: 'pending', after: 'pending' },
  ])
  const id = await merge(workspace, a, b)
  expect(await effective(a)).toEqual({ email: 'withdrawn', sms: 'pending' })
  await say(b, 'denied', '2026-11-23T08:00:00Z', 'phone')
  await unmerge(workspace, id)
  expect(await effective(a)).toEqual({ email: 'granted', sms: 'granted' })
  expect(await effective(b)).toEqual({ email: 'withdrawn', sms: 'pending', phone: 'denied' })
})

test('the preview says what a merge would do and changes nothing; what cannot be merged is refused with what to do instead', async () => {
  const workspace = await hub.freshWorkspace()
  const a = await identify(workspace, { email: 'a@x.example', firstName: 'Ada' })
  const b = await identify(workspace, { email: 'b@x.example', firstName: 'Adda', jobTitle: 'CTO' })
  await touch(workspace, { email: 'b@x.example' })
  const anonymous = (
    await workspace.post('/api/v1/touchpoints', { anonymousId: 'n1', kind: 'page_view' })
  ).body.personId
  const preview = (await workspace.get(`/api/v1/people/${a}/merge-preview?with=${b}`)).body
  expect(preview).toMatchObject({
    refusal: null,
    moves: { touchpoints: 1, identities: 1, consents: 0, leads: 0, opportunities: 0 },
    values: [
      { field: 'email', stays: 'a@x.example', source: 'into', setAside: 'b@x.example' },
      { field: 'firstName', stays: 'Ada', source: 'into', setAside: 'Adda' },
      { field: 'jobTitle', stays: 'CTO', source: 'from', setAside: null },
    ],
  })
  expect(await person(workspace, b)).toMatchObject({ id: b, merged: null })
  const post = (into: string, other: string) =>
    workspace.post(`/api/v1/people/${into}/merge`, { with: other })
  expectProblem(await post(a, a), 409, 'merge.refused')
  expectProblem(await post(anonymous, a), 409, 'merge.refused')
  expectProblem(await post(a, 'per_0'), 404, 'resource.not_found')
  const c = await identify(workspace, { email: 'c@x.example' })
  await merge(workspace, a, b)
  const refused = await post(c, b)
  expectProblem(refused, 409, 'merge.refused')
  expect(refused.body.detail).toContain(a)
  const other = await hub.freshWorkspace()
  expectProblem(
    await other.post(`/api/v1/people/${a}/merge`, { with: c }),
    404,
    'resource.not_found',
  )
})

test('the log of merges tells who went into whom, also while the values are set aside', async () => {
  const workspace = await hub.freshWorkspace()
  const a = await identify(workspace, { email: 'a@x.example', firstName: 'Ada' })
  const b = await identify(workspace, { email: 'b@x.example', firstName: 'Adda' })
  const id = await merge(workspace, a, b)
  const log = async () => (await workspace.get('/api/v1/people/merges')).body.data[0]
  const told = { from: { id: b, firstName: 'Adda' }, into: { id: a, firstName: 'Ada' } }
  expect(await log()).toMatchObject({ id, ...told, undoneAt: null })
  await unmerge(workspace, id)
  expect(await log()).toMatchObject({ ...told, undoneAt: clock.now().toISOString() })
})

test('a visitor that becomes known by an address of a merged person leaves with that person', async () => {
  const workspace = await hub.freshWorkspace()
  const a = await identify(workspace, { email: 'a@x.example' })
  const b = await identify(workspace, { email: 'b@x.example' })
  const id = await merge(workspace, a, b)
  const seen = await touch(workspace, { anonymousId: 'n1' })
  const named = await touch(workspace, { anonymousId: 'n1', email: 'b@x.example' })
  const later = await touch(workspace, { anonymousId: 'n1' })
  expect((await touchIds(workspace, a)).toSorted()).toEqual([seen, named, later].toSorted())
  await unmerge(workspace, id)
  expect(await touchIds(workspace, a)).toEqual([])
  expect((await touchIds(workspace, b)).toSorted()).toEqual([seen, named, later].toSorted())
})

test('who asks is shown what a merge has set aside, and an erasure takes it too: then nothing can be restored', async () => {
  const workspace = await hub.freshWorkspace()
  const officer = await workspace.withKey({ roles: ['privacy'] })
  const a = await identify(workspace, { email: 'a@x.example', firstName: 'Quaggaroo' })
  const b = await identify(workspace, { email: 'b@x.example', firstName: 'Zebulonia' })
  const id = await merge(workspace, a, b)
  const ask = async (kind: string) => {
    const request = { kind, personId: b, note: 'By letter.' }
    const path = `/api/v1/privacy/requests/${(await workspace.post('/api/v1/privacy/requests', request)).body.id}`
    const approved = await officer.post(`${path}/approve`, {})
    expect(approved.status, approved.text).toBe(200)
    return { path, erased: approved.body.erased }
  }
  const { path } = await ask('access')
  const { held } = (await officer.get(`${path}/export`)).body
  expect(held.merges).toMatchObject([
    {
      fromId: b,
      intoId: a,
      fromValues: { firstName: 'Zebulonia' },
      intoValues: { firstName: 'Quaggaroo' },
    },
  ])
  expect((await ask('erasure')).erased).toMatchObject({ person_merges: 1, people: 2 })
  const left = await hub.app.store.transaction(workspace.id, (tx) =>
    tx.query(sql<{ count: number }>`
      select count(*)::int from person_merges where from_values is not null or into_values is not null
      union all select count(*)::int from person_keys union all select count(*)::int from person_duplicates`),
  )
  expect(left.map(({ count }) => count)).toEqual([0, 0, 0])
  expectProblem(await unmerge(workspace, id), 410, 'resource.gone')
})

test('a consent that the other person gave in the same words is kept for each of them', async () => {
  const workspace = await hub.freshWorkspace()
  const a = await identify(workspace, { email: 'a@x.example' })
  const b = await identify(workspace, { email: 'b@x.example' })
  const id = await merge(workspace, a, b)
  for (const email of ['a@x.example', 'b@x.example'])
    await identify(workspace, { email, consents: [{ purpose: 'marketing', status: 'denied' }] })
  await unmerge(workspace, id)
  for (const personId of [a, b])
    expect((await person(workspace, personId)).consents.effective).toMatchObject([
      { status: 'denied' },
    ])
})

test('over random merges, changes, touches and unmerges, what is undone is as if it had never been, and later changes stay', async () => {
  const { id } = await hub.freshWorkspace()
  const run = await runMerges(hub.app.store, id, { seed: 1, sequences: 400, steps: 14 })
  expect(run.faults).toEqual([])
  expect(run.wrong).toBe(0)
  expect(run.merges).toBeGreaterThan(400)
  expect(run.atOnce).toBeGreaterThan(100)
  expect(run.unmerges).toBe(run.merges)
  expect(run.refusals).toBeGreaterThan(100)
})

test('what merges read grows with what moves, not with what there is', async () => {
  const workspace = await hub.freshWorkspace()
  const everybody = Array.from({ length: 100 }, (_, i) => ({ email: `p${i}@reads.example` }))
  const ids = (await workspace.post('/api/v1/people', { people: everybody })).body.outcomes.map(
    ({ data }: { data: { id: string } }) => data.id,
  ) as string[]
  const other = await identify(workspace, { email: 'busy@reads.example' })
  const addTouches = (personIds: readonly string[], each: number) =>
    hub.app.store.transaction(workspace.id, (tx) =>
      tx.execute(sql`
        insert into touchpoints (id, person_id, kind, channel, occurred_at, received_at, source)
        select 'tch_' || md5(p || n), p, 'page_view', 'direct', ${clock.now()}, ${clock.now()}, 'test'
        from unnest(${personIds}::text[]) p cross join generate_series(1, ${each}) n`),
    )
  await addTouches([other], 20_000)
  await runOnServer('analyze touchpoints', hub.app.store.connectionString)
  await addTouches(ids, 2)
  const read = await hub.app.store.transaction(workspace.id, async (tx) => {
    const sides = [...(await findSides(tx, ids, 'change')).values()]
    const merges = sides.flatMap((from, i) => (i % 2 === 1 ? [{ into: sides[i - 1]!, from }] : []))
    return rowsRead(tx, 'touchpoints', async () => {
      const made = await layMerges(tx, merges, 'test', clock.now())
      expect(made).toHaveLength(50)
      for (const { merge: one } of made) expect(one.moved.touchpoints).toBe(2)
    })
  })
  expect(read).toBeGreaterThanOrEqual(100)
  expect(read).toBeLessThan(1000)
})
