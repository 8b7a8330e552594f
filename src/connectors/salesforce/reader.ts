import { parse } from 'csv-parse/sync'
import { z } from 'zod'
import { DAY_MS, MINUTE_MS } from '#core/time.ts'
import { VendorFault, type LinkedPage, type ListedPage, type PullPage } from '#sync/connector.ts'
import type { Candidate } from '#sync/entity.ts'
import { SfRow, type Describe, type QueryPage } from './answers.ts'
import { awaitJob } from './bulk.ts'
import { MOST_READ, type ObjectName, type SalesforceClient } from './client.ts'
import { customNames, fieldNames } from './describe.ts'
import { HUB_ID } from './fields.ts'
import { rawOf } from './mapping.ts'
import { behind, isId, list, moment, readTime, type Place } from './soql.ts'

/**
 * A long transaction is seen later than its time says: each run begins so much before the last one did. The clock is the
 * org's own throughout, as its answers tell it, so that a difference to ours does not matter.
 */
export const OVERLAP_MS = 15 * MINUTE_MS
const MAX_REMEMBERED = 2000
/** From so many rows on the first read goes by a bulk query: 10,000 rows a call instead of 2,000. */
const BULK_FROM = 20_000
const BULK_PAGE = 10_000
/** Bulk results are kept for seven days. */
const JOB_LIFE_MS = 6 * DAY_MS
/** Characters of names in one query; the customer's fields beyond are not kept. */
const MAX_NAMES = 12_000
/** Ids in one query of rows by id, where children come along. */
const IDS_A_QUERY = 400

const PlaceShape = z.object({ stampMs: z.number(), id: z.string() })
const Cursor = z.object({
  /** When the last whole reading began, or the time of its last row. */
  watermarkMs: z.number().nullable(),
  scan: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('rest') }),
    z.object({
      kind: z.literal('pages'),
      next: z.string(),
      last: PlaceShape,
      startedAtMs: z.number(),
    }),
    z.object({
      kind: z.literal('job'),
      jobId: z.string(),
      locator: z.string().nullable(),
      startedAtMs: z.number(),
    }),
  ]),
  /** Rows of the last minutes before the watermark, by id: at the same time again they are left out. */
  recent: z.record(z.string(), z.number()),
})
type Cursor = z.infer<typeof Cursor>

/** What a reader needs to know of an object. */
export interface ObjectSpec {
  object: ObjectName
  /** What is read besides the customer's own fields, those that the workspace mapped, and the system's. */
  properties: readonly string[]
  /** A sub-query for what hangs on each row; such objects are not read by bulk queries. */
  children?: string
  candidateOf: (row: SfRow) => Candidate
}

/**
 * Reads the rows of an object in the order of (SystemModstamp, Id): at first all of them, later those changed since, both
 * with those in the recycle bin, which are the deleted and the merged ones. One call a page of 2,000.
 */
export class RowReader {
  readonly #client: SalesforceClient
  readonly #spec: ObjectSpec
  readonly #mapped: readonly string[]

  /** @param mapped  fields that the workspace mapped. */
  constructor(client: SalesforceClient, spec: ObjectSpec, mapped: readonly string[]) {
    this.#client = client
    this.#spec = spec
    this.#mapped = mapped
  }

  /** @throws VendorFault `cursor_lost` when the cursor is none of ours. */
  async pull(given: unknown, signal: AbortSignal): Promise<PullPage> {
    const cursor = this.#resume(given)
    const { scan } = cursor
    if (scan.kind === 'job') return this.#pullJob(cursor, scan, signal)
    const page = await this.#page(cursor, signal)
    const isFirst = cursor.watermarkMs === null && scan.kind === 'rest'
    const isLarge = isFirst && page.totalSize >= BULK_FROM && this.#spec.children === undefined
    if (isLarge) return this.#startJob(cursor, signal)
    const last = placeOf(page.records.at(-1)) ?? (scan.kind === 'pages' ? scan.last : null)
    const startedAtMs =
      scan.kind === 'pages' ? scan.startedAtMs : (this.#client.orgNowMs ?? last?.stampMs ?? 0)
    const { nextRecordsUrl: next } = page
    const isDone = next === undefined || last === null
    const read = await this.#read(cursor, page.records, startedAtMs, signal)
    return {
      candidates: read.candidates,
      cursor: {
        watermarkMs: isDone ? startedAtMs : cursor.watermarkMs,
        scan: isDone ? { kind: 'rest' } : { kind: 'pages', next, last, startedAtMs },
        recent: read.recent,
      } satisfies Cursor,
      done: isDone,
    }
  }

  /** A first pull; those in the recycle bin come along. */
  async sizeUp(signal: AbortSignal): Promise<{ records: number; calls: number }> {
    const { object, children } = this.#spec
    const { totalSize } = await this.#client.query(`SELECT COUNT() FROM ${object}`, signal, true)
    const pages = Math.max(1, Math.ceil(totalSize / MOST_READ))
    // The first page tells the size; then the job is made, looked at, and read.
    const isJob = totalSize >= BULK_FROM && children === undefined
    return { records: totalSize, calls: isJob ? 3 + Math.ceil(totalSize / BULK_PAGE) : pages }
  }

  /** Rows as they are now; deleted ones come as such, those that are gone for good not at all. */
  async fetch(given: readonly string[], signal: AbortSignal): Promise<Candidate[]> {
    const ids = given.filter(isId)
    const rows: SfRow[] = []
    const missing: string[] = []
    if (this.#spec.children === undefined) {
      const names = await this.#names(signal)
      for (let from = 0; from < ids.length; from += MOST_READ) {
        const part = ids.slice(from, from + MOST_READ)
        const found = await this.#client.readMany(this.#spec.object, part, names, signal)
        part.forEach((id, i) => {
          const row = found[i]
          if (row) rows.push(row)
          else missing.push(id)
        })
      }
    } else {
      missing.push(...ids)
    }
    for (let from = 0; from < missing.length; from += IDS_A_QUERY) {
      const soql = `${await this.#select(signal)} WHERE Id IN (${list(missing.slice(from, from + IDS_A_QUERY))})`
      rows.push(...(await this.#client.queryWhole(soql, signal, true)))
    }
    return this.#candidates(rows, signal)
  }

  /** Ids of all live rows that carry an id of ours. */
  async listLinked(cursor: unknown, signal: AbortSignal): Promise<LinkedPage> {
    const page = await this.#list(cursor, `Id, ${HUB_ID}`, `${HUB_ID} != null`, signal)
    const linked = page.records.flatMap((row) => {
      const localId = row[HUB_ID]
      return typeof localId === 'string' ? [{ localId, externalId: row.Id }] : []
    })
    return { linked, ...position(page) }
  }

  /** Ids of all live rows. */
  async listAll(cursor: unknown, signal: AbortSignal): Promise<ListedPage> {
    const page = await this.#list(cursor, 'Id, SystemModstamp', null, signal)
    const records = page.records.map((row) => {
      const stampMs = placeOf(row)?.stampMs
      return {
        externalId: row.Id,
        modifiedAt: stampMs === undefined ? null : new Date(stampMs),
      }
    })
    return { records, ...position(page) }
  }

  #resume(given: unknown): Cursor {
    if (given === null || given === undefined) {
      return { watermarkMs: null, scan: { kind: 'rest' }, recent: {} }
    }
    const parsed = Cursor.safeParse(given)
    if (!parsed.success) throw new VendorFault('cursor_lost', 'The kept position is unreadable.')
    return parsed.data
  }

  /** The page that the scan stands at; a cursor that Salesforce let go of is made again from the last row. */
  async #page(cursor: Cursor, signal: AbortSignal): Promise<QueryPage> {
    const { scan, watermarkMs } = cursor
    const select = await this.#select(signal)
    const order = 'ORDER BY SystemModstamp, Id'
    if (scan.kind !== 'pages') {
      const where =
        watermarkMs === null ? '' : ` WHERE SystemModstamp >= ${moment(watermarkMs - OVERLAP_MS)}`
      return this.#client.query(`${select}${where} ${order}`, signal, true)
    }
    try {
      return await this.#client.more(scan.next, signal)
    } catch (error) {
      if (!(error instanceof VendorFault) || error.kind !== 'cursor_lost') throw error
      return this.#client.query(`${select} WHERE ${behind(scan.last)} ${order}`, signal, true)
    }
  }

  async #startJob(cursor: Cursor, signal: AbortSignal): Promise<PullPage> {
    const query = `${await this.#select(signal)} ORDER BY SystemModstamp, Id`
    const job = await this.#client.createJob('query', { operation: 'queryAll', query }, signal)
    const startedAtMs = this.#client.orgNowMs ?? 0
    const scan = { kind: 'job' as const, jobId: job.id, locator: null, startedAtMs }
    return { candidates: [], cursor: { ...cursor, scan } satisfies Cursor, done: false }
  }

  /** @throws VendorFault `cursor_lost` when the job is gone: it is then read from the beginning. */
  async #pullJob(
    cursor: Cursor,
    scan: Extract<Cursor['scan'], { kind: 'job' }>,
    signal: AbortSignal,
  ): Promise<PullPage> {
    const isOld = (this.#client.orgNowMs ?? 0) - scan.startedAtMs > JOB_LIFE_MS
    if (isOld) throw jobLost()
    if (scan.locator === null) await this.#awaitJob(scan.jobId, signal)
    const { csv, next } = await this.#jobPage(scan.jobId, scan.locator, signal)
    const described = await this.#client.describe(this.#spec.object, signal)
    const rows = rowsOf(csv, described)
    const read = await this.#read(cursor, rows, scan.startedAtMs, signal)
    const isDone = next === null
    return {
      candidates: read.candidates,
      cursor: {
        watermarkMs: isDone ? scan.startedAtMs : null,
        scan: isDone ? { kind: 'rest' } : { ...scan, locator: next },
        recent: read.recent,
      } satisfies Cursor,
      done: isDone,
    }
  }

  async #awaitJob(jobId: string, signal: AbortSignal): Promise<void> {
    const job = await awaitJob(this.#client, 'query', jobId, signal).catch(asLost)
    if (job.state !== 'JobComplete') throw jobLost()
  }

  #jobPage(jobId: string, locator: string | null, signal: AbortSignal) {
    return this.#client.queryResults(jobId, locator, BULK_PAGE, signal).catch(asLost)
  }

  /** The candidates of the rows that were not seen at this time before, and what is to be remembered. */
  async #read(cursor: Cursor, rows: readonly SfRow[], startedAtMs: number, signal: AbortSignal) {
    const fresh = rows.filter((row) => {
      const stampMs = placeOf(row)?.stampMs
      return stampMs === undefined || cursor.recent[row.Id] !== stampMs
    })
    const recent = remember(cursor.recent, rows, startedAtMs - OVERLAP_MS)
    return { candidates: await this.#candidates(fresh, signal), recent }
  }

  async #candidates(rows: readonly SfRow[], signal: AbortSignal): Promise<Candidate[]> {
    const described = await this.#client.describe(this.#spec.object, signal)
    const own = [...new Set([...customNames(described), ...this.#mapped])]
    return rows.map((row) => {
      const candidate = this.#spec.candidateOf(row)
      return candidate.deleted ? candidate : { ...candidate, raw: rawOf(row, own) }
    })
  }

  async #select(signal: AbortSignal): Promise<string> {
    const names = await this.#names(signal)
    const { object, children } = this.#spec
    return `SELECT ${[...names, ...(children === undefined ? [] : [children])].join(', ')} FROM ${object}`
  }

  /** Our own fields first, then what the workspace mapped, then the customer's; those that the org does not show stay away. */
  async #names(signal: AbortSignal): Promise<string[]> {
    const described = await this.#client.describe(this.#spec.object, signal)
    const there = fieldNames(described)
    const wanted = [
      'Id',
      'SystemModstamp',
      'IsDeleted',
      'MasterRecordId',
      HUB_ID,
      ...this.#spec.properties,
      ...this.#mapped,
    ]
    const names = new Set(wanted.filter((name) => there.has(name)))
    let size = [...names].join().length
    for (const name of customNames(described)) {
      if (names.has(name)) continue
      size += name.length + 2
      if (size > MAX_NAMES) break
      names.add(name)
    }
    return [...names]
  }

  /** A page of a list by id; the position is a cursor of Salesforce with the last id, in case it is let go of. */
  async #list(given: unknown, columns: string, where: string | null, signal: AbortSignal) {
    const at = z.object({ next: z.string(), lastId: z.string() }).safeParse(given).data
    const { object } = this.#spec
    const query = (lastId: string | null) => {
      const parts = [
        ...(where === null ? [] : [where]),
        ...(lastId === null ? [] : [`Id > '${lastId}'`]),
      ]
      const condition = parts.length > 0 ? ` WHERE ${parts.join(' AND ')}` : ''
      return this.#client.query(`SELECT ${columns} FROM ${object}${condition} ORDER BY Id`, signal)
    }
    if (!at) return query(null)
    try {
      return await this.#client.more(at.next, signal)
    } catch (error) {
      if (!(error instanceof VendorFault) || error.kind !== 'cursor_lost') throw error
      return query(at.lastId)
    }
  }
}

function position(page: QueryPage): { cursor: unknown; done: boolean } {
  const lastId = page.records.at(-1)?.Id
  const { nextRecordsUrl: next } = page
  if (next === undefined || lastId === undefined) return { cursor: null, done: true }
  return { cursor: { next, lastId }, done: false }
}

function jobLost(): VendorFault {
  return new VendorFault('cursor_lost', 'The job that read the object is gone.')
}

function asLost(error: unknown): never {
  throw error instanceof VendorFault && error.kind === 'gone' ? jobLost() : error
}

function placeOf(row: SfRow | undefined): Place | null {
  const stamp = row?.['SystemModstamp']
  const stampMs = readTime(typeof stamp === 'string' ? stamp : null)
  return row && stampMs !== null ? { stampMs, id: row.Id } : null
}

/** The rows changed since, the newest two thousand at most; those forgotten are only read once more. */
function remember(
  known: Record<string, number>,
  rows: readonly SfRow[],
  sinceMs: number,
): Record<string, number> {
  const stamps = new Map(Object.entries(known))
  for (const row of rows) {
    const place = placeOf(row)
    if (place) stamps.set(row.Id, place.stampMs)
  }
  const kept = [...stamps].filter(([, atMs]) => atMs >= sinceMs)
  if (kept.length > MAX_REMEMBERED) kept.sort((a, b) => b[1] - a[1])
  return Object.fromEntries(kept.slice(0, MAX_REMEMBERED))
}

/** A file of the Bulk API as rows of the REST API: empty is null, and numbers and flags are such. */
function rowsOf(csv: string, { fields }: Describe): SfRow[] {
  const typeOf = new Map(fields.map(({ name, type }) => [name, type]))
  const records: Record<string, string>[] = parse(csv, { columns: true, skipEmptyLines: true })
  return records.map((record) => {
    const row: Record<string, unknown> = {}
    for (const [name, text] of Object.entries(record)) {
      row[name] = readCell(text, typeOf.get(name) ?? 'string')
    }
    return SfRow.parse(row)
  })
}

function readCell(text: string, type: string): string | number | boolean | null {
  if (text === '') return null
  if (type === 'boolean') return text === 'true'
  if (['currency', 'double', 'int', 'percent'].includes(type)) return Number(text)
  return text
}
