import { Button, Skeleton } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { IconX } from '@tabler/icons-react'
import { getRouteApi } from '@tanstack/react-router'
import { RecordName } from '#console/pages/sync/RecordName.tsx'
import { outcomeKinds, outcomes } from '#console/pages/sync/sync-words.ts'
import { recordsExport, recordsQuery, type Outcome } from '#console/pages/sync/sync.queries.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { FilterSelect } from '#console/ui/Filters.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { MoreRows } from '#console/ui/MoreRows.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import classes from './Sync.module.css'

const route = getRouteApi('/frame/sync/runs/$runId')

/** The records of a run under the filters of the address; the export takes the same. */
export function RunRecords({ runId, streams }: { runId: string; streams: readonly string[] }) {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const filter = { stream: search.stream, outcome: search.outcome, code: search.code }
  const records = useInfiniteQuery(recordsQuery(runId, filter))
  const rows = records.data?.pages.flatMap(({ data }) => data) ?? []
  const change = (fields: Partial<typeof filter>) =>
    void navigate({ search: { ...search, ...fields }, resetScroll: false })
  return (
    <div id="records">
      <Panel
        title="Records"
        flush
        actions={
          <>
            <FilterSelect
              label="Stream"
              value={search.stream ?? ''}
              options={[
                { value: '', label: 'All' },
                ...streams.map((value) => ({ value, label: value })),
              ]}
              onChange={(value) => change({ stream: value === '' ? undefined : value })}
            />
            <FilterSelect
              label="Outcome"
              value={search.outcome ?? ''}
              options={[
                { value: '' as const, label: 'All' },
                ...outcomeKinds.map((value) => ({ value, label: outcomes[value].label })),
              ]}
              onChange={(value) => change({ outcome: value === '' ? undefined : value })}
            />
            {search.code !== undefined && (
              <Button
                size="xs"
                h={30}
                variant="default"
                rightSection={<IconX size={13} aria-hidden />}
                aria-label={`Remove the filter for the cause ${search.code}`}
                onClick={() => change({ code: undefined })}
              >
                Cause {search.code}
              </Button>
            )}
            <ExportMenu {...recordsExport(runId, filter)} />
          </>
        }
      >
        {records.isError && <Problem error={records.error} />}
        {records.isPending && <Skeleton height={260} m={18} w="auto" />}
        {records.data && (
          <Table
            caption="Records of the run"
            rows={rows}
            columns={columns}
            rowKey={(row) => `${row.stream} ${row.localId ?? ''} ${row.externalId ?? ''}`}
            empty={
              <EmptyState title="No record matches">
                Remove a filter to see the other records of this run.
              </EmptyState>
            }
          />
        )}
        <MoreRows
          count={rows.length}
          what="records"
          hasNextPage={records.hasNextPage}
          isFetchingNextPage={records.isFetchingNextPage}
          fetchNextPage={records.fetchNextPage}
        />
      </Panel>
    </div>
  )
}

const columns: Column<Outcome>[] = [
  {
    title: 'Record',
    isHeader: true,
    cell: ({ entity, localId, externalId }) => (
      <RecordName entity={entity} localId={localId} externalId={externalId} />
    ),
  },
  {
    title: 'Their id',
    cell: ({ externalId }) => <span className={classes.id}>{externalId ?? '—'}</span>,
  },
  { title: 'Stream', cell: ({ stream }) => stream },
  {
    title: 'Outcome',
    cell: ({ outcome }) => <Badge tone={outcomes[outcome].tone}>{outcomes[outcome].label}</Badge>,
  },
  {
    title: 'Detail',
    cell: ({ code, detail }) => (
      <span className={classes.wrapped}>
        {code !== null && <code className={classes.id}>{code}</code>} {detail}
      </span>
    ),
  },
  { title: 'At', align: 'end', cell: ({ at }) => <Moment at={at} /> },
]
