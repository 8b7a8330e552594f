import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { KeptCode, Side } from '#sync/change-plan.rules.ts'
import type { FieldValue } from '#sync/entity.ts'
import type { MergedField, StreamRules } from '#sync/field-rules.ts'
import type { FieldChange } from '#sync/merge-record.ts'
import { undoReasons } from '#sync/undo-reasons.ts'
import { decideUndo, effectsOf, type UndoStanding } from '#sync/undo.rules.ts'

const field = (name: string, more: Partial<MergedField> = {}): MergedField => ({
  name,
  policy: 'latest',
  direction: 'both',
  critical: false,
  optOut: false,
  entity: null,
  many: false,
  personal: false,
  with: [],
  required: false,
  once: false,
  fixed: false,
  as: null,
  roles: false,
  ...more,
})
const rulesOf = (...fields: MergedField[]): StreamRules => ({
  fields: new Map(fields.map((one) => [one.name, one])),
  mappings: [],
})

const change = (more: Partial<FieldChange>): FieldChange => ({
  field: 'phone',
  verdict: 'take',
  reason: '',
  contested: false,
  policy: '',
  base: null,
  ours: null,
  theirs: null,
  oursAt: null,
  theirsAt: null,
  ...more,
})

/** Both sides of one field, and what the hub remembers of when they last agreed. */
interface Field {
  here: FieldValue
  there: FieldValue
  agreed: { ours: FieldValue; theirs: FieldValue }
}

type Edit = { side: Side; value: FieldValue }

const values = fc.constantFrom<FieldValue>(null, 'a', 'b', 'c')
const edits = fc.array(fc.record({ side: fc.constantFrom<Side>('here', 'there'), value: values }), {
  maxLength: 6,
})

/** A run that carries one side's value over to the other, as the engine's history tells of it. */
function runOver(state: Field, side: Side): FieldChange | null {
  const [from, to] = side === 'here' ? (['there', 'here'] as const) : (['here', 'there'] as const)
  if ((state[from] ?? '') === (state[to] ?? '')) return null
  const { here: ours, there: theirs } = state
  state[to] = state[from]
  state.agreed = { ours: state.here, theirs: state.there }
  return change({ verdict: side === 'here' ? 'take' : 'sent', ours, theirs, wrote: state[to] })
}

test('a field goes back exactly when its side still has what the run wrote, whatever was edited later', () => {
  const isBack = fc.property(
    fc.record({ here: values, there: values }),
    fc.constantFrom<Side>('here', 'there'),
    edits,
    (start, side, later) => {
      const state: Field = { ...start, agreed: { ours: start.here, theirs: start.there } }
      const before = state[side]
      const made = runOver(state, side)
      if (made === null) return
      const wrote = state[side]
      for (const edit of later) state[edit.side] = edit.value
      const verdict = decideUndo(rulesOf(field('phone')), effectsOf([made])[0]!, standing(state))
      // The plain model: who looks at the side that was written, and remembers two values.
      const isAsBefore = (state[side] ?? '') === (before ?? '')
      const isAsWritten = (state[side] ?? '') === (wrote ?? '')
      const isUnsent = side === 'there' && (state.here ?? '') !== (state.agreed.ours ?? '')
      const expected = isAsBefore ? 'same' : isAsWritten && !isUnsent ? 'back' : 'kept'
      expect(verdict.kind).toBe(expected)
      if (verdict.kind === 'back') expect(verdict.before).toBe(before)
    },
  )
  fc.assert(isBack, { numRuns: 2000 })
})

test('whatever a run and later edits did, an undo never turns an opt-out into an opt-in', () => {
  const flags = fc.constantFrom<FieldValue>(null, false, true)
  const isKept = fc.property(
    fc.record({ here: flags, there: flags }),
    fc.constantFrom<Side>('here', 'there'),
    fc.array(fc.record({ side: fc.constantFrom<Side>('here', 'there'), value: flags }), {
      maxLength: 4,
    }),
    (start, side, later: Edit[]) => {
      const state: Field = { ...start, agreed: { ours: start.here, theirs: start.there } }
      const made = runOver(state, side)
      if (made === null) return
      for (const edit of later) state[edit.side] = edit.value
      const present = state[side]
      const rules = rulesOf(field('phone', { optOut: true }))
      const verdict = decideUndo(rules, effectsOf([made])[0]!, standing(state))
      if (present === true) expect(verdict.kind).not.toBe('back')
    },
  )
  fc.assert(isKept, { numRuns: 2000 })
})

function standing({ here, there, agreed }: Field): UndoStanding {
  return {
    record: { localId: 'lead_1', values: { phone: here } },
    link: {
      externalId: '1',
      goneThere: null,
      base: { v: 2, ours: { phone: agreed.ours }, theirs: { phone: agreed.theirs } },
    },
    there: { phone: there },
    disputed: new Set(),
  }
}

describe('what a run did', () => {
  test('counts from its first write to its last', () => {
    const effects = effectsOf([
      change({ verdict: 'take', ours: 'a', theirs: 'b' }),
      change({ verdict: 'ask', ours: 'b', theirs: 'x' }),
      change({ verdict: 'take', ours: 'b', theirs: 'C', wrote: 'c' }),
      change({ verdict: 'sent', ours: 'c', theirs: 'z', wrote: 'c.' }),
    ])
    expect(effects).toEqual([
      { field: 'phone', side: 'here', before: 'a', wrote: 'c' },
      { field: 'phone', side: 'there', before: 'z', wrote: 'c.' },
    ])
  })

  test('an undo is undone on the side that it wrote', () => {
    const undone = change({ verdict: 'undone', side: 'here', ours: 'c', theirs: 'b', wrote: 'a' })
    expect(effectsOf([undone])).toEqual([{ field: 'phone', side: 'here', before: 'c', wrote: 'a' }])
    expect(effectsOf([change({ verdict: 'undone', ours: 'c' })])).toEqual([]) // a decision
  })
})

describe('why a field stays', () => {
  const state: Field = { here: 'n', there: 'n', agreed: { ours: 'n', theirs: 'n' } }
  const usual = standing(state)
  const here = effectsOf([change({ ours: 'o', theirs: 'n' })])[0]!
  const there = effectsOf([change({ verdict: 'sent', ours: 'n', theirs: 'o' })])[0]!
  const gone = { ...usual.link!, goneThere: 'merged' as const }
  const cases: [KeptCode, ReturnType<typeof decideUndo>][] = [
    ['undo.not_mapped', decideUndo(rulesOf(), here, usual)],
    ['undo.not_mapped', decideUndo(rulesOf(field('phone', { policy: 'off' })), here, usual)],
    ['undo.not_mapped', decideUndo(rulesOf(field('phone', { direction: 'push' })), here, usual)],
    ['undo.not_mapped', decideUndo(rulesOf(field('phone', { direction: 'pull' })), there, usual)],
    ['undo.gone_here', decideUndo(rulesOf(field('phone')), here, { ...usual, record: null })],
    ['undo.gone_there', decideUndo(rulesOf(field('phone')), there, { ...usual, link: gone })],
    ['undo.gone_there', decideUndo(rulesOf(field('phone')), there, { ...usual, link: null })],
    ['undo.not_known', decideUndo(rulesOf(field('phone')), { ...there, before: undefined }, usual)],
    [
      'undo.in_dispute',
      decideUndo(rulesOf(field('phone')), here, { ...usual, disputed: new Set(['phone']) }),
    ],
    [
      'undo.edited_later',
      decideUndo(rulesOf(field('phone')), there, { ...usual, there: { phone: 'later' } }),
    ],
    [
      'undo.edited_here',
      decideUndo(rulesOf(field('phone')), there, standing({ ...state, here: 'later' })),
    ],
    [
      'undo.opt_out_stays',
      decideUndo(
        rulesOf(field('phone', { optOut: true })),
        { ...here, before: false, wrote: true },
        standing({ ...state, here: true }),
      ),
    ],
  ]
  test.each(cases)('%s', (code, verdict) => {
    expect(verdict).toMatchObject({ kind: 'kept', code })
    expect(undoReasons[code].title).not.toBe('')
  })

  test('what only goes out is not read: what the hub last wrote there counts', () => {
    const unread = { ...usual, there: {} }
    expect(decideUndo(rulesOf(field('phone', { direction: 'push' })), there, unread)).toEqual({
      kind: 'back',
      present: 'n',
      before: 'o',
    })
  })
})
