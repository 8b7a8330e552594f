import { createRoute, lazyRouteComponent } from '@tanstack/react-router'
import { AuditSearch } from '#console/pages/audit/audit.search.ts'
import { AccessSearch } from '#console/pages/permissions/access.search.ts'
import { PrivacySearch } from '#console/pages/privacy/privacy.search.ts'
import { EndpointSearch } from '#console/pages/webhooks/webhooks.search.ts'
import { frameRoute } from '#console/frame.routes.tsx'

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

/** Who may do what, what was done, and what goes out. */
export const trustRoutes = [
  privacyRoute,
  requestRoute,
  accountRoute,
  usersRoute,
  webhooksRoute,
  endpointRoute,
  accessRoute,
  auditRoute,
] as const
