import { Button } from '@mantine/core'
import { IconX } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { ConflictDrawer } from '#console/pages/conflicts/ConflictDrawer.tsx'
import { ConflictList } from '#console/pages/conflicts/ConflictList.tsx'
import { conflictsExport, type ConflictFilter } from '#console/pages/conflicts/conflicts.queries.ts'
import type { ConflictsSearch } from '#console/pages/conflicts/conflicts.search.ts'
import { Rehearsal } from '#console/pages/conflicts/Rehearsal.tsx'
import { healthQuery } from '#console/pages/sync/sync.queries.ts'
import { useSession } from '#console/session.ts'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { FilterSelect } from '#console/ui/Filters.tsx'
import { LockedPane } from '#console/ui/LockedPane.tsx'
import { PageHead } from '#console/ui/PageHead.tsx'
import { NotRead } from '#console/ui/ErrorPane.tsx'

const route = getRouteApi('/frame/conflicts')

const states = [
  { value: 'open', label: 'Open' },
  { value: 'resolved', label: 'Decided here' },
  { value: 'agreed', label: 'Settled by hand' },
] as const

/** Fields that both sides changed and that only a person decides; beside them, what a rule would have done. */
export function ConflictsPage() {
  const { can, principal } = useSession()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const isOpen = can('conflicts:read')
  const health = useQuery({ ...healthQuery, enabled: isOpen && can('sync:read') })
  if (!isOpen) return <LockedPane what="Conflicts" scope="conflicts:read" />
  const { state = 'open', connectionId, field, owner, overdue } = search
  const filter: ConflictFilter = { state, connectionId, field, owner, overdue }
  const change = (fields: Partial<ConflictsSearch>) =>
    void navigate({ search: { ...search, ...fields }, resetScroll: false })
  const systems = (health.data?.data ?? []).map((row) => ({
    value: row.connectionId as string,
    label: row.name,
  }))
  const nameOf = (id: string) => systems.find(({ value }) => value === id)?.label ?? 'The CRM'
  return (
    <>
      <PageHead
        title="Conflicts"
        subtitle="Both sides changed the field since they last agreed. Neither value is overwritten until somebody decides."
        actions={<ExportMenu {...conflictsExport(filter)} />}
        filters={
          <>
            <FilterSelect
              label="State"
              value={state}
              options={states}
              onChange={(value) => change({ state: value === 'open' ? undefined : value })}
            />
            <FilterSelect
              label="System"
              value={connectionId ?? ''}
              options={[{ value: '', label: 'All' }, ...systems]}
              onChange={(value) => change({ connectionId: value || undefined, policy: undefined })}
            />
            <FilterSelect
              label="Owner"
              value={owner === undefined ? '' : 'me'}
              options={[
                { value: '', label: 'Anybody' },
                { value: 'me', label: 'Me' },
              ]}
              onChange={(value) => change({ owner: value === '' ? undefined : principal.id })}
            />
            <FilterSelect
              label="Due"
              value={overdue ?? ''}
              options={[
                { value: '' as const, label: 'Any time' },
                { value: 'true' as const, label: 'Overdue' },
              ]}
              onChange={(value) => change({ overdue: value === '' ? undefined : value })}
            />
            {field !== undefined && (
              <Button
                size="xs"
                h={30}
                variant="default"
                rightSection={<IconX size={13} aria-hidden />}
                aria-label={`Remove the filter for the field ${field}`}
                onClick={() => change({ field: undefined, policy: undefined, stream: undefined })}
              >
                Field {field}
              </Button>
            )}
          </>
        }
      />
      <NotRead what="The names of systems" error={health.error} />
      <Rehearsal nameOf={nameOf} />
      <ConflictList
        key={`${state} ${connectionId} ${field} ${owner} ${overdue}`}
        filter={filter}
        nameOf={nameOf}
      />
      <ConflictDrawer nameOf={nameOf} />
    </>
  )
}
