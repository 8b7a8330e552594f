import { createHash } from 'node:crypto'

import type { Json, JsonObject } from './json.ts'

/** What goes wrong with a call. */
export type Fault =
  /** Answer this status with the vendor's usual body for it, or with `body`. Nothing is done. */
  | {
      kind: 'status'
      status: number
      /** For 429: which of the vendor's limits was reached. */
      policy?: string
      body?: Json
      headers?: Record<string, string>
    }
  /** Answer a proxy's HTML page instead of the API's JSON. Nothing is done. */
  | { kind: 'html'; status: number }
  /** Cut the connection before the call is carried out. */
  | { kind: 'drop-before' }
  /** Carry the call out, then cut the connection instead of answering. */
  | { kind: 'drop-after' }
  /** Carry the call out, then cut the connection in the middle of the answer's body. */
  | { kind: 'cut-body' }
  /** Wait this long, real time, then carry on as usual. */
  | { kind: 'slow'; delayMs: number }
  /** The token used is treated as expired from now on (OAuth) or for this call (static). */
  | { kind: 'expire-token' }
  /** Answer success, but do not store every nth row (1 = none is stored). */
  | { kind: 'lose-rows'; everyNth: number }
  /**
   * Answer success with the usual body, but do not store what is written to a share of the records: to the same ones each
   * time, drawn by the seed and the record's key.
   */
  | DropWrites
  /** Refuse every nth row of a batch with the vendor's code, such as a lock; the others go through. */
  | { kind: 'refuse-rows'; everyNth: number; code: string; message?: string; fields?: string[] }

export interface DropWrites {
  kind: 'drop-writes'
  /** 0 to 1: of all records. */
  share: number
  seed: number
  /** Only new records, or only changes to known ones; both when absent. */
  of?: 'creates' | 'updates'
  /** The property whose text is the record's key; its id when absent, and where it is blank. */
  by?: string
}

/** Which calls a fault hits: the first `count` that match, once `after` matching calls passed. */
export interface FaultTarget {
  /** HTTP method; any when absent. */
  method?: string
  /** The path without query; `*` stands for any text. Any path when absent. */
  path?: string
  /** How many calls are hit; 1 when absent. */
  count?: number | 'until-lifted'
  /** How many matching calls go through first; 0 when absent. */
  after?: number
}

export type FaultRule = Fault & FaultTarget

/** All kinds of faults. */
export const faultKinds: readonly Fault['kind'][] = [
  'status',
  'html',
  'drop-before',
  'drop-after',
  'cut-body',
  'slow',
  'expire-token',
  'lose-rows',
  'drop-writes',
  'refuse-rows',
]
const KINDS: ReadonlySet<string> = new Set(faultKinds)

/**
 * A rule as a control call sends it.
 * @param without  kinds that the vendor's sandbox does not carry out.
 * @throws RangeError for kinds that are not carried out.
 */
export function readFaultRule(body: JsonObject, without: readonly Fault['kind'][] = []): FaultRule {
  const rule = body as FaultRule & JsonObject
  if (KINDS.has(rule.kind) && !without.includes(rule.kind)) return rule
  throw new RangeError(`No fault of kind ${JSON.stringify(body['kind'])}`)
}

/** Whether the writes to the record with this key are dropped. */
export function dropsKey(
  { share, seed }: Pick<DropWrites, 'share' | 'seed'>,
  key: string,
): boolean {
  const draw = createHash('sha256').update(`${seed} ${key}`).digest().readUIntBE(0, 6)
  return draw / 2 ** 48 < share
}

/** Whether a write is dropped: `values` are the record's after it. False for other faults. */
export function dropsWrite(
  fault: Fault | null,
  row: { id: string; isNew: boolean; values: Readonly<Record<string, unknown>> },
): boolean {
  if (fault?.kind !== 'drop-writes') return false
  if (fault.of !== undefined && (fault.of === 'creates') !== row.isNew) return false
  const value = fault.by === undefined ? undefined : row.values[fault.by]
  const isBlank = value === undefined || value === null || value === ''
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return dropsKey(fault, isBlank ? row.id : text)
}

export interface FaultInjector {
  /** Adds a rule; the returned id lifts it. Rules are tried oldest first. */
  add(rule: FaultRule): string
  /** Removes one rule, or all of them without an id. */
  lift(id?: string): void
  /** The rules still waiting or active. */
  list(): { id: string; rule: FaultRule }[]
  /** The fault of this call, which is used up by it; null when none applies. */
  take(method: string, path: string): Fault | null
}

/** An empty set of faults. */
export function createFaults(): FaultInjector {
  const rules = new Map<string, { rule: FaultRule; passed: number; hits: number }>()
  let lastId = 0
  return {
    add(rule) {
      lastId += 1
      rules.set(String(lastId), { rule, passed: 0, hits: 0 })
      return String(lastId)
    },
    lift(id) {
      if (id === undefined) rules.clear()
      else rules.delete(id)
    },
    list: () => [...rules].map(([id, { rule }]) => ({ id, rule })),
    take(method, path) {
      for (const [id, entry] of rules) {
        const { rule } = entry
        if (rule.method !== undefined && rule.method !== method) continue
        if (rule.path !== undefined && !matchesGlob(rule.path, path)) continue
        if (entry.passed < (rule.after ?? 0)) {
          entry.passed += 1
          continue
        }
        entry.hits += 1
        if (rule.count !== 'until-lifted' && entry.hits >= (rule.count ?? 1)) rules.delete(id)
        return rule
      }
      return null
    },
  }
}

/** True when `text` fits `pattern`, where `*` stands for any text. O(pattern × text), no regex. */
export function matchesGlob(pattern: string, text: string): boolean {
  const parts = pattern.split('*')
  const first = parts[0] ?? ''
  if (parts.length === 1) return pattern === text
  if (!text.startsWith(first)) return false
  let from = first.length
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, from)
    if (found < 0) return false
    from = found + part.length
  }
  const last = parts.at(-1) ?? ''
  return text.length - last.length >= from && text.endsWith(last)
}
