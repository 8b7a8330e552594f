import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { problemKinds } from '#core/problem.ts'
import { sendFile } from '#gateway/pages/files.ts'
import type { RawRoute } from '#gateway/raw-route.ts'

const CSP =
  "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"

/** `/openapi.json`, and pages made from it: `/docs` to browse and try, `/docs/problems` for the table of problems. */
export function createDocsRoutes(openApi: () => unknown): RawRoute[] {
  const uiFolder = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))
  const page = (body: string) => ({
    status: 200,
    headers: { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': CSP },
    body,
  })
  const get = (id: string, path: string, handle: RawRoute['handle']): RawRoute => ({
    id,
    method: 'GET',
    path,
    scope: null,
    maxBytes: 0,
    handle,
  })
  return [
    get('openapi', '/openapi.json', async () => ({
      status: 200,
      headers: { 'content-type': 'application/json; charset=utf-8' },
      body: JSON.stringify(openApi()),
    })),
    get('docs', '/docs', async () => page(docsPage)),
    get('docsStart', '/docs/start.js', async () => ({
      status: 200,
      headers: { 'content-type': 'text/javascript; charset=utf-8' },
      body: startScript,
    })),
    get('docsProblems', '/docs/problems', async () => page(problemsPage())),
    get('docsFiles', '/docs/ui/*', async ({ params }) => sendFile(uiFolder, params['*'] ?? '', 0)),
  ]
}

const docsPage = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Throughline API</title><link rel="stylesheet" href="/docs/ui/swagger-ui.css"></head>
<body><div id="ui"></div><script src="/docs/ui/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script></body></html>`

const startScript = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#ui', deepLinking: true, tryItOutEnabled: true, persistAuthorization: false })`

function problemsPage(): string {
  const rows = Object.entries(problemKinds).map(
    ([code, kind]) =>
      `<tr id="${code}"><td><code>${code}</code></td><td>${kind.status}</td><td>${kind.title}</td><td>${kind.retry}</td></tr>`,
  )
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Throughline problems</title></head><body>
<h1>Problems</h1><p>Every failure is an RFC 9457 problem with one of these codes.</p>
<table><thead><tr><th>Code</th><th>Status</th><th>Title</th><th>Try again</th></tr></thead><tbody>${rows.join('')}</tbody></table></body></html>`
}
