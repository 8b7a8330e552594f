import { getRouteApi } from '@tanstack/react-router'
import { Models } from '#console/pages/scores/Models.tsx'
import { PipelineView } from '#console/pages/scores/PipelineView.tsx'
import { quarterOf } from '#console/pages/scores/quarters.ts'
import { ScoredLeads } from '#console/pages/scores/ScoredLeads.tsx'
import {
  forecastExport,
  leadScoresExport,
  modelsExport,
  slippageExport,
} from '#console/pages/scores/scores.queries.ts'
import type { ScoresSearch } from '#console/pages/scores/scores.search.ts'
import { SlippageView } from '#console/pages/scores/SlippageView.tsx'
import { TrainButton } from '#console/pages/scores/TrainButton.tsx'
import { useSession } from '#console/session.ts'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { PageHead } from '#console/ui/PageHead.tsx'
import { ViewTabs } from '#console/ui/ViewTabs.tsx'

const route = getRouteApi('/frame/scores')

const views = [
  { value: 'models', label: 'Models', scope: 'scoring:read' },
  { value: 'leads', label: 'Leads', scope: 'leads:read' },
  { value: 'pipeline', label: 'Pipeline forecast', scope: 'performance:read' },
  { value: 'slippage', label: 'Slippage', scope: 'performance:read' },
] as const

/** What was learned from the outcomes of the workspace: how good it is, who has which chance, what the pipeline brings. */
export function ScoresPage() {
  const { can, timeZone } = useSession()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const { view = 'models' } = search
  const change = (fields: Partial<ScoresSearch>) =>
    void navigate({ search: { ...search, ...fields }, resetScroll: false })
  const { scope } = views.find(({ value }) => value === view) ?? views[0]
  return (
    <>
      <PageHead
        title="Learned scores"
        subtitle="Learned from what became of leads and deals here. The rule score stays what routing goes by; nothing learned counts until a person puts it into use."
        actions={
          can(scope) && (
            <>
              <ExportMenu {...exportOf(search, timeZone)} />
              {view === 'models' && can('scoring:write') && <TrainButton />}
            </>
          )
        }
      />
      <ViewTabs
        label="Views of learned scores"
        views={views}
        value={view}
        onChange={(value) => change({ view: value === 'models' ? undefined : value })}
      >
        {(shown) => {
          if (shown === 'leads') return <ScoredLeads search={search} onChange={change} />
          if (shown === 'pipeline') return <PipelineView search={search} onChange={change} />
          if (shown === 'slippage') return <SlippageView search={search} onChange={change} />
          return <Models search={search} onChange={change} />
        }}
      </ViewTabs>
    </>
  )
}

function exportOf(search: ScoresSearch, timeZone: string) {
  const { view = 'models', target, status, months = '3', quarter = 'this', outcome } = search
  if (view === 'slippage') return slippageExport({ ...quarterOf(quarter, timeZone), outcome })
  if (view === 'leads')
    return leadScoresExport(target === 'lead_won' ? 'lead_won' : 'lead_qualified')
  return view === 'pipeline' ? forecastExport(months) : modelsExport({ target, status })
}
