import { listOf, objectOf, textOf } from '#sandbox/json.ts'
import type { Json, JsonObject } from '#sandbox/json.ts'
import { vendorNow } from './account.ts'
import type { Account } from './account.ts'
import { SEARCHABLE_TYPES } from './custom-fields.ts'
import { KIND_INFO } from './kinds.ts'
import type { Kind } from './kinds.ts'
import type { Row } from './state.ts'
import { textsIn } from './tables.ts'

/** What is looked for. */
export interface Term {
  text: string
  /** Names as in `fields`: `name title email phone notes custom_fields address code`. */
  fields: ReadonlySet<string> | null
  isExact: boolean
}

/** Where the words of `fields` are kept, by kind. Pipedrive docs: itemSearch, fields of each item type. */
const SEARCHED: Readonly<Record<string, readonly string[]>> = {
  name: ['name'],
  title: ['title'],
  email: ['emails'],
  phone: ['phones'],
  notes: ['notes'],
  address: ['address'],
  code: ['code'],
}

/** The records of a kind that a term finds, as the index has them. Not case-sensitive. */
export function findRows(account: Account, kind: Kind, term: Term): Row[] {
  const words = Object.keys(SEARCHED).filter((word) => term.fields?.has(word) !== false)
  const standard = words.flatMap((word) => SEARCHED[word] ?? [])
  const own = new Set(KIND_INFO[kind].fields.map(({ code }) => code))
  const codes = standard.filter((code) => own.has(code))
  if (term.fields?.has('custom_fields') !== false) codes.push(...searchableHashes(account, kind))
  const wanted = term.text.toLowerCase()
  const isHit = (row: Row) =>
    codes.some((code) =>
      textsIn(row, code).some((text) => {
        const held = text.toLowerCase()
        return term.isExact ? held === wanted : held.includes(wanted)
      }),
    )
  const table = account.state.table(kind)
  const candidates = term.isExact
    ? uniqueById(codes.flatMap((code) => table.withText(code, wanted)))
    : table.all()
  return indexed(account, candidates, isHit)
}

/** Records by the value of one field. Case-sensitive. */
export function findByField(
  account: Account,
  kind: Kind,
  field: string,
  text: string,
  match: 'exact' | 'beginning' | 'middle',
): Row[] {
  const table = account.state.table(kind)
  const isHit = (row: Row) =>
    textsIn(row, field).some((held) => {
      if (match === 'exact') return held === text
      return match === 'beginning' ? held.startsWith(text) : held.includes(text)
    })
  return indexed(account, match === 'exact' ? table.withText(field, text) : table.all(), isHit)
}

/** Custom fields whose values the search finds. */
export function searchableHashes(account: Account, kind: Kind): string[] {
  const fields = [...account.state.fieldsOf(KIND_INFO[kind].fieldsOf).values()]
  return fields.filter(({ type }) => SEARCHABLE_TYPES.has(type)).map(({ code }) => code)
}

/** The texts of a record's custom fields, as search results show them. */
export function customTexts(account: Account, kind: Kind, row: Row): string[] {
  return searchableHashes(account, kind).flatMap((code) => textsIn(row, code))
}

/** The e-mail addresses or phones of a record, values only. */
export function channelValues(row: Row, field: 'emails' | 'phones'): string[] {
  return listOf(row.values[field]).flatMap((entry) => textOf(objectOf(entry)['value']) ?? [])
}

function uniqueById(rows: readonly Row[]): Row[] {
  return [...new Map(rows.map((row) => [row.id, row])).values()]
}

/** Live records that fit, each as it was when the index last saw it. */
function indexed(account: Account, rows: readonly Row[], isHit: (row: Row) => boolean): Row[] {
  const { searchLagMs, searchLagJitterMs } = account.settings
  const isLagging = searchLagMs > 0 || searchLagJitterMs > 0
  const nowMs = vendorNow(account)
  return rows.flatMap((row) => {
    if (row.mergedInto !== null) return []
    const seen = isLagging ? rowAt(row, nowMs - lagOf(account, row)) : row
    const isThere =
      seen && (isLagging ? !isGoneAt(row, nowMs - lagOf(account, row)) : row.deletedAtMs === 0)
    return isThere && isHit(seen) ? [seen] : []
  })
}

/** The lag plus a jitter that depends on the record and the write. */
function lagOf({ settings }: Account, row: Row): number {
  const mix = Math.imul(Number(row.id) || row.id.length, 2654435761) ^ (row.updatedAtMs | 0)
  return settings.searchLagMs + ((mix >>> 0) / 2 ** 32) * settings.searchLagJitterMs
}

const isGoneAt = (row: Row, atMs: number) => row.deletedAtMs !== 0 && row.deletedAtMs <= atMs

/** The record as it was at a time: what was written later is undone. Null before its creation. */
function rowAt(row: Row, atMs: number): Row | null {
  if (row.addedAtMs > atMs) return null
  const values: JsonObject = { ...row.values }
  const custom: JsonObject = { ...row.custom }
  for (const entry of row.log.toReversed()) {
    if (entry.atMs <= atMs) break
    const target: Record<string, Json> = entry.field in values ? values : custom
    target[entry.field] = entry.before
  }
  return { ...row, values, custom }
}
