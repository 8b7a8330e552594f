import { Drawer, Skeleton } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import {
  formatCount,
  formatDay,
  formatDuration,
  formatInstant,
  formatWord,
} from '#console/format.ts'
import { runQuery, runsQuery, type Run } from '#console/pages/privacy/privacy.queries.ts'
import type { PrivacySearch } from '#console/pages/privacy/privacy.search.ts'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { PagedTable } from '#console/ui/PagedTable.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'

/** What the daily runs removed and what holds kept; a run opens to its kinds. */
export function RetentionRuns({
  search: { run },
  onChange,
}: {
  search: PrivacySearch
  onChange: (fields: Partial<PrivacySearch>) => void
}) {
  const { timeZone } = useSession()
  const runs = useInfiniteQuery(runsQuery())
  return (
    <Panel title="Run reports" hint="One run a day goes by the rules." flush>
      <PagedTable<Run>
        query={runs}
        caption="Runs of retention"
        what="runs"
        columns={columnsOf(timeZone)}
        rowKey={({ id }) => id}
        empty={
          <EmptyState title="No run yet">
            The first run is within a day after the workspace was made.
          </EmptyState>
        }
      />
      <Drawer
        opened={run !== undefined}
        onClose={() => onChange({ run: undefined })}
        position="right"
        size={720}
        title="Report of a run"
        closeButtonProps={{ 'aria-label': 'Close the report' }}
        transitionProps={{ duration: 150 }}
      >
        {run !== undefined && <Report runId={run} />}
      </Drawer>
    </Panel>
  )
}

function columnsOf(timeZone: string): Column<Run>[] {
  return [
    {
      title: 'Run',
      isHeader: true,
      cell: ({ id, startedAt }) => (
        <Link
          from="/privacy"
          to="/privacy"
          search={(search) => ({ ...search, run: id })}
          resetScroll={false}
          data-row-link
        >
          {formatInstant(startedAt, timeZone)}
        </Link>
      ),
    },
    {
      title: 'Took',
      cell: ({ startedAt, endedAt }) =>
        endedAt === null ? (
          <Badge tone="busy">Runs</Badge>
        ) : (
          formatDuration(endedAt.getTime() - startedAt.getTime())
        ),
    },
    { title: 'Removed', align: 'end', cell: ({ removed }) => formatCount(removed) },
    { title: 'Held', align: 'end', cell: ({ held }) => formatCount(held) },
  ]
}

function Report({ runId }: { runId: string }) {
  const { timeZone } = useSession()
  const run = useQuery(runQuery(runId))
  if (run.isError) return <Problem error={run.error} />
  if (!run.data) return <Skeleton height={240} />
  return (
    <Table
      caption="What the run removed, by kind"
      rows={run.data.kinds}
      columns={kindColumns(timeZone)}
      rowKey={({ kind }) => kind}
      empty={<EmptyState title="No kind has a rule that removes" />}
    />
  )
}

function kindColumns(timeZone: string): Column<Run['kinds'][number]>[] {
  return [
    { title: 'Kind', isHeader: true, cell: ({ kind }) => formatWord(kind) },
    { title: 'Older than', cell: ({ before }) => formatDay(before, timeZone) },
    { title: 'Removed', align: 'end', cell: ({ removed }) => formatCount(removed) },
    {
      title: 'From – to',
      cell: ({ oldest, newest }) =>
        oldest === null || newest === null
          ? '—'
          : `${formatDay(oldest, timeZone)} – ${formatDay(newest, timeZone)}`,
    },
    { title: 'Held', align: 'end', cell: ({ held }) => formatCount(held) },
  ]
}
