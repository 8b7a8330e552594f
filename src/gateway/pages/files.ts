import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { extname, join, normalize, sep } from 'node:path'
import { Problem } from '#core/problem.ts'
import type { RawAnswer } from '#gateway/raw-route.ts'

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.json': 'application/json; charset=utf-8',
}

/**
 * One file below a folder. A path that leaves the folder, or a kind of file that is not served, is not found.
 * @param maxAgeS  how long browsers may keep it; only for files whose name changes with their content.
 */
export async function sendFile(folder: string, path: string, maxAgeS: number): Promise<RawAnswer> {
  const file = normalize(join(folder, path))
  const type = types[extname(file)]
  const isInside = file.startsWith(folder + sep)
  const found =
    isInside && type !== undefined && !path.includes('\0')
      ? await stat(file).catch(() => null)
      : null
  if (!found?.isFile() || type === undefined)
    throw new Problem('resource.not_found', 'There is no such file.')
  const cache = maxAgeS > 0 ? `public, max-age=${maxAgeS}, immutable` : 'no-cache'
  return {
    status: 200,
    headers: { 'content-type': type, 'content-length': String(found.size), 'cache-control': cache },
    body: createReadStream(file),
  }
}
