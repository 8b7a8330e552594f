import { join } from 'node:path'
import {
  createSignInLink,
  createUser,
  createWorkspace,
  findWorkspaceByName,
  issueKey,
} from '#access/bootstrap.ts'
import { seedWorkspace, type App } from '#app.ts'
import { isoWeekStart, SECOND_MS, WEEK_MS } from '#core/time.ts'
import { enterDeals } from '#demo/crm.ts'
import { HubClient } from '#demo/hub-client.ts'
import { loadLeads, loadSetup, loadTouches, type Progress } from '#demo/load.ts'
import { startHubspot, type HubspotSandbox } from '#sandbox/hubspot/index.ts'
import { simulateWorld, type World } from '#worlds/world.ts'

export const DEMO_WORKSPACE = 'Northwind Labs (demo)'
const SEED = 7
const WEEKS = 52
const PEOPLE = 2000
/** Changes of the last seconds are left to the next run, because a CRM's search lags behind its writes. */
const CRM_SETTLES_MS = 6 * SECOND_MS

export interface Demo {
  workspaceId: string
  key: string
  signInLink: string
  sandbox: HubspotSandbox
  /** The campaign with the most touches, for the examples. */
  campaignId: string
  summary: DemoSummary
}

export interface DemoSummary {
  durationMs: number
  company: string
  isFirstRun: boolean
  touches: number
  submissions: number
  leads: number
  mqls: number
  contactsInCrm: number
  dealsInCrm: number
  syncRuns: { state: string; calls: number; counts: unknown }[]
  won: {
    deals: number
    revenueMinor: number
    creditedMinor: number
    uncreditedMinor: number
    currency: string
  }
}

interface RunAnswer {
  id: string
  state: string
  calls: number
  counts: unknown
}

/**
 * Runs the chain once for a made-up company on a CRM sandbox: touches and leads in, leads scored, routed and pushed, deals won in
 * the CRM, pulled back and credited. A second start finds the company as it was left.
 */
export async function runDemo(app: App, progress: Progress): Promise<Demo> {
  const startedMs = performance.now()
  const now = app.clock.now()
  const world = demoWorld(now)
  const sandbox = await startHubspot({
    stateFile: join(app.config.dataDir, 'demo-hubspot.jsonl'),
    settings: { companyCurrency: 'EUR', timeZone: 'UTC' },
  })
  const known = await findWorkspaceByName(app.store, DEMO_WORKSPACE)
  const workspaceId =
    known ??
    (await createWorkspace(
      app.store,
      { name: DEMO_WORKSPACE, currency: 'EUR', timeZone: 'UTC' },
      now,
      seedWorkspace,
    ))
  const { token } = await issueKey(
    app.store,
    workspaceId,
    { name: 'demo', roles: ['admin'], rateLimitPerMinute: 60_000 },
    now,
  )
  const hub = new HubClient(app.url, token)
  const filled = await isFilled(hub)
  const counts = filled
    ? { touches: 0, submissions: 0, syncRuns: [] }
    : await fill(app, hub, sandbox, world, progress)
  if (filled) await reconnect(hub, sandbox)
  const user = await createUser(app.store, workspaceId, { name: 'Demo', roles: ['admin'] }, now)
  const summary = await summarise(hub, sandbox, world, { ...counts, isFirstRun: !filled })
  const busiest = await hub.get<{ data: { campaignId: string | null }[] }>(
    '/api/v1/attribution/campaigns?limit=10',
  )
  const first = busiest.data.find((line) => line.campaignId !== null)
  return {
    workspaceId,
    key: token,
    signInLink: await createSignInLink(app.store, workspaceId, user, app.url, app.clock.now()),
    sandbox,
    campaignId: first?.campaignId ?? '',
    summary: {
      durationMs: Math.round(performance.now() - startedMs),
      company: DEMO_WORKSPACE,
      ...summary,
    },
  }
}

/** A year that ends with the last full week. */
function demoWorld(now: Date): World {
  const endMs = Date.parse(isoWeekStart(now))
  return simulateWorld({
    seed: SEED,
    weeks: WEEKS,
    people: PEOPLE,
    startAt: new Date(endMs - WEEKS * WEEK_MS),
  })
}

async function isFilled(hub: HubClient): Promise<boolean> {
  const connections = await hub.get<{ data: unknown[] }>('/api/v1/connections?limit=1')
  return connections.data.length > 0
}

/** The chain, once: what marketing did, who came, the CRM, what was won. */
async function fill(
  app: App,
  hub: HubClient,
  sandbox: HubspotSandbox,
  world: World,
  progress: Progress,
) {
  await loadSetup(hub, world)
  const touches = await loadTouches(hub, world, progress)
  const submissions = await loadLeads(hub, world, progress)
  await settled(app, progress)
  sandbox.seed({
    owners: world.owners.map((owner, i) => ({
      id: String(1000 + i),
      email: owner.email,
      firstName: owner.firstName,
      lastName: owner.lastName,
    })),
  })
  const ownerIds = new Map(world.owners.map((owner, i) => [owner.id, String(1000 + i)]))
  const connection = await hub.post<{ id: string }>('/api/v1/connections', {
    vendor: 'hubspot',
    name: 'HubSpot (sandbox)',
    settings: { baseUrl: sandbox.url, token: sandbox.token },
  })
  await approve(hub, connection.id)
  const first = await syncOnce(hub, connection.id, 'leads to the CRM', progress)
  await enterDeals(sandbox, world, ownerIds, progress)
  await new Promise((resolve) => setTimeout(resolve, CRM_SETTLES_MS))
  const second = await syncOnce(hub, connection.id, 'deals from the CRM', progress)
  await settled(app, progress)
  return { touches, submissions, syncRuns: [first, second] }
}

/** The sandbox has another port after each start. */
async function reconnect(hub: HubClient, sandbox: HubspotSandbox): Promise<void> {
  const { data } = await hub.get<{ data: { id: string; vendor: string }[] }>('/api/v1/connections')
  const connection = data.find((row) => row.vendor === 'hubspot')
  if (connection)
    await hub.patch(`/api/v1/connections/${connection.id}`, {
      settings: { baseUrl: sandbox.url, token: sandbox.token },
    })
  if (connection) await approve(hub, connection.id)
}

/** The demo's administrator signs for every domain, as the approvers of a company would each for their own. */
async function approve(hub: HubClient, connectionId: string): Promise<void> {
  const path = `/api/v1/connections/${connectionId}/approval`
  const { signatures } = await hub.get<{ signatures: { domain: string }[] }>(path)
  for (const { domain } of signatures) await hub.post(path, { domain })
}

/** Waits until no event and no job is left and the ledger is up to date. */
async function settled(app: App, progress: Progress): Promise<void> {
  progress('figures', 0, 1)
  await app.jobs.drain()
  progress('figures', 1, 1)
}

async function syncOnce(
  hub: HubClient,
  connectionId: string,
  step: string,
  progress: Progress,
): Promise<RunAnswer> {
  progress(step, 0, 1)
  const { id } = await hub.post<{ id: string }>(`/api/v1/connections/${connectionId}/runs`, {})
  for (let tries = 0; tries < 600; tries += 1) {
    const run = await hub.get<RunAnswer>(`/api/v1/sync/runs/${id}`)
    if (run.state !== 'queued' && run.state !== 'running') {
      progress(step, 1, 1)
      return { id: run.id, state: run.state, calls: run.calls, counts: run.counts }
    }
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  throw new Error(`the sync run ${id} did not end within two minutes`)
}

async function summarise(
  hub: HubClient,
  sandbox: HubspotSandbox,
  world: World,
  known: Pick<DemoSummary, 'touches' | 'submissions' | 'syncRuns' | 'isFirstRun'>,
): Promise<Omit<DemoSummary, 'durationMs' | 'company'>> {
  const { workspace: won } = await hub.get<{ workspace: WonAnswer }>(
    '/api/v1/attribution/channels?window=90',
  )
  const performance = await hub.get<{ current: { leads: { leads: number; mqls: number } } }>(
    `/api/v1/integrations/sales/performance?from=${world.startAt.toISOString().slice(0, 10)}`,
  )
  return {
    ...known,
    leads: performance.current.leads.leads,
    mqls: performance.current.leads.mqls,
    contactsInCrm: sandbox.count('contacts'),
    dealsInCrm: sandbox.count('deals'),
    won: {
      deals: won.wonDeals,
      revenueMinor: won.wonMinor,
      creditedMinor: won.creditedMinor,
      uncreditedMinor: won.uncreditedMinor,
      currency: 'EUR',
    },
  }
}

interface WonAnswer {
  wonDeals: number
  wonMinor: number
  creditedMinor: number
  uncreditedMinor: number
}
