// Fails when a dependency that ships with the product has a licence that does not go with Apache-2.0.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const ALLOWED = new Set([
  'MIT',
  'MIT-0',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'Apache-2.0',
  '0BSD',
  'Unlicense',
  'CC0-1.0',
  'BlueOak-1.0.0',
  'Python-2.0',
  'PostgreSQL',
])
/** Weak copyleft that binds only changes to the files themselves; we change none. */
const UNCHANGED_ONLY = new Set(['MPL-2.0'])

interface LockPackage {
  version?: string
  license?: string
  dev?: boolean
  link?: boolean
}

/** `(MIT OR GPL-3.0)` goes when one arm does, `MIT AND ISC` when both do. */
function isAllowed(expression: string): boolean {
  const plain = expression.replaceAll(/[()]/g, '')
  return plain
    .split(' OR ')
    .some((arm) =>
      arm
        .split(' AND ')
        .every((name) => ALLOWED.has(name.trim()) || UNCHANGED_ONLY.has(name.trim())),
    )
}

const lock = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8')) as {
  packages: Record<string, LockPackage>
}
const refused: string[] = []
let counted = 0
for (const [path, entry] of Object.entries(lock.packages)) {
  if (path === '' || entry.dev || entry.link) continue
  counted += 1
  const name = path.replace(/^.*node_modules\//, '')
  if (!entry.license || !isAllowed(entry.license))
    refused.push(`${name}@${entry.version ?? '?'}: ${entry.license ?? 'no licence named'}`)
}
if (refused.length > 0) {
  console.error(`licences that do not go with Apache-2.0:\n  ${refused.join('\n  ')}`)
  process.exit(1)
}
console.log(`${counted} shipped packages, every licence goes with Apache-2.0`)
