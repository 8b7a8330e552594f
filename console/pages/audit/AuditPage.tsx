import { getRouteApi } from '@tanstack/react-router'
import { auditExport, checkpointsExport } from '#console/pages/audit/audit.queries.ts'
import type { AuditSearch } from '#console/pages/audit/audit.search.ts'
import { AuditLog } from '#console/pages/audit/AuditLog.tsx'
import { ProofView } from '#console/pages/audit/ProofView.tsx'
import { useSession } from '#console/session.ts'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { LockedPane } from '#console/ui/LockedPane.tsx'
import { PageHead } from '#console/ui/PageHead.tsx'
import { ViewTabs } from '#console/ui/ViewTabs.tsx'

const route = getRouteApi('/frame/audit')

const views = [
  { value: 'log', label: 'Log', scope: 'audit:read' },
  { value: 'proof', label: 'Proof', scope: 'audit:read' },
] as const

/** Who did what, when and under which request; and the proof that nothing of it was changed since. */
export function AuditPage() {
  const { can, timeZone } = useSession()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const { view = 'log' } = search
  const change = (fields: Partial<AuditSearch>) =>
    void navigate({ search: { ...search, ...fields }, resetScroll: false })
  if (!can('audit:read')) return <LockedPane what="The audit log" scope="audit:read" />
  return (
    <>
      <PageHead
        title="Audit"
        subtitle="Every act of a person, key or client, and who read personal data. Entries hold ids and names of fields; personal values stay out, so that an erasure leaves the log whole."
        actions={
          <ExportMenu {...(view === 'log' ? auditExport(search, timeZone) : checkpointsExport)} />
        }
      />
      <ViewTabs
        label="Views of the audit log"
        views={views}
        value={view}
        onChange={(value) => change({ view: value === 'log' ? undefined : value })}
      >
        {(shown) =>
          shown === 'proof' ? (
            <ProofView onOpen={(entry) => change({ view: undefined, entry })} />
          ) : (
            <AuditLog search={search} onChange={change} />
          )
        }
      </ViewTabs>
    </>
  )
}
