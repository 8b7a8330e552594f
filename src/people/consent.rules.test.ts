import { expect, test } from 'vitest'
import fc from 'fast-check'
import type { ConsentStatus } from '#people/capture.ts'
import { effectiveConsents, isAllowed, type ConsentRecord } from '#people/consent.rules.ts'

type Step = [ConsentStatus, 'proof' | 'bare', string?]

function historyOf(...steps: Step[]): ConsentRecord[] {
  return steps.map(([status, proof, channel = 'email'], i) => ({
    purpose: 'marketing',
    channel,
    status,
    source: `source ${i}`,
    hasProof: proof === 'proof',
    occurredAt: new Date(Date.UTC(2026, 0, 1 + i)),
  }))
}

test.each<[string, Step[], ConsentStatus]>([
  ['a first grant holds', [['granted', 'bare']], 'granted'],
  [
    'a withdrawal beats an older grant',
    [
      ['granted', 'proof'],
      ['withdrawn', 'bare'],
    ],
    'withdrawn',
  ],
  [
    'a denial beats an older grant',
    [
      ['granted', 'proof'],
      ['denied', 'bare'],
    ],
    'denied',
  ],
  [
    'a bare grant does not undo a no',
    [
      ['withdrawn', 'bare'],
      ['granted', 'bare'],
    ],
    'withdrawn',
  ],
  [
    'a grant with proof re-opens',
    [
      ['withdrawn', 'bare'],
      ['granted', 'proof'],
    ],
    'granted',
  ],
  [
    'a double opt-in waits for its proof',
    [
      ['pending', 'bare'],
      ['granted', 'bare'],
    ],
    'pending',
  ],
  [
    'a confirmed double opt-in holds',
    [
      ['pending', 'bare'],
      ['granted', 'proof'],
    ],
    'granted',
  ],
  [
    'asking again does not close',
    [
      ['granted', 'bare'],
      ['pending', 'bare'],
    ],
    'granted',
  ],
  [
    'asking again does not open',
    [
      ['denied', 'bare'],
      ['pending', 'bare'],
    ],
    'denied',
  ],
  [
    'a no to everything closes each channel',
    [
      ['granted', 'proof'],
      ['withdrawn', 'bare', 'any'],
    ],
    'withdrawn',
  ],
  [
    'a later yes to one channel',
    [
      ['withdrawn', 'bare', 'any'],
      ['granted', 'proof'],
    ],
    'granted',
  ],
])('%s', (_, steps, expected) => {
  const consent = effectiveConsents(historyOf(...steps)).find(({ channel }) => channel === 'email')
  expect(consent?.status).toBe(expected)
})

test('the order of arrival does not matter, only the time of the decision', () => {
  const status = fc.constantFrom<ConsentStatus>('granted', 'pending', 'denied', 'withdrawn')
  const step = fc.tuple(status, fc.constantFrom('proof' as const, 'bare' as const))
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 8 }),
      fc.func(fc.integer()),
      (steps, key) => {
        const history = historyOf(...steps)
        const shuffled = history.toSorted((a, b) => key(a.source) - key(b.source))
        expect(effectiveConsents(shuffled)).toEqual(effectiveConsents(history))
      },
    ),
  )
})

test('yes and no of the same moment are a no', () => {
  const [yes, no] = historyOf(['granted', 'proof'], ['withdrawn', 'bare'])
  const history = [{ ...no!, occurredAt: yes!.occurredAt }, yes!]
  expect(effectiveConsents(history)[0]?.status).toBe('withdrawn')
})

test('after a no that nothing with proof follows, nobody may be addressed', () => {
  const status = fc.constantFrom<ConsentStatus>('granted', 'pending', 'denied', 'withdrawn')
  const step = fc.tuple(status, fc.constantFrom('proof' as const, 'bare' as const))
  const refusal = fc.tuple(
    fc.constantFrom<ConsentStatus>('denied', 'withdrawn'),
    fc.constant('bare' as const),
    fc.constantFrom('any', 'email'),
  )
  const later = fc.tuple(status, fc.constant('bare' as const))
  fc.assert(
    fc.property(fc.array(step), refusal, fc.array(later), (before, no, after) => {
      const history = historyOf(...before, no, ...after)
      expect(isAllowed(history, 'marketing', 'email')).toBe(false)
    }),
  )
})

test('a channel that was never asked for follows the word for all of them', () => {
  expect(isAllowed(historyOf(['granted', 'bare', 'any']), 'marketing', 'sms')).toBe(true)
  expect(isAllowed(historyOf(['granted', 'bare', 'any']), 'other purpose', 'sms')).toBe(false)
  expect(isAllowed([], 'marketing', 'sms')).toBe(false)
})
