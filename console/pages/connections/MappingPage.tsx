import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { connectionQuery } from '#console/pages/connections/connections.queries.ts'
import { findMapping } from '#console/pages/connections/draft.ts'
import { FreeFields } from '#console/pages/connections/FreeFields.tsx'
import {
  mappingsQuery,
  previewQuery,
  vendorFieldsQuery,
} from '#console/pages/connections/mapping.queries.ts'
import type { MappingSearch } from '#console/pages/connections/mapping.search.ts'
import { MappingTable } from '#console/pages/connections/MappingTable.tsx'
import { RuleDrawer } from '#console/pages/connections/RuleDrawer.tsx'
import { useSession } from '#console/session.ts'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { LockedNote, LockedPane } from '#console/ui/LockedPane.tsx'
import { PageHead } from '#console/ui/PageHead.tsx'
import { PageSkeleton } from '#console/ui/PageSkeleton.tsx'

const route = getRouteApi('/frame/connections/$connectionId/streams/$stream')

/** Which field of the hub is which of the CRM, which way it goes, and who wins. */
export function MappingPage() {
  const { can } = useSession()
  const place = route.useParams()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const isOpen = can('connections:read')
  const maySee = can('conflicts:read')
  const connection = useQuery({ ...connectionQuery(place.connectionId), enabled: isOpen })
  const mappings = useQuery({ ...mappingsQuery(place), enabled: isOpen })
  const vendorFields = useQuery({ ...vendorFieldsQuery(place), enabled: isOpen })
  const samples = useQuery({ ...previewQuery(place, null), enabled: isOpen && maySee })
  if (!isOpen) return <LockedPane what="Mappings" scope="connections:read" />
  const error = connection.error ?? mappings.error
  if (error) return <Problem error={error} isPage />
  if (!connection.data || !mappings.data) return <PageSkeleton />
  const open = (next: MappingSearch) => void navigate({ search: next, resetScroll: false })
  const { name } = connection.data
  const fields = vendorFields.data ?? []
  return (
    <>
      <PageHead
        parent={{ label: 'Connections', to: '/connections' }}
        title={`Mapping of ${place.stream}`}
        subtitle={
          <>
            Between the hub and{' '}
            <Link
              to="/connections/$connectionId"
              params={{ connectionId: place.connectionId }}
              className="tl-link"
            >
              {name}
            </Link>
            . A change is rehearsed before it is kept; each domain that the connection touches then
            signs again.
          </>
        }
      />
      {!maySee && <LockedNote what="Samples" scope="conflicts:read" />}
      {samples.isError && <Problem error={samples.error} />}
      <MappingTable
        name={name}
        mappings={mappings.data.data}
        vendorFields={fields}
        samples={samples.data?.records ?? []}
      />
      <FreeFields name={name} query={vendorFields} mappings={mappings.data} />
      {(search.field !== undefined || search.property !== undefined) && (
        <RuleDrawer
          key={`${search.field} ${search.property}`}
          place={place}
          name={name}
          mappings={mappings.data}
          mapping={findMapping(mappings.data, search)}
          wanted={search}
          vendorFields={vendorFields}
          onOpen={open}
        />
      )}
    </>
  )
}
