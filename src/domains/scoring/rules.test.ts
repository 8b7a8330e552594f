import { describe, expect, test } from 'vitest'
import { defaultScoreRules } from '#analytics/scoring/default-rules.ts'
import { seededRandom } from '#core/random.ts'
import { DAY_MS } from '#core/time.ts'
import { readTitle } from './feature.rules.ts'
import {
  forecastPipeline,
  monthsFrom,
  periodShares,
  survivalOf,
  type OpenDeal,
} from './forecast.rules.ts'
import { suggestWeights, type JudgedLead } from './suggestion.rules.ts'
import { missingFor } from './training.rules.ts'

test('a job title becomes two classes that name nobody', () => {
  expect(readTitle('Head of Marketing')).toEqual({ seniority: 'director', work: 'marketing' })
  expect(readTitle('CTO & Founder')).toEqual({ seniority: 'chief', work: 'technology' })
  expect(readTitle('Marketing Intern')).toEqual({ seniority: 'learner', work: 'marketing' })
  expect(readTitle('Beekeeper')).toEqual({ seniority: 'other', work: 'other' })
  expect(readTitle(' ')).toEqual({ seniority: null, work: null })
})

test('what is missing for a training is said in numbers', () => {
  const wording = { cases: 'leads', yes: 'won', no: 'lost' }
  expect(missingFor(250, 20, wording)).toBe(
    'Missing: 50 more leads (250 of 300); 30 more won (20 of 50).',
  )
  expect(missingFor(300, 50, wording)).toBeNull()
})

describe('the pipeline forecast', () => {
  const nowMs = Date.parse('2026-11-10T00:00:00Z')
  const day = (n: number) => nowMs + n * DAY_MS

  test('survival counts past deals, by hand', () => {
    // Won after 10, 20, 30 and 40 days: (left + ½) ÷ (4 + 1).
    const survival = survivalOf([30, 10, 40, 20])
    expect([0, 10, 25, 39].map(survival)).toEqual([0.9, 0.7, 0.5, 0.3])
    expect(survival(40)).toBeCloseTo(0.1, 12)
    expect(survival(65)).toBeCloseTo(0.1 / Math.E, 12)
    const periods = [
      { startsAtMs: day(0), endsAtMs: day(15) },
      { startsAtMs: day(15), endsAtMs: day(1000) },
    ]
    // Open for 10 days: of .7 still open, .5 are at day 25, none at the end.
    const shares = periodShares(survival, day(-10), nowMs, periods)
    expect(shares[0]!).toBeCloseTo(0.2 / 0.7, 9)
    expect(shares[0]! + shares[1]!).toBeCloseTo(1, 6)
  })

  test('keeps currencies apart, and its intervals hold what comes nine times of ten', () => {
    const random = seededRandom(4, 1)
    const days = Array.from({ length: 200 }, () => -40 * Math.log(1 - random.uniform()))
    const periods = monthsFrom(nowMs, 2)
    const probabilities = [0.1, 0.3, 0.6, 0.8]
    let [inside, all] = [0, 0]
    for (let world = 0; world < 60; world += 1) {
      const deals = Array.from({ length: 60 }, (_, i): OpenDeal => {
        const probability = probabilities[i % 4]!
        const amountMinor = 10_000 * (1 + (i % 7))
        return {
          currency: i % 3 ? 'EUR' : 'USD',
          amountMinor,
          openedAtMs: day(-(i % 20)),
          probability,
          low: probability,
          high: probability,
        }
      })
      const cells = forecastPipeline(deals, days, periods, nowMs, world)
      expect(cells.map(({ currency }) => currency)).toEqual(['EUR', 'EUR', 'USD', 'USD'])
      const won = new Map<string, number>()
      for (const deal of deals) {
        const closesMs = nowMs - 40 * DAY_MS * Math.log(1 - random.uniform())
        const period = periods.findIndex(({ endsAtMs }) => closesMs < endsAtMs)
        if (random.uniform() < deal.probability && period >= 0)
          won.set(
            `${deal.currency} ${period}`,
            (won.get(`${deal.currency} ${period}`) ?? 0) + deal.amountMinor,
          )
      }
      for (const { currency, period, lowMinor, highMinor } of cells) {
        const actual = won.get(`${currency} ${period}`) ?? 0
        all += 1
        if (actual >= lowMinor && actual <= highMinor) inside += 1
      }
    }
    expect(inside / all).toBeGreaterThan(0.83)
    expect(inside / all).toBeLessThan(0.98)
  })

  test('months begin with what is left of this one', () => {
    expect(
      monthsFrom(nowMs, 3).map(({ startsAtMs, endsAtMs }) =>
        [startsAtMs, endsAtMs].map((ms) => new Date(ms).toISOString().slice(0, 10)),
      ),
    ).toEqual([
      ['2026-11-10', '2026-12-01'],
      ['2026-12-01', '2027-01-01'],
      ['2027-01-01', '2027-02-01'],
    ])
  })
})

describe('suggested weights', () => {
  const random = seededRandom(8, 1)
  /** Sales likes decision makers and big companies, and has no use for those who only filled in a form. */
  const judge = (count: number): JudgedLead[] =>
    Array.from({ length: count }, () => {
      const ids = ['size_core', 'role_decides', 'form', 'industry'].filter(
        () => random.uniform() < 0.5,
      )
      const logOdds =
        (ids.includes('size_core') ? 1.2 : 0) +
        (ids.includes('role_decides') ? 1 : 0) +
        (ids.includes('industry') ? 0.8 : 0) -
        (ids.includes('form') ? 1.5 : 0) -
        0.8
      const accepted = random.uniform() < 1 / (1 + Math.exp(-logOdds))
      return { accepted, reason: accepted ? 'good_fit' : 'bad_fit', ruleIds: ids }
    })

  test('follow the reasons for rejections, ten points at most, and only where the judgements are clear', () => {
    const { suggestions, missing } = suggestWeights(judge(1500), defaultScoreRules)
    expect(missing).toBe(0)
    const form = suggestions.find(({ ruleId }) => ruleId === 'form')!
    expect(form).toMatchObject({ points: 25, suggestedPoints: 15, part: 'engagement' })
    expect(form.highPoints).toBeLessThan(25)
    expect(form.reasons[0]).toMatchObject({ reason: 'bad_fit' })
    for (const { points, suggestedPoints, lowPoints, highPoints } of suggestions) {
      expect(Math.abs(suggestedPoints - points)).toBeLessThanOrEqual(10)
      expect(points < lowPoints || points > highPoints).toBe(true)
    }
    expect(suggestions.every(({ ruleId }) => ruleId !== 'webinar')).toBe(true)
  })

  test('do not count reasons that say nothing of the lead, and ask for more when there are few', () => {
    const silent = judge(200).map((lead) => ({
      ...lead,
      reason: lead.accepted ? 'good_fit' : 'bad_timing',
    }))
    const { judged, missing, suggestions } = suggestWeights(silent, defaultScoreRules)
    expect(judged).toBe(silent.filter(({ accepted }) => accepted).length)
    expect(missing).toBe(20)
    expect(suggestions).toEqual([])
  })
})
