import type { Fault } from '#sandbox/faults.ts'
import { textOf } from '#sandbox/json.ts'
import type { JsonObject } from '#sandbox/json.ts'
import { DELIMITERS, csvLine, readCsv } from './csv.ts'
import { RowRefusal } from './errors.ts'
import type { RowError } from './errors.ts'
import { KEY_PREFIXES, idOf } from './ids.ts'
import type { Org } from './org.ts'
import { upsertRow } from './rows.routes.ts'
import { findField, lookupOf } from './soql-compile.ts'
import type { Found } from './soql-run.ts'
import { deleteRow, insertRow, updateRow } from './writes.ts'
import type { WriteBy, Written } from './writes.ts'

export type Operation = 'insert' | 'update' | 'upsert' | 'delete' | 'hardDelete'
type State = 'Open' | 'UploadComplete' | 'InProgress' | 'JobComplete' | 'Failed' | 'Aborted'

interface AnyJob {
  id: string
  object: string
  state: State
  createdBy: string
  createdAtMs: number
  /** When its upload was closed; 0 before. */
  closedAtMs: number
  processed: number
  errorMessage: string | null
}

export interface IngestJob extends AnyJob {
  kind: 'ingest'
  operation: Operation
  key: string | null
  lineEnding: 'LF' | 'CRLF'
  columnDelimiter: string
  assigns: boolean
  /** The file until it is processed; null before the upload. */
  file: string | null
  /** The injected fault of the job's calls, which its rows meet. */
  fault: Fault | null
  failed: number
  /** The three result files. */
  results: { successful: string; failed: string; unprocessed: string }
}

export interface QueryJob extends AnyJob {
  kind: 'query'
  operation: 'query' | 'queryAll'
  found: Found
}

/** Salesforce docs: a job's rows are written in batches of 10,000, those in runs of 200. */
const BATCH = 10_000
const RUN = 200

/** The jobs of the last days; they do not outlive the process. */
export class BulkJobs {
  private readonly jobs = new Map<string, IngestJob | QueryJob>()
  private lastId = 0

  nextId(): string {
    this.lastId += 1
    return idOf(KEY_PREFIXES['Job'] ?? '', this.lastId)
  }

  add(job: IngestJob | QueryJob): void {
    this.jobs.set(job.id, job)
  }

  remove(id: string): void {
    this.jobs.delete(id)
  }

  find<Kind extends 'ingest' | 'query'>(kind: Kind, id: string) {
    const job = this.jobs.get(id)
    return job?.kind === kind ? (job as Extract<IngestJob | QueryJob, { kind: Kind }>) : null
  }

  *all(kind: 'ingest' | 'query'): Generator<IngestJob | QueryJob> {
    for (const job of this.jobs.values()) if (job.kind === kind) yield job
  }

  clear(): void {
    this.jobs.clear()
  }

  /** Does the jobs whose time has come. */
  settle(org: Org): void {
    const nowMs = org.clock.now()
    for (const job of this.jobs.values()) {
      if (job.state !== 'UploadComplete' && job.state !== 'InProgress') continue
      if (job.closedAtMs + org.settings.bulkDelayMs > nowMs) continue
      if (job.kind === 'ingest') ingest(org, job)
      else {
        job.state = 'JobComplete'
        job.processed = job.found.rows.length
      }
    }
  }
}

/** How many internal batches a file takes of the day's allocation. */
export function batchesOf(file: string): number {
  let lines = 0
  for (let at = file.indexOf('\n'); at >= 0; at = file.indexOf('\n', at + 1)) lines += 1
  return Math.max(1, Math.ceil((lines - 1) / BATCH))
}

function ingest(org: Org, job: IngestJob): void {
  const file = job.file ?? ''
  job.file = null
  const problem = lineEndingProblem(job, file)
  const [header = [], ...rows] = problem === null ? tryRead(file, job) : []
  const unknown = problem ?? unknownColumn(org, job, header)
  job.results = {
    successful: csvLine(['sf__Id', 'sf__Created', ...header]),
    failed: csvLine(['sf__Id', 'sf__Error', ...header]),
    unprocessed: csvLine(header),
  }
  const limit = unknown === null ? (org.settings.bulkFailsAfterRows ?? rows.length) : 0
  org.settings.bulkFailsAfterRows = null
  writeRows(org, job, header, rows.slice(0, limit))
  job.results.unprocessed += rows.slice(limit).map(csvLine).join('')
  job.processed = Math.min(limit, rows.length)
  job.state = unknown === null && limit >= rows.length ? 'JobComplete' : 'Failed'
  if (job.state === 'Failed') {
    job.errorMessage = unknown ?? 'InternalServerError : The job was stopped by an internal error.'
  }
}

function tryRead(file: string, job: IngestJob): string[][] {
  try {
    return readCsv(file, DELIMITERS[job.columnDelimiter] ?? ',')
  } catch {
    return []
  }
}

function lineEndingProblem(job: IngestJob, file: string): string | null {
  const isCrlf = file.includes('\r\n')
  if (file === '' || isCrlf === (job.lineEnding === 'CRLF')) return null
  return `InvalidBatch : LineEnding is invalid on user data. Current LineEnding setting is ${job.lineEnding}`
}

/** Salesforce docs: a column that the object does not have fails the whole job. */
function unknownColumn(org: Org, job: IngestJob, header: readonly string[]): string | null {
  if (header.length === 0) return 'InvalidBatch : The file has no header'
  const object = org.state.object(job.object)
  const unknown = header.find((name) => {
    const [relationship = '', field] = name.split('.')
    return field === undefined ? !findField(object, name) : !lookupOf(object, relationship)
  })
  return unknown === undefined ? null : `InvalidBatch : Field name not found : ${unknown}`
}

function writeRows(
  org: Org,
  job: IngestJob,
  header: readonly string[],
  rows: readonly string[][],
): void {
  const by: WriteBy = {
    userId: job.createdBy,
    autoAssign: job.assigns,
    allowSave: false,
    isBackstage: false,
    fault: job.fault,
  }
  const successful: string[] = []
  const failed: string[] = []
  for (let from = 0; from < rows.length; from += RUN) {
    const seen = new Set<string>()
    for (const row of rows.slice(from, from + RUN)) {
      try {
        const record = recordOf(header, row)
        const { id, isNew } = org.state.transaction(() => writeRow(org, by, job, record, seen))
        successful.push(csvLine([id, isNew, ...row]))
      } catch (error) {
        if (!(error instanceof RowRefusal)) throw error
        job.failed += 1
        failed.push(csvLine(['', errorText(error.error), ...row]))
      }
    }
  }
  job.results.successful += successful.join('')
  job.results.failed += failed.join('')
}

function errorText({ code, message, fields = [] }: RowError): string {
  return `${code}:${message}:${fields.join(',')}${fields.length > 0 ? ' ' : ''}--`
}

/** Salesforce docs: in a file nothing leaves the field as it is, and `#N/A` empties it. */
function recordOf(header: readonly string[], row: readonly string[]): JsonObject {
  const record: JsonObject = {}
  for (const [i, name] of header.entries()) {
    const text = row[i] ?? ''
    if (text === '') continue
    const value = text === '#N/A' ? null : text
    const [relationship = '', field] = name.split('.')
    if (field === undefined) record[name] = value
    else record[relationship] = { [field]: value }
  }
  return record
}

function writeRow(
  org: Org,
  by: WriteBy,
  job: IngestJob,
  record: JsonObject,
  seen: Set<string>,
): Written {
  const object = org.state.object(job.object)
  if (job.operation === 'insert') return insertRow(org, by, object.name, record)
  if (job.operation === 'upsert') {
    const key = job.key ?? 'Id'
    const value = (textOf(record[key]) ?? '').toLowerCase()
    if (value !== '' && seen.has(value)) {
      throw new RowRefusal('DUPLICATE_VALUE', `Duplicate external id specified: ${value}`, [key])
    }
    seen.add(value)
    return upsertRow(org, by, object, record, key)
  }
  const id = textOf(record['Id']) ?? ''
  const row = org.state.table(object.name).find(id)
  if (id === '') throw new RowRefusal('MISSING_ARGUMENT', 'Id not specified in an update call', [])
  if (!row) throw new RowRefusal('INVALID_CROSS_REFERENCE_KEY', 'invalid cross reference id', [])
  if (job.operation === 'update') return updateRow(org, by, object.name, row, record)
  deleteRow(org, by, object.name, id)
  return { id, isNew: false }
}
