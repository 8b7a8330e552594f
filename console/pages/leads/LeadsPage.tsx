import { Tabs } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import { LeadInbox } from '#console/pages/leads/LeadInbox.tsx'
import { leadsExport, ownersQuery } from '#console/pages/leads/leads.queries.ts'
import type { LeadsSearch } from '#console/pages/leads/leads.search.ts'
import { EmailSearch } from '#console/pages/people/EmailSearch.tsx'
import { shortId } from '#console/pages/sync/RecordName.tsx'
import { useSession } from '#console/session.ts'
import { NotRead } from '#console/ui/ErrorPane.tsx'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { MASK } from '#console/ui/FieldValue.tsx'
import { FilterSelect } from '#console/ui/Filters.tsx'
import { LockedPane } from '#console/ui/LockedPane.tsx'
import { PageHead } from '#console/ui/PageHead.tsx'
import { Panel } from '#console/ui/Panel.tsx'

const route = getRouteApi('/frame/leads')

const tabs = [
  { value: 'new', label: 'New' },
  { value: 'unassigned', label: 'Unassigned' },
  { value: 'overdue', label: 'Overdue' },
  { value: 'all', label: 'All' },
] as const

/** Leads as they come in, with why each has its score and its owner, and until when somebody is to follow up. */
export function LeadsPage() {
  const { can } = useSession()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const [email, setEmail] = useState<string | undefined>()
  const isOpen = can('leads:read')
  const owners = useQuery({ ...ownersQuery, enabled: isOpen && can('owners:read') })
  if (!isOpen) return <LockedPane what="Leads" scope="leads:read" />
  const { view = 'new', owner, mql, least } = search
  const change = (fields: Partial<LeadsSearch>) =>
    void navigate({ search: { ...search, ...fields }, resetScroll: false })
  const named = (owners.data ?? []).map(({ id, name }) => ({
    value: id as string,
    label: name === MASK ? shortId(id) : name,
  }))
  return (
    <>
      <PageHead
        title="Leads"
        subtitle="Decide who is worked on. Each lead says why it has its score and its owner."
        actions={<ExportMenu {...leadsExport(search, email)} />}
        filters={
          <>
            <EmailSearch value={email} onSearch={setEmail} />
            {view !== 'unassigned' && (
              <FilterSelect
                label="Owner"
                value={owner ?? ''}
                options={[{ value: '', label: 'Anybody' }, ...named]}
                onChange={(value) => change({ owner: value || undefined })}
              />
            )}
            <FilterSelect
              label="Qualified by score"
              value={mql ?? ''}
              options={[
                { value: '' as const, label: 'All' },
                { value: 'true' as const, label: 'Yes' },
                { value: 'false' as const, label: 'No' },
              ]}
              onChange={(value) => change({ mql: value === '' ? undefined : value })}
            />
            <FilterSelect
              label="Score"
              value={least ?? ''}
              options={[
                { value: '' as const, label: 'Any' },
                { value: '25' as const, label: 'From 25' },
                { value: '50' as const, label: 'From 50' },
                { value: '75' as const, label: 'From 75' },
              ]}
              onChange={(value) => change({ least: value === '' ? undefined : value })}
            />
          </>
        }
      />
      <NotRead what="Names of owners" error={owners.error} />
      <Panel
        title="Inbox"
        hint="The newest come first. j and k go through them, Enter opens, a accepts, r rejects, e gives to another owner, x selects for an act on many."
        flush
      >
        <Tabs
          value={view}
          keepMounted={false}
          onChange={(next) => {
            const chosen = tabs.find(({ value }) => value === next)?.value
            change({ view: chosen === 'new' ? undefined : chosen })
          }}
        >
          <Tabs.List aria-label="Leads by what they wait for" px={10}>
            {tabs.map(({ value, label }) => (
              <Tabs.Tab key={value} value={value}>
                {label}
              </Tabs.Tab>
            ))}
          </Tabs.List>
          {tabs.map(({ value }) => (
            <Tabs.Panel key={value} value={value}>
              <LeadInbox key={JSON.stringify([search, email])} search={search} email={email} />
            </Tabs.Panel>
          ))}
        </Tabs>
      </Panel>
    </>
  )
}
