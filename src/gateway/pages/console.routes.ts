import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Problem } from '#core/problem.ts'
import { sendFile } from '#gateway/pages/files.ts'
import type { RawRoute } from '#gateway/raw-route.ts'

const YEAR_S = 31_536_000

/**
 * The built console: its hashed files, and the page for every other path, where the browser's router takes over.
 * Scripts come only from our own files; the style sheet that the component library writes at run time carries a nonce.
 */
export function createConsoleRoutes(folder: string): RawRoute[] {
  const get = (id: string, path: string, handle: RawRoute['handle']): RawRoute => ({
    id,
    method: 'GET',
    path,
    scope: null,
    maxBytes: 0,
    handle,
  })
  return [
    get('consoleFiles', '/assets/*', async ({ params }) =>
      sendFile(folder, `assets/${params['*'] ?? ''}`, YEAR_S),
    ),
    get('favicon', '/favicon.svg', async () => sendFile(folder, 'favicon.svg', 0)),
    get('console', '/*', async ({ params }) => {
      const path = params['*'] ?? ''
      if (path.startsWith('api/') || path.startsWith('v1/') || path.includes('.'))
        throw new Problem(
          'resource.not_found',
          'Nothing answers at this path: see /docs for those that do.',
        )
      return page(folder)
    }),
  ]
}

async function page(folder: string) {
  const html = await readFile(join(folder, 'index.html'), 'utf8').catch((cause: unknown) => {
    throw new Problem('service.unavailable', 'The console is not built: run "npm run build".', {
      cause,
    })
  })
  const nonce = randomBytes(16).toString('base64')
  const policy = [
    "default-src 'self'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "style-src-attr 'unsafe-inline'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "form-action 'self'",
  ].join('; ')
  return {
    status: 200,
    headers: { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy },
    body: html.replaceAll('__STYLE_NONCE__', nonce),
  }
}
