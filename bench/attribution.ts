// How long attribution takes over ten million touches: from columns in memory, and from PostgreSQL to an answer.
// Flags: --touches 10000000, --part all|kernels|database. The parts run in processes of their own, so that each has its own peak.
import { fork } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Client } from 'pg'
import { createWorkspace } from '#access/bootstrap.ts'
import type { Journeys } from '#analytics/attribution/journeys.ts'
import { attributionModels } from '#analytics/attribution/models.ts'
import type { ModelOptions } from '#analytics/attribution/models.ts'
import { seedWorkspace } from '#app.ts'
import { figure, report } from '#bench/figures.ts'
import type { Figure } from '#bench/figures.ts'
import { fillLargeWorkspace } from '#bench/fixtures.ts'
import { silentLog } from '#core/log.ts'
import { seededRandom } from '#core/random.ts'
import { DAY_MS } from '#core/time.ts'
import { readJourneys } from '#reports/journey-stream.store.ts'
import { openStore } from '#store/connect.ts'
import { startEmbedded } from '#store/embedded.ts'
import { migrate } from '#store/migrate.ts'

const MIB = 1024 // of kibibytes, in which a peak is told
const CHANNELS = 40
const TOUCHES_A_JOURNEY = 4
const WORKERS = 2
const LEDGER_RULES = ['first', 'last', 'linear', 'position', 'time_decay']
const CAUSAL = 'data-driven'

const { values: flags } = parseArgs({
  allowPositionals: true,
  options: {
    touches: { type: 'string', default: '10000000' },
    part: { type: 'string', default: 'all' },
  },
})
const touches = Number(flags.touches)

if (flags.part === 'all') {
  const figures = [...(await partInChild('kernels')), ...(await partInChild('database'))]
  report('attribution', figures)
} else {
  const figures = flags.part === 'kernels' ? await benchKernels() : await benchDatabase()
  if (process.send) process.send(figures)
  else report('attribution', figures)
}

function partInChild(part: string): Promise<Figure[]> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), ['--part', part, '--touches', flags.touches])
    let figures: Figure[] | null = null
    child.once('message', (message) => {
      figures = message as Figure[]
    })
    child.once('exit', (code) =>
      figures === null || code !== 0
        ? reject(new Error(`the part ${part} ended with ${code}`))
        : resolve(figures),
    )
  })
}

/** Seconds on the clock and of processor time, all threads of this process together. */
async function timed(work: () => unknown): Promise<{ wall: number; cpu: number }> {
  const before = process.cpuUsage()
  const startMs = performance.now()
  await work()
  const wall = (performance.now() - startMs) / 1000
  const { user, system } = process.cpuUsage(before)
  return { wall, cpu: (user + system) / 1e6 }
}

function twoFigures(
  name: string,
  { wall, cpu }: { wall: number; cpu: number },
  atMost: number,
): Figure[] {
  return [figure(name, wall, 's', { atMost }), figure(`${name}: processor time`, cpu, 's')]
}

async function benchKernels(): Promise<Figure[]> {
  const journeys = makeJourneys(touches)
  const run = (model: string, options: Partial<ModelOptions> = {}) =>
    attributionModels[model]!.run(journeys, {
      order: 1,
      workers: WORKERS,
      bootstrap: null,
      seed: 1,
      ...options,
    })
  const figures = [
    figure('touches', journeys.channel.length, ''),
    figure('journeys', journeys.conversions.length, ''),
    figure('channels', CHANNELS, ''),
    ...twoFigures(
      'the five rules of the ledger together',
      await timed(() => LEDGER_RULES.map((rule) => run(rule))),
      1,
    ),
  ]
  for (const [order, atMost] of [
    [1, 2],
    [2, 4],
    [3, 10],
  ] as const)
    figures.push(
      ...twoFigures(
        `Markov order ${order}, exact`,
        await timed(() => run('markov', { order })),
        atMost,
      ),
    )
  const bootstrap = { level: 0.9, replicates: 100, seed: 1 }
  const shapley = await timed(() => run('shapley'))
  const interval = await timed(() => run('linear', { bootstrap }))
  const drawn = await timed(() => run('markov', { bootstrap: { ...bootstrap, replicates: 10 } }))
  figures.push(
    figure('Shapley, closed form', shapley.wall, 's'),
    figure('linear with an interval of 100 replicates', interval.wall, 's'),
    figure('Markov order 1 with an interval of 10 replicates', drawn.wall, 's'),
    figure('peak memory', process.resourceUsage().maxRSS / MIB, 'MiB', { atMost: 1024 }),
  )
  const causal = attributionModels[CAUSAL]
  if (causal !== undefined) {
    const small = makeJourneys(Math.min(touches, 600_000))
    const options: ModelOptions = { order: 1, workers: WORKERS, bootstrap: null, seed: 1 }
    const time = await timed(() => causal.run(small, options))
    figures.push(...twoFigures('the data-driven model on 600,000 touches', time, 10))
  }
  return figures
}

/** Journeys of four touches on average, over channels of unlike size; one in ten converts. */
function makeJourneys(count: number): Journeys {
  const random = seededRandom(20_261_125, 1)
  const total = Math.round(count / TOUCHES_A_JOURNEY)
  const weights = Array.from({ length: CHANNELS }, (_, c) => (1 + c) ** -0.5)
  const ladder = Uint16Array.from({ length: 4096 }, () => random.weighted(weights))
  const offsets = new Uint32Array(total + 1)
  const channel = new Uint16Array(count * 1.05 + 1000)
  const touchedAtMs = new Float64Array(channel.length)
  const column = () => new Float64Array(total)
  const journeys = {
    conversions: column(),
    value: column(),
    nulls: column(),
    startedAtMs: column(),
    endedAtMs: column(),
  }
  let t = 0
  for (let i = 0; i < total; i++) {
    let atMs = random.uniform() * 300 * DAY_MS
    journeys.startedAtMs[i] = atMs
    do {
      atMs += random.uniform() * 10 * DAY_MS
      channel[t] = ladder[random.integer(4096)]!
      touchedAtMs[t++] = atMs
    } while (t < channel.length - 1 && random.uniform() < 1 - 1 / TOUCHES_A_JOURNEY)
    offsets[i + 1] = t
    journeys.endedAtMs[i] = atMs + DAY_MS
    const hasConverted = random.uniform() < 0.1
    journeys.conversions[i] = Number(hasConverted)
    journeys.nulls[i] = Number(!hasConverted)
    if (hasConverted) journeys.value[i] = Math.round(random.uniform() * 10_000)
  }
  return {
    channels: Array.from({ length: CHANNELS }, (_, c) => `channel-${c}`),
    offsets,
    channel: channel.subarray(0, t),
    touchedAtMs: touchedAtMs.subarray(0, t),
    ...journeys,
    heldOut: null,
    cluster: null,
  }
}

async function benchDatabase(): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'throughline-bench-'))
  const server = await startEmbedded({ dataDir: join(folder, 'data'), log: silentLog })
  const { connectionString } = server
  const keyFile = join(folder, 'keys.json')
  await migrate({
    connectionString,
    folder: fileURLToPath(new URL('../migrations', import.meta.url)),
    log: silentLog,
  })
  const store = await openStore({ connectionString, keyFile, log: silentLog, poolSize: 4 })
  try {
    const now = new Date()
    const details = { name: 'Bench', currency: 'EUR', timeZone: 'UTC' }
    const workspaceId = await createWorkspace(store, details, now, seedWorkspace)
    const people = touches / TOUCHES_A_JOURNEY
    const load = await timed(() =>
      withoutIndexes(connectionString, 'touchpoints', () =>
        fillLargeWorkspace(connectionString, workspaceId, {
          people,
          touchpoints: touches,
          deals: Math.round(people / 10),
          leads: 1,
          now,
        }),
      ),
    )
    let profile = { journeys: 0, wonJourneys: 0, touches: 0 }
    const reading = { wall: 0, cpu: 0 }
    const whole = await timed(async () => {
      let journeys!: Journeys
      Object.assign(
        reading,
        await timed(async () => {
          ;({ journeys, profile } = await store.read(workspaceId, (tx) => readJourneys(tx, now)))
        }),
      )
      await attributionModels['markov']!.run(journeys, {
        order: 1,
        workers: WORKERS,
        bootstrap: null,
        seed: 1,
      })
    })
    return [
      figure('in PostgreSQL: touches', touches, ''),
      figure('in PostgreSQL: filling it', load.wall, 's'),
      figure('journeys read', profile.journeys, ''),
      figure('of which won', profile.wonJourneys, ''),
      figure('from PostgreSQL to an answer (Markov order 1)', whole.wall, 's', { atMost: 20 }),
      figure('of which reading', reading.wall, 's'),
      figure('processor time of the hub', whole.cpu, 's'),
      figure('peak memory of the hub', process.resourceUsage().maxRSS / MIB, 'MiB', {
        atMost: 1024,
      }),
    ]
  } finally {
    await store.close()
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Fills a table faster: its secondary indexes are made anew afterwards, as they were. */
async function withoutIndexes(
  connectionString: string,
  table: string,
  work: () => Promise<void>,
): Promise<void> {
  const client = new Client({ connectionString, statement_timeout: 0 })
  await client.connect()
  try {
    const { rows } = await client.query<{ name: string; definition: string }>(
      `select indexname as name, indexdef as definition from pg_indexes where tablename = $1 and indexname <> $1 || '_pkey'`,
      [table],
    )
    for (const { name } of rows) await client.query(`drop index ${name}`)
    await work()
    await client.query("set maintenance_work_mem = '512MB'")
    for (const { definition } of rows) await client.query(definition)
    await client.query(`vacuum analyze ${table}`)
  } finally {
    await client.end()
  }
}
