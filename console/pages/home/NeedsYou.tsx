import { Skeleton } from '@mantine/core'
import { useQuery, type UseQueryResult } from '@tanstack/react-query'
import {
  IconAlertTriangle,
  IconClockExclamation,
  IconFileDownload,
  IconPlugConnectedX,
  IconUserQuestion,
  IconUsersGroup,
} from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import type { ComponentType, ReactNode } from 'react'
import { HOUR_MS } from '#core/time.ts'
import { withQuery } from '#console/api.ts'
import { formatCount, formatCounted } from '#console/format.ts'
import {
  CONFLICTS,
  conflictsQuery,
  OVERDUE,
  overdueQuery,
  UNROUTED,
  unroutedQuery,
  type Counted,
} from '#console/pages/home/home.queries.ts'
import { healthQuery, type ConnectionHealth } from '#console/pages/sync/sync.queries.ts'
import { useSession } from '#console/session.ts'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Moment, useNowMs } from '#console/ui/Moment.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import classes from './HomePage.module.css'

interface Need {
  key: string
  tone: 'bad' | 'warn'
  icon: ComponentType<{ size?: number; stroke?: number }>
  title: ReactNode
  detail: string
  oldestAt?: Date | null
}

/** Records that wait longer than this for the CRM want someone's eyes. */
const PENDING_OVERDUE_MS = HOUR_MS

const sources = [
  { scope: 'sync:read', what: 'sync' },
  { scope: 'tasks:read', what: 'follow-ups' },
  { scope: 'people:read', what: 'identity conflicts' },
  { scope: 'leads:read', what: 'leads without an owner' },
] as const

/** What only a person can decide, worst first. Parts that the person may not see are named, not left out silently. */
export function NeedsYou() {
  const { can } = useSession()
  const nowMs = useNowMs()
  const health = useQuery({ ...healthQuery, enabled: can('sync:read') })
  const overdue = useQuery({ ...overdueQuery, enabled: can('tasks:read') })
  const conflicts = useQuery({ ...conflictsQuery, enabled: can('people:read') })
  const unrouted = useQuery({ ...unroutedQuery, enabled: can('leads:read') })
  const parts: UseQueryResult[] = [health, overdue, conflicts, unrouted]
  const needs = [
    ...(health.data?.data ?? []).flatMap((connection) => connectionNeeds(connection, nowMs)),
    ...overdueNeed(overdue.data),
    ...conflictNeed(conflicts.data),
    ...unroutedNeed(unrouted.data),
  ].sort((a, b) => Number(b.tone === 'bad') - Number(a.tone === 'bad'))
  const failed = parts.flatMap(({ error }, i) => (error && sources[i] ? [sources[i].what] : []))
  const hidden = sources.filter(({ scope }) => !can(scope))
  const isLoading = parts.some(({ isLoading }) => isLoading)
  return (
    <Panel title="What needs you" flush>
      {isLoading && needs.length === 0 ? (
        <Skeleton height={220} m={18} w="auto" />
      ) : (
        <NeedList needs={needs} isConnected={(health.data?.data.length ?? 0) > 0} />
      )}
      {failed.length > 0 && (
        <p className={classes.notes} role="alert">
          Could not be read: {failed.join(', ')}. It is tried again within a minute.
        </p>
      )}
      {hidden.length > 0 && (
        <p className={classes.notes}>
          Not shown, as your roles lack the scope:{' '}
          {hidden.map(({ what, scope }) => `${what} (${scope})`).join(', ')}.
        </p>
      )}
    </Panel>
  )
}

function NeedList({ needs, isConnected }: { needs: readonly Need[]; isConnected: boolean }) {
  if (needs.length === 0) {
    return (
      <EmptyState title="Nothing needs you">
        {isConnected
          ? 'Sync runs clean, and nobody waits for an answer.'
          : 'No system is connected, and nobody waits for an answer.'}
      </EmptyState>
    )
  }
  return (
    <ul className={classes.needs}>
      {needs.map(({ key, tone, icon: Icon, title, detail, oldestAt }) => (
        <li key={key} className={classes.need}>
          <span className={classes.needIcon} data-tone={tone} aria-hidden>
            <Icon size={15} stroke={1.9} />
          </span>
          <div>
            <p className={classes.needTitle}>{title}</p>
            <p className={classes.needDetail}>{detail}</p>
          </div>
          {oldestAt ? (
            <span className={classes.needOld}>
              <Moment at={oldestAt} />
            </span>
          ) : (
            <span />
          )}
        </li>
      ))}
    </ul>
  )
}

function toSync(connectionId: string, text: string) {
  return (
    <Link to="/sync" hash={connectionId} data-row-link>
      {text}
    </Link>
  )
}

function connectionNeeds(connection: ConnectionHealth, nowMs: number): Need[] {
  const { connectionId, name, state, errors, pending } = connection
  const needs: Need[] = errors.map((group) => ({
    key: `${connectionId} ${group.stream} ${group.code}`,
    tone: 'bad',
    icon: IconAlertTriangle,
    title: toSync(connectionId, `${group.title}: ${records(group.count)}`),
    detail: `${name}, ${group.stream}. ${group.whatToDo}`,
    oldestAt: group.oldestAt,
  }))
  if (state === 'needs_login') {
    needs.unshift({
      key: `${connectionId} login`,
      tone: 'bad',
      icon: IconPlugConnectedX,
      title: toSync(connectionId, `${name} needs a new login`),
      detail: 'Nothing is lost: what waits is sent as soon as the credentials are renewed.',
    })
  }
  if (pending.oldestAt && nowMs - pending.oldestAt.getTime() > PENDING_OVERDUE_MS) {
    needs.push({
      key: `${connectionId} pending`,
      tone: 'warn',
      icon: IconClockExclamation,
      title: toSync(connectionId, `${records(pending.count)} wait to be sent to ${name}`),
      detail: `The oldest waits for more than an hour${
        pending.held > 0 ? `; ${formatCount(pending.held)} are held back after a refusal` : ''
      }.`,
      oldestAt: pending.oldestAt,
    })
  }
  return needs
}

function records(count: number): string {
  return formatCounted(count, 'records')
}

function counted({ count, isMore }: Counted): string {
  return isMore ? `More than ${formatCount(count)}` : formatCount(count)
}

/** These lists have no page yet: they open as CSV. */
function toList({ path, fields }: { path: string; fields: Record<string, string> }, text: string) {
  return (
    <a href={withQuery(path, { ...fields, format: 'csv' })} data-row-link>
      {text} <IconFileDownload size={13} aria-label="CSV" />
    </a>
  )
}

function overdueNeed(found: (Counted & { escalated: number }) | undefined): Need[] {
  if (!found || found.count === 0) return []
  return [
    {
      key: 'overdue',
      tone: found.escalated > 0 ? 'bad' : 'warn',
      icon: IconClockExclamation,
      title: toList(OVERDUE, `${counted(found)} follow-ups are overdue`),
      detail:
        found.escalated > 0
          ? `${formatCount(found.escalated)} are escalated: nobody answered these leads in time.`
          : 'None is escalated yet.',
    },
  ]
}

function conflictNeed(found: Counted | undefined): Need[] {
  if (!found || found.count === 0) return []
  return [
    {
      key: 'conflicts',
      tone: 'warn',
      icon: IconUsersGroup,
      title: toList(CONFLICTS, `${counted(found)} identity conflicts`),
      detail: 'Identifiers that belong to two people. They are never merged without a decision.',
    },
  ]
}

function unroutedNeed(found: Counted | undefined): Need[] {
  if (!found || found.count === 0) return []
  return [
    {
      key: 'unrouted',
      tone: 'warn',
      icon: IconUserQuestion,
      title: toList(UNROUTED, `${counted(found)} leads have no owner`),
      detail: 'No routing rule fits and there is no fallback owner.',
    },
  ]
}
