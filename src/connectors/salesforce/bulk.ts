import { parse } from 'csv-parse/sync'
import { SECOND_MS } from '#core/time.ts'
import {
  VendorFault,
  type PushChange,
  type PushResult,
  type VendorProperties,
} from '#sync/connector.ts'
import type { Job, SaveError } from './answers.ts'
import type { SalesforceClient } from './client.ts'
import { codeOf, errorOfFile, refused, refusedRow } from './errors.ts'
import { HUB_ID } from './fields.ts'
import { requireKey } from './prepare.ts'
import { completed, pushRows, type PushSpec } from './push.ts'

/** From so many due records on a file beats collections; one file takes so many. */
export const BULK_FROM = 2001
export const BULK_BATCH = 10_000
/** How long a job is waited for: first a moment, at last half a minute between looks, a quarter of an hour in all. */
const FIRST_LOOK_MS = 2 * SECOND_MS
const MOST_LOOK_MS = 30 * SECOND_MS
const MAX_LOOKS = 40

/** Refusals that a collection tells more of, or that go through the next time: those rows are sent again by one. */
const AGAIN: ReadonlySet<string> = new Set([
  'UNABLE_TO_LOCK_ROW',
  'DUPLICATES_DETECTED',
  'DUPLICATE_VALUE',
  'CANNOT_UPDATE_CONVERTED_LEAD',
])
const MOST_AGAIN = 2000

/**
 * Waits for a job to end.
 * @throws VendorFault `transient` when it does not within a quarter of an hour; what it writes is found by the next run.
 */
export async function awaitJob(
  client: SalesforceClient,
  kind: 'ingest' | 'query',
  jobId: string,
  signal: AbortSignal,
): Promise<Job> {
  let waitMs = FIRST_LOOK_MS
  for (let looks = 0; looks < MAX_LOOKS; looks += 1) {
    await client.wait(waitMs, signal)
    const job = await client.readJob(kind, jobId, signal)
    if (['JobComplete', 'Failed', 'Aborted'].includes(job.state)) return job
    waitMs = Math.min(waitMs * 2, MOST_LOOK_MS)
  }
  throw new VendorFault('transient', `Job ${jobId} does not come to an end.`)
}

/**
 * Writes many records by a file of the Bulk API 2.0: new ones under their key, linked ones by their id. Rows that were
 * locked or stood in the way of others go again by collections, which tell more.
 */
export async function pushFile(
  client: SalesforceClient,
  spec: PushSpec,
  changes: readonly PushChange[],
  signal: AbortSignal,
): Promise<PushResult[]> {
  const results = new Map<PushChange, PushResult>()
  const again: PushChange[] = []
  const groups = [
    changes.filter(({ externalId, deleted }) => externalId === null && deleted !== true),
    changes.filter(({ externalId, deleted }) => externalId !== null && deleted !== true),
  ]
  for (const [i, group] of groups.entries()) {
    if (group.length > 0) await pushGroup(client, spec, group, i === 0, { results, again }, signal)
  }
  again.push(...changes.filter(({ deleted }) => deleted === true))
  if (again.length > 0) {
    const second = await pushRows(client, spec, again, signal)
    again.forEach((change, i) => results.set(change, second[i]!))
  }
  return changes.map(
    (change) =>
      results.get(change) ??
      refused('transient', 'ANSWER_INCOMPLETE', 'Salesforce gave no outcome for this record.'),
  )
}

interface Outcomes {
  results: Map<PushChange, PushResult>
  again: PushChange[]
}

async function pushGroup(
  client: SalesforceClient,
  spec: PushSpec,
  changes: readonly PushChange[],
  isNew: boolean,
  { results, again }: Outcomes,
  signal: AbortSignal,
): Promise<void> {
  if (isNew) await requireKey(client, spec.object, signal)
  const key = isNew ? HUB_ID : 'Id'
  const byKey = new Map(
    changes.map((change) => [isNew ? change.record.localId : (change.externalId ?? ''), change]),
  )
  const job = await client.createJob(
    'ingest',
    {
      object: spec.object,
      operation: isNew ? 'upsert' : 'update',
      ...(isNew ? { externalIdFieldName: HUB_ID } : {}),
      contentType: 'CSV',
      lineEnding: 'LF',
      columnDelimiter: 'COMMA',
    },
    signal,
  )
  const rows = await Promise.all(
    [...byKey].map(async ([id, change]): Promise<VendorProperties> => ({
      [key]: id,
      ...(await completed(client, spec, change, signal)),
    })),
  )
  await client.uploadFile(job.id, fileOf(rows), signal)
  await client.closeJob(job.id, signal)
  const ended = await awaitJob(client, 'ingest', job.id, signal)
  assertColumns(ended)
  const read = async (name: 'successfulResults' | 'failedResults') =>
    readFile(await client.resultFile(job.id, name, signal))
  for (const row of await read('successfulResults')) {
    const change = byKey.get((isNew ? row[HUB_ID] : row['sf__Id']) ?? '')
    const externalId = row['sf__Id'] ?? ''
    if (change) {
      results.set(change, { kind: 'written', externalId, created: row['sf__Created'] === 'true' })
    }
  }
  // All were written: there is no file of failures to read.
  if (results.size >= changes.length && [...byKey.values()].every((each) => results.has(each)))
    return
  for (const row of await read('failedResults')) {
    const change = byKey.get(row[key] ?? '')
    const error: SaveError = errorOfFile(row['sf__Error'] ?? '')
    if (!change) continue
    if (AGAIN.has(codeOf(error)) && again.length < MOST_AGAIN) again.push(change)
    else results.set(change, refusedRow(error))
  }
}

/** @throws VendorFault `mapping` when a column is not there: it fails the whole file. */
function assertColumns(job: Job): void {
  const message = job.errorMessage ?? ''
  const column = /Field name not found : ([\w.]{1,100})/.exec(message)?.[1]
  if (job.state !== 'Failed' || column === undefined) return
  throw new VendorFault('mapping', `Salesforce has no field ${column}.`, { code: 'INVALID_FIELD' })
}

/** Salesforce docs: an empty cell leaves a field as it is, `#N/A` empties it. */
function fileOf(rows: readonly VendorProperties[]): string {
  const header = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  const lines = rows.map((row) => header.map((name) => cellOf(row[name])).join(','))
  return `${[header.join(','), ...lines].join('\n')}\n`
}

function cellOf(value: VendorProperties[string] | undefined): string {
  if (value === undefined) return ''
  if (value === null || value === '') return '#N/A'
  const text = Array.isArray(value) ? value.join(';') : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""').replaceAll('\r\n', '\n')}"` : text
}

function readFile(csv: string): Record<string, string>[] {
  return parse(csv, { columns: true, skipEmptyLines: true })
}
