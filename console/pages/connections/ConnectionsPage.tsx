import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Catalogue } from '#console/pages/connections/Catalogue.tsx'
import { ConnectionCard } from '#console/pages/connections/ConnectionCard.tsx'
import { Disconnections } from '#console/pages/connections/Disconnections.tsx'
import { connectionsQuery } from '#console/pages/connections/connections.queries.ts'
import { healthQuery } from '#console/pages/sync/sync.queries.ts'
import { useSession } from '#console/session.ts'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { LockedNote, LockedPane } from '#console/ui/LockedPane.tsx'
import { MoreRows } from '#console/ui/MoreRows.tsx'
import { PageHead } from '#console/ui/PageHead.tsx'
import { PageSkeleton } from '#console/ui/PageSkeleton.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import classes from './Connections.module.css'

/** What is connected, how it does, and what else can be. */
export function ConnectionsPage() {
  const { can } = useSession()
  const isOpen = can('connections:read')
  const mayHealth = can('sync:read')
  const connections = useInfiniteQuery({ ...connectionsQuery(), enabled: isOpen })
  const health = useQuery({ ...healthQuery, enabled: isOpen && mayHealth })
  if (!isOpen) return <LockedPane what="Connections" scope="connections:read" />
  if (connections.isError) return <Problem error={connections.error} isPage />
  if (!connections.data) return <PageSkeleton />
  const rows = connections.data.pages.flatMap(({ data }) => data)
  const healthOf = new Map((health.data?.data ?? []).map((one) => [one.connectionId, one]))
  return (
    <>
      <PageHead
        title="Connections"
        subtitle="The systems that this workspace reads from and writes to. Credentials are sealed and never shown again."
      />
      {!mayHealth && <LockedNote what="How the connections do" scope="sync:read" />}
      {health.isError && <Problem error={health.error} />}
      {rows.length === 0 ? (
        <Panel title="Connected systems">
          <EmptyState title="No system is connected yet">
            Choose one below. Without an account of your own, start a sandbox with{' '}
            <code>npm run sandbox</code> and connect that: it behaves as HubSpot does, and prints
            the address and the token to put into the form.
          </EmptyState>
        </Panel>
      ) : (
        <>
          <ul className={classes.tiles} aria-label="Connected systems">
            {rows.map((connection) => (
              <ConnectionCard
                key={connection.id}
                connection={connection}
                health={healthOf.get(connection.id) ?? null}
              />
            ))}
          </ul>
          {connections.hasNextPage && (
            <MoreRows
              count={rows.length}
              what="connections"
              hasNextPage={connections.hasNextPage}
              isFetchingNextPage={connections.isFetchingNextPage}
              fetchNextPage={connections.fetchNextPage}
            />
          )}
        </>
      )}
      <Disconnections />
      <Catalogue />
    </>
  )
}
