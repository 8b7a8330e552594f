import { sql } from 'kysely'
import { expect, test } from 'vitest'
import type { ConsentCapture, TouchCapture } from '#people/capture.ts'
import { openPersonal } from '#people/person.store.ts'
import { came, freshPeople, now, peopleRows, touchAt, touchRows } from '#tests/captures.ts'
import { useHub } from '#tests/hub.ts'
import { groupsOf } from '#tests/people-model.ts'

const hub = useHub()
test('a new person has one row, its identities, its touch, and the events of both', async () => {
  const { run, capture } = await freshPeople(hub)
  const { outcomes, events } = await capture(came('e1 a1', { personal: { firstName: 'Ada' } }))
  const [outcome] = outcomes
  expect(outcome).toMatchObject({ kind: 'captured', isNewPerson: true, isNewTouch: true })
  expect(events.map(({ event, subjectId }) => [event, subjectId])).toEqual([
    ['person.created', outcome!.personId],
    ['touchpoint.recorded', outcome!.touchpointId],
  ])
  const [person] = await peopleRows(run)
  expect(person).toMatchObject({ id: outcome!.personId, identified: true, mergedInto: null })
  const personal = await run(async (tx) => openPersonal(tx, person!.id, person!.personal))
  expect(personal).toEqual({ email: 'e1@example.com', firstName: 'Ada' })
})

test('an empty list does nothing, and a capture without identities is a broken promise', async () => {
  const { capture } = await freshPeople(hub)
  expect(await capture()).toEqual({ outcomes: [], events: [] })
  await expect(capture(came('e1', { identities: [] }))).rejects.toThrow('at least one identity')
})

test('one address in any spelling is one person', async () => {
  const { capture } = await freshPeople(hub)
  const [first, second, third] = ['Ada@Example.com', ' ada@example.COM ', 'ADA@EXAMPLE.COM'].map(
    (value) => came('e1', { identities: [{ kind: 'email', value }] }),
  )
  const { outcomes } = await capture(first!, second!)
  const later = await capture(third!)
  expect(new Set([...outcomes, ...later.outcomes].map(({ personId }) => personId)).size).toBe(1)
})

test('external ids of two systems that happen to be equal are two people', async () => {
  const { capture } = await freshPeople(hub)
  const { outcomes } = await capture(
    ...['crm', 'shop', ' CRM '].map((source) =>
      came('x1', { identities: [{ kind: 'external_id', source, value: '42' }] }),
    ),
  )
  expect(groupsOf(outcomes.map(({ personId }) => personId))).toEqual([0, 1, 0])
})

test('what an anonymous visitor did moves to the person they turn out to be, origin kept', async () => {
  const { run, capture } = await freshPeople(hub)
  const visit = await capture(came('a1', { personal: { country: 'GB', firstName: 'A.' } }))
  const lead = await capture(came('e1', { personal: { firstName: 'Ada' } }))
  const { outcomes, events } = await capture(came('a1 e1'))
  const [anonymous, ada] = [visit.outcomes[0]!.personId, lead.outcomes[0]!.personId]
  expect(outcomes[0]).toMatchObject({ personId: ada, isNewPerson: false })
  expect(events[0]).toEqual({ event: 'person.merged', subjectId: anonymous, data: { into: ada } })
  const touches = await touchRows(run)
  expect(touches.map(({ personId, capturedAs }) => [personId, capturedAs])).toEqual([
    [ada, anonymous],
    [ada, null],
    [ada, null],
  ])
  const people = await peopleRows(run)
  expect(people.find(({ id }) => id === anonymous)).toMatchObject({
    mergedInto: ada,
    personal: null,
  })
  const { id, personal } = people.find((row) => row.id === ada)!
  expect(await run(async (tx) => openPersonal(tx, id, personal))).toEqual({
    email: 'e1@example.com',
    firstName: 'Ada',
    country: 'GB',
  })
  const again = await capture(came('a1'))
  expect(again.outcomes[0]!.personId).toBe(ada)
})

test('two identified people stay two: the event goes to the strongest id, the pair is filed once', async () => {
  const { run, capture } = await freshPeople(hub)
  const { outcomes: known } = await capture(came('e1'), came('u1'))
  const first = await capture(came('e1 u1'))
  const second = await capture(came('e1 u1'))
  expect(first.outcomes[0]!.personId).toBe(known[1]!.personId)
  expect(first.outcomes[0]!.conflictId).toMatch(/^conf_/)
  expect(second.outcomes[0]!.conflictId).toBe(first.outcomes[0]!.conflictId)
  const filed = await run((tx) =>
    tx.query(
      sql<{ evidence: unknown; state: string }>`select evidence, state from identity_conflicts`,
    ),
  )
  expect(filed).toEqual([{ evidence: { kinds: ['user_id', 'email'] }, state: 'open' }])
  expect((await peopleRows(run)).map(({ mergedInto }) => mergedInto)).toEqual([null, null])
})

test('a pair that somebody decided to keep apart is not reported again', async () => {
  const { run, capture } = await freshPeople(hub)
  await capture(came('e1'), came('u1'))
  await capture(came('e1 u1'))
  await run((tx) => tx.execute(sql`update identity_conflicts set state = 'kept_apart'`))
  const { outcomes } = await capture(came('e1 u1'))
  expect(outcomes[0]).not.toHaveProperty('conflictId')
})

test('a redelivered message answers the touch it made, tells no event and changes nothing', async () => {
  const { run, capture } = await freshPeople(hub)
  const message = came('e1', { messageId: 'm1', personal: { jobTitle: 'CTO' } })
  const first = await capture(message)
  await capture(came('e1', { personal: { jobTitle: 'CEO' } }))
  const { outcomes, events } = await capture(message, came('e1', { messageId: 'm1' }))
  for (const outcome of outcomes) {
    expect(outcome).toMatchObject({
      touchpointId: first.outcomes[0]!.touchpointId,
      isNewTouch: false,
    })
  }
  expect(events).toEqual([])
  const [person] = await peopleRows(run)
  const personal = await run(async (tx) => openPersonal(tx, person!.id, person!.personal))
  expect(personal.jobTitle).toBe('CEO')
  expect(await touchRows(run)).toHaveLength(2)
})

test('a message twice in one batch is one touch; the same id of another source is another', async () => {
  const { capture } = await freshPeople(hub)
  const { outcomes } = await capture(
    came('e1', { messageId: 'm1' }),
    came('e1', { messageId: 'm1' }),
    came('e1', { messageId: 'm1', source: 'other' }),
  )
  expect(outcomes.map(({ isNewTouch }) => isNewTouch)).toEqual([true, false, true])
  expect(groupsOf(outcomes.map(({ touchpointId }) => touchpointId!))).toEqual([0, 0, 2])
})

test('a touch belongs to the campaign of its id or utm_campaign and takes its channel if it has none', async () => {
  const { run, capture } = await freshPeople(hub)
  await run((tx) =>
    tx.execute(sql`
      with c as (insert into channels (workspace_id, key, label, created_at)
        values (${tx.workspaceId}, 'podcast', 'Podcast', ${now}) on conflict do nothing)
      insert into campaigns (id, workspace_id, key, name, channel, status, created_at, updated_at, deleted_at)
      values ('cmp_1' || ${tx.workspaceId}, ${tx.workspaceId}, 'spring sale', 'Spring', 'podcast', 'active', ${now}, ${now}, null),
        ('cmp_2' || ${tx.workspaceId}, ${tx.workspaceId}, 'gone', 'Gone', 'podcast', 'ended', ${now}, ${now}, ${now})`),
  )
  const at = '2026-11-20T10:00:00Z'
  const withTouch = (more: Partial<TouchCapture>) => came('e1', { touch: touchAt(at, more) })
  const url = 'https://acme.example/?utm_campaign=Spring%20Sale&utm_medium=cpc&utm_source=google'
  const { outcomes } = await capture(
    withTouch({ utm: { campaign: ' SPRING sale ' } }),
    withTouch({ detail: { url } }),
    withTouch({ utm: { campaign: 'gone' }, channel: 'Radio Ads' }),
    withTouch({ campaignId: 'cmp_none' }),
  )
  expect(outcomes.map(({ channel, campaignId }) => [channel, campaignId?.slice(0, 5)])).toEqual([
    ['podcast', 'cmp_1'],
    ['paid_search', 'cmp_1'],
    ['radio_ads', undefined],
    ['unknown', undefined],
  ])
  const labels = await run((tx) =>
    tx.query(sql<{ label: string }>`select label from channels where key = 'radio_ads'`),
  )
  expect(labels).toEqual([{ label: 'Radio Ads' }])
})

test('text that PostgreSQL cannot hold is cleaned, never a failure of the batch', async () => {
  const { run, capture } = await freshPeople(hub)
  const touch = touchAt('2026-11-20T10:00:00Z', {
    kind: 'a\0b',
    channel: 'c\0d',
    messageId: 'm\ud800\0',
    utm: { source: '\udfff\0x', campaign: '\0' },
    detail: { note: '\0\ud800' },
  })
  const { outcomes } = await capture(came('e1', { touch, personal: { firstName: '\0\ud800' } }))
  expect(outcomes[0]!.isNewTouch).toBe(true)
  expect(await touchRows(run)).toMatchObject([{ messageId: 'm\ufffd', channel: 'c_d' }])
})

test('consent is told when what holds changes, and a redelivery does not lengthen the history', async () => {
  const { run, capture } = await freshPeople(hub)
  let spoken = 0
  const say = async (status: ConsentCapture['status'], proof?: Record<string, unknown>) => {
    const consent = {
      purpose: 'marketing',
      channel: 'email',
      status,
      occurredAt: new Date(now.getTime() + (spoken += 1)),
      ...(proof ? { proof } : {}),
    }
    const { events } = await capture(came('e1', { consents: [consent], touch: null }))
    return events.filter(({ event }) => event === 'consent.changed').map(({ data }) => data?.status)
  }
  expect(await say('granted', { text: 'v1' })).toEqual(['granted'])
  expect(await say('granted', { text: 'v1' })).toEqual([])
  expect(await say('granted', { text: 'v2' })).toEqual([])
  expect(await say('withdrawn')).toEqual(['withdrawn'])
  expect(await say('granted')).toEqual([])
  expect(await say('granted', { text: 'v2' })).toEqual(['granted'])
  const count = await run((tx) => tx.find(sql<{ n: number }>`select count(*) as n from consents`))
  expect(count).toEqual({ n: 5 })
})

test('a refusal given before the visitor named itself holds for the person, and is told', async () => {
  const { capture } = await freshPeople(hub)
  const grant = { purpose: 'marketing', channel: 'email', status: 'granted' as const }
  const refusal = { ...grant, status: 'withdrawn' as const }
  await capture(came('e1', { consents: [grant] }), came('a1', { consents: [refusal] }))
  const { events, outcomes } = await capture(came('a1 e1'))
  expect(events.filter(({ event }) => event === 'consent.changed')).toEqual([
    {
      event: 'consent.changed',
      subjectId: outcomes[0]!.personId,
      data: { purpose: 'marketing', channel: 'email', status: 'withdrawn' },
    },
  ])
})

test('no personal value stands in the clear in any column', async () => {
  const { run, capture } = await freshPeople(hub)
  const consent = {
    purpose: 'marketing',
    channel: 'email',
    status: 'granted' as const,
    proof: { text: 'Zaphod agrees' },
  }
  await capture({
    source: 'test',
    identities: [{ kind: 'email', value: 'zaphod@beeblebrox.example' }],
    personal: { firstName: 'Zaphod', company: 'Beeblebrox Ltd' },
    consents: [consent],
    touch: touchAt('2026-11-20T10:00:00Z', {
      detail: { url: 'https://x.example/?name=Zaphod&utm_source=google' },
    }),
  })
  const dump = await run((tx) =>
    tx.query(sql<{ line: string }>`
      select people::text || encode(personal, 'escape') as line from people
      union all select identities::text || encode(value, 'escape') from identities
      union all select consents::text || coalesce(encode(proof, 'escape'), '') from consents
      union all select touchpoints::text || coalesce(encode(detail, 'escape'), '') from touchpoints`),
  )
  expect(dump).toHaveLength(4)
  expect(dump.map(({ line }) => line).join('\n')).not.toMatch(/zaphod|beeblebrox/i)
})
