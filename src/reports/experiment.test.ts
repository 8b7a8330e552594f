import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId } from '#core/id.ts'
import { beliefOf, resultOf } from '#reports/experiment.rules.ts'
import {
  cancelExperiment,
  createExperiment,
  getExperiment,
  listExperiments,
  listProposals,
  recordExperimentResult,
} from '#reports/experiment.operations.ts'
import { getChannelAttribution } from '#reports/credit.operations.ts'
import { fitWorkspaceModel } from '#reports/fit.ts'
import { putModel } from '#reports/model.operations.ts'
import { insertFit } from '#reports/model.store.ts'
import { smallWorld } from '#reports/small-world.ts'
import type { Store } from '#store/store.ts'
import { openTestStore } from '#tests/store.ts'

let store: Store
beforeAll(async () => {
  store = await openTestStore()
})
afterAll(() => store.close())

const AT = '2026-11-01T00:00:00Z'

test('a result says its lift with an interval, by hand', () => {
  // 40 of 1,000 without, 160 of 2,000 with: half of the conversions are missing.
  const counts = {
    peopleHeldOut: 1000,
    conversionsHeldOut: 40,
    peopleOthers: 2000,
    conversionsOthers: 160,
  }
  const { lift, variance, low, high } = resultOf(counts)
  expect(lift).toBeCloseTo(0.5, 12)
  expect(variance).toBeCloseTo(0.25 * (1 / 40 + 1 / 160), 12)
  expect(high - lift).toBeCloseTo(1.6448536 * Math.sqrt(variance), 6)
  expect(lift - low).toBeCloseTo(high - lift, 12)
})

test('a belief is read back from the interval that a model gave it, as the removal that a test measures', () => {
  const [root, half] = [Math.sqrt(0.2), 0.1]
  const interval = { low: (root - half) ** 2, high: (root + half) ** 2 }
  expect(beliefOf(interval, 1).effect).toBeCloseTo(0.2, 12)
  const { effect, deviation } = beliefOf(interval, 0.8)
  expect(effect).toBeCloseTo(0.25, 12)
  expect(deviation).toBeCloseTo(beliefOf(interval, 1).deviation / 0.8, 12)
})

test('the channel that most hangs on is proposed; a planned test is not proposed again, and its result stays', async () => {
  const world = await smallWorld(store)
  const budget = { startsOn: '2026-06-01', endsOn: '2026-10-31', currency: 'EUR' }
  await world.campaign({ channel: 'paid_search', budgetMinor: 10_000_000, ...budget })
  await world.campaign({ channel: 'webinar', budgetMinor: 9_000_000, ...budget })
  await world.campaign({ channel: 'email', budgetMinor: 8_000_000, ...budget })
  await world.deal({ amountMinor: 500_000_000, closedAt: '2026-10-15T00:00:00Z' })
  await expect(world.ask(listProposals, {}, AT)).rejects.toMatchObject({
    code: 'attribution.model_unknown',
  })
  await world.ask(putModel, { model: 'causal', name: 'Causal', method: 'data_driven' }, AT)
  await expect(world.ask(listProposals, {}, AT)).rejects.toMatchObject({
    code: 'attribution.model_unready',
  })
  const interval = (low: number, high: number) => ({ low, high })
  await world.write((tx) =>
    insertFit(tx, {
      id: newId('fit'),
      model: 'causal',
      version: 1,
      fittedAt: new Date(AT),
      durationMs: 1,
      profile: {
        journeys: 26_000,
        wonJourneys: 2600,
        touches: 60_000,
        channels: 4,
        firstTouchAt: new Date('2026-05-03T00:00:00Z'),
        lastTouchAt: new Date(AT),
      },
      coefficients: {
        channels: ['paid_search', 'webinar', 'email'],
        without: ['direct'],
        members: [],
        factors: [1, 1, 1],
        baseline: 1,
        overlap: 0.8,
        intervals: {
          paid_search: interval(0.19, 0.21),
          webinar: interval(0.02, 0.4),
          email: interval(0.09, 0.11),
          direct: interval(0, 0),
        },
      },
    }),
  )
  const proposals = await world.ask(listProposals, {}, AT)
  expect(proposals.audience.weeklyPeople).toBeCloseTo(1000, 6)
  expect(proposals.audience).toMatchObject({ conversionRate: 0.1 })
  expect(proposals.audience.weeklyRevenueMinor).toBe(Math.round(500_000_000 / 26))
  expect(proposals.leftOut).toEqual([{ channel: 'direct', reason: 'no_budget' }])
  const search = { channel: 'paid_search', isMeasured: false, effect: expect.closeTo(0.25, 3) }
  expect(proposals.beliefs).toContainEqual(expect.objectContaining(search))
  const [first] = proposals.data
  expect(first.channel).toBe('webinar')
  expect(first.netMinor).toBe(first.valueMinor - first.costMinor)
  const design = { holdoutShare: first.holdoutShare, weeks: first.weeks, startsOn: '2026-11-09' }
  const planned = await world.ask(createExperiment, { channel: 'webinar', ...design }, AT)
  expect(planned).toMatchObject({ state: 'planned', proposal: first, result: null })
  await expect(
    world.ask(createExperiment, { channel: 'webinar', ...design }, AT),
  ).rejects.toMatchObject({ code: 'experiment.planned' })
  const again = await world.ask(listProposals, {}, AT)
  expect(again.data.map(({ channel }: { channel: string }) => channel)).not.toContain('webinar')
  expect(again.leftOut).toContainEqual({ channel: 'webinar', reason: 'planned' })
  const counts = {
    peopleHeldOut: 800,
    conversionsHeldOut: 60,
    peopleOthers: 3200,
    conversionsOthers: 320,
  }
  const done = await world.ask(recordExperimentResult, { experimentId: planned.id, ...counts }, AT)
  expect(done).toMatchObject({
    state: 'done',
    result: { ...counts, lift: expect.closeTo(0.25, 9) },
  })
  // The fit of that moment holds the result: the channel's doubt is what is left of it, and it may be tested again.
  const told = await world.ask(getExperiment, { experimentId: planned.id })
  expect(told).toMatchObject({
    ...done,
    effects: [{ model: 'causal', name: 'Causal', after: null }],
  })
  expect(told.effects[0].before).toEqual({
    ...interval(0.02, 0.4),
    fittedAt: '2026-11-01T00:00:00.000Z',
  })
  const { beliefs, data } = await world.ask(listProposals, {}, AT)
  const isMeasured = { channel: 'webinar', isMeasured: true }
  expect(beliefs).toContainEqual(expect.objectContaining(isMeasured))
  const repeated = data.find(({ channel }: { channel: string }) => channel === 'webinar')
  expect(repeated.deviationBefore).toBeLessThan(first.deviationBefore)
  await expect(
    world.ask(recordExperimentResult, { experimentId: planned.id, ...counts }, AT),
  ).rejects.toMatchObject({ code: 'experiment.over' })
  await expect(world.ask(cancelExperiment, { experimentId: 'xpr_none' }, AT)).rejects.toMatchObject(
    { code: 'resource.not_found' },
  )
  const next = await world.ask(createExperiment, { channel: 'email', ...design }, AT)
  expect(await world.ask(cancelExperiment, { experimentId: next.id }, AT)).toMatchObject({
    state: 'cancelled',
    result: null,
  })
  const listed = await world.ask(listExperiments, { limit: 1 })
  expect(listed.data).toMatchObject([{ id: next.id }])
  const rest = await world.ask(listExperiments, { cursor: listed.nextCursor })
  expect(rest.data).toMatchObject([{ id: planned.id }])
})

test('the result of an experiment moves credit at the next fit, and all credit still sums to what was won', async () => {
  const world = await smallWorld(store)
  for (let i = 0; i < 60; i++) {
    const day = (n: number) => new Date(Date.UTC(2026, 8, 1 + (i % 20) + n)).toISOString()
    const person = await world.person()
    await world.touch(person, day(0), { channel: i % 2 === 0 ? 'email' : 'webinar' })
    if (i % 2 !== 0) continue
    await world.deal({
      people: [person],
      amountMinor: 1000 + i,
      openedAt: day(1),
      closedAt: day(3),
    })
  }
  await world.recompute(AT)
  await world.ask(putModel, { model: 'causal', name: 'Causal', method: 'data_driven' }, AT)
  const credit = async (at: string) => {
    await fitWorkspaceModel(store, world.workspaceId, 'causal', () => new Date(at))
    await world.refresh(at)
    const { channels, workspace } = await world.ask(getChannelAttribution, { model: 'causal' }, at)
    expect(workspace.creditedMinor + workspace.baselineMinor).toBe(workspace.wonMinor)
    const email = channels.find(({ channel }: { channel: string }) => channel === 'email')
    return (email?.creditedMinor ?? 0) / workspace.wonMinor
  }
  const before = await credit('2026-11-01T01:00:00Z')
  const planned = await world.ask(
    createExperiment,
    { channel: 'email', holdoutShare: 0.5, weeks: 4, startsOn: '2026-11-01' },
    AT,
  )
  // Nearly nothing is missing without email, and that is known to a hair.
  const counts = {
    peopleHeldOut: 1_000_000,
    conversionsHeldOut: 99_000,
    peopleOthers: 1_000_000,
    conversionsOthers: 100_000,
  }
  expect((await world.ask(getExperiment, { experimentId: planned.id })).effects).toEqual([])
  const closedAt = '2026-11-01T02:00:00Z'
  await world.ask(recordExperimentResult, { experimentId: planned.id, ...counts }, closedAt)
  const after = await credit('2026-11-02T01:00:00Z')
  const told = await world.ask(getExperiment, { experimentId: planned.id })
  const [{ before: was, after: is, until }] = told.effects
  expect([was.fittedAt, is.fittedAt, until]).toEqual([
    '2026-11-01T01:00:00.000Z',
    '2026-11-02T01:00:00.000Z',
    null,
  ])
  expect(is.high - is.low).toBeLessThan(was.high - was.low)
  expect(before).toBeGreaterThan(0.05)
  expect(after).toBeLessThan(0.03)
  const causes = await world.write((tx) =>
    tx.query(
      sql<{ cause: string }>`select distinct cause from credit_packs where model = 'causal'`,
    ),
  )
  expect(causes).toEqual([{ cause: 'model_refit' }])
})
