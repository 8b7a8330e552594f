// How long the three sales endpoints take in a large workspace, asked together at a fixed rate.
// Flags: --touchpoints 1000000, --people 100000, --deals 10000, --rate 50, --seconds 20, --server URL.
import { parseArgs } from 'node:util'
import { Client } from 'pg'
import { figure, report } from '#bench/figures.ts'
import { fillLargeWorkspace } from '#bench/fixtures.ts'
import { createDatabase, createKey, databaseUrlOf, startHub, type BenchHub } from '#bench/hub.ts'
import { callHub, leadShots, setUpSales } from '#bench/leads.ts'
import { LoadClient, offeredLoad, type LoadResult, type Shot } from '#bench/load.ts'
import { createLog } from '#core/log.ts'
import { openStore } from '#store/connect.ts'

const BAR_MS = 200
const WARM_UP_MS = 5000
const MODELS = ['first', 'last', 'linear', 'position', 'time_decay']
const CHANNELS = ['paid_search', 'email', 'webinar', 'organic_search']

const { values: flags } = parseArgs({
  options: {
    touchpoints: { type: 'string', default: '1000000' },
    people: { type: 'string', default: '100000' },
    deals: { type: 'string', default: '10000' },
    rate: { type: 'string', default: '50' },
    seconds: { type: 'string', default: '20' },
    server: { type: 'string' },
  },
})
const sizes = {
  touchpoints: Number(flags.touchpoints),
  people: Number(flags.people),
  deals: Number(flags.deals),
}
const rate = Number(flags.rate)

/** An endpoint, its part of the requests, and its next request. */
interface Asked {
  name: string
  share: number
  next: () => Shot
}

async function main(): Promise<void> {
  const server = flags.server === undefined ? null : await createDatabase(flags.server)
  const hub = await startHub(server === null ? {} : { environment: { DATABASE_URL: server.url } })
  const database = new Client({ connectionString: await databaseUrlOf(hub) })
  await database.connect()
  try {
    const key = await createKey(hub)
    await setUpSales(hub.url, key)
    await fill(hub, database, key)
    const counts = await database.query<Record<string, string>>(
      `select (select count(*) from touchpoints) as touchpoints, (select count(*) from people) as people,
        (select count(*) from leads) as leads, (select count(*) from opportunities) as deals`,
    )
    print(
      `the workspace: ${JSON.stringify(counts.rows[0])}; ${rate} requests a second for ${flags.seconds} s`,
    )
    const asked = await mix(database)
    const client = new LoadClient(hub.url, key, 64)
    await offer(client, asked, WARM_UP_MS)
    const results = await offer(client, asked, Number(flags.seconds) * 1000)
    await client.close()
    report(
      'endpoints',
      asked.flatMap(({ name }, i) => figuresOf(name, results[i]!)),
    )
  } finally {
    await database.end()
    await hub.stop()
    await server?.drop()
  }
}

/** A year of made-up data, and its credits computed. */
async function fill(hub: BenchHub, database: Client, key: string): Promise<void> {
  const { rows } = await database.query<{ id: string }>('select id from workspaces')
  const workspaceId = rows[0]!.id
  const connectionString = await databaseUrlOf(hub)
  const store = await openStore({
    connectionString,
    keyFile: `${hub.dataDir}/keys.json`,
    log: createLog('error'),
    poolSize: 4,
  })
  let startMs = performance.now()
  await fillLargeWorkspace(connectionString, workspaceId, sizes, await store.sealerOf(workspaceId))
  await store.close()
  print(`filled in ${seconds(startMs)} s`)
  startMs = performance.now()
  await callHub(hub.url, key, 'POST', '/api/v1/attribution/recompute', {})
  for (let left = 1; left > 0;) {
    await new Promise((resolve) => setTimeout(resolve, 500))
    const answer = await database.query<{ n: string }>(
      'select count(*) as n from attribution_dirty',
    )
    left = Number(answer.rows[0]!.n)
  }
  await database.query('vacuum analyze')
  print(`credits computed in ${seconds(startMs)} s`)
}

async function mix(database: Client): Promise<Asked[]> {
  const campaigns = await database.query<{ id: string }>(
    'select id from campaigns order by id limit 20',
  )
  const owners = await database.query<{ id: string }>('select id from owners order by id limit 10')
  const from = new Date(Date.now() - 90 * 86_400_000).toISOString().slice(0, 10)
  const lenses = ['', '&unit=deals', '&window=all', '&compare=models', `&from=${from}`]
  const views = [
    '',
    `?from=${from}`,
    '?compare=previous',
    ...owners.rows.map(({ id }) => `?ownerId=${id}`),
    ...CHANNELS.map((channel) => `?channel=${channel}`),
    ...MODELS.map((model) => `?model=${model}`),
  ]
  const attribution = campaigns.rows.flatMap(({ id }, i) =>
    MODELS.map((model, j) => `/${id}?model=${model}${lenses[(i + j) % lenses.length]}`),
  )
  return [
    { name: 'POST leads', share: 0.4, next: leadShots('endpoints').next },
    { name: 'GET attribution/{campaignId}', share: 0.3, next: inTurn('attribution', attribution) },
    { name: 'GET performance', share: 0.3, next: inTurn('performance', views) },
  ]
}

function inTurn(endpoint: string, ways: readonly string[]): () => Shot {
  let i = 0
  return () => ({
    method: 'GET',
    path: `/api/v1/integrations/sales/${endpoint}${ways[i++ % ways.length]}`,
  })
}

/** All endpoints at once, each at its part of the rate. */
function offer(
  client: LoadClient,
  asked: readonly Asked[],
  durationMs: number,
): Promise<LoadResult[]> {
  return Promise.all(
    asked.map(({ share, next }) => offeredLoad(client, rate * share, durationMs, next)),
  )
}

function figuresOf(name: string, result: LoadResult) {
  if (result.failures > 0)
    throw new Error(`${name}: ${result.failures} of ${result.requests} requests were refused`)
  return [
    figure(`${name}: p50`, result.p50Ms, 'ms'),
    figure(`${name}: p95`, result.p95Ms, 'ms', { atMost: BAR_MS }),
    figure(`${name}: p99`, result.p99Ms, 'ms'),
  ]
}

const seconds = (sinceMs: number) => Math.round((performance.now() - sinceMs) / 1000)
const print = (line: string) => void process.stdout.write(`${line}\n`)

await main()
