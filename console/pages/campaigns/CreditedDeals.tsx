import { Skeleton } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useEffect } from 'react'
import { formatCount, formatDay, formatShare } from '#console/format.ts'
import { describeRule } from '#console/lens.ts'
import {
  creditsExport,
  creditsQuery,
  type CreditFilter,
  type CreditRow,
} from '#console/pages/campaigns/campaign.queries.ts'
import { DealName, useDealNames } from '#console/pages/campaigns/DealName.tsx'
import { FigureLineageLink } from '#console/pages/lineage/FigureLineageLink.tsx'
import { useSession } from '#console/session.ts'
import { Amount } from '#console/ui/Amount.tsx'
import { EmptyState } from '#console/ui/EmptyState.tsx'
import { NotRead, Problem } from '#console/ui/ErrorPane.tsx'
import { ExportMenu } from '#console/ui/ExportMenu.tsx'
import { MoreRows } from '#console/ui/MoreRows.tsx'
import { Table, type Column } from '#console/ui/Table.tsx'
import classes from './Receipt.module.css'

interface DealLine {
  opportunityId: string
  closedAt: Date
  creditedMinor: number
  share: number
  touches: number
}

/** The deals behind a credited amount. Their sum is shown next to the figure that was opened. */
export function CreditedDeals({
  filter,
  openedMinor: opened,
}: {
  filter: CreditFilter
  /** The figure that was opened. */
  openedMinor: number
}) {
  const { timeZone } = useSession()
  const { names, error } = useDealNames(filter)
  const { currency } = filter
  const credits = useInfiniteQuery(creditsQuery(filter))
  useAllPages(credits)
  if (credits.isError) return <Problem error={credits.error} />
  const total = credits.data?.pages[0]?.total
  if (!credits.data || !total) return <Skeleton height={320} />
  const lines = credits.data.pages.flatMap(({ data }) => data)
  const deals = groupByDeal(lines)
  const sumMinor = deals.reduce((sum, deal) => sum + deal.creditedMinor, 0)
  return (
    <>
      <NotRead what="The names of deals" error={error} />
      <div className={classes.head}>
        <div>
          <p className={classes.amount}>
            <Amount minor={opened} currency={currency} exact />
          </p>
          <p className={classes.rule}>
            {describeRule(filter)} <FigureLineageLink filter={filter} />
          </p>
        </div>
        <ExportMenu {...creditsExport(filter)} />
      </div>
      <div className={classes.table}>
        <Table
          caption="Deals with credit in this figure"
          rows={deals}
          columns={columnsOf(currency, timeZone, names)}
          rowKey={(deal) => deal.opportunityId}
          empty={
            <EmptyState title="No deal has credit here">
              Under this model and window no won deal has credit in this figure.
            </EmptyState>
          }
          {...(deals.length > 0 && !credits.hasNextPage
            ? {
                foot: [
                  `Sum of ${formatCount(deals.length)} deals`,
                  '',
                  '',
                  '',
                  <Amount key="sum" minor={sumMinor} currency={currency} exact />,
                ],
              }
            : {})}
        />
        <MoreRows
          count={deals.length}
          what="deals"
          hasNextPage={credits.hasNextPage}
          isFetchingNextPage={credits.isFetchingNextPage}
          fetchNextPage={credits.fetchNextPage}
        />
      </div>
      <output className={classes.check}>
        {credits.hasNextPage
          ? `The ledger has ${formatCount(total.lines)} lines for ${formatCount(total.n)} deals; their sum follows as they are read.`
          : sumMinor === opened
            ? '✓ The deals sum to the figure, to the cent.'
            : 'The figure was read at another moment than the deals: close the receipt and open it again.'}
      </output>
    </>
  )
}

/** More than this is read only on request; the CSV has all of it in any case. */
const MOST_PAGES = 10

/** Reads on by itself, so that the sum is that of all deals. */
function useAllPages({
  data,
  hasNextPage,
  isFetching,
  fetchNextPage,
}: {
  data: { pages: readonly unknown[] } | undefined
  hasNextPage: boolean
  isFetching: boolean
  fetchNextPage: () => Promise<unknown>
}): void {
  const pages = data?.pages.length ?? 0
  useEffect(() => {
    if (hasNextPage && !isFetching && pages < MOST_PAGES) void fetchNextPage()
  }, [hasNextPage, isFetching, pages, fetchNextPage])
}

/** Lines come in the order of deals; a deal may be cut by the end of a page and goes on in the next. */
function groupByDeal(lines: readonly CreditRow[]): DealLine[] {
  return [...Map.groupBy(lines, ({ opportunityId }) => opportunityId)].map(
    ([opportunityId, own]) => ({
      opportunityId,
      closedAt: own[0]?.closedAt ?? new Date(0),
      creditedMinor: own.reduce((sum, line) => sum + line.creditedMinor, 0),
      share: own.reduce((sum, line) => sum + line.share, 0),
      touches: own.length,
    }),
  )
}

function columnsOf(
  currency: string,
  timeZone: string,
  names: ReadonlyMap<string, string>,
): Column<DealLine>[] {
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
      title: 'Touches',
      align: 'end',
      hint: 'Touches of this figure that have credit of the deal',
      cell: ({ touches }) => touches,
    },
    {
      title: 'Share',
      align: 'end',
      hint: 'Of the deal, under the chosen model',
      cell: ({ share }) => formatShare(share),
    },
    {
      title: 'Credited',
      align: 'end',
      cell: ({ creditedMinor }) => <Amount minor={creditedMinor} currency={currency} exact />,
    },
  ]
}
