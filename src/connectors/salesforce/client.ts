import type { z } from 'zod'
import { headerOf, VendorHttp, type VendorAnswer, type VendorRequest } from '#connectors/http.ts'
import { RateGate } from '#connectors/rate-gate.ts'
import { HOUR_MS, MINUTE_MS } from '#core/time.ts'
import { VendorFault, type OpenConnection, type Quota } from '#sync/connector.ts'
import {
  BatchAnswer,
  CompositeAnswer,
  Describe,
  Job,
  Limits,
  Picklists,
  QueryPage,
  Rows,
  SaveResults,
  UserInfo,
  type SaveResult,
  type SfRow,
} from './answers.ts'
import { SalesforceAccess, SalesforceSettings } from './auth.ts'
import { faultOf } from './errors.ts'

/** The objects that the hub works with; all are described in one call. */
export const OBJECTS = [
  'Lead',
  'Contact',
  'Account',
  'Opportunity',
  'OpportunityContactRole',
  'Campaign',
  'CampaignMember',
  'Task',
] as const
export type ObjectName = (typeof OBJECTS)[number]

/** What a collection takes in one call, and what a read of one gives. */
export const MOST_WRITTEN = 200
export const MOST_READ = 2000

/** Calls in one composite call. */
const MOST_TOGETHER = 25

/** Longer queries go in a body: a URI with its headers holds 16,384 bytes. */
const MAX_QUERY = 10_000
/** Once the share of the day is used up, one call so often looks whether it still is. */
const LOOK_AGAIN_MS = 15 * MINUTE_MS
/** How the hub's writes are named in change events, and in Salesforce's own logs. */
const CALL_OPTIONS = 'client=Throughline'

/** Salesforce's REST API and Bulk API 2.0: the only place that knows their URLs and headers. Every answer is parsed. */
export class SalesforceClient {
  readonly settings: SalesforceSettings
  /** The org's time at the last answer, epoch milliseconds; null when no answer told it. */
  orgNowMs: number | null = null
  readonly #connection: OpenConnection
  readonly #access: SalesforceAccess
  readonly #gate: RateGate
  readonly #login: VendorHttp
  #instance: { url: string; http: VendorHttp } | null = null
  #schema: Promise<Map<string, Describe>> | null = null
  /** The calls of the org in the last 24 hours, as the last answer told. */
  #usage: { used: number; limit: number; atMs: number } | null = null

  constructor(connection: OpenConnection) {
    this.#connection = connection
    this.settings = SalesforceSettings.parse(connection.settings)
    this.#gate = new RateGate({ token: { max: 30, intervalMs: MINUTE_MS } }, (durationMs, signal) =>
      connection.wait(durationMs, signal),
    )
    this.#login = this.#open(this.settings.baseUrl)
    this.#access = new SalesforceAccess(this.settings, connection, (request, signal) =>
      this.#login.send(request, signal),
    )
  }

  /** The org's name and kind. */
  async organization(signal: AbortSignal): Promise<{ id: string; name: string; kind: string }> {
    const soql = 'SELECT Id, Name, OrganizationType FROM Organization'
    const [row] = (await this.query(soql, signal)).records
    if (!row) throw new VendorFault('permission', 'The login may not read the organization.')
    return { id: row.Id, name: String(row['Name']), kind: String(row['OrganizationType']) }
  }

  /** The first page of a query; `all` with the rows in the recycle bin. */
  async query(soql: string, signal: AbortSignal, all = false): Promise<QueryPage> {
    const name = all ? 'queryAll' : 'query'
    if (encodeURIComponent(soql).length <= MAX_QUERY) {
      return this.#get(`/${name}`, QueryPage, signal, { q: soql })
    }
    const url = `v${this.settings.version}/${name}?q=${encodeURIComponent(soql)}`
    const [page] = await this.#batch([url], signal)
    return parse(QueryPage, page)
  }

  /** The page behind a cursor. @throws VendorFault `cursor_lost` when Salesforce let go of it. */
  async more(nextRecordsUrl: string, signal: AbortSignal): Promise<QueryPage> {
    const name = /\/(query(?:All)?\/[\w-]+)$/.exec(nextRecordsUrl)?.[1]
    if (name === undefined) throw new VendorFault('cursor_lost', 'The cursor is unreadable.')
    const template = `/${name.split('/')[0] ?? ''}/{locator}`
    return this.#get(`/${name}`, QueryPage, signal, {}, template)
  }

  /** Every row of a query, page after page; for those known to be few. */
  async queryWhole(soql: string, signal: AbortSignal, all = false): Promise<SfRow[]> {
    let page = await this.query(soql, signal, all)
    const rows = [...page.records]
    while (page.nextRecordsUrl !== undefined) {
      page = await this.more(page.nextRecordsUrl, signal)
      rows.push(...page.records)
    }
    return rows
  }

  /** At most 2,000 rows by id, in order; null for those that are not there. */
  readMany(
    object: ObjectName,
    ids: readonly string[],
    fields: readonly string[],
    signal: AbortSignal,
  ): Promise<(SfRow | null)[]> {
    const template = '/composite/sobjects/{object}'
    return this.#send('POST', `/composite/sobjects/${object}`, Rows, signal, {
      json: { ids, fields },
      template,
    })
  }

  /** Writes at most 200 rows under their key; one result a row, in order. */
  upsert(
    object: ObjectName,
    key: string,
    records: readonly object[],
    signal: AbortSignal,
  ): Promise<SaveResult[]> {
    return this.#send('PATCH', `/composite/sobjects/${object}/${key}`, SaveResults, signal, {
      json: { allOrNone: false, records: typed(object, records) },
      template: '/composite/sobjects/{object}/{key}',
      headers: this.#writeHeaders(),
    })
  }

  /** Changes at most 200 rows by their `id`; one result a row, in order. */
  update(
    object: ObjectName,
    records: readonly object[],
    signal: AbortSignal,
  ): Promise<SaveResult[]> {
    return this.#send('PATCH', '/composite/sobjects', SaveResults, signal, {
      json: { allOrNone: false, records: typed(object, records) },
      headers: this.#writeHeaders(),
    })
  }

  /** Deletes at most 200 rows by id; one result a row, in order. */
  remove(ids: readonly string[], signal: AbortSignal): Promise<SaveResult[]> {
    return this.#send('DELETE', '/composite/sobjects', SaveResults, signal, {
      query: { ids: ids.join(','), allOrNone: 'false' },
      headers: this.#writeHeaders(),
    })
  }

  /** What the org says of an object, asked for once a session together with the others. */
  async describe(object: ObjectName, signal: AbortSignal): Promise<Describe> {
    this.#schema ??= this.#describeAll(signal).catch((error: unknown) => {
      this.#schema = null // ask again next time
      throw error
    })
    const described = (await this.#schema).get(object)
    if (described) return described
    throw new VendorFault('permission', `The login may not see ${object}.`, {
      code: 'INVALID_TYPE',
    })
  }

  /** Forgets what the org said of its objects, after a change to them. */
  forgetSchema(): void {
    this.#schema = null
  }

  /** The active values of a picklist for one record type. */
  async picklist(
    object: ObjectName,
    recordTypeId: string,
    field: string,
    signal: AbortSignal,
  ): Promise<string[]> {
    const path = `/ui-api/object-info/${object}/picklist-values/${recordTypeId}`
    const template = '/ui-api/object-info/{object}/picklist-values/{type}'
    const { picklistFieldValues } = await this.#get(path, Picklists, signal, {}, template)
    return picklistFieldValues[field]?.values.map(({ value }) => value) ?? []
  }

  /** What is left of the org's allowances of 24 hours. */
  async quota(signal: AbortSignal): Promise<Quota[]> {
    const limits = await this.#get('/limits', Limits, signal)
    return ['DailyApiRequests', 'DailyBulkApiBatches'].flatMap((name) => {
      const { Max: limit, Remaining: left } = limits[name] ?? {}
      if (limit === undefined || left === undefined) return []
      return [{ name, limit, used: limit - left, resetsAt: null }]
    })
  }

  /**
   * Makes fields by the Tooling API, as the Metadata API describes them, 25 a call; nobody sees them yet.
   * @returns the codes of those that were refused.
   */
  async createFields(
    fields: readonly { object: string; name: string; metadata: Record<string, unknown> }[],
    signal: AbortSignal,
  ): Promise<string[]> {
    const url = `/services/data/v${this.settings.version}/tooling/sobjects/CustomField`
    const codes: string[] = []
    for (let from = 0; from < fields.length; from += MOST_TOGETHER) {
      const compositeRequest = fields
        .slice(from, from + MOST_TOGETHER)
        .map(({ object, name, metadata }, i) => ({
          method: 'POST',
          url,
          referenceId: `field${i}`,
          body: { FullName: `${object}.${name}`, Metadata: metadata },
        }))
      const { compositeResponse } = await this.#send(
        'POST',
        '/tooling/composite',
        CompositeAnswer,
        signal,
        { json: { allOrNone: false, compositeRequest } },
      )
      for (const { httpStatusCode: status, body } of compositeResponse) {
        if (status < 300) continue
        codes.push(faultOf({ status, headers: {}, body }).code ?? 'UNKNOWN')
      }
    }
    return codes
  }

  /** Makes at most 200 rows; for set-up, where there is no key to repeat it by. */
  insert(object: string, records: readonly object[], signal: AbortSignal): Promise<SaveResult[]> {
    const typedRecords = records.map((record) => ({ attributes: { type: object }, ...record }))
    return this.#send('POST', '/composite/sobjects', SaveResults, signal, {
      json: { allOrNone: false, records: typedRecords },
    })
  }

  /** The user that the session is for. */
  async userId(signal: AbortSignal): Promise<string> {
    this.#assertWithinShare()
    const { instanceUrl } = await this.#access.current(signal)
    const path = '/services/oauth2/userinfo'
    const request = { method: 'GET', path, template: path, bucket: 'api' } as const
    const { body } = await this.#at(instanceUrl).send(request, signal)
    return parse(UserInfo, body).user_id
  }

  createJob(kind: 'ingest' | 'query', job: Record<string, unknown>, signal: AbortSignal) {
    return this.#send('POST', `/jobs/${kind}`, Job, signal, { json: job })
  }

  /** The one file of an ingest job. */
  async uploadFile(jobId: string, csv: string, signal: AbortSignal): Promise<void> {
    await this.#request('PUT', `/jobs/ingest/${jobId}/batches`, signal, {
      csv,
      answers: 'nothing',
      template: '/jobs/ingest/{job}/batches',
    })
  }

  closeJob(jobId: string, signal: AbortSignal): Promise<Job> {
    return this.#send('PATCH', `/jobs/ingest/${jobId}`, Job, signal, {
      json: { state: 'UploadComplete' },
      template: '/jobs/ingest/{job}',
    })
  }

  readJob(kind: 'ingest' | 'query', jobId: string, signal: AbortSignal): Promise<Job> {
    return this.#get(`/jobs/${kind}/${jobId}`, Job, signal, {}, `/jobs/${kind}/{job}`)
  }

  /** One of the result files of an ingest job. */
  async resultFile(
    jobId: string,
    which: 'successfulResults' | 'failedResults' | 'unprocessedrecords',
    signal: AbortSignal,
  ): Promise<string> {
    const { body } = await this.#request('GET', `/jobs/ingest/${jobId}/${which}`, signal, {
      answers: 'csv',
      template: `/jobs/ingest/{job}/${which}`,
    })
    return typeof body === 'string' ? body : ''
  }

  /** A page of what a query job found; the locator of the next, null after the last. */
  async queryResults(
    jobId: string,
    locator: string | null,
    maxRecords: number,
    signal: AbortSignal,
  ): Promise<{ csv: string; next: string | null }> {
    const { body, headers } = await this.#request('GET', `/jobs/query/${jobId}/results`, signal, {
      query: { maxRecords: String(maxRecords), ...(locator === null ? {} : { locator }) },
      answers: 'csv',
      template: '/jobs/query/{job}/results',
    })
    const next = headerOf(headers, 'sforce-locator')
    return { csv: typeof body === 'string' ? body : '', next: next === 'null' ? null : next }
  }

  wait(durationMs: number, signal: AbortSignal): Promise<void> {
    return this.#connection.wait(durationMs, signal)
  }

  async close(): Promise<void> {
    await Promise.all([this.#login.close(), this.#instance?.http.close()])
  }

  async #describeAll(signal: AbortSignal): Promise<Map<string, Describe>> {
    const version = `v${this.settings.version}`
    const urls = OBJECTS.map((object) => `${version}/sobjects/${object}/describe`)
    const answers = await this.#batch(urls, signal, 'lenient')
    const described = answers.flatMap((answer) => Describe.safeParse(answer).data ?? [])
    return new Map(described.map((each) => [each.name, each]))
  }

  /** Several reads in one call; what one of them refuses is thrown, or null when `lenient`. */
  async #batch(urls: readonly string[], signal: AbortSignal, how?: 'lenient'): Promise<unknown[]> {
    const batchRequests = urls.map((url) => ({ method: 'GET', url }))
    const { results } = await this.#send('POST', '/composite/batch', BatchAnswer, signal, {
      json: { batchRequests },
    })
    return results.map(({ statusCode, result }) => {
      if (statusCode < 300) return result
      if (how === 'lenient') return null
      throw faultOf({ status: statusCode, headers: {}, body: result })
    })
  }

  /** The hub's own owner stands unless the org's rule is wanted; an alert of a duplicate rule does not hold a lead up. */
  #writeHeaders(): Record<string, string> {
    return {
      'sforce-auto-assign': this.settings.assignsLeads ? 'TRUE' : 'FALSE',
      'sforce-duplicate-rule-header': 'allowSave=true',
    }
  }

  #get<T>(
    path: string,
    shape: z.ZodType<T>,
    signal: AbortSignal,
    query: Record<string, string> = {},
    template = path,
  ): Promise<T> {
    return this.#send('GET', path, shape, signal, { query, template })
  }

  async #send<T>(
    method: VendorRequest['method'],
    path: string,
    shape: z.ZodType<T>,
    signal: AbortSignal,
    options: Partial<VendorRequest>,
  ): Promise<T> {
    return parse(shape, (await this.#request(method, path, signal, options)).body)
  }

  async #request(
    method: VendorRequest['method'],
    path: string,
    signal: AbortSignal,
    options: Partial<VendorRequest>,
  ): Promise<VendorAnswer> {
    this.#assertWithinShare()
    const { instanceUrl } = await this.#access.current(signal)
    return this.#at(instanceUrl).send(
      {
        ...options,
        method,
        path: `/services/data/v${this.settings.version}${path}`,
        template: `/services/data/{version}${options.template ?? path}`,
        headers: { 'sforce-call-options': CALL_OPTIONS, ...options.headers },
        bucket: 'api',
      },
      signal,
    )
  }

  /**
   * The org's other tools need calls too: the hub stops at its share of the day.
   * @throws VendorFault `rate_daily`.
   */
  #assertWithinShare(): void {
    const usage = this.#usage
    if (!usage || usage.used < Math.floor(usage.limit * this.settings.dailyShare)) return
    const nowMs = this.#connection.clock.now().getTime()
    if (nowMs - usage.atMs >= LOOK_AGAIN_MS && usage.used < usage.limit) return
    const share = Math.round(this.settings.dailyShare * 100)
    throw new VendorFault(
      'rate_daily',
      `${usage.used} of the org’s ${usage.limit} calls of 24 hours are used; the hub stops at ${share} %.`,
      { code: 'DAILY_SHARE_REACHED', retryAfterMs: HOUR_MS },
    )
  }

  #at(instanceUrl: string): VendorHttp {
    if (this.#instance?.url === instanceUrl) return this.#instance.http
    const before = this.#instance?.http
    this.#instance = { url: instanceUrl, http: this.#open(instanceUrl) }
    void before?.close()
    return this.#instance.http
  }

  #open(baseUrl: string): VendorHttp {
    return new VendorHttp(this.#connection, baseUrl, this.#gate, {
      correlationHeader: 'x-request-id',
      authorization: async (signal) => `Bearer ${(await this.#access.current(signal)).token}`,
      renew: (refused, signal) => this.#access.renew(refused, signal),
      faultOf,
      observe: (answer) => this.#observe(answer),
    })
  }

  #observe(answer: VendorAnswer): void {
    const nowMs = Date.parse(headerOf(answer.headers, 'date') ?? '')
    if (!Number.isNaN(nowMs)) this.orgNowMs = nowMs
    const match = /api-usage=(\d+)\/(\d+)/.exec(headerOf(answer.headers, 'sforce-limit-info') ?? '')
    if (!match) return
    const atMs = this.#connection.clock.now().getTime()
    this.#usage = { used: Number(match[1]), limit: Number(match[2]), atMs }
  }
}

function typed(object: ObjectName, records: readonly object[]): object[] {
  return records.map((record) => ({ attributes: { type: object }, ...record }))
}

function parse<T>(shape: z.ZodType<T>, value: unknown): T {
  const parsed = shape.safeParse(value)
  if (parsed.success) return parsed.data
  throw new VendorFault('transient', 'Salesforce gave an answer of another shape.')
}
