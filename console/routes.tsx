import { QueryCache, QueryClient } from '@tanstack/react-query'
import { createRouter } from '@tanstack/react-router'
import { MINUTE_MS } from '#core/time.ts'
import { ApiProblem, isSignedOut } from '#console/api.ts'
import { parseSearch, stringifySearch } from '#console/filters.ts'
import { workspaceQuery } from '#console/session.ts'
import { ErrorPane } from '#console/ui/ErrorPane.tsx'
import { NotFoundPane } from '#console/ui/NotFoundPane.tsx'
import { PageSkeleton } from '#console/ui/PageSkeleton.tsx'
import { dataRoutes } from '#console/data.routes.tsx'
import { doorRoutes, frameRoute, rootRoute } from '#console/frame.routes.tsx'
import { revenueRoutes } from '#console/revenue.routes.tsx'
import { trustRoutes } from '#console/trust.routes.tsx'

const routeTree = rootRoute.addChildren([
  ...doorRoutes,
  frameRoute.addChildren([...revenueRoutes, ...dataRoutes, ...trustRoutes]),
])

/** The router and the cache behind it; a session that ended anywhere leads to the page that says how to get another. */
export function createConsole() {
  const queryClient: QueryClient = new QueryClient({
    queryCache: new QueryCache({
      onError(error) {
        if (!isSignedOut(error)) return
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
