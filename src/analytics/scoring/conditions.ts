import type { Condition, Test } from './score-rules.schema.ts'

/** What is known of a lead, by attribute name; null and absent are the same: unknown. */
export type LeadAttributes = Readonly<
  Record<string, string | number | boolean | readonly string[] | null | undefined>
>

/** Why a condition holds, in words, or null when it does not. */
export type CompiledCondition = (attributes: LeadAttributes) => string | null

/**
 * Turns a condition into a function, once for many leads.
 *
 * An unknown attribute (absent, null, blank text, empty list) fails every test but `present` turned
 * around, so that a gap in the data is never read as a fact; `not` of another test fails with it.
 * O(size of the condition) to compile; a run costs O(1) a test, `containing` O(text · words).
 */
export function compileCondition(condition: Condition): CompiledCondition {
  if ('all' in condition) {
    const tests = condition.all.map(compileTest)
    return (attributes) => {
      const reasons = tests.map((test) => test(attributes))
      return reasons.includes(null) ? null : reasons.join(', ')
    }
  }
  if ('any' in condition) {
    const tests = condition.any.map(compileTest)
    return (attributes) => {
      for (const test of tests) {
        const reason = test(attributes)
        if (reason !== null) return reason
      }
      return null
    }
  }
  return compileTest(condition)
}

function compileTest(test: Test): CompiledCondition {
  const isMet = matcher(test)
  const { attribute } = test
  const isTurned = test.not === true
  return (attributes) => {
    // An own property only: an attribute called `constructor` is data, not the prototype's.
    const value = Object.hasOwn(attributes, attribute) ? attributes[attribute] : null
    if (!isKnown(value)) return test.is === 'present' && isTurned ? `${attribute} is unknown` : null
    return isMet(value) === isTurned ? null : `${attribute} is ${show(value)}`
  }
}

type Known = string | number | boolean | readonly string[]

function matcher(test: Test): (value: Known) => boolean {
  switch (test.is) {
    case 'equal': {
      const wanted = normal(test.value)
      return (value) => values(value).some((one) => normal(one) === wanted)
    }
    case 'in': {
      const wanted = new Set(test.values.map(normal))
      return (value) => values(value).some((one) => wanted.has(normal(one)))
    }
    case 'containing': {
      const wanted = test.values.map((text) => text.toLowerCase())
      return (value) =>
        values(value).some((one) => {
          const text = String(one).toLowerCase()
          return wanted.some((part) => text.includes(part))
        })
    }
    case 'between': {
      const { min = -Infinity, max = Infinity } = test
      return (value) => {
        const number = typeof value === 'string' ? Number(value) : value
        return typeof number === 'number' && number >= min && number <= max
      }
    }
    case 'present':
      break
  }
  return () => true
}

function isKnown(value: LeadAttributes[string]): value is Known {
  if (value === null || value === undefined) return false
  if (typeof value === 'string') return value.trim() !== ''
  return !(Array.isArray(value) && value.length === 0) && !Number.isNaN(value)
}

function values(value: Known): readonly (string | number | boolean)[] {
  return typeof value === 'object' ? value : [value]
}

function normal(value: string | number | boolean): string {
  return String(value).trim().toLowerCase()
}

function show(value: Known): string {
  return typeof value === 'object' ? value.join(', ') : String(value).trim()
}
