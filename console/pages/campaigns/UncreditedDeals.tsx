import { Skeleton } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { formatCount, formatDay } from '#console/format.ts'
import { windowLabel } from '#console/lens.ts'
import {
  uncreditedExport,
  uncreditedQuery,
  type DealRow,
  type LedgerDealFilter,
} from '#console/pages/campaigns/campaign.queries.ts'
import { DealName, useDealNames } from '#console/pages/campaigns/DealName.tsx'
import { useSession } from '#console/session.ts'
import { Amount } from '#console/ui/Amount.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { NotRead, Problem } from '#console/ui/ErrorPane.tsx'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { MoreRows } from '#console/ui/MoreRows.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import classes from './Receipt.module.css'

/** What was won without any touch in the window: shown, never spread over campaigns. */
export function UncreditedDeals({ filter }: { filter: LedgerDealFilter }) {
  const { timeZone } = useSession()
  const { names, error } = useDealNames(filter)
  const { currency } = filter
  const deals = useInfiniteQuery(uncreditedQuery(filter))
  if (deals.isError) return <Problem error={deals.error} />
  const total = deals.data?.pages[0]?.total
  if (!deals.data || !total) return <Skeleton height={320} />
  const rows = deals.data.pages.flatMap(({ data }) => data)
  return (
    <>
      <NotRead what="The names of deals" error={error} />
      <div className={classes.head}>
        <div>
          <p className={classes.amount}>
            <Amount minor={total.amountMinor} currency={currency} exact />
          </p>
          <p className={classes.rule}>
            {formatCount(total.deals)} deals whose people had no touch within{' '}
            {windowLabel(filter.window).toLowerCase()} before the close
          </p>
        </div>
        <ExportMenu {...uncreditedExport(filter)} />
      </div>
      <div className={classes.table}>
        <Table
          caption="Won deals without a touch in the window"
          rows={rows}
          columns={dealColumnsOf(timeZone, names)}
          rowKey={(row) => row.opportunityId}
          empty={<EmptyState title="Every won deal has a touch in the window" />}
        />
        <MoreRows
          count={rows.length}
          what="deals"
          hasNextPage={deals.hasNextPage}
          isFetchingNextPage={deals.isFetchingNextPage}
          fetchNextPage={deals.fetchNextPage}
        />
      </div>
    </>
  )
}

/** A won deal with its amount; its name opens its touches. */
export function dealColumnsOf(
  timeZone: string,
  names: ReadonlyMap<string, string>,
): Column<DealRow>[] {
  return [
    {
      title: 'Deal',
      isHeader: true,
      cell: ({ opportunityId }) => (
        <Link
          to="."
          search={(search) => ({ ...search, deal: opportunityId })}
          resetScroll={false}
          data-row-link
        >
          <DealName id={opportunityId} name={names.get(opportunityId)} />
        </Link>
      ),
    },
    { title: 'Closed', cell: ({ closedAt }) => formatDay(closedAt, timeZone) },
    {
      title: 'Amount',
      align: 'end',
      cell: ({ amountMinor, hasAmount, currency }) =>
        hasAmount ? <Amount minor={amountMinor} currency={currency} exact /> : 'None in the CRM',
    },
  ]
}
