import { z } from 'zod'
import { headerOf, VendorHttp, type VendorAnswer, type VendorRequest } from '#connectors/http.ts'
import { RateGate } from '#connectors/rate-gate.ts'
import { SECOND_MS } from '#core/time.ts'
import { VendorFault, type OpenConnection, type Quota } from '#sync/connector.ts'
import {
  FieldHits,
  FieldPage,
  Me,
  OneField,
  OneRecord,
  Participants,
  Pipelines,
  RecordPage,
  SearchHits,
  Stages,
  Users,
  type PipedriveField,
  type PipedriveMe,
  type PipedrivePipeline,
  type PipedriveRecord,
  type PipedriveStage,
  type PipedriveUser,
} from './answers.ts'
import { PipedriveAccess, PipedriveSettings } from './auth.ts'
import { faultOf, resetMs } from './errors.ts'
import { TokenMeter } from './meter.ts'

/** The record types that the hub reads and writes, by the vendor's path. */
export type RecordPath = 'persons' | 'organizations' | 'deals' | 'activities'

/** Those that can have custom fields, by the vendor's path. */
export type FieldPath = 'personFields' | 'organizationFields' | 'dealFields' | 'activityFields'

/** What a list is asked for. */
export interface ListQuery {
  /** The page after; the first one when null. */
  cursor: string | null
  /** RFC 3339 without a fraction; within the window. */
  updatedSince?: string
  /** Not within it. */
  updatedUntil?: string
  /** Of deals: deleted ones come only when named. */
  status?: string
  includeFields?: string
  newestFirst?: boolean
  limit?: number
}

export const PAGE_SIZE = 500
export const MAX_IDS = 100
const WINDOW_MS = 2 * SECOND_MS
const MAX_FIELD_PAGES = 20
const MAX_PARTICIPANT_PAGES = 20

/** Tokens of the day, by what a call is. Pipedrive's description of its API, `x-token-cost`. */
const COST = { get: 1, list: 10, search: 20, write: 5, few: 5, fields: 10, archived: 20 } as const
const COST_V1 = { me: 2, users: 20, participants: 10 } as const

/** Pipedrive's API, v2 with the leftovers of v1: the only place that knows its URLs, headers and costs. Every answer is parsed. */
export class PipedriveClient {
  readonly #settings: PipedriveSettings
  readonly #connection: OpenConnection
  readonly #gate: RateGate
  readonly #access: PipedriveAccess
  readonly #meter: TokenMeter
  #token: VendorHttp | null = null
  #api: { baseUrl: string; http: VendorHttp } | null = null
  #refusals = 0
  #me: Promise<PipedriveMe> | null = null

  constructor(connection: OpenConnection) {
    this.#connection = connection
    this.#settings = PipedriveSettings.parse(connection.settings)
    this.#meter = new TokenMeter(connection, this.#settings)
    // The lowest plan's limits, until an answer names the company's own.
    this.#gate = new RateGate(
      {
        calls: { max: this.#settings.token === undefined ? 80 : 20, intervalMs: WINDOW_MS },
        search: { max: 10, intervalMs: WINDOW_MS },
      },
      (durationMs, signal) => connection.wait(durationMs, signal),
    )
    this.#access = new PipedriveAccess(this.#settings, connection, (request, signal) => {
      this.#token ??= this.#open(this.#settings.oauthUrl)
      return this.#token.send(request, signal)
    })
    if (this.#settings.token !== undefined) {
      const { baseUrl } = this.#settings
      this.#api = { baseUrl, http: this.#open(baseUrl) }
    }
  }

  /** The codes of our own fields that were kept, by kind of field and our name. */
  get keptCodes(): Readonly<Record<string, Readonly<Record<string, string>>>> {
    return this.#settings.fieldCodes ?? {}
  }

  quota(): Quota {
    return this.#meter.quota()
  }

  /** The user and the company, asked for once a session. */
  me(signal: AbortSignal): Promise<PipedriveMe> {
    this.#me ??= this.#get('/v1/users/me', {}, Me, COST_V1.me, signal)
      .then((answer) => answer.data)
      .catch((error: unknown) => {
        this.#me = null // ask again next time
        throw error
      })
    return this.#me
  }

  async users(signal: AbortSignal): Promise<PipedriveUser[]> {
    return (await this.#get('/v1/users', {}, Users, COST_V1.users, signal)).data
  }

  async pipelines(signal: AbortSignal): Promise<PipedrivePipeline[]> {
    const query = { limit: String(PAGE_SIZE) }
    return (await this.#get('/api/v2/pipelines', query, Pipelines, COST.few, signal)).data
  }

  async stages(signal: AbortSignal): Promise<PipedriveStage[]> {
    const query = { limit: String(PAGE_SIZE) }
    return (await this.#get('/api/v2/stages', query, Stages, COST.few, signal)).data
  }

  /** A page of records by id, at most 500; with `archived` of deals only the archived ones. */
  async list(
    path: RecordPath | 'deals/archived',
    query: ListQuery,
    signal: AbortSignal,
  ): Promise<{ records: PipedriveRecord[]; next: string | null }> {
    const text: Record<string, string> = { limit: String(query.limit ?? PAGE_SIZE), sort_by: 'id' }
    if (query.newestFirst) text['sort_direction'] = 'desc'
    if (query.cursor !== null) text['cursor'] = query.cursor
    if (query.updatedSince !== undefined) text['updated_since'] = query.updatedSince
    if (query.updatedUntil !== undefined) text['updated_until'] = query.updatedUntil
    if (query.status !== undefined) text['status'] = query.status
    if (query.includeFields !== undefined) text['include_fields'] = query.includeFields
    const cost = path === 'deals/archived' ? COST.archived : COST.list
    const page = await this.#get(`/api/v2/${path}`, text, RecordPage, cost, signal)
    return { records: page.data ?? [], next: page.additional_data?.next_cursor ?? null }
  }

  /** At most 100 records by id; those that are gone are left out. */
  async readMany(
    path: RecordPath,
    ids: readonly string[],
    query: Pick<ListQuery, 'status' | 'includeFields'>,
    signal: AbortSignal,
  ): Promise<PipedriveRecord[]> {
    const text: Record<string, string> = { ids: ids.join(','), limit: String(MAX_IDS) }
    if (query.status !== undefined) text['status'] = query.status
    if (query.includeFields !== undefined) text['include_fields'] = query.includeFields
    return (await this.#get(`/api/v2/${path}`, text, RecordPage, COST.list, signal)).data ?? []
  }

  async create(path: RecordPath, body: object, signal: AbortSignal): Promise<PipedriveRecord> {
    const request = { method: 'POST', template: `/api/v2/${path}`, json: body } as const
    return (await this.#call(request, OneRecord, COST.write, signal)).data
  }

  async update(
    path: RecordPath,
    id: string,
    body: object,
    signal: AbortSignal,
  ): Promise<PipedriveRecord> {
    const template = `/api/v2/${path}/{id}`
    const request = { method: 'PATCH', template, path: pathOf(template, id), json: body } as const
    return (await this.#call(request, OneRecord, COST.write, signal)).data
  }

  /** Ids of persons with this e-mail address, as the search has them: it lags seconds behind. */
  async searchPersons(email: string, signal: AbortSignal): Promise<string[]> {
    const query = { term: email, fields: 'email', exact_match: 'true', limit: '100' }
    const path = '/api/v2/persons/search'
    const hits = await this.#get(path, query, SearchHits, COST.search, signal, 'search')
    return hits.data.items.map(({ item }) => String(item.id))
  }

  /** Ids of records whose field holds exactly this, as the search has them. */
  async searchField(
    entity: 'person' | 'organization' | 'deal',
    code: string,
    term: string,
    signal: AbortSignal,
  ): Promise<string[]> {
    const query = { entity_type: entity, field: code, match: 'exact', term, limit: '100' }
    const path = '/api/v2/itemSearch/field'
    const hits = await this.#get(path, query, FieldHits, COST.search, signal, 'search')
    return (hits.data ?? []).map(({ id }) => String(id))
  }

  /** All fields of a kind of record, the vendor's own and the company's. */
  async fields(path: FieldPath, signal: AbortSignal): Promise<PipedriveField[]> {
    const fields: PipedriveField[] = []
    let cursor: string | null = null
    for (let page = 0; page < MAX_FIELD_PAGES; page += 1) {
      const query: Record<string, string> = { limit: String(PAGE_SIZE) }
      if (cursor !== null) query['cursor'] = cursor
      const answer: z.output<typeof FieldPage> = await this.#get(
        `/api/v2/${path}`,
        query,
        FieldPage,
        COST.fields,
        signal,
      )
      fields.push(...answer.data)
      cursor = answer.additional_data?.next_cursor ?? null
      if (cursor === null) return fields
    }
    throw new VendorFault('transient', 'The fields do not come to an end.')
  }

  /** Adds a field; answers its code. */
  async createField(
    path: FieldPath,
    field: { field_name: string; field_type: string },
    signal: AbortSignal,
  ): Promise<string> {
    const request = { method: 'POST', template: `/api/v2/${path}`, json: field } as const
    return (await this.#call(request, OneField, COST.write, signal)).data.field_code
  }

  /** Keeps the codes of our own fields, so that they are found under another name too. */
  keepCodes(codes: Record<string, Record<string, string>>): Promise<void> {
    this.#settings.fieldCodes = codes
    return this.#connection.saveSettings({ fieldCodes: codes })
  }

  /** Ids of the persons of a deal. */
  async participants(dealId: string, signal: AbortSignal): Promise<string[]> {
    const template = '/v1/deals/{id}/participants'
    const ids: string[] = []
    let start = 0
    for (let page = 0; page < MAX_PARTICIPANT_PAGES; page += 1) {
      const query = { start: String(start), limit: '100' }
      const request = { method: 'GET', template, path: pathOf(template, dealId), query } as const
      const answer = await this.#call(request, Participants, COST_V1.participants, signal)
      for (const { person_id: person } of answer.data ?? []) {
        ids.push(String(typeof person === 'number' ? person : person.value))
      }
      const paging = answer.additional_data?.pagination ?? answer.additional_data
      if (!paging?.more_items_in_collection || !paging.next_start) break
      start = paging.next_start
    }
    return ids
  }

  async close(): Promise<void> {
    try {
      await this.#meter.close()
    } finally {
      await this.#api?.http.close()
      await this.#token?.close()
    }
  }

  #open(baseUrl: string): VendorHttp {
    return new VendorHttp(this.#connection, baseUrl, this.#gate, {
      correlationHeader: 'x-correlation-id',
      credentialHeader: this.#access.header,
      authorization: (signal) => this.#access.credentials(signal),
      renew: (refused, signal) => this.#access.renew(refused, signal),
      faultOf: (answer) => faultOf(answer, this.#refusals),
      observe: (answer, request) => this.#observe(answer, request),
    })
  }

  /** The way to the company's API; with OAuth its host may change with the first token. */
  async #apiHttp(signal: AbortSignal): Promise<VendorHttp> {
    const baseUrl = await this.#access.baseUrl(signal)
    if (this.#api?.baseUrl === baseUrl) return this.#api.http
    await this.#api?.http.close()
    this.#api = { baseUrl, http: this.#open(baseUrl) }
    return this.#api.http
  }

  #observe(answer: VendorAnswer, { bucket }: VendorRequest): void {
    this.#refusals = answer.status === 429 ? this.#refusals + 1 : 0
    const limit = Number(headerOf(answer.headers, 'x-ratelimit-limit'))
    if (limit > 0) this.#gate.learn(bucket, { max: limit, intervalMs: WINDOW_MS })
    const remaining = headerOf(answer.headers, 'x-ratelimit-remaining')
    if (remaining !== null && Number(remaining) <= 0) this.#gate.block(bucket, resetMs(answer))
  }

  #get<T extends z.ZodType>(
    path: string,
    query: Record<string, string>,
    schema: T,
    cost: number,
    signal: AbortSignal,
    bucket = 'calls',
  ): Promise<z.output<T>> {
    return this.#call({ method: 'GET', template: path, query, bucket }, schema, cost, signal)
  }

  async #call<T extends z.ZodType>(
    request: Omit<VendorRequest, 'path' | 'bucket'> & { path?: string; bucket?: string },
    schema: T,
    cost: number,
    signal: AbortSignal,
  ): Promise<z.output<T>> {
    const http = await this.#apiHttp(signal)
    await this.#meter.take(cost)
    const answer = await this.#send(
      http,
      { path: request.template, bucket: 'calls', ...request },
      signal,
    )
    const parsed = schema.safeParse(answer.body)
    if (parsed.success) return parsed.data
    const where = parsed.error.issues[0]?.path.join('.') ?? ''
    throw new VendorFault(
      'transient',
      `The answer has another shape than documented at "${where}".`,
    )
  }

  async #send(
    http: VendorHttp,
    request: VendorRequest,
    signal: AbortSignal,
  ): Promise<VendorAnswer> {
    try {
      return await http.send(request, signal)
    } catch (error) {
      const isOver = error instanceof VendorFault && error.kind === 'rate_daily'
      throw isOver ? await this.#meter.exhaust() : error
    }
  }
}

function pathOf(template: string, id: string): string {
  return template.replace('{id}', encodeURIComponent(id))
}
