import { getRouteApi } from '@tanstack/react-router'
import { Holds } from '#console/pages/privacy/Holds.tsx'
import { LiftSuppressionButton } from '#console/pages/privacy/LiftSuppressionButton.tsx'
import { NewHoldButton } from '#console/pages/privacy/NewHoldButton.tsx'
import { NewRequestButton } from '#console/pages/privacy/NewRequestButton.tsx'
import {
  holdsExport,
  requestsExport,
  rulesExport,
  runsExport,
  suppressionsExport,
} from '#console/pages/privacy/privacy.queries.ts'
import type { PrivacySearch } from '#console/pages/privacy/privacy.search.ts'
import { Requests } from '#console/pages/privacy/Requests.tsx'
import { RetentionRules } from '#console/pages/privacy/RetentionRules.tsx'
import { RetentionRuns } from '#console/pages/privacy/RetentionRuns.tsx'
import { Suppressions } from '#console/pages/privacy/Suppressions.tsx'
import { useSession } from '#console/session.ts'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { PageHead } from '#console/ui/PageHead.tsx'
import { ViewTabs } from '#console/ui/ViewTabs.tsx'

const route = getRouteApi('/frame/privacy')

const views = [
  { value: 'requests', label: 'Requests', scope: 'privacy:read' },
  { value: 'retention', label: 'Retention', scope: 'retention:read' },
  { value: 'holds', label: 'Legal holds', scope: 'retention:read' },
  { value: 'suppressions', label: 'Suppressions', scope: 'privacy:read' },
  { value: 'runs', label: 'Run reports', scope: 'retention:read' },
] as const

/** What people asked about their data, how long records are kept, what is held back, and what runs removed. */
export function PrivacyPage() {
  const { can } = useSession()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const { view = 'requests' } = search
  const change = (fields: Partial<PrivacySearch>) =>
    void navigate({ search: { ...search, ...fields }, resetScroll: false })
  const { scope } = views.find(({ value }) => value === view) ?? views[0]
  return (
    <>
      <PageHead
        title="Privacy"
        subtitle="Requests of people about their data, with due times and receipts; how long records are kept, and what is kept in spite of it."
        actions={
          can(scope) && (
            <>
              <ExportMenu {...exportOf(search)} />
              {view === 'requests' && can('privacy:write') && <NewRequestButton />}
              {view === 'suppressions' && can('privacy:approve') && <LiftSuppressionButton />}
              {view === 'holds' && can('holds:write') && <NewHoldButton />}
            </>
          )
        }
      />
      <ViewTabs
        label="Views of privacy"
        views={views}
        value={view}
        onChange={(value) => change({ view: value === 'requests' ? undefined : value })}
      >
        {(shown) => {
          if (shown === 'retention') return <RetentionRules search={search} onChange={change} />
          if (shown === 'holds') return <Holds search={search} onChange={change} />
          if (shown === 'suppressions') return <Suppressions />
          if (shown === 'runs') return <RetentionRuns search={search} onChange={change} />
          return <Requests search={search} onChange={change} />
        }}
      </ViewTabs>
    </>
  )
}

function exportOf({ view = 'requests', kind, standing }: PrivacySearch) {
  if (view === 'retention') return rulesExport
  if (view === 'holds') return holdsExport(standing)
  if (view === 'suppressions') return suppressionsExport
  return view === 'runs' ? runsExport : requestsExport(kind)
}
