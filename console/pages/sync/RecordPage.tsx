import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import type { z } from 'zod'
import type { Journey } from '#sync/run.schema.ts'
import { formatCount, formatInstant, formatMinute, formatWord } from '#console/format.ts'
import { shortId } from '#console/pages/sync/RecordName.tsx'
import { outcomes } from '#console/pages/sync/sync-words.ts'
import { healthQuery, journeyExport, journeyQuery } from '#console/pages/sync/sync.queries.ts'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { NotRead, Problem } from '#console/ui/ErrorPane.tsx'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { LockedPane } from '#console/ui/LockedPane.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { PageHead } from '#console/ui/PageHead.tsx'
import { PageSkeleton } from '#console/ui/PageSkeleton.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import classes from './Sync.module.css'

const route = getRouteApi('/frame/sync/records/$entity/$localId')

type Path = z.output<typeof Journey>

/** Where is this record? Its links, what is still to be sent, and its outcome in every run, newest first. */
export function RecordPage() {
  const { can } = useSession()
  const { entity, localId } = route.useParams()
  const isOpen = can('sync:read')
  const journey = useQuery({ ...journeyQuery(entity, localId), enabled: isOpen })
  const health = useQuery({ ...healthQuery, enabled: isOpen })
  if (!isOpen) return <LockedPane what="Sync health" scope="sync:read" />
  if (journey.isError) return <Problem error={journey.error} isPage />
  const { data } = journey
  if (!data) return <PageSkeleton />
  const names = new Map<string, string>(
    health.data?.data.map((row) => [row.connectionId, row.name]),
  )
  const nameOf = (connectionId: string) =>
    names.get(connectionId) ?? (health.data ? 'A deleted connection' : connectionId)
  return (
    <>
      <PageHead
        parent={{ label: 'Sync health', to: '/sync' }}
        title={`${formatWord(entity)} ${shortId(localId)}`}
        subtitle={
          <>
            <code className={classes.id}>{localId}</code> ·{' '}
            <Link to="/lineage" search={{ record: localId }} className="tl-link">
              Lineage of a field
            </Link>
          </>
        }
        badges={<Standing path={data} />}
        actions={<ExportMenu {...journeyExport(entity, localId)} />}
      />
      <NotRead what="The names of connections" error={health.error} />
      <Panel title="Where it is linked" flush>
        <Table
          caption="Records of connected systems that this one is linked to"
          rows={data.links}
          columns={linkColumns(nameOf)}
          rowKey={({ connectionId }) => connectionId}
          empty={
            <EmptyState title="Not linked to any system">
              It gets a link with the first run that writes it there or reads it from there.
            </EmptyState>
          }
        />
      </Panel>
      {data.pending.length > 0 && (
        <Panel title="Still to be sent" flush>
          <Table
            caption="Changes that connected systems have not seen yet"
            rows={data.pending}
            columns={pendingColumns(nameOf)}
            rowKey={({ connectionId }) => connectionId}
            empty={null}
          />
        </Panel>
      )}
      <Panel title="Path through all runs" hint={`${formatCount(data.outcomes.length)} outcomes`}>
        <Timeline path={data} nameOf={nameOf} />
      </Panel>
    </>
  )
}

function Standing({ path: { outcomes: all, pending } }: { path: Path }) {
  const last = all[0]
  if (pending.some(({ heldCode }) => heldCode !== null)) {
    return <Badge tone="bad">Held back after a refusal</Badge>
  }
  if (pending.length > 0) return <Badge tone="busy">Waiting to be sent</Badge>
  return last ? (
    <Badge tone={outcomes[last.outcome].tone}>{outcomes[last.outcome].label}</Badge>
  ) : null
}

type NameOf = (connectionId: string) => string

function linkColumns(nameOf: NameOf): Column<Path['links'][number]>[] {
  return [
    { title: 'System', isHeader: true, cell: ({ connectionId }) => nameOf(connectionId) },
    {
      title: 'Their id',
      cell: ({ externalId }) => <span className={classes.id}>{externalId}</span>,
    },
    { title: 'Linked', cell: ({ linkedAt }) => <Moment at={linkedAt} /> },
    {
      title: 'Changed there',
      cell: ({ externalModifiedAt, deletedAt }) =>
        deletedAt ? (
          <>
            Deleted <Moment at={deletedAt} />
          </>
        ) : (
          <Moment at={externalModifiedAt} none="Not known" />
        ),
    },
  ]
}

function pendingColumns(nameOf: NameOf): Column<Path['pending'][number]>[] {
  return [
    { title: 'To', isHeader: true, cell: ({ connectionId }) => nameOf(connectionId) },
    { title: 'Waits', cell: ({ since }) => <Moment at={since} /> },
    { title: 'Tries', align: 'end', cell: ({ attempts }) => attempts },
    {
      title: 'Next',
      cell: ({ heldCode, nextAttemptAt }) =>
        heldCode === null ? (
          <Moment at={nextAttemptAt} none="With the next run" />
        ) : (
          <>
            Held back: <code className={classes.id}>{heldCode}</code>; retry it under Sync health
          </>
        ),
    },
  ]
}

function Timeline({ path, nameOf }: { path: Path; nameOf: NameOf }) {
  const { timeZone } = useSession()
  if (path.outcomes.length === 0) {
    return (
      <EmptyState title="No run has met this record yet">
        Check the id, or wait for the next run of its stream.
      </EmptyState>
    )
  }
  return (
    <ol className={classes.timeline}>
      {path.outcomes.map(
        ({ runId, stream, direction, connectionId, outcome, code, detail, at }) => (
          <li key={`${runId} ${stream}`} className={classes.event}>
            <span className={classes.dot} data-tone={outcomes[outcome].tone} aria-hidden />
            <Badge tone={outcomes[outcome].tone}>{outcomes[outcome].label}</Badge>
            <div className={classes.eventWhat}>
              {direction === 'push' ? 'Sent to' : 'Read from'} {nameOf(connectionId)}, {stream}
              {(code !== null || detail !== null) && (
                <p className={classes.eventDetail}>
                  {code !== null && <code className={classes.id}>{code}</code>} {detail}
                </p>
              )}
            </div>
            <Link to="/sync/runs/$runId" params={{ runId }} className="tl-link" data-row-link>
              <time dateTime={at.toISOString()} title={formatInstant(at, timeZone)}>
                {formatMinute(at, timeZone)}
              </time>
              <span className="tl-hidden">, open the run</span>
            </Link>
          </li>
        ),
      )}
    </ol>
  )
}
