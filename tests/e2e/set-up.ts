import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import type { TestProject } from 'vitest/node'
import { MINUTE_MS } from '#core/time.ts'
import setUpDatabase from '#tests/database.ts'
import { startSeededHub, type SeededHub } from '#tests/e2e/seeded-hub.ts'

/** What a test needs to open pages. Cookies are those of signed-in people. */
export interface Stage {
  url: string
  campaignId: string
  connectionId: string
  runId: string
  refusedLeadId: string
  planId: string
  erasureId: string
  threatId: string
  modelId: string
  candidateId: string
  endpointId: string
  messageId: string
  auditId: string
  importId: string
  keyId: string
  personId: string
  otherPersonId: string
  leadId: string
  weeklyId: string
  quarter: string
  experimentId: string
  runningId: string
  cookies: { admin: string; viewer: string; reader: string; empty: string }
  /** Answers `?roles=a,b` with a link that signs in once: links end soon, and a long suite must not outlast them. */
  linksUrl: string
}

declare module 'vitest' {
  interface ProvidedContext {
    stage: Stage
  }
}

/** Builds the console as it stands and starts a hub with a company in it, once for all files. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  buildConsole()
  const closeDatabase = await setUpDatabase(project)
  const { databaseUrl, keyFile } = project.getProvidedContext()
  const hub = await startSeededHub({ databaseUrl, keyFile })
  const links = await serveLinks(hub)
  const cookies = {
    admin: await cookieFrom(await hub.signInLink()),
    reader: await cookieFrom(await hub.signInLink(['reader'])),
    viewer: await cookieFrom(await hub.signInLink(['viewer'])),
    empty: await cookieFrom(await hub.emptyWorkspaceLink()),
  }
  await ageSessions(hub)
  const awake = setInterval(() => void keepAwake(hub.url, Object.values(cookies)), 5 * MINUTE_MS)
  const { url, campaignId, connectionId, runId, refusedLeadId, planId } = hub
  const { erasureId, threatId, modelId, candidateId } = hub
  const { endpointId, messageId, auditId, importId, keyId } = hub
  const { personId, otherPersonId, leadId, weeklyId, quarter, experimentId, runningId } = hub
  project.provide('stage', {
    url,
    campaignId,
    connectionId,
    runId,
    refusedLeadId,
    planId,
    erasureId,
    threatId,
    modelId,
    candidateId,
    endpointId,
    messageId,
    auditId,
    importId,
    keyId,
    personId,
    otherPersonId,
    leadId,
    weeklyId,
    quarter,
    experimentId,
    runningId,
    cookies,
    linksUrl: links.url,
  })
  return async () => {
    clearInterval(awake)
    links.close()
    await hub.stop()
    await closeDatabase()
  }
}

/** Sign-ins of long ago, so that what takes a fresh one is seen to ask for it, whichever test comes first. */
async function ageSessions({ app }: SeededHub): Promise<void> {
  await app.store.system((tx) =>
    tx.execute(sql`update sessions set authenticated_at = authenticated_at - interval '1 hour'`),
  )
}

/** A session ends after half an hour of silence, and some are needed only at the end of a long suite. */
async function keepAwake(url: string, cookies: readonly string[]): Promise<void> {
  await Promise.allSettled(
    cookies.map((cookie) => fetch(`${url}/api/v1/workspace`, { headers: { cookie } })),
  )
}

/** As `npm run build` does, in a process of its own: under Vitest, React would be its slow and talkative self. */
function buildConsole(): void {
  const vite = join(
    dirname(createRequire(import.meta.url).resolve('vite/package.json')),
    'bin',
    'vite.js',
  )
  execFileSync(process.execPath, [vite, 'build', 'console', '--logLevel', 'error'], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    env: { ...process.env, NODE_ENV: 'production' },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}

async function serveLinks(hub: SeededHub): Promise<{ url: string; close: () => void }> {
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://localhost')
    const link = hub.signInLink(searchParams.get('roles')?.split(','))
    link.then(
      (text) => response.end(text),
      (error: unknown) => response.writeHead(500).end(String(error)),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/`, close: () => server.close() }
}

/** Signs in as the console does. @returns `name=value` of the session cookie. */
async function cookieFrom(link: string): Promise<string> {
  const { origin, hash } = new URL(link)
  const answer = await fetch(`${origin}/api/v1/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin },
    body: JSON.stringify({ token: hash.slice(1) }),
  })
  const cookie = answer.headers.get('set-cookie')?.split(';')[0]
  if (cookie === undefined) throw new Error(`the sign-in was refused with ${answer.status}`)
  return cookie
}
