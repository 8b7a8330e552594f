import { readdir, readFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** Who may import whom, besides themselves; the table of docs/architecture.md. */
const CONTRACTS = [
  'module.ts',
  'alerts/watch.ts',
  'gateway/operation.ts',
  'gateway/raw-route.ts',
  'sync/connector.ts',
  'sync/entity.ts',
  'sync/approval.ts',
  'sync/origin.ts',
  'jobs/job.ts',
  'jobs/own-work.ts',
  'imports/target.ts',
  'compliance/personal-store.ts',
  'compliance/retained-store.ts',
  'compliance/suppressed.ts',
  'levels/kpi.ts',
]
const allowed: Record<string, string[]> = {
  core: [],
  sandbox: [],
  analytics: ['core'],
  store: ['core'],
  worlds: ['core'],
  egress: ['core'],
  gateway: ['core', 'store', ...CONTRACTS],
  jobs: ['core', 'store', ...CONTRACTS],
  sync: ['core', 'store', ...CONTRACTS],
  access: [
    'core',
    'store',
    'gateway/gateway.ts',
    'gateway/credentials.ts',
    'gateway/origin.ts',
    ...CONTRACTS,
  ],
  people: ['core', 'store', 'imports/names.ts', ...CONTRACTS],
  imports: ['core', 'store', 'gateway/batch.ts', 'gateway/input.ts', ...CONTRACTS],
  webhooks: ['core', 'store', 'egress', ...CONTRACTS],
  alerts: ['core', 'store', 'egress', ...CONTRACTS],
  domains: [
    'core',
    'store',
    'people',
    'imports',
    'analytics/scoring',
    'analytics/learning',
    ...CONTRACTS,
  ],
  compliance: ['core', 'store', ...CONTRACTS],
  reports: ['core', 'store', 'analytics', ...CONTRACTS],
  levels: ['core', 'store', 'gateway/quota.ts', 'gateway/gateway.ts', ...CONTRACTS],
  connectors: ['core', 'sync/connector.ts', 'sync/entity.ts'],
}
const everything = ['app.ts', 'main.ts', 'cli', 'demo']

async function sources(folder: string): Promise<string[]> {
  const entries = await readdir(join(ROOT, folder), { recursive: true, withFileTypes: true })
  return entries
    .filter(
      (entry) =>
        entry.isFile() && /\.tsx?$/.test(entry.name) && !entry.parentPath.includes(`${sep}dist`),
    )
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
}

async function importsOf(file: string): Promise<string[]> {
  const text = await readFile(join(ROOT, file), 'utf8')
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => match[1]!)
}

function covers(rule: string, target: string): boolean {
  return target === rule || target.startsWith(`${rule}/`)
}

describe('imports', () => {
  test('every crossing of folders in src is in the table', async () => {
    const wrong: string[] = []
    for (const file of await sources('src')) {
      const path = file.slice('src/'.length)
      if (
        path.endsWith('.test.ts') ||
        everything.some((rule) => covers(rule, path)) ||
        !path.includes('/')
      )
        continue
      const [folder, second] = path.split('/') as [string, string]
      const own = folder === 'domains' || folder === 'connectors' ? `${folder}/${second}` : folder
      for (const target of await importsOf(file)) {
        if (target.startsWith('..') || target.includes('/../'))
          wrong.push(`${file} climbs: ${target}`)
        if (!target.startsWith('#')) continue
        const to = target.slice(1)
        const rules = path.endsWith('.schema.ts') ? ['core'] : (allowed[folder] ?? [])
        const isShared = folder === 'connectors' && /^connectors\/[\w-]+\.ts$/.test(to)
        if (!isShared && ![own, ...rules].some((rule) => covers(rule, to)))
          wrong.push(`${file} imports ${target}`)
      }
    }
    expect(wrong).toEqual([])
  })

  test('the console sees core and schemas only', async () => {
    const wrong: string[] = []
    for (const file of await sources('console')) {
      if (file.endsWith('.test.ts')) continue
      for (const target of await importsOf(file)) {
        if (target.startsWith('..')) wrong.push(`${file} climbs: ${target}`)
        if (!target.startsWith('#')) continue
        const to = target.slice(1)
        if (!covers('console', to) && !covers('core', to) && !to.endsWith('.schema.ts'))
          wrong.push(`${file} imports ${target}`)
      }
    }
    expect(wrong).toEqual([])
  })

  test('only config.ts and the commands read the environment, and nobody leaves a skipped test', async () => {
    const wrong: string[] = []
    for (const file of await sources('src')) {
      const text = await readFile(join(ROOT, file), 'utf8')
      const mayRead =
        file === 'src/config.ts' ||
        file.startsWith('src/cli/') ||
        file.startsWith('src/sandbox/') ||
        file.endsWith('.test.ts')
      if (!mayRead && text.includes('process.env')) wrong.push(`${file} reads the environment`)
      if (/\b(?:it|test|describe)\.(?:skip|only|todo)\b/.test(text))
        wrong.push(`${file} skips a test`)
    }
    expect(wrong).toEqual([])
  })
})

test('every table with a workspace is isolated by row-level security', async () => {
  const schema = await readFile(join(ROOT, 'migrations', 'schema.sql'), 'utf8')
  const tables = [...schema.matchAll(/create table (\w+) \(([\s\S]*?)\n\);/g)]
  const open = tables
    .filter(
      ([, name, body]) => name !== 'workspace_keys' && /\n {2}workspace_id /.test(`\n${body}`),
    )
    .map((match) => match[1]!)
    .filter((name) => !schema.includes(`alter table ${name} enable row level security`))
  expect(tables.length).toBeGreaterThan(20)
  expect(open).toEqual([])
})
