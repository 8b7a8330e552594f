import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { formatCount, formatField } from '#console/format.ts'
import { BackfillActions } from '#console/pages/sync/BackfillActions.tsx'
import { backfillsQuery, type Backfill } from '#console/pages/sync/backfills.queries.ts'
import { backfillStates, backfillWaits } from '#console/pages/sync/sync-words.ts'
import { healthQuery } from '#console/pages/sync/sync.queries.ts'
import type { BackfillsSearch } from '#console/pages/sync/sync.search.ts'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { FilterSelect } from '#console/ui/Filters.tsx'
import { LockedPane } from '#console/ui/LockedPane.tsx'
import { Meter } from '#console/ui/Meter.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { PagedTable } from '#console/ui/PagedTable.tsx'
import { PageHead } from '#console/ui/PageHead.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import type { Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

const route = getRouteApi('/frame/sync/backfills')
const states = [
  { value: '', label: 'All' },
  ...Object.entries(backfillStates).map(([value, { label }]) => ({
    value: value as Backfill['state'],
    label,
  })),
] as const

/** Fields being filled in records that exist already: how far each is, what it takes, and what holds it up. */
export function BackfillsPage() {
  const { can } = useSession()
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const isOpen = can('sync:read')
  const backfills = useInfiniteQuery({ ...backfillsQuery(search), enabled: isOpen })
  const health = useQuery({ ...healthQuery, enabled: isOpen })
  if (!isOpen) return <LockedPane what="Backfills" scope="sync:read" />
  const change = (fields: Partial<BackfillsSearch>) =>
    void navigate({ search: { ...search, ...fields }, resetScroll: false })
  const connections = health.data?.data ?? []
  const nameOf = (id: string) =>
    connections.find(({ connectionId }) => connectionId === id)?.name ?? id
  return (
    <>
      <PageHead
        parent={{ label: 'Sync health', to: '/sync' }}
        title="Backfills"
        subtitle="Fields being filled in the records that exist already. Live sync always goes first; a backfill takes its share of the day’s calls and no more."
        filters={
          <>
            <FilterSelect
              label="State"
              value={search.state ?? ''}
              options={states}
              onChange={(state) => change({ state: state === '' ? undefined : state })}
            />
            <FilterSelect
              label="Connection"
              value={search.connectionId ?? ''}
              options={[
                { value: '', label: 'All' },
                ...connections.map(({ connectionId, name }) => ({
                  value: connectionId,
                  label: name,
                })),
              ]}
              onChange={(id) => change({ connectionId: id === '' ? undefined : id })}
            />
          </>
        }
      />
      {health.isError && !backfills.isError && <Problem error={health.error} />}
      <Panel title="Queue" hint="The newest first." flush>
        <PagedTable<Backfill>
          query={backfills}
          caption="Backfills"
          what="backfills"
          columns={columnsOf(nameOf)}
          rowKey={({ id }) => id}
          empty={
            <EmptyState title="No backfill here">
              A mapping only moves what changes from now on. To fill the records that exist already,
              open a field in the mapping of a{' '}
              <Link to="/connections" className="tl-link">
                connection
              </Link>{' '}
              and choose <em>Backfill this field</em>: its cost stands there first.
            </EmptyState>
          }
        />
      </Panel>
    </>
  )
}

function columnsOf(nameOf: (connectionId: string) => string): Column<Backfill>[] {
  return [
    {
      title: 'Field',
      isHeader: true,
      cell: ({ connectionId, stream, field, direction }) => (
        <>
          <Link
            to="/connections/$connectionId/streams/$stream"
            params={{ connectionId, stream }}
            search={{ field }}
            className="tl-link"
            data-row-link
          >
            {formatField(field.replace(/^custom\./, ''))}
          </Link>
          <br />
          <span className={text.soft}>
            {nameOf(connectionId)}, {stream}, {direction === 'in' ? 'in' : 'out'}
          </span>
        </>
      ),
    },
    { title: 'State', cell: (backfill) => <State backfill={backfill} /> },
    {
      title: 'Records',
      cell: ({ done, total }) => (
        <Meter share={total === 0 ? 1 : done / total}>
          {formatCount(done)} of {formatCount(total)}
        </Meter>
      ),
    },
    {
      title: 'Calls',
      hint: 'Made so far, what is left to make, and what backfills of the connection may make a day',
      cell: ({ calls, callsLeft, today }) => (
        <>
          {formatCount(calls)} made
          {callsLeft !== null && callsLeft > 0 && `, about ${formatCount(callsLeft)} left`}
          <br />
          <span className={text.soft}>
            {formatCount(today.calls)} of {formatCount(today.perDay)} today
          </span>
        </>
      ),
    },
    {
      title: 'Through',
      cell: ({ endsAt, endedAt }) => <Moment at={endedAt ?? endsAt} />,
    },
    {
      title: 'Outcomes',
      cell: ({ runId }) => (
        <Link to="/sync/runs/$runId" params={{ runId }} className="tl-link">
          Record by record
        </Link>
      ),
    },
    { title: 'Do', align: 'end', cell: (backfill) => <BackfillActions backfill={backfill} /> },
  ]
}

function State({ backfill: { state, waitsFor, resumeAt, fault } }: { backfill: Backfill }) {
  const { label, tone } = backfillStates[state]
  return (
    <span className={text.wrapped}>
      <Badge tone={tone}>{label}</Badge>{' '}
      {waitsFor !== null && (
        <span className={text.soft}>
          {backfillWaits[waitsFor]}
          {resumeAt !== null && (
            <>
              , goes on <Moment at={resumeAt} />
            </>
          )}
          .{' '}
        </span>
      )}
      {fault !== null && <span className={text.soft}>{fault}</span>}
    </span>
  )
}
