// How long it takes to preview a rule or a window in a large workspace, and until the ledger is kept for a published rule.
// Flags: --touchpoints 1000000, --people 60000, --deals 60000, --previews 12, --server URL.
import { parseArgs } from 'node:util'
import { Client } from 'pg'
import { figure, report } from '#bench/figures.ts'
import { fillLargeWorkspace } from '#bench/fixtures.ts'
import { createDatabase, createKey, databaseUrlOf, startHub } from '#bench/hub.ts'
import { callHub } from '#bench/leads.ts'

const BAR_MS = 2000
const LEDGER_BAR_S = 10

const { values: flags } = parseArgs({
  options: {
    touchpoints: { type: 'string', default: '1000000' },
    people: { type: 'string', default: '60000' },
    deals: { type: 'string', default: '60000' },
    previews: { type: 'string', default: '12' },
    server: { type: 'string' },
  },
})

const custom = (weight: number) => ({
  name: 'Ours',
  method: 'custom',
  parameters: { milestones: [weight, 1, 1, weight], rest: 2 },
})
const AFTER = [
  { definition: custom(3), window: '90' },
  { model: 'linear', window: '30' },
  { model: 'time_decay', window: 'all' },
  { definition: { name: 'W', method: 'w_shaped' }, window: '90' },
]

interface Preview {
  deals: number
  touches: number
}

async function main(): Promise<void> {
  const server = flags.server === undefined ? null : await createDatabase(flags.server)
  const hub = await startHub(server === null ? {} : { environment: { DATABASE_URL: server.url } })
  const database = new Client({ connectionString: await databaseUrlOf(hub) })
  await database.connect()
  try {
    const key = await createKey(hub)
    const { rows } = await database.query<{ id: string }>('select id from workspaces')
    await fillLargeWorkspace(await databaseUrlOf(hub), rows[0]!.id, {
      touchpoints: Number(flags.touchpoints),
      people: Number(flags.people),
      deals: Number(flags.deals),
    })
    const call = <Answer>(method: string, path: string, body: unknown) =>
      callHub<Answer>(hub.url, key, method, `/api/v1/attribution/${path}`, body)
    const firstMs = await timed(async () => {
      await call('POST', 'recompute', {})
      await untilFresh(database)
    })
    await database.query('vacuum analyze')
    const { times, answer } = await previewAll((after) =>
      call<Preview>('POST', 'preview', { after }),
    )
    const ruleMs = await timed(async () => {
      await call('PUT', 'models/ours', custom(3))
      await untilFresh(database)
    })
    const changedMs = await timed(async () => {
      await call('PUT', 'models/ours', custom(5))
      await untilFresh(database)
    })
    report('attribution-preview', [
      figure('won deals', answer.deals, 'deals'),
      figure('touches of their journeys', answer.touches, 'touches'),
      figure('preview: median', times[Math.floor(times.length / 2)]!, 'ms'),
      figure('preview: slowest', times.at(-1)!, 'ms', { atMost: BAR_MS }),
      figure('ledger computed for five rules and two windows', firstMs / 1000, 's'),
      figure('ledger kept for a new rule', ruleMs / 1000, 's', { atMost: LEDGER_BAR_S }),
      figure('ledger kept for its next version', changedMs / 1000, 's', { atMost: LEDGER_BAR_S }),
    ])
  } finally {
    await database.end()
    await hub.stop()
    await server?.drop()
  }
}

async function previewAll(ask: (after: unknown) => Promise<Preview>) {
  const times: number[] = []
  let answer = await ask(AFTER[0])
  for (let i = 0; i < Number(flags.previews); i++) {
    times.push(
      await timed(async () => {
        answer = await ask(AFTER[i % AFTER.length])
      }),
    )
  }
  return { times: times.sort((a, b) => a - b), answer }
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startMs = performance.now()
  await work()
  return performance.now() - startMs
}

async function untilFresh(database: Client): Promise<void> {
  for (let left = 1; left > 0;) {
    await new Promise((resolve) => setTimeout(resolve, 200))
    const { rows } = await database.query<{ n: string }>(
      'select count(*) as n from attribution_dirty',
    )
    left = Number(rows[0]!.n)
  }
}

await main()
