// How exactly the limit of a key is kept while sixteen clients hammer on it: through one process, through two that share the database, and
// through two that share a Redis where one is given. And what one abusive key does to the others. Flags: --limit 3000, --redis redis://127.0.0.1:6379.
import { parseArgs } from 'node:util'
import { figure, report } from '#bench/figures.ts'
import { createKey, databaseUrlOf, startHub, type BenchHub } from '#bench/hub.ts'
import { callHub } from '#bench/leads.ts'
import { LoadClient, offeredLoad } from '#bench/load.ts'

const CLIENTS = 16
const { values: flags } = parseArgs({
  options: {
    limit: { type: 'string', default: '3000' },
    redis: { type: 'string' },
  },
})
const limit = Number(flags.limit)
const shot = { method: 'GET', path: '/api/v1/channels?limit=1' } as const

async function keyOf(hub: BenchHub, admin: string, rateLimitPerMinute: number): Promise<string> {
  const body = { name: `bench ${Math.random()}`, roles: ['admin'], rateLimitPerMinute }
  return (await callHub<{ key: string }>(hub.url, admin, 'POST', '/api/v1/keys', body)).key
}

/** Requests that the limit let through until every client was refused. */
async function admitted(urls: readonly string[], key: string): Promise<number> {
  let count = 0
  await Promise.all(
    Array.from({ length: CLIENTS }, async (_, i) => {
      const client = new LoadClient(urls[i % urls.length]!, key, 1)
      for (let status = 200; status !== 429;) {
        status = await client.send(shot)
        if (status === 200) count += 1
        else if (status !== 429) throw new Error(`the hub answered ${status}`)
      }
      await client.close()
    }),
  )
  return count
}

const bar = { atMost: 1 }
const off = (count: number) => (100 * Math.abs(count - limit)) / limit

const first = await startHub()
const admin = await createKey(first)
const alone = await admitted([first.url], await keyOf(first, admin, limit))

const calm = new LoadClient(first.url, await keyOf(first, admin, 1_000_000), 8)
await offeredLoad(calm, 50, 2000, () => shot)
const before = await offeredLoad(calm, 50, 8000, () => shot)
const abusive = new LoadClient(first.url, await keyOf(first, admin, 60), CLIENTS)
const end = new AbortController()
let refused = 0
const abuse = Promise.all(
  Array.from({ length: CLIENTS }, async () => {
    while (!end.signal.aborted) if ((await abusive.send(shot)) === 429) refused += 1
  }),
)
const during = await offeredLoad(calm, 50, 8000, () => shot)
end.abort()
await abuse
await abusive.close()
await calm.close()

const databaseUrl = await databaseUrlOf(first)

/** What two processes let through together, under one key that both are asked by. */
async function admittedByTwo(more: Record<string, string>): Promise<number> {
  const environment = { DATABASE_URL: databaseUrl, ...more }
  const pair = await Promise.all([
    startHub({ dataDir: first.dataDir, environment }),
    startHub({ dataDir: first.dataDir, environment }),
  ])
  const count = await admitted(
    pair.map(({ url }) => url),
    await keyOf(pair[0], admin, limit),
  )
  await Promise.all(pair.map((hub) => hub.stop()))
  return count
}

const shared = await admittedByTwo({ REDIS_URL: '' })
const inRedis = flags.redis === undefined ? null : await admittedByTwo({ REDIS_URL: flags.redis })
await first.stop()

report('limits', [
  figure('limit of the key', limit, 'requests a minute'),
  figure('let through by one process', alone, ''),
  figure('off by', off(alone), '%', bar),
  figure('let through by two processes that share the database', shared, ''),
  figure('off by, two processes', off(shared), '%', bar),
  ...(inRedis === null
    ? []
    : [
        figure('let through by two processes that share a Redis', inRedis, ''),
        figure('off by, two processes and Redis', off(inRedis), '%', bar),
      ]),
  figure('other keys, alone: p95', before.p95Ms, 'ms'),
  figure('other keys, beside an abusive one: p95', during.p95Ms, 'ms'),
  figure('refused of the abusive one', refused, ''),
  figure('p95 beside it ÷ alone', during.p95Ms / before.p95Ms, '', { atMost: 1.2 }),
])
