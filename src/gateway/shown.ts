import type { IncomingHttpHeaders } from 'node:http'
import { maskOf, type Mask } from '#gateway/mask.ts'
import { REVEAL_SCOPE, type Operation, type Principal } from '#gateway/operation.ts'

/** What an answer showed: how many records, and which by their ids. */
export interface Shown {
  count: number
  records: string[]
}

/** Fields that name a record of a person. */
const REFERENCES = ['id', 'personId', 'leadId', 'subjectId', 'localId'] as const
const ID = /^[a-z]{2,5}_[0-9a-f]{32}$/
const PURPOSE = /^[a-z][a-z0-9 _.-]{0,59}$/i

const fields = new WeakMap<Operation, readonly string[]>()

/** The names of the personal fields that an operation can show, such as `email` or `touches.pageUrl`; empty for most. */
export function personalFields(operation: Operation): readonly string[] {
  let known = fields.get(operation)
  if (!known) {
    const mask = maskOf(operation.output)
    known = mask === null ? [] : [...new Set(namesIn(mask, ''))].sort()
    fields.set(operation, known)
  }
  return known
}

function namesIn(mask: Mask, at: string): string[] {
  switch (mask.kind) {
    case 'value':
      return [at.replace(/^data\./, '') || '*']
    case 'each':
      return namesIn(mask.item, at)
    case 'object':
      return [...mask.fields].flatMap(([name, inner]) =>
        namesIn(inner, at === '' ? name : `${at}.${name}`),
      )
  }
}

/** Whether this principal was shown the personal values themselves. */
export function isRevealedTo(principal: Principal, operation: Operation): boolean {
  return principal.scopes.has(REVEAL_SCOPE) || operation.scope === 'account:write'
}

/** Counts what stands in a wire value, and takes the ids of records out of it. */
export function shownIn(wire: unknown): Shown {
  const isPage = typeof wire === 'object' && wire !== null && 'data' in wire
  const rows: unknown[] = isPage && Array.isArray(wire.data) ? wire.data : [wire]
  const records = new Set<string>()
  for (const row of rows) {
    if (typeof row !== 'object' || row === null) continue
    for (const name of REFERENCES) {
      const value = (row as Record<string, unknown>)[name]
      if (typeof value === 'string' && ID.test(value)) records.add(value)
    }
  }
  return { count: rows.length, records: [...records] }
}

/** The ids in a path, in its order. */
export function idsIn(params: unknown): string[] {
  return Object.values(params as Record<string, string>).filter((value) => ID.test(value))
}

/** What the caller says the data is for. Only plain words are kept: the log outlives an erasure and holds no personal data. */
export function purposeOf(headers: IncomingHttpHeaders): string | null {
  const purpose = headers['x-purpose']
  if (typeof purpose !== 'string') return null
  return PURPOSE.test(purpose) ? purpose : 'not in plain words'
}
