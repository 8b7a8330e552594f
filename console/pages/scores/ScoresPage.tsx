import { getRouteApi } from '@tanstack/react-router'
import { Models } from '#console/pages/scores/Models.tsx'
import { ScoredLeads } from '#console/pages/scores/ScoredLeads.tsx'
import { leadScoresExport, modelsExport } from '#console/pages/scores/scores.queries.ts'
import type { ScoresSearch } from '#console/pages/scores/scores.search.ts'
import { TrainButton } from '#console/pages/scores/TrainButton.tsx'
import { useSession } from '#console/session.ts'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { PageHead } from '#console/ui/PageHead.tsx'
import { ViewTabs } from '#console/ui/ViewTabs.tsx'

const route = getRouteApi('/frame/scores')

const views = [
  { value: 'models', label: 'Models', scope: 'scoring:read' },
  { value: 'leads', label: 'Leads', scope: 'leads:read' },
] as const

/** What was learned from the outcomes of the workspace: how good it is, and who has which chance. */
export function ScoresPage() {
  const { can } = useSession()
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
              <ExportMenu {...exportOf(search)} />
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
        {(shown) =>
          shown === 'leads' ? (
            <ScoredLeads search={search} onChange={change} />
          ) : (
            <Models search={search} onChange={change} />
          )
        }
      </ViewTabs>
    </>
  )
}

function exportOf({ view, target, status }: ScoresSearch) {
  return view === 'leads'
    ? leadScoresExport(target === 'lead_won' ? 'lead_won' : 'lead_qualified')
    : modelsExport({ target, status })
}
