import { z } from 'zod'
import { headerOf, VendorHttp, type VendorAnswer, type VendorRequest } from '#connectors/http.ts'
import { RateGate } from '#connectors/rate-gate.ts'
import { VendorFault, type OpenConnection, type VendorField } from '#sync/connector.ts'
import { HubspotAccess, HubspotSettings } from './auth.ts'
import {
  Account,
  AssociationErrors,
  AssociationLabels,
  Associations,
  Batch,
  CampaignPage,
  Definitions,
  OwnerPage,
  Pipelines,
  RecordPage,
  type AssociationLabel,
  type HubspotAccount,
  type HubspotPipeline,
  type HubspotRecord,
} from './answers.ts'
import { fieldOfDefinition } from './describe.ts'
import { faultOf, type RowError } from './errors.ts'

/** A property that the hub keeps in the account. */
export interface PropertyDefinition {
  name: string
  label: string
  type: 'string' | 'number' | 'datetime'
  fieldType: 'text' | 'number' | 'date'
  hasUniqueValue?: boolean
}

export interface BatchInput {
  id: string
  idProperty?: string
  objectWriteTraceId?: string
  properties?: Record<string, string>
}

/** An association that is to be made or ended; without types: all there are between the two. */
export interface AssociationInput {
  from: { id: string }
  to: { id: string }
  types?: { associationCategory: string; associationTypeId: number }[]
}

/** Campaigns in a page of their list, and in a batch. */
export const CAMPAIGNS_PAGE = 100
export const MOST_CAMPAIGNS = 50

const MAX_ASSOCIATION_PAGES = 20
const MOST_ASSOCIATED = 2000

/** HubSpot's date-versioned API: the only place that knows its URLs and headers. Every answer is parsed. */
export class HubspotClient {
  readonly #settings: HubspotSettings
  readonly #http: VendorHttp
  #account: Promise<HubspotAccount> | null = null
  #pipelines: Promise<HubspotPipeline[]> | null = null
  #labels: Promise<AssociationLabel[]> | null = null

  constructor(connection: OpenConnection) {
    this.#settings = HubspotSettings.parse(connection.settings)
    const gate = new RateGate({ search: { max: 4, intervalMs: 1000 } }, (durationMs, signal) =>
      connection.wait(durationMs, signal),
    )
    const access: HubspotAccess = new HubspotAccess(this.#settings, connection, (request, signal) =>
      this.#http.send(request, signal),
    )
    this.#http = new VendorHttp(connection, this.#settings.baseUrl, gate, {
      correlationHeader: 'x-hubspot-correlation-id',
      authorization: (signal) => access.authorization(signal),
      renew: (refused, signal) => access.renew(refused, signal),
      faultOf: (answer) => faultOf(answer, connection.clock.now()),
      observe: (answer, request) => observeLimits(gate, answer, request),
    })
  }

  /** Whether it has a token that it need not fetch. */
  get hasOwnToken(): boolean {
    return this.#settings.token !== undefined
  }

  /** The account, asked for once a session. */
  account(signal: AbortSignal): Promise<HubspotAccount> {
    this.#account ??= this.#get('/account-info/{version}/details', {}, Account, signal).catch(
      (error: unknown) => {
        this.#account = null // ask again next time
        throw error
      },
    )
    return this.#account
  }

  /** All deal pipelines with their stages, asked for once a session. */
  pipelines(signal: AbortSignal): Promise<HubspotPipeline[]> {
    this.#pipelines ??= this.#get('/crm/pipelines/{version}/deals', {}, Pipelines, signal)
      .then((answer) => answer.results)
      .catch((error: unknown) => {
        this.#pipelines = null // ask again next time
        throw error
      })
    return this.#pipelines
  }

  async owners(after: string | null, archived: boolean, signal: AbortSignal) {
    const query = { limit: '500', archived: String(archived), ...(after ? { after } : {}) }
    const page = await this.#get('/crm/owners/{version}', query, OwnerPage, signal)
    return { owners: page.results, after: page.paging?.next?.after ?? null }
  }

  /** A page of 100 in the stable order of ids; not limited to 10,000 like search. */
  async list(
    type: string,
    properties: readonly string[],
    after: string | null,
    archived: boolean,
    signal: AbortSignal,
  ) {
    const query = {
      limit: '100',
      archived: String(archived),
      properties: properties.join(','),
      ...(after ? { after } : {}),
    }
    const page = await this.#get(`/crm/objects/{version}/${type}`, query, RecordPage, signal)
    return { records: page.results, after: page.paging?.next?.after ?? null }
  }

  /** How many live records there are, as the search has them. */
  async count(type: string, signal: AbortSignal): Promise<number> {
    const path = `/crm/objects/{version}/${type}/search`
    const Total = z.object({ total: z.int() })
    return (await this.#post(path, { filterGroups: [], limit: 1 }, Total, signal, 'search')).total
  }

  /** Records changed within [sinceMs, untilMs] with an id above `lastId`, at most 200, by id. */
  async changedWithin(
    type: string,
    modifiedProperty: string,
    window: { sinceMs: number; untilMs: number; lastId: string },
    properties: readonly string[],
    signal: AbortSignal,
  ) {
    const { sinceMs, untilMs, lastId } = window
    const filters = [
      { propertyName: modifiedProperty, operator: 'GTE', value: String(sinceMs) },
      { propertyName: modifiedProperty, operator: 'LTE', value: String(untilMs) },
      { propertyName: 'hs_object_id', operator: 'GT', value: lastId },
    ]
    const page = await this.#post(
      `/crm/objects/{version}/${type}/search`,
      {
        filterGroups: [{ filters }],
        sorts: [{ propertyName: 'hs_object_id', direction: 'ASCENDING' }],
        properties,
        limit: 200,
      },
      RecordPage,
      signal,
      'search',
    )
    return { records: page.results, hasMore: Boolean(page.paging?.next) }
  }

  /** At most 100 records by id (50 with history); archived ones and those that do not exist are left out. */
  async readMany(
    type: string,
    ids: readonly string[],
    properties: readonly string[],
    signal: AbortSignal,
    { history = [] }: { history?: readonly string[] } = {},
  ): Promise<HubspotRecord[]> {
    const body = {
      properties,
      ...(history.length > 0 ? { propertiesWithHistory: history } : {}),
      inputs: ids.map((id) => ({ id })),
    }
    const path = `/crm/objects/{version}/${type}/batch/read`
    return (await this.#post(path, body, Batch, signal)).results
  }

  /** Of at most 100 ids those of archived records: HubSpot keeps them for 90 days. */
  async readArchived(type: string, ids: readonly string[], signal: AbortSignal): Promise<string[]> {
    const body = { properties: [], inputs: ids.map((id) => ({ id })) }
    const path = `/crm/objects/{version}/${type}/batch/read`
    const query = { archived: 'true' }
    const request = {
      method: 'POST',
      ...this.#at(path),
      query,
      json: body,
      bucket: 'calls',
    } as const
    return (await this.#call(request, Batch, signal)).results.map(({ id }) => id)
  }

  /** All properties of a type, the vendor's own and the customer's. */
  async describe(type: string, signal: AbortSignal): Promise<VendorField[]> {
    const answer = await this.#get(`/crm/properties/{version}/${type}`, {}, Definitions, signal)
    return answer.results.filter((one) => !one.hidden).map(fieldOfDefinition)
  }

  /** Writes at most 100 records; failed rows come in `errors`. */
  writeMany(
    type: string,
    action: 'upsert' | 'update' | 'create',
    inputs: readonly BatchInput[],
    signal: AbortSignal,
  ): Promise<Batch> {
    return this.#post(`/crm/objects/{version}/${type}/batch/${action}`, { inputs }, Batch, signal)
  }

  /**
   * Archives at most 100 records: they lie in the recycling bin for 90 days. Those that are gone already are no fault.
   * @see https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/batch/archive
   */
  async archiveMany(type: string, ids: readonly string[], signal: AbortSignal): Promise<void> {
    const path = `/crm/objects/{version}/${type}/batch/archive`
    await this.#post(path, { inputs: ids.map((id) => ({ id })) }, z.unknown(), signal)
  }

  /** A page of marketing campaigns, in the order of `sort`, with how many there are in all. Blank properties are left out. */
  async campaigns(
    names: readonly string[],
    sort: 'createdAt' | '-updatedAt',
    after: string | null,
    signal: AbortSignal,
    limit = CAMPAIGNS_PAGE,
  ) {
    const query = {
      limit: String(limit),
      sort,
      properties: names.join(','),
      ...(after === null ? {} : { after }),
    }
    const page = await this.#get('/marketing/campaigns/{version}', query, CampaignPage, signal)
    return { records: page.results, total: page.total, after: page.paging?.next?.after ?? null }
  }

  /** At most 50 campaigns by id; those that do not exist are left out. */
  async readCampaigns(
    ids: readonly string[],
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<HubspotRecord[]> {
    const request = {
      method: 'POST',
      ...this.#at('/marketing/campaigns/{version}/batch/read'),
      query: { properties: names.join(',') },
      json: { inputs: ids.map((id) => ({ id })) },
      bucket: 'calls',
    } as const
    return (await this.#call(request, Batch, signal)).results
  }

  /** Writes at most 50 campaigns; which of them failed is told of those alone that have an id. */
  writeCampaigns(
    action: 'create' | 'update',
    inputs: readonly { id?: string; properties: Record<string, string> }[],
    signal: AbortSignal,
  ): Promise<Batch> {
    return this.#post(`/marketing/campaigns/{version}/batch/${action}`, { inputs }, Batch, signal)
  }

  /** Deletes at most 50 campaigns; those that are gone already are no fault. */
  async archiveCampaigns(ids: readonly string[], signal: AbortSignal): Promise<void> {
    const path = '/marketing/campaigns/{version}/batch/archive'
    await this.#post(path, { inputs: ids.map((id) => ({ id })) }, z.unknown(), signal)
  }

  /** By deal, for at most 1,000 deals: its contacts, and the label of the association, '' for none. */
  async contactsOfDeals(
    dealIds: readonly string[],
    signal: AbortSignal,
  ): Promise<Map<string, Map<string, string>>> {
    const contacts = new Map<string, Map<string, string>>()
    let inputs: { id: string; after?: string }[] = dealIds.map((id) => ({ id }))
    for (let page = 0; inputs.length > 0; page += 1) {
      if (page === MAX_ASSOCIATION_PAGES) {
        throw new VendorFault('transient', 'The associations of deals do not come to an end.')
      }
      const path = '/crm/associations/{version}/deals/contacts/batch/read'
      const answer = await this.#post(path, { inputs }, Associations, signal)
      inputs = []
      for (const { from, to, paging } of answer.results) {
        const known = contacts.get(from.id) ?? new Map<string, string>()
        for (const { toObjectId, associationTypes } of to) {
          known.set(toObjectId, associationTypes.find((type) => type.label)?.label ?? '')
        }
        contacts.set(from.id, known)
        if (paging?.next) inputs.push({ id: from.id, after: paging.next.after })
      }
    }
    return contacts
  }

  /** The kinds of association between deals and contacts, the one without a label among them; asked for once a session. */
  contactLabels(signal: AbortSignal): Promise<AssociationLabel[]> {
    const path = '/crm/associations/{version}/deals/contacts/labels'
    this.#labels ??= this.#get(path, {}, AssociationLabels, signal)
      .then((answer) => answer.results)
      .catch((error: unknown) => {
        this.#labels = null // ask again next time
        throw error
      })
    return this.#labels
  }

  /** Makes or ends associations of deals with contacts, 2,000 a call; answers what was refused. Doing it again changes nothing. */
  async associate(
    action: 'create' | 'archive' | 'labels/archive',
    given: readonly AssociationInput[],
    signal: AbortSignal,
  ): Promise<RowError[]> {
    const errors: RowError[] = []
    const path = `/crm/associations/{version}/deals/contacts/batch/${action}`
    for (let from = 0; from < given.length; from += MOST_ASSOCIATED) {
      const part = given.slice(from, from + MOST_ASSOCIATED)
      const inputs =
        action === 'archive' ? part.map((one) => ({ from: one.from, to: [one.to] })) : part
      errors.push(...(await this.#post(path, { inputs }, AssociationErrors, signal)).errors)
    }
    return errors
  }

  /** Creates the group and those of the properties that the type lacks. */
  async ensureProperties(
    type: string,
    group: { name: string; label: string },
    definitions: readonly PropertyDefinition[],
    signal: AbortSignal,
  ): Promise<void> {
    const path = `/crm/properties/{version}/${type}`
    const Names = z.object({ results: z.array(z.object({ name: z.string() })) })
    const present = new Set(
      (await this.#get(path, {}, Names, signal)).results.map((property) => property.name),
    )
    const missing = definitions.filter((definition) => !present.has(definition.name))
    if (missing.length === 0) return
    const groupName = await this.#ensureGroup(path, group, signal)
    for (const definition of missing) {
      await this.#create(path, { ...definition, groupName }, signal)
    }
  }

  /** The group to put properties into: the one wanted, or the standard one where accounts do not let us add any. */
  async #ensureGroup(
    path: string,
    group: { name: string; label: string },
    signal: AbortSignal,
  ): Promise<string> {
    const Groups = z.object({ results: z.array(z.object({ name: z.string() })) })
    const groups = await this.#get(`${path}/groups`, {}, Groups, signal)
    if (groups.results.some((known) => known.name === group.name)) return group.name
    try {
      await this.#create(`${path}/groups`, group, signal)
      return group.name
    } catch (error) {
      const isDenied =
        error instanceof VendorFault && ['gone', 'permission', 'mapping'].includes(error.kind)
      if (!isDenied) throw error
      return 'contactinformation'
    }
  }

  /**
   * Erases a contact for good. HubSpot also keeps its address from coming back.
   * @see https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/basic/gdpr-delete
   */
  async eraseContact(id: string, signal: AbortSignal): Promise<void> {
    const path = '/crm/objects/{version}/contacts/gdpr-delete'
    await this.#post(path, { objectId: id }, z.unknown(), signal)
  }

  async close(): Promise<void> {
    await this.#http.close()
  }

  /** Creates a definition; one that another process made in the meantime is as good. */
  async #create(path: string, definition: object, signal: AbortSignal): Promise<void> {
    try {
      await this.#post(path, definition, z.unknown(), signal)
    } catch (error) {
      if (!(error instanceof VendorFault) || error.kind !== 'conflict') throw error
    }
  }

  #get<T extends z.ZodType>(
    template: string,
    query: Record<string, string>,
    schema: T,
    signal: AbortSignal,
  ): Promise<z.output<T>> {
    return this.#call(
      { method: 'GET', ...this.#at(template), query, bucket: 'calls' },
      schema,
      signal,
    )
  }

  #post<T extends z.ZodType>(
    template: string,
    json: unknown,
    schema: T,
    signal: AbortSignal,
    bucket = 'calls',
  ): Promise<z.output<T>> {
    return this.#call({ method: 'POST', ...this.#at(template), json, bucket }, schema, signal)
  }

  #at(template: string) {
    return { template, path: template.replace('{version}', this.#settings.version) }
  }

  async #call<T extends z.ZodType>(
    request: VendorRequest,
    schema: T,
    signal: AbortSignal,
  ): Promise<z.output<T>> {
    const answer = await this.#http.send(request, signal)
    const parsed = schema.safeParse(answer.body)
    if (parsed.success) return parsed.data
    const where = parsed.error.issues[0]?.path.join('.') ?? ''
    throw new VendorFault(
      'transient',
      `The answer has another shape than documented at "${where}".`,
    )
  }
}

function observeLimits(gate: RateGate, answer: VendorAnswer, request: VendorRequest): void {
  const figure = (name: string) => {
    const text = headerOf(answer.headers, `x-hubspot-ratelimit-${name}`)
    return text === null ? null : Number(text)
  }
  const max = figure('max')
  const intervalMs = figure('interval-milliseconds')
  if (request.bucket === 'calls' && max !== null && intervalMs !== null) {
    gate.learn('calls', { max, intervalMs })
    // The window is shared with the customer's other uses of the same app: when it is spent, look again in a tenth of it.
    if (figure('remaining') === 0) gate.block('calls', intervalMs / 10)
  }
}
