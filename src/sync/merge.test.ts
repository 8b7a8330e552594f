import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { FieldPolicy, FieldValue } from './entity.ts'
import {
  decideField,
  isSame,
  nextBase,
  SKEW_MS,
  type Decision,
  type FieldRule,
  type FieldSides,
} from './merge.ts'

const early = new Date('2026-11-01T10:00:00Z')
const late = new Date('2026-11-01T11:00:00Z')
const rule = (more: Partial<FieldRule> = {}): FieldRule => ({
  policy: 'latest',
  direction: 'both',
  critical: false,
  optOut: false,
  ...more,
})
const sides = (
  base: FieldValue | undefined,
  ours: FieldValue,
  theirs: FieldValue | undefined,
  more: Partial<FieldSides> = {},
): FieldSides => ({
  base: base === undefined ? null : { ours: base, theirs: base },
  ours,
  theirs,
  oursAt: late,
  theirsAt: early,
  ...more,
})

const table: [what: string, rule: FieldRule, sides: FieldSides, verdict: Decision['verdict']][] = [
  ['nothing changed', rule(), sides('a', 'a', 'a'), 'same'],
  ['the CRM changed it', rule(), sides('a', 'a', 'b'), 'take'],
  ['the CRM emptied it', rule(), sides('a', 'a', null), 'take'],
  ['the hub changed it', rule(), sides('a', 'b', 'a'), 'send'],
  ['both changed it alike', rule(), sides('a', 'b', 'b'), 'agree'],
  ['both, the hub later', rule(), sides('a', 'b', 'c'), 'send'],
  ['both, the CRM later', rule(), sides('a', 'b', 'c', { theirsAt: late, oursAt: early }), 'take'],
  [
    'both, within the skew',
    rule(),
    sides('a', 'b', 'c', { oursAt: new Date(+early + SKEW_MS) }),
    'take',
  ],
  ['both, no clock', rule(), sides('a', 'b', 'c', { theirsAt: null }), 'ask'],
  ['both, critical', rule({ critical: true, policy: 'prefer_crm' }), sides('a', 'b', 'c'), 'ask'],
  [
    'never agreed, and the CRM keeps the day of our moment',
    rule({ direction: 'push' }),
    sides(undefined, '2026-11-27T08:00:01.000Z', '2026-11-27'),
    'agree',
  ],
  [
    'never agreed, and the CRM keeps another day',
    rule({ direction: 'push' }),
    sides(undefined, '2026-11-27T08:00:01.000Z', '2026-11-26'),
    'send',
  ],
  ['one, critical', rule({ critical: true }), sides('a', 'a', 'c'), 'take'],
  ['both, prefer hub', rule({ policy: 'prefer_hub' }), sides('a', 'b', 'c'), 'send'],
  ['both, prefer CRM', rule({ policy: 'prefer_crm' }), sides('a', 'b', 'c'), 'take'],
  ['both, prefer CRM, blank', rule({ policy: 'prefer_crm' }), sides('a', 'b', null), 'take'],
  [
    'both, unless blank',
    rule({ policy: 'prefer_crm_unless_blank' }),
    sides('a', 'b', null),
    'send',
  ],
  ['one, unless blank', rule({ policy: 'prefer_crm_unless_blank' }), sides('a', 'a', null), 'send'],
  ['both, ask', rule({ policy: 'ask' }), sides('a', 'b', 'c'), 'ask'],
  ['off', rule({ policy: 'off' }), sides('a', 'b', 'c'), 'same'],
  ['first contact, blank there', rule({ critical: true }), sides(undefined, 'a', null), 'send'],
  ['first contact, blank here', rule({ critical: true }), sides(undefined, null, 'a'), 'take'],
  ['first contact, equal', rule(), sides(undefined, 'a', 'a'), 'agree'],
  ['first contact, critical', rule({ critical: true }), sides(undefined, 'a', 'b'), 'ask'],
  ['only in, hub changed', rule({ direction: 'pull' }), sides('a', 'b', 'a'), 'same'],
  ['only in, both changed', rule({ direction: 'pull' }), sides('a', 'b', 'c'), 'take'],
  ['only out, CRM changed', rule({ direction: 'push' }), sides('a', 'a', 'b'), 'same'],
  ['only out, both changed', rule({ direction: 'push' }), sides('a', 'b', 'c'), 'send'],
  ['not read, hub changed', rule(), sides('a', 'b', undefined), 'send'],
  ['not read', rule(), sides('a', 'a', undefined), 'same'],
]

test.each(table)('%s', (_what, of, given, verdict) => {
  expect(decideField(of, given).verdict).toBe(verdict)
})

describe('opt-out', () => {
  const optOut = rule({ optOut: true, critical: true })
  test.each([
    ['they opted out, we changed nothing', sides(false, false, true), 'take'],
    ['we opted out, they changed nothing', sides(false, true, false), 'send'],
    ['they opted out earlier than our opt-in', sides(null, false, true), 'take'],
    [
      'we opted out earlier than their opt-in',
      sides(null, true, false, { oursAt: early, theirsAt: late }),
      'send',
    ],
    ['an opt-in there against our standing opt-out', sides(true, true, false), 'ask'],
    ['an opt-in here against their standing opt-out', sides(true, false, true), 'ask'],
    ['nothing known here, not opted out there', sides(undefined, null, false), 'take'],
  ] as const)('%s', (_what, given, verdict) => {
    expect(decideField(optOut, given).verdict).toBe(verdict)
  })
})

const value = fc.oneof(fc.constantFrom('a', 'b', 'c'), fc.constant(null))
const policies: FieldPolicy[] = [
  'prefer_hub',
  'prefer_crm',
  'prefer_crm_unless_blank',
  'latest',
  'ask',
]

test('a merge settles: carried out, it has nothing to do the second time', () => {
  fc.assert(
    fc.property(
      fc.option(value, { nil: undefined }),
      value,
      value,
      fc.constantFrom(...policies),
      fc.boolean(),
      (base, ours, theirs, policy, critical) => {
        const of = rule({ policy, critical })
        const given = sides(base, ours, theirs)
        const decision = decideField(of, given)
        if (decision.verdict === 'ask') return
        const after = decision.verdict === 'take' ? theirs : ours
        const agreed = nextBase(decision, given, after)
        if (decision.verdict === 'send') {
          // Still due, and still the same verdict, until the vendor has it.
          expect(decideField(of, { ...given, base: agreed }).verdict).toBe('send')
          return
        }
        expect(decideField(of, { ...given, base: agreed, ours: after }).verdict).toBe('same')
      },
    ),
  )
})

test('no side loses a value unless both had changed it, and then somebody is told', () => {
  fc.assert(
    fc.property(value, value, value, fc.constantFrom(...policies), (base, ours, theirs, policy) => {
      const decision = decideField(rule({ policy }), sides(base, ours, theirs))
      const losesOurs = decision.verdict === 'take' && !isSame(ours, base) && !isSame(ours, theirs)
      const losesTheirs =
        decision.verdict === 'send' && !isSame(theirs, base) && !isSame(ours, theirs)
      if (losesOurs || losesTheirs) {
        const isRefill = policy === 'prefer_crm_unless_blank' && theirs === null
        expect(decision.contested || isRefill).toBe(true)
      }
    }),
  )
})
