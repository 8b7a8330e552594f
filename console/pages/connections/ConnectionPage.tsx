import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { AllowanceNote } from '#console/pages/connections/AllowanceNote.tsx'
import { ApprovalPanel } from '#console/pages/connections/ApprovalPanel.tsx'
import { StateBadges } from '#console/pages/connections/ConnectionCard.tsx'
import { ConnectionActions } from '#console/pages/connections/ConnectionActions.tsx'
import { ConnectionSettings } from '#console/pages/connections/ConnectionSettings.tsx'
import { connectionQuery } from '#console/pages/connections/connections.queries.ts'
import { Streams } from '#console/pages/connections/Streams.tsx'
import { CallPlanButton } from '#console/pages/sync/CallPlanButton.tsx'
import { vendorLabel } from '#console/pages/sync/sync-words.ts'
import { useSession } from '#console/session.ts'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { LockedPane } from '#console/ui/LockedPane.tsx'
import { PageHead } from '#console/ui/PageHead.tsx'
import { PageSkeleton } from '#console/ui/PageSkeleton.tsx'

const route = getRouteApi('/frame/connections/$connectionId')

/** One connection: its streams, what it may do, and who signed it. */
export function ConnectionPage() {
  const { can } = useSession()
  const { connectionId } = route.useParams()
  const isOpen = can('connections:read')
  const connection = useQuery({ ...connectionQuery(connectionId), enabled: isOpen })
  if (!isOpen) return <LockedPane what="Connections" scope="connections:read" />
  if (connection.isError) return <Problem error={connection.error} isPage />
  if (!connection.data) return <PageSkeleton />
  const { id, name, vendor, account, dailyCalls } = connection.data
  return (
    <>
      <PageHead
        parent={{ label: 'Connections', to: '/connections' }}
        title={name}
        subtitle={`${vendorLabel(vendor)}${account === null ? '' : ` · ${account}`}`}
        badges={<StateBadges connection={connection.data} />}
        actions={<CallPlanButton connectionId={id} name={name} />}
        filters={<ConnectionActions connection={connection.data} />}
      />
      {dailyCalls !== null && <AllowanceNote connectionId={id} />}
      <Streams connectionId={id} />
      <ApprovalPanel connectionId={id} />
      <ConnectionSettings connection={connection.data} />
    </>
  )
}
