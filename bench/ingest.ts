// How many leads a second the hub accepts over HTTP, beside the same rows inserted straight into the same PostgreSQL.
// Flags: --seconds 4 (of each round), --rounds 2, --connections 64, --batch-connections 4, --server URL.
import { parseArgs } from 'node:util'
import { Client } from 'pg'
import {
  countRows,
  emptyTables,
  grownTables,
  insertInBatches,
  insertSingly,
  readLeft,
  type LeftTable,
} from '#bench/ceiling.ts'
import { figure, report, type Figure } from '#bench/figures.ts'
import { createDatabase, createKey, databaseUrlOf, startHub } from '#bench/hub.ts'
import { leadShots, setUpSales } from '#bench/leads.ts'
import { closedLoad, LoadClient } from '#bench/load.ts'

const BATCH = 500
const CALLERS = { single: 16, batch: 4 }
const SINGLE_BAR = 0.5
const BATCH_BAR = 0.4

const { values: flags } = parseArgs({
  options: {
    seconds: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '2' },
    connections: { type: 'string', default: '64' },
    'batch-connections': { type: 'string', default: '4' },
    server: { type: 'string' },
  },
})
const durationMs = Number(flags.seconds) * 1000
const rounds = Number(flags.rounds)
const connections = { single: Number(flags.connections), batch: Number(flags['batch-connections']) }

type Kind = 'single' | 'batch'

interface Round {
  leads: number
  hubMs: number
  ceilingMs: number
  p50Ms: number
  p95Ms: number
}

interface Place {
  url: string
  key: string
  databaseUrl: string
  database: Client
}

async function main(): Promise<void> {
  const server = flags.server === undefined ? null : await createDatabase(flags.server)
  try {
    const quiet = await measure(server?.url, 'false', async (place) => {
      print(
        `jobs off, ${durationMs / 1000} s a round, ${rounds} rounds; the hub and the plain inserts take turns`,
      )
      const before = await countRows(place.database)
      await warmUp(place)
      const names = await grownTables(place.database, before, await countRows(place.database))
      return {
        single: await takeTurns(place, 'single', names),
        batch: await takeTurns(place, 'batch', names),
      }
    })
    const busy = await measure(server?.url, 'true', async (place) => {
      print('jobs on')
      await warmUp(place)
      return {
        single: await load(place, 'single', 'busy'),
        batch: await load(place, 'batch', 'busy'),
      }
    })
    report('ingest', [
      ...compared('single', quiet.single),
      ...compared('batch', quiet.batch),
      ...alone(busy),
    ])
  } finally {
    await server?.drop()
  }
}

async function measure<T>(
  server: string | undefined,
  runJobs: string,
  work: (place: Place) => Promise<T>,
): Promise<T> {
  const environment = {
    THROUGHLINE_RUN_JOBS: runJobs,
    ...(server === undefined ? {} : { DATABASE_URL: server }),
  }
  const hub = await startHub({ environment })
  const databaseUrl = await databaseUrlOf(hub)
  const database = new Client({ connectionString: databaseUrl })
  await database.connect()
  try {
    const key = await createKey(hub)
    await setUpSales(hub.url, key)
    return await work({ url: hub.url, key, databaseUrl, database })
  } finally {
    await database.end()
    await hub.stop()
  }
}

/** Lets the hub compile and prepare before anything counts. */
async function warmUp({ url, key }: Place): Promise<void> {
  const client = new LoadClient(url, key, 64)
  await closedLoad(client, 64, Math.min(2000, durationMs), leadShots('warm').next)
  await closedLoad(client, 2, Math.min(1000, durationMs), leadShots('warm-batch', 100).next)
  await client.close()
}

/** One round of HTTP, for as long as asked. @throws Error when a lead was refused or is not there. */
async function load({ url, key, database }: Place, kind: Kind, series: string) {
  const callers = connections[kind]
  const size = kind === 'single' ? 1 : BATCH
  const before = await countLeads(database)
  const shots = leadShots(`${series}-${kind}`, size)
  const client = new LoadClient(url, key, callers)
  const startMs = performance.now()
  const result = await closedLoad(client, callers, durationMs, shots.next)
  const hubMs = performance.now() - startMs
  await client.close()
  const leads = (await countLeads(database)) - before
  if (result.failures > 0 || leads !== shots.sent())
    throw new Error(
      `${shots.sent()} leads were sent, ${leads} are there, ${result.failures} requests were refused`,
    )
  print(
    `  ${kind}: ${leads} leads in ${Math.round(hubMs)} ms, ${perSecond(leads, hubMs)} a second, p95 ${Math.round(result.p95Ms)} ms`,
  )
  return { leads, hubMs, p50Ms: result.p50Ms, p95Ms: result.p95Ms }
}

/** The hub takes leads into empty tables; the rows they left are read, taken away and inserted again without the hub. */
async function takeTurns(place: Place, kind: Kind, names: readonly string[]): Promise<Round[]> {
  const { database, databaseUrl } = place
  const done: Round[] = []
  for (let i = 1; i <= rounds; i += 1) {
    await emptyTables(database, names)
    const round = await load(place, kind, `round-${i}`)
    const left = await readLeft(database, names)
    if (i === 1) printRows(left, round.leads)
    await emptyTables(database, names)
    const ceilingMs =
      kind === 'single'
        ? await insertSingly(databaseUrl, left, CALLERS.single)
        : await insertInBatches(databaseUrl, left, CALLERS.batch, BATCH)
    if ((await countLeads(database)) !== round.leads)
      throw new Error('the plain inserts left other leads than the hub')
    print(
      `  ${kind}, plain inserts: ${Math.round(ceilingMs)} ms, ${perSecond(round.leads, ceilingMs)} a second`,
    )
    done.push({ ...round, ceilingMs })
  }
  return done
}

function compared(kind: Kind, all: readonly Round[]): Figure[] {
  const leads = all.reduce((sum, round) => sum + round.leads, 0)
  const hubMs = all.reduce((sum, round) => sum + round.hubMs, 0)
  const ceilingMs = all.reduce((sum, round) => sum + round.ceilingMs, 0)
  const p95Ms = Math.max(...all.map((round) => round.p95Ms))
  return [
    figure(`${kind}: leads accepted`, (leads * 1000) / hubMs, '1/s'),
    figure(`${kind}: p95 of a request`, p95Ms, 'ms'),
    figure(`${kind}: the same rows by plain inserts`, (leads * 1000) / ceilingMs, '1/s'),
    figure(`${kind}: share of the plain inserts`, ceilingMs / hubMs, '', {
      atLeast: kind === 'single' ? SINGLE_BAR : BATCH_BAR,
    }),
  ]
}

function alone(busy: Record<Kind, { leads: number; hubMs: number }>): Figure[] {
  return (['single', 'batch'] as const).map((kind) =>
    figure(`${kind}: leads accepted, jobs on`, (busy[kind].leads * 1000) / busy[kind].hubMs, '1/s'),
  )
}

function printRows(left: readonly LeftTable[], leads: number): void {
  const shares = left.map(
    ({ name, rowsOfLead }) => `${name} ${(rowsOfLead.flat().length / leads).toFixed(2)}`,
  )
  print(`  rows a lead leaves: ${shares.join(', ')}`)
}

async function countLeads(database: Client): Promise<number> {
  const { rows } = await database.query<{ n: string }>('select count(*) as n from leads')
  return Number(rows[0]!.n)
}

const perSecond = (count: number, durationMs: number) => Math.round((count * 1000) / durationMs)
const print = (line: string) => void process.stdout.write(`${line}\n`)

await main()
