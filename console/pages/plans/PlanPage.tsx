import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { formatCount, formatInstant } from '#console/format.ts'
import { OwnerName } from '#console/pages/conflicts/OwnerName.tsx'
import { NeedsView } from '#console/pages/plans/NeedsView.tsx'
import { PlanForm } from '#console/pages/plans/PlanForm.tsx'
import { nameOfQuarter } from '#console/pages/plans/plan-words.ts'
import {
  planExport,
  planQuery,
  versionsQuery,
  type Version,
} from '#console/pages/plans/plans.queries.ts'
import type { PlanSearch } from '#console/pages/plans/plans.search.ts'
import { ProgressView } from '#console/pages/plans/ProgressView.tsx'
import { VersionsView } from '#console/pages/plans/VersionsView.tsx'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { FilterSelect } from '#console/ui/Filters.tsx'
import { LockedPane } from '#console/ui/LockedPane.tsx'
import { PageHead } from '#console/ui/PageHead.tsx'
import { PageSkeleton } from '#console/ui/PageSkeleton.tsx'
import { ViewTabs } from '#console/ui/ViewTabs.tsx'

const route = getRouteApi('/frame/reports/plans/$quarter')
const SCOPE = 'performance:read'

const views = [
  { value: 'progress', label: 'Actual against plan', scope: SCOPE },
  { value: 'needs', label: 'What it needs', scope: SCOPE },
  { value: 'versions', label: 'Versions', scope: SCOPE },
  { value: 'edit', label: 'Change', scope: 'reports:write' },
] as const

/** The plan of a quarter: how far it has come, what it needs and why, its versions, and a new one. */
export function PlanPage() {
  const { can } = useSession()
  const { quarter } = route.useParams()
  const isOpen = can(SCOPE)
  const versions = useInfiniteQuery({ ...versionsQuery(quarter), enabled: isOpen })
  if (!isOpen) return <LockedPane what="Quarterly plans" scope={SCOPE} />
  if (versions.isError) return <Problem error={versions.error} isPage />
  if (!versions.data) return <PageSkeleton />
  const newest = versions.data.pages[0]?.data[0]
  if (newest === undefined) return <FirstPlan quarter={quarter} />
  const kept = versions.data.pages.flatMap(({ data }) => data)
  return <Planned key={quarter} quarter={quarter} newest={newest} kept={kept} />
}

/** A quarter without a plan: its first version is what there is to do. */
function FirstPlan({ quarter }: { quarter: string }) {
  const { can } = useSession()
  return (
    <>
      <PageHead
        parent={{ label: 'Quarterly plans', to: '/reports/plans' }}
        title={`Plan of ${nameOfQuarter(quarter)}`}
        badges={<Badge tone="plain">Not planned yet</Badge>}
        subtitle="Say what is to be won, in all or by channel. What it needs is worked out when you save."
      />
      {can('reports:write') ? (
        <PlanForm quarter={quarter} plan={null} />
      ) : (
        <LockedPane what="Planning" scope="reports:write" />
      )}
    </>
  )
}

function Planned({
  quarter,
  newest,
  kept,
}: {
  quarter: string
  newest: Version
  /** Versions read so far, the newest first. */
  kept: readonly Version[]
}) {
  const { timeZone } = useSession()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const { view = 'progress', version } = search
  const plan = useQuery(planQuery(quarter, version))
  const change = (fields: Partial<PlanSearch>) =>
    void navigate({ search: { ...search, ...fields }, resetScroll: false })
  const shown = version ?? String(newest.version)
  const numbers = kept.map((one) => String(one.version))
  const options = numbers.includes(shown) ? numbers : [...numbers, shown]
  return (
    <>
      <PageHead
        parent={{ label: 'Quarterly plans', to: '/reports/plans' }}
        title={`Plan of ${nameOfQuarter(quarter)}`}
        badges={
          <Badge tone={version === undefined ? 'good' : 'info'}>
            {version === undefined
              ? `Version ${formatCount(newest.version)}, the newest`
              : `Version ${version} of ${formatCount(newest.version)}`}
          </Badge>
        }
        subtitle={
          plan.data && (
            <>
              Made {formatInstant(plan.data.createdAt, timeZone)}{' '}
              <OwnerName owner={plan.data.createdBy} verb="by" />, from what was measured in the{' '}
              {formatCount(plan.data.basisDays)} days before.
            </>
          )
        }
        actions={<ExportMenu {...planExport(quarter, version)} />}
        filters={
          <FilterSelect
            label="Version"
            value={shown}
            options={options.map((value) => ({ value, label: value }))}
            onChange={(value) =>
              change({ version: value === String(newest.version) ? undefined : value })
            }
          />
        }
      />
      <ViewTabs
        label="Views of the plan"
        views={views}
        value={view}
        onChange={(value) => change({ view: value === 'progress' ? undefined : value })}
      >
        {(open) => {
          if (plan.isError) return <Problem error={plan.error} />
          if (!plan.data) return <PageSkeleton />
          if (open === 'needs') return <NeedsView plan={plan.data} />
          if (open === 'versions') return <VersionsView quarter={quarter} newest={newest.version} />
          if (open === 'edit')
            return <PlanForm key={plan.data.version} quarter={quarter} plan={plan.data} />
          return <ProgressView quarter={quarter} version={version} />
        }}
      </ViewTabs>
    </>
  )
}
