import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DAY_MS } from '#core/time.ts'
import { defaultScoreRules } from './default-rules.ts'
import { scoreLead } from './lead-score.ts'
import { changed, nearestFlip } from './nearest-flip.ts'
import type { ScoreRules } from './score-rules.schema.ts'

const AT_MS = 400 * DAY_MS

const rules: ScoreRules = {
  fit: [
    {
      id: 'size',
      label: 'Size',
      points: 40,
      when: { attribute: 'employees', is: 'between', min: 50, max: 1000 },
    },
    {
      id: 'rival',
      label: 'Rival',
      points: -60,
      when: { attribute: 'domain', is: 'equal', value: 'rival.example' },
    },
    {
      id: 'both',
      label: 'Industry and country',
      points: 30,
      when: {
        all: [
          { attribute: 'industry', is: 'equal', value: 'software' },
          { attribute: 'country', is: 'in', values: ['DE', 'FR'] },
        ],
      },
    },
  ],
  engagement: [{ id: 'demo', label: 'Demo', points: 30, kinds: ['demo_request'] }],
  halfLifeDays: 14,
  fitWeightPercent: 50,
  mqlThreshold: 20,
}

describe('worked by hand', () => {
  test('one fact is enough: the nearest end of the range', () => {
    const flip = nearestFlip({ attributes: { employees: 10 }, touches: [] }, rules, AT_MS)
    expect(flip).toMatchObject({ isQualified: false, total: 0, threshold: 20 })
    expect(flip.nearest).toEqual({
      changes: [
        { ruleId: 'size', label: 'Size', change: { kind: 'fact', attributes: { employees: 50 } } },
      ],
      total: 20,
    })
  })

  test('a lead over the threshold comes back by one fact that a rule asks about', () => {
    const lead = { attributes: { employees: 60 }, touches: [] }
    const flip = nearestFlip(lead, rules, AT_MS)
    expect(flip.isQualified).toBe(true)
    expect(flip.nearest?.changes.map(({ ruleId }) => ruleId)).toEqual(['size'])
    expect(flip.nearest?.total).toBe(0)
  })

  test('what may not be proposed is not; touches do it then, as few as do', () => {
    const flip = nearestFlip({ attributes: {}, touches: [] }, rules, AT_MS, () => false)
    // Two demos: 60 points of engagement, half of them.
    expect(flip.nearest).toMatchObject({
      changes: [{ ruleId: 'demo', change: { kind: 'touches', count: 2 } }],
      total: 30,
    })
  })

  test('two changes are proposed only where one does not do', () => {
    const strict = { ...rules, engagement: [], mqlThreshold: 30 }
    const flip = nearestFlip({ attributes: {}, touches: [] }, strict, AT_MS)
    expect(flip.nearest?.changes.map(({ ruleId }) => ruleId)).toEqual(['size', 'both'])
    expect(flip.nearest?.total).toBe(35)
  })

  test('where nothing that the rules ask about would do it, nothing is proposed', () => {
    const flip = nearestFlip(
      { attributes: {}, touches: [] },
      { ...rules, fit: [], engagement: [] },
      AT_MS,
    )
    expect(flip.nearest).toBeNull()
  })
})

test('applying the proposed change flips the decision, whatever the lead', () => {
  const value = fc.constantFrom(null, 5, 80, 2000, 'software', 'DE', 'US', 'Head of Sales', true)
  const names = ['employees', 'industry', 'country', 'jobTitle', 'domain', 'company']
  const kind = fc.constantFrom('page', 'demo_request', 'email_open', 'form_submit', 'webinar')
  let proposed = 0
  fc.assert(
    fc.property(
      fc.record(Object.fromEntries(names.map((name) => [name, value]))),
      fc.array(fc.tuple(kind, fc.integer({ min: 0, max: 300 })), { maxLength: 8 }),
      fc.constantFrom(rules, defaultScoreRules),
      (attributes, touched, under) => {
        const lead = {
          attributes,
          touches: touched.map(([touch, days]) => ({
            kind: touch,
            channel: 'email',
            atMs: AT_MS - days * DAY_MS,
          })),
        }
        const { nearest, isQualified, total, threshold } = nearestFlip(lead, under, AT_MS)
        expect(total).toBe(scoreLead(lead, under, AT_MS).total)
        expect(isQualified).toBe(total >= threshold)
        if (nearest === null) return
        proposed += 1
        const replayed = scoreLead(changed(lead, nearest.changes, AT_MS), under, AT_MS).total
        expect(replayed).toBe(nearest.total)
        expect(replayed >= threshold).toBe(!isQualified)
      },
    ),
    { seed: 9, numRuns: 300 },
  )
  expect(proposed).toBeGreaterThan(100)
})
