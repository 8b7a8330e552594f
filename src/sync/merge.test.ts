import { expect, test } from 'vitest'
import fc from 'fast-check'
import { merge, type FieldPolicy, type Merged } from './merge.ts'

const cases: [
  what: string,
  base: string | null,
  ours: string | null,
  theirs: string,
  policy: FieldPolicy,
  kind: Merged['kind'],
][] = [
  ['nothing changed', 'a', 'a', 'a', 'both', 'keep'],
  ['they changed it', 'a', 'a', 'b', 'both', 'take'],
  ['we changed it', 'a', 'b', 'a', 'both', 'keep'],
  ['both changed it alike', 'a', 'b', 'b', 'both', 'keep'],
  ['both changed it differently', 'a', 'b', 'c', 'both', 'conflict'],
  ['both changed it, theirs to write', 'a', 'b', 'c', 'theirs', 'take'],
  ['they changed it, ours to write', 'a', 'a', 'c', 'ours', 'keep'],
  ['never agreed, equal', null, 'a', 'a', 'both', 'keep'],
  ['never agreed, different', null, 'a', 'b', 'both', 'conflict'],
]

test.each(cases)('%s', (_what, base, ours, theirs, policy, kind) => {
  const merged = merge(
    base === null ? null : { field: base },
    ours === null ? null : { field: ours },
    { field: theirs },
    () => policy,
  )
  expect(merged.kind).toBe(kind)
})

test('a record that the vendor alone writes takes all of a new one and nothing of an unchanged one', () => {
  const theirs = { name: 'Deal', amountMinor: 5, tags: ['a', 'b'] }
  expect(merge(null, null, theirs, () => 'theirs')).toEqual({
    kind: 'take',
    fields: ['name', 'amountMinor', 'tags'],
    values: theirs,
  })
  expect(merge(theirs, null, { ...theirs, tags: ['a', 'b'] }, () => 'theirs').kind).toBe('keep')
})

test('fields that the vendor does not mention stay as they were', () => {
  const merged = merge({ a: 1, b: 2 }, null, { a: 3 }, () => 'theirs')
  expect(merged).toEqual({ kind: 'take', fields: ['a'], values: { a: 3, b: 2 } })
})

test('taking twice changes nothing the second time', () => {
  const values = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.oneof(fc.integer(), fc.string()))
  fc.assert(
    fc.property(values, values, (base, theirs) => {
      const first = merge(base, null, theirs, () => 'theirs')
      if (first.kind !== 'take') return
      expect(merge(first.values, null, theirs, () => 'theirs').kind).toBe('keep')
    }),
  )
})
