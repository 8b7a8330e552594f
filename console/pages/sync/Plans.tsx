import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { planStates } from '#console/pages/sync/sync-words.ts'
import { plansQuery, type ConnectionHealth, type Plan } from '#console/pages/sync/sync.queries.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { Problem } from '#console/ui/ErrorPane.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'

const OPEN: readonly Plan['state'][] = ['building', 'proposed', 'approved']

/** Change plans that wait for somebody or are under way; nothing when there are none. */
export function Plans({ connections }: { connections: readonly ConnectionHealth[] }) {
  const plans = useQuery(plansQuery)
  if (plans.isError)
    return (
      <Panel title="Change plans">
        <Problem error={plans.error} />
      </Panel>
    )
  const rows = plans.data?.data.filter(({ state }) => OPEN.includes(state)) ?? []
  if (rows.length === 0) return null
  const nameOf = (id: string) =>
    connections.find(({ connectionId }) => connectionId === id)?.name ?? id
  return (
    <Panel
      title="Change plans"
      hint="Until a plan is approved or discarded, nothing is written to its system; nothing is lost."
      flush
    >
      <Table
        caption="Open change plans"
        rows={rows}
        columns={columnsOf(nameOf)}
        rowKey={({ id }) => id}
        empty={null}
      />
    </Panel>
  )
}

function columnsOf(nameOf: (connectionId: string) => string): Column<Plan>[] {
  return [
    {
      title: 'Connection',
      isHeader: true,
      cell: ({ id, connectionId }) => (
        <Link to="/sync/plans/$planId" params={{ planId: id }} className="tl-link">
          {nameOf(connectionId)}
        </Link>
      ),
    },
    {
      title: 'State',
      cell: ({ state }) => <Badge tone={planStates[state].tone}>{planStates[state].label}</Badge>,
    },
    { title: 'Streams', cell: ({ streams }) => streams.join(', ') },
    { title: 'Made', align: 'end', cell: ({ madeAt }) => <Moment at={madeAt} /> },
  ]
}
