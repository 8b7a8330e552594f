import { sql } from 'kysely'
import type { Random } from '#core/random.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS, type ManualClock } from '#core/time.ts'
import type { HubspotSandbox } from '#sandbox/hubspot/index.ts'
import type { Store } from '#store/store.ts'

// oxlint-disable-next-line typescript/no-explicit-any -- the wire is whatever the world says it is
type Body = any

/** How the world is made: through the hub's API, files and a CRM. */
export interface LineageTools {
  call: (
    method: string,
    path: string,
    body?: unknown,
    contentType?: string,
  ) => Promise<{ body: Body; requestId: string }>
  settle: () => Promise<void>
  store: Store
  workspaceId: string
  crm: HubspotSandbox
  clock: ManualClock
  random: Random
}

export interface LineageSizes {
  leads: number
  touches: number
  deals: number
}

/** What each field is known to come from, by record and field; `*` where all fields of a record have one origin. */
export type KnownOrigins = Map<string, Record<string, unknown>>

export interface LineageWorld {
  tables: Tables
  origins: KnownOrigins
  campaigns: string[]
}

interface Tables {
  touches: { id: string; personId: string; campaignId: string | null; channel: string; at: Date }[]
  deals: { id: string; closedAt: Date; currency: string }[]
  people: { opportunityId: string; personId: string }[]
  merged: { id: string; into: string }[]
}

const CHANNELS = ['email', 'webinar', 'paid_search', 'direct']
const LEADS = '/api/v1/integrations/sales/leads'

/**
 * Campaigns and leads by calls, touches by calls and from a file, deals from a CRM of which some are edited there: every record
 * of a report then has an origin that is known from its making.
 */
export async function makeLineageWorld(
  tools: LineageTools,
  sizes: LineageSizes,
): Promise<LineageWorld> {
  const { call, settle, clock, crm, random, store, workspaceId } = tools
  const origins: KnownOrigins = new Map()
  const startMs = clock.now().getTime() - 300 * DAY_MS
  const someDay = () => new Date(startMs + random.integer(290 * 24) * HOUR_MS).toISOString()
  const campaigns: string[] = []
  for (let i = 0; i < 5; i += 1) {
    const { body, requestId } = await call('POST', '/api/v1/campaigns', {
      key: `campaign-${i}`,
      name: `Campaign ${i}`,
      channel: random.pick(CHANNELS),
      budgetMinor: 100_000 + i,
      currency: 'EUR',
      startsOn: '2026-01-01',
      endsOn: '2026-12-31',
    })
    campaigns.push(body.id)
    origins.set(`${body.id} *`, { kind: 'call', operation: 'createCampaign', requestId })
  }
  const emails = Array.from({ length: sizes.leads }, (_, i) => `p${i}@x.example`)
  for (const email of emails)
    await call('POST', LEADS, { email, channel: random.pick(CHANNELS), capturedAt: someDay() })
  const half = Math.floor(sizes.touches / 2)
  const touch = () => {
    const campaign = random.integer(4) === 0 ? undefined : `campaign-${random.integer(5)}`
    const place = { channel: random.pick(CHANNELS), ...(campaign && { campaign }) }
    return { email: random.pick(emails), kind: 'visit', occurredAt: someDay(), ...place }
  }
  for (let left = half; left > 0; left -= 500) {
    const touchpoints = Array.from({ length: Math.min(500, left) }, touch)
    const { body, requestId } = await call('POST', '/api/v1/touchpoints', { touchpoints })
    for (const { data: made } of body.outcomes)
      origins.set(`${made.id} *`, { kind: 'call', operation: 'recordTouchpoint', requestId })
  }
  const rows = Array.from({ length: sizes.touches - half }, (_, i) => {
    const { email, occurredAt, channel, campaign = '' } = touch()
    return `${email},${occurredAt},${channel},${campaign},file-${i}`
  })
  const file = `email,occurred at,channel,campaign key,message id\n${rows.join('\n')}\n`
  const path = '/api/v1/imports?target=touchpoints&fileName=touches.csv'
  const importId: string = (await call('POST', path, file, 'text/csv')).body.id
  await call('POST', `/api/v1/imports/${importId}/start`, {})
  await settle()
  const connection = await call('POST', '/api/v1/connections', {
    vendor: 'hubspot',
    name: 'CRM',
    settings: { baseUrl: crm.url, token: crm.token },
  })
  const sync = async (): Promise<string> => {
    clock.advance(10 * MINUTE_MS)
    const { body } = await call('POST', `/api/v1/connections/${connection.body.id}/runs`, {})
    await settle()
    return body.id
  }
  await sync()
  const contacts = [...crm.records('contacts')].map(({ id }) => id)
  const made: string[] = []
  for (let i = 0; i < sizes.deals; i += 1)
    made.push(await addDeal(crm, random, contacts, startMs + (60 + random.integer(235)) * DAY_MS))
  const firstRun = await sync()
  const edited = made.filter((_, i) => i % 3 === 0)
  clock.advance(HOUR_MS)
  for (const [i, id] of edited.entries()) crm.edit('deals', id, { amount: String(5000 + i) })
  const secondRun = await sync()
  await settle()
  const tables = await readTables(store, workspaceId)
  const ofFile = await listImported(store, workspaceId)
  for (const { id } of tables.touches)
    if (ofFile.has(id)) origins.set(`${id} *`, { kind: 'import', importId })
    else if (!origins.has(`${id} *`))
      origins.set(`${id} *`, { kind: 'call', operation: 'captureLead' })
  const there = await listLinks(store, workspaceId)
  for (const { id } of tables.deals) {
    const sourceRecord = there.get(id)!
    const from = { kind: 'sync', vendor: 'hubspot', sourceRecord }
    origins.set(`${id} *`, { ...from, runId: firstRun })
    if (edited.includes(sourceRecord))
      origins.set(`${id} amountMinor`, { ...from, runId: secondRun, properties: ['amount'] })
  }
  return { tables, origins, campaigns }
}

async function addDeal(
  crm: HubspotSandbox,
  random: Random,
  contacts: readonly string[],
  closedAtMs: number,
): Promise<string> {
  const people = new Set([random.pick(contacts), random.pick(contacts)])
  const answer = await fetch(`${crm.url}/crm/v3/objects/deals`, {
    method: 'POST',
    headers: { authorization: `Bearer ${crm.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      properties: {
        dealname: 'Deal',
        pipeline: 'default',
        dealstage: random.integer(6) === 0 ? 'closedlost' : 'closedwon',
        amount: String(100 + random.integer(900)),
        deal_currency_code: 'EUR',
        closedate: new Date(closedAtMs).toISOString(),
      },
      associations: [...people].map((id) => ({
        to: { id },
        types: [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: 3 }],
      })),
    }),
  })
  const { id } = (await answer.json()) as { id: string }
  return id
}

function readTables(store: Store, workspaceId: string): Promise<Tables> {
  return store.read(workspaceId, async (tx) => ({
    touches: await tx.query(sql<Tables['touches'][number]>`
      select id, person_id, campaign_id, channel, occurred_at as at from touchpoints order by occurred_at, id`),
    deals: await tx.query(sql<Tables['deals'][number]>`
      select id, closed_at, currency from opportunities where status = 'won' and deleted_at is null`),
    people: await tx.query(sql<Tables['people'][number]>`
      select opportunity_id, coalesce(home_id, person_id) as person_id from opportunity_people`),
    merged: await tx.query(sql<Tables['merged'][number]>`
      select id, merged_into as "into" from people where merged_into is not null`),
  }))
}

async function listImported(store: Store, workspaceId: string): Promise<Set<string>> {
  const rows = await store.read(workspaceId, (tx) =>
    tx.query(sql<{ id: string }>`select id from touchpoints where message_id like 'file-%'`),
  )
  return new Set(rows.map(({ id }) => id))
}

async function listLinks(store: Store, workspaceId: string): Promise<Map<string, string>> {
  const rows = await store.read(workspaceId, (tx) =>
    tx.query(sql<{ localId: string; externalId: string }>`
      select local_id, external_id from sync_links where entity = 'opportunity'`),
  )
  return new Map(rows.map(({ localId, externalId }) => [localId, externalId]))
}

const MODELS = ['first', 'last', 'linear', 'position', 'time_decay'] as const
const WINDOWS = ['90', 'all'] as const

export interface DrawnCell {
  model: string
  window: string
  campaignId?: string
  channel?: string
  from?: string
  to?: string
}

export function drawCell(random: Random, { campaigns, tables }: LineageWorld): DrawnCell {
  const row =
    random.integer(2) === 0
      ? { campaignId: random.pick([...campaigns, 'none']) }
      : { channel: random.pick(CHANNELS) }
  const lens = { model: random.pick(MODELS), window: random.pick(WINDOWS), ...row }
  const days = random.pick([null, 1, 7, 31, 120])
  if (days === null) return lens
  const last = random.pick(tables.deals).closedAt.getTime() + random.integer(days) * DAY_MS
  const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10)
  return { ...lens, from: dayOf(last - (days - 1) * DAY_MS), to: dayOf(last) }
}

/** The records behind cells and the cells on records once more, by plain counting over the tables. */
export class LineageOracle {
  readonly #journeys: { id: string; week: string; day: string; touches: Tables['touches'] }[]

  constructor({ touches, deals, people, merged }: Tables) {
    const into = new Map(merged.map((one) => [one.id, one.into]))
    const family = (id: string): string[] => {
      const next = into.get(id)
      return next === undefined ? [id] : [id, ...family(next)]
    }
    this.#journeys = deals.map(({ id, closedAt }) => {
      const own = new Set(
        people.filter((one) => one.opportunityId === id).flatMap((one) => family(one.personId)),
      )
      const day = closedAt.toISOString().slice(0, 10)
      const weekday = (closedAt.getUTCDay() + 6) % 7
      const week = new Date(Date.parse(day) - weekday * DAY_MS).toISOString().slice(0, 10)
      const before = touches.filter((touch) => own.has(touch.personId) && touch.at <= closedAt)
      const known = before.map((touch) => ({ ...touch, age: closedAt.getTime() - +touch.at }))
      return { id, week, day, touches: known }
    })
  }

  #within(touches: Tables['touches'], window: string): Tables['touches'] {
    if (window === 'all') return touches
    const most = Number(window) * DAY_MS
    return (touches as (Tables['touches'][number] & { age: number })[]).filter(
      ({ age }) => age <= most,
    )
  }

  #credited(touches: Tables['touches'], model: string): Tables['touches'] {
    if (model === 'first') return touches.slice(0, 1)
    return model === 'last' ? touches.slice(-1) : touches
  }

  /** `part record deal`, sorted. */
  recordsOf({ model, window, campaignId, channel, from, to }: DrawnCell): string[] {
    const lines: string[] = []
    for (const { id, day, touches } of this.#journeys) {
      if ((from !== undefined && day < from) || (to !== undefined && day > to)) continue
      const within = this.#within(touches, window)
      const credited = new Set(
        this.#credited(within, model).filter((touch) =>
          channel === undefined
            ? (touch.campaignId ?? 'none') === campaignId
            : touch.channel === channel,
        ),
      )
      if (credited.size === 0) continue
      lines.push(`amount ${id} ${id}`)
      for (const touch of within)
        lines.push(`${credited.has(touch) ? 'credited' : 'beside'} ${touch.id} ${id}`)
    }
    return lines.toSorted()
  }

  /** `kind key model window week deals`, sorted. */
  cellsOf(record: string): string[] {
    const deals = new Map<string, number>()
    for (const { id, week, touches } of this.#journeys)
      for (const window of WINDOWS)
        for (const model of MODELS) {
          const within = this.#within(touches, window)
          const isPart = record === id || within.some((touch) => touch.id === record)
          const keys = this.#credited(within, model).flatMap((touch) => [
            `campaign ${touch.campaignId ?? 'none'}`,
            `channel ${touch.channel}`,
          ])
          for (const key of new Set(keys))
            if (isPart || key === `campaign ${record}`) {
              const cell = `${key} ${model} ${window} ${week}`
              deals.set(cell, (deals.get(cell) ?? 0) + 1)
            }
        }
    return [...deals].map(([cell, count]) => `${cell} ${count}`).toSorted()
  }
}

/** What a check of one cell found wrong; empty when both ways agree with the tables and the known origins. */
export async function checkCell(
  { call, random }: Pick<LineageTools, 'call' | 'random'>,
  { origins }: LineageWorld,
  oracle: LineageOracle,
  cell: DrawnCell,
): Promise<{ records: number; fields: number; cells: number; wrong: string[] }> {
  const wrong: string[] = []
  const told = await listAll(call, '/api/v1/lineage/cells', { ...cell }, 20 + random.integer(81))
  const lines = told.rows.map((row) => `${row.part} ${row.record} ${row.opportunityId}`)
  const expected = oracle.recordsOf(cell)
  if (lines.toSorted().join('\n') !== expected.join('\n'))
    wrong.push(`backward ${JSON.stringify(cell)}: ${lines.length} records, not ${expected.length}`)
  if (told.first.total.records !== expected.length)
    wrong.push(`total ${told.first.total.records}, not ${expected.length}`)
  const cost = told.first.campaign === null ? [] : [told.first.campaign]
  let fields = 0
  for (const { record, fields: own } of [...cost, ...told.rows])
    for (const { field, origin } of own) {
      fields += 1
      const known = origins.get(`${record} ${field}`) ?? origins.get(`${record} *`)
      const said = known && Object.keys(known).every((key) => isSame(origin?.[key], known[key]))
      if (!said) wrong.push(`origin of ${record} ${field}: ${JSON.stringify([origin, known])}`)
    }
  let cells = 0
  for (const { record, fields: own } of sample(random, [...cost, ...told.rows], 1)) {
    const { field } = random.pick(own as { field: string }[])
    const path = `/api/v1/lineage/records/${record}/cells`
    const { rows } = await listAll(call, path, { field }, 20 + random.integer(81))
    const found = rows.map((row) => {
      const key = row.channel === null ? `campaign ${row.campaignId}` : `channel ${row.channel}`
      return `${key} ${row.model} ${row.window} ${row.from} ${row.deals}`
    })
    cells += found.length
    if (found.toSorted().join('\n') !== oracle.cellsOf(record).join('\n'))
      wrong.push(`forward ${record} ${field}: ${found.length} cells`)
    const key =
      cell.channel === undefined ? `campaign ${cell.campaignId}` : `channel ${cell.channel}`
    if (!found.some((one) => one.startsWith(`${key} ${cell.model} ${cell.window} `)))
      wrong.push(`forward ${record} ${field}: not ${JSON.stringify(cell)}`)
  }
  return { records: lines.length, fields, cells, wrong }
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

function sample<T>(random: Random, rows: readonly T[], count: number): T[] {
  return rows.length === 0 ? [] : Array.from({ length: count }, () => random.pick(rows))
}

async function listAll(
  call: LineageTools['call'],
  path: string,
  fields: Record<string, string>,
  limit: number,
): Promise<{ first: Body; rows: Body[] }> {
  let first: Body = null
  const rows: Body[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const query = new URLSearchParams({
      ...fields,
      limit: String(limit),
      ...(cursor && { cursor }),
    })
    const { body } = await call('GET', `${path}?${query.toString()}`)
    first ??= body
    rows.push(...body.data)
    cursor = body.nextCursor
  }
  return { first, rows }
}
