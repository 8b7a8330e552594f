import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { NO_CHANNEL } from '#analytics/attribution/journeys.ts'
import { workedCredit, workedPaths } from '#analytics/attribution/path.cases.ts'
import { readJourneys, readPaths } from '#cli/attribution.files.ts'

const ENTRY = fileURLToPath(new URL('../../bin/throughline.js', import.meta.url))
const HEADER = 'path,total_conversions,total_conversion_value,total_null'
const PATHS = [
  HEADER,
  ...workedPaths.map(({ path, conversions, value, nulls }) =>
    [path, conversions, value, nulls].join(),
  ),
].join('\n')
let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'throughline-paths-'))
})

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

async function file(name: string, content: string | Buffer): Promise<string> {
  await writeFile(join(folder, name), content)
  return join(folder, name)
}

function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const env = { ...process.env, THROUGHLINE_DATA_DIR: join(folder, 'data') }
    const child = execFile(
      process.execPath,
      [ENTRY, 'attribution', ...args],
      { env },
      (_, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    )
  })
}

test('a file of paths is answered in each format, and no database is started', async () => {
  const path = await file('paths.csv', `${PATHS}\n`)
  const json = await run('--paths', path, '--model', 'markov,first', '--format', 'json')
  const answer = JSON.parse(json.stdout) as {
    totals: unknown
    models: {
      model: string
      interval: unknown
      channels: {
        channel: string
        value: { estimate: number; low: number; high: number }
        share: number
      }[]
    }[]
  }
  expect(answer.totals).toEqual({ journeys: 5, touches: 6, channels: 2, conversions: 3, value: 20 })
  expect(answer.models.map(({ model }) => model)).toEqual(['first', 'markov'])
  const markov = answer.models[1]!
  const worked = workedCredit.find(({ model, order }) => model === 'markov' && order === 1)!
  expect(markov.channels.map(({ channel }) => channel)).toEqual(['b', 'a'])
  expect(markov.channels[1]!.value.estimate).toBeCloseTo(worked.value[0], 9)
  expect(markov.channels[1]!.value.low).toBeLessThan(markov.channels[1]!.value.high)
  expect(markov.interval).toEqual({ level: 0.9, replicates: 100 })

  const csv = await run(
    '--paths',
    path,
    '--model',
    'linear',
    '--format',
    'csv',
    '--interval',
    'none',
  )
  expect(csv.stdout.split('\r\n').slice(0, 4)).toEqual([
    'model,channel,conversions,conversions_low,conversions_high,value,value_low,value_high,share',
    'linear,b,2,,,12,,,0.6',
    'linear,a,1,,,8,,,0.4',
    'linear,(no touch),0,,,0,,,0',
  ])
  const table = await run('--paths', path)
  expect(table.stdout).toContain('5 journeys, 6 touches, 3 conversions, value 20.00')
  expect(table.stdout).toContain('90 % interval')
  expect(await readdir(folder)).not.toContain('data')
})

test.each([
  [['--model', 'nonsense'], 'there is no model “nonsense”'],
  [['--model', 'time_decay'], 'needs the times of touches'],
  [['--window', '30'], '--window needs touch times'],
])('a call that cannot be right ends with 2 and says why: %s', async (args, message) => {
  const answer = await run('--paths', await file('paths.csv', PATHS), ...args)
  expect(answer.code).toBe(2)
  expect(answer.stderr).toContain(message)
})

test('gzip is told by its bytes, and a file of another order of columns reads the same', async () => {
  const plain = await readPaths(await file('plain.csv', PATHS))
  expect(await readPaths(await file('packed.bin', gzipSync(PATHS)))).toEqual(plain)
  const turned = `\uFEFFtotal_null,path,total_conversion_value,total_conversions\r\n${workedPaths
    .map(({ path, conversions, value, nulls }) =>
      [nulls, path.replaceAll(' > ', '>'), value, conversions].join(),
    )
    .join('\r\n')}`
  expect(await readPaths(await file('turned.csv', turned))).toEqual(plain)
})

test.each([
  ['', 'line 1: the file is empty'],
  ['path,conversions\na,1', 'line 1: there is no column “total_conversions”'],
  [`${HEADER}\na,1,2,3\nb,x,2,3`, 'line 3: total_conversions is a number of 0 or more, not “x”'],
  [`${HEADER}\na,-1,2,3`, 'line 2: total_conversions is a number of 0 or more'],
  [`${HEADER}\na,1,2,3\na,1,2`, 'line 3: the row has 3 cells, the header 4'],
  [`${HEADER}\na > > b,1,2,3`, 'line 2: the path “a > > b” has an empty step'],
  [`${HEADER}\na,0,5,3`, 'line 2: the path has a value of 5 and no conversion'],
  [`${HEADER}\n"a,1,2,3`, 'line 2: the row is malformed (quote.unclosed)'],
  [gzipSync(PATHS).subarray(0, 60), 'gzip'],
])('a file that cannot be read names the line: %#', async (content, message) => {
  const path = await file('bad.csv', content)
  await expect(readPaths(path)).rejects.toThrow(message)
})

test('a folder of journeys becomes accounts or people, with holdouts and times', async () => {
  const world = await mkdtemp(join(folder, 'world-'))
  await writeFile(
    join(world, 'persons.csv'),
    'person_id,account_id,first_seen,observed_until,holdout_channel\n' +
      'p1,a1,2026-01-01,2026-03-01,\np2,a1,2026-01-05,2026-04-01,\np3,a2,2026-01-01,2026-03-01,email\np4,a3,2026-01-01,2026-03-01,\n',
  )
  await writeFile(
    join(world, 'touches.csv.gz'),
    gzipSync(
      'person_id,ts,channel,cost\np2,2026-01-09T00:00:00Z,search,1\np1,2026-01-02T00:00:00Z,email,0\np3,2026-01-03T00:00:00Z,search,1\n',
    ),
  )
  await writeFile(
    join(world, 'conversions.csv'),
    'person_id,account_id,ts,revenue\np1,a1,2026-02-01T00:00:00Z,99.5\n',
  )
  const accounts = await readJourneys(world, { unit: 'account', windowDays: null })
  expect(accounts.channels).toEqual(['search', 'email'])
  expect([...accounts.channel]).toEqual([1, 0, 0])
  expect([...accounts.offsets]).toEqual([0, 2, 3, 3])
  expect([...accounts.value]).toEqual([99.5, 0, 0])
  expect([...accounts.nulls]).toEqual([0, 1, 1])
  expect([...accounts.heldOut!]).toEqual([NO_CHANNEL, 1, NO_CHANNEL])
  expect(accounts.endedAtMs![0]).toBe(Date.UTC(2026, 1, 1))
  expect(accounts.startedAtMs![0]).toBe(Date.UTC(2026, 0, 1))
  const people = await readJourneys(join(world, 'touches.csv.gz'), {
    unit: 'person',
    windowDays: 26,
  })
  expect([...people.conversions]).toEqual([1, 0, 0, 0])
  expect([...people.cluster!]).toEqual([0, 0, 1, 2])
  expect([...people.offsets]).toEqual([0, 0, 0, 0, 0])
  await expect(readJourneys(folder, { unit: 'person', windowDays: null })).rejects.toThrow(
    'There is no touches.csv',
  )
})
