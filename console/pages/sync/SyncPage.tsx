import { Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { ErrorGroups } from '#console/pages/sync/ErrorGroups.tsx'
import { ConnectionTile } from '#console/pages/sync/ConnectionTile.tsx'
import { Plans } from '#console/pages/sync/Plans.tsx'
import { Runs } from '#console/pages/sync/Runs.tsx'
import { healthQuery, type ConnectionHealth } from '#console/pages/sync/sync.queries.ts'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { LockedPane } from '#console/ui/LockedPane.tsx'
import { PageHead } from '#console/ui/PageHead.tsx'
import { PageSkeleton } from '#console/ui/PageSkeleton.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import classes from './Sync.module.css'

/** How each connection does, what someone has to see to, and every run. */
export function SyncPage() {
  const { can } = useSession()
  const isOpen = can('sync:read')
  const health = useQuery({ ...healthQuery, enabled: isOpen })
  if (!isOpen) return <LockedPane what="Sync health" scope="sync:read" />
  if (health.isError) return <Problem error={health.error} isPage />
  if (!health.data) return <PageSkeleton />
  const connections = health.data.data
  return (
    <>
      <PageHead
        title="Sync health"
        subtitle="Every record in every run has an outcome, and every failure a cause and a next step."
        badges={<Overall connections={connections} />}
        actions={
          <Button
            size="xs"
            h={30}
            variant="default"
            renderRoot={(props) => <Link {...props} to="/sync/backfills" />}
          >
            Backfills
          </Button>
        }
      />
      {connections.length === 0 ? (
        <Panel title="Connections">
          <EmptyState title="No system is connected yet">
            <Link to="/connections" className="tl-link">
              Connect a CRM
            </Link>
            , or a sandbox of one (<code>npm run sandbox</code>): it then stands here with its runs.
          </EmptyState>
        </Panel>
      ) : (
        <>
          <ul className={classes.tiles} aria-label="Connections">
            {connections.map((connection) => (
              <ConnectionTile key={connection.connectionId} connection={connection} />
            ))}
          </ul>
          <Plans connections={connections} />
          <ErrorGroups connections={connections} />
          <Runs connections={connections} />
        </>
      )}
    </>
  )
}

function Overall({ connections }: { connections: readonly ConnectionHealth[] }) {
  if (connections.length === 0) return null
  const errors = connections.reduce(
    (sum, { errors }) => sum + errors.reduce((count, group) => count + group.count, 0),
    0,
  )
  const isLogin = connections.some(({ state }) => state === 'needs_login')
  const isStale = connections.some((connection) => connection.isStale)
  if (errors > 0 || isLogin) return <Badge tone="bad">Needs someone</Badge>
  if (isStale) return <Badge tone="warn">Stale</Badge>
  return <Badge tone="good">All fresh</Badge>
}
