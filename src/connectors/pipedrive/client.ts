import { z } from 'zod'
import { VendorFault, type OpenConnection, type Quota } from '#sync/connector.ts'
import {
  FieldHits,
  FieldPage,
  Me,
  OneField,
  OneRecord,
  OneWebhook,
  Participants,
  Pipelines,
  RecordPage,
  Recents,
  SearchHits,
  Stages,
  Users,
  Webhooks,
  type PipedriveField,
  type PipedriveMe,
  type PipedrivePipeline,
  type PipedriveRecord,
  type PipedriveStage,
  type PipedriveUser,
  type PipedriveWebhook,
  type Recent,
} from './answers.ts'
import { PipedriveSettings } from './auth.ts'
import { TokenMeter } from './meter.ts'
import { PipedriveTransport } from './transport.ts'

type OwnHooksKept = NonNullable<PipedriveSettings['ownHooks']>

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
const MAX_FIELD_PAGES = 20
const MAX_PARTICIPANT_PAGES = 20

/** Tokens of the day, by what a call is. Pipedrive's description of its API, `x-token-cost`. */
const COST = {
  get: 1,
  delete: 3,
  list: 10,
  search: 20,
  write: 5,
  few: 5,
  fields: 10,
  archived: 20,
} as const
const COST_V1 = {
  me: 2,
  users: 20,
  participants: 10,
  recents: 20,
  webhooks: 10,
  removeWebhook: 6,
} as const

/** Pipedrive's API, v2 with the leftovers of v1: the only place that knows its paths and their costs. Every answer is parsed. */
export class PipedriveClient {
  readonly #settings: PipedriveSettings
  readonly #connection: OpenConnection
  readonly #meter: TokenMeter
  readonly #transport: PipedriveTransport
  #me: Promise<PipedriveMe> | null = null

  constructor(connection: OpenConnection) {
    this.#connection = connection
    this.#settings = PipedriveSettings.parse(connection.settings)
    this.#meter = new TokenMeter(connection, this.#settings)
    this.#transport = new PipedriveTransport(connection, this.#settings, this.#meter)
  }

  /** Whether it has a token that it need not fetch. */
  get hasOwnToken(): boolean {
    return this.#settings.token !== undefined
  }

  /** The codes of our own fields that were kept, by kind of field and our name. */
  get keptCodes(): Readonly<Record<string, Readonly<Record<string, string>>>> {
    return this.#settings.fieldCodes ?? {}
  }

  quota(): Quota {
    return this.#meter.quota()
  }

  /** @throws VendorFault `rate_daily` when so many writes and a look before them do not fit into the day any more. */
  assertWritable(records: number): void {
    this.#meter.assertHolds(records * COST.write + COST.list)
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

  /** Whether a record lies deleted, which Pipedrive keeps for 30 days; false when it is live or was never there. */
  async isDeleted(path: RecordPath, id: string, signal: AbortSignal): Promise<boolean> {
    const template = `/api/v2/${path}/{id}`
    const request = { method: 'GET', template, path: pathOf(template, id) } as const
    try {
      const { data } = await this.#transport.call(request, OneRecord, COST.get, signal)
      return data.is_deleted === true
    } catch (error) {
      if (error instanceof VendorFault && error.kind === 'gone') return false
      throw error
    }
  }

  async create(path: RecordPath, body: object, signal: AbortSignal): Promise<PipedriveRecord> {
    const request = { method: 'POST', template: `/api/v2/${path}`, json: body } as const
    return (await this.#transport.call(request, OneRecord, COST.write, signal)).data
  }

  async update(
    path: RecordPath,
    id: string,
    body: object,
    signal: AbortSignal,
  ): Promise<PipedriveRecord> {
    const template = `/api/v2/${path}/{id}`
    const request = { method: 'PATCH', template, path: pathOf(template, id), json: body } as const
    return (await this.#transport.call(request, OneRecord, COST.write, signal)).data
  }

  /** Deletes a record; Pipedrive erases it for good after 30 days. */
  async remove(path: RecordPath, id: string, signal: AbortSignal): Promise<void> {
    const template = `/api/v2/${path}/{id}`
    const request = { method: 'DELETE', template, path: pathOf(template, id) } as const
    await this.#transport.call(request, z.unknown(), COST.delete, signal)
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
    return (await this.#transport.call(request, OneField, COST.write, signal)).data.field_code
  }

  /** Keeps the codes of our own fields, so that they are found under another name too. */
  keepCodes(codes: Record<string, Record<string, string>>): Promise<void> {
    this.#settings.fieldCodes = codes
    return this.#connection.saveSettings({ fieldCodes: codes })
  }

  /** Whether the hub is to make webhooks of its own; null: where nothing speaks against it. */
  get wantsHooks(): boolean | null {
    const { realTime, hookPassword } = this.#settings
    return realTime ?? (hookPassword === undefined ? null : false)
  }

  /** The webhooks that the hub made. */
  get ownHooks(): OwnHooksKept | undefined {
    return this.#settings.ownHooks
  }

  /** Takes over what became of them since the connection was opened, and whether they are wanted. */
  async rereadHooks(): Promise<void> {
    const now = PipedriveSettings.safeParse(await this.#connection.readSettings?.()).data
    if (!now) return
    const { realTime, hookUser, hookPassword, ownHooks } = now
    Object.assign(this.#settings, { realTime, hookUser, hookPassword, ownHooks })
  }

  /** Keeps, sealed, which webhooks the hub made and their credentials; undefined: there are none any more. */
  keepHooks(ownHooks: OwnHooksKept | undefined): Promise<void> {
    this.#settings.ownHooks = ownHooks
    return this.#connection.saveSettings({ ownHooks })
  }

  /** All webhooks of the company that the user may see. */
  async webhooks(signal: AbortSignal): Promise<PipedriveWebhook[]> {
    return (await this.#get('/v1/webhooks', {}, Webhooks, COST_V1.webhooks, signal)).data ?? []
  }

  /** Answers its id. */
  async createWebhook(body: object, signal: AbortSignal): Promise<number> {
    const request = { method: 'POST', template: '/v1/webhooks', json: body } as const
    return (await this.#transport.call(request, OneWebhook, COST_V1.webhooks, signal)).data.id
  }

  async removeWebhook(id: number, signal: AbortSignal): Promise<void> {
    const template = '/v1/webhooks/{id}'
    const request = { method: 'DELETE', template, path: pathOf(template, String(id)) } as const
    try {
      await this.#transport.call(request, z.unknown(), COST_V1.removeWebhook, signal)
    } catch (error) {
      // Pipedrive deletes by itself what fails for three days.
      if (!(error instanceof VendorFault) || error.kind !== 'gone') throw error
    }
  }

  /** What changed after a time of the last month, deleted records among it; at most 500. */
  async recents(
    item: 'person' | 'organization' | 'activity',
    sinceMs: number,
    start: number,
    signal: AbortSignal,
  ): Promise<{ items: Recent[]; next: number | null }> {
    const since = new Date(sinceMs).toISOString().slice(0, 19).replace('T', ' ')
    const query = { since_timestamp: since, items: item, start: String(start), limit: '500' }
    const page = await this.#get('/v1/recents', query, Recents, COST_V1.recents, signal)
    const paging = page.additional_data?.pagination
    const next = paging?.more_items_in_collection ? (paging.next_start ?? null) : null
    return { items: page.data ?? [], next }
  }

  /** The persons of a deal, with the ids under which they can be taken away. */
  async participants(
    dealId: string,
    signal: AbortSignal,
  ): Promise<{ id: number; personId: string }[]> {
    const template = '/v1/deals/{id}/participants'
    const found: { id: number; personId: string }[] = []
    let start = 0
    for (let page = 0; page < MAX_PARTICIPANT_PAGES; page += 1) {
      const query = { start: String(start), limit: '100' }
      const request = { method: 'GET', template, path: pathOf(template, dealId), query } as const
      const answer = await this.#transport.call(request, Participants, COST_V1.participants, signal)
      for (const { id, person_id: person } of answer.data ?? []) {
        found.push({ id, personId: String(typeof person === 'number' ? person : person.value) })
      }
      const paging = answer.additional_data?.pagination ?? answer.additional_data
      if (!paging?.more_items_in_collection || !paging.next_start) break
      start = paging.next_start
    }
    return found
  }

  async addParticipant(dealId: string, personId: string, signal: AbortSignal): Promise<void> {
    const template = '/v1/deals/{id}/participants'
    const json = { person_id: Number(personId) }
    const request = { method: 'POST', template, path: pathOf(template, dealId), json } as const
    await this.#transport.call(request, z.unknown(), COST_V1.participants, signal)
  }

  async removeParticipant(dealId: string, id: number, signal: AbortSignal): Promise<void> {
    const template = '/v1/deals/{id}/participants/{participant}'
    const path = pathOf(template, dealId).replace('{participant}', String(id))
    const request = { method: 'DELETE', template, path } as const
    await this.#transport.call(request, z.unknown(), COST_V1.participants, signal)
  }

  async close(): Promise<void> {
    try {
      await this.#meter.close()
    } finally {
      await this.#transport.close()
    }
  }

  #get<T extends z.ZodType>(
    path: string,
    query: Record<string, string>,
    schema: T,
    cost: number,
    signal: AbortSignal,
    bucket = 'calls',
  ): Promise<z.output<T>> {
    return this.#transport.call(
      { method: 'GET', template: path, query, bucket },
      schema,
      cost,
      signal,
    )
  }
}

function pathOf(template: string, id: string): string {
  return template.replace('{id}', encodeURIComponent(id))
}
