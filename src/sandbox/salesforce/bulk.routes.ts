import { numberOf } from '#sandbox/json.ts'
import type { JsonObject } from '#sandbox/json.ts'
import type { Answer, Call, Route } from '#sandbox/kernel.ts'
import { batchesOf } from './bulk-jobs.ts'
import type { IngestJob, Operation, QueryJob } from './bulk-jobs.ts'
import { bodyOf, findObject, textIn } from './call.ts'
import { DELIMITERS, csvLine } from './csv.ts'
import { notFound, refuse } from './errors.ts'
import type { Caller, Org } from './org.ts'
import { asQuery } from './query.routes.ts'
import { findField } from './soql-compile.ts'
import { runQuery } from './soql-run.ts'
import { csvTime, restTime } from './times.ts'

const INGEST = '/services/data/{version}/jobs/ingest'
const QUERY = '/services/data/{version}/jobs/query'
/** Salesforce docs: 150 MB once encoded in base64. */
const MAX_FILE = 100 * 1024 * 1024
/** Rows of one result page unless the call asks for fewer. */
const RESULT_PAGE = 50_000
/** Faults that rows meet when the job's file is worked off. */
const ROW_FAULTS = new Set<string>(['lose-rows', 'drop-writes', 'refuse-rows'])
const OPERATIONS = new Set<string>(['insert', 'update', 'upsert', 'delete', 'hardDelete'])

/** Salesforce docs: Bulk API 2.0, ingest and query. */
export function bulkRoutes(org: Org): Route<Caller>[] {
  const on = (method: string, path: string, target: Route<Caller>['target']): Route<Caller> => ({
    method,
    path,
    target,
  })
  const file = (name: string, which: keyof IngestJob['results']) =>
    on('GET', `${INGEST}/{jobId}/${name}`, (call) => ({
      status: 200,
      body: ingestJob(org, call).results[which],
      headers: { 'content-type': 'text/csv' },
    }))
  return [
    on('POST', INGEST, (call, caller) => createIngest(org, call, caller)),
    on('GET', INGEST, () => list(org, 'ingest')),
    on('PUT', `${INGEST}/{jobId}/batches`, (call) => upload(org, call)),
    on('PATCH', `${INGEST}/{jobId}`, (call) => closeIngest(org, call)),
    on('GET', `${INGEST}/{jobId}`, (call) => {
      const job = ingestJob(org, call)
      if (job.state === 'UploadComplete') job.state = 'InProgress'
      return { status: 200, body: shownIngest(org, job, true) }
    }),
    on('DELETE', `${INGEST}/{jobId}`, (call) => remove(org, ingestJob(org, call))),
    file('successfulResults', 'successful'),
    file('failedResults', 'failed'),
    file('unprocessedrecords', 'unprocessed'),
    on('POST', QUERY, (call, caller) => createQuery(org, call, caller)),
    on('GET', QUERY, () => list(org, 'query')),
    on('GET', `${QUERY}/{jobId}`, (call) => ({
      status: 200,
      body: shownQuery(org, queryJob(org, call)),
    })),
    on('PATCH', `${QUERY}/{jobId}`, (call) => abortQuery(org, call)),
    on('DELETE', `${QUERY}/{jobId}`, (call) => remove(org, queryJob(org, call))),
    on('GET', `${QUERY}/{jobId}/results`, (call) => queryResults(org, call)),
  ]
}

function ingestJob(org: Org, call: Call): IngestJob {
  const job = org.jobs.find('ingest', call.params['jobId'] ?? '')
  if (!job) throw notFound()
  if (call.fault && ROW_FAULTS.has(call.fault.kind)) job.fault = call.fault
  return job
}

function queryJob(org: Org, call: Call): QueryJob {
  const job = org.jobs.find('query', call.params['jobId'] ?? '')
  if (!job) throw notFound()
  return job
}

function badState() {
  return refuse(400, 'INVALIDJOBSTATE', 'Job is not in a valid state')
}

function createIngest(org: Org, call: Call, caller: Caller): Answer {
  const body = bodyOf(call)
  const operation = textIn(body, 'operation')
  if (!OPERATIONS.has(operation)) {
    throw refuse(400, 'INVALIDJOB', `Unable to parse Job: invalid operation ${operation}`)
  }
  const object = findObject(org, textIn(body, 'object'))
  const key = textIn(body, 'externalIdFieldName') || null
  if (operation === 'upsert') {
    const field = key === null ? null : findField(object, key)
    if (!field || (!field.isExternalId && field.type !== 'id')) {
      const message = `InvalidJob : Field name provided, ${key} does not match an External ID for ${object.name}`
      throw refuse(400, 'INVALIDJOB', message)
    }
  }
  const job: IngestJob = {
    kind: 'ingest',
    id: org.jobs.nextId(),
    object: object.name,
    operation: operation as Operation,
    key,
    lineEnding: textIn(body, 'lineEnding') === 'CRLF' ? 'CRLF' : 'LF',
    columnDelimiter:
      textIn(body, 'columnDelimiter') in DELIMITERS ? textIn(body, 'columnDelimiter') : 'COMMA',
    // Salesforce docs: Bulk API 2.0, a rule assigns only where the job names one.
    assigns: textIn(body, 'assignmentRuleId') !== '',
    state: 'Open',
    createdBy: caller.userId,
    createdAtMs: org.now(),
    closedAtMs: 0,
    file: null,
    fault: null,
    processed: 0,
    failed: 0,
    errorMessage: null,
    results: { successful: '', failed: '', unprocessed: '' },
  }
  org.jobs.add(job)
  return { status: 200, body: shownIngest(org, job, false) }
}

/** One file a job. */
function upload(org: Org, call: Call): Answer {
  const job = ingestJob(org, call)
  if (job.state !== 'Open' || job.file !== null) throw badState()
  if (call.text.length > MAX_FILE) {
    throw refuse(400, 'EXCEEDEDMAXSIZE', 'The file is larger than the platform takes.')
  }
  job.file = call.text
  return { status: 201 }
}

function closeIngest(org: Org, call: Call): Answer {
  const job = ingestJob(org, call)
  const state = textIn(bodyOf(call), 'state')
  if (state === 'Aborted' && (job.state === 'Open' || job.state === 'UploadComplete')) {
    job.state = 'Aborted'
    job.results.unprocessed = job.file ?? ''
    job.file = null
  } else if (state === 'UploadComplete' && job.state === 'Open') {
    org.quota.admitBatches(batchesOf(job.file ?? ''))
    job.state = 'UploadComplete'
    job.closedAtMs = org.clock.now()
  } else {
    throw badState()
  }
  return { status: 200, body: shownIngest(org, job, false) }
}

function remove(org: Org, job: IngestJob | QueryJob): Answer {
  if (job.state !== 'JobComplete' && job.state !== 'Failed' && job.state !== 'Aborted') {
    throw badState()
  }
  org.jobs.remove(job.id)
  return { status: 204 }
}

function shownJob(org: Org, job: IngestJob | QueryJob): JsonObject {
  return {
    id: job.id,
    operation: job.operation,
    object: job.object,
    createdById: job.createdBy,
    createdDate: restTime(job.createdAtMs),
    systemModstamp: restTime(Math.max(job.createdAtMs, Math.floor(job.closedAtMs / 1000) * 1000)),
    state: job.state,
    concurrencyMode: 'Parallel',
    contentType: 'CSV',
    apiVersion: Number(org.settings.apiVersion),
  }
}

function shownIngest(org: Org, job: IngestJob, isInfo: boolean): JsonObject {
  const shown: JsonObject = {
    ...shownJob(org, job),
    ...(job.key === null ? {} : { externalIdFieldName: job.key }),
    lineEnding: job.lineEnding,
    columnDelimiter: job.columnDelimiter,
  }
  if (job.state === 'Open') {
    shown['contentUrl'] = `${org.basePath.slice(1)}/jobs/ingest/${job.id}/batches`
  }
  if (!isInfo) return shown
  return {
    ...shown,
    jobType: 'V2Ingest',
    numberRecordsProcessed: job.processed,
    numberRecordsFailed: job.failed,
    retries: 0,
    totalProcessingTime: job.processed,
    apiActiveProcessingTime: job.processed,
    apexProcessingTime: 0,
    ...(job.errorMessage === null ? {} : { errorMessage: job.errorMessage }),
  }
}

function createQuery(org: Org, call: Call, caller: Caller): Answer {
  const body = bodyOf(call)
  const operation = textIn(body, 'operation') === 'queryAll' ? 'queryAll' : 'query'
  const found = asQuery(() => runQuery(org, textIn(body, 'query'), operation === 'queryAll'))
  if (found.count !== null) {
    throw refuse(400, 'API_ERROR', 'Aggregate Relationships not supported in Bulk Query')
  }
  const job: QueryJob = {
    kind: 'query',
    id: org.jobs.nextId(),
    object: found.object,
    operation,
    state: 'UploadComplete',
    createdBy: caller.userId,
    createdAtMs: org.now(),
    closedAtMs: org.clock.now(),
    processed: 0,
    errorMessage: null,
    found,
  }
  org.jobs.add(job)
  const shown = { ...shownJob(org, job), lineEnding: 'LF', columnDelimiter: 'COMMA' }
  return { status: 200, body: shown }
}

function shownQuery(org: Org, job: QueryJob): JsonObject {
  return {
    ...shownJob(org, job),
    jobType: 'V2Query',
    lineEnding: 'LF',
    columnDelimiter: 'COMMA',
    numberRecordsProcessed: job.processed,
    retries: 0,
    totalProcessingTime: job.processed,
  }
}

function abortQuery(org: Org, call: Call): Answer {
  const job = queryJob(org, call)
  if (job.state !== 'UploadComplete' && job.state !== 'InProgress') throw badState()
  job.state = 'Aborted'
  return { status: 200, body: shownQuery(org, job) }
}

/** The locator names the first row of the page; after the last page it is the text `null`. */
function queryResults(org: Org, call: Call): Answer {
  const job = queryJob(org, call)
  if (job.state !== 'JobComplete') throw badState()
  const locator = call.query.get('locator') ?? ''
  const from = locator === '' || locator === 'null' ? 0 : Number(atob(locator))
  if (!Number.isInteger(from) || from < 0) {
    throw refuse(400, 'INVALID_QUERY_LOCATOR', 'invalid query locator')
  }
  const asked = numberOf(Number(call.query.get('maxRecords') ?? RESULT_PAGE)) ?? RESULT_PAGE
  const { rows, columns } = job.found
  const to = Math.min(rows.length, from + Math.max(1, asked))
  const lines = rows.slice(from, to).map((row) =>
    csvLine(
      columns.map(({ read, field }) => {
        const value = read(row)
        return field.type === 'datetime' && typeof value === 'number' ? csvTime(value) : value
      }),
    ),
  )
  return {
    status: 200,
    body: csvLine(columns.map(({ name }) => name)) + lines.join(''),
    headers: {
      'content-type': 'text/csv',
      'sforce-locator': to < rows.length ? btoa(String(to)) : 'null',
      'sforce-numberofrecords': String(to - from),
    },
  }
}

function list(org: Org, kind: 'ingest' | 'query'): Answer {
  const records = [...org.jobs.all(kind)].map((job) => shownJob(org, job))
  return { status: 200, body: { done: true, nextRecordsUrl: null, records } }
}
