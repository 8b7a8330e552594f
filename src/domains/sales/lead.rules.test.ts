import fc from 'fast-check'
import { expect, test } from 'vitest'
import { defaultScoreRules } from '#analytics/scoring/default-rules.ts'
import { DAY_MS, MINUTE_MS } from '#core/time.ts'
import {
  absorbLead,
  canMove,
  newLead,
  withSubmission,
  type LeadState,
  type Submission,
} from './lead.rules.ts'
import { NewLead } from './lead.schema.ts'
import { joinLeads } from './rescore-leads.ts'
import { captureTime, submissionKey, toCapture } from './submission.rules.ts'
import { scoreDrafts } from './progress.rules.ts'

const NOW = new Date('2026-11-02T09:00:00Z')
const parse = (more: object = {}) => NewLead.parse({ email: 'ada@x.example', ...more })

const submission = (at: Date, more: object = {}, channel = 'email'): Submission => ({
  input: parse(more),
  at,
  captured: {
    kind: 'captured',
    personId: 'per_1',
    homeId: null,
    isNewPerson: true,
    touchpointId: 'tch_1',
    isNewTouch: true,
    channel,
    campaignId: null,
  },
})

const lead = (more: Partial<LeadState> = {}): LeadState => ({
  ...newLead('lead_1', submission(NOW), false, NOW),
  ...more,
})

test.each([
  ['new', 'qualified', true],
  ['new', 'new', true],
  ['working', 'new', false],
  ['disqualified', 'working', true],
  ['disqualified', 'qualified', false],
] as const)('from %s to %s: %s', (from, to, may) => {
  expect(canMove(from, to)).toBe(may)
})

test('a sender whose clock is a little ahead captures now; one of the future is refused', () => {
  expect(captureTime(undefined, NOW)).toEqual(NOW)
  expect(captureTime(new Date(NOW.getTime() + 4 * MINUTE_MS), NOW)).toEqual(NOW)
  expect(captureTime(new Date(NOW.getTime() + 6 * MINUTE_MS), NOW)).toBeNull()
  expect(captureTime(new Date(0), NOW)).toEqual(new Date(0))
})

test('a form sent twice is one touch; another content, moment or id is another', () => {
  const key = (more: object, at = NOW) => submissionKey(parse(more), at)
  expect(key({ form: 'demo' })).toBe(key({ form: 'demo' }, new Date(NOW.getTime() + MINUTE_MS)))
  expect(key({ form: 'demo' })).not.toBe(key({ form: 'other' }))
  expect(key({ phone: '+49 30 1' })).not.toBe(key({ phone: '+49 30 2' }))
  expect(key({})).not.toBe(key({}, new Date(NOW.getTime() + DAY_MS)))
  expect(key({ submissionId: '1' })).toBe(
    key({ submissionId: '1', phone: '+49 30 1' }, new Date(0)),
  )
})

test('a list that is only loaded is no touch; one that says where people were met is', () => {
  const touchOf = (more: object) =>
    toCapture(parse({ event: 'import', ...more }), NOW, { campaignId: null, messageId: 'm' }).touch
  expect(touchOf({})).toBeNull()
  expect(touchOf({ channel: 'event' })).toMatchObject({ kind: 'import', channel: 'event' })
  expect(touchOf({ event: 'webinar_attendance' })).toMatchObject({ kind: 'webinar_attended' })
})

test('where a lead came from does not depend on the order of arrival', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(1000), { minLength: 1, maxLength: 8 }), (days) => {
      const submissions = days.map((day) =>
        submission(new Date(NOW.getTime() - day * DAY_MS), {}, `channel_${day}`),
      )
      const [first, ...rest] = submissions
      const state = rest.reduce(withSubmission, newLead('lead_1', first!, false, NOW))
      expect(state.channel).toBe(`channel_${Math.max(...days)}`)
    }),
  )
})

test('a lead that takes in another fills its gaps and keeps the earliest capture and qualification', () => {
  const [early, late] = [new Date(0), new Date(1)]
  const survivor = lead({ mqlAt: late, capturedAt: late, channel: 'late' })
  const absorbed = lead({
    id: 'lead_2',
    mqlAt: early,
    capturedAt: early,
    channel: 'early',
    status: 'working',
    ownerId: 'own_1',
    attributes: { ...survivor.attributes, company: 'Acme' },
  })
  expect(absorbLead(survivor, absorbed)).toMatchObject({
    id: 'lead_1',
    mqlAt: early,
    channel: 'early',
    status: 'working',
    ownerId: 'own_1',
    attributes: { company: 'Acme' },
  })
})

test('leads follow merges of their people in order: moved where the survivor has none, taken in where it has one', () => {
  const of = (id: LeadState['id'], personId: LeadState['personId']) => lead({ id, personId })
  const merges = [
    { from: 'per_a', into: 'per_b' },
    { from: 'per_b', into: 'per_c' },
  ]
  const moved = joinLeads([of('lead_1', 'per_a')], merges)
  expect(moved.absorbed).toEqual([])
  expect(moved.drafts.map(({ after }) => [after.id, after.personId])).toEqual([['lead_1', 'per_c']])
  const joined = joinLeads(
    [of('lead_1', 'per_a'), of('lead_2', 'per_b'), of('lead_3', 'per_c')],
    merges,
  )
  expect(joined.absorbed).toEqual([
    { from: 'lead_1', into: 'lead_2' },
    { from: 'lead_2', into: 'lead_3' },
  ])
  expect(joined.drafts.map(({ after }) => after.id)).toEqual(['lead_3'])
})

test('the threshold is crossed at most once over any touches, overrides and times, and points always sum to the score', () => {
  const kinds = ['demo_request', 'form_submission', 'unsubscribe', 'page_view']
  const step = fc.record({
    days: fc.nat(120),
    kind: fc.constantFrom(...kinds),
    override: fc.option(fc.record({ score: fc.nat(100), days: fc.integer({ min: 1, max: 60 }) })),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      let state = lead()
      let now = NOW
      let crossings = 0
      const touches: { kind: string; channel: string; atMs: number }[] = []
      for (const { days, kind, override } of steps) {
        now = new Date(now.getTime() + days * DAY_MS)
        touches.push({ kind, channel: 'email', atMs: now.getTime() })
        const until = new Date(now.getTime() + (override?.days ?? 0) * DAY_MS)
        const changed =
          override === null
            ? state
            : { ...state, override: { score: override.score, reason: 'r', by: 'u', until } }
        const model = { version: 1, rules: defaultScoreRules }
        const [scored] = scoreDrafts(
          [{ before: state, after: changed }],
          model,
          () => ({ jobTitle: null, touches }),
          'touch',
          now,
        )
        state = scored!.draft.after
        if (scored!.isNewlyQualified) crossings += 1
        const sum = state.scoreParts.reduce((total, { points }) => total + points, 0)
        expect(sum).toBe(state.score)
        expect(state.override === null || state.override.until > now).toBe(true)
      }
      expect(crossings).toBe(state.mqlAt === null ? 0 : 1)
    }),
  )
})
