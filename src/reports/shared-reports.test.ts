import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId } from '#core/id.ts'
import { seededRandom } from '#core/random.ts'
import { createAttributionAccuracy, createReadProfile } from '#reports/accuracy.operations.ts'
import { createCompareAttribution } from '#reports/compare.operations.ts'
import { getChannelAttribution } from '#reports/credit.operations.ts'
import { getPipelineInfluence } from '#reports/influence.operations.ts'
import {
  getImprovement,
  listDealsOfImprovement,
  listLeadsOfImprovement,
} from '#reports/improvement.operations.ts'
import { durationChange, rateChange } from '#reports/improvement.rules.ts'
import {
  comparePlans,
  getPlan,
  getPlanProgress,
  listQuarters,
  putPlan,
} from '#reports/plan.operations.ts'
import { elapsedOf, needOf } from '#reports/plan.rules.ts'
import { rateOf } from '#reports/rate.rules.ts'
import { smallWorld } from '#reports/small-world.ts'
import {
  listDisagreements,
  listSourceClaims,
  putSourceClaim,
} from '#reports/source-claim.operations.ts'
import { channelOfAnswer } from '#reports/source-claim.rules.ts'
import {
  addAgendaItem,
  addComment,
  changeAgendaItem,
  createWeekly,
  getWeekly,
  listReportComments,
  listWeeklyReports,
} from '#reports/weekly.operations.ts'
import { calendarOf, canonicalJson, hashOf } from '#reports/weekly.rules.ts'
import { FrozenFigures } from '#reports/weekly.schema.ts'
import type { Store } from '#store/store.ts'
import { openTestStore } from '#tests/store.ts'

const compareAttribution = createCompareAttribution(createReadProfile(0))

let store: Store
beforeAll(async () => {
  store = await openTestStore()
})
afterAll(() => store.close())

/** Two won deals and an open one; Ada's first lead came in by e-mail. */
async function company() {
  const world = await smallWorld(store)
  const [spring, autumn] = [await world.campaign(), await world.campaign()]
  const [ada, bob] = [await world.person(), await world.person()]
  await world.touch(ada, '2026-10-01T00:00:00Z', { campaignId: spring, channel: 'paid_search' })
  await world.touch(ada, '2026-10-02T00:00:00Z', { campaignId: autumn, channel: 'webinar' })
  await world.touch(ada, '2026-10-03T00:00:00Z', { campaignId: autumn, channel: 'webinar' })
  await world.touch(bob, '2026-10-04T00:00:00Z', { channel: 'direct' })
  const lead = await world.lead(ada, { channel: 'email', capturedAt: '2026-10-01T00:00:00Z' })
  const openedAt = '2026-10-05T00:00:00Z'
  const closedAt = '2026-11-10T12:00:00Z'
  const big = await world.deal({ people: [ada], amountMinor: 9000, openedAt, closedAt })
  const small = await world.deal({ people: [bob], amountMinor: 100, openedAt, closedAt })
  const open = await world.deal({ people: [ada, bob], status: 'open', amountMinor: 500, openedAt })
  await world.recompute()
  return { world, spring, autumn, lead, big, small, open }
}

test('models stand side by side: each row has what the model’s own report has, with its rank', async () => {
  const { world } = await company()
  const answer = await world.ask(compareAttribution, { model: 'first' })
  for (const { model } of answer.models) {
    const report = await world.ask(getChannelAttribution, { model })
    for (const row of report.channels) {
      const compared = answer.rows.find((each: { key: string }) => each.key === row.channel)
      const cell = compared.cells.find((each: { model: string }) => each.model === model)
      expect(cell.creditedMinor).toBe(row.creditedMinor)
    }
  }
  const [first] = answer.rows
  expect(first).toMatchObject({ key: 'paid_search', spreadMinor: 9000, rankChange: 2 })
  const pair = answer.agreement.find(
    (row: { model: string; other: string }) => row.model === 'first' && row.other === 'last',
  )
  // First and last share only the small deal.
  expect(pair.sharedCredit).toBeCloseTo(100 / 9100, 9)
})

test('the accuracy card says how close each model comes on these data, what it gets wrong, and which to use', async () => {
  const { world } = await company()
  const card = await world.ask(createAttributionAccuracy(createReadProfile(0)))
  expect(card.profile).toEqual({
    touches: 4,
    conversions: 2,
    channels: 3,
    contactsPerAccount: 1,
    holdouts: 0,
    directShare: 0.25,
  })
  expect(card.recommended).toMatchObject({ method: 'data_driven', keptAs: [] })
  expect(card.recommended.reason).toContain('With 2 conversions no model tells')
  const { models } = await world.ask(compareAttribution, { model: 'first' })
  expect(card.models.map((each: { model: string }) => each.model)).toEqual(
    models.map((each: { model: string }) => each.model),
  )
  for (const [i, { accuracy }] of card.models.entries()) {
    expect(accuracy.low).toBeLessThan(accuracy.high)
    expect(accuracy.wrongAbout.length).toBeGreaterThan(30)
    expect(models[i].accuracy).toEqual(accuracy)
  }
})

test('where model, CRM, customer and rep differ, the deal is listed until someone settles it', async () => {
  const { world, lead, big, small } = await company()
  const say = (subjectId: string, speaker: string, fields: Record<string, unknown>) =>
    world.ask(putSourceClaim, { subjectId, speaker, ...fields })
  const said = await say(lead, 'customer', { answer: 'A colleague showed me your webinar!' })
  expect(said).toMatchObject({ channel: 'webinar', answer: 'A colleague showed me your webinar!' })
  await say(big, 'rep', { channel: 'email' })
  await say(small, 'rep', { channel: 'direct' })
  const ask = (show = 'open') => world.ask(listDisagreements, { show })
  const before = await ask()
  expect(before.data).toMatchObject([
    { opportunityId: big, model: 'webinar', crm: 'email', customer: 'webinar', rep: 'email' },
  ])
  const pair = (voice: string, other: string) =>
    before.agreement.find(
      (row: { voice: string; other: string }) => row.voice === voice && row.other === other,
    )
  expect(pair('model', 'rep')).toMatchObject({ deals: 2, agree: 1, rate: 0.5 })
  expect(pair('crm', 'customer')).toMatchObject({
    deals: 1,
    agree: 0,
    matrix: [{ voice: 'email', other: 'webinar', deals: 1 }],
  })
  await say(big, 'resolved', { channel: 'webinar' })
  expect((await ask()).data).toEqual([])
  expect((await ask('resolved')).data).toMatchObject([{ opportunityId: big, resolved: 'webinar' }])
  const kept = await world.ask(listSourceClaims, { subjectId: lead })
  expect(kept.data).toMatchObject([{ answer: 'A colleague showed me your webinar!' }])
  const clear = await world.write((tx) =>
    tx.query(sql<{ answer: Buffer }>`select answer from source_claims where answer is not null`),
  )
  expect(clear.every(({ answer }) => !answer.toString('latin1').includes('colleague'))).toBe(true)
  await expect(say('lead_none', 'rep', { channel: 'email' })).rejects.toMatchObject({
    code: 'resource.not_found',
  })
  await expect(say(big, 'rep', { channel: 'nowhere' })).rejects.toMatchObject({
    code: 'request.invalid',
  })
})

test('an answer names the channel by its own name or by what people call it, the longest first', () => {
  const channels = ['paid_search', 'organic_search', 'events', 'partner'].map((key) => ({
    key,
    label: key === 'partner' ? 'Partner portal' : key,
  }))
  expect(channelOfAnswer('Googled you', channels)).toBe('organic_search')
  expect(channelOfAnswer('saw a Google ad', channels)).toBe('paid_search')
  expect(channelOfAnswer('At the trade show in Lyon', channels)).toBe('events')
  expect(channelOfAnswer('through the PARTNER PORTAL', channels)).toBe('partner')
  expect(channelOfAnswer('no idea', channels)).toBeNull()
})

test('influence counts each deal once in its totals, open or closed, and equals the deals table', async () => {
  const { world, autumn } = await company()
  const of = (status: string) => world.ask(getPipelineInfluence, { status })
  for (const [status, deals, amountMinor] of [
    ['open', 1, 500],
    ['won', 2, 9100],
    ['lost', 0, 0],
    ['all', 3, 9600],
  ] as const) {
    const { total, sourced, influenced, untouched } = await of(status)
    expect(total).toEqual({ deals, amountMinor })
    const parts = [sourced, influenced, untouched]
    expect(parts.reduce((sum, part) => sum + part.amountMinor, 0)).toBe(amountMinor)
    expect(parts.reduce((sum, part) => sum + part.deals, 0)).toBe(deals)
  }
  const won = await of('won')
  expect(won).toMatchObject({ sourced: { amountMinor: 9000 }, overlap: 2 })
  expect(won.data).toHaveLength(2)
  expect(won.data).toContainEqual(
    expect.objectContaining({ campaignId: autumn, influenced: { deals: 1, amountMinor: 9000 } }),
  )
})

test('a change since the baseline has an interval that holds the truth as often as it says', () => {
  // All outcomes of two small samples, weighed by their probability: the coverage is exact.
  const [p0, p1, n] = [0.3, 0.36, 60]
  const truth = p1 / p0 - 1
  const binomial = (p: number) => {
    const weights = [(1 - p) ** n]
    for (let k = 0; k < n; k++) weights.push(weights[k]! * ((n - k) / (k + 1)) * (p / (1 - p)))
    return weights
  }
  let covered = 0
  binomial(p0).forEach((w0, x0) =>
    binomial(p1).forEach((w1, x1) => {
      const { low, high } = rateChange(rateOf(x0, n), rateOf(x1, n))
      if (low !== null && low <= truth && truth <= high!) covered += w0 * w1
    }),
  )
  expect(covered).toBeGreaterThan(0.93)
  expect(covered).toBeLessThan(0.98)
  expect(rateChange(rateOf(19, 54), rateOf(0, 6))).toMatchObject({ change: -1, low: -1 })
  const days = (mean: number) => ({ n: 100, mean: Math.log(mean), variance: 0.25 })
  expect(durationChange(days(40), days(34))).toMatchObject({ isClear: true, isSmall: false })
  expect(durationChange(days(40), days(34)).change).toBeCloseTo(-0.15, 12)
  expect(durationChange(days(40), days(39)).isClear).toBe(false)
})

test('lead quality and the cycle are measured on leads of the same age and on deals by their close', async () => {
  const world = await smallWorld(store)
  const lead = async (capturedAt: string, mqlAt: string | null) =>
    world.lead(await world.person(), { capturedAt, mqlAt })
  await lead('2026-06-01T00:00:00Z', '2026-06-10T00:00:00Z')
  await lead('2026-06-02T00:00:00Z', '2026-09-10T00:00:00Z') // qualified, but not in time
  await lead('2026-10-01T00:00:00Z', '2026-10-02T00:00:00Z')
  await lead('2026-11-22T00:00:00Z', null) // too young to count
  const deal = (openedAt: string, closedAt: string) => world.deal({ openedAt, closedAt })
  await deal('2026-06-01T00:00:00Z', '2026-06-21T00:00:00Z')
  await deal('2026-10-01T00:00:00Z', '2026-10-11T00:00:00Z')
  const answer = await world.ask(getImprovement, {
    baselineFrom: '2026-06-01',
    baselineTo: '2026-06-30',
    from: '2026-10-01',
    to: '2026-11-23',
  })
  expect(answer.leadQuality).toMatchObject({
    baseline: { numerator: 1, denominator: 2 },
    current: { numerator: 1, denominator: 1, isSmall: true },
  })
  expect(answer.salesCycle).toMatchObject({
    baseline: { n: 1, medianDays: 20 },
    current: { n: 1, medianDays: 10 },
    change: { low: null, isSmall: true },
  })
  expect(answer.salesCycle.change.change).toBeCloseTo(-0.5, 12)
})

test('each figure of a comparison counts the leads and deals that it lists, page by page', async () => {
  const world = await smallWorld(store, 'EUR', 'Europe/Berlin')
  const random = seededRandom(11, 0)
  const day = (from: string) =>
    new Date(Date.parse(from) + Math.floor(random.uniform() * 60) * 43_200_000).toISOString()
  for (let i = 0; i < 60; i += 1) {
    const capturedAt = day(random.uniform() < 0.5 ? '2026-08-25T22:00:00Z' : '2026-09-28T22:00:00Z')
    const mqlAt =
      random.uniform() < 0.5 ? new Date(Date.parse(capturedAt) + random.uniform() * 5e9) : null
    const disposition = random.uniform() < 0.6 ? 'good_fit' : null
    const status = random.uniform() < 0.5 ? 'disqualified' : 'working'
    const fields = { capturedAt, mqlAt: mqlAt?.toISOString() ?? null, disposition, status }
    await world.lead(await world.person(), fields)
    const openedAt = day('2026-07-01T00:00:00Z')
    await world.deal({ openedAt, closedAt: day('2026-09-01T22:00:00Z') })
  }
  const spans = {
    baselineFrom: '2026-09-01',
    baselineTo: '2026-09-30',
    from: '2026-10-01',
    to: '2026-10-31',
  }
  const answer = await world.ask(getImprovement, { ...spans, maturityDays: 20 })
  const all = async (operation: typeof listLeadsOfImprovement, fields: object) => {
    const rows: Record<string, unknown>[] = []
    let cursor: string | null = null
    do {
      const page = await world.ask(operation, {
        ...spans,
        ...fields,
        limit: 7,
        ...(cursor === null ? {} : { cursor }),
      })
      rows.push(...page.data)
      cursor = page.nextCursor
    } while (cursor !== null)
    return rows
  }
  for (const span of ['baseline', 'current'] as const) {
    const leads = (outcome?: string) =>
      all(listLeadsOfImprovement, {
        span,
        maturityDays: 20,
        ...(outcome === undefined ? {} : { outcome }),
      })
    const { [span]: quality } = answer.leadQuality
    const { [span]: acceptance } = answer.acceptance
    const every = await leads()
    expect(new Set(every.map(({ leadId }) => leadId)).size).toBe(quality.denominator)
    expect(every.filter(({ isQualified }) => isQualified)).toHaveLength(quality.numerator)
    expect(await leads('qualified')).toHaveLength(quality.numerator)
    expect(await leads('not_qualified')).toHaveLength(quality.denominator - quality.numerator)
    expect(await leads('decided')).toHaveLength(acceptance.denominator)
    expect(await leads('accepted')).toHaveLength(acceptance.numerator)
    expect(await leads('not_accepted')).toHaveLength(acceptance.denominator - acceptance.numerator)
    expect(quality.numerator).toBeGreaterThan(0)
    expect(acceptance.numerator).toBeGreaterThan(0)
    const deals = await all(listDealsOfImprovement, { span })
    const { [span]: cycle } = answer.salesCycle
    expect(new Set(deals.map(({ opportunityId }) => opportunityId)).size).toBe(cycle.n)
    const logs = deals.map(({ days }) => Math.log(Number(days)))
    const mean = logs.reduce((sum, log) => sum + log, 0) / logs.length
    expect(Math.exp(mean)).toBeCloseTo(cycle.geometricMeanDays, 9)
    expect(deals[0]?.['name']).toBe('Deal')
  }
})

test('a weekly report never changes, its hash is that of its numbers, and open items are carried over', async () => {
  const { world, big } = await company()
  const report = await world.ask(createWeekly, { week: '2026-11-11' })
  expect(report).toMatchObject({ week: '2026-11-09' })
  expect(report.sha256).toBe(hashOf(report.figures))
  expect(FrozenFigures.parse(report.figures)).toEqual(report.figures)
  expect(report.figures.current.closed.won).toMatchObject({ deals: 2, amountMinor: 9100 })
  await world.write((tx) =>
    tx.execute(sql`update opportunities set amount_minor = 1 where id = ${big}`),
  )
  await world.recompute('2026-11-24T00:00:00Z')
  const again = await world.ask(createWeekly, { week: '2026-11-12' }, '2026-11-24T00:00:00Z')
  expect([again.id, again.sha256]).toEqual([report.id, report.sha256])
  const { reportId } = { reportId: report.id }
  const item = await world.ask(addAgendaItem, { reportId, title: 'Raise the webinar budget' })
  expect(item).toMatchObject({ kind: 'decision', state: 'open', isCarriedOver: false })
  const next = await world.ask(createWeekly, {}, '2026-11-30T09:00:00Z')
  expect(next.week).toBe('2026-11-23')
  const byTitle = (title: RegExp) =>
    next.agenda.find((each: { title: string }) => title.test(each.title))
  expect(byTitle(/budget/)).toMatchObject({ isCarriedOver: true })
  expect(byTitle(/moved by/)).toMatchObject({ kind: 'change', isCarriedOver: false })
  await world.ask(changeAgendaItem, { itemId: item.id, state: 'done' })
  const later = await world.ask(getWeekly, { reportId: next.id })
  expect(later.agenda.some((each: { id: string }) => each.id === item.id)).toBe(false)
  await world.ask(addComment, { reportId, body: 'Ask Ada.' })
  expect((await world.ask(listReportComments, { reportId })).data).toMatchObject([
    { body: 'Ask Ada.' },
  ])
  const weeks = await world.ask(listWeeklyReports)
  expect(weeks.data).toMatchObject([
    { id: next.id, week: '2026-11-23', wonMinor: 0, wonDeals: 0, comments: 0 },
    { id: report.id, wonMinor: 9100, wonDeals: 2, currency: 'EUR', comments: 1 },
  ])
  const [of, before] = weeks.data
  expect([of.openItems, before.openItems]).toEqual([of.items, before.items - 1])
  await expect(
    world.ask(changeAgendaItem, { itemId: item.id, ownerId: newId('own') }),
  ).rejects.toMatchObject({ code: 'request.invalid' })
  await expect(world.ask(createWeekly, { week: '2026-11-23' })).rejects.toMatchObject({
    code: 'request.invalid',
  })
})

test('the same values are the same text, and a calendar is cut as RFC 5545 asks', () => {
  expect(canonicalJson({ b: 1, a: [{ d: 2, c: 3 }] })).toBe('{"a":[{"c":3,"d":2}],"b":1}')
  const text = calendarOf(
    [
      {
        id: 'rpt_1',
        startsAt: new Date('2026-11-16T09:00:00Z'),
        title: 'Weekly; report',
        lines: ['é'.repeat(60), 'two'],
      },
    ],
    new Date('2026-11-16T00:00:00Z'),
  )
  expect(text).toContain('DTSTART:20261116T090000Z\r\n')
  expect(text).toContain('SUMMARY:Weekly\\; report\r\n')
  const lines = text.split('\r\n')
  expect(lines.every((line) => Buffer.byteLength(line) <= 75)).toBe(true)
  expect(text.replaceAll('\r\n ', '')).toContain(`${'é'.repeat(60)}\\ntwo`)
})

test('a plan follows from measured rates, and two versions differ where the target does', async () => {
  const world = await smallWorld(store)
  for (let i = 0; i < 10; i++) {
    const person = await world.person()
    await world.lead(person, { channel: 'email', capturedAt: '2026-09-01T00:00:00Z' })
    if (i >= 4) continue
    await world.deal({
      people: [person],
      status: i < 2 ? 'won' : 'lost',
      amountMinor: 1000,
      openedAt: '2026-09-05T00:00:00Z',
      closedAt: '2026-09-21T00:00:00Z',
    })
  }
  await world.campaign({
    channel: 'email',
    budgetMinor: 500,
    startsOn: '2026-09-01',
    endsOn: '2026-09-30',
  })
  const put = (targetMinor: number) =>
    world.ask(putPlan, {
      quarter: '2027-Q1',
      segments: [
        { channel: 'email', targetMinor },
        { channel: null, targetMinor: 0 },
      ],
    })
  const first = await put(10_000)
  // 10 deals of 1000 at 2 of 10 leads won and 4 of 10 opened; 50 minor units a lead.
  expect(first.needs[0]).toMatchObject({
    deals: 10,
    leads: 50,
    opportunities: 20,
    pipelineMinor: 20_000,
    spendMinor: 2500,
    leadsBy: '2027-03-11',
    measured: { medianDaysToWon: 20, costPerLeadMinor: 50 },
  })
  expect(first.needs[0].leadsLow).toBeLessThan(50)
  expect(first.needs[0].leadsHigh).toBeGreaterThan(50)
  expect((await put(20_000)).version).toBe(2)
  const { changes } = await world.ask(comparePlans, { quarter: '2027-Q1', from: 1, to: 2 })
  expect(changes).toContainEqual({ channel: 'email', field: 'leads', before: 50, after: 100 })
  expect((await world.ask(getPlan, { quarter: '2027-Q1', version: 1 })).total).toEqual(first.total)
  const none = needOf(
    { channel: null, targetMinor: 1, assume: {} },
    {
      channel: '',
      leads: 0,
      opportunities: 0,
      won: 0,
      wonMinor: 0,
      wonWithAmount: 0,
      medianDaysToWon: null,
      costMinor: 0,
    },
    '2027-03-31',
  )
  expect(none).toMatchObject({ leads: null, spendMinor: null })
  expect(none.warnings).not.toEqual([])
})

test('what came in of a quarter stands against its plan, each deal once, and all of it adds up', async () => {
  const world = await smallWorld(store, 'EUR', 'Europe/Berlin')
  const [ada, bob, eve] = [await world.person(), await world.person(), await world.person()]
  await world.lead(ada, { channel: 'email', capturedAt: '2026-10-02T00:00:00Z' })
  // Bob was a lead before Ada was: the deal of both is the webinar's.
  await world.lead(bob, { channel: 'webinar', capturedAt: '2026-09-01T00:00:00Z' })
  // The last moment of the quarter before, in Berlin.
  await world.lead(eve, { channel: 'email', capturedAt: '2026-09-30T21:59:59Z' })
  const openedAt = '2026-10-10T00:00:00Z'
  await world.deal({
    people: [ada, bob],
    amountMinor: 900,
    openedAt,
    closedAt: '2026-11-02T00:00:00Z',
  })
  await world.deal({ people: [ada], status: 'open', amountMinor: 50, openedAt })
  await world.deal({ people: [], amountMinor: 7, closedAt: '2026-11-03T00:00:00Z' })
  await world.deal({
    people: [ada],
    amountMinor: 5,
    currency: 'USD',
    closedAt: '2026-11-03T00:00:00Z',
  })
  await world.deal({ people: [ada], amountMinor: 3000, closedAt: '2027-01-01T12:00:00Z' })
  const budget = {
    channel: 'email',
    budgetMinor: 9200,
    startsOn: '2026-10-01',
    endsOn: '2026-12-31',
  }
  await world.campaign(budget)
  const put = (quarter: string, channels: (string | null)[]) =>
    world.ask(putPlan, {
      quarter,
      segments: channels.map((channel) => ({ channel, targetMinor: 1000 })),
    })
  await put('2026-Q4', ['email'])
  await put('2026-Q4', ['email', null])
  await put('2027-Q1', ['email'])
  const progress = (version: number) =>
    world.ask(getPlanProgress, { quarter: '2026-Q4', version }, '2026-11-23T12:00:00Z')
  const whole = await progress(2)
  const email = {
    wonMinor: 0,
    wonDeals: 1,
    opportunities: 1,
    pipelineMinor: 50,
    leads: 1,
    spendMinor: 5400,
  }
  const rest = {
    wonMinor: 907,
    wonDeals: 2,
    opportunities: 1,
    pipelineMinor: 900,
    leads: 0,
    spendMinor: 0,
  }
  expect(whole.segments).toMatchObject([
    { channel: 'email', planned: { targetMinor: 1000 }, actual: email },
    { channel: null, actual: rest },
  ])
  expect(whole.outside).toMatchObject({ wonDeals: 0, leads: 0 })
  const part = await progress(1)
  expect(part).toMatchObject({ segments: [{ actual: email }], outside: rest })
  expect(part.total).toEqual(whole.total)
  expect(whole).toMatchObject({ from: '2026-10-01', to: '2026-12-31', elapsed: 54 / 92 })
  const quarter = { first: '2026-10-01', last: '2026-12-31' }
  expect([elapsedOf(quarter, '2026-09-01'), elapsedOf(quarter, '2027-02-01')]).toEqual([0, 1])
  const listed = await world.ask(listQuarters, { limit: 1 })
  expect(listed.data).toMatchObject([{ quarter: '2027-Q1', version: 1 }])
  const older = await world.ask(listQuarters, { cursor: listed.nextCursor })
  expect(older).toMatchObject({ data: [{ quarter: '2026-Q4', version: 2 }], nextCursor: null })
})
