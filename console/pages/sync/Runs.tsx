import { Skeleton } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { formatCount, formatDuration, formatInstant, formatMinute } from '#console/format.ts'
import { OutcomeCounts } from '#console/pages/sync/OutcomeCounts.tsx'
import { runCauses, runStates } from '#console/pages/sync/sync-words.ts'
import {
  runsExport,
  runsQuery,
  type ConnectionHealth,
  type Run,
} from '#console/pages/sync/sync.queries.ts'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { FilterSelect } from '#console/ui/Filters.tsx'
import { MoreRows } from '#console/ui/MoreRows.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import classes from './Sync.module.css'

const route = getRouteApi('/frame/sync')
const states = Object.keys(runStates) as Run['state'][]

/** Every run, newest first, with what became of its records. */
export function Runs({ connections }: { connections: readonly ConnectionHealth[] }) {
  const { timeZone } = useSession()
  const { connectionId, state } = route.useSearch()
  const navigate = route.useNavigate()
  const fields = { connectionId, state }
  const runs = useInfiniteQuery(runsQuery(fields))
  const rows = runs.data?.pages.flatMap(({ data }) => data) ?? []
  const filter = (change: {
    connectionId?: string | undefined
    state?: Run['state'] | undefined
  }) => void navigate({ search: { connectionId, state, ...change }, resetScroll: false })
  return (
    <Panel
      title="Runs"
      flush
      actions={
        <>
          <FilterSelect
            label="Connection"
            value={connectionId ?? ''}
            options={[
              { value: '', label: 'All' },
              ...connections.map((row) => ({ value: row.connectionId as string, label: row.name })),
            ]}
            onChange={(value) => filter({ connectionId: value === '' ? undefined : value })}
          />
          <FilterSelect
            label="State"
            value={state ?? ''}
            options={[
              { value: '' as const, label: 'All' },
              ...states.map((value) => ({ value, label: runStates[value].label })),
            ]}
            onChange={(value) => filter({ state: value === '' ? undefined : value })}
          />
          <ExportMenu {...runsExport(fields)} />
        </>
      }
    >
      {runs.isError && <Problem error={runs.error} />}
      {runs.isPending && <Skeleton height={260} m={18} w="auto" />}
      {runs.data && (
        <Table
          caption="Sync runs, newest first"
          rows={rows}
          columns={columnsOf(connections, timeZone)}
          rowKey={({ id }) => id}
          empty={
            <EmptyState title="No run matches">
              Choose another state or connection, or press “Run now” above.
            </EmptyState>
          }
        />
      )}
      <MoreRows
        count={rows.length}
        what="runs"
        hasNextPage={runs.hasNextPage}
        isFetchingNextPage={runs.isFetchingNextPage}
        fetchNextPage={runs.fetchNextPage}
      />
    </Panel>
  )
}

function columnsOf(connections: readonly ConnectionHealth[], timeZone: string): Column<Run>[] {
  const names = new Map<string, string>(connections.map((row) => [row.connectionId, row.name]))
  return [
    {
      title: 'Run',
      isHeader: true,
      cell: ({ id, startedAt, queuedAt }) => (
        <Link
          to="/sync/runs/$runId"
          params={{ runId: id }}
          title={formatInstant(startedAt ?? queuedAt, timeZone)}
          data-row-link
        >
          {formatMinute(startedAt ?? queuedAt, timeZone)}
        </Link>
      ),
    },
    { title: 'Connection', cell: ({ connectionId }) => names.get(connectionId) ?? 'Deleted' },
    {
      title: 'State',
      cell: ({ state, fault }) => (
        <Badge tone={runStates[state].tone} title={fault?.title}>
          {runStates[state].label}
        </Badge>
      ),
    },
    {
      title: 'Records',
      cell: ({ counts, fault }) =>
        fault ? (
          <span className={classes.soft}>{fault.title}</span>
        ) : (
          <OutcomeCounts counts={counts} />
        ),
    },
    { title: 'Cause', cell: ({ cause }) => runCauses[cause] },
    {
      title: 'Took',
      align: 'end',
      cell: ({ startedAt, endedAt }) =>
        startedAt && endedAt ? formatDuration(endedAt.getTime() - startedAt.getTime()) : '—',
    },
    {
      title: 'Calls',
      align: 'end',
      hint: 'Calls made to the connected system',
      cell: ({ calls }) => formatCount(calls),
    },
  ]
}
