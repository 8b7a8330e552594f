import { Skeleton } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { formatCount, formatExact } from '#console/format.ts'
import {
  wonDealsExport,
  wonDealsQuery,
  type LedgerDealFilter,
} from '#console/pages/campaigns/campaign.queries.ts'
import { useDealNames } from '#console/pages/campaigns/DealName.tsx'
import classes from '#console/pages/campaigns/Receipt.module.css'
import { dealColumnsOf } from '#console/pages/campaigns/UncreditedDeals.tsx'
import { useSession } from '#console/session.ts'
import { Amount } from '#console/ui/Amount.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { NotRead, Problem } from '#console/ui/ErrorPane.tsx'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { MoreRows } from '#console/ui/MoreRows.tsx'
import { Table } from '#console/ui/Table.tsx'

/** The deals behind an amount that was won. */
export function WonDeals({
  filter,
  openedMinor,
}: {
  filter: LedgerDealFilter
  /** The figure that was opened. */
  openedMinor: number
}) {
  const { timeZone } = useSession()
  const { names, error } = useDealNames(filter)
  const { currency } = filter
  const deals = useInfiniteQuery(wonDealsQuery(filter))
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
            <Amount minor={openedMinor} currency={currency} exact />
          </p>
          <p className={classes.rule}>{formatCount(total.deals)} deals, the newest close first</p>
        </div>
        <ExportMenu {...wonDealsExport(filter)} />
      </div>
      <div className={classes.table}>
        <Table
          caption="Deals won in the week"
          rows={rows}
          columns={dealColumnsOf(timeZone, names)}
          rowKey={(row) => row.opportunityId}
          empty={<EmptyState title="No deal was won in this week" />}
        />
        <MoreRows
          count={rows.length}
          what="deals"
          hasNextPage={deals.hasNextPage}
          isFetchingNextPage={deals.isFetchingNextPage}
          fetchNextPage={deals.fetchNextPage}
        />
      </div>
      <output className={classes.check}>
        {total.amountMinor === openedMinor
          ? '✓ The deals sum to the figure, to the cent.'
          : `The deals sum to ${currency} ${formatExact(total.amountMinor, currency)}: the ledger had not taken up every change yet when the report was made.`}
      </output>
    </>
  )
}
