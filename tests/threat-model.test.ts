import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

async function testFiles(): Promise<string[]> {
  const found: string[] = []
  for (const folder of ['src', 'tests']) {
    const entries = await readdir(join(ROOT, folder), { recursive: true, withFileTypes: true })
    for (const entry of entries)
      if (
        entry.isFile() &&
        /\.(?:test|scenario)\.ts$/.test(entry.name) &&
        entry.name !== 'threat-model.test.ts'
      )
        found.push(join(entry.parentPath, entry.name))
  }
  return found
}

test('each attack of the threat model has a test by its name', async () => {
  const page = await readFile(join(ROOT, 'docs', 'threat-model.md'), 'utf8')
  const rows = page
    .split('\n')
    .filter((line) => line.startsWith('| ') && !/^\| (?:Attack|---)/.test(line))
  const named = rows.map((row) => /`([^`]+)` \|$/.exec(row)?.[1] ?? `no test in: ${row}`)
  const sources = await Promise.all((await testFiles()).map((file) => readFile(file, 'utf8')))
  const tests = new Set(
    sources.flatMap((text) =>
      [...text.matchAll(/\btest(?:\.each\([^)]*\))?\(\s*'([^']+)'/g)].map((match) => match[1]!),
    ),
  )
  expect(named.length).toBeGreaterThan(45)
  expect(named.filter((name) => !tests.has(name))).toEqual([])
})
