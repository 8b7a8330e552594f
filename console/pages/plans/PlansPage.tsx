import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { formatCount } from '#console/format.ts'
import { OwnerName } from '#console/pages/conflicts/OwnerName.tsx'
import { NewPlanButton } from '#console/pages/plans/NewPlanButton.tsx'
import { nameOfQuarter } from '#console/pages/plans/plan-words.ts'
import { quartersQuery, type Version } from '#console/pages/plans/plans.queries.ts'
import { useSession } from '#console/session.ts'
import { Amount } from '#console/ui/Amount.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { LockedPane } from '#console/ui/LockedPane.tsx'
import { Moment } from '#console/ui/Moment.tsx'
import { PagedTable } from '#console/ui/PagedTable.tsx'
import { PageHead } from '#console/ui/PageHead.tsx'
import { Panel } from '#console/ui/Panel.tsx'
import type { Column } from '#console/ui/Table.tsx'
import text from '#console/ui/Text.module.css'

/** The quarters that have a plan, and the way to plan another. */
export function PlansPage() {
  const { can } = useSession()
  const isOpen = can('performance:read')
  const quarters = useInfiniteQuery({ ...quartersQuery, enabled: isOpen })
  if (!isOpen) return <LockedPane what="Quarterly plans" scope="performance:read" />
  return (
    <>
      <PageHead
        title="Quarterly plans"
        subtitle="From what is to be won back to the deals, pipeline, leads and spend that it needs, by rates that were measured. Each change makes a version; none is lost."
        actions={<NewPlanButton />}
      />
      <Panel title="Quarters" hint="The latest first, each by its newest version." flush>
        <PagedTable<Version>
          query={quarters}
          caption="Quarters with a plan, the latest first"
          what="quarters"
          columns={columns}
          rowKey={({ quarter }) => quarter}
          empty={
            <EmptyState title="No quarter is planned yet" action={<NewPlanButton />}>
              Say what is to be won, by channel or in all. What it needs is worked out from your own
              leads and deals, with how sure that is.
            </EmptyState>
          }
        />
      </Panel>
    </>
  )
}

const unknown = (value: number | null) => (value === null ? 'Not known' : formatCount(value))

const columns: Column<Version>[] = [
  {
    title: 'Quarter',
    isHeader: true,
    cell: ({ quarter }) => (
      <Link to="/reports/plans/$quarter" params={{ quarter }} data-row-link>
        {nameOfQuarter(quarter)}
      </Link>
    ),
  },
  {
    title: 'Target',
    align: 'end',
    hint: 'To be won in the quarter',
    cell: ({ total, currency }) => <Amount minor={total.targetMinor} currency={currency} />,
  },
  {
    title: 'Pipeline',
    align: 'end',
    hint: 'To be opened so that the target is won at the measured rates',
    cell: ({ total, currency }) => (
      <Amount minor={total.pipelineMinor} currency={currency} none="Not known" />
    ),
  },
  { title: 'Leads', align: 'end', cell: ({ total }) => unknown(total.leads) },
  {
    title: 'Spend',
    align: 'end',
    cell: ({ total, currency }) => (
      <Amount minor={total.spendMinor} currency={currency} none="Not known" />
    ),
  },
  { title: 'Version', align: 'end', cell: ({ version }) => formatCount(version) },
  {
    title: 'Changed',
    cell: ({ createdAt, createdBy }) => (
      <>
        <Moment at={createdAt} />{' '}
        <span className={text.soft}>
          <OwnerName owner={createdBy} verb="by" />
        </span>
      </>
    ),
  },
]
