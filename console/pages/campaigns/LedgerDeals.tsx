import { Skeleton } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { formatDay } from '#console/format.ts'
import {
  ledgerDealsExport,
  ledgerDealsQuery,
  type DealRow,
  type LedgerDealFields,
  type LedgerDealTotal,
} from '#console/pages/campaigns/campaign.queries.ts'
import { DealName, useDealNames } from '#console/pages/campaigns/DealName.tsx'
import { useSession } from '#console/session.ts'
import { Amount } from '#console/ui/Amount.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { NotRead, Problem } from '#console/ui/ErrorPane.tsx'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { PagedTable } from '#console/ui/PagedTable.tsx'
import type { Column } from '#console/ui/Table.tsx'
import classes from './Receipt.module.css'

/** Won deals of the ledger behind a figure, with their sum; each opens to its touches. */
export function LedgerDeals({
  fields,
  openedMinor,
  caption,
  describe,
  check,
  empty,
}: {
  fields: LedgerDealFields
  /** The figure that was opened; what the deals sum to unless given. */
  openedMinor?: number
  caption: string
  describe: (total: LedgerDealTotal) => string
  /** What the sum says of the figure. */
  check?: (total: LedgerDealTotal) => string
  empty: string
}) {
  const { timeZone } = useSession()
  const { names, error } = useDealNames(fields)
  const deals = useInfiniteQuery(ledgerDealsQuery(fields))
  if (deals.isError) return <Problem error={deals.error} />
  const total = deals.data?.pages[0]?.total
  if (!total) return <Skeleton height={320} />
  return (
    <>
      <NotRead what="The names of deals" error={error} />
      <div className={classes.head}>
        <div>
          <p className={classes.amount}>
            <Amount minor={openedMinor ?? total.amountMinor} currency={fields.currency} exact />
          </p>
          <p className={classes.rule}>{describe(total)}</p>
        </div>
        <ExportMenu {...ledgerDealsExport(fields)} />
      </div>
      <div className={classes.table}>
        <PagedTable<DealRow>
          query={deals}
          caption={caption}
          what="deals"
          columns={columnsOf(timeZone, names)}
          rowKey={(row) => row.opportunityId}
          empty={<EmptyState title={empty} />}
        />
      </div>
      {check && <output className={classes.check}>{check(total)}</output>}
    </>
  )
}

function columnsOf(timeZone: string, names: ReadonlyMap<string, string>): Column<DealRow>[] {
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
