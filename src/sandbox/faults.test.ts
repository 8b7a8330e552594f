import fc from 'fast-check'
import { expect, test } from 'vitest'

import { createFaults, matchesGlob } from './faults.ts'

test('a pattern without stars fits only itself, and a star fits anything', () => {
  const text = fc.string().filter((each) => !each.includes('*'))
  fc.assert(
    fc.property(text, text, text, (a, b, c) => {
      expect(matchesGlob(a, b)).toBe(a === b)
      expect(matchesGlob('*', a)).toBe(true)
      expect(matchesGlob(`${a}*${c}`, a + b + c)).toBe(true)
      expect(matchesGlob(`*${b}*`, a + b + c)).toBe(true)
    }),
  )
})

test('the parts around a star may not share letters', () => {
  expect(matchesGlob('ab*ba', 'aba')).toBe(false)
  expect(matchesGlob('ab*ba', 'abba')).toBe(true)
})

test('a rule is used up after its count, unless it stays until lifted', () => {
  const faults = createFaults()
  faults.add({ kind: 'drop-before', count: 2, method: 'GET' })
  expect(faults.take('POST', '/a')).toBeNull()
  expect(faults.take('GET', '/a')?.kind).toBe('drop-before')
  expect(faults.take('GET', '/a')?.kind).toBe('drop-before')
  expect(faults.take('GET', '/a')).toBeNull()
  const id = faults.add({ kind: 'drop-after', count: 'until-lifted' })
  for (let i = 0; i < 5; i += 1) expect(faults.take('GET', '/a')?.kind).toBe('drop-after')
  faults.lift(id)
  expect(faults.take('GET', '/a')).toBeNull()
})
