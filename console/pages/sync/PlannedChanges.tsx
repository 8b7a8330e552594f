import { Skeleton } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { RecordName } from '#console/pages/sync/RecordName.tsx'
import { plannedActions, plannedStates } from '#console/pages/sync/sync-words.ts'
import {
  plannedExport,
  plannedQuery,
  type PlannedChange,
} from '#console/pages/sync/sync.queries.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { FilterSelect } from '#console/ui/Filters.tsx'
import { MoreRows } from '#console/ui/MoreRows.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import classes from './Sync.module.css'

const route = getRouteApi('/frame/sync/plans/$planId')
const actions = Object.entries(plannedActions) as [PlannedChange['action'], string][]
const states = Object.entries(plannedStates) as [PlannedChange['state'], { label: string }][]

/** The records of a plan under the filters of the address, each field before and after. */
export function PlannedChanges({
  planId,
  streams,
}: {
  planId: string
  streams: readonly string[]
}) {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const filter = { stream: search.stream, action: search.action, state: search.state }
  const changes = useInfiniteQuery(plannedQuery(planId, filter))
  const rows = changes.data?.pages.flatMap(({ data }) => data) ?? []
  const change = (fields: Partial<typeof filter>) =>
    void navigate({ search: { ...search, ...fields }, resetScroll: false })
  return (
    <div id="changes">
      <Panel
        title="Changes"
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
              label="Action"
              value={search.action ?? ''}
              options={[
                { value: '' as const, label: 'All' },
                ...actions.map(([value, label]) => ({ value, label })),
              ]}
              onChange={(value) => change({ action: value === '' ? undefined : value })}
            />
            <FilterSelect
              label="State"
              value={search.state ?? ''}
              options={[
                { value: '' as const, label: 'All' },
                ...states.map(([value, { label }]) => ({ value, label })),
              ]}
              onChange={(value) => change({ state: value === '' ? undefined : value })}
            />
            <ExportMenu {...plannedExport(planId, filter)} />
          </>
        }
      >
        {changes.isError && <Problem error={changes.error} />}
        {changes.isPending && <Skeleton height={260} m={18} w="auto" />}
        {changes.data && (
          <Table
            caption="Records of the plan"
            rows={rows}
            columns={columns}
            rowKey={({ entity, localId, side }) => `${entity} ${localId} ${side}`}
            empty={
              <EmptyState title="No record matches">
                Remove a filter to see the other records of this plan.
              </EmptyState>
            }
          />
        )}
        <MoreRows
          count={rows.length}
          what="records"
          hasNextPage={changes.hasNextPage}
          isFetchingNextPage={changes.isFetchingNextPage}
          fetchNextPage={changes.fetchNextPage}
        />
      </Panel>
    </div>
  )
}

const columns: Column<PlannedChange>[] = [
  {
    title: 'Record',
    isHeader: true,
    cell: ({ entity, localId, externalId }) => (
      <RecordName entity={entity} localId={localId} externalId={externalId} />
    ),
  },
  {
    title: 'Action',
    cell: ({ action, side }) =>
      side === 'here' ? `${plannedActions[action]} in the hub` : plannedActions[action],
  },
  {
    title: 'Fields',
    cell: ({ fields, kept }) => (
      <dl className={classes.diff}>
        {fields.map(({ field, before, after }) => (
          <div key={field}>
            <dt>{field}</dt>
            <dd>
              {before !== null && <del>{textOf(before)}</del>} {textOf(after)}
            </dd>
          </div>
        ))}
        {kept.map(({ field, title, by }) => (
          <div key={`kept ${field}`}>
            <dt>{field === '' ? 'Stays' : `${field} stays`}</dt>
            <dd>
              {title}
              {by !== null && ` (${by})`}
            </dd>
          </div>
        ))}
      </dl>
    ),
  },
  {
    title: 'State',
    cell: ({ state, note }) => (
      <span className={classes.wrapped}>
        <Badge tone={plannedStates[state].tone}>{plannedStates[state].label}</Badge> {note}
      </span>
    ),
  },
]

function textOf(value: PlannedChange['fields'][number]['after']): string {
  if (value === null) return '(blank)'
  return Array.isArray(value) ? value.join(', ') : String(value)
}
