import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { AlertsSearch } from '#console/pages/alerts/alerts.search.ts'
import { MappingSearch } from '#console/pages/connections/mapping.search.ts'
import { ConflictsSearch } from '#console/pages/conflicts/conflicts.search.ts'
import { LineageSearch } from '#console/pages/lineage/lineage.search.ts'
import { OperationsSearch } from '#console/pages/operations/operations.search.ts'
import { ImportsSearch } from '#console/pages/imports/imports.search.ts'
import { DuplicatesSearch } from '#console/pages/people/people.search.ts'
import {
  BackfillsSearch,
  PlanSearch,
  RunSearch,
  SyncSearch,
} from '#console/pages/sync/sync.search.ts'
import { frameRoute } from '#console/frame.routes.tsx'

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

const duplicatesRoute = createRoute({
  getParentRoute: () => frameRoute,
  path: '/people/duplicates',
  validateSearch: DuplicatesSearch,
  component: lazyRouteComponent(
    () => import('#console/pages/people/DuplicatesPage.tsx'),
    'DuplicatesPage',
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

/** What whoever runs the sync looks at. */
export const dataRoutes = [
  syncRoute,
  runRoute,
  planRoute,
  recordRoute,
  backfillsRoute,
  connectionsRoute,
  connectionRoute,
  mappingRoute,
  conflictsRoute,
  lineageRoute,
  duplicatesRoute,
  operationsRoute,
  alertsRoute,
  importsRoute,
  importRoute,
] as const
