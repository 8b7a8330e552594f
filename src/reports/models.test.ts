import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId } from '#core/id.ts'
import { DAY_MS } from '#core/time.ts'
import { createReadProfile } from '#reports/accuracy.operations.ts'
import { getCampaignAttribution } from '#reports/campaign-report.operations.ts'
import { getAttributionChanges } from '#reports/change-report.operations.ts'
import {
  getAttributionReceipt,
  getChannelAttribution,
  listAttributionCredits,
  listAttributionDeals,
  listAttributionRestatements,
  listCampaignAttribution,
} from '#reports/credit.operations.ts'
import { createCompareAttribution } from '#reports/compare.operations.ts'
import { fitWorkspaceModel } from '#reports/fit.ts'
import { deleteModel, listModels, listModelVersions, putModel } from '#reports/model.operations.ts'
import { insertFit } from '#reports/model.store.ts'
import { previewAttribution } from '#reports/preview.operations.ts'
import { putAttributionWindows } from '#reports/settings.operations.ts'
import { smallWorld, type SmallWorld } from '#reports/small-world.ts'
import type { Store } from '#store/store.ts'
import { openTestStore } from '#tests/store.ts'

const compareAttribution = createCompareAttribution(createReadProfile(0))

let store: Store
beforeAll(async () => {
  store = await openTestStore()
})
afterAll(() => store.close())

const START = '2026-11-01T00:00:00Z'
const later = (hours: number) => new Date(Date.parse(START) + hours * 3_600_000).toISOString()

/** Three deals of October, touched through three channels by two campaigns and none. */
async function company() {
  const world = await smallWorld(store)
  const campaigns = [await world.campaign(), await world.campaign()]
  const people = [await world.person(), await world.person(), await world.person()]
  const [ada, bob, eve] = people as [string, string, string]
  const touch = (person: string, day: number, campaign: number, channel: string) =>
    world.touch(person, `2026-10-${String(day).padStart(2, '0')}T00:00:00Z`, {
      campaignId: campaigns[campaign] ?? null,
      channel,
    })
  await touch(ada, 1, 0, 'paid_search')
  await touch(ada, 3, 1, 'email')
  await touch(ada, 5, -1, 'direct')
  await touch(bob, 2, 0, 'paid_search')
  await touch(eve, 4, 1, 'webinar')
  await touch(eve, 9, -1, 'direct')
  const closedAt = '2026-10-15T00:00:00Z'
  const openedAt = '2026-10-04T00:00:00Z'
  const deals = [
    await world.deal({ people: [ada, bob], amountMinor: 10_001, closedAt, openedAt }),
    await world.deal({ people: [eve], amountMinor: 777, closedAt, openedAt }),
    await world.deal({ people: [], amountMinor: 50, closedAt, openedAt }),
  ]
  await world.recompute(START)
  const channels = async (query: Record<string, unknown>, at?: string) => {
    const answer = await world.ask(getChannelAttribution, query, at)
    return Object.fromEntries(
      answer.channels
        .filter((row: { creditedMinor: number }) => row.creditedMinor !== 0)
        .map((row: { channel: string; creditedMinor: number }) => [row.channel, row.creditedMinor]),
    )
  }
  return { world, campaigns, people, deals, channels }
}

test('a published model is credited to the cent for every deal, and no other model is written again', async () => {
  const { world, deals, channels } = await company()
  const recorded = () =>
    world.write((tx) =>
      tx.query(sql<{ model: string; at: Date }>`
        select model, max(recorded_at) as at from credits group by model order by model`),
    )
  const before = await recorded()
  const definition = {
    name: 'Ours',
    method: 'custom',
    parameters: { milestones: [3, 1], rest: 0 },
  }
  const published = await world.ask(putModel, { model: 'ours', ...definition }, later(1))
  expect(published).toMatchObject({ model: 'ours', version: 1, isFitted: null })
  expect(await world.refresh(later(1))).toBe(3)
  const after = await recorded()
  expect(after.filter((row) => row.model !== 'ours')).toEqual(before)
  // Ada and Bob: 3/4 to the first touch, 1/4 to the last. Eve: the same.
  expect(await channels({ model: 'ours' })).toEqual({
    paid_search: 7501,
    direct: 2500 + 194,
    webinar: 583,
  })
  const receipt = await world.ask(getAttributionReceipt, { opportunityId: deals[0] })
  expect(receipt.sums.ours).toBe(10_001)
  expect((await world.ask(listAttributionRestatements, { model: 'ours' })).data).toEqual([])
  // The same definition under another name is no new version, and nothing is computed again.
  const renamed = await world.ask(putModel, { ...definition, model: 'ours', name: 'Theirs' })
  expect(renamed).toMatchObject({ version: 1, name: 'Theirs' })
  expect(await world.refresh(later(2))).toBe(0)
})

test('the next version of a model restates ended weeks by that cause, and the version before is still to be read', async () => {
  const { world, channels } = await company()
  const put = (milestones: number[], at: string) =>
    world.ask(
      putModel,
      { model: 'ours', name: 'Ours', method: 'custom', parameters: { milestones, rest: 0 } },
      at,
    )
  await put([1, 0], later(1))
  await world.refresh(later(1))
  const first = await channels({ model: 'ours' })
  expect(first).toEqual(await channels({ model: 'first' }))
  expect((await put([0, 1], later(300))).version).toBe(2)
  await world.refresh(later(301))
  expect(await channels({ model: 'ours' })).toEqual(await channels({ model: 'last' }))
  expect(await channels({ model: 'ours', asOf: later(200) }, later(400))).toEqual(first)
  const restated = await world.ask(listAttributionRestatements, { model: 'ours' })
  expect(new Set(restated.data.map((row: { cause: string }) => row.cause))).toEqual(
    new Set(['model_changed']),
  )
  const versions = await world.ask(listModelVersions, { model: 'ours', limit: 1 })
  expect(versions.data).toMatchObject([{ version: 2, retiredAt: null }])
  const older = await world.ask(listModelVersions, { model: 'ours', cursor: versions.nextCursor })
  expect(older.data).toMatchObject([{ version: 1 }])
})

test('a computed model waits for its fit, then credits every deal to the cent; a refit says so', async () => {
  const { world, channels, people } = await company()
  await world.ask(putModel, { model: 'chain', name: 'Chain', method: 'markov' }, later(1))
  await world.refresh(later(1))
  await expect(channels({ model: 'chain' })).rejects.toMatchObject({
    code: 'attribution.model_unready',
  })
  const fit = (at: string) =>
    fitWorkspaceModel(store, world.workspaceId, 'chain', () => new Date(at))
  expect(await fit(later(2))).toMatchObject({ journeys: 2, touches: 6 })
  await world.refresh(later(2))
  const answer = await world.ask(getChannelAttribution, { model: 'chain' })
  expect(sum(answer.channels, 'creditedMinor')).toBe(10_001 + 777)
  expect(answer.workspace).toMatchObject({ uncreditedMinor: 50, baselineMinor: 0 })
  expect((await world.ask(listModels)).data).toContainEqual(
    expect.objectContaining({
      model: 'chain',
      isFitted: true,
      fit: expect.objectContaining({
        profile: expect.objectContaining({ journeys: 2, wonJourneys: 2, touches: 6 }),
      }),
    }),
  )
  // Many journeys through paid search that end in nothing make it weigh less.
  for (let i = 0; i < 8; i++)
    await world.touch(await world.person(), '2026-10-01T00:00:00Z', { channel: 'paid_search' })
  await world.touch(people[2]!, '2026-10-08T00:00:00Z', { channel: 'paid_search' })
  const before = await channels({ model: 'chain' })
  expect(await fit(later(300))).toMatchObject({ journeys: 10, touches: 15 })
  await world.refresh(later(301))
  const changes = await world.ask(
    getAttributionChanges,
    { model: 'chain', channel: 'direct', since: later(200), until: later(302) },
    later(400),
  )
  expect(changes.beforeMinor).toBe(before.direct)
  expect(sum(changes.causes, 'deltaMinor')).toBe(changes.afterMinor - changes.beforeMinor)
  expect(changes.causes.map((row: { cause: string }) => row.cause)).toContain('model_refit')
})

test('what a model says would have come anyway is a line of its own, and all parts sum to what was won', async () => {
  const { world, deals } = await company()
  await world.ask(putModel, { model: 'chain', name: 'Chain', method: 'markov' }, later(1))
  const profile = {
    journeys: 2,
    wonJourneys: 2,
    touches: 6,
    channels: 4,
    firstTouchAt: null,
    lastTouchAt: null,
  }
  const coefficients = { weights: { paid_search: 1, direct: 0 }, unknown: 0.5, baseline: 2 }
  await world.write(async (tx) => {
    await insertFit(tx, {
      id: newId('fit'),
      model: 'chain',
      version: 1,
      fittedAt: new Date(later(1)),
      durationMs: 1,
      profile,
      coefficients,
    })
  })
  await world.refresh(later(1))
  const answer = await world.ask(getChannelAttribution, { model: 'chain' })
  const { workspace } = answer
  // Ada and Bob weigh 1 + .5 + 0 + 1 and the baseline 2; Eve weighs .5 + 0 and the baseline 2.
  expect(workspace.baselineMinor).toBe(Math.round((10_001 * 2) / 4.5) + Math.round((777 * 2) / 2.5))
  expect(sum(answer.channels, 'creditedMinor')).toBe(workspace.creditedMinor)
  expect(workspace.creditedMinor + workspace.baselineMinor + workspace.uncreditedMinor).toBe(
    workspace.wonMinor,
  )
  const lines = await world.ask(listAttributionCredits, { model: 'chain', bucket: 'baseline' })
  expect(lines.total.creditedMinor).toBe(workspace.baselineMinor)
  expect(lines.data[0]).toMatchObject({ touchpointId: null, personId: null, channel: null })
  const receipt = await world.ask(getAttributionReceipt, { opportunityId: deals[0] })
  expect(receipt.sums.chain).toBe(10_001)
  expect(receipt.baseline.chain).toBe(Math.round((10_001 * 2) / 4.5))
  const preview = await world.ask(previewAttribution, {
    before: { model: 'chain', window: '90' },
    after: { model: 'linear', window: '90' },
  })
  expect(preview.baseline).toMatchObject({ beforeMinor: workspace.baselineMinor, afterMinor: 0 })
})

test('a data-driven model credits each deal by what its own touches moved, at their own times', async () => {
  const { world, deals } = await company()
  await world.ask(putModel, { model: 'causal', name: 'Causal', method: 'data_driven' }, later(1))
  const strength = 0.8
  await world.write((tx) =>
    insertFit(tx, {
      id: newId('fit'),
      model: 'causal',
      version: 1,
      fittedAt: new Date(later(1)),
      durationMs: 1,
      profile: {
        journeys: 2,
        wonJourneys: 2,
        touches: 6,
        channels: 4,
        firstTouchAt: null,
        lastTouchAt: null,
      },
      // Paid search alone moves anything, remembered by halves of 18 days.
      coefficients: {
        channels: ['paid_search', 'email', 'webinar'],
        without: ['direct'],
        members: [
          { link: 'multiply', weight: 1, coefficients: [0, 0, strength, 0, 0, 0, 0, 0, 0] },
        ],
        factors: [1, 1, 1],
        baseline: 1,
        intervals: null,
      },
    }),
  )
  await world.refresh(later(1))
  const { channels, workspace } = await world.ask(getChannelAttribution, { model: 'causal' })
  // Touched 14 and 13 days before the deal closed.
  const stock = 2 ** (-14 / 18) + 2 ** (-13 / 18)
  const moved = 1 - Math.exp((-strength * stock) / (stock + 0.7))
  const credited = channels.filter((row: { creditedMinor: number }) => row.creditedMinor !== 0)
  expect(credited).toMatchObject([
    { channel: 'paid_search', creditedMinor: Math.round(10_001 * moved) },
  ])
  expect(workspace.creditedMinor + workspace.baselineMinor + workspace.uncreditedMinor).toBe(
    workspace.wonMinor,
  )
  // The deal that paid search never touched would all have come anyway.
  const receipt = await world.ask(getAttributionReceipt, { opportunityId: deals[1] })
  expect(receipt.baseline.causal).toBe(777)
})

test('a fit of the data-driven model is kept as plain JSON and credits every deal to the cent', async () => {
  const world = await smallWorld(store)
  for (let i = 0; i < 40; i++) {
    const day = (n: number) => new Date(Date.UTC(2026, 8, 1 + (i % 20) + n)).toISOString()
    const person = await world.person()
    await world.touch(person, day(0), { channel: i % 2 === 0 ? 'email' : 'webinar' })
    if (i % 4 === 0) await world.touch(person, day(3), { channel: 'direct' })
    if (i % 3 !== 0) continue
    await world.deal({
      people: [person],
      amountMinor: 1000 + i,
      openedAt: day(1),
      closedAt: day(4 + (i % 5)),
    })
  }
  await world.recompute(START)
  await world.ask(putModel, { model: 'causal', name: 'Causal', method: 'data_driven' }, later(1))
  const at = () => new Date(later(2))
  expect(await fitWorkspaceModel(store, world.workspaceId, 'causal', at)).toMatchObject({
    journeys: 40,
  })
  await world.refresh(later(2))
  const { channels, workspace } = await world.ask(getChannelAttribution, { model: 'causal' })
  expect(sum(channels, 'creditedMinor')).toBe(workspace.creditedMinor)
  expect(workspace.creditedMinor + workspace.baselineMinor).toBe(workspace.wonMinor)
  expect(workspace.uncreditedMinor).toBe(0)
  const compared = await world.ask(compareAttribution, { model: 'causal' })
  const of = (model: string) =>
    compared.models.find((each: { model: string }) => each.model === model)
  expect(of('causal').accuracy.expected).toBeGreaterThan(of('last').accuracy.expected)
  expect(compared.rows[0].cells.some((cell: { interval: unknown }) => cell.interval)).toBe(true)
})

test('by person, each of a deal’s people has the same part, whoever was touched more', async () => {
  const { world, deals } = await company()
  await world.ask(putModel, {
    model: 'people',
    name: 'By person',
    method: 'linear',
    journey: 'person',
  })
  await world.refresh()
  const { touches } = await world.ask(getAttributionReceipt, { opportunityId: deals[0] })
  const credited = Object.fromEntries(
    touches.map((touch: { occurredAt: string; creditedMinor: Record<string, number> }) => [
      touch.occurredAt.slice(0, 10),
      touch.creditedMinor['people'],
    ]),
  )
  expect(credited).toEqual({
    '2026-10-01': 1667,
    '2026-10-02': 5000,
    '2026-10-03': 1667,
    '2026-10-05': 1667,
  })
})

test('a preview gives the figures that the ledger has once the model is published', async () => {
  const { world, channels, campaigns } = await company()
  const definition = { name: 'W', method: 'w_shaped' }
  const preview = await world.ask(previewAttribution, {
    before: { model: 'linear', window: '90' },
    after: { definition, window: '7' },
  })
  const side = (which: string) =>
    Object.fromEntries(
      preview.channels
        .filter((row: Record<string, number>) => row[which] !== 0)
        .map((row: Record<string, unknown>) => [row['channel'], row[which]]),
    )
  expect(side('beforeMinor')).toEqual(await channels({ model: 'linear', window: '90' }))
  await world.ask(putModel, { model: 'w', ...definition }, later(1))
  await world.ask(putAttributionWindows, { windows: ['7', '90', 'all'] }, later(1))
  await world.refresh(later(1))
  expect(side('afterMinor')).toEqual(await channels({ model: 'w', window: '7' }))
  const { wonMinor, uncredited, baseline, movedMinor, mostMoved } = preview
  expect(sum(preview.channels, 'afterMinor') + uncredited.afterMinor + baseline.afterMinor).toBe(
    wonMinor,
  )
  expect(sum(preview.campaigns, 'beforeMinor') + uncredited.beforeMinor).toBe(wonMinor)
  expect(sum(mostMoved, 'movedMinor')).toBe(movedMinor)
  const report = await world.ask(getCampaignAttribution, { campaignId: campaigns[1] })
  const row = preview.campaigns.find(
    (each: { campaignId: string }) => each.campaignId === campaigns[1],
  )
  expect(row.beforeMinor).toBe(report.totals.creditedMinor)
})

test('models that do not fit are refused with what to do, and the default stays', async () => {
  const { world } = await company()
  const put = (fields: Record<string, unknown>) =>
    world.ask(putModel, { model: 'ours', name: 'Ours', ...fields })
  const invalid = { code: 'attribution.model_invalid' }
  await expect(put({ method: 'custom' })).rejects.toMatchObject(invalid)
  await expect(put({ method: 'linear', parameters: { order: 2 } })).rejects.toMatchObject(invalid)
  await expect(
    put({ method: 'custom', parameters: { milestones: [0, 0], rest: 0 } }),
  ).rejects.toMatchObject(invalid)
  await expect(world.ask(deleteModel, { model: 'linear' })).rejects.toMatchObject(invalid)
  await expect(world.ask(deleteModel, { model: 'none' })).rejects.toMatchObject({
    code: 'resource.not_found',
  })
  await expect(world.ask(getChannelAttribution, { model: 'none' })).rejects.toMatchObject({
    code: 'attribution.model_unknown',
  })
})

test('a retired model or window is refused now and still read as of then', async () => {
  const { world, channels } = await company()
  const was = await channels({ model: 'last', window: 'all' })
  await world.ask(deleteModel, { model: 'last' }, later(2))
  await world.ask(putAttributionWindows, { windows: ['90'] }, later(2))
  await world.refresh(later(3))
  await expect(channels({ model: 'last' })).rejects.toMatchObject({
    code: 'attribution.model_unknown',
  })
  await expect(channels({ window: 'all' })).rejects.toMatchObject({
    code: 'attribution.window_unknown',
  })
  expect(await channels({ model: 'last', window: 'all', asOf: later(1) }, later(9))).toEqual(was)
  await expect(channels({ asOf: '2026-10-31T23:59:59Z' }, later(9))).rejects.toMatchObject({
    code: 'attribution.no_history',
  })
})

const edit = fc.oneof(
  fc.record({ kind: fc.constant('touch' as const), person: fc.nat(2), day: fc.nat(40) }),
  fc.record({
    kind: fc.constant('amount' as const),
    deal: fc.nat(2),
    to: fc.integer({ min: -99, max: 9999 }),
  }),
  fc.record({ kind: fc.constant('close' as const), deal: fc.nat(2), day: fc.nat(40) }),
  fc.record({ kind: fc.constant('reopen' as const), deal: fc.nat(2) }),
  fc.record({ kind: fc.constant('win' as const), deal: fc.nat(2), day: fc.nat(40) }),
  fc.record({ kind: fc.constant('deal' as const), person: fc.nat(2), day: fc.nat(40) }),
  fc.record({ kind: fc.constant('merge' as const) }),
  fc.record({ kind: fc.constant('rule' as const), weight: fc.integer({ min: 1, max: 9 }) }),
)
type Edit = typeof edit extends fc.Arbitrary<infer T> ? T : never

const day = (n: number) => new Date(Date.UTC(2026, 8, 15) + n * DAY_MS).toISOString()

async function apply(
  { world, people, deals }: { world: SmallWorld; people: string[]; deals: string[] },
  change: Edit,
  at: string,
): Promise<void> {
  const set = (deal: number, fields: ReturnType<typeof sql>) =>
    world.write((tx) =>
      tx.execute(sql`update opportunities set ${fields} where id = ${deals[deal]!}`),
    )
  switch (change.kind) {
    case 'touch':
      await world.touch(people[change.person]!, day(change.day), { channel: 'webinar' })
      break
    case 'amount':
      await set(change.deal, sql`amount_minor = ${change.to}`)
      break
    case 'close':
      await set(
        change.deal,
        sql`closed_at = case when closed_at is null then null else ${day(change.day)}::timestamptz end`,
      )
      break
    case 'reopen':
      await set(change.deal, sql`status = 'open', closed_at = null`)
      break
    case 'win':
      await set(change.deal, sql`status = 'won', closed_at = ${day(change.day)}`)
      break
    case 'deal':
      await world.deal({ people: [people[change.person]!], closedAt: day(change.day) })
      break
    case 'merge':
      await world.write((tx) =>
        tx.execute(sql`update people set merged_into = ${people[1]!} where id = ${people[0]!}`),
      )
      break
    case 'rule':
      await world.ask(
        putModel,
        {
          model: 'position',
          name: 'Position',
          method: 'custom',
          parameters: { milestones: [change.weight, 1], rest: 1 },
        },
        at,
      )
  }
}

test('whatever is edited: every figure reads as of then as it read then, and the causes of its change sum to the change', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(edit, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 }),
      async (rounds) => {
        const company_ = await company()
        const { world, campaigns } = company_
        const read = async (fields: Record<string, unknown>, at: string) => {
          const answers = []
          for (const model of ['linear', 'position'])
            for (const window of ['90', 'all'])
              for (const [operation, more] of [
                [listCampaignAttribution, {}],
                [getChannelAttribution, {}],
                [getCampaignAttribution, { campaignId: campaigns[0] }],
                [listAttributionCredits, {}],
                [listAttributionDeals, {}],
              ] as const)
                answers.push(await world.ask(operation, { model, window, ...fields, ...more }, at))
          return stripped(answers)
        }
        const moments = [later(0)]
        const seen = [await read({}, later(1))]
        for (const [i, edits] of rounds.entries()) {
          const at = later(10 * (i + 1))
          for (const change of edits) await apply(company_, change, at)
          await world.recompute(at)
          moments.push(at)
          seen.push(await read({}, later(10 * (i + 1) + 1)))
        }
        for (const [i, moment] of moments.entries())
          expect(await read({ asOf: moment }, later(999))).toEqual(seen[i])
        for (const bucket of ['credited', 'uncredited', 'won'])
          for (const channel of bucket === 'credited'
            ? ['email', 'direct', undefined]
            : [undefined]) {
            const changes = await world.ask(
              getAttributionChanges,
              { model: 'position', bucket, channel, since: moments[0], until: moments.at(-1) },
              later(999),
            )
            expect(sum(changes.causes, 'deltaMinor')).toBe(changes.deltaMinor)
            expect(sum(changes.data, 'deltaMinor')).toBe(changes.deltaMinor)
          }
      },
    ),
    { numRuns: 8 },
  )
})

/** What an answer says of figures: without the moment it was asked for, and what follows from that. */
function stripped(answers: unknown): unknown {
  return JSON.parse(
    JSON.stringify(answers, (key, value) =>
      ['asOf', 'freshness', 'receipts', 'links', 'isPartial', 'notes'].includes(key)
        ? undefined
        : value,
    ),
  )
}

function sum(rows: readonly Record<string, number>[], field: string): number {
  return rows.reduce((total, row) => total + row[field]!, 0)
}
