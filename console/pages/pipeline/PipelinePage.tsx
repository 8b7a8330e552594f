import { getRouteApi } from '@tanstack/react-router'
import { ForecastView } from '#console/pages/pipeline/ForecastView.tsx'
import { ImprovementView, spansOf } from '#console/pages/pipeline/ImprovementView.tsx'
import {
  forecastExport,
  improvementExport,
  slippageExport,
} from '#console/pages/pipeline/pipeline.queries.ts'
import type { PipelineSearch } from '#console/pages/pipeline/pipeline.search.ts'
import { daysOfQuarter } from '#console/pages/pipeline/quarters.ts'
import { SlippageView } from '#console/pages/pipeline/SlippageView.tsx'
import { useSession } from '#console/session.ts'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { PageHead } from '#console/ui/PageHead.tsx'
import { ViewTabs } from '#console/ui/ViewTabs.tsx'

const route = getRouteApi('/frame/pipeline')

const views = [
  { value: 'forecast', label: 'Forecast', scope: 'performance:read' },
  { value: 'slippage', label: 'Slippage', scope: 'performance:read' },
  { value: 'improvement', label: 'Improvement', scope: 'performance:read' },
] as const

const VIEWS = { forecast: ForecastView, slippage: SlippageView, improvement: ImprovementView }

/** What the open deals bring, what did not come when it was expected, and whether it gets better. */
export function PipelinePage() {
  const { can, timeZone } = useSession()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const { view = 'forecast' } = search
  const change = (fields: Partial<PipelineSearch>) =>
    void navigate({ search: { ...search, ...fields }, resetScroll: false })
  return (
    <>
      <PageHead
        title="Pipeline"
        subtitle="What the open deals are expected to bring and when, and how much of what was expected slipped, and whether leads and deals get better."
        actions={can('performance:read') && <ExportMenu {...exportOf(search, timeZone)} />}
      />
      <ViewTabs
        label="Views of the pipeline"
        views={views}
        value={view}
        onChange={(value) => change({ view: value === 'forecast' ? undefined : value })}
      >
        {(shown) => {
          const View = VIEWS[shown]
          return <View search={search} onChange={change} />
        }}
      </ViewTabs>
    </>
  )
}

function exportOf(search: PipelineSearch, timeZone: string) {
  const { view, months = '3', quarter = 'this', outcome } = search
  if (view === 'improvement') return improvementExport(spansOf(search, timeZone))
  if (view === 'slippage') return slippageExport({ ...daysOfQuarter(quarter, timeZone), outcome })
  return forecastExport(months)
}
