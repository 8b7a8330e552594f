import { Button } from '@mantine/core'
import {
  IconArrowDownLeft,
  IconArrowUpRight,
  IconPlayerPause,
  IconPlayerPlay,
  IconRefresh,
} from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { useId, type ReactNode } from 'react'
import { MINUTE_MS } from '#core/time.ts'
import { formatCount, formatDuration } from '#console/format.ts'
import { changeConnection } from '#console/pages/connections/connections.queries.ts'
import { CallPlanButton } from '#console/pages/sync/CallPlanButton.tsx'
import { MakePlanButton } from '#console/pages/sync/MakePlanButton.tsx'
import {
  connectionStates,
  formatCadence,
  runStates,
  vendorLabel,
} from '#console/pages/sync/sync-words.ts'
import { startRun, type ConnectionHealth } from '#console/pages/sync/sync.queries.ts'
import { useAction } from '#console/pages/sync/use-action.ts'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { Permitted } from '#console/ui/Permitted.tsx'
import classes from './Sync.module.css'

/** One connected system: its state, its streams by age, what waits to be sent, and what can be done. */
export function ConnectionTile({ connection }: { connection: ConnectionHealth }) {
  const { connectionId, name, vendor, state, isStale, streams, pending, callsToday } = connection
  const { lastRun, nextRunAt, lastSuccessAt } = connection
  const titleId = useId()
  const run = lastRun && runStates[lastRun.state as keyof typeof runStates]
  return (
    <li className={classes.tile} id={connectionId} aria-labelledby={titleId}>
      <div className={classes.tileHead}>
        <div>
          <h2 id={titleId} className={classes.tileTitle}>
            <Link to="/connections/$connectionId" params={{ connectionId }}>
              {name}
            </Link>
          </h2>
          <p className={classes.tileVendor}>{vendorLabel(vendor)}</p>
        </div>
        <span className={classes.badges}>
          <Badge tone={connectionStates[state].tone}>{connectionStates[state].label}</Badge>
          {isStale && <Badge tone="warn">Stale</Badge>}
        </span>
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
          <Moment at={state === 'active' ? nextRunAt : null} none="None planned" />
        </Fact>
        <Fact label="Fresh as of" title="The oldest last success of its streams">
          <Moment at={lastSuccessAt} none="Never" />
        </Fact>
        <Fact label="To be sent">
          {formatCount(pending.count)}
          {pending.held > 0 && (
            <span
              className={classes.soft}
              title="Held back after a refusal, until a retry or a change"
            >
              {' '}
              ({formatCount(pending.held)} held)
            </span>
          )}
        </Fact>
        <Fact label="Calls today">{formatCount(callsToday)}</Fact>
      </dl>
      <Streams streams={streams} />
      <Actions connection={connection} />
    </li>
  )
}

function Fact({ label, title, children }: { label: string; title?: string; children: ReactNode }) {
  return (
    <div>
      <dt title={title}>{label}</dt>
      <dd>{children}</dd>
    </div>
  )
}

function Streams({ streams }: { streams: ConnectionHealth['streams'] }) {
  return (
    <ul className={classes.streams} aria-label="Streams">
      {streams.map(({ name, direction, paused, everyMinutes, ageMinutes, isStale }) => (
        <li key={name}>
          {direction === 'pull' ? (
            <IconArrowDownLeft size={14} stroke={2} aria-label="in" />
          ) : (
            <IconArrowUpRight size={14} stroke={2} aria-label="out" />
          )}
          <span className={classes.streamName}>{name}</span>
          <span className={classes.soft}>{formatCadence(everyMinutes)}</span>
          <span className={classes.age} data-stale={isStale || undefined}>
            {paused
              ? 'paused'
              : ageMinutes === null
                ? 'not yet run'
                : `${formatDuration(ageMinutes * MINUTE_MS)} old${isStale ? ', stale' : ''}`}
          </span>
        </li>
      ))}
    </ul>
  )
}

function Actions({ connection: { connectionId, name, state } }: { connection: ConnectionHealth }) {
  const { can } = useSession()
  const mayRun = can('sync:write')
  const mayChange = can('connections:write')
  const run = useAction(() => startRun(connectionId), `A run of ${name} is queued.`)
  const next = state === 'paused' ? 'active' : 'paused'
  const change = useAction(
    () => changeConnection(connectionId, { state: next }),
    next === 'paused' ? `${name} is paused. Changes wait and are not lost.` : `${name} runs again.`,
  )
  return (
    <div className={classes.tileActions}>
      <Permitted isPermitted={mayRun} scope="sync:write">
        <Button
          size="xs"
          variant="default"
          leftSection={<IconRefresh size={14} />}
          disabled={!mayRun || state === 'paused'}
          loading={run.isPending}
          onClick={() => run.mutate()}
        >
          Run now
        </Button>
      </Permitted>
      <Permitted isPermitted={mayChange} scope="connections:write">
        <Button
          size="xs"
          variant="default"
          leftSection={
            next === 'paused' ? <IconPlayerPause size={14} /> : <IconPlayerPlay size={14} />
          }
          disabled={!mayChange}
          loading={change.isPending}
          onClick={() => change.mutate()}
        >
          {next === 'paused' ? 'Pause' : 'Resume'}
        </Button>
      </Permitted>
      <MakePlanButton connectionId={connectionId} name={name} isPaused={state === 'paused'} />
      <CallPlanButton connectionId={connectionId} name={name} />
    </div>
  )
}
