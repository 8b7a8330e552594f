import { getRouteApi } from '@tanstack/react-router'
import { keysExport, whyExport } from '#console/pages/permissions/access.queries.ts'
import type { AccessSearch } from '#console/pages/permissions/access.search.ts'
import { ClientsView } from '#console/pages/permissions/ClientsView.tsx'
import { GrantsView } from '#console/pages/permissions/GrantsView.tsx'
import { KeysView } from '#console/pages/permissions/KeysView.tsx'
import { RolesView } from '#console/pages/permissions/RolesView.tsx'
import { RulesView } from '#console/pages/permissions/RulesView.tsx'
import { TeamsView } from '#console/pages/permissions/TeamsView.tsx'
import { WhyView } from '#console/pages/permissions/WhyView.tsx'
import { useSession } from '#console/session.ts'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { PageHead } from '#console/ui/PageHead.tsx'
import { ViewTabs } from '#console/ui/ViewTabs.tsx'

const route = getRouteApi('/frame/access')

const views = [
  { value: 'roles', label: 'Roles', scope: 'access:read' },
  { value: 'grants', label: 'Grants', scope: 'access:read' },
  { value: 'teams', label: 'Teams', scope: 'access:read' },
  { value: 'rules', label: 'Circumstances', scope: 'access:read' },
  { value: 'why', label: 'Why can X see this?', scope: 'access:read' },
  { value: 'keys', label: 'API keys', scope: 'keys:read' },
  { value: 'clients', label: 'OAuth clients', scope: 'keys:read' },
] as const

/** What people, keys and clients may do, where, under which circumstances, and why. */
export function AccessPage() {
  const { can } = useSession()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const { view = 'roles', principal, scope, record, team } = search
  const change = (fields: Partial<AccessSearch>) =>
    void navigate({ search: { ...search, ...fields }, resetScroll: false })
  return (
    <>
      <PageHead
        title="Access"
        subtitle="What nothing allows is denied. What holds at a place holds for all below it, and a denial wins over every right."
        actions={
          <>
            {view === 'keys' && can('keys:read') && <ExportMenu {...keysExport} />}
            {view === 'why' && principal !== undefined && scope !== undefined && (
              <ExportMenu {...whyExport({ principal, scope, record, team })} />
            )}
          </>
        }
      />
      <ViewTabs
        label="Views of access"
        views={views}
        value={view}
        onChange={(value) => change({ view: value === 'roles' ? undefined : value })}
      >
        {(shown) => {
          if (shown === 'grants') return <GrantsView search={search} onChange={change} />
          if (shown === 'teams') return <TeamsView />
          if (shown === 'rules') return <RulesView />
          if (shown === 'why') return <WhyView search={search} onChange={change} />
          if (shown === 'keys') return <KeysView />
          if (shown === 'clients') return <ClientsView />
          return <RolesView />
        }}
      </ViewTabs>
    </>
  )
}
