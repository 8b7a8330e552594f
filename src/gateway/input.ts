import { z } from 'zod'
import { Problem, type InputFault } from '#core/problem.ts'
import type { Operation } from '#gateway/operation.ts'

const schemas = new WeakMap<Operation, z.ZodType>()

/** The schema by which inputs of this operation are parsed; made once. */
export function inputSchemaOf(operation: Operation): z.ZodType {
  let schema = schemas.get(operation)
  if (!schema) {
    schema = strictInput(operation.input)
    schemas.set(operation, schema)
  }
  return schema
}

/** The input schema as the gateway applies it: a field that no schema knows is refused, not dropped. */
export function strictInput(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodObject ? schema.strict() : schema
}

/** Parses one input. @returns the value, or the problem that names each fault by an RFC 6901 pointer. */
export function parseInput(
  schema: z.ZodType,
  raw: unknown,
): { value: unknown } | { problem: Problem } {
  const result = schema.safeParse(raw)
  if (result.success) return { value: result.data }
  const errors = result.error.issues.slice(0, 50).flatMap(faultsOf)
  const first = errors[0]
  return {
    problem: new Problem(
      'request.invalid',
      first ? `${first.pointer || '/'}: ${first.detail}` : 'The input does not fit.',
      { errors },
    ),
  }
}

function faultsOf(issue: z.core.$ZodIssue): InputFault[] {
  const pointer = (path: PropertyKey[]) =>
    path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      pointer: pointer([...issue.path, key]),
      detail: 'There is no such field: remove it or check its spelling.',
    }))
  }
  return [{ pointer: pointer(issue.path), detail: issue.message }]
}

/** True when a text anywhere inside holds U+0000, which PostgreSQL cannot store, or a lone surrogate, which is no text. */
export function hasUnstorableText(value: unknown, depth = 0): boolean {
  if (typeof value === 'string') return value.includes('\u0000') || !value.isWellFormed()
  if (typeof value !== 'object' || value === null) return false
  if (depth > 40) return true
  for (const key in value) {
    if (
      hasUnstorableText(key, depth) ||
      hasUnstorableText((value as Record<string, unknown>)[key], depth + 1)
    )
      return true
  }
  return false
}
