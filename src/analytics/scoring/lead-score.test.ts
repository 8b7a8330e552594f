import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DAY_MS } from '#core/time.ts'
import { defaultScoreRules, freeMailDomains } from './default-rules.ts'
import { compileScorer, mqlCrossing, scoreLead, scoreLeads } from './lead-score.ts'
import type { LeadFacts, LeadScore } from './lead-score.ts'
import { ScoreRules } from './score-rules.schema.ts'

const NOW_MS = Date.UTC(2026, 10, 2, 12)
const daysAgo = (days: number) => NOW_MS - days * DAY_MS

const goodLead: LeadFacts = {
  attributes: {
    employees: 300,
    industry: ' software',
    country: 'DE',
    jobTitle: 'Head of Marketing',
    company: 'Northwind Labs',
    domain: 'northwind-labs.example',
  },
  touches: [
    { kind: 'form_submission', channel: 'paid_search', atMs: daysAgo(30) },
    { kind: 'email_click', channel: 'email', atMs: daysAgo(0) },
    { kind: 'email_click', channel: 'email', atMs: daysAgo(30) },
  ],
}

function sumOf(score: LeadScore, part?: string): number {
  return score.contributions.reduce(
    (sum, line) => (part === undefined || line.part === part ? sum + line.points : sum),
    0,
  )
}

function isExact(score: LeadScore): boolean {
  const parts = [score.fit, score.engagement, score.total]
  return (
    parts.every((value) => Number.isInteger(value) && value >= 0 && value <= 100) &&
    sumOf(score, 'fit') === score.fit &&
    sumOf(score, 'engagement') === score.engagement &&
    sumOf(score) === score.total &&
    score.contributions.every((line) => Number.isInteger(line.points) && line.points !== 0)
  )
}

test('a worked lead: fit 30+20+10+25+10+5, engagement 25/2 + 5 + 5/2, total half of each', () => {
  const score = scoreLead(goodLead, defaultScoreRules, NOW_MS)
  expect(score.contributions.map(({ ruleId, points }) => [ruleId, points])).toEqual([
    ['size_core', 30],
    ['industry', 20],
    ['country', 10],
    ['role_decides', 25],
    ['role_uses', 10],
    ['company', 5],
    ['form', 13], // 12.5, rounded
    ['email_click', 8], // 5 + 2.5, rounded
    ['total.fit_weight', -50],
    ['total.engagement_weight', -10], // half of 21 is 10.5, rounded to 11
  ])
  expect(score).toMatchObject({ fit: 100, engagement: 21, total: 61 })
  expect(score.contributions.find((line) => line.ruleId === 'form')?.detail).toBe(
    '1 touch, last 30 days before',
  )
})

test('the contributions of each of 100,000 random leads sum to its scores exactly', () => {
  const score = compileScorer(defaultScoreRules)
  const kinds = [...defaultScoreRules.engagement.flatMap((rule) => rule.kinds ?? []), 'other']
  const titles = ['Head of Sales', 'Student', 'Chief intern', 'marketing', null, '']
  let state = 42
  const below = (n: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * n)
  }
  let wrong = 0
  for (let i = 0; i < 100_000; i++) {
    const touches = Array.from({ length: below(12) }, () => ({
      kind: kinds[below(kinds.length)]!,
      channel: 'email',
      atMs: NOW_MS - (below(200) - 5) * DAY_MS,
    }))
    const attributes = {
      employees: below(2) ? below(3000) : null,
      jobTitle: titles[below(titles.length)]!,
      industry: below(2) ? 'Retail' : 'Farming',
      domain: below(3) ? 'northwind.example' : freeMailDomains[below(freeMailDomains.length)]!,
    }
    if (!isExact(score({ attributes, touches }, NOW_MS))) wrong += 1
  }
  expect(wrong).toBe(0)
})

const text = fc.constantFrom('a', 'B', ' b ', 'ab', '')
const rules = fc
  .record({
    fit: fc.array(fc.record({ points: fc.integer({ min: -100, max: 100 }), value: text }), {
      maxLength: 8,
    }),
    engagement: fc.array(
      fc.record({
        points: fc.integer({ min: -100, max: 100 }),
        kind: fc.constantFrom('x', 'y'),
        cap: fc.option(fc.integer({ min: 1, max: 1000 }), { nil: undefined }),
        halfLifeDays: fc.option(fc.double({ min: 0.01, max: 3650, noNaN: true })),
      }),
      { maxLength: 8 },
    ),
    fitWeightPercent: fc.integer({ min: 0, max: 100 }),
  })
  .map(({ fit, engagement, fitWeightPercent }) =>
    ScoreRules.parse({
      fit: fit.map(({ points, value }, i) => ({
        id: `f${i}`,
        label: 'Fit',
        points,
        when: { attribute: 'a', is: 'equal', value },
      })),
      engagement: engagement.map(({ kind, ...rule }, i) => ({
        id: `e${i}`,
        label: 'Did',
        kinds: [kind],
        ...rule,
      })),
      halfLifeDays: 30,
      fitWeightPercent,
      mqlThreshold: 50,
    }),
  )
const lead = fc.record({
  attributes: fc.record({ a: fc.oneof(text, fc.constant(null), fc.array(text, { maxLength: 3 })) }),
  touches: fc.array(
    fc.record({
      kind: fc.constantFrom('x', 'y', 'z'),
      channel: fc.constant('email'),
      atMs: fc.integer({ min: daysAgo(900), max: daysAgo(-9) }),
    }),
    { maxLength: 30 },
  ),
})

test('contributions sum to the scores under any rules, and a batch scores as one by one', () => {
  fc.assert(
    fc.property(rules, fc.array(lead, { maxLength: 5 }), (rules, leads) => {
      const scores = scoreLeads(leads, rules, NOW_MS)
      expect(scores.every(isExact)).toBe(true)
      expect(scores).toEqual(leads.map((lead) => scoreLead(lead, rules, NOW_MS)))
    }),
  )
})

test('engagement never grows while nothing happens, and the order of touches does not matter', () => {
  const positive = ScoreRules.parse({
    ...defaultScoreRules,
    engagement: [{ id: 'x', label: 'X', points: 30, kinds: ['x'], cap: 90 }],
  })
  fc.assert(
    fc.property(lead, fc.double({ min: 0, max: 400, noNaN: true }), (lead, days) => {
      const past = { ...lead, touches: lead.touches.filter((touch) => touch.atMs <= NOW_MS) }
      const now = scoreLead(past, positive, NOW_MS)
      expect(scoreLead(past, positive, NOW_MS + days * DAY_MS).engagement).toBeLessThanOrEqual(
        now.engagement,
      )
      expect(scoreLead({ ...past, touches: past.touches.toReversed() }, positive, NOW_MS)).toEqual(
        now,
      )
    }),
  )
})

test('a cap, a floor and the cap of a rule each say what they took or gave', () => {
  const many = Array.from({ length: 20 }, () => ({
    kind: 'page_view',
    channel: 'website',
    atMs: NOW_MS,
  }))
  const views = scoreLead({ attributes: {}, touches: many }, defaultScoreRules, NOW_MS)
  expect(views.contributions[0]).toMatchObject({
    points: 15,
    detail: '20 touches, last 0 days before, held at 15 of 40.0',
  })
  const student = scoreLead(
    { attributes: { jobTitle: 'Student' }, touches: [] },
    defaultScoreRules,
    NOW_MS,
  )
  expect(student.contributions.map((line) => [line.ruleId, line.points])).toEqual([
    ['role_learns', -30],
    ['fit.floor', 30],
  ])
  const kinds = [
    'demo_request',
    'form_submission',
    'form_submission',
    'event_attended',
    'webinar_attended',
  ]
  const eager = scoreLead(
    { attributes: {}, touches: kinds.map((kind) => ({ kind, channel: 'x', atMs: NOW_MS })) },
    defaultScoreRules,
    NOW_MS,
  )
  expect(eager.contributions.find((line) => line.ruleId === 'engagement.cap')?.points).toBe(
    100 - 145,
  )
})

function fitUnder(when: object, attributes: LeadFacts['attributes']): number {
  const fit = [{ id: 'r', label: 'R', points: 40, when }]
  const rules = ScoreRules.parse({ ...defaultScoreRules, fit, engagement: [] })
  return scoreLead({ attributes, touches: [] }, rules, NOW_MS).fit
}

function holds(when: object, a: string | number | boolean | string[]): boolean {
  return fitUnder(when, { a, b: 'x' }) === 40
}

test('an unknown attribute is no fact: it fails a test and its opposite, and only "not present" holds', () => {
  for (const attributes of [{}, { a: null }, { a: ' ' }, { a: [] }, { a: Number.NaN }]) {
    const fit = (when: object) => fitUnder(when, attributes)
    expect(fit({ attribute: 'a', is: 'equal', value: 'x' })).toBe(0)
    expect(fit({ attribute: 'a', is: 'equal', value: 'x', not: true })).toBe(0)
    expect(fit({ attribute: 'a', is: 'between', max: 10 })).toBe(0)
    expect(fit({ attribute: 'a', is: 'present' })).toBe(0)
    expect(fit({ attribute: 'a', is: 'present', not: true })).toBe(40)
    expect(fit({ attribute: 'constructor', is: 'present' })).toBe(0)
  }
})

test('each kind of condition decides as it says', () => {
  const a = 'a'
  expect(holds({ attribute: a, is: 'equal', value: 'Berlin' }, ' berlin ')).toBe(true)
  expect(holds({ attribute: a, is: 'equal', value: true }, true)).toBe(true)
  expect(holds({ attribute: a, is: 'in', values: ['DE', 'AT'] }, ['fr', 'at'])).toBe(true)
  expect(holds({ attribute: a, is: 'in', values: ['DE'], not: true }, 'AT')).toBe(true)
  expect(
    holds({ attribute: a, is: 'containing', values: ['head of'] }, 'Deputy Head of Sales'),
  ).toBe(true)
  expect(holds({ attribute: a, is: 'between', min: 50, max: 100 }, 100)).toBe(true)
  expect(holds({ attribute: a, is: 'between', min: 50 }, '49')).toBe(false)
  expect(holds({ attribute: a, is: 'between', min: 0 }, 'many')).toBe(false)
  const tests = [
    { attribute: a, is: 'equal', value: 1 },
    { attribute: 'b', is: 'equal', value: 'x' },
  ]
  expect(holds({ all: tests }, 1)).toBe(true)
  expect(holds({ all: tests }, 2)).toBe(false)
  expect(holds({ any: tests }, 2)).toBe(true)
})

test('a threshold is crossed once a crossing, from either side, and reached when met', () => {
  expect(mqlCrossing(null, 50, 50)).toBe('reached')
  expect(mqlCrossing(null, 49, 50)).toBe('none')
  expect(mqlCrossing(49, 50, 50)).toBe('reached')
  expect(mqlCrossing(50, 80, 50)).toBe('none')
  expect(mqlCrossing(50, 49, 50)).toBe('lost')
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 100 })),
      fc.integer({ min: 1, max: 100 }),
      (totals, threshold) => {
        const crossings = totals
          .map((total, i) => mqlCrossing(totals[i - 1] ?? null, total, threshold))
          .filter((crossing) => crossing !== 'none')
        expect(
          crossings.every((crossing, i) => crossing === (i % 2 === 0 ? 'reached' : 'lost')),
        ).toBe(true)
      },
    ),
  )
})

test('the default rules are valid rules, and a rule id used twice is refused', () => {
  expect(ScoreRules.parse(defaultScoreRules)).toEqual(defaultScoreRules)
  const twice = { ...defaultScoreRules, fit: [defaultScoreRules.fit[0], defaultScoreRules.fit[0]] }
  expect(ScoreRules.safeParse(twice).success).toBe(false)
})
