import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import type { Overview } from '#reports/overview.schema.ts'
import { lensFields, resolveLens } from '#console/lens.ts'
import { Chain } from '#console/pages/home/Chain.tsx'
import { NeedsYou } from '#console/pages/home/NeedsYou.tsx'
import { overviewQuery } from '#console/pages/home/home.queries.ts'
import { StartHere } from '#console/pages/home/StartHere.tsx'
import { TopCampaigns } from '#console/pages/home/TopCampaigns.tsx'
import { useSession } from '#console/session.ts'
import { FreshnessBadge } from '#console/ui/FreshnessBadge.tsx'
import { LockedNote } from '#console/ui/LockedPane.tsx'
import { PageHead } from '#console/ui/PageHead.tsx'
import classes from './HomePage.module.css'

const route = getRouteApi('/frame/')

/** What happened, what needs someone, and which campaigns brought revenue. */
export function HomePage() {
  const { timeZone, can } = useSession()
  const search = route.useSearch()
  const lens = resolveLens(search, timeZone)
  const mayOverview = can('performance:read')
  const overview = useQuery({ ...overviewQuery, enabled: mayOverview })
  return (
    <>
      <PageHead
        title="Home"
        subtitle="The chain from the first touch to the money, and what stands in its way."
        badges={
          overview.data && (
            <FreshnessBadge freshness={overview.data.freshness} isFetching={overview.isFetching} />
          )
        }
      />
      {overview.data && isEmpty(overview.data) && <StartHere />}
      {mayOverview ? (
        <Chain overview={overview} />
      ) : (
        <LockedNote what="The chain in figures" scope="performance:read" />
      )}
      <div className={classes.columns}>
        <NeedsYou />
        {can('attribution:read') ? (
          <TopCampaigns lens={lensFields(lens)} period={lens.period} />
        ) : (
          <LockedNote what="Revenue by campaign" scope="attribution:read" />
        )}
      </div>
    </>
  )
}

/** Nothing in this period, nothing before it, nothing open. */
function isEmpty({ touches, people, leads, openPipeline, won }: Overview): boolean {
  return [touches, people, leads, openPipeline.deals, won.deals].every(
    ({ current, previous }) => current === 0 && previous === 0,
  )
}
