import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { formatCount, formatInstant } from '#console/format.ts'
import { PlanDecision } from '#console/pages/sync/PlanDecision.tsx'
import { PlannedChanges } from '#console/pages/sync/PlannedChanges.tsx'
import { plannedActions, plannedStates, planStates } from '#console/pages/sync/sync-words.ts'
import { healthQuery, planQuery, type PlanDetail } from '#console/pages/sync/sync.queries.ts'
import { useSession } from '#console/session.ts'
import { Badge } from '#console/ui/Badge.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { NotRead, Problem } from '#console/ui/ErrorPane.tsx'
import { LockedPane } from '#console/ui/LockedPane.tsx'
import { PageHead } from '#console/ui/PageHead.tsx'
import { PageSkeleton } from '#console/ui/PageSkeleton.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'

const route = getRouteApi('/frame/sync/plans/$planId')

/** What a connection would write: how much, what exactly, who has to sign, and what became of it. */
export function PlanPage() {
  const { can, timeZone } = useSession()
  const { planId } = route.useParams()
  const isOpen = can('sync:read')
  const plan = useQuery({ ...planQuery(planId), enabled: isOpen })
  const health = useQuery({ ...healthQuery, enabled: isOpen })
  if (!isOpen) return <LockedPane what="Sync health" scope="sync:read" />
  if (plan.isError) return <Problem error={plan.error} isPage />
  const { data } = plan
  if (!data) return <PageSkeleton />
  const name = health.data?.data.find((row) => row.connectionId === data.connectionId)?.name
  const { label, tone } = planStates[data.state]
  const what = data.undoes === null ? 'Change plan' : 'Undo of a run'
  const made =
    data.madeBy === null ? 'Made because more was due than goes without a plan' : 'Asked for'
  return (
    <>
      <PageHead
        parent={{ label: 'Sync health', to: '/sync' }}
        title={`${what} for ${name ?? 'a connection'}`}
        badges={<Badge tone={tone}>{label}</Badge>}
        subtitle={`${made}, ${formatInstant(data.madeAt, timeZone)} · streams ${data.streams.join(', ')}`}
      />
      <NotRead what="The name of the connection" error={health.error} />
      <PlanDecision plan={data} />
      <Counts plan={data} />
      <LeftOut plan={data} />
      {can('conflicts:read') && <PlannedChanges planId={planId} streams={data.streams} />}
    </>
  )
}

type Count = PlanDetail['counts'][number]

function Counts({ plan }: { plan: PlanDetail }) {
  const hint = plan.prepares
    ? 'The hub’s own fields are missing in the connected system; they are made there first.'
    : undefined
  return (
    <Panel title="What is written" {...(hint === undefined ? {} : { hint })} flush>
      <Table
        caption="Records of the plan, by stream, action and state"
        rows={plan.counts}
        columns={columnsOf(plan.id)}
        rowKey={({ stream, side, action, state }) => `${stream} ${side} ${action} ${state}`}
        empty={
          <EmptyState
            title={plan.state === 'building' ? 'The plan is being made' : 'Nothing to write'}
          >
            {plan.state === 'building'
              ? 'The run goes the whole way of sending but for the write itself.'
              : 'Both sides have the same.'}
          </EmptyState>
        }
      />
    </Panel>
  )
}

function LeftOut({ plan }: { plan: PlanDetail }) {
  if (plan.leftOut.length === 0) return null
  return (
    <Panel title="What is due and is not written" flush>
      <Table
        caption="Records that are due and not part of the plan"
        rows={plan.leftOut}
        columns={leftOutColumns}
        rowKey={({ stream, code }) => `${stream} ${code}`}
        empty={null}
      />
    </Panel>
  )
}

function columnsOf(planId: string): Column<Count>[] {
  return [
    { title: 'Stream', isHeader: true, cell: ({ stream }) => stream },
    {
      title: 'Action',
      cell: ({ action, side }) =>
        side === 'here' ? `${plannedActions[action]} in the hub` : plannedActions[action],
    },
    {
      title: 'State',
      cell: ({ state }) => (
        <Badge tone={plannedStates[state].tone}>{plannedStates[state].label}</Badge>
      ),
    },
    {
      title: 'Records',
      align: 'end',
      cell: ({ stream, action, state, records }) => (
        <Link
          to="/sync/plans/$planId"
          params={{ planId: planId }}
          search={{ stream, action, state }}
          hash="changes"
          className="tl-link"
        >
          {formatCount(records)}
          <span className="tl-hidden"> records, show them</span>
        </Link>
      ),
    },
  ]
}

const leftOutColumns: Column<PlanDetail['leftOut'][number]>[] = [
  { title: 'Stream', isHeader: true, cell: ({ stream }) => stream },
  { title: 'Why', cell: ({ title }) => title },
  { title: 'Records', align: 'end', cell: ({ records }) => formatCount(records) },
]
