import { Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { formatCount, formatShare } from '#console/format.ts'
import { objectivesQuery, type Objective } from '#console/pages/operations/operations.queries.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { Meter } from '#console/ui/Meter.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

/** What is promised, what is left of each error budget, and how fast it burns. */
export function Objectives() {
  const objectives = useQuery(objectivesQuery)
  return (
    <Panel
      title="Objectives and error budgets"
      hint="Over 30 days. At a burn of 1 the budget lasts just as long; above 14.4 in an hour, or 6 in six hours, somebody is told."
      flush
    >
      {objectives.isError && <Problem error={objectives.error} />}
      {objectives.isPending && <Skeleton height={160} m={18} w="auto" />}
      {objectives.data && (
        <Table
          caption="Objectives with their error budgets"
          rows={objectives.data.data}
          columns={columns}
          rowKey={({ id }) => id}
          empty={null}
        />
      )}
    </Panel>
  )
}

const columns: Column<Objective>[] = [
  {
    title: 'Objective',
    isHeader: true,
    cell: ({ name, definition }) => (
      <>
        {name}
        <br />
        <span className={`${text.soft} ${text.wrapped}`}>{definition}</span>
      </>
    ),
  },
  { title: 'State', cell: (objective) => <State objective={objective} /> },
  { title: 'Target', align: 'end', cell: ({ target }) => formatShare(target) },
  {
    title: 'Good',
    align: 'end',
    cell: ({ good, total }) => (
      <span title={`of ${formatCount(Math.round(total))}`}>
        {good === null ? '—' : `${(100 * good).toFixed(3)} %`}
      </span>
    ),
  },
  {
    title: 'Budget left',
    hint: 'Of what may be bad in the window',
    cell: ({ budgetLeft }) =>
      budgetLeft === null ? (
        '—'
      ) : (
        <Meter
          share={budgetLeft}
          tone={budgetLeft <= 0 ? 'bad' : budgetLeft < 0.2 ? 'warn' : undefined}
        >
          {budgetLeft < 0 ? 'overdrawn' : formatShare(budgetLeft)}
        </Meter>
      ),
  },
  {
    title: 'Burn 1 h',
    align: 'end',
    cell: ({ burn }) => formatBurn(burn['1h']),
  },
  {
    title: 'Burn 6 h',
    align: 'end',
    cell: ({ burn }) => formatBurn(burn['6h']),
  },
]

function formatBurn(burn: number | null): string {
  return burn === null ? '—' : burn.toFixed(1)
}

function State({ objective: { alert, met } }: { objective: Objective }) {
  if (alert !== null)
    return <Badge tone="bad">{alert === 'fast' ? 'Burns fast' : 'Burns slowly'}</Badge>
  if (met === null) return <Badge tone="plain">Nothing counted</Badge>
  return met ? <Badge tone="good">Kept</Badge> : <Badge tone="bad">Missed</Badge>
}
