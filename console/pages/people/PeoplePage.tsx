import { useInfiniteQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import { EmailSearch } from '#console/pages/people/EmailSearch.tsx'
import { peopleExport, peopleQuery, type PersonRow } from '#console/pages/people/people.queries.ts'
import { PersonLink } from '#console/pages/people/PersonName.tsx'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { FieldValue } from '#console/ui/FieldValue.tsx'
import { FilterSelect } from '#console/ui/Filters.tsx'
import { LockedPane } from '#console/ui/LockedPane.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { PagedTable } from '#console/ui/PagedTable.tsx'
import { PageHead } from '#console/ui/PageHead.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import type { Column } from '#console/ui/Table.tsx'

const route = getRouteApi('/frame/people')

const kinds = [
  { value: '', label: 'Everybody' },
  { value: 'true', label: 'Known people' },
  { value: 'false', label: 'Anonymous visitors' },
] as const

/** Everybody that the hub knows of, the newest first; each leads to who they are and what they did. */
export function PeoplePage() {
  const { can } = useSession()
  const { identified } = route.useSearch()
  const navigate = route.useNavigate()
  const [email, setEmail] = useState<string | undefined>()
  const isOpen = can('people:read')
  const filter = { email, identified }
  const people = useInfiniteQuery({ ...peopleQuery(filter), enabled: isOpen })
  if (!isOpen) return <LockedPane what="People" scope="people:read" />
  return (
    <>
      <PageHead
        title="People"
        subtitle="Who came, by all that names them: one person, however many addresses, browsers and systems."
        actions={<ExportMenu {...peopleExport(filter)} />}
        filters={
          <>
            <EmailSearch value={email} onSearch={setEmail} />
            <FilterSelect
              label="Show"
              value={identified ?? ''}
              options={kinds}
              onChange={(value) =>
                void navigate({
                  search: { identified: value === '' ? undefined : value },
                  resetScroll: false,
                })
              }
            />
          </>
        }
      />
      <Panel title="Everybody" hint="The newest come first. j and k go through them." flush>
        <PagedTable<PersonRow>
          query={people}
          caption="People"
          what="people"
          columns={columns}
          rowKey={({ id }) => id}
          empty={<NoPeople email={email} isFiltered={identified !== undefined} />}
        />
      </Panel>
    </>
  )
}

function NoPeople({ email, isFiltered }: { email: string | undefined; isFiltered: boolean }) {
  if (email !== undefined)
    return (
      <EmptyState title="Nobody has this address">
        Only whole addresses are found. Check the spelling, or look at all people.
      </EmptyState>
    )
  if (isFiltered)
    return <EmptyState title="Nobody of this kind">Show everybody to see the others.</EmptyState>
  return (
    <EmptyState title="Nobody yet">
      People come with the first touch, lead or import. Connect a system under Sync health, or send
      a touch to <code>POST /api/v1/touchpoints</code>.
    </EmptyState>
  )
}

const columns: Column<PersonRow>[] = [
  { title: 'Person', isHeader: true, cell: (person) => <PersonLink person={person} isRow /> },
  {
    title: 'Known',
    cell: ({ identified }) =>
      identified ? <Badge tone="good">Known</Badge> : <Badge tone="plain">Anonymous</Badge>,
  },
  { title: 'E-mail', cell: ({ email }) => <FieldValue value={email} /> },
  { title: 'Phone', cell: ({ phone }) => <FieldValue value={phone} /> },
  { title: 'Country', cell: ({ country }) => <FieldValue value={country} /> },
  { title: 'First seen', align: 'end', cell: ({ createdAt }) => <Moment at={createdAt} /> },
  { title: 'Changed', align: 'end', cell: ({ updatedAt }) => <Moment at={updatedAt} /> },
]
