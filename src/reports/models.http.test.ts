import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { newId } from '#core/id.ts'
import { ManualClock } from '#core/time.ts'
import { expectProblem, useHub, type TestWorkspace } from '#tests/hub.ts'

const clock = new ManualClock(new Date('2026-11-20T12:00:00Z'))
const hub = useHub({ clock })

/** Three won deals through two channels; the rows as the owning modules write them. */
async function wonDeals(workspace: TestWorkspace) {
  const now = clock.now()
  await hub.app.store.transaction(workspace.id, async (tx) => {
    await tx.execute(sql`
      insert into channels (workspace_id, key, label, created_at)
      select ${tx.workspaceId}, key, key, ${now}::timestamptz from unnest('{email,webinar}'::text[]) key on conflict do nothing`)
    for (const [i, channels] of [['email', 'webinar'], ['webinar'], ['email']].entries()) {
      const [person, deal] = [newId('per'), newId('opp')]
      await tx.execute(sql`
        insert into people (id, workspace_id, identified, created_at, updated_at)
        values (${person}, ${tx.workspaceId}, true, ${now}, ${now})`)
      await tx.execute(sql`
        insert into touchpoints (id, workspace_id, person_id, kind, channel, occurred_at, received_at, source)
        select ${person} || n, ${tx.workspaceId}, ${person}, 'visit', channel, ${now}::timestamptz - (12 - n) * interval '1 day', ${now}, 'api'
        from unnest(${channels}::text[]) with ordinality as t (channel, n)`)
      await tx.execute(sql`
        insert into opportunities (id, workspace_id, name, amount_minor, currency, status, opened_at, closed_at, updated_at)
        values (${deal}, ${tx.workspaceId}, ${tx.sealer.seal('Deal', `opportunities.name:${deal}`)}, ${1001 + i}, 'EUR',
          'won', '2026-11-01', '2026-11-12', ${now})`)
      await tx.execute(sql`
        insert into opportunity_people (workspace_id, opportunity_id, person_id) values (${tx.workspaceId}, ${deal}, ${person})`)
    }
  })
  await workspace.post('/api/v1/attribution/recompute', {})
  await hub.settle()
}

const total = (rows: { creditedMinor: number }[]) =>
  rows.reduce((sum, row) => sum + row.creditedMinor, 0)

test('a computed model that is published is fitted and credited in the background, and both are audited', async () => {
  const workspace = await hub.freshWorkspace()
  await wonDeals(workspace)
  const put = (body: unknown) => workspace.put('/api/v1/attribution/models/chain', body)
  const published = await put({ name: 'Chain', method: 'markov', parameters: { order: 2 } })
  expect([published.status, published.body]).toMatchObject([
    200,
    { model: 'chain', version: 1, isFitted: false, fit: null },
  ])
  const report = () => workspace.get('/api/v1/attribution/channels?model=chain')
  expectProblem(await report(), 409, 'attribution.model_unready')
  await hub.settle()
  const { body } = await report()
  expect(total(body.channels)).toBe(1001 + 1002 + 1003)
  const compared = await workspace.get('/api/v1/attribution/compare')
  const fitted = compared.body.models.find((row: { model: string }) => row.model === 'chain')
  expect(fitted).toMatchObject({ kind: 'fitted', fit: { profile: { journeys: 3, touches: 4 } } })
  const email = compared.body.rows.find((row: { key: string }) => row.key === 'email')
  const cell = email.cells.find((row: { model: string }) => row.model === 'chain')
  expect(cell.interval.low).toBeLessThanOrEqual(cell.interval.high)
  expectProblem(
    await put({ name: 'Chain', method: 'linear', parameters: { order: 2 } }),
    422,
    'attribution.model_invalid',
  )
  const refit = await workspace.post('/api/v1/attribution/models/chain/fit', {})
  expect(refit.status).toBe(202)
  expect((await workspace.delete('/api/v1/attribution/models/chain')).body.retiredAt).not.toBeNull()
  await hub.settle()
  expectProblem(await report(), 422, 'attribution.model_unknown')
  expect(await workspace.auditActions()).toEqual(
    expect.arrayContaining([
      'putAttributionModel',
      'fitAttributionModel',
      'retireAttributionModel',
    ]),
  )
})

test('on Monday the week before is frozen: marketing and sales read the same numbers, and the calendar has the meeting', async () => {
  const workspace = await hub.freshWorkspace()
  await wonDeals(workspace)
  await hub.app.jobs.tick()
  clock.set(new Date('2026-11-23T08:00:00Z'))
  await hub.app.jobs.tick()
  await hub.settle()
  const [marketing, sales] = [
    await workspace.withKey({ roles: ['marketing'] }),
    await workspace.withKey({ roles: ['sales'] }),
  ]
  const { body: list } = await marketing.get('/api/v1/reports/weekly')
  expect(list.data[0]).toMatchObject({ week: '2026-11-16', createdBy: 'system' })
  const path = `/api/v1/reports/weekly/${list.data[0].id}`
  const [one, other] = [await marketing.get(path), await sales.get(path)]
  expect(one.body.figures).toEqual(other.body.figures)
  expect(one.body.sha256).toBe(other.body.sha256)
  const made = await sales.post('/api/v1/reports/weekly', { week: '2026-11-12' })
  expect(made.status).toBe(201)
  expect(made.body.figures.current.closed.won.amountMinor).toBe(1001 + 1002 + 1003)
  const item = await marketing.post(`${path}/agenda`, { title: 'More webinars, fewer fairs' })
  expect(item.status).toBe(201)
  const feed = await fetch(`${hub.url}/api/v1/reports/weekly.ics?key=${sales.key}`)
  expect(feed.headers.get('content-type')).toContain('text/calendar')
  const text = (await feed.text()).replaceAll('\r\n ', '')
  expect(text).toContain('DTSTART:20261123T090000Z')
  expect(text).toContain('More webinars\\, fewer fairs')
  expect((await fetch(`${hub.url}/api/v1/reports/weekly.ics`)).status).toBe(401)
  const viewer = await workspace.withKey({ roles: ['viewer'] })
  expectProblem(await viewer.post(`${path}/comments`, { body: 'x' }), 403, 'auth.forbidden')
  expect(await workspace.auditActions()).toContain('createWeeklyReport')
})
