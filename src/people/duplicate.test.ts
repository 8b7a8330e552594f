import fc from 'fast-check'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { newId } from '#core/id.ts'
import { MINUTE_MS } from '#core/time.ts'
import { captureAll } from '#people/capture.store.ts'
import { likeness, likenessKeys, type Likable } from '#people/duplicate.rules.ts'
import { findPairs, readLikable, replaceKeys, takeUnkeyed } from '#people/duplicate.store.ts'
import { mergePairs } from '#people/merge-many.ts'
import type { PersonBrief } from '#people/person.schema.ts'
import { ManualClock, expectProblem, useHub, type TestWorkspace } from '#tests/hub.ts'
import { rowsRead, runOnServer } from '#tests/store.ts'

const clock = new ManualClock(new Date('2026-11-23T09:00:00Z'))
const hub = useHub({ clock })

const human = (more: Partial<Likable>): Likable => ({
  values: {},
  emails: [],
  outerIds: [],
  ...more,
})
const ada = { firstName: 'Ada', lastName: 'Lovelace' }

test.each([
  [
    'tags and dots in an address',
    { emails: ['ada.lovelace+news@x.example'] },
    { emails: ['adalovelace@x.example'] },
    ['email_variant'],
  ],
  [
    'one provider under two domains',
    { emails: ['ada@gmail.com'] },
    { emails: ['ada@googlemail.com'] },
    ['email_variant'],
  ],
  [
    'a letter too few',
    { emails: ['lovelace@x.example'] },
    { emails: ['lovelac@x.example'] },
    ['email_near'],
  ],
  [
    'two letters swapped',
    { emails: ['lovelace@x.example'] },
    { emails: ['lovealce@x.example'] },
    ['email_near'],
  ],
  [
    'a phone written in two ways',
    { values: { phone: '+49 (30) 555-0199' } },
    { values: { phone: '030 5550199' } },
    ['phone'],
  ],
  [
    'a name at one company, its form left out',
    { values: { ...ada, company: 'Acme GmbH' } },
    { values: { firstName: 'Ada', lastName: 'LOVELACE', company: 'acme' } },
    ['name_and_company'],
  ],
  [
    'a name with and without accents at one domain',
    { values: { firstName: 'Zoë', lastName: 'Müller' }, emails: ['zoe@acme.example'] },
    { values: { firstName: 'Zoe', lastName: 'Muller' }, emails: ['mueller@acme.example'] },
    ['name_and_domain'],
  ],
  ['one id at two systems', { outerIds: ['C-778120'] }, { outerIds: ['c-778120'] }, ['outer_id']],
] as const)('alike: %s', (_, a, b, reasons) => {
  const [one, other] = [human(a), human(b)]
  const found = likeness(one, other, false)
  expect(found.reasons).toEqual(reasons)
  expect(found.confidence).toBeGreaterThan(0.3)
  const keys = new Set(likenessKeys(one).map(({ kind, text }) => `${kind} ${text}`))
  expect(likenessKeys(other).some(({ kind, text }) => keys.has(`${kind} ${text}`))).toBe(true)
})

test.each([
  [
    'a name with a free mail provider',
    { values: ada, emails: ['a1@gmail.com'] },
    { values: ada, emails: ['zz9@gmail.com'] },
  ],
  ['a domain', { emails: ['lovelace@x.example'] }, { emails: ['babbage@x.example'] }],
  ['short ids', { outerIds: ['12'] }, { outerIds: ['12'] }],
  ['a few digits of a phone', { values: { phone: '110' } }, { values: { phone: '110' } }],
] as const)('not alike by %s alone', (_, a, b) => {
  const found = likeness(human(a), human(b), false)
  expect(found).toEqual({ confidence: 0, reasons: [] })
})

test('more likenesses are surer, and another first name makes it doubtful', () => {
  const phone = '+49 30 5550199'
  const one = likeness(human({ values: { phone } }), human({ values: { phone } }), false)
  const more = likeness(
    human({ values: { ...ada, company: 'Acme', phone } }),
    human({ values: { ...ada, company: 'Acme', phone } }),
    false,
  )
  const colleagues = likeness(
    human({ values: { ...ada, phone } }),
    human({ values: { firstName: 'Grace', lastName: 'Hopper', phone } }),
    false,
  )
  expect(more.confidence).toBeGreaterThan(one.confidence)
  expect(colleagues.confidence).toBeLessThan(one.confidence)
  expect(colleagues.reasons).toEqual(['phone', 'names_differ'])
})

test('whoever is alike shares a key, so that no pair is missed by looking at keys alone', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 4, maxLength: 7 })
  const person = fc.record({
    values: fc.record({
      firstName: fc.constantFrom('Ada', 'Bo'),
      lastName: fc.constantFrom('Lo', 'Vel'),
      company: fc.constantFrom('Acme', 'Beta Inc'),
      phone: fc.constantFrom('030 5550199', '0049 30 5550199', '12'),
    }),
    emails: fc.array(
      text.map((local) => `${local}@x.example`),
      { maxLength: 2 },
    ),
    outerIds: fc.array(fc.constantFrom('abcdef', 'ghijkl'), { maxLength: 1 }),
  })
  fc.assert(
    fc.property(person, person, (a, b) => {
      const keys = new Set(likenessKeys(a).map(({ kind, text }) => `${kind} ${text}`))
      const meet = likenessKeys(b).some((key) => keys.has(`${key.kind} ${key.text}`))
      expect(likeness(a, b, false).confidence === 0 || meet).toBe(true)
      expect(likeness(a, b, false)).toEqual(likeness(b, a, false))
    }),
    { numRuns: 2000 },
  )
})

async function identify(workspace: TestWorkspace, more: object): Promise<string> {
  return (await workspace.post('/api/v1/people', more)).body.id
}

interface Listed {
  id: string
  personId: string
  otherPersonId: string
  confidence: number
  reasons: string[]
  person: PersonBrief
  otherPerson: PersonBrief
}

/** The pairs that are offered once the job has looked. */
async function offered(workspace: TestWorkspace, query = ''): Promise<Listed[]> {
  clock.advance(MINUTE_MS)
  await hub.app.jobs.tick()
  await hub.settle()
  return (await workspace.get(`/api/v1/people/duplicates?${query}`)).body.data
}

test('pairs that may be one are offered, the surest first, and those that changed apart are not offered any more', async () => {
  const workspace = await hub.freshWorkspace()
  const a = await identify(workspace, { email: 'ada.lovelace@x.example', phone: '030 5550199' })
  const b = await identify(workspace, { email: 'adalovelace+a@x.example', phone: '+49 30 5550199' })
  const c = await identify(workspace, { userId: 'u1', phone: '030-5550199', firstName: 'Bob' })
  await identify(workspace, { email: 'else@y.example' })
  const pairs = await offered(workspace)
  const sides = pairs.map(({ personId, otherPersonId }) =>
    [personId, otherPersonId].toSorted().join(),
  )
  expect(sides[0]).toBe([a, b].toSorted().join())
  expect(new Set(sides)).toEqual(
    new Set(
      [
        [a, b],
        [a, c],
        [b, c],
      ].map((pair) => pair.toSorted().join()),
    ),
  )
  expect(pairs).toHaveLength(3)
  expect(pairs[0]).toMatchObject({ reasons: ['email_variant', 'phone'] })
  expect(await offered(workspace, 'minConfidence=0.7')).toHaveLength(1)
  const paged = (await workspace.get('/api/v1/people/duplicates?limit=2')).body
  const rest = (await workspace.get(`/api/v1/people/duplicates?limit=2&cursor=${paged.nextCursor}`))
    .body
  expect([...paged.data, ...rest.data]).toEqual(pairs)
  await identify(workspace, { userId: 'u1', phone: '040 7771234' })
  expect((await offered(workspace)).map(({ id }) => id)).toEqual([pairs[0]!.id])
  const stranger = await hub.freshWorkspace()
  expect(await offered(stranger)).toEqual([])
})

test('a pair that was dismissed is never offered again, not even for who stands for one of them', async () => {
  const workspace = await hub.freshWorkspace()
  const a = await identify(workspace, { email: 'ada.lovelace@x.example' })
  const b = await identify(workspace, { email: 'adalovelace@x.example' })
  const [pair] = await offered(workspace)
  const dismiss = () => workspace.post(`/api/v1/people/duplicates/${pair!.id}/dismiss`, {})
  const answer = await dismiss()
  expect(answer.body).toMatchObject({
    status: 'dismissed',
    decidedBy: expect.any(String),
    decidedAt: clock.now().toISOString(),
  })
  expect((await dismiss()).body).toEqual(answer.body)
  expect(
    (await workspace.auditActions()).filter((action) => action === 'person.duplicate_dismissed'),
  ).toHaveLength(1)
  await identify(workspace, { email: 'ada.lovelace@x.example', jobTitle: 'CTO' })
  expect(await offered(workspace)).toEqual([])
  const c = await identify(workspace, { email: 'grace@z.example' })
  const merged = await workspace.post(`/api/v1/people/${c}/merge`, { with: b })
  expect(merged.status, merged.text).toBe(200)
  expect(await offered(workspace)).toEqual([])
  expect((await workspace.get('/api/v1/people/duplicates?status=dismissed')).body.data).toEqual([])
  await workspace.post(`/api/v1/people/merges/${merged.body.id}/unmerge`, {})
  expect(await offered(workspace)).toEqual([])
  expect(
    (await workspace.get(`/api/v1/people/duplicates?status=dismissed&personId=${a}`)).body.data,
  ).toHaveLength(1)
  expectProblem(
    await workspace.post('/api/v1/people/duplicates/dup_0/dismiss', {}),
    404,
    'resource.not_found',
  )
})

test('several pairs are dismissed at once with a reason, each noted once, or none of them', async () => {
  const workspace = await hub.freshWorkspace()
  const [a, b] = [
    await identify(workspace, { email: 'ada.lovelace@x.example', firstName: 'Ada' }),
    await identify(workspace, { email: 'adalovelace@x.example', phone: '030 5550199' }),
  ]
  await identify(workspace, { userId: 'u1', phone: '030-5550199', lastName: 'Babbage' })
  const pairs = await offered(workspace)
  expect(pairs).toHaveLength(2)
  const brief = (id: string) =>
    pairs.flatMap((pair) => [pair.person, pair.otherPerson]).find((side) => side.id === id)
  expect(brief(a)).toMatchObject({ email: 'ada.lovelace@x.example', firstName: 'Ada' })
  expect(brief(b)).toMatchObject({ email: 'adalovelace@x.example', company: null })
  const dismiss = (duplicateIds: string[]) =>
    workspace.post('/api/v1/people/duplicates/dismiss', { duplicateIds, reason: 'shared_phone' })
  const ids = pairs.map(({ id }) => id)
  expectProblem(await dismiss([...ids, 'dup_0']), 404, 'resource.not_found')
  expect(await offered(workspace)).toHaveLength(2)
  expect((await dismiss(ids)).body).toEqual({ dismissed: 2 })
  expect((await dismiss(ids)).body).toEqual({ dismissed: 0 })
  const { data } = (await workspace.get('/api/v1/people/duplicates?status=dismissed')).body
  expect(data.map(({ reason }: { reason: string }) => reason)).toEqual([
    'shared_phone',
    'shared_phone',
  ])
  expect(
    (await workspace.auditActions()).filter((action) => action === 'person.duplicate_dismissed'),
  ).toHaveLength(2)
  const reader = await workspace.withKey({ scopes: ['people:read'] })
  const masked = (await reader.get('/api/v1/people/duplicates?status=dismissed')).body.data[0]
  expect([masked.person.email, masked.otherPerson.email]).toContain('•••')
  expectProblem(
    await reader.post('/api/v1/people/duplicates/dismiss', { duplicateIds: ids }),
    403,
    'auth.forbidden',
  )
})

test('two people whose identifiers came together are a pair, settled by a merge and open again after it is undone', async () => {
  const workspace = await hub.freshWorkspace()
  const a = await identify(workspace, { email: 'ada@x.example' })
  const b = await identify(workspace, { userId: 'u-lovelace' })
  expect(await offered(workspace)).toEqual([])
  await workspace.post('/api/v1/touchpoints', {
    email: 'ada@x.example',
    userId: 'u-lovelace',
    kind: 'page_view',
  })
  expect(await offered(workspace)).toMatchObject([{ reasons: ['identifiers_met'] }])
  const [met] = (await workspace.get('/api/v1/identity-conflicts')).body.data
  expect([met.person.email, met.otherPerson.email]).toContain('ada@x.example')
  const merged = await workspace.post(`/api/v1/people/${a}/merge`, { with: b })
  expect(await offered(workspace)).toEqual([])
  expect((await workspace.get('/api/v1/identity-conflicts?state=merged')).body.data).toHaveLength(1)
  await workspace.post(`/api/v1/people/merges/${merged.body.id}/unmerge`, {})
  expect(await offered(workspace)).toMatchObject([{ reasons: ['identifiers_met'] }])
})

test('a number that many have makes nobody alike, and keys tell nothing of what they were made from', async () => {
  const workspace = await hub.freshWorkspace()
  const people = Array.from({ length: 30 }, (_, i) => ({
    email: `${'abcdefghijklmnopqrstuvwxyzABCD'[i]}@x${i}.example`,
    phone: '030 5550000',
  }))
  await workspace.post('/api/v1/people', { people })
  expect(await offered(workspace)).toEqual([])
  const keys = await hub.app.store.transaction(workspace.id, (tx) =>
    tx.query(sql<{ key: Buffer }>`select key from person_keys`),
  )
  expect(keys.length).toBeGreaterThan(30)
  expect(keys.every(({ key }) => key.length === 32)).toBe(true)
})

test('what a look reads grows with the people it looks at, also while the database takes new people to have no keys', async () => {
  const workspace = await hub.freshWorkspace()
  const create = (name: string, count: number) =>
    workspace.post('/api/v1/people', {
      people: Array.from({ length: count }, (_, i) => ({ email: `${name}${i}x@x${i}.example` })),
    })
  await create('anybody', 20)
  await offered(workspace)
  await runOnServer('analyze person_keys', hub.app.store.connectionString)
  // Ids ascend, so that those of new people lie beyond all that the statistics know.
  await create('somebody', 100)
  const [keys, read] = await hub.app.store.transaction(workspace.id, async (tx) => {
    const ids = await takeUnkeyed(tx, 100)
    const people = await readLikable(tx, ids)
    const made = new Map([...people].map(([id, person]) => [id, likenessKeys(person)]))
    await replaceKeys(tx, made)
    const count = [...made.values()].reduce((sum, own) => sum + own.length, 0)
    return [count, await rowsRead(tx, 'person_keys', () => findPairs(tx, ids))]
  })
  expect(keys).toBeGreaterThan(1000)
  expect(read).toBeLessThan(3 * keys)
})

/** People who share a phone: each is a pair with each. */
async function family(workspace: TestWorkspace, count: number): Promise<string[]> {
  const ids: string[] = []
  for (let i = 0; i < count; i += 1)
    ids.push(
      await identify(workspace, {
        email: `person${i}@family.example`,
        phone: '030 5550199',
        jobTitle: `Job ${i}`,
        ...(i === count - 1 ? { country: 'DE' } : {}),
      }),
    )
  return ids
}

const between = (pairs: readonly Listed[], one: string, other: string): string =>
  pairs.find(
    ({ personId, otherPersonId }) =>
      [personId, otherPersonId].includes(one) && [personId, otherPersonId].includes(other),
  )!.id

test('many pairs are merged at once with an outcome each, and none stops the others', async () => {
  const workspace = await hub.freshWorkspace()
  const [a, b, c, d] = (await family(workspace, 4)) as [string, string, string, string]
  const pairs = await offered(workspace)
  expect(pairs).toHaveLength(6)
  const of = (one: string, other: string) => between(pairs, one, other)
  await workspace.post(`/api/v1/people/duplicates/${of(a, d)}/dismiss`, {})
  const body = {
    pairs: [
      { duplicateId: of(b, c) },
      { duplicateId: 'dup_0' },
      { duplicateId: of(a, d) },
      { duplicateId: of(a, c), intoId: d },
      { duplicateId: of(a, b) },
      { duplicateId: of(a, c) },
    ],
  }
  const merge = (key: string) =>
    workspace.post('/api/v1/people/duplicates/merge', body, { 'idempotency-key': key })
  const answer = await merge('one')
  expect(answer.status, answer.text).toBe(207)
  expect(answer.body.summary).toMatchObject({ done: 3, refused: 3 })
  const outcomes = answer.body.outcomes as {
    data?: { result: string; intoId: string; fromId: string; mergeId: string; isShared: boolean }
    problem?: { code: string }
  }[]
  expect(outcomes.map(({ problem }) => problem?.code ?? null)).toEqual([
    null,
    'resource.not_found',
    'merge.refused',
    'request.invalid',
    null,
    null,
  ])
  const [bc, , , , ab, ac] = outcomes.map(({ data }) => data)
  expect(ab).toMatchObject({ result: 'merged', fromId: b, intoId: a, isShared: true })
  expect(ac).toMatchObject({ result: 'merged', fromId: c, intoId: a, isShared: true })
  expect(bc).toMatchObject({ result: 'together', fromId: null, mergeId: null, intoId: a })
  const person = async (id: string) => (await workspace.get(`/api/v1/people/${id}`)).body
  for (const id of [a, b, c]) expect(await person(id)).toMatchObject({ id: a, jobTitle: 'Job 0' })
  expect((await person(a)).identities).toHaveLength(3)
  expect(await person(d)).toMatchObject({ id: d, country: 'DE' })
  // The same request again answers the same; asked anew, they are one already.
  expect((await merge('one')).body).toEqual(answer.body)
  const again = (await merge('two')).body.outcomes as typeof outcomes
  expect(again.map(({ data }) => data?.result ?? null)).toEqual([
    'already_one',
    null,
    null,
    null,
    'already_one',
    'already_one',
  ])
  expect(again[4]!.data).toMatchObject({ mergeId: ab!.mergeId, intoId: a, fromId: b })
  const merges = (await workspace.auditActions()).filter((action) => action === 'person.merged')
  expect(merges).toHaveLength(2)
  // Each is undone by itself, the latest first.
  const undo = (id: string) => workspace.post(`/api/v1/people/merges/${id}/unmerge`, {})
  expectProblem(await undo(ab!.mergeId), 409, 'merge.undo_later_first')
  expect((await undo(ac!.mergeId)).status).toBe(200)
  expect(await person(c)).toMatchObject({ id: c, jobTitle: 'Job 2' })
  expect((await undo(ab!.mergeId)).status).toBe(200)
  for (const id of [a, b, c, d]) expect(await person(id)).toMatchObject({ id, merged: null })
})

test('a preview of many says who stays, what differs and which pairs share people, and changes nothing', async () => {
  const workspace = await hub.freshWorkspace()
  const [a, b, c] = (await family(workspace, 3)) as [string, string, string]
  const pairs = await offered(workspace)
  const of = (one: string, other: string) => between(pairs, one, other)
  const preview = async (query: string, by = workspace) => {
    const answer = await by.get(`/api/v1/people/duplicates/merge-preview?pairs=${query}`)
    expect(answer.status, answer.text).toBe(200)
    return answer.body.data
  }
  const [ab, bc, none] = await preview([of(a, b), of(b, c), 'dup_0'].join(','))
  expect(ab).toMatchObject({ result: 'merge', into: { id: a }, from: { id: b }, isShared: true })
  expect(ab.differs).toContainEqual({ field: 'jobTitle', stays: 'Job 0', setAside: 'Job 1' })
  expect(ab).toMatchObject({ differing: ab.differs.length, fills: 0, refusal: null })
  expect(bc).toMatchObject({ result: 'merge', into: { id: a }, from: { id: c }, fills: 1 })
  expect(none).toMatchObject({ id: 'dup_0', result: 'refused', into: null, differs: [] })
  const [turned] = await preview(`${of(a, b)}:${b}`)
  expect(turned).toMatchObject({ into: { id: b }, from: { id: a }, isShared: false })
  const reader = await workspace.withKey({ scopes: ['people:read'] })
  const [masked] = await preview(of(a, b), reader)
  expect(JSON.stringify(masked)).not.toMatch(/Job|family/)
  expect(await offered(workspace)).toHaveLength(3)
  for (const wrong of ['', 'dup_0:lead_1', 'x', Array.from({ length: 101 }, () => 'dup_0').join()])
    expectProblem(
      await workspace.get(`/api/v1/people/duplicates/merge-preview?pairs=${wrong}`),
      422,
      'request.invalid',
    )
})

test('a hundred pairs take as many statements as one', async () => {
  const workspace = await hub.freshWorkspace()
  const count = async (pairs: number): Promise<number> => {
    const ids: string[] = []
    await hub.app.store.transaction(workspace.id, async (tx) => {
      const people = Array.from({ length: pairs * 2 }, (_, i) => ({
        source: 'test',
        identities: [{ kind: 'email' as const, value: `s${pairs}n${i}@many.example` }],
        personal: {},
        consents: [],
        touch: null,
      }))
      const { outcomes } = await captureAll(tx, people, clock.now())
      const rows = Array.from({ length: pairs }, (_, i) => ({
        id: newId('dup'),
        sides: [outcomes[2 * i]!.personId, outcomes[2 * i + 1]!.personId].toSorted(),
      }))
      ids.push(...rows.map(({ id }) => id))
      await tx.execute(sql`
        insert into person_duplicates (id, workspace_id, person_id, other_person_id, confidence, reasons, found_at)
        select r.id, ${workspace.id}, r.sides[1], r.sides[2], 0.5, '{phone}', ${clock.now()}::timestamptz
        from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(id text, sides text[])`)
    })
    let statements = 0
    await hub.app.store.transaction(workspace.id, async (tx) => {
      const counting = new Proxy(tx, {
        get(target, name) {
          if (name === 'query' || name === 'find' || name === 'execute') statements += 1
          const value: unknown = Reflect.get(target, name, target)
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
      const wishes = ids.map((duplicateId) => ({ duplicateId, intoId: null }))
      const { merges } = await mergePairs(counting, wishes, 'test', clock.now())
      expect(merges).toHaveLength(pairs)
    })
    return statements
  }
  const one = await count(1)
  expect(one).toBeLessThan(15)
  expect(await count(100)).toBe(one)
})
