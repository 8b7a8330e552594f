import { Link } from '@tanstack/react-router'
import { useId, type ReactNode } from 'react'
import { formatCount } from '#console/format.ts'
import { ApprovalBadge } from '#console/pages/connections/ApprovalPanel.tsx'
import { ConnectionActions } from '#console/pages/connections/ConnectionActions.tsx'
import { expiryOf } from '#console/pages/connections/connection-words.ts'
import type { Connection } from '#console/pages/connections/connections.queries.ts'
import { connectionStates, runStates, vendorLabel } from '#console/pages/sync/sync-words.ts'
import type { ConnectionHealth } from '#console/pages/sync/sync.queries.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { Meter } from '#console/ui/Meter.tsx'
import { Moment, useNowMs } from '#console/ui/Moment.tsx'
import classes from './Connections.module.css'

/** A connected system at a glance: state, approval, credentials, runs and calls. */
export function ConnectionCard({
  connection,
  health,
}: {
  connection: Connection
  /** Null where it is not known, or not to be seen. */
  health: ConnectionHealth | null
}) {
  const { id, name, vendor, account } = connection
  const titleId = useId()
  const lastRun = health?.lastRun ?? null
  const run = lastRun && runStates[lastRun.state as keyof typeof runStates]
  return (
    <li className={classes.tile} aria-labelledby={titleId}>
      <div className={classes.tileHead}>
        <div>
          <h2 id={titleId} className={classes.tileTitle}>
            <Link to="/connections/$connectionId" params={{ connectionId: id }} data-row-link>
              {name}
            </Link>
          </h2>
          <p className={classes.soft}>
            {vendorLabel(vendor)}
            {account !== null && ` · ${account}`}
          </p>
        </div>
        <StateBadges connection={connection} />
      </div>
      <dl className={classes.facts}>
        <Fact label="Last run">
          {lastRun && run ? (
            <Link to="/sync/runs/$runId" params={{ runId: lastRun.id }} className="tl-link">
              {run.label} <Moment at={lastRun.endedAt} none="now" />
            </Link>
          ) : (
            'None yet'
          )}
        </Fact>
        <Fact label="Next run">
          <Moment
            at={connection.state === 'active' ? (health?.nextRunAt ?? null) : null}
            none="None planned"
          />
        </Fact>
        <Fact label="Calls today" isWide>
          <Calls connection={connection} calls={health?.callsToday ?? null} />
        </Fact>
        <Fact label="Credentials given">
          <Moment at={connection.credentialsAt} none="Before this was noted" />
        </Fact>
      </dl>
      <ConnectionActions connection={connection} />
    </li>
  )
}

export function StateBadges({ connection }: { connection: Connection }) {
  const { label, tone } = connectionStates[connection.state]
  const expiry = expiryOf(connection, useNowMs())
  return (
    <span className={classes.badges}>
      <Badge tone={tone}>{label}</Badge>
      <ApprovalBadge connectionId={connection.id} />
      {expiry && <Badge tone={expiry.tone}>{expiry.label}</Badge>}
    </span>
  )
}

function Calls({
  connection: { dailyCalls },
  calls,
}: {
  connection: Connection
  calls: number | null
}) {
  if (calls === null) return '—'
  if (dailyCalls === null) return `${formatCount(calls)}, no allowance set`
  const left = Math.max(0, dailyCalls - calls)
  const share = calls / dailyCalls
  return (
    <Meter share={share} mark={0.8} tone={share >= 1 ? 'bad' : share >= 0.8 ? 'warn' : undefined}>
      {formatCount(calls)} used, {formatCount(left)} left
    </Meter>
  )
}

function Fact({
  label,
  isWide = false,
  children,
}: {
  label: string
  isWide?: boolean
  children: ReactNode
}) {
  return (
    <div data-wide={isWide || undefined}>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  )
}
