// Fails when a regular expression in the product can be made to run for longer than linear time: one such stops the whole process.
import { readdir, readFile } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { check } from 'recheck'
import { parseAst } from 'vite'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const TIMEOUT_MS = 20_000

interface Pattern {
  source: string
  flags: string
  where: string
}

/** Regular expressions of a file, by its syntax tree. */
function patternsOf(code: string, where: string): Pattern[] {
  const found: Pattern[] = []
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return
    if (Array.isArray(node)) {
      for (const child of node) visit(child)
      return
    }
    const { regex } = node as { regex?: { pattern: string; flags: string } }
    if (regex) found.push({ source: regex.pattern, flags: regex.flags, where })
    for (const child of Object.values(node)) visit(child)
  }
  visit(parseAst(code))
  return found
}

const patterns = new Map<string, Pattern>()
for (const folder of ['src', 'console']) {
  const entries = await readdir(join(ROOT, folder), { recursive: true, withFileTypes: true })
  for (const entry of entries) {
    if (
      !entry.isFile() ||
      !entry.name.endsWith('.ts') ||
      entry.name.endsWith('.test.ts') ||
      entry.parentPath.includes('dist')
    )
      continue
    const file = join(entry.parentPath, entry.name)
    const code = stripTypeScriptTypes(await readFile(file, 'utf8'), { mode: 'strip' })
    for (const pattern of patternsOf(code, file.slice(ROOT.length)))
      patterns.set(`${pattern.source} ${pattern.flags}`, pattern)
  }
}
const bad: string[] = []
for (const { source, flags, where } of patterns.values()) {
  const { status } = await check(source, flags, { timeout: TIMEOUT_MS, attackTimeout: 1000 })
  if (status !== 'safe') bad.push(`${where}: /${source}/${flags}: ${status}`)
}
if (bad.length > 0) {
  console.error(`patterns that are not shown to be linear:\n  ${bad.join('\n  ')}`)
  process.exit(1)
}
console.log(`${patterns.size} regular expressions, each linear`)
