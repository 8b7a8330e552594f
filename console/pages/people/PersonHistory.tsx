import { getRouteApi } from '@tanstack/react-router'
import { DealsOfPerson } from '#console/pages/people/DealsOfPerson.tsx'
import { LeadsOfPerson } from '#console/pages/people/LeadsOfPerson.tsx'
import { TouchesOfPerson } from '#console/pages/people/TouchesOfPerson.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { ViewTabs } from '#console/ui/ViewTabs.tsx'

const route = getRouteApi('/frame/people/$personId')

const views = [
  { value: 'touches', label: 'Touches', scope: 'people:read' },
  { value: 'leads', label: 'Leads and their records at CRMs', scope: 'leads:read' },
  { value: 'deals', label: 'Deals', scope: 'opportunities:read' },
] as const

/** What somebody did and what came of it: touches, the lead, deals. */
export function PersonHistory({ personId }: { personId: string }) {
  const { history = 'touches' } = route.useSearch()
  const navigate = route.useNavigate()
  return (
    <Panel title="What they did" hint="The newest come first." flush>
      <ViewTabs
        label="What they did, by kind"
        views={views}
        value={history}
        onChange={(value) =>
          void navigate({
            search: { history: value === 'touches' ? undefined : value },
            resetScroll: false,
          })
        }
      >
        {(shown) => {
          if (shown === 'leads') return <LeadsOfPerson personId={personId} />
          if (shown === 'deals') return <DealsOfPerson personId={personId} />
          return <TouchesOfPerson personId={personId} />
        }}
      </ViewTabs>
    </Panel>
  )
}
