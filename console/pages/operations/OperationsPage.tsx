import { getRouteApi } from '@tanstack/react-router'
import { LevelsView } from '#console/pages/operations/LevelsView.tsx'
import {
  levelsExport,
  scorecardExport,
  threatsExport,
  usageExport,
} from '#console/pages/operations/operations.queries.ts'
import type { OperationsSearch } from '#console/pages/operations/operations.search.ts'
import { QuotasView } from '#console/pages/operations/QuotasView.tsx'
import { ScorecardView } from '#console/pages/operations/ScorecardView.tsx'
import { ThreatsView } from '#console/pages/operations/ThreatsView.tsx'
import { useSession } from '#console/session.ts'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { PageHead } from '#console/ui/PageHead.tsx'
import { ViewTabs } from '#console/ui/ViewTabs.tsx'

const route = getRouteApi('/frame/operations')

const views = [
  { value: 'levels', label: 'Service levels', scope: 'levels:read' },
  { value: 'quotas', label: 'Quotas and usage', scope: 'usage:read' },
  { value: 'scorecard', label: 'Scorecard', scope: 'levels:read' },
  { value: 'threats', label: 'Threats', scope: 'security:read' },
] as const

/** How the hub itself does: what is promised and kept, what is used up, and who attacks it. */
export function OperationsPage() {
  const { can } = useSession()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const { view = 'levels' } = search
  const change = (fields: Partial<OperationsSearch>) =>
    void navigate({ search: { ...search, ...fields }, resetScroll: false })
  const { scope } = views.find(({ value }) => value === view) ?? views[0]
  return (
    <>
      <PageHead
        title="Operations"
        subtitle="What the hub promises and keeps, how far quotas are used up, and what signs of attacks there are."
        actions={can(scope) && <ExportMenu {...exportOf(search)} />}
      />
      <ViewTabs
        label="Views of operations"
        views={views}
        value={view}
        onChange={(value) => change({ view: value === 'levels' ? undefined : value })}
      >
        {(shown) => {
          if (shown === 'quotas') return <QuotasView search={search} onChange={change} />
          if (shown === 'scorecard') return <ScorecardView />
          if (shown === 'threats') return <ThreatsView search={search} onChange={change} />
          return <LevelsView search={search} onChange={change} />
        }}
      </ViewTabs>
    </>
  )
}

function exportOf({ view = 'levels', window = '1h', subject, state, kind }: OperationsSearch) {
  if (view === 'quotas') return usageExport(subject)
  if (view === 'scorecard') return scorecardExport
  return view === 'threats' ? threatsExport({ state, kind }) : levelsExport(window)
}
