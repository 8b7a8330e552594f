// Whether reports open to their records and say why they moved: on a made-up company in a running hub, random cells recomputed
// from the lines they list, changed figures against the sum of their causes, and old reports read as of then.
// Flags: --touchpoints 40000, --people 4000, --deals 4000, --cells 1000, --changes 500, --seed 1, --server URL.
import { createHash } from 'node:crypto'
import { parseArgs } from 'node:util'
import { Client } from 'pg'
import { figure, report } from '#bench/figures.ts'
import { fillLargeWorkspace } from '#bench/fixtures.ts'
import { createDatabase, createKey, databaseUrlOf, startHub } from '#bench/hub.ts'
import { callHub } from '#bench/leads.ts'
import { seededRandom } from '#core/random.ts'

const { values: flags } = parseArgs({
  options: {
    touchpoints: { type: 'string', default: '40000' },
    people: { type: 'string', default: '4000' },
    deals: { type: 'string', default: '4000' },
    cells: { type: 'string', default: '1000' },
    changes: { type: 'string', default: '500' },
    seed: { type: 'string', default: '1' },
    server: { type: 'string' },
  },
})
const random = seededRandom(Number(flags.seed), 1)

type Row = Record<string, unknown>
type Filters = Record<string, string>

const RULES = ['first', 'last', 'linear', 'position', 'time_decay', 'ours', 'chain']
const WINDOWS = ['90', 'all']
const BASE = '/api/v1/attribution'
const CAMPAIGN = '/api/v1/integrations/sales/attribution'

/** A figure of a report, and the filters under which its lines are listed. */
interface Cell {
  report: string
  kind: string
  minor: number
  filters: Filters
}

async function main(): Promise<void> {
  const server = flags.server === undefined ? null : await createDatabase(flags.server)
  const hub = await startHub(server === null ? {} : { environment: { DATABASE_URL: server.url } })
  const database = new Client({ connectionString: await databaseUrlOf(hub) })
  await database.connect()
  try {
    const key = await createKey(hub)
    const api = new Api(hub.url, key, database)
    // It reads whole lists for minutes, which the hub would take for a mass export and hold the key back.
    await api.call('PUT', '/api/v1/security/policy', {
      policy: { mass_export: { action: 'notify' } },
    })
    const { rows } = await database.query<{ id: string }>('select id from workspaces')
    await fillLargeWorkspace(await databaseUrlOf(hub), rows[0]!.id, {
      touchpoints: Number(flags.touchpoints),
      people: Number(flags.people),
      deals: Number(flags.deals),
      campaigns: 60,
    })
    await publish(api, [5, 3, 1, 1])
    await api.call('PUT', `${BASE}/models/chain`, { name: 'Chain', method: 'markov' })
    await api.recompute()
    report('reports', [...(await checkCells(api)), ...(await checkChanges(api, database))])
  } finally {
    await database.end()
    await hub.stop()
    await server?.drop()
  }
}

function publish(api: Api, milestones: number[]): Promise<Row> {
  const parameters = { milestones, rest: 2 }
  return api.call('PUT', `${BASE}/models/ours`, { name: 'Ours', method: 'custom', parameters })
}

class Api {
  readonly #url: string
  readonly #key: string
  readonly #database: Client
  requests = 0

  constructor(url: string, key: string, database: Client) {
    this.#url = url
    this.#key = key
    this.#database = database
  }

  call(method: string, path: string, body?: unknown): Promise<Row> {
    this.requests += 1
    return callHub<Row>(this.#url, this.#key, method, path, body)
  }

  get(path: string, filters: Filters = {}): Promise<Row> {
    return this.call('GET', `${path}?${new URLSearchParams(filters).toString()}`)
  }

  /** All rows of a list, page by page. */
  async list(path: string, filters: Filters, limit = 500): Promise<Row[]> {
    const all: Row[] = []
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: Row = await this.get(path, {
        ...filters,
        limit: String(limit),
        ...(cursor && { cursor }),
      })
      all.push(...(page['data'] as Row[]))
      cursor = page['nextCursor'] as string | null
    }
    return all
  }

  /** Has the ledger computed again and waits until the events, the fits and the ledger are through. */
  async recompute(): Promise<void> {
    await this.call('POST', `${BASE}/recompute`, {})
    for (let calm = 0; calm < 4;) {
      await new Promise((resolve) => setTimeout(resolve, 500))
      const { rows } = await this.#database.query<{ left: string }>(`
        select (select count(*) from attribution_dirty)
          + (select count(*) from attribution_models m where retired_at is null and method = 'markov' and not exists (
              select 1 from attribution_fits f where f.model = m.model and f.version = m.version)) as left`)
      calm = rows[0]!.left === '0' ? calm + 1 : 0
    }
  }
}

/** Cells of every report that has credit in it, under random filters. */
async function drawCells(api: Api, count: number): Promise<Cell[]> {
  const cells: Cell[] = []
  const campaigns = (await api.list(`${BASE}/campaigns`, {})).map((row) => row['campaignId'])
  while (cells.length < count) {
    const lens: Filters = { model: random.pick(RULES), window: random.pick(WINDOWS) }
    if (random.integer(2) === 0) {
      const month = 1 + random.integer(9)
      lens['from'] = `${new Date().getFullYear() - 1}-${String(month).padStart(2, '0')}-11`
    }
    const drawn = await random.pick([campaignCells, channelCells, weekCells, wonCells])(
      api,
      lens,
      campaigns,
    )
    for (let i = 0; i < Math.min(8, drawn.length) && cells.length < count; i++)
      cells.push(drawn.splice(random.integer(drawn.length), 1)[0]!)
  }
  return cells
}

async function campaignCells(api: Api, lens: Filters): Promise<Cell[]> {
  const rows = await api.list(`${BASE}/campaigns`, lens)
  return rows.map((row) => ({
    report: 'campaigns',
    kind: 'credits',
    minor: row['creditedMinor'] as number,
    filters: { ...lens, campaignId: (row['campaignId'] as string | null) ?? 'none' },
  }))
}

async function channelCells(api: Api, lens: Filters): Promise<Cell[]> {
  const answer = await api.get(`${BASE}/channels`, lens)
  return (answer['channels'] as Row[]).flatMap((row) =>
    (row['models'] as Row[]).map((each) => ({
      report: 'channels',
      kind: 'credits',
      minor: each['creditedMinor'] as number,
      filters: { ...lens, model: each['model'] as string, channel: row['channel'] as string },
    })),
  )
}

async function weekCells(api: Api, lens: Filters, campaigns: unknown[]): Promise<Cell[]> {
  const campaignId = random.pick(campaigns.filter((id) => id !== null)) as string
  const answer = await api.get(`${CAMPAIGN}/${campaignId}`, lens)
  return (answer['weeks'] as Row[]).map((row) => ({
    report: 'weeks',
    kind: 'credits',
    minor: row['creditedMinor'] as number,
    filters: { ...lens, campaignId, week: row['week'] as string },
  }))
}

async function wonCells(api: Api, lens: Filters): Promise<Cell[]> {
  const { workspace } = (await api.get(`${BASE}/channels`, lens)) as { workspace: Row }
  const of = (field: string, kind: string, filters: Filters) => ({
    report: 'won',
    kind,
    minor: workspace[field] as number,
    filters: { ...lens, ...filters },
  })
  return [
    of('wonMinor', 'deals', {}),
    of('uncreditedMinor', 'deals', { credited: 'false' }),
    of('creditedMinor', 'credits', { bucket: 'touches' }),
  ]
}

/** The cell once more: from its lines, and for a credited cell from the receipts of the deals that the lines name. */
async function recompute(api: Api, { kind, filters }: Cell): Promise<number[]> {
  const lines = await api.list(`${BASE}/${kind}`, filters)
  const field = kind === 'credits' ? 'creditedMinor' : 'amountMinor'
  const sums = [lines.reduce((sum, line) => sum + (line[field] as number), 0)]
  const deals = [...new Set(lines.map((line) => line['opportunityId'] as string))]
  if (kind === 'deals' || deals.length > 40) return sums
  let sum = 0
  for (const deal of deals) {
    const receipt = await api.get(`${BASE}/receipts/${deal}`, { window: filters['window']! })
    for (const touch of receipt['touches'] as Row[]) {
      const campaignId = (touch['campaignId'] as string | null) ?? 'none'
      if (filters['campaignId'] !== undefined && campaignId !== filters['campaignId']) continue
      if (filters['channel'] !== undefined && touch['channel'] !== filters['channel']) continue
      sum += (touch['creditedMinor'] as Record<string, number>)[filters['model']!]!
    }
  }
  return [...sums, sum]
}

async function checkCells(api: Api) {
  const cells = await drawCells(api, Number(flags.cells))
  let equal = 0
  let byReceipts = 0
  const startMs = performance.now()
  for (const cell of cells) {
    const sums = await recompute(api, cell)
    if (sums.every((sum) => sum === cell.minor)) equal += 1
    else print(`DIFFERS: ${JSON.stringify({ cell, sums })}`)
    if (sums.length > 1) byReceipts += 1
  }
  const total = cells.length
  return [
    figure('cells recomputed from their lines', total, 'cells'),
    figure('of them from the receipts of their deals too', byReceipts, 'cells'),
    figure('cells that equal their records to the cent', equal / total, 'share', { atLeast: 1 }),
    figure('mean time to open a cell', (performance.now() - startMs) / total, 'ms'),
  ]
}

/** What may change a figure, as the owning modules would write it; each in a share of the deals or people. */
const EDITS: readonly [string, string][] = [
  [
    'late touches',
    `insert into touchpoints (id, workspace_id, person_id, kind, channel, campaign_id, occurred_at, received_at, source)
      select 'tch_late' || row_number() over (), workspace_id, person_id, kind, channel, campaign_id,
        occurred_at + interval '1 hour', now(), 'api'
      from touchpoints where hashtext(id || $1) % 60 = 0`,
  ],
  [
    'refunds',
    `update opportunities set amount_minor = amount_minor - 5000 where status = 'won' and hashtext(id || $1) % 40 = 0`,
  ],
  [
    'reopened deals',
    `update opportunities set status = 'open', closed_at = null where status = 'won' and hashtext(id || $1) % 70 = 0`,
  ],
  [
    'late deals',
    `update opportunities set status = 'won' where status = 'lost' and hashtext(id || $1) % 50 = 0`,
  ],
  [
    'moved closes',
    `update opportunities set closed_at = closed_at - interval '9 days' where status = 'won' and hashtext(id || $1) % 80 = 0`,
  ],
  [
    'deleted deals',
    `update opportunities set deleted_at = now() where status = 'won' and hashtext(id || $1) % 150 = 0`,
  ],
  [
    'merged people',
    `update people set merged_into = other.id from (
        select id, lag(id) over (order by id) as before from people where hashtext(id || $1) % 90 = 0
      ) other where people.id = other.before and people.merged_into is null`,
  ],
]

async function checkChanges(api: Api, database: Client) {
  const since = new Date()
  await new Promise((resolve) => setTimeout(resolve, 50))
  const before = await readFigures(api)
  for (const [name, text] of EDITS) {
    const { rowCount } = await database.query(text.replaceAll('$1', `'${flags.seed}'`))
    print(`${name}: ${rowCount}`)
  }
  await publish(api, [1, 1, 1, 5])
  await api.call('POST', `${BASE}/models/chain/fit`, {})
  await api.recompute()
  const after = await readFigures(api)
  const changed = [...after].filter(([id, { minor }]) => before.get(id)?.minor !== minor)
  const drawn = Array.from({ length: Math.min(changed.length, Number(flags.changes)) }, () => {
    return changed.splice(random.integer(changed.length), 1)[0]!
  })
  let exact = 0
  const causes = new Map<string, number>()
  for (const [id, { minor, filters }] of drawn) {
    const query = { ...filters, since: since.toISOString() }
    const answer = await api.get(`${BASE}/changes`, { ...query, limit: '500' })
    const deals = await api.list(`${BASE}/changes`, query)
    const total = (rows: Row[]) => rows.reduce((sum, row) => sum + (row['deltaMinor'] as number), 0)
    const delta = minor - (before.get(id)?.minor ?? 0)
    const listed = answer['causes'] as Row[]
    if (total(listed) === delta && total(deals) === delta && answer['afterMinor'] === minor)
      exact += 1
    else print(`DIFFERS: ${JSON.stringify({ id, delta, answer: { ...answer, data: undefined } })}`)
    for (const { cause } of listed)
      causes.set(cause as string, (causes.get(cause as string) ?? 0) + 1)
  }
  print(`causes named: ${JSON.stringify(Object.fromEntries(causes))}`)
  const asThen = await readFigures(api, { asOf: since.toISOString() })
  return [
    figure('figures', after.size, 'figures'),
    figure('changed figures whose causes were added up', drawn.length, 'figures'),
    figure('whose causes and deals sum to the change', exact / drawn.length, 'share', {
      atLeast: 1,
    }),
    figure('different causes named', causes.size, 'causes'),
    figure(
      'old report read as of then has the same hash',
      Number(hashOf(asThen) === hashOf(before)),
      'of 1',
      { atLeast: 1 },
    ),
  ]
}

/** Every campaign, channel and bucket under every model and window, by a name of their own. */
async function readFigures(api: Api, also: Filters = {}) {
  const figures = new Map<string, { minor: number; filters: Filters }>()
  const add = (minor: unknown, filters: Filters) =>
    figures.set(JSON.stringify(filters), { minor: minor as number, filters })
  for (const model of RULES)
    for (const window of WINDOWS) {
      const lens = { model, window }
      for (const row of await api.list(`${BASE}/campaigns`, { ...lens, ...also }))
        add(row['creditedMinor'], { ...lens, campaignId: (row['campaignId'] as string) ?? 'none' })
      const answer = await api.get(`${BASE}/channels`, { ...lens, ...also })
      for (const row of answer['channels'] as Row[])
        add(row['creditedMinor'], { ...lens, channel: row['channel'] as string })
      const workspace = answer['workspace'] as Row
      add(workspace['wonMinor'], { ...lens, bucket: 'won' })
      add(workspace['uncreditedMinor'], { ...lens, bucket: 'uncredited' })
    }
  return figures
}

function hashOf(figures: ReadonlyMap<string, { minor: number }>): string {
  const lines = [...figures].map(([id, { minor }]) => `${id} ${minor}`).sort()
  return createHash('sha256').update(lines.join('\n')).digest('hex')
}

const print = (line: string) => void process.stdout.write(`${line}\n`)

await main()
