import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { sql } from 'kysely'
import { z } from 'zod'
import { Problem } from '#core/problem.ts'
import { parseInput } from '#gateway/input.ts'
import { applyMask, maskOf } from '#gateway/mask.ts'
import type { ChangedRow, Operation } from '#gateway/operation.ts'
import { performInputs, type Caller } from '#gateway/perform-inputs.ts'
import type { Transaction } from '#store/store.ts'

/** What an audit entry says of a change, besides who and when. */
export interface ChangeDetail {
  /** Fields that the caller gave, by name. */
  given?: string[]
  /** Before and after of what is not personal, as the read of the record shows it: reads show no secrets. */
  changed?: Record<string, [unknown, unknown]>
  /** Fields that changed and are personal or marked `audit: 'name'`, by name alone. */
  personal?: string[]
}

type Json = Record<string, unknown>

const MAX_VALUE = 500
const MAX_FIELDS = 40
/** Moves with every change. */
const NOISE = new Set(['updatedAt'])

/**
 * For each operation that changes one record the one that reads it: at the same path, at the nearest record above it, or, for
 * what is made new, at the path below it.
 */
export function readersOf(operations: readonly Operation[]): ReadonlyMap<Operation, Operation> {
  const reads = operations.filter((one) => one.method === 'GET' && isOfRecord(one))
  const byPath = new Map(reads.map((read) => [read.path.replaceAll(/\{\w+\}/g, '{}'), read]))
  const readers = new Map<Operation, Operation>()
  for (const operation of operations) {
    if (operation.method === 'GET' || 'performMany' in operation) continue
    const parts = operation.path.replaceAll(/\{\w+\}/g, '{}').split('/')
    let reader = byPath.get(parts.join('/'))
    for (let n = parts.length - 1; !reader && n > 0 && parts.includes('{}'); n -= 1)
      if (parts[n - 1] === '{}') reader = byPath.get(parts.slice(0, n).join('/'))
    if (!reader && operation.method === 'POST') reader = byPath.get([...parts, '{}'].join('/'))
    if (reader) readers.set(operation, reader)
  }
  return readers
}

/** Not a list, and asked by its path alone. */
function isOfRecord({ input, output, path, csv }: Operation): boolean {
  if (csv !== undefined) return false
  if (!(output instanceof z.ZodObject) || !(input instanceof z.ZodObject)) return false
  if ('data' in output.shape && 'nextCursor' in output.shape) return false
  return Object.entries(input.shape).every(
    ([name, field]) =>
      path.includes(`{${name}}`) || (field as z.ZodType).safeParse(undefined).success,
  )
}

/** The record as its read shows it; null where there is none. */
export async function readRecord(
  tx: Transaction,
  reader: Operation,
  params: Readonly<Record<string, string>>,
  caller: Caller,
): Promise<Json | null> {
  const names = [...reader.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!)
  const values = Object.values(params)
  if (values.length < names.length) return null
  const parsed = parseInput(
    reader.input,
    Object.fromEntries(names.map((name, n) => [name, params[name] ?? values[n]])),
  )
  if ('problem' in parsed) return null
  try {
    const { settled } = await performInputs(tx, reader, [parsed.value], caller, false)
    const [outcome] = settled
    return outcome?.kind === 'done' ? (z.encode(reader.output, outcome.output) as Json) : null
  } catch (thrown) {
    if (thrown instanceof Problem && thrown.status === 404) return null
    throw thrown
  }
}

/** The columns of a record's row that may be told; null where there is none. */
export async function readRow(
  tx: Transaction,
  { table, key, columns, newest = key }: ChangedRow,
  id: unknown,
): Promise<Json | null> {
  if (typeof id !== 'string') return null
  const row = await tx.find(sql<Json>`
    select ${sql.join(columns.map((column) => sql.ref(column)))} from ${sql.table(table)}
    where workspace_id = ${tx.workspaceId} and ${sql.ref(key)} = ${id}
    order by ${sql.ref(newest)} desc limit 1`)
  return row && (JSON.parse(JSON.stringify(row)) as Json)
}

/** What differs between two wire values of one schema, field by field; personal values stay out of it. */
export function changesBetween(
  schema: z.ZodType,
  before: Json | null,
  after: Json | null,
): Pick<ChangeDetail, 'changed' | 'personal'> {
  const mask = maskOf(schema)
  const hide = (value: Json | null): Json =>
    value === null ? {} : mask ? (applyMask(mask, value) as Json) : value
  const [hiddenBefore, hiddenAfter] = [hide(before), hide(after)]
  const changed: Record<string, [unknown, unknown]> = {}
  const personal: string[] = []
  const names = new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])
  for (const name of [...names].slice(0, MAX_FIELDS)) {
    if (NOISE.has(name) || isDeepStrictEqual(before?.[name], after?.[name])) continue
    const pair: [unknown, unknown] = [hiddenBefore[name] ?? null, hiddenAfter[name] ?? null]
    const isHidden =
      isByName(schema, name) ||
      !isDeepStrictEqual(before?.[name], hiddenBefore[name]) ||
      !isDeepStrictEqual(after?.[name], hiddenAfter[name])
    if (isHidden) personal.push(name)
    else if (!isDeepStrictEqual(pair[0], pair[1])) changed[name] = [brief(pair[0]), brief(pair[1])]
  }
  return {
    ...(Object.keys(changed).length > 0 ? { changed } : {}),
    ...(personal.length > 0 ? { personal } : {}),
  }
}

/** What is no personal value and may still tell who somebody is, such as free text about them. */
function isByName(schema: z.ZodType, name: string): boolean {
  const field =
    schema instanceof z.ZodObject ? (schema.shape[name] as z.ZodType | undefined) : undefined
  return field?.meta()?.['audit'] === 'name'
}

/** Long values stand by their hash. */
function brief(value: unknown): unknown {
  const text = JSON.stringify(value)
  if (text.length <= MAX_VALUE) return value
  return { sha256: createHash('sha256').update(text).digest('hex'), characters: text.length }
}

/** The names of the fields that were given, without those of the path. */
export function givenIn(operation: Operation, input: unknown): string[] {
  if (typeof input !== 'object' || input === null) return []
  return Object.entries(input)
    .filter(([name, value]) => value !== undefined && !operation.path.includes(`{${name}}`))
    .map(([name]) => name)
}
