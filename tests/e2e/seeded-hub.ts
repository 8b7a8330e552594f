import { createSignInLink, createUser, createWorkspace } from '#access/bootstrap.ts'
import { seedWorkspace, startApp, type App } from '#app.ts'
import { loadConfig } from '#config.ts'
import { silentLog } from '#core/log.ts'
import { startHubspot } from '#sandbox/hubspot/index.ts'
import { seedBuild, type BuildHistory } from '#tests/e2e/build-history.ts'
import { seedAlerts } from '#tests/e2e/alert-history.ts'
import { seedBackfills } from '#tests/e2e/backfill-history.ts'
import { seedCompany } from '#tests/e2e/company.ts'
import { seedConflicts } from '#tests/e2e/conflict-history.ts'
import { seedExperiments, type ExperimentHistory } from '#tests/e2e/experiment-history.ts'
import { seedPeople, type PeopleHistory } from '#tests/e2e/people-history.ts'
import { seedPlan } from '#tests/e2e/plan-history.ts'
import { seedReportHistory, type ReportHistory } from '#tests/e2e/report-history.ts'
import { seedScores } from '#tests/e2e/score-history.ts'
import { RECORDS, seedSyncHistory, type SyncHistory } from '#tests/e2e/sync-history.ts'
import { seedTrust, type TrustHistory } from '#tests/e2e/trust-history.ts'

export interface SeededHub
  extends SyncHistory, TrustHistory, BuildHistory, PeopleHistory, ReportHistory, ExperimentHistory {
  app: App
  url: string
  /** Stops it with the sandbox that it is connected to. */
  stop: () => Promise<void>
  /** A campaign with credit. */
  campaignId: string
  /** A change plan that waits to be signed. */
  planId: string
  /** A learned model in use, and one that waits to be. */
  modelId: string
  candidateId: string
  /** A link that signs in once, as someone with these roles. */
  signInLink: (roles?: string[]) => Promise<string>
  /** The same for a workspace in which nothing happened yet. */
  emptyWorkspaceLink: () => Promise<string>
}

/** A hub on its own port with a company in it, for browsers. No job runs, so that what is shown stays as it was seeded. */
export async function startSeededHub(database: {
  databaseUrl: string
  keyFile: string
  httpPort?: number
}): Promise<SeededHub> {
  const config = loadConfig(
    {},
    { httpPort: 0, poolSize: 6, runJobs: false, threatIntervalMs: 0, ...database },
  )
  const app = await startApp(config, { listen: true, log: silentLog })
  const { store, clock } = app
  const now = clock.now()
  const open = (name: string) =>
    createWorkspace(store, { name, currency: 'EUR', timeZone: 'Europe/Berlin' }, now, seedWorkspace)
  const workspaceId = await open('Northwind Labs')
  const company = await seedCompany(store, workspaceId, now)
  const sandbox = await startHubspot()
  const own = { groupName: 'contactinformation', type: 'string', fieldType: 'text' }
  sandbox.seed({
    properties: { contacts: [{ ...own, name: 'job_function', label: 'Job function' }] },
  })
  const titles = ['VP Marketing', 'CFO', 'Head of Revenue Operations', '']
  const contactIds = sandbox.seedContacts(
    Array.from({ length: RECORDS }, (_, i) => ({
      email: `contact${i}@northwind.example`,
      jobtitle: titles[i % 4] ?? '',
      job_function: i % 3 === 0 ? 'Operations' : '',
    })),
  )
  const crm = { url: sandbox.url, token: sandbox.token, contactIds }
  const history = await seedSyncHistory(store, workspaceId, company.leadIds, crm, now)
  const planId = await seedPlan(store, workspaceId, history.connectionId, company.leadIds, now)
  await seedBackfills(store, workspaceId, history.connectionId, now)
  await seedAlerts(store, workspaceId, history.connectionId, now)
  await seedConflicts(store, workspaceId, history, company.leadIds, now)
  const trust = await seedTrust(store, workspaceId, history.connectionId, now)
  const models = await seedScores(store, workspaceId, now)
  const build = await seedBuild(app, workspaceId, now)
  const people = await seedPeople(store, workspaceId, now)
  const experiments = await seedExperiments(store, workspaceId, now)
  const reports = await seedReportHistory(app, workspaceId, company.ownerId, now)
  const linkFor = async (workspace: string, roles: string[]) => {
    const user = await createUser(store, workspace, { name: 'Ada', roles }, clock.now())
    return createSignInLink(store, workspace, user, app.url, clock.now())
  }
  return {
    app,
    url: app.url,
    async stop() {
      await app.stop()
      await sandbox.stop()
    },
    ...history,
    ...trust,
    ...models,
    ...build,
    ...people,
    ...reports,
    ...experiments,
    planId,
    campaignId: company.campaignIds.get('webinar-one-revenue-view') ?? '',
    signInLink: (roles = ['admin']) => linkFor(workspaceId, roles),
    emptyWorkspaceLink: async () => linkFor(await open('New workspace'), ['admin']),
  }
}
