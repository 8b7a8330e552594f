import { Skeleton } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { formatCount, formatDuration, formatShare } from '#console/format.ts'
import { Objectives } from '#console/pages/operations/Objectives.tsx'
import {
  levelsQuery,
  uptimeQuery,
  type OperationLevel,
  type Prober,
  type Window,
} from '#console/pages/operations/operations.queries.ts'
import type { OperationsSearch } from '#console/pages/operations/operations.search.ts'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { Figure, Figures } from '#console/ui/Figures.tsx'
import { FilterSelect } from '#console/ui/Filters.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { PagedTable } from '#console/ui/PagedTable.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

const windows: readonly { value: Window; label: string }[] = [
  { value: '5m', label: '5 minutes' },
  { value: '30m', label: '30 minutes' },
  { value: '1h', label: '1 hour' },
  { value: '6h', label: '6 hours' },
  { value: '1d', label: '1 day' },
  { value: '7d', label: '7 days' },
  { value: '30d', label: '30 days' },
]

/** Objectives with their error budgets, uptime as seen from outside, and each operation. */
export function LevelsView({
  search: { window = '1h' },
  onChange,
}: {
  search: OperationsSearch
  onChange: (fields: Partial<OperationsSearch>) => void
}) {
  const levels = useInfiniteQuery(levelsQuery(window))
  const total = levels.data?.pages[0]?.total
  return (
    <>
      <Objectives />
      <Uptime />
      <Panel
        title="By operation"
        hint="Calls that were answered, how fast, and our own faults. Times are kept to two digits, rounded up."
        flush
        actions={
          <FilterSelect
            label="Last"
            value={window}
            options={windows}
            onChange={(value) => onChange({ window: value === '1h' ? undefined : value })}
          />
        }
      >
        {total && (
          <div className={text.pad}>
            <Figures>
              <Figure
                label="Calls"
                more={`${formatCount(total.refused)} refused for the caller’s fault`}
              >
                {formatCount(total.calls)}
              </Figure>
              <Figure
                label="Faults"
                definition="Ours: 5xx"
                more={`${formatShare(total.errorRate)} of what was neither refused nor limited`}
              >
                {formatCount(total.faults)}
              </Figure>
              <Figure label="Half within" definition="So long did half of the calls take at most">
                {formatMs(total.p50Ms)}
              </Figure>
              <Figure label="95 in 100 within">{formatMs(total.p95Ms)}</Figure>
            </Figures>
          </div>
        )}
        <PagedTable<OperationLevel>
          query={levels}
          caption="Service levels by operation"
          what="operations"
          columns={columns}
          rowKey={({ operation }) => operation}
          empty={
            <EmptyState title="Nothing was called in this time">Choose a longer time.</EmptyState>
          }
        />
      </Panel>
    </>
  )
}

function formatMs(ms: number | null): string {
  return ms === null ? '—' : ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`
}

const columns: Column<OperationLevel>[] = [
  {
    title: 'Operation',
    isHeader: true,
    cell: ({ operation, route }) => <span title={route ?? undefined}>{operation}</span>,
  },
  { title: 'Calls', align: 'end', cell: ({ calls }) => formatCount(calls) },
  { title: 'Refused', align: 'end', cell: ({ refused }) => formatCount(refused) },
  {
    title: 'Limited',
    align: 'end',
    hint: 'By a rate limit or a quota',
    cell: ({ limited }) => formatCount(limited),
  },
  { title: 'Faults', align: 'end', cell: ({ faults }) => formatCount(faults) },
  { title: 'Half', align: 'end', cell: ({ p50Ms }) => formatMs(p50Ms) },
  { title: '95 %', align: 'end', cell: ({ p95Ms }) => formatMs(p95Ms) },
  { title: '99 %', align: 'end', cell: ({ p99Ms }) => formatMs(p99Ms) },
]

function Uptime() {
  const uptime = useQuery(uptimeQuery)
  return (
    <Panel
      title="Uptime, as seen from outside"
      hint={uptime.data?.definition ?? 'Seconds with a correct answer, of all in 30 days.'}
      flush
    >
      {uptime.isError && <Problem error={uptime.error} />}
      {uptime.isPending && <Skeleton height={120} m={18} w="auto" />}
      {uptime.data && (
        <Table
          caption="Uptime by prober, last 30 days"
          rows={uptime.data.data}
          columns={proberColumns}
          rowKey={({ prober }) => prober}
          empty={
            <EmptyState title="Nobody looks from outside">
              Let <code>throughline probe</code> run on another machine; the hub cannot see its own
              absence.
            </EmptyState>
          }
        />
      )}
    </Panel>
  )
}

const proberColumns: Column<Prober>[] = [
  { title: 'Prober', isHeader: true, cell: ({ prober }) => prober },
  { title: 'Uptime', align: 'end', cell: ({ uptime }) => formatUptime(uptime) },
  { title: 'Down', align: 'end', cell: ({ downS }) => formatDuration(downS * 1000) },
  {
    title: 'Unseen',
    align: 'end',
    hint: 'Seconds in which nobody looked; they count as down',
    cell: ({ gapS }) => formatDuration(gapS * 1000),
  },
  { title: 'Last looked', align: 'end', cell: ({ lastAt }) => <Moment at={lastAt} /> },
]

/** Nines matter: three digits. */
function formatUptime(share: number | null): string {
  return share === null ? '—' : `${(100 * share).toFixed(3)} %`
}
