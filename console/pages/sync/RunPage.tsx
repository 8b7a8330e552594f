import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import type { z } from 'zod'
import type { RunDetail } from '#sync/run.schema.ts'
import { formatCount, formatDuration, formatInstant } from '#console/format.ts'
import { CertificatePanel } from '#console/pages/sync/CertificatePanel.tsx'
import { UndoPanel } from '#console/pages/sync/UndoPanel.tsx'
import { RunRecords } from '#console/pages/sync/RunRecords.tsx'
import { outcomeKinds, outcomes, runCauses, runStates } from '#console/pages/sync/sync-words.ts'
import { healthQuery, runQuery } from '#console/pages/sync/sync.queries.ts'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { NotRead, Problem } from '#console/ui/ErrorPane.tsx'
import { Figure, Figures } from '#console/ui/Figures.tsx'
import { LockedPane } from '#console/ui/LockedPane.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { PageHead } from '#console/ui/PageHead.tsx'
import { PageSkeleton } from '#console/ui/PageSkeleton.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import classes from './Sync.module.css'

const route = getRouteApi('/frame/sync/runs/$runId')

type RunAnswer = z.output<typeof RunDetail>

/** One run: what became of its records, why, and each record. */
export function RunPage() {
  const { can, timeZone } = useSession()
  const { runId } = route.useParams()
  const isOpen = can('sync:read')
  const run = useQuery({ ...runQuery(runId), enabled: isOpen })
  const health = useQuery({ ...healthQuery, enabled: isOpen })
  if (!isOpen) return <LockedPane what="Sync health" scope="sync:read" />
  if (run.isError) return <Problem error={run.error} isPage />
  const { data } = run
  if (!data) return <PageSkeleton />
  const name = health.data?.data.find((row) => row.connectionId === data.connectionId)?.name
  return (
    <>
      <PageHead
        parent={{ label: 'Sync health', to: '/sync' }}
        title={`${name ?? 'Run'}, ${formatInstant(data.startedAt ?? data.queuedAt, timeZone)}`}
        badges={<Badge tone={runStates[data.state].tone}>{runStates[data.state].label}</Badge>}
        subtitle={`${runCauses[data.cause]} · streams ${data.streams.join(', ')}`}
      />
      <NotRead what="The name of the connection" error={health.error} />
      {data.fault && <Fault fault={data.fault} retryAt={data.retryAt} />}
      <Totals run={data} />
      <ByStream run={data} />
      <Causes run={data} />
      {data.endedAt && <CertificatePanel runId={runId} />}
      {data.endedAt && <UndoPanel runId={runId} />}
      <RunRecords runId={runId} streams={data.streams} />
    </>
  )
}

function Fault({
  fault,
  retryAt,
}: {
  fault: NonNullable<RunAnswer['fault']>
  retryAt: Date | null
}) {
  return (
    <section className={classes.fault} aria-label="Why the run ended early">
      <p className={classes.faultTitle}>{fault.title}</p>
      <p>{fault.whatToDo}</p>
      <p className={classes.soft}>
        {fault.stream !== null && `Stream ${fault.stream}. `}
        {fault.detail}
        {retryAt && (
          <>
            {' '}
            Tried again <Moment at={retryAt} />.
          </>
        )}
      </p>
    </section>
  )
}

function Totals({ run }: { run: RunAnswer }) {
  const { startedAt, endedAt, calls, slots, dueAt, counts } = run
  const records = Object.values(counts)
    .flatMap((stream) => Object.values(stream))
    .reduce((sum, count) => sum + count, 0)
  return (
    <Figures>
      <Figure label="Records" definition="Records that the run read or sent, each with an outcome">
        {formatCount(records)}
      </Figure>
      <Figure label="Took">
        {startedAt && endedAt ? formatDuration(endedAt.getTime() - startedAt.getTime()) : '—'}
      </Figure>
      <Figure label="Calls" definition="Calls made to the connected system">
        {formatCount(calls)}
      </Figure>
      <Figure
        label="Due"
        more={slots > 1 ? `answers for ${formatCount(slots)} due times` : undefined}
      >
        <Moment at={dueAt} />
      </Figure>
    </Figures>
  )
}

interface StreamRow {
  stream: string
  counts: Record<string, number>
}

/** Streams by outcome; each count filters the records below. */
function ByStream({ run }: { run: RunAnswer }) {
  const { runId } = route.useParams()
  const rows = Object.entries(run.counts).map(([stream, counts]) => ({ stream, counts }))
  return (
    <Panel title="By stream and outcome" flush>
      <Table
        caption="Records by stream and outcome"
        rows={rows}
        columns={streamColumns(rows, runId)}
        rowKey={({ stream }) => stream}
        empty={<EmptyState title="The run ended before a record was read or sent" />}
      />
    </Panel>
  )
}

function streamColumns(rows: readonly StreamRow[], runId: string): Column<StreamRow>[] {
  const shown = outcomeKinds.filter((kind) => rows.some(({ counts }) => (counts[kind] ?? 0) > 0))
  return [
    { title: 'Stream', isHeader: true, cell: ({ stream }) => stream },
    ...shown.map((kind): Column<StreamRow> => ({
      title: outcomes[kind].label,
      align: 'end',
      cell({ stream, counts }) {
        const count = counts[kind] ?? 0
        if (count === 0) return <span className={classes.soft}>0</span>
        return (
          <Link
            to="/sync/runs/$runId"
            params={{ runId }}
            search={{ stream, outcome: kind }}
            hash="records"
            className="tl-link"
          >
            {formatCount(count)}
            <span className="tl-hidden">
              {' '}
              {outcomes[kind].label} in {stream}, show them
            </span>
          </Link>
        )
      },
    })),
  ]
}

type Cause = RunAnswer['causes'][number]

function Causes({ run }: { run: RunAnswer }) {
  const { runId } = route.useParams()
  if (run.causes.length === 0) return null
  return (
    <Panel title="By cause" flush>
      <Table
        caption="Records by cause"
        rows={run.causes}
        columns={causeColumns(runId)}
        rowKey={({ stream, outcome, code }) => `${stream} ${outcome} ${code}`}
        empty={null}
      />
    </Panel>
  )
}

function causeColumns(runId: string): Column<Cause>[] {
  return [
    {
      title: 'Cause',
      isHeader: true,
      cell: ({ stream, code, title }) => (
        <Link
          to="/sync/runs/$runId"
          params={{ runId }}
          search={{ stream, code }}
          hash="records"
          data-row-link
        >
          {title}
        </Link>
      ),
    },
    {
      title: 'What to do',
      cell: ({ whatToDo }) => <span className={classes.wrapped}>{whatToDo}</span>,
    },
    { title: 'Stream', cell: ({ stream }) => stream },
    { title: 'Records', align: 'end', cell: ({ records }) => formatCount(records) },
  ]
}
