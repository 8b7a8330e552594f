import type { InfiniteData, UseInfiniteQueryResult } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { Experiment } from '#reports/experiment.schema.ts'
import { today } from '#console/filters.ts'
import { formatDate, formatWord } from '#console/format.ts'
import {
  describeDesign,
  formatPercent,
  lastDayOf,
  standingOf,
} from '#console/pages/experiments/experiment-words.ts'
import { LiftRange } from '#console/pages/experiments/LiftRange.tsx'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { FilterSelect } from '#console/ui/Filters.tsx'
import { Moment, useNowMs } from '#console/ui/Moment.tsx'
import { PagedTable } from '#console/ui/PagedTable.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import type { Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

const states = [
  { value: 'all', label: 'All' },
  { value: 'planned', label: 'Planned and running' },
  { value: 'done', label: 'Done' },
  { value: 'cancelled', label: 'Given up' },
] as const

/** The experiments that are planned, run or ran. */
export function ExperimentList({
  query,
  state,
  onState,
}: {
  query: UseInfiniteQueryResult<InfiniteData<{ data: Experiment[]; nextCursor: string | null }>>
  state: Experiment['state'] | undefined
  onState: (state: Experiment['state'] | undefined) => void
}) {
  const { timeZone } = useSession()
  const nowMs = useNowMs()
  return (
    <Panel
      title="Experiments so far"
      hint="The newest first. A result is never changed, and an experiment that was given up stays on the list."
      flush
      actions={
        <FilterSelect
          label="State"
          value={state ?? 'all'}
          options={states}
          onChange={(value) => onState(value === 'all' ? undefined : value)}
        />
      }
    >
      <PagedTable<Experiment>
        query={query}
        caption="Experiments, the newest first"
        what="experiments"
        columns={columnsOf(today(timeZone, new Date(nowMs)))}
        rowKey={({ id }) => id}
        empty={
          state === undefined ? (
            <EmptyState title="No experiment was planned yet">
              Plan one above. The hub keeps what spoke for it; whom to leave out is set where the
              channel is run, and the counts come back here as the result.
            </EmptyState>
          ) : (
            <EmptyState title="No experiment matches">Choose another state.</EmptyState>
          )
        }
      />
    </Panel>
  )
}

function columnsOf(day: string): Column<Experiment>[] {
  return [
    {
      title: 'Channel',
      isHeader: true,
      cell: ({ id, channel }) => (
        <Link to="/experiments/$experimentId" params={{ experimentId: id }} data-row-link>
          {formatWord(channel)}
        </Link>
      ),
    },
    {
      title: 'State',
      cell: (experiment) => {
        const { label, tone } = standingOf(experiment, day)
        return <Badge tone={tone}>{label}</Badge>
      },
    },
    {
      title: 'Design',
      cell: (experiment) => (
        <>
          {describeDesign(experiment)}
          <span className={text.line}>
            {formatDate(experiment.startsOn)} – {formatDate(lastDayOf(experiment))}
          </span>
        </>
      ),
    },
    {
      title: 'Missing without it',
      hint: 'The lift with its 90 % interval: the part of conversions that is missing among those left out',
      cell: ({ result }) =>
        result === null ? (
          '—'
        ) : (
          <span className={text.bars}>
            <LiftRange {...result} />
            <span>
              {formatPercent(result.lift)}{' '}
              <span className={text.soft}>
                {formatPercent(result.low)} to {formatPercent(result.high)}
              </span>
            </span>
          </span>
        ),
    },
    { title: 'Ended', cell: ({ closedAt }) => <Moment at={closedAt} /> },
  ]
}
