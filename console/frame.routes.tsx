import type { QueryClient } from '@tanstack/react-query'
import { createRootRouteWithContext, createRoute, Outlet, redirect } from '@tanstack/react-router'
import { isSignedOut } from '#console/api.ts'
import { SignedOutPage } from '#console/pages/access/SignedOutPage.tsx'
import { ConsentPage } from '#console/pages/access/ConsentPage.tsx'
import { SignInPage } from '#console/pages/access/SignInPage.tsx'
import { workspaceQuery } from '#console/session.ts'
import { Frame } from '#console/ui/Frame.tsx'

interface Context {
  queryClient: QueryClient
}

export const rootRoute = createRootRouteWithContext<Context>()({ component: Outlet })

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
export const frameRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: 'frame',
  component: Frame,
  async beforeLoad({ context, location }) {
    try {
      await context.queryClient.ensureQueryData(workspaceQuery)
    } catch (error) {
      if (isSignedOut(error))
        throw redirect({ href: `/signed-out?next=${encodeURIComponent(location.href)}` })
      throw error
    }
  },
})

/** What stands without the frame: the ways in and out. */
export const doorRoutes = [signInRoute, signedOutRoute, consentRoute] as const
