import { Button, Skeleton } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconBellOff, IconCheck } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import type { Alert } from '#alerts/alert.schema.ts'
import { formatCount, formatInstant } from '#console/format.ts'
import { AcknowledgeDialog } from '#console/pages/alerts/AcknowledgeDialog.tsx'
import { alertsQuery } from '#console/pages/alerts/alerts.queries.ts'
import { MuteDialog } from '#console/pages/alerts/MuteDialog.tsx'
import type { AlertsStatus } from '#console/pages/alerts/alerts.search.ts'
import { Permitted } from '#console/ui/Permitted.tsx'
import { useSession } from '#console/session.ts'
import { Badge, type Tone } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { MoreRows } from '#console/ui/MoreRows.tsx'
import classes from './Alerts.module.css'

const tones: Record<Alert['severity'], Tone> = { info: 'info', warning: 'warn', critical: 'bad' }
const words: Record<Alert['severity'], string> = {
  info: 'Info',
  warning: 'Warning',
  critical: 'Critical',
}

/** The alerts of one state, the newest first. */
export function AlertList({ status }: { status: AlertsStatus }) {
  const alerts = useInfiniteQuery(alertsQuery(status))
  if (alerts.isError) return <Problem error={alerts.error} />
  if (!alerts.data) return <Skeleton height={200} m={18} w="auto" />
  const rows = alerts.data.pages.flatMap(({ data }) => data)
  if (rows.length === 0)
    return status === 'open' ? (
      <EmptyState title="Nothing is wrong">
        Every watch is looked at once a minute. What one finds stands here until it is gone.
      </EmptyState>
    ) : (
      <EmptyState title="Nothing was wrong">What is over stands here for 400 days.</EmptyState>
    )
  return (
    <>
      <ul className={classes.alerts}>
        {rows.map((alert) => (
          <AlertRow key={alert.id} alert={alert} />
        ))}
      </ul>
      <MoreRows
        count={rows.length}
        what="alerts"
        hasNextPage={alerts.hasNextPage}
        isFetchingNextPage={alerts.isFetchingNextPage}
        fetchNextPage={alerts.fetchNextPage}
      />
    </>
  )
}

function AlertRow({ alert }: { alert: Alert }) {
  const { can, timeZone } = useSession()
  const [isOpen, dialog] = useDisclosure()
  const [isMuting, muting] = useDisclosure()
  const mayWrite = can('alerts:write')
  const isOver = alert.state === 'resolved'
  return (
    <li className={classes.alert} data-alert>
      <div className={classes.main}>
        <h3 className={classes.title}>
          <Badge tone={isOver ? 'good' : tones[alert.severity]}>
            {isOver ? 'Over' : words[alert.severity]}
          </Badge>
          {alert.title}
        </h3>
        <p className={classes.summary}>{alert.summary}</p>
        <p className={classes.soft}>
          <code>{alert.watch}</code> · usually settled by {alert.ownerRole}
          {alert.openings > 1 && ` · began ${formatCount(alert.openings)} times`}
          {alert.mutedUntil && ` · muted until ${formatInstant(alert.mutedUntil, timeZone)}`}
        </p>
        <Acknowledged alert={alert} />
        <Told messages={alert.messages} />
      </div>
      <dl className={classes.facts}>
        <div>
          <dt>Began</dt>
          <dd>
            <Moment at={alert.firedAt ?? alert.since} />
          </dd>
        </div>
        {alert.resolvedAt && (
          <div>
            <dt>Over</dt>
            <dd>
              <Moment at={alert.resolvedAt} />
            </dd>
          </div>
        )}
      </dl>
      <div className={classes.actions}>
        {!isOver && alert.acknowledgedAt === null && (
          <Permitted isPermitted={mayWrite} scope="alerts:write">
            <Button
              size="xs"
              variant="default"
              leftSection={<IconCheck size={14} />}
              disabled={!mayWrite}
              onClick={dialog.open}
            >
              Acknowledge…
            </Button>
          </Permitted>
        )}
        {!isOver && mayWrite && (
          <Button
            size="xs"
            variant="subtle"
            color="gray"
            leftSection={<IconBellOff size={14} />}
            onClick={muting.open}
          >
            Mute…
          </Button>
        )}
        {alert.link !== '/alerts' && (
          <Button size="xs" variant="subtle" color="gray" component="a" href={alert.link}>
            Look at it
          </Button>
        )}
      </div>
      <AcknowledgeDialog opened={isOpen} onClose={dialog.close} alert={alert} />
      <MuteDialog opened={isMuting} onClose={muting.close} alert={alert} />
    </li>
  )
}

function Acknowledged({ alert }: { alert: Alert }) {
  if (alert.acknowledgedAt === null) return null
  return (
    <p className={classes.note}>
      <Badge tone="info">Somebody is at it</Badge> <Moment at={alert.acknowledgedAt} />
      {alert.note !== null && ` · ${alert.note}`}
    </p>
  )
}

/** Only what did not arrive is worth a line. */
function Told({ messages }: { messages: Alert['messages'] }) {
  const { pending, failed, lastError } = messages
  if (failed === 0 && (pending === 0 || lastError === null)) return null
  return (
    <p className={classes.note}>
      <Badge tone={failed > 0 ? 'bad' : 'warn'}>
        {failed > 0 ? `${failed} not delivered` : `${pending} not delivered yet`}
      </Badge>{' '}
      {lastError}
    </p>
  )
}
