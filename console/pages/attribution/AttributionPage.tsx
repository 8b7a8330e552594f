import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { describeModel, lensFields, resolveLens } from '#console/lens.ts'
import { AccuracyPanel } from '#console/pages/attribution/AccuracyPanel.tsx'
import {
  compareExport,
  compareQuery,
  disagreementsExport,
  restatementsExport,
} from '#console/pages/attribution/attribution.queries.ts'
import type { AttributionSearch } from '#console/pages/attribution/attribution.search.ts'
import { ComparePanel } from '#console/pages/attribution/ComparePanel.tsx'
import { Disagreements } from '#console/pages/attribution/Disagreements.tsx'
import { PreviewPanel } from '#console/pages/attribution/PreviewPanel.tsx'
import { ReceiptOfCell } from '#console/pages/attribution/ReceiptOfCell.tsx'
import { Restatements } from '#console/pages/attribution/Restatements.tsx'
import { LensFilters } from '#console/pages/campaigns/LensFilters.tsx'
import { useSession } from '#console/session.ts'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { FilterSelect } from '#console/ui/Filters.tsx'
import { FreshnessBadge } from '#console/ui/FreshnessBadge.tsx'
import { LockedPane } from '#console/ui/LockedPane.tsx'
import { PageHead } from '#console/ui/PageHead.tsx'
import { PageSkeleton } from '#console/ui/PageSkeleton.tsx'
import { ViewTabs } from '#console/ui/ViewTabs.tsx'

const route = getRouteApi('/frame/attribution')
const SCOPE = 'attribution:read'

const views = [
  { value: 'compare', label: 'Models compared', scope: SCOPE },
  { value: 'preview', label: 'What a change would move', scope: SCOPE },
  { value: 'disagreements', label: 'Disagreements', scope: SCOPE },
  { value: 'restatements', label: 'Restatements', scope: SCOPE },
] as const

/** What the rule decides: all models on the same deals, how far to trust each, and what moved figures afterwards. */
export function AttributionPage() {
  const { can, timeZone } = useSession()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const isOpen = can(SCOPE)
  const lens = resolveLens(search, timeZone)
  const { view = 'compare', by = 'channel' } = search
  const comparison = useQuery({ ...compareQuery(lensFields(lens), by), enabled: isOpen })
  if (!isOpen) return <LockedPane what="Attribution" scope={SCOPE} />
  const change = (fields: Partial<AttributionSearch>) =>
    void navigate({ search: { ...search, ...fields }, resetScroll: false })
  return (
    <>
      <PageHead
        title="Attribution"
        subtitle={`Rows go by ${describeModel(lens.model).label.toLowerCase()}. A rule is exact bookkeeping and claims no effect; only what is fitted has an interval.`}
        badges={
          comparison.data && (
            <FreshnessBadge
              freshness={comparison.data.freshness}
              isFetching={comparison.isRefetching}
            />
          )
        }
        actions={<ExportMenu {...exportOf(search, lensFields(lens))} />}
        filters={
          <>
            <LensFilters lens={lens} onChange={change} />
            {view === 'compare' && (
              <FilterSelect
                label="By"
                value={by}
                options={[
                  { value: 'channel', label: 'Channel' },
                  { value: 'campaign', label: 'Campaign' },
                ]}
                onChange={(value) => change({ by: value === 'channel' ? undefined : value })}
              />
            )}
          </>
        }
      />
      <ViewTabs
        label="Views of attribution"
        views={views}
        value={view}
        onChange={(value) => change({ view: value === 'compare' ? undefined : value })}
      >
        {(shown) => {
          if (comparison.isError) return <Problem error={comparison.error} />
          if (!comparison.data) return <PageSkeleton />
          if (shown === 'preview') return <PreviewPanel lens={lens} />
          if (shown === 'disagreements') return <Disagreements lens={lens} />
          if (shown === 'restatements') return <Restatements lens={lens} />
          return (
            <>
              <AccuracyPanel />
              <ComparePanel comparison={comparison.data} />
            </>
          )
        }}
      </ViewTabs>
      {comparison.data && <ReceiptOfCell comparison={comparison.data} lens={lens} />}
    </>
  )
}

function exportOf(search: AttributionSearch, lens: ReturnType<typeof lensFields>) {
  const { view = 'compare', by = 'channel', show = 'open', campaignId } = search
  if (view === 'disagreements') return disagreementsExport(lens, show)
  if (view === 'restatements')
    return restatementsExport({ model: lens.model, window: lens.window, campaignId })
  return compareExport(lens, by)
}
