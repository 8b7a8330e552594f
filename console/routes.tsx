import { QueryCache, QueryClient } from '@tanstack/react-query'
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router'
import { MINUTE_MS } from '#core/time.ts'
import { ApiProblem } from '#console/api.ts'
import { parseSearch, stringifySearch } from '#console/filters.ts'
import { LensSearch } from '#console/lens.ts'
import { AlertsSearch } from '#console/pages/alerts/alerts.search.ts'
import { AttributionSearch } from '#console/pages/attribution/attribution.search.ts'
import { AuditSearch } from '#console/pages/audit/audit.search.ts'
import { HomeSearch } from '#console/pages/home/home.queries.ts'
import { SignedOutPage } from '#console/pages/access/SignedOutPage.tsx'
import { ConsentPage } from '#console/pages/access/ConsentPage.tsx'
import { SignInPage } from '#console/pages/access/SignInPage.tsx'
import { MappingSearch } from '#console/pages/connections/mapping.search.ts'
import { ConflictsSearch } from '#console/pages/conflicts/conflicts.search.ts'
import { CampaignSearch } from '#console/pages/campaigns/campaign.search.ts'
import { LeadsSearch } from '#console/pages/leads/leads.search.ts'
import { LineageSearch } from '#console/pages/lineage/lineage.search.ts'
import { OperationsSearch } from '#console/pages/operations/operations.search.ts'
import { ImportsSearch } from '#console/pages/imports/imports.search.ts'
import { AccessSearch } from '#console/pages/permissions/access.search.ts'
import {
  DuplicatesSearch,
  PeopleSearch,
  PersonSearch,
} from '#console/pages/people/people.search.ts'
import { PrivacySearch } from '#console/pages/privacy/privacy.search.ts'
import { ScoresSearch } from '#console/pages/scores/scores.search.ts'
import {
  BackfillsSearch,
  PlanSearch,
  RunSearch,
  SyncSearch,
} from '#console/pages/sync/sync.search.ts'
import { EndpointSearch } from '#console/pages/webhooks/webhooks.search.ts'
import { workspaceQuery } from '#console/session.ts'
import { ErrorPane } from '#console/ui/ErrorPane.tsx'
import { Frame } from '#console/ui/Frame.tsx'
import { NotFoundPane } from '#console/ui/NotFoundPane.tsx'
import { PageSkeleton } from '#console/ui/PageSkeleton.tsx'

interface Context {
  queryClient: QueryClient
}

const rootRoute = createRootRouteWithContext<Context>()({ component: Outlet })

const signInRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/sign-in',
  component: SignInPage,
})

const signedOutRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/signed-out',
  component: SignedOutPage,
})

const consentRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/authorize/$uid',
  component: function Consent() {
    return <ConsentPage uid={consentRoute.useParams().uid} />
  },
})

/** Every page but those for signing in stands in the frame, which knows who is signed in before it shows anything. */
const frameRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: 'frame',
  component: Frame,
  async beforeLoad({ context, location }) {
    try {
      await context.queryClient.ensureQueryData(workspaceQuery)
    } catch (error) {
      if (error instanceof ApiProblem && error.status === 401)
        throw redirect({ href: `/signed-out?next=${encodeURIComponent(location.href)}` })
      throw error
    }
  },
})

const homeRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/',
  validateSearch: HomeSearch,
  component: lazyRouteComponent(() => import('#console/pages/home/HomePage.tsx'), 'HomePage'),
})

const campaignsRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/campaigns',
  validateSearch: LensSearch,
  component: lazyRouteComponent(
    () => import('#console/pages/campaigns/CampaignsPage.tsx'),
    'CampaignsPage',
  ),
})

const campaignRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/campaigns/$campaignId',
  validateSearch: CampaignSearch,
  component: lazyRouteComponent(
    () => import('#console/pages/campaigns/CampaignPage.tsx'),
    'CampaignPage',
  ),
})

const syncRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/sync',
  validateSearch: SyncSearch,
  component: lazyRouteComponent(() => import('#console/pages/sync/SyncPage.tsx'), 'SyncPage'),
})

const runRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/sync/runs/$runId',
  validateSearch: RunSearch,
  component: lazyRouteComponent(() => import('#console/pages/sync/RunPage.tsx'), 'RunPage'),
})

const planRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/sync/plans/$planId',
  validateSearch: PlanSearch,
  component: lazyRouteComponent(() => import('#console/pages/sync/PlanPage.tsx'), 'PlanPage'),
})

const recordRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/sync/records/$entity/$localId',
  component: lazyRouteComponent(() => import('#console/pages/sync/RecordPage.tsx'), 'RecordPage'),
})

const backfillsRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/sync/backfills',
  validateSearch: BackfillsSearch,
  component: lazyRouteComponent(
    () => import('#console/pages/sync/BackfillsPage.tsx'),
    'BackfillsPage',
  ),
})

const connectionsRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/connections',
  component: lazyRouteComponent(
    () => import('#console/pages/connections/ConnectionsPage.tsx'),
    'ConnectionsPage',
  ),
})

const connectionRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/connections/$connectionId',
  component: lazyRouteComponent(
    () => import('#console/pages/connections/ConnectionPage.tsx'),
    'ConnectionPage',
  ),
})

const mappingRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/connections/$connectionId/streams/$stream',
  validateSearch: MappingSearch,
  component: lazyRouteComponent(
    () => import('#console/pages/connections/MappingPage.tsx'),
    'MappingPage',
  ),
})

const conflictsRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/conflicts',
  validateSearch: ConflictsSearch,
  component: lazyRouteComponent(
    () => import('#console/pages/conflicts/ConflictsPage.tsx'),
    'ConflictsPage',
  ),
})

const lineageRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/lineage',
  validateSearch: LineageSearch,
  component: lazyRouteComponent(
    () => import('#console/pages/lineage/LineagePage.tsx'),
    'LineagePage',
  ),
})

const attributionRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/attribution',
  validateSearch: AttributionSearch,
  component: lazyRouteComponent(
    () => import('#console/pages/attribution/AttributionPage.tsx'),
    'AttributionPage',
  ),
})

const scoresRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/scores',
  validateSearch: ScoresSearch,
  component: lazyRouteComponent(() => import('#console/pages/scores/ScoresPage.tsx'), 'ScoresPage'),
})

const modelRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/scores/$modelId',
  component: lazyRouteComponent(() => import('#console/pages/scores/ModelPage.tsx'), 'ModelPage'),
})

const leadScoreRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/scores/leads/$leadId',
  component: lazyRouteComponent(
    () => import('#console/pages/scores/LeadScorePage.tsx'),
    'LeadScorePage',
  ),
})

const dealScoreRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/scores/deals/$opportunityId',
  component: lazyRouteComponent(
    () => import('#console/pages/scores/DealScorePage.tsx'),
    'DealScorePage',
  ),
})

const leadsRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/leads',
  validateSearch: LeadsSearch,
  component: lazyRouteComponent(() => import('#console/pages/leads/LeadsPage.tsx'), 'LeadsPage'),
})

const leadRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/leads/$leadId',
  component: lazyRouteComponent(() => import('#console/pages/leads/LeadPage.tsx'), 'LeadPage'),
})

const peopleRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/people',
  validateSearch: PeopleSearch,
  component: lazyRouteComponent(() => import('#console/pages/people/PeoplePage.tsx'), 'PeoplePage'),
})

const personRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/people/$personId',
  validateSearch: PersonSearch,
  component: lazyRouteComponent(() => import('#console/pages/people/PersonPage.tsx'), 'PersonPage'),
})

const duplicatesRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/people/duplicates',
  validateSearch: DuplicatesSearch,
  component: lazyRouteComponent(
    () => import('#console/pages/people/DuplicatesPage.tsx'),
    'DuplicatesPage',
  ),
})

const privacyRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/privacy',
  validateSearch: PrivacySearch,
  component: lazyRouteComponent(
    () => import('#console/pages/privacy/PrivacyPage.tsx'),
    'PrivacyPage',
  ),
})

const requestRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/privacy/$requestId',
  component: lazyRouteComponent(
    () => import('#console/pages/privacy/RequestPage.tsx'),
    'RequestPage',
  ),
})

const operationsRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/operations',
  validateSearch: OperationsSearch,
  component: lazyRouteComponent(
    () => import('#console/pages/operations/OperationsPage.tsx'),
    'OperationsPage',
  ),
})

const alertsRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/alerts',
  validateSearch: AlertsSearch,
  component: lazyRouteComponent(() => import('#console/pages/alerts/AlertsPage.tsx'), 'AlertsPage'),
})

const accountRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/account',
  component: lazyRouteComponent(
    () => import('#console/pages/account/AccountPage.tsx'),
    'AccountPage',
  ),
})

const usersRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/users',
  component: lazyRouteComponent(() => import('#console/pages/users/UsersPage.tsx'), 'UsersPage'),
})

const importsRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/imports',
  validateSearch: ImportsSearch,
  component: lazyRouteComponent(
    () => import('#console/pages/imports/ImportsPage.tsx'),
    'ImportsPage',
  ),
})

const importRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/imports/$importId',
  component: lazyRouteComponent(
    () => import('#console/pages/imports/ImportPage.tsx'),
    'ImportPage',
  ),
})

const webhooksRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/webhooks',
  component: lazyRouteComponent(
    () => import('#console/pages/webhooks/WebhooksPage.tsx'),
    'WebhooksPage',
  ),
})

const endpointRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/webhooks/$endpointId',
  validateSearch: EndpointSearch,
  component: lazyRouteComponent(
    () => import('#console/pages/webhooks/EndpointPage.tsx'),
    'EndpointPage',
  ),
})

const accessRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/access',
  validateSearch: AccessSearch,
  component: lazyRouteComponent(
    () => import('#console/pages/permissions/AccessPage.tsx'),
    'AccessPage',
  ),
})

const auditRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/audit',
  validateSearch: AuditSearch,
  component: lazyRouteComponent(() => import('#console/pages/audit/AuditPage.tsx'), 'AuditPage'),
})

const routeTree = rootRoute.addChildren([
  signInRoute,
  signedOutRoute,
  consentRoute,
  frameRoute.addChildren([
    homeRoute,
    campaignsRoute,
    campaignRoute,
    syncRoute,
    runRoute,
    planRoute,
    recordRoute,
    backfillsRoute,
    connectionsRoute,
    connectionRoute,
    mappingRoute,
    attributionRoute,
    scoresRoute,
    modelRoute,
    leadScoreRoute,
    dealScoreRoute,
    leadsRoute,
    leadRoute,
    peopleRoute,
    personRoute,
    duplicatesRoute,
    privacyRoute,
    requestRoute,
    operationsRoute,
    conflictsRoute,
    lineageRoute,
    alertsRoute,
    accountRoute,
    usersRoute,
    importsRoute,
    importRoute,
    webhooksRoute,
    endpointRoute,
    accessRoute,
    auditRoute,
  ]),
])

/** The router and the cache behind it; a session that ended anywhere leads to the page that says how to get another. */
export function createConsole() {
  const queryClient: QueryClient = new QueryClient({
    queryCache: new QueryCache({
      onError(error) {
        if (!(error instanceof ApiProblem) || error.status !== 401) return
        const { pathname, href } = router.state.location
        if (pathname.startsWith('/authorize/')) return
        queryClient.removeQueries(workspaceQuery)
        if (pathname !== '/sign-in' && pathname !== '/signed-out')
          void router.navigate({ href: `/signed-out?next=${encodeURIComponent(href)}` })
      },
    }),
    defaultOptions: {
      queries: {
        staleTime: MINUTE_MS / 2,
        gcTime: 10 * MINUTE_MS,
        refetchOnWindowFocus: true,
        retry: (failures, error) => failures < 2 && isPassing(error),
      },
    },
  })
  const router = createRouter({
    routeTree,
    context: { queryClient },
    parseSearch,
    stringifySearch,
    defaultPreload: 'intent',
    defaultPreloadStaleTime: 0,
    defaultPendingMs: 150,
    defaultPendingMinMs: 200,
    defaultPendingComponent: PageSkeleton,
    defaultErrorComponent: ErrorPane,
    defaultNotFoundComponent: NotFoundPane,
    scrollRestoration: true,
  })
  return { router, queryClient }
}

/** What may be gone in a moment: no answer, or the hub's own trouble. */
function isPassing(error: Error): boolean {
  return error instanceof ApiProblem && (error.status === 0 || error.status >= 502)
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createConsole>['router']
  }
}
