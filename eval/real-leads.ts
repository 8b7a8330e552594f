// The chain on real leads: import, sync to the CRM sandbox, deals won there, pulled back; by channel against an independent computation
// from the files. `npm run eval -- real-leads [-- FOLDER]`; the folder holds olist_mql.csv.gz and olist_closed_deals.csv.gz.
import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import { parse } from 'csv-parse/sync'
import { figure, report } from '#bench/figures.ts'
import { startHub } from '#bench/hub.ts'
import { startHubspot } from '#sandbox/hubspot/index.ts'

const folder =
  process.argv.slice(2).find((arg) => arg !== '--') ??
  process.env['THROUGHLINE_DATA'] ??
  '../shared/data'
const leadsFile = await firstOf([
  join(folder, 'olist_mql.csv.gz'),
  join(folder, 'leads', 'olist_mql.csv.gz'),
])
const dealsFile = leadsFile.replace('olist_mql', 'olist_closed_deals')

async function firstOf(paths: string[]): Promise<string> {
  for (const path of paths) {
    const found = await readFile(path).then(
      () => true,
      () => false,
    )
    if (found) return path
  }
  throw new Error(
    `The files are not there: give their folder, as in "npm run eval -- real-leads -- FOLDER" (looked for ${paths.join(', ')}).`,
  )
}

/** The files as another program reads them: not with the hub's own reader. */
async function readTable(path: string): Promise<Record<string, string>[]> {
  return parse<Record<string, string>>(gunzipSync(await readFile(path)), { columns: true })
}

interface ChannelTotal {
  cents: number
  deals: number
}

/** By channel of the lead's first contact; a deal won before it has no touch and counts as uncredited. */
async function expectTotals(): Promise<Map<string, ChannelTotal>> {
  const names: Record<string, string> = { '': 'unknown', social: 'organic_social' } // how the hub calls these origins
  const leads = new Map((await readTable(leadsFile)).map((lead) => [lead['mql_id'], lead]))
  const totals = new Map<string, ChannelTotal>()
  for (const deal of await readTable(dealsFile)) {
    const lead = leads.get(deal['mql_id'])
    const [day, month, year] = (lead?.['first_contact_date'] ?? '').split('-')
    const contactMs = Date.parse(`${year}-${month}-${day}T00:00:00Z`)
    const wonMs = Date.parse(`${deal['won_date']?.replace(' ', 'T')}Z`)
    const origin = lead?.['origin'] ?? ''
    const channel = contactMs <= wonMs ? (names[origin] ?? origin) : 'uncredited'
    const total = totals.get(channel) ?? { cents: 0, deals: 0 }
    total.cents += Math.round(Number(deal['declared_monthly_revenue'] || '0') * 100)
    total.deals += 1
    totals.set(channel, total)
  }
  return totals
}

interface ChannelAnswer {
  channels: { channel: string; creditedMinor: number; n: number }[]
  workspace: {
    wonMinor: number
    wonDeals: number
    uncreditedMinor: number
    uncreditedDeals: number
  }
}

const sandbox = await startHubspot({ limits: { searchSecondly: null } })
const hub = await startHub()
try {
  const startedMs = performance.now()
  const first = await hub.run('import', 'leads', leadsFile, '--source', 'olist')
  const second = await hub.run('import', 'leads', leadsFile, '--source', 'olist')
  const counts = (text: string) => [
    ...(text.split('\n').at(-1) ?? '').matchAll(
      /([\d,]+) (rows read|created|updated|unchanged|rejected)/g,
    ),
  ]
  const countOf = (text: string, name: string) =>
    Number(
      counts(text)
        .find((match) => match[2] === name)?.[1]
        ?.replaceAll(',', '') ?? Number.NaN,
    )
  await hub.run('sync', 'connect', 'hubspot', `baseUrl=${sandbox.url}`, `token=${sandbox.token}`)
  await hub.run('sync', 'run')
  const contacts = sandbox.count('contacts')
  sandbox.clearCalls()
  await enterDeals()
  await sleep(6000) // the run leaves the last five seconds to the next one
  await hub.run('sync', 'run')
  const answer = JSON.parse(
    await hub.run(
      'attribution',
      '--window',
      'all',
      '--model',
      'first',
      '--currency',
      'BRL',
      '--json',
    ),
  ) as ChannelAnswer
  const expected = await expectTotals()
  const got = new Map<string, ChannelTotal>(
    answer.channels.map((row) => [row.channel, { cents: row.creditedMinor, deals: row.n }]),
  )
  const { uncreditedMinor, uncreditedDeals } = answer.workspace
  if (uncreditedDeals > 0) got.set('uncredited', { cents: uncreditedMinor, deals: uncreditedDeals })
  const channels = new Set([...expected.keys(), ...got.keys()])
  let wrong = 0
  for (const channel of [...channels].sort()) {
    const [want, have] = [
      expected.get(channel) ?? { cents: 0, deals: 0 },
      got.get(channel) ?? { cents: 0, deals: 0 },
    ]
    const isEqual = want.cents === have.cents && want.deals === have.deals
    if (!isEqual) wrong += 1
    console.log(
      `${channel.padEnd(20)} files ${String(want.cents / 100).padStart(12)} / ${String(want.deals).padStart(4)}   hub ${String(have.cents / 100).padStart(12)} / ${String(have.deals).padStart(4)} ${isEqual ? '' : 'DIFFERENT'}`,
    )
  }
  report('real-leads', [
    figure('rows of the file imported', countOf(first, 'created'), 'leads', {
      atLeast: countOf(first, 'rows read'),
    }),
    figure('rows rejected', countOf(first, 'rejected'), 'rows', { atMost: 0 }),
    figure('rows created by importing the file again', countOf(second, 'created'), 'leads', {
      atMost: 0,
    }),
    figure('contacts in the CRM', contacts, 'contacts', { atLeast: countOf(first, 'created') }),
    figure('won deals pulled back', answer.workspace.wonDeals, 'deals'),
    figure('won revenue', answer.workspace.wonMinor / 100, 'BRL'),
    figure('channels that differ from the files, to the cent and the deal', wrong, 'channels', {
      atMost: 0,
    }),
    figure('the whole chain', (performance.now() - startedMs) / 1000, 's'),
  ])
  if (wrong > 0) process.exitCode = 1
} finally {
  await hub.stop()
  await sandbox.stop()
}

async function enterDeals(): Promise<void> {
  const args = [
    'scripts/enter-won-deals.ts',
    '--file',
    dealsFile,
    '--url',
    sandbox.url,
    '--token',
    sandbox.token,
  ]
  const columns = [
    '--lead-column',
    'mql_id',
    '--won-column',
    'won_date',
    '--amount-column',
    'declared_monthly_revenue',
  ]
  const child = spawn(process.execPath, [...args, ...columns], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const code = await new Promise((resolve) => child.once('exit', resolve))
  if (code !== 0) throw new Error(`entering the deals ended with ${String(code)}`)
}
